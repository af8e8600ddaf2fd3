/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file text.h
 * Read-only text spans, the bounded writer that all output goes through, and wiping.
 */
#ifndef SBS_TEXT_H
#define SBS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "sbs/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A span of text that somebody else owns; not NUL-terminated. {NULL, 0} is "absent". */
typedef struct sbs_text {
    const char *ptr;
    size_t len;
} sbs_text;

/** The span of a string literal, in initialisers and calls. */
#ifdef __cplusplus
#define SBS_TEXT(literal) (sbs_text{(literal), sizeof(literal) - 1})
#else
#define SBS_TEXT(literal) ((sbs_text){(literal), sizeof(literal) - 1})
#endif

/** The span of a NUL-terminated string; absent for NULL. Inline: for a literal it is a constant. */
static inline sbs_text sbs_text_of(const char *string) {
    sbs_text text = {string, string ? strlen(string) : 0};
    return text;
}

/** The hexadecimal digit of the lowest four bits. */
static inline char sbs_hex_digit(uint64_t value) {
    return "0123456789abcdef"[value & 15];
}

/** The same in upper case. */
static inline char sbs_hex_digit_upper(uint64_t value) {
    return "0123456789ABCDEF"[value & 15];
}

/** The value of a hexadecimal digit, of either case: 0 to 15, or -1 for any other character. */
int sbs_hex_value(char c);

/** The byte that two hexadecimal digits stand for, or -1. Where the first is none, the second is not read. */
int sbs_hex_byte(const char *digits);

/** True if both hold the same bytes. Not constant-time: never for secrets. */
bool sbs_text_equal(sbs_text a, sbs_text b);

/** The same, with ASCII letters compared without case (RFC 9110 field names, schemes, token_type). */
bool sbs_text_equal_nocase(sbs_text a, sbs_text b);

/** Overwrites @p len bytes with zeros in a way that no compiler removes. NULL is legal with 0. */
void sbs_wipe(void *data, size_t len);

/** A place that written text goes to; returns SBS_OK or the error that the writer keeps. */
typedef sbs_status (*sbs_sink)(void *ctx, const char *data, size_t len);

/**
 * Bounded output. The first error is kept and everything after it is ignored, so that a sequence of puts needs one
 * check at its end. Nothing is ever truncated silently: text that does not fit sets SBS_ERR_BUFFER and goes on being
 * counted, so that @c len tells what would have been needed.
 */
typedef struct sbs_writer {
    char *buffer;  /**< NULL: sizing mode, or a sink is set */
    size_t size;   /**< capacity of buffer */
    size_t len;    /**< bytes written or, after SBS_ERR_BUFFER, bytes needed */
    sbs_sink sink; /**< where text goes instead of the buffer, or NULL */
    void *sink_ctx;
    sbs_status error; /**< first error, SBS_OK if none */
} sbs_writer;

/** Writes into @p buffer of @p size bytes; no NUL is added. */
void sbs_writer_init(sbs_writer *writer, char *buffer, size_t size);
/** Counts only. */
void sbs_writer_init_sizing(sbs_writer *writer);
/** Passes text on to @p sink. */
void sbs_writer_init_sink(sbs_writer *writer, sbs_sink sink, void *ctx);

/** Appends bytes. */
void sbs_put(sbs_writer *writer, const char *data, size_t len);
/** Appends a NUL-terminated string. */
void sbs_put_string(sbs_writer *writer, const char *string);
/** Appends a span. */
void sbs_put_text(sbs_writer *writer, sbs_text text);
/** Appends one byte. */
void sbs_put_char(sbs_writer *writer, char c);
/** Appends a number in decimal digits, without leading zeros. */
void sbs_put_uint(sbs_writer *writer, uint64_t value);
/** The same, with '-' before a negative one. */
void sbs_put_int(sbs_writer *writer, int64_t value);
/** Appends two hexadecimal digits in lower case for each byte. */
void sbs_put_hex(sbs_writer *writer, const uint8_t *bytes, size_t len);
/** Keeps @p error unless one is kept already. SBS_OK is ignored. */
void sbs_writer_fail(sbs_writer *writer, sbs_status error);
/** The kept error; sets @p out_len (may be NULL) to the bytes written, or needed after SBS_ERR_BUFFER. */
SBS_NODISCARD sbs_status sbs_writer_finish(const sbs_writer *writer, size_t *out_len);

/** A bounded reader of unsigned decimal digits: 1 to 20 digits, nothing else. SBS_ERR_FORMAT; values above
 *  UINT64_MAX saturate. */
SBS_NODISCARD sbs_status sbs_text_to_uint(sbs_text text, uint64_t *out_value);

#ifdef __cplusplus
}
#endif
#endif
