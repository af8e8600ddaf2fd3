/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of the HTTP server, from accept() to close(). */
#ifndef SBS_HTTP_SERVER_CONNECTION_H
#define SBS_HTTP_SERVER_CONNECTION_H

#include "http_server_internal.h"

/* Takes over @p fd. The connection's server and index are set already. False: there is no memory, and it is closed. */
bool sbs_http_connection_begin(sbs_http_connection *connection, int fd, unsigned listener, const sbs_http_peer *peer,
                               sbs_now now);
/* There is an event, or more work: one bounded piece of it. */
void sbs_http_connection_go_on(sbs_http_connection *connection, sbs_now now);
/* The request of a connection that is SBS_HTTP_CONNECTION_WHOLE. */
void sbs_http_connection_request(const sbs_http_connection *connection, sbs_linux_http_field *fields,
                                 sbs_linux_http_request *out);
/* Its answer: sent, or held. */
void sbs_http_connection_answer(sbs_http_connection *connection, const sbs_linux_http_answer *answer, sbs_now now);
/* Sends the held answer, or @p instead of it where that is not NULL. */
void sbs_http_connection_settle(sbs_http_connection *connection, const sbs_linux_http_answer *instead, sbs_now now);
/* Tries to find room for a body that waits. */
void sbs_http_connection_find_room(sbs_http_connection *connection, sbs_now now);
/* Ends what took too long. */
void sbs_http_connection_check_time(sbs_http_connection *connection, sbs_now now);
/* True if nothing is under way. */
bool sbs_http_connection_is_idle(const sbs_http_connection *connection);
void sbs_http_connection_close(sbs_http_connection *connection);

#endif
