/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file confirm.h
 * What confirms that a server stored what was written: one rule, for the answer to a single request and for an entry of
 * an answered batch (R4 http.html, create, update and batch; RFC 9110 section 15.3).
 *
 * 201 confirms. 200 and 204 confirm unless something beside them says otherwise: a Location or id of another resource,
 * an OperationOutcome with an error, a body that is no resource of the type written (a page, a login, another type). A
 * body that could not be read (too large, coded) leaves it to the Location. No other status confirms anything: 202 is
 * noncommittal (RFC 9110 section 15.3.3), and 203, 205, 206, 207, 226 answer no write.
 */
#ifndef SBS_CONFIRM_H
#define SBS_CONFIRM_H

#include "sbs/outcome.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Words for a success that is none. */
#define SBS_CONFIRM_STATUS "this status confirms nothing"
#define SBS_CONFIRM_BODY "the body does not confirm it"

/** What was written. Spans stay the caller's. */
typedef struct sbs_written {
    sbs_text type;   /**< resource type, as "Observation"; absent, for a Location: any */
    sbs_text id;     /**< of an update; absent: the server chooses it */
    sbs_text system; /**< of the identifier that If-None-Exist asked for; absent: any */
    sbs_text value;  /**< of the same; absent: a resource found is not compared */
} sbs_written;

/** What a Location says. */
typedef enum sbs_location_fit {
    SBS_LOCATION_NONE, /**< there is none */
    SBS_LOCATION_FITS, /**< it names the type written and, for an update, the id */
    SBS_LOCATION_OTHER /**< it names another resource, or none at all */
} sbs_location_fit;

/** What came with a status. */
typedef enum sbs_body_kind {
    SBS_BODY_NONE,  /**< nothing, or blanks; for an entry: neither a resource nor an outcome */
    SBS_BODY_JSON,  /**< JSON, checked */
    SBS_BODY_OTHER, /**< something that is no JSON */
    SBS_BODY_UNREAD /**< there is one, and it could not be read: too large, coded */
} sbs_body_kind;

/** The answer to one write. */
typedef struct sbs_answered {
    unsigned status; /**< HTTP status, of an entry that of entry.response.status */
    sbs_location_fit location;
    sbs_body_kind body;
    const sbs_flat *doc;    /**< of SBS_BODY_JSON */
    sbs_json_node resource; /**< the body, or entry.resource; may be an OperationOutcome; SBS_JSON_NONE: none */
    sbs_json_node outcome;  /**< entry.response.outcome; SBS_JSON_NONE: none */
} sbs_answered;

/**
 * What a Location value (absolute or relative, JSON escapes undone) says about @p written. An absent or empty one is
 * SBS_LOCATION_NONE. @p out_id: the id that the server gave, a span of @p location; absent unless it fits.
 */
sbs_location_fit sbs_location_judge(sbs_text location, const sbs_written *written, sbs_text *out_id);

/**
 * The rule. SBS_OK: the server holds what was written. SBS_ERR_RESPONSE: nothing says so, and nothing says that it does
 * not: the outcome is unknown. SBS_ERR_AMBIGUOUS: a conditional create was answered with a resource that has another
 * identifier; nothing was stored.
 * @p out_why (may be NULL): on an error a few plain words, static; "" where the server's own words tell it (an
 * OperationOutcome, see sbs_words_read).
 */
SBS_NODISCARD sbs_status sbs_confirm(const sbs_written *written, const sbs_answered *answered, const char **out_why);

#ifdef __cplusplus
}
#endif
#endif
