/* SPDX-License-Identifier: Apache-2.0 */
#include "modem_rig.h"

#include <string.h>

#define DAY_MS 86400000u

void modem_rig_make(modem_rig *r, modem_rig_form form) {
    static const sbs_modem_dialect *const dialects[] = {&sbs_modem_simcom, &sbs_modem_simcom_tls, &sbs_modem_quectel,
                                                        &sbs_modem_quectel_tls};
    memset(r, 0, sizeof *r);
    modem_sim_ms = 1000;
    modem_sim_utc = 1795942485; /* 2026-11-29T08:54:45Z */
    r->config = (sbs_modem_config){.dialect = dialects[form],
                                   .clock = modem_sim_now,
                                   .send_buffer = r->send_buffer,
                                   .send_size = RIG_BUFFER,
                                   .receive_buffer = r->receive_buffer,
                                   .receive_size = RIG_BUFFER,
                                   .certificate_name = "ca.pem",
                                   .pinned = form == RIG_SIMCOM_SECURED};
    modem_sim_init(&r->sim, &r->config.serial);
    r->sim.quectel = form >= RIG_QUECTEL;
}

void modem_rig_begin(modem_rig *r) {
    if (!r->begun) {
        assert_int_equal(sbs_modem_init(&r->modem, &r->config, &r->stream), SBS_OK);
        r->begun = true;
    }
}

/* What a loop does after SBS_PENDING. */
static void modem_rig_wait(modem_rig *r, uint64_t began_ms) {
    sbs_wait wait = r->stream.ops->waits_for(r->stream.ctx);
    assert_true(wait.timeout_ms != SBS_WAIT_FOREVER);
    modem_sim_ms += wait.timeout_ms > 10 ? 10 : wait.timeout_ms;
    modem_sim_ms += 1;
    assert_true(modem_sim_ms - began_ms < DAY_MS);
}

sbs_status modem_rig_open(modem_rig *r) {
    sbs_status status;
    uint64_t began_ms = modem_sim_ms;
    modem_rig_begin(r);

    while ((status = r->stream.ops->open(r->stream.ctx, RIG_HOST, RIG_PORT, modem_sim_now())) == SBS_PENDING) {
        modem_rig_wait(r, began_ms);
    }

    return status;
}

sbs_status modem_rig_send(modem_rig *r, const char *text) {
    size_t len = strlen(text), at = 0, sent;
    uint64_t began_ms = modem_sim_ms;

    while (at < len) {
        sbs_status status = r->stream.ops->send(r->stream.ctx, (const uint8_t *)text + at, len - at, &sent);
        if (status < SBS_OK) {
            return status;
        }
        at += sent;
        if (status == SBS_PENDING) {
            modem_rig_wait(r, began_ms);
        }
    }

    return SBS_OK;
}

sbs_status modem_rig_receive(modem_rig *r, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_status status;
    uint64_t began_ms = modem_sim_ms;
    while ((status = r->stream.ops->receive(r->stream.ctx, buffer, size, out_len)) == SBS_PENDING) {
        assert_int_equal(*out_len, 0);
        modem_rig_wait(r, began_ms);
        if (modem_sim_ms - began_ms > 600000u) {
            return SBS_ERR_TIMEOUT; /* nothing comes, which a client ends by a time of its own */
        }
    }

    return status;
}

sbs_status modem_rig_tidy(modem_rig *r) {
    sbs_status status;
    uint64_t began_ms = modem_sim_ms;
    while ((status = sbs_modem_poll(&r->modem)) == SBS_PENDING) {
        modem_rig_wait(r, began_ms);
    }

    return status;
}

bool modem_rig_echoes(modem_rig *r, const char *text) {
    uint8_t got[256];
    size_t len = strlen(text), at = 0, part;
    assert_true(len <= sizeof got);
    if (modem_rig_send(r, text) != SBS_OK) {
        return false;
    }

    while (at < len && modem_rig_receive(r, got + at, len - at, &part) == SBS_OK) {
        at += part;
    }

    return at == len && memcmp(got, text, len) == 0;
}

void assert_modem_echoes(modem_rig *r, const char *text) {
    assert_true(modem_rig_echoes(r, text));
}

void assert_modem_talks(modem_rig *r) {
    assert_int_equal(modem_rig_open(r), SBS_OK);
    assert_modem_echoes(r, RIG_WORDS);
    r->stream.ops->close(r->stream.ctx);
    assert_int_equal(modem_rig_tidy(r), SBS_OK);
}

void assert_modem_is_clean(const modem_rig *r) {
    static const uint8_t nothing[RIG_BUFFER];
    assert_memory_equal(r->send_buffer, nothing, RIG_BUFFER);
    assert_memory_equal(r->receive_buffer, nothing, RIG_BUFFER);
}
