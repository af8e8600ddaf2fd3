/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file forward_statement.h
 * What a CapabilityStatement (R4 capabilitystatement.html) says of writing: read from the document once, which may have
 * megabytes, and kept in some kilobytes.
 */
#ifndef SBS_FORWARD_STATEMENT_H
#define SBS_FORWARD_STATEMENT_H

#include "sbs/forward_buffer.h"
#include "sbs/outcome.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_FORWARD_TYPES_MAX 1024u  /**< resource types that are kept; R4 has 148 */
#define SBS_FORWARD_RELEASE_SIZE 33u /**< bytes of a release's name that are kept, with the NUL */

/** A type that it names. */
typedef struct sbs_forward_type {
    char name[SBS_FHIR_ID_MAX + 1];
    sbs_capability can; /**< its members batch and transaction are those of the system */
} sbs_forward_type;

/** Zero-initialise. */
typedef struct sbs_forward_statement {
    char release[SBS_FORWARD_RELEASE_SIZE]; /**< of FHIR as it states it, "" if it states none */
    unsigned major;                         /**< the number before its first '.' */
    sbs_capability system;                  /**< its members batch and transaction alone count */
    struct {
        sbs_forward_type *types;
        size_t count, size;
        size_t last; /* found last */
    } priv;
} sbs_forward_statement;

/** Reads a document in place of what was known. SBS_OK; SBS_ERR_RESPONSE: it is no CapabilityStatement of a server;
 * SBS_ERR_MEMORY. After an error nothing is known; the release is, where the document is a statement at all. */
SBS_NODISCARD sbs_status sbs_forward_statement_read(sbs_forward_statement *statement, const sbs_json *doc);

/** What it says of a type, all false where it does not name it. */
sbs_capability sbs_forward_statement_of(sbs_forward_statement *statement, const char *type);

/** True if it states for any type that a repeat of its writing does no harm. */
bool sbs_forward_statement_is_safe(const sbs_forward_statement *statement);

/** Adds a type, unless it is there. SBS_ERR_MEMORY; SBS_ERR_ARGUMENT: no name of a type; SBS_ERR_BUFFER: too many. */
SBS_NODISCARD sbs_status sbs_forward_statement_add(sbs_forward_statement *statement, sbs_text name,
                                                   const sbs_capability *can);
/** The types in their order, NULL behind the last. */
const sbs_forward_type *sbs_forward_statement_at(const sbs_forward_statement *statement, size_t index);

/** Takes what @p from knows; SBS_ERR_MEMORY. */
SBS_NODISCARD sbs_status sbs_forward_statement_copy(sbs_forward_statement *to, const sbs_forward_statement *from);

/** Legal after zero-initialisation, and twice. */
void sbs_forward_statement_free(sbs_forward_statement *statement);

#ifdef __cplusplus
}
#endif
#endif
