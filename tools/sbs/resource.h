/* SPDX-License-Identifier: Apache-2.0 */
/** @file resource.h A FHIR resource as it is pushed: what names it, and its text with another `id` or none. */
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
    size_t id_start, id_end;      /**< bytes of the member `id`, name and value; equal: there is none */
    size_t members_start;         /**< just after the '{' */
} cli_resource;

/** Reads @p text. NULL, or why it is refused: a static sentence. */
const char *cli_resource_read(cli_resource *resource, sbs_text text);
void cli_resource_free(cli_resource *resource);

/** Writes the text with @p id as its `id`, or without one if @p id is NULL; every other byte as it was. */
sbs_status cli_resource_put(const cli_resource *resource, const char *id, cli_buffer *out);

#endif
