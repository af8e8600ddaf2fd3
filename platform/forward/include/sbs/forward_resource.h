/* SPDX-License-Identifier: Apache-2.0 */
/** @file forward_resource.h A FHIR resource as it is pushed: what names it, and its text with another `id` or
 * identifier. */
#ifndef SBS_FORWARD_RESOURCE_H
#define SBS_FORWARD_RESOURCE_H

#include "sbs/forward_buffer.h"
#include "sbs/outcome.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const char SBS_FORWARD_OUT_OF_MEMORY[]; /**< compared by its address */
extern const char SBS_FORWARD_NO_OBJECT[];     /**< the same: valid JSON, but another value than an object */

#define SBS_FORWARD_HASH_SIZE 20u /**< bytes of a hash: the first 160 bits of SHA-256 */

/** System of the identifiers that a gateway gives to what its devices hand to it, a UUID made for it (RFC 4122). The
 * value is "GATEWAY/DEVICE/HASH": no device can name a measurement of another one. */
#define SBS_FORWARD_SYSTEM_GATEWAY "urn:uuid:8bbb00c7-ba88-4260-a960-14206b12d528"

/** In sbs_queue_meta.format beside the rule: the resource has no time of its own, and gets that of its arrival. */
#define SBS_FORWARD_UNDATED 0x100u
#define SBS_FORWARD_RULE_MASK 0xFFu /**< of the rule */

/** Which of an item's parts its id for PUT derives from; stored with the item as sbs_queue_meta.format. */
typedef enum sbs_forward_rule {
    SBS_FORWARD_BY_IDENTIFIER = 0, /**< the identifier alone: made here, of the PHD guide, or without a subject */
    SBS_FORWARD_BY_SUBJECT = 1     /**< identifier and subject: one from outside may be used for two patients */
} sbs_forward_rule;

/** Zero-initialise. The text stays the caller's. */
typedef struct sbs_forward_resource {
    sbs_text text;
    char type[SBS_FHIR_ID_MAX + 1];
    char id[SBS_FHIR_ID_MAX + 1];     /**< own id, "" if it has none that is valid */
    sbs_forward_buffer system, value; /**< of the first identifier with a value; empty: none */
    sbs_forward_buffer subject;       /**< of whom it tells: the reference without base and _history, else
                                           "system|value" of its identifier; empty: nobody */
    bool has_identifier;              /**< the member stands there, with a value or not */
    uint32_t lane;                    /**< the same for all resources of one device, else of one subject; 0: neither */
    size_t fault_at;                  /**< of text that is not valid JSON: offset of the fault */
    size_t id_start, id_end;          /**< bytes of the member `id`, name and value; equal: there is none */
    size_t members_start;             /**< just after the '{' */
} sbs_forward_resource;

/** Reads @p text. NULL, or why it is refused: a static sentence; SBS_FORWARD_OUT_OF_MEMORY says nothing of the text. */
const char *sbs_forward_resource_read(sbs_forward_resource *resource, sbs_text text);
/** The same of a text that was parsed already: @p doc is it, and @p text has no mark of the byte order. */
const char *sbs_forward_resource_read_parsed(sbs_forward_resource *resource, const sbs_json *doc, sbs_text text);
/** Legal after zero-initialisation and after a failed reading. */
void sbs_forward_resource_free(sbs_forward_resource *resource);

/** Writes the text with @p id as its `id`, or without one if @p id is NULL; every other byte as it was. */
void sbs_forward_resource_put(const sbs_forward_resource *resource, const char *id, sbs_writer *out);
/** Writes the text with an identifier of @p system and @p value added; only for one that has none. Neither part may
 * need escaping in JSON. */
void sbs_forward_resource_put_identified(const sbs_forward_resource *resource, const char *system, sbs_text value,
                                         sbs_writer *out);

/** True if system or value begin or end with a blank: servers cut those off, and find another one. */
bool sbs_forward_resource_has_loose_blanks(const sbs_forward_resource *resource);
/** The rule for one that comes from outside. */
sbs_forward_rule sbs_forward_resource_rule(const sbs_forward_resource *resource);
/** Hashes type and identifier. SBS_ERR_CRYPTO. */
sbs_status sbs_forward_resource_identity(const sbs_forward_resource *resource, uint8_t out[SBS_FORWARD_HASH_SIZE]);
/** Hashes a JSON text but for the white space outside its strings. SBS_ERR_CRYPTO. */
sbs_status sbs_forward_content_hash(sbs_text text, uint8_t out[SBS_FORWARD_HASH_SIZE]);

/** What a person recognises a measurement by; each "" if it is not there. One line each. */
typedef struct sbs_forward_measured {
    char time[40];  /**< effectiveDateTime, start of effectivePeriod, effectiveInstant or issued, as it stands there */
    char value[64]; /**< of an Observation, with its unit; shortened */
    char code[64];  /**< text, display or code of `code`; shortened */
} sbs_forward_measured;

/** Reads them off a resource's text; all "" if it cannot be read. */
void sbs_forward_measured_read(sbs_text text, sbs_forward_measured *out);

/** Writes text of a file's: no control character of it, nor one that turns the direction of writing, may look like a
 * column or a line. What is no UTF-8 is replaced, too. */
void sbs_forward_put_clean(sbs_writer *out, sbs_text text);
/** Writes what names the resource in a listing: identifier, else type and id, else @p path and @p line. */
void sbs_forward_resource_put_name(const sbs_forward_resource *resource, const char *path, size_t line,
                                   sbs_writer *out);

#ifdef __cplusplus
}
#endif
#endif
