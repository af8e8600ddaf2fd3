/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file outcome.h
 * What a FHIR server says about a request, and about itself: OperationOutcome and CapabilityStatement (R4).
 */
#ifndef SBS_OUTCOME_H
#define SBS_OUTCOME_H

#include "sbs/bundle.h"
#include "sbs/fhir.h"
#include "sbs/flat.h"
#include "sbs/location.h"
#include "sbs/retry.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Reads an OperationOutcome, an object of a checked document: severity, code, first expression and words (diagnostics,
 * else details.text, else the first details.coding.display) of its first error issue (else of its first) as one
 * sanitised line `error invalid at Observation.status: ...` with a NUL.
 * @p out_transient: the code hints at a retry (transient, throttled, lock-error, timeout, exception).
 * SBS_ERR_NOT_FOUND if @p outcome is no OperationOutcome.
 */
SBS_NODISCARD sbs_status sbs_outcome_read(const sbs_flat *doc, sbs_json_node outcome, char *out_text, size_t size,
                                          bool *out_transient);

/** What the issue of an OperationOutcome that counts hints at, by its code (R4 IssueType): whose fault it is, in the
 *  numbers of sbs_fault, and whether it is for want of a valid token. */
typedef enum sbs_outcome_hint {
    SBS_HINT_NONE = SBS_FAULT_NONE,
    SBS_HINT_ACCESS = SBS_FAULT_ACCESS,    /**< security, forbidden, suppressed: about rights, and not about the item */
    SBS_HINT_LATER = SBS_FAULT_SERVER,     /**< the codes of out_transient above */
    SBS_HINT_TOKEN = SBS_FAULT_ACCESS | 16 /**< login, expired: a new token may help */
} sbs_outcome_hint;

/** Whose fault it is. */
static inline sbs_fault sbs_hint_fault(sbs_outcome_hint hint) {
    return (sbs_fault)((unsigned)hint & 15u);
}

/** The hint of an OperationOutcome; SBS_HINT_NONE if it is none. */
sbs_outcome_hint sbs_outcome_hint_of(const sbs_flat *doc, sbs_json_node outcome);

/** What a body is that begins with '<'. */
typedef enum sbs_xml_kind {
    SBS_XML_PAGE,   /**< of the web: its root is html, or it has neither a declaration nor a name space */
    SBS_XML_OTHER,  /**< other XML */
    SBS_XML_OUTCOME /**< an OperationOutcome: the server's own word */
} sbs_xml_kind;

/**
 * Finds words in a body that is XML although JSON was asked for, as one sanitised line with a NUL: those of the first
 * diagnostics of an OperationOutcome, else a sentence that says so. Cut to @p size, which is at least 1.
 * A web page has none: nothing is written.
 */
sbs_xml_kind sbs_xml_words_read(sbs_text body, char *out_text, size_t size);

/**
 * Finds what a server said in any JSON that came with an error, as one sanitised line with a NUL: an OperationOutcome
 * (also one inside entry.resource) with its further errors, else the members that problem details (RFC 9457), OAuth
 * and common gateways use (error, title, message, error_description, detail, validationErrors, errors; `error` also as
 * an object with a message), else the JSON itself. Cut to @p size, which is at least 1: it is for people to read.
 * @p out_transient: as sbs_outcome_read. SBS_ERR_NOT_FOUND, and an empty line, if the document says nothing.
 */
SBS_NODISCARD sbs_status sbs_words_read(const sbs_flat *doc, char *out_text, size_t size, bool *out_transient);

/** The first issue of an OperationOutcome that has the severity error or fatal; SBS_JSON_NONE if there is none. */
sbs_json_node sbs_outcome_error(const sbs_flat *doc, sbs_json_node outcome);

/** What a server's CapabilityStatement says of one resource type (R4 CapabilityStatement.rest.resource). */
typedef struct sbs_capability {
    bool create, update, update_create, conditional_create, batch, transaction;
} sbs_capability;

/** Reads what a CapabilityStatement says of @p type in its server-mode rest entry. SBS_ERR_RESPONSE if it is none. */
SBS_NODISCARD sbs_status sbs_capability_read(const sbs_json *doc, const char *type, sbs_capability *out);

/** The first of the resource types that its server-mode rest entry names, the others behind it (sbs_json_next());
 *  SBS_JSON_NONE if it names none. */
sbs_json_node sbs_capability_first_type(const sbs_json *doc);

/** Reads one of them: its name as it stands, absent if it has none, and what it says of it; the members batch and
 *  transaction of @p out stay as they are. */
void sbs_capability_read_type(const sbs_json *doc, sbs_json_node type, sbs_text *out_name, sbs_capability *out);

/** The release of FHIR that a CapabilityStatement or a Conformance (DSTU2) states: "4.0.1" as it stands; absent if it
 *  states none. @p out_major: the number before the first '.', 0 if there is none: 1 is DSTU2, 3 STU3, 4 R4 ("4.0.1")
 *  and R4B ("4.1.0", "4.3.0"), 5 R5. SBS_ERR_RESPONSE if the document is neither. */
SBS_NODISCARD sbs_status sbs_capability_version(const sbs_json *doc, sbs_text *out_text, unsigned *out_major);

/** The value of the token URL in the oauth-uris extension of a CapabilityStatement's server-mode rest.security (SMART
 *  App Launch 1.0, conformance): a string, still escaped (sbs_json_text); SBS_JSON_NONE if there is none. */
sbs_json_node sbs_capability_token_url(const sbs_json *doc);

#ifdef __cplusplus
}
#endif
#endif
