/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the console. */
#include "meter_internal.h"
#include "meter_sensor.h"
#include "sbs/count.h"

#define RESET_WORD "erase"

typedef struct command {
    const char *usage;
    void (*run)(meter *m, const char *const *words, size_t count);
} command;

static void usage_error(meter *m, const char *usage) {
    sbs_writer *out = meter_say(m);
    sbs_put_string(out, "error: usage: ");
    sbs_put_string(out, usage);
    meter_end(m);
}

static bool parse_number(const char *const *words, size_t count, uint64_t fallback, uint64_t most, uint64_t *out) {
    *out = fallback;
    return count < 2 || (count == 2 && sbs_text_to_uint(sbs_text_of(words[1]), out) == SBS_OK && *out <= most);
}

static void run_status(meter *m, const char *const *words, size_t count) {
    (void)words;
    (void)count;
    meter_report_status(m);
}

static void run_stats(meter *m, const char *const *words, size_t count) {
    (void)words;
    (void)count;
    meter_report_stats(m);
}

static void run_queue(meter *m, const char *const *words, size_t count) {
    (void)words;
    (void)count;
    meter_report_queue(m);
}

static void run_jwk(meter *m, const char *const *words, size_t count) {
    (void)words;
    (void)count;
    if (m->keys.current == PSA_KEY_ID_NULL) {
        meter_say_line(m, "error: there is no key yet");
    } else {
        meter_put_jwks(m);
    }
}

static void run_measure(meter *m, const char *const *words, size_t count) {
    uint64_t number;
    meter_quantity quantity;
    sbs_decimal value;
    if (!parse_number(words, count, 1, METER_MEASURE_MAX, &number)) {
        usage_error(m, "measure [1-1000]");
    } else if (meter_sensor_read(0, &quantity, &value) != SBS_OK) {
        meter_say_line(m, "error: refused: this build has no sensor");
    } else if (m->block == NULL || m->trial) {
        meter_say_line(m, "error: refused: not provisioned");
    } else {
        m->pending += (uint32_t)number;
        meter_say_line(m, "measuring");
    }
}

static void run_interval(meter *m, const char *const *words, size_t count) {
    uint64_t seconds;
    if (count != 2 || !parse_number(words, count, 0, METER_INTERVAL_MAX_S, &seconds)) {
        usage_error(m, "interval SECONDS");
        return;
    }
    m->interval_s = (uint32_t)seconds;
    m->measure_ms = m->now.mono_ms;
    meter_say_line(m, "interval set");
}

static void run_push(meter *m, const char *const *words, size_t count) {
    (void)words;
    (void)count;
    meter_wake(m);
    meter_say_line(m, "trying now");
}

static void show_rotation(meter *m, sbs_status status) {
    if (status != SBS_OK) {
        meter_say_status(m, "error: rotate", status);
        return;
    }
    m->rotate_ms = m->rotate_failures = 0;
    meter_put_jwks(m);
}

static sbs_alg wanted_alg(const meter *m, const char *word) {
    if (word != NULL) {
        return strcmp(word, "RS384") == 0 ? SBS_RS384 : strcmp(word, "ES384") == 0 ? SBS_ES384 : (sbs_alg)0;
    }
    return m->record.alg != 0 ? (sbs_alg)m->record.alg : meter_keys_alg(m->keys.current);
}

/* Nothing can know the current key before the first provisioning: the next one takes its place at once. */
static sbs_status make_next(meter *m, sbs_alg alg) {
    bool fresh = m->block == NULL && m->condition == METER_UNPROVISIONED;
    meter_say_line(m, "rotate: generating a key");
    meter_work(m, true);
    sbs_status status = meter_keys_make_next(&m->keys, alg);
    if (status == SBS_OK && fresh) {
        status = meter_keys_promote(&m->keys, 0);
    }
    meter_work(m, false);
    return status;
}

static void run_rotate(meter *m, const char *const *words, size_t count) {
    if (m->keys.current == PSA_KEY_ID_NULL || m->intake != NULL || m->trial || count > 2) {
        meter_say_line(m, "error: rotate: not now");
    } else if (count == 2 && strcmp(words[1], "abort") == 0) {
        if (m->phase == METER_PHASE_ROTATE) {
            meter_end_rotation(m, SBS_ERR_CANCELLED);
        }
        show_rotation(m, meter_keys_abort(&m->keys));
    } else if (m->keys.next != PSA_KEY_ID_NULL) {
        meter_put_jwks(m); /* that one goes on */
    } else if (wanted_alg(m, count == 2 ? words[1] : NULL) == 0) {
        usage_error(m, "rotate [RS384|ES384|abort]");
    } else {
        show_rotation(m, make_next(m, wanted_alg(m, count == 2 ? words[1] : NULL)));
    }
}

static void run_reset(meter *m, const char *const *words, size_t count) {
    if (count != 2 || strcmp(words[1], RESET_WORD) != 0) {
        usage_error(m, "reset " RESET_WORD);
        return;
    }
    meter_session_close(m);
    meter_intake_end(m);
    meter_drop_record(m);
    sbs_status status = meter_begin_reset(m);
    if (status == SBS_OK) {
        meter_work(m, true);
        status = meter_finish_reset(m);
        meter_work(m, false);
    }
    if (status != SBS_OK) { /* the next start goes on */
        meter_say_status(m, "error: reset", status);
    } else {
        meter_say_line(m, "reset: all erased");
    }
    m->ports.reboot(m->ports.ctx);
}

static void run_reboot(meter *m, const char *const *words, size_t count) {
    (void)words;
    (void)count;
    meter_say_line(m, "rebooting");
    m->ports.reboot(m->ports.ctx);
}

static void run_help(meter *m, const char *const *words, size_t count);

/* By the first word. */
static const command commands[] = {
    {"help", run_help},
    {"status", run_status},
    {"jwk  - public keys", run_jwk},
    {"measure [N]", run_measure},
    {"interval SECONDS", run_interval},
    {"queue", run_queue},
    {"push  - try now", run_push},
    {"provision  - for 'sbs provision'", meter_provision},
    {"rotate [RS384|ES384|abort]  - next key", run_rotate},
    {"reset " RESET_WORD "  - all is lost", run_reset},
    {"stats", run_stats},
    {"reboot", run_reboot},
};

static void run_help(meter *m, const char *const *words, size_t count) {
    (void)words;
    (void)count;
    for (size_t i = 0; i < SBS_COUNT_OF(commands); i++) {
        meter_say_line(m, commands[i].usage);
    }
}

void meter_command(meter *m, char *line) {
    const char *words[METER_WORDS_MAX];
    size_t count = meter_line_split(line, words);
    if (count == 0) {
        return;
    }
    for (size_t i = 0; i < SBS_COUNT_OF(commands) && count <= METER_WORDS_MAX; i++) {
        size_t len = strcspn(commands[i].usage, " ");
        if (strlen(words[0]) == len && memcmp(words[0], commands[i].usage, len) == 0) {
            commands[i].run(m, words, count);
            return;
        }
    }
    meter_say_line(m, "error: unknown command, 'help' lists them");
}
