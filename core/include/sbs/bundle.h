/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file bundle.h
 * Bundles that a server answers with (R4 bundle.html): what became of each entry of a batch, and what a search found.
 */
#ifndef SBS_BUNDLE_H
#define SBS_BUNDLE_H

#include "sbs/json.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One answered entry of a batch or transaction. */
typedef struct sbs_bundle_answer {
    unsigned status; /**< of response.status: a number, or text that begins with one (blanks around it are skipped), or
                        the words Created, OK and No Content; 0 if missing or anything else */
    sbs_text location;      /**< raw response.location, absent if none */
    sbs_json_node place;    /**< the same as a node, or SBS_JSON_NONE, as for those that follow */
    sbs_json_node etag;     /**< response.etag */
    sbs_json_node outcome;  /**< response.outcome */
    sbs_json_node resource; /**< the resource beside the response */
} sbs_bundle_answer;

/** The first answered entry of a parsed Bundle (SBS_JSON_NONE in @p out_node if it has none). SBS_ERR_RESPONSE if the
 * document is no Bundle of type batch-response or transaction-response. Go on with sbs_json_next(). */
SBS_NODISCARD sbs_status sbs_bundle_first_answer(const sbs_json *doc, sbs_json_node *out_node);

/** Reads one answered entry. SBS_ERR_RESPONSE if it has no response. */
SBS_NODISCARD sbs_status sbs_bundle_answer_read(const sbs_json *doc, sbs_json_node node, sbs_bundle_answer *out);

/**
 * The first match of a search, and its entry: both SBS_JSON_NONE if nothing matched. What was included beside the
 * matches, and what the server says about the search (OperationOutcome), is passed over. SBS_ERR_RESPONSE if the
 * document is no Bundle of type searchset.
 */
SBS_NODISCARD sbs_status sbs_bundle_first_match(const sbs_json *doc, sbs_json_node *out_entry,
                                                sbs_json_node *out_resource);

/** The entry of the next match behind @p entry, and its resource; both SBS_JSON_NONE after the last. */
sbs_json_node sbs_bundle_next_match(const sbs_json *doc, sbs_json_node entry, sbs_json_node *out_resource);

/** The URL of the next page of a search, a string that may be escaped (sbs_json_text()); SBS_JSON_NONE if this page is
 *  the last. */
sbs_json_node sbs_bundle_next_page(const sbs_json *doc);

#ifdef __cplusplus
}
#endif
#endif
