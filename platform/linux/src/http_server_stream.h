/* SPDX-License-Identifier: Apache-2.0 */
/* An accepted socket as a byte stream (sbs/stream.h). */
#ifndef SBS_HTTP_SERVER_STREAM_H
#define SBS_HTTP_SERVER_STREAM_H

#include "sbs/stream.h"

/* @p fd: the place of the descriptor, which must outlive the stream. Its close() ends sending, and leaves the
 * descriptor open. */
sbs_stream sbs_http_socket_stream(int *fd);

#endif
