/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file flat.h
 * JSON read where it stands, without a tree: for answers of which a few members are wanted. The grammar is that of
 * sbs/json.h (RFC 8259 in UTF-8, nested at most SBS_JSON_DEPTH_MAX deep), checked as a whole before anything is read.
 *
 * It needs no memory but the text, however many values stand there. In return each look at a member reads its object
 * from the start: documents that are walked through have a tree (sbs/json.h).
 */
#ifndef SBS_FLAT_H
#define SBS_FLAT_H

#include "sbs/json.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A checked text, the caller's, from its root value on. A value is a place in it (sbs_json_node): the root is 0, and
 *  SBS_JSON_NONE is "no value". The text must stay as it is while values are looked for. */
typedef struct sbs_flat {
    const char *text;
    size_t len;
} sbs_flat;

/**
 * Checks one JSON text. A byte order mark before it is skipped.
 * @param text, len  the text and its length in bytes; it stays the caller's.
 * @return SBS_OK, SBS_ERR_JSON (grammar or UTF-8; an empty text), SBS_ERR_JSON_DEPTH.
 */
SBS_NODISCARD sbs_status sbs_flat_parse(sbs_flat *doc, const char *text, size_t len);

/** The same place of a document that has a tree: @p node of @p tree, whose text @p doc then is. */
sbs_json_node sbs_flat_of(sbs_flat *doc, const sbs_json *tree, sbs_json_node node);

/** SBS_JSON_NULL for SBS_JSON_NONE, too. */
sbs_json_kind sbs_flat_kind(const sbs_flat *doc, sbs_json_node node);

/** The text of a value as it stands: numbers and literals whole, strings without their quotes and still escaped,
 *  objects and arrays with their brackets. Absent for SBS_JSON_NONE. */
sbs_text sbs_flat_raw(const sbs_flat *doc, sbs_json_node node);

/** First member value or element; SBS_JSON_NONE if empty or not a container. */
sbs_json_node sbs_flat_first(const sbs_flat *doc, sbs_json_node container);
/** The next sibling after @p node in the same container; SBS_JSON_NONE after the last, and after SBS_JSON_NONE. */
sbs_json_node sbs_flat_next(const sbs_flat *doc, sbs_json_node node);

/**
 * Finds the member @p name of @p object, names compared after unescaping.
 * SBS_OK; SBS_ERR_NOT_FOUND; SBS_ERR_DUPLICATE if it stands twice; SBS_ERR_JSON_TYPE if @p object is no object.
 */
SBS_NODISCARD sbs_status sbs_flat_member(const sbs_flat *doc, sbs_json_node object, const char *name,
                                         sbs_json_node *out_node);

/** Compares a string value with @p text after unescaping; an absent one is an empty one. False for other kinds. */
bool sbs_flat_is(const sbs_flat *doc, sbs_json_node node, sbs_text text);

/**
 * Unescapes a string value into @p out of @p size bytes (no NUL added). A lone surrogate escape and U+0000 are refused
 * (SBS_ERR_FORMAT). SBS_ERR_JSON_TYPE if no string; SBS_ERR_BUFFER with the needed size in @p out_len.
 */
SBS_NODISCARD sbs_status sbs_flat_text(const sbs_flat *doc, sbs_json_node node, char *out, size_t size,
                                       size_t *out_len);

#ifdef __cplusplus
}
#endif
#endif
