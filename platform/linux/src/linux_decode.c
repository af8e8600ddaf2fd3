/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/linux_decode.h"

#include <limits.h>
#include <stdlib.h>

#ifdef SBS_LINUX_ZLIB
#include <zlib.h>

#define ZLIB_OR_GZIP (MAX_WBITS + 32) /* zlib looks which of the two frames it is */
#define NO_FRAME (-MAX_WBITS)

static sbs_status inflate_all(z_stream *stream, size_t size, size_t *out_len) {
    int result = inflate(stream, Z_FINISH);
    *out_len = size - stream->avail_out;

    if (result == Z_STREAM_END) {
        return SBS_OK;
    }
    if (result == Z_MEM_ERROR) {
        return SBS_ERR_MEMORY;
    }

    bool is_full = stream->avail_out == 0 && (result == Z_BUF_ERROR || result == Z_OK);
    return is_full ? SBS_ERR_BUFFER : SBS_ERR_HTTP;
}

static sbs_status inflate_into(int frame, const char *coded, size_t len, char *out, size_t size, size_t *out_len) {
    z_stream stream = {
        .next_in = (Bytef *)(uintptr_t)coded,
        .avail_in = (uInt)len,
        .next_out = (Bytef *)out,
        .avail_out = (uInt)size,
    };
    if (inflateInit2(&stream, frame) != Z_OK) {
        return SBS_ERR_MEMORY;
    }

    sbs_status status = inflate_all(&stream, size, out_len);
    (void)inflateEnd(&stream);
    return status;
}

sbs_status sbs_linux_decode(void *ctx, sbs_http_coding coding, char *body, size_t len, size_t size, size_t *out_len) {
    (void)ctx;
    *out_len = 0;
    if (coding != SBS_CODING_GZIP && coding != SBS_CODING_DEFLATE) {
        return SBS_ERR_UNSUPPORTED;
    }
    if (len > UINT_MAX || size > UINT_MAX) {
        return SBS_ERR_BUFFER;
    }

    char *coded = malloc(len + 1);
    if (coded == NULL) {
        return SBS_ERR_MEMORY;
    }

    memcpy(coded, body, len);

    /* "deflate" is zlib's frame by the standard, and bare in the answers of some servers. */
    sbs_status status = inflate_into(ZLIB_OR_GZIP, coded, len, body, size, out_len);
    if (status == SBS_ERR_HTTP && coding == SBS_CODING_DEFLATE) {
        status = inflate_into(NO_FRAME, coded, len, body, size, out_len);
    }

    sbs_wipe(coded, len); /* a token may have been in it */
    free(coded);
    return status;
}

#else

sbs_status sbs_linux_decode(void *ctx, sbs_http_coding coding, char *body, size_t len, size_t size, size_t *out_len) {
    (void)ctx;
    (void)coding;
    (void)body;
    (void)len;
    (void)size;
    *out_len = 0;
    return SBS_ERR_UNSUPPORTED;
}

#endif
