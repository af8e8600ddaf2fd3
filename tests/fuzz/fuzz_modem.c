/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a modem says: no more is written than there is room for, TLS in it is opened only after it confirmed its
 * checks, and a modem that is well again is talked to again. The first byte chooses form and buffers; FF is a pause. */
#define _GNU_SOURCE /* memmem */
#include <stdlib.h>
#include <string.h>

#include "modem_sim.h"

#define CALLS_MAX 4000u
#define PAUSE 0xFF

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good) {
        abort();
    }
}

/* A modem that says the input, and then is a good one. */
typedef struct babbler {
    const uint8_t *data;
    size_t len, at, piece;
    bool pauses; /* until the loop has waited */
    modem_sim sim;
    sbs_serial well;
} babbler;

static babbler modem_end;

static sbs_status babbler_read(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    babbler *from = ctx;
    size_t len = from->len - from->at;
    if (len == 0) {
        return from->well.ops->read(from->well.ctx, buffer, size, out_len);
    }

    len = len < size ? len : size;
    len = len < from->piece ? len : from->piece;
    const uint8_t *pause = memchr(from->data + from->at, PAUSE, len);
    if (pause != NULL) {
        len = (size_t)(pause - from->data) - from->at;
    }
    if (from->pauses || len == 0) {
        from->at += !from->pauses;
        from->pauses = true;
        *out_len = 0;
        return SBS_PENDING;
    }

    memcpy(buffer, from->data + from->at, len);
    from->at += len;
    *out_len = len;
    return SBS_OK;
}

static sbs_status babbler_write(void *ctx, const uint8_t *data, size_t len, size_t *out_written) {
    babbler *to = ctx;
    if (to->at == to->len) {
        return to->well.ops->write(to->well.ctx, data, len, out_written);
    }

    *out_written = len; /* whatever it is told */
    return SBS_OK;
}

static sbs_wait babbler_waits_for(void *ctx, uint8_t events) {
    ((babbler *)ctx)->pauses = false;
    return (sbs_wait){.timeout_ms = 100, .events = events, .descriptor = -1};
}

static const sbs_serial_ops babbler_ops = {babbler_read, babbler_write, babbler_waits_for};

static sbs_status open_to_the_end(const sbs_stream *stream) {
    sbs_status status;
    unsigned calls = 0;
    while ((status = stream->ops->open(stream->ctx, "h.test", 443, modem_sim_now())) == SBS_PENDING) {
        check(calls++ < CALLS_MAX);
        modem_sim_ms += stream->ops->waits_for(stream->ctx).timeout_ms;
    }

    return status;
}

/* Sends and receives, however it goes. True: what was sent came back. */
static bool talk(const sbs_stream *stream) {
    static const char words[] = "what is sent comes back";
    char got[sizeof words] = "";
    size_t sent = 0, at = 0, part;
    for (unsigned calls = 0; calls < CALLS_MAX && at < sizeof words - 1u; calls++) {
        sbs_status status = SBS_OK;
        if (sent < sizeof words - 1u) {
            status = stream->ops->send(stream->ctx, (const uint8_t *)words + sent, sizeof words - 1u - sent, &part);
            check(part <= sizeof words - 1u - sent && (status == SBS_OK) == (part > 0));
            sent += part;
        }

        sbs_status other = stream->ops->receive(stream->ctx, (uint8_t *)got + at, sizeof words - 1u - at, &part);
        check(part <= sizeof words - 1u - at && (other == SBS_OK) == (part > 0));
        at += part;
        if (status < SBS_OK && other != SBS_PENDING && other != SBS_OK) {
            return false;
        }
        modem_sim_ms += stream->ops->waits_for(stream->ctx).timeout_ms;
    }

    return strcmp(got, words) == 0;
}

static void tidy(sbs_modem *modem, const sbs_stream *stream) {
    unsigned calls = 0;
    stream->ops->close(stream->ctx);
    while (sbs_modem_poll(modem) == SBS_PENDING) {
        check(calls++ < CALLS_MAX);
        modem_sim_ms += stream->ops->waits_for(stream->ctx).timeout_ms;
    }
}

static void live(const sbs_modem_config *config, bool secured) {
    static sbs_modem modem;
    sbs_stream stream;
    check(sbs_modem_init(&modem, config, &stream) == SBS_OK);
    if (open_to_the_end(&stream) == SBS_OK) {
        bool confirmed = memmem(modem_end.data, modem_end.len, ": 0,3,1,0,", 10) != NULL ||
                         memmem(modem_end.data, modem_end.len, "\"seclevel\",1,1", 14) != NULL;
        check(!secured || confirmed || modem_end.at == modem_end.len);
        (void)talk(&stream);
    }
    tidy(&modem, &stream);

    /* Now the modem is well, once what is left of the input has been said. */
    bool well = false;
    for (unsigned i = 0; i < 4u + modem_end.len / 2u && !well; i++) {
        well = open_to_the_end(&stream) == SBS_OK && talk(&stream) && modem_end.at == modem_end.len;
        tidy(&modem, &stream);
    }
    check(well);
    sbs_modem_deinit(&modem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) {
        return 0;
    }

    static const sbs_modem_dialect *const dialects[] = {&sbs_modem_simcom, &sbs_modem_simcom_tls, &sbs_modem_quectel,
                                                        &sbs_modem_quectel_tls};
    bool quectel = (data[0] & 1u) != 0, secured = (data[0] & 2u) != 0;
    size_t room = 1u + (data[0] >> 3);
    modem_sim_ms = 1000;
    modem_sim_utc = 1795942485;
    modem_end = (babbler){.data = data + 1, .len = size - 1u, .piece = (data[0] & 4u) != 0 ? 3u : SIZE_MAX};
    modem_sim_init(&modem_end.sim, &modem_end.well);
    modem_end.sim.quectel = quectel;

    sbs_modem_config config = {.dialect = dialects[2u * quectel + secured],
                               .serial = {&babbler_ops, &modem_end},
                               .clock = modem_sim_now,
                               .send_buffer = malloc(room),
                               .send_size = room,
                               .receive_buffer = malloc(room),
                               .receive_size = room,
                               .certificate_name = "ca.pem",
                               .pinned = true};
    live(&config, secured);
    free(config.send_buffer);
    free(config.receive_buffer);
    return 0;
}
