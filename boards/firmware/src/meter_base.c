/* SPDX-License-Identifier: Apache-2.0 */
/* What every file of the application uses: lines of output, waiting, memory. */
#include <mbedtls/platform.h>

#include "meter_internal.h"

/* ---- lines ------------------------------------------------------------------------------------------------------- */

sbs_writer *meter_say(meter *m) {
    sbs_writer_init_sink(&m->out, m->ports.console, m->ports.ctx);
    if (m->line.len > 0) {
        sbs_put_char(&m->out, '\n');
    }

    return &m->out;
}

void meter_end(meter *m) {
    sbs_put_char(&m->out, '\n');
    sbs_put(&m->out, m->line.text, m->line.len);
}

void meter_say_line(meter *m, const char *text) {
    sbs_put_string(meter_say(m), text);
    meter_end(m);
}

void meter_say_status(meter *m, const char *text, sbs_status why) {
    sbs_writer *out = meter_say(m);
    sbs_put_string(out, text);
    sbs_put_string(out, ": ");
    sbs_put_string(out, sbs_status_text(why));
    meter_end(m);
}

/* ---- waiting ----------------------------------------------------------------------------------------------------- */

void meter_wait(meter *m, uint64_t wait_ms) {
    if (wait_ms < m->wait.timeout_ms) {
        m->wait.timeout_ms = (uint32_t)wait_ms;
    }
}

void meter_wait_until(meter *m, uint64_t at_ms) {
    meter_wait(m, at_ms - m->now.mono_ms);
}

void meter_hold_sensor(const meter *m, bool hold) {
    if (m->ports.tasks != NULL) {
        m->ports.tasks->hold_sensor(hold);
    }
}

void meter_work(meter *m, bool begin) {
    if (m->ports.work != NULL) {
        m->ports.work(m->ports.ctx, begin);
    }
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* Mbed TLS's allocator, so that there is one account of the heap. */
uint8_t *meter_allocate(size_t size) {
    return mbedtls_calloc(1, size);
}

void meter_release(uint8_t **block, size_t size) {
    if (*block != NULL) {
        sbs_wipe(*block, size);
    }

    mbedtls_free(*block);
    *block = NULL;
}
