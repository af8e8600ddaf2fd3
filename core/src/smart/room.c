/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the client's buffers was too small, or which peer did not answer. */
#include "sbs/client.h"

/* Who could not be reached: behind a proxy, discovery may name a host that only others know. */
static void room_put_peer(const struct sbs_client *client, char *out_text, size_t size) {
    const sbs_exchange *exchange = &client->priv.exchange;
    sbs_writer out;

    sbs_writer_init(&out, out_text, size);
    sbs_put_string(&out, exchange->priv.host);
    sbs_put_char(&out, ':');
    sbs_put_uint(&out, exchange->priv.port);
    sbs_put_char(&out, '\0');
    if (out.error != SBS_OK) {
        out_text[0] = '\0';
    }
}

void sbs_room_words(const struct sbs_client *client, char *out_text, size_t size) {
    const sbs_exchange *exchange = &client->priv.exchange;
    sbs_status status = client->priv.detail.status;
    const char *which = "work buffer";
    size_t needed = 0;
    sbs_writer out;

    if (status == SBS_ERR_RESOLVE || status == SBS_ERR_REFUSED || status == SBS_ERR_UNREACHABLE ||
        status == SBS_ERR_TIMEOUT) {
        if (exchange->priv.port != 0) {
            room_put_peer(client, out_text, size);
        }
        return;
    }
    if (status != SBS_ERR_BUFFER) {
        return;
    }

    if (exchange->answer.body_dropped) { /* a body did not fit; else it is the request's head, or a part of an answer */
        needed = exchange->answer.body_len;
        if (exchange->priv.request.response == client->priv.request.response) {
            which = "response buffer";
        }
    } else if (client->priv.writer.error == SBS_ERR_BUFFER) {
        needed = client->priv.writer.len;
    }

    sbs_writer_init(&out, out_text, size);
    sbs_put_string(&out, which);
    if (needed > 0) {
        sbs_put_string(&out, ": no room for ");
        sbs_put_uint(&out, needed);
        sbs_put_string(&out, " bytes");
    }

    sbs_put_char(&out, '\0');
    if (out.error != SBS_OK) {
        out_text[0] = '\0';
    }
}
