/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for bodies: all of one request's is set aside before it is read, so that what was begun can be ended. */
#ifndef SBS_HTTP_SERVER_ROOM_H
#define SBS_HTTP_SERVER_ROOM_H

#include "http_server_internal.h"

/* Bodies up to this size are not counted: a connection has as much for its head anyway. */
#define SBS_HTTP_ROOM_FREE 16384u

/* Sets @p bytes aside for the connection. False: not now. */
bool sbs_http_room_take(sbs_http_connection *connection, size_t bytes);
void sbs_http_room_give_back(sbs_http_connection *connection);

#endif
