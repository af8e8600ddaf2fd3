/* SPDX-License-Identifier: Apache-2.0 */
#include "http_server_room.h"

/* What the peer's network has of it already. */
static size_t room_of_network(const sbs_http_connection *connection) {
    const sbs_http_server *server = connection->server;
    size_t sum = 0;

    for (unsigned i = 0; i < server->config.connections_max; i++) {
        const sbs_http_connection *other = &server->connections[i];
        if (memcmp(other->peer.network, connection->peer.network, sizeof other->peer.network) == 0) {
            sum += other->room;
        }
    }

    return sum;
}

/* One body always fits, whatever the limits are. Half of the memory is for others than one who takes it all. */
bool sbs_http_room_take(sbs_http_connection *connection, size_t bytes) {
    sbs_http_server *server = connection->server;
    size_t max = server->config.bodies_max;
    if (bytes <= SBS_HTTP_ROOM_FREE || bytes <= connection->room) {
        return true;
    }

    if (server->room_used > 0 && (bytes > max || server->room_used > max - bytes)) {
        return false;
    }
    size_t own = room_of_network(connection);
    if (own > 0 && (bytes > max / 2 || own > max / 2 - bytes)) {
        return false;
    }

    connection->room += bytes;
    server->room_used += bytes;
    return true;
}

void sbs_http_room_give_back(sbs_http_connection *connection) {
    connection->server->room_used -= connection->room;
    connection->room = 0;
}
