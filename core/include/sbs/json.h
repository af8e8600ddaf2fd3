/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file json.h
 * A strict RFC 8259 reader over jsmn, and a bounded writer.
 *
 * The reader accepts exactly the grammar of RFC 8259 in valid UTF-8 (RFC 3629); a byte order mark before it is skipped
 * (RFC 8259 section 8.1). Nesting is bounded by SBS_JSON_DEPTH_MAX, values by the caller's tokens. It keeps pointers
 * into the caller's text, which must stay unchanged while the document is in use (except through
 * sbs_json_text_in_place).
 */
#ifndef SBS_JSON_H
#define SBS_JSON_H

#include "sbs/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Memory for one value or member name; its content is private. */
typedef struct sbs_json_token {
    int priv[5];
} sbs_json_token;

/** What a value is. */
typedef enum sbs_json_kind {
    SBS_JSON_OBJECT,
    SBS_JSON_ARRAY,
    SBS_JSON_STRING,
    SBS_JSON_NUMBER,
    SBS_JSON_TRUE,
    SBS_JSON_FALSE,
    SBS_JSON_NULL
} sbs_json_kind;

/** A parsed document: spans of the caller's text and tokens. */
typedef struct sbs_json {
    const char *text;
    size_t len;
    const sbs_json_token *tokens;
    size_t count;
} sbs_json;

/** A value of a document. The root is 0; SBS_JSON_NONE is "no value". */
typedef size_t sbs_json_node;
#define SBS_JSON_NONE SIZE_MAX

/**
 * Checks and tokenises one JSON text (any value may be the root, RFC 8259 section 2).
 * @param tokens   memory for @p capacity tokens: one for each value and each member name.
 * @param out_where (may be NULL) on SBS_ERR_JSON the byte offset of the fault.
 * @return SBS_OK, SBS_ERR_JSON (grammar or UTF-8), SBS_ERR_JSON_DEPTH, SBS_ERR_TOKENS, SBS_ERR_TOO_LARGE (> INT32_MAX).
 */
SBS_NODISCARD sbs_status sbs_json_parse(sbs_json *doc, const char *text, size_t len, sbs_json_token *tokens,
                                        size_t capacity, size_t *out_where);

/** The same, with the same errors, with any memory of @p size bytes for the tokens, which are aligned in it. */
SBS_NODISCARD sbs_status sbs_json_parse_with(sbs_json *doc, const char *text, size_t len, char *memory, size_t size);

/** The same, with the same errors, for a text that stands at the start of a buffer of @p size >= @p len bytes: its
 *  tokens go behind it. */
SBS_NODISCARD sbs_status sbs_json_parse_in(sbs_json *doc, char *buffer, size_t len, size_t size);

/** SBS_JSON_NULL for SBS_JSON_NONE, too. */
sbs_json_kind sbs_json_kind_of(const sbs_json *doc, sbs_json_node node);

/** The text of a value as it stands: numbers and literals whole, strings without their quotes and still escaped,
 *  objects and arrays with their brackets. */
sbs_text sbs_json_raw(const sbs_json *doc, sbs_json_node node);

/** First member value or element; SBS_JSON_NONE if empty or not a container. */
sbs_json_node sbs_json_first(const sbs_json *doc, sbs_json_node container);
/** The next sibling after @p node in the same container; SBS_JSON_NONE after the last, and after SBS_JSON_NONE. */
sbs_json_node sbs_json_next(const sbs_json *doc, sbs_json_node node);
/** True if the name of the member whose value is @p node equals @p name after unescaping. */
bool sbs_json_name_is(const sbs_json *doc, sbs_json_node node, const char *name);

/**
 * Finds the member @p name of @p object, names compared after unescaping.
 * SBS_OK; SBS_ERR_NOT_FOUND; SBS_ERR_DUPLICATE if it stands twice; SBS_ERR_JSON_TYPE if @p object is no object.
 */
SBS_NODISCARD sbs_status sbs_json_member(const sbs_json *doc, sbs_json_node object, const char *name,
                                         sbs_json_node *out_node);

/** The name of the member whose value is @p node, as it stands; absent if @p node is no member's value. */
sbs_text sbs_json_name(const sbs_json *doc, sbs_json_node node);

/** Compares a string value with @p string after unescaping; false for other kinds. */
bool sbs_json_equals(const sbs_json *doc, sbs_json_node node, const char *string);

/** The same for a span; an absent one is an empty one. False for SBS_JSON_NONE. */
bool sbs_json_is(const sbs_json *doc, sbs_json_node node, sbs_text text);

/**
 * Unescapes a string value into @p out (no NUL added). A lone surrogate escape and U+0000 are refused (SBS_ERR_FORMAT).
 * SBS_ERR_JSON_TYPE if no string; SBS_ERR_BUFFER with the needed size in @p out_len.
 */
SBS_NODISCARD sbs_status sbs_json_text(const sbs_json *doc, sbs_json_node node, char *out, size_t size,
                                       size_t *out_len);

/**
 * The same, unescaped where it stands in @p text (which must be the document's own, writable). Once for each value: its
 * escaped form is gone then. On an error nothing is changed and @p out is absent.
 */
SBS_NODISCARD sbs_status sbs_json_text_in_place(const sbs_json *doc, sbs_json_node node, char *text, sbs_text *out);

/** Bounded JSON writer on top of a text writer: commas and colons come by themselves. At most 31 levels. */
typedef struct sbs_json_writer {
    sbs_writer *out;
    uint32_t has_item; /**< bit per level: something was written there */
    uint32_t is_array; /**< bit per level: the level is an array */
    uint8_t depth;
    uint8_t indent; /**< level of the root, from 1, where each value has a line of its own; 0: no white space */
    bool after_key;
} sbs_json_writer;

/** Begins a JSON text at the end of what @p out holds. */
void sbs_json_writer_init(sbs_json_writer *json, sbs_writer *out);
/** Gives each member and element a line of its own, as Python's json.dumps(..., indent=2) does. Called before the first
 * value, which starts at level @p depth. */
void sbs_json_writer_indent(sbs_json_writer *json, unsigned depth);

/** Begins an object, as a value. */
void sbs_json_begin_object(sbs_json_writer *json);
/** Ends the object that was begun last. */
void sbs_json_end_object(sbs_json_writer *json);
/** Begins an array, as a value. */
void sbs_json_begin_array(sbs_json_writer *json);
/** Ends the array that was begun last. */
void sbs_json_end_array(sbs_json_writer *json);
/** Member name; must be followed by exactly one value. */
void sbs_json_key(sbs_json_writer *json, const char *name);
/** A string value, escaped minimally (RFC 8259 section 7: `"`, `\` and controls; `/` is not escaped). Invalid UTF-8 and
 *  U+0000 keep SBS_ERR_FORMAT. */
void sbs_json_put_text(sbs_json_writer *json, sbs_text text);
/** The same of a NUL-terminated string. */
void sbs_json_put_string(sbs_json_writer *json, const char *string);
/** An integer as a value. */
void sbs_json_put_uint(sbs_json_writer *json, uint64_t value);
/** The same with a sign. */
void sbs_json_put_int(sbs_json_writer *json, int64_t value);
/** A value that is JSON already (checked by whoever made it), for example a decimal. */
void sbs_json_put_raw(sbs_json_writer *json, sbs_text text);
/** Key and string in one; nothing is written if @p text is absent (FHIR and JWT have no empty members). */
void sbs_json_member_text(sbs_json_writer *json, const char *name, sbs_text text);
/** Misuse (unbalanced, key missing) keeps SBS_ERR_STATE in the writer. Returns the kept error. */
SBS_NODISCARD sbs_status sbs_json_writer_finish(sbs_json_writer *json, size_t *out_len);

#ifdef __cplusplus
}
#endif
#endif
