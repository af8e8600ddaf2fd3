/* SPDX-License-Identifier: Apache-2.0 */
/** @file resource.h A FHIR resource as it is pushed: what names it, and its text with another `id` or identifier. */
#ifndef SBS_CLI_RESOURCE_H
#define SBS_CLI_RESOURCE_H

#include "io.h"
#include "json_input.h"
#include "sbs/outcome.h"

/** Zero-initialise. The text stays the caller's. */
typedef struct cli_resource {
    sbs_text text;
    char type[SBS_FHIR_ID_MAX + 1];
    char id[SBS_FHIR_ID_MAX + 1]; /**< own id, "" if it has none that is valid */
    cli_buffer system, value;     /**< of the first identifier with a value; empty: none */
    bool has_identifier;          /**< the member stands there, with a value or not */
    uint32_t lane;                /**< the same for all resources of one device, else of one subject; 0: neither */
    size_t fault_at;              /**< of text that is not valid JSON: offset of the fault */
    size_t id_start, id_end;      /**< bytes of the member `id`, name and value; equal: there is none */
    size_t members_start;         /**< just after the '{' */
} cli_resource;

/** Reads @p text. NULL, or why it is refused: a static sentence. */
const char *cli_resource_read(cli_resource *resource, sbs_text text);
void cli_resource_free(cli_resource *resource);

/** Writes the text with @p id as its `id`, or without one if @p id is NULL; every other byte as it was. */
void cli_resource_put(const cli_resource *resource, const char *id, sbs_writer *out);
/** Writes the text with this identifier added; only for one that has none. Neither part may need escaping in JSON. */
void cli_resource_put_identified(const cli_resource *resource, const char *system, sbs_text value, sbs_writer *out);

/** Writes text of a file's: no control character of it may look like a column or a line. */
void cli_put_clean(sbs_writer *out, sbs_text text);
/** Writes what names the resource in a listing: identifier, else type and id, else @p path and @p line. */
void cli_resource_put_name(const cli_resource *resource, const char *path, size_t line, sbs_writer *out);

#endif
