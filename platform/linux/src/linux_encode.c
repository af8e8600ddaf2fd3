/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/linux_encode.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef SBS_LINUX_ZLIB
#include <zlib.h>

#define GZIP_FRAME (MAX_WBITS + 16)
#define QUICK 1
#define SMALL 6
#define MEMORY_LEVEL 8 /* zlib's default */

/* The stream is made once and begun anew for each body: its memory is worth more than a body's time. */
static sbs_status encode_begin(sbs_linux_encoder *owner, int level, z_stream **out_stream) {
    z_stream *stream = owner->priv.stream;
    if (stream != NULL) {
        *out_stream = stream;
        bool ready = deflateReset(stream) == Z_OK && deflateParams(stream, level, Z_DEFAULT_STRATEGY) == Z_OK;
        return ready ? SBS_OK : SBS_ERR_MEMORY;
    }

    stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        return SBS_ERR_MEMORY;
    }
    if (deflateInit2(stream, level, Z_DEFLATED, GZIP_FRAME, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(stream);
        return SBS_ERR_MEMORY;
    }

    owner->priv.stream = *out_stream = stream;
    return SBS_OK;
}

static void encode_free_out(sbs_linux_encoder *encoder) {
    if (encoder->priv.out != NULL) {
        sbs_wipe(encoder->priv.out, encoder->priv.used);
    }
    free(encoder->priv.out);
    encoder->priv.out = NULL;
    encoder->priv.size = encoder->priv.used = 0;
}

static bool encode_reserve(sbs_linux_encoder *encoder, size_t size) {
    if (encoder->priv.size >= size) {
        return true;
    }

    encode_free_out(encoder);
    encoder->priv.out = malloc(size);
    if (encoder->priv.out == NULL) {
        return false;
    }

    encoder->priv.size = size;
    return true;
}

sbs_status sbs_linux_gzip(sbs_linux_encoder *encoder, sbs_text body, bool quick, sbs_text *out_coded) {
    z_stream *stream = NULL;
    *out_coded = (sbs_text){NULL, 0};
    if (body.len > UINT_MAX / 2) {
        return SBS_ERR_TOO_LARGE;
    }

    sbs_linux_encoder *lender = encoder->priv.lender;
    sbs_status status = encode_begin(lender != NULL ? lender : encoder, quick ? QUICK : SMALL, &stream);
    if (status != SBS_OK) {
        return status;
    }
    if (!encode_reserve(encoder, deflateBound(stream, (uLong)body.len))) {
        return SBS_ERR_MEMORY;
    }

    stream->next_in = (Bytef *)(uintptr_t)body.ptr;
    stream->avail_in = (uInt)body.len;
    stream->next_out = (Bytef *)encoder->priv.out;
    stream->avail_out = (uInt)encoder->priv.size;
    if (deflate(stream, Z_FINISH) != Z_STREAM_END) {
        return SBS_ERR_MEMORY;
    }

    size_t len = encoder->priv.size - stream->avail_out;
    if (len > encoder->priv.used) {
        encoder->priv.used = len;
    }

    *out_coded = (sbs_text){encoder->priv.out, len};
    return SBS_OK;
}

void sbs_linux_encoder_free(sbs_linux_encoder *encoder) {
    if (encoder->priv.stream != NULL) {
        (void)deflateEnd(encoder->priv.stream);
    }
    free(encoder->priv.stream);
    encoder->priv.stream = NULL;
    encode_free_out(encoder);
}

#else

sbs_status sbs_linux_gzip(sbs_linux_encoder *encoder, sbs_text body, bool quick, sbs_text *out_coded) {
    (void)encoder;
    (void)body;
    (void)quick;
    *out_coded = (sbs_text){NULL, 0};
    return SBS_ERR_UNSUPPORTED;
}

void sbs_linux_encoder_free(sbs_linux_encoder *encoder) {
    (void)encoder;
}

#endif

void sbs_linux_encoder_borrow(sbs_linux_encoder *encoder, sbs_linux_encoder *lender) {
    encoder->priv.lender = lender;
}
