/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the console. */
#include "meter_internal.h"
#include "meter_sensor.h"
#include "sbs/alg.h"
#include "sbs/count.h"

#define RESET_WORD "erase"

typedef struct command {
    const char *usage;
    void (*run)(meter *m, const char *const *words, size_t count);
} command;

static void say_usage(meter *m, const char *usage) {
    sbs_writer *out = meter_say(m);
    sbs_put_string(out, "error: usage: ");
    sbs_put_string(out, usage);
    meter_end(m);
}

/* The number that may follow a command, @p fallback if none does. */
static bool parse_number(const char *const *words, size_t count, uint64_t fallback, uint64_t most, uint64_t *out) {
    *out = fallback;
    if (count < 2) {
        return true;
    }
    return count == 2 && sbs_text_to_uint(sbs_text_of(words[1]), out) == SBS_OK && *out <= most;
}

/* ---- reports ----------------------------------------------------------------------------------------------------- */

static void command_status(meter *m, const char *const *words, size_t count) {
    (void)words;
    (void)count;
    meter_report_status(m);
}

static void command_stats(meter *m, const char *const *words, size_t count) {
    (void)words;
    (void)count;
    meter_report_stats(m);
}

static void command_queue(meter *m, const char *const *words, size_t count) {
    (void)words;
    (void)count;
    meter_report_queue(m);
}

static void command_jwk(meter *m, const char *const *words, size_t count) {
    (void)words;
    (void)count;
    if (m->keys.current == PSA_KEY_ID_NULL) {
        meter_say_line(m, "error: there is no key yet");
    } else {
        meter_put_jwks(m);
    }
}

/* ---- measuring and pushing --------------------------------------------------------------------------------------- */

static void command_measure(meter *m, const char *const *words, size_t count) {
    uint64_t number;
    meter_quantity quantity;
    sbs_decimal value;

    if (!parse_number(words, count, 1, METER_MEASURE_MAX, &number)) {
        say_usage(m, "measure [1-1000]");
    } else if (meter_sensor_read(0, &quantity, &value) != SBS_OK) {
        meter_say_line(m, "error: refused: this build has no sensor");
    } else if (m->block == NULL || m->trial.active) {
        meter_say_line(m, "error: refused: not provisioned");
    } else {
        m->measuring.pending += (uint32_t)number;
        meter_say_line(m, "measuring");
    }
}

static void command_interval(meter *m, const char *const *words, size_t count) {
    uint64_t seconds;
    if (count != 2 || !parse_number(words, count, 0, METER_INTERVAL_MAX_S, &seconds)) {
        say_usage(m, "interval SECONDS");
        return;
    }

    m->measuring.interval_s = (uint32_t)seconds;
    m->measuring.next_ms = m->now.mono_ms;
    meter_say_line(m, "interval set");
}

static void command_push(meter *m, const char *const *words, size_t count) {
    (void)words;
    (void)count;
    meter_wake(m);
    meter_say_line(m, "trying now");
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

static void say_rotation(meter *m, sbs_status status) {
    if (status != SBS_OK) {
        meter_say_status(m, "error: rotate", status);
        return;
    }

    m->rotation.retry_ms = 0;
    m->rotation.failures = 0;
    meter_put_jwks(m);
}

/* 0: the word names none. Without a word it is the record's, or that of the current key. */
static sbs_alg wanted_alg(const meter *m, const char *word) {
    if (word == NULL) {
        if (m->record.alg != 0) {
            return (sbs_alg)m->record.alg;
        }
        return meter_keys_alg(m->keys.current);
    }

    const sbs_alg_info *info = sbs_alg_by_name(word);
    if (info == NULL) {
        return (sbs_alg)0;
    }
    return info->alg;
}

/* Nothing can know the current key before the first provisioning: the next one takes its place at once. */
static sbs_status make_next_key(meter *m, sbs_alg alg) {
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

static void begin_rotation(meter *m, const char *word) {
    if (m->keys.next != PSA_KEY_ID_NULL) {
        meter_put_jwks(m); /* that one goes on */
        return;
    }

    sbs_alg alg = wanted_alg(m, word);
    if (alg == 0) {
        say_usage(m, "rotate [RS384|ES384|abort]");
        return;
    }

    say_rotation(m, make_next_key(m, alg));
}

static void command_rotate(meter *m, const char *const *words, size_t count) {
    const char *word = count == 2 ? words[1] : NULL;
    if (m->keys.current == PSA_KEY_ID_NULL || m->trial.intake != NULL || m->trial.active || count > 2) {
        meter_say_line(m, "error: rotate: not now");
    } else if (word != NULL && strcmp(word, "abort") == 0) {
        meter_online_stop_rotation(m);
        say_rotation(m, meter_keys_abort(&m->keys));
    } else {
        begin_rotation(m, word);
    }
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void command_reset(meter *m, const char *const *words, size_t count) {
    if (count != 2 || strcmp(words[1], RESET_WORD) != 0) {
        say_usage(m, "reset " RESET_WORD);
        return;
    }

    meter_session_close(m);
    meter_intake_free(m);
    meter_drop_record(m);
    meter_hold_sensor(m, true); /* for good: the restart follows */
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

static void command_reboot(meter *m, const char *const *words, size_t count) {
    (void)words;
    (void)count;
    meter_say_line(m, "rebooting");
    m->ports.reboot(m->ports.ctx);
}

/* ---- the list ---------------------------------------------------------------------------------------------------- */

static void command_help(meter *m, const char *const *words, size_t count);

/* Found by the first word of the usage. */
static const command commands[] = {
    {"help", command_help},
    {"status", command_status},
    {"jwk  - public keys", command_jwk},
    {"measure [N]", command_measure},
    {"interval SECONDS", command_interval},
    {"queue", command_queue},
    {"push  - try now", command_push},
    {"provision  - for 'sbs provision'", meter_provision},
    {"rotate [RS384|ES384|abort]  - next key", command_rotate},
    {"reset " RESET_WORD "  - all is lost", command_reset},
    {"stats", command_stats},
    {"reboot", command_reboot},
};

static void command_help(meter *m, const char *const *words, size_t count) {
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
