/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file linux_encode.h
 * Bodies by gzip (RFC 1952), for servers that take them (RFC 9110 section 8.4).
 */
#ifndef SBS_LINUX_ENCODE_H
#define SBS_LINUX_ENCODE_H

#include <stdbool.h>

#include "sbs/status.h"
#include "sbs/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Zero-initialise; about 300 KB from the first use on, 270 of them where one codes. */
typedef struct sbs_linux_encoder {
    struct {
        struct sbs_linux_encoder *lender;
        void *stream;
        char *out;
        size_t size;
        size_t used; /* bytes of it that were ever written */
    } priv;
} sbs_linux_encoder;

/**
 * Codes @p body. @p quick: with less time and a larger result. @p out_coded is the encoder's, valid until the next
 * call. SBS_OK; SBS_ERR_MEMORY; SBS_ERR_TOO_LARGE (4 GiB); SBS_ERR_UNSUPPORTED: built without zlib.
 */
SBS_NODISCARD sbs_status sbs_linux_gzip(sbs_linux_encoder *encoder, sbs_text body, bool quick, sbs_text *out_coded);

/** Has @p encoder code with the memory of @p lender, which must outlive it: several in one thread need it once. Before
 * the first use. */
void sbs_linux_encoder_borrow(sbs_linux_encoder *encoder, sbs_linux_encoder *lender);

/** Wipes and frees. Legal after zero-initialisation, and twice. */
void sbs_linux_encoder_free(sbs_linux_encoder *encoder);

#ifdef __cplusplus
}
#endif
#endif
