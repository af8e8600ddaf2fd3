/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file json_string.h
 * What a JSON string means (RFC 8259 section 7), given as it stands between its quotes, its grammar checked; private to
 * the core.
 */
#ifndef SBS_JSON_STRING_H
#define SBS_JSON_STRING_H

#include "sbs/text.h"

/** True if @p raw means @p expected. */
bool sbs_json_unescaped_is(sbs_text raw, sbs_text expected);

/** Writes what @p raw means to @p out; an absent one means nothing. SBS_OK; SBS_ERR_FORMAT (a lone surrogate, U+0000);
 *  SBS_ERR_BUFFER with the needed size in @p out_len. */
SBS_NODISCARD sbs_status sbs_json_unescape(sbs_text raw, char *out, size_t size, size_t *out_len);

/** The same where @p raw stands; @p start: the same place, writable. On an error nothing is changed and @p out is
 *  absent. */
SBS_NODISCARD sbs_status sbs_json_unescape_in_place(sbs_text raw, char *start, sbs_text *out);

#endif
