/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file json_grammar.h
 * RFC 8259 as a yes or no; private to the core.
 */
#ifndef SBS_JSON_GRAMMAR_H
#define SBS_JSON_GRAMMAR_H

#include "sbs/text.h"

/**
 * Checks that @p text is one JSON text of RFC 8259 in valid UTF-8, nested at most SBS_JSON_DEPTH_MAX deep. A byte order
 * mark before it is skipped.
 * @param out_start where its value begins.
 * @param out_where the byte offset of the fault; @p len if the text ends too early.
 * @return SBS_OK, SBS_ERR_JSON, SBS_ERR_JSON_DEPTH.
 */
SBS_NODISCARD sbs_status sbs_json_check(const char *text, size_t len, size_t *out_start, size_t *out_where);

/**
 * The same for a value at the start of @p text, whatever stands behind it.
 * @param out_len its length; without one the byte offset of the fault.
 */
SBS_NODISCARD sbs_status sbs_json_scan(const char *text, size_t len, size_t *out_len);

/** How many of the bytes at the start of @p text are JSON's white space. */
size_t sbs_json_space(const char *text, size_t len);

/**
 * Looks for a number (RFC 8259 section 6) at the start of @p text.
 * @param out_len its length; if there is none, the offset of the byte that no number has there.
 * @return SBS_OK, SBS_ERR_JSON.
 */
SBS_NODISCARD sbs_status sbs_json_number(const char *text, size_t len, size_t *out_len);

#endif
