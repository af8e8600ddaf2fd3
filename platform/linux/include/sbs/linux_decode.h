/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file linux_decode.h
 * Bodies that a server compressed although the client asked for `identity` (RFC 9110 section 12.5.3): gzip (RFC 1952)
 * and deflate (RFC 1950, and RFC 1951 without its frame, which some servers send), by zlib.
 */
#ifndef SBS_LINUX_DECODE_H
#define SBS_LINUX_DECODE_H

#include "sbs/http.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Replaces the coded body in the first @p len bytes of @p body by the plain one. Give it to sbs_client_config.decode.
 * What it makes is bounded by @p size, also while it works: a body that grows without end costs no more than that.
 * @param ctx not used.
 * @return SBS_OK; SBS_ERR_BUFFER (more than @p size bytes), SBS_ERR_HTTP (malformed, or cut), SBS_ERR_UNSUPPORTED
 * (another coding, or this library was built without zlib), SBS_ERR_MEMORY. After an error @p body is undefined.
 */
SBS_NODISCARD sbs_status sbs_linux_decode(void *ctx, sbs_http_coding coding, char *body, size_t len, size_t size,
                                          size_t *out_len);

#ifdef __cplusplus
}
#endif
#endif
