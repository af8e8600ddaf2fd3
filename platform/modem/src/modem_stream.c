/* SPDX-License-Identifier: Apache-2.0 */
#include "modem_internal.h"

enum { CLOSED, CLEANING, STARTING, CONNECTING, OPEN, FAILED };

#define AGAIN_MS 200u /* the modem took nothing: its buffer is full */
#define ASK_MS 2000u  /* the modem told of nothing: it may have, and the line lost it */
#define STEPS_MAX 4u  /* commands that one call may end */
/* Refusals in a row, after which the modem is set up anew: it may have started or lost its network, and nobody heard of
 * it. Not after each: a certificate would wear the modem's flash while a server is down. */
#define REFUSALS_MAX 4u

static sbs_status stream_fail(sbs_modem *modem, sbs_status status) {
    modem->priv.state = FAILED;
    return status;
}

/* ---- the two buffers --------------------------------------------------------------------------------------------- */

static void sent_drop(sbs_modem *modem, size_t len) {
    uint8_t *buffer = modem->priv.config->send_buffer;
    modem->priv.send_len -= len;
    memmove(buffer, buffer + len, modem->priv.send_len);
    sbs_wipe(buffer + modem->priv.send_len, len);
}

static void received_drop(sbs_modem *modem) {
    sbs_wipe(modem->priv.config->receive_buffer, modem->priv.receive_len);
    modem->priv.receive_at = modem->priv.receive_len = 0;
}

/* What was read counts once the command has ended well: bytes that the line lost are seen so. */
static bool received_any(const sbs_modem *modem) {
    return modem->priv.step != &modem->priv.dialect->receive && modem->priv.receive_at < modem->priv.receive_len;
}

/* ---- commands of an open connection ------------------------------------------------------------------------------ */

/* How many bytes the modem took: all of them, or what it counted. */
static void sent_end(sbs_modem *modem) {
    const sbs_modem_step *step = &modem->priv.dialect->send;
    uint32_t taken = modem->priv.number;
    if ((step->flags & SBS_MODEM_COUNTS) != 0) {
        if (modem->priv.value < 0) { /* nobody is there any more */
            modem->priv.ended = SBS_ERR_TRUNCATED;
            return;
        }
        if ((uint32_t)modem->priv.value < taken) {
            taken = (uint32_t)modem->priv.value;
            modem->priv.send_ms = sbs_modem_now_ms(modem) + AGAIN_MS;
        }
    }

    sent_drop(modem, taken);
}

static void received_end(sbs_modem *modem) {
    uint32_t got = (uint32_t)modem->priv.receive_len;
    modem->priv.data_waits = modem->priv.data_waits || got > 0; /* there may be more */
    if (got < modem->priv.unread) {
        modem->priv.unread -= got;
    } else {
        modem->priv.unread = 0;
    }

    if (modem->priv.data_left > 0) { /* it ended in the middle */
        modem->priv.ended = SBS_ERR_TRUNCATED;
        modem->priv.data_left = 0;
    }
}

/* A command has ended. */
static sbs_status step_end(sbs_modem *modem, const sbs_modem_step *step, sbs_status status) {
    const sbs_modem_dialect *dialect = modem->priv.dialect;
    if (status == SBS_ERR_BUSY) {
        modem->priv.send_ms = sbs_modem_now_ms(modem) + AGAIN_MS;
        return SBS_OK;
    }

    if (status == SBS_ERR_TIMEOUT) {
        return status;
    }

    if (status != SBS_OK) { /* only what is not connected refuses */
        received_drop(modem);
        modem->priv.ended = SBS_ERR_TRUNCATED;
        modem->priv.data_waits = false;
        return SBS_OK;
    }

    if (step == &dialect->send) {
        sent_end(modem);
    } else if (step == &dialect->receive) {
        received_end(modem);
    } else if (step == &dialect->count) {
        modem->priv.unread = 0;
        if (modem->priv.value > 0) {
            modem->priv.unread = (uint32_t)modem->priv.value;
        }
        modem->priv.data_waits = modem->priv.data_waits || modem->priv.unread > 0;
    }

    return SBS_OK;
}

static uint32_t lesser(size_t a, size_t b) {
    if (a < b) {
        return (uint32_t)a;
    }
    return (uint32_t)b;
}

/* Asks for what has come, or how much that is. A76xx hang if they are asked for more than they have. */
static void begin_receive(sbs_modem *modem) {
    const sbs_modem_dialect *dialect = modem->priv.dialect;
    uint32_t size = lesser(modem->priv.config->receive_size, dialect->receive_max);
    modem->priv.ask_ms = sbs_modem_now_ms(modem) + ASK_MS;
    modem->priv.data_waits = false; /* what is told from now on may come too late for this answer */
    if (dialect->count.command == NULL) {
        sbs_modem_begin(modem, &dialect->receive, size);
    } else if (modem->priv.unread == 0) {
        sbs_modem_begin(modem, &dialect->count, 0);
    } else {
        sbs_modem_begin(modem, &dialect->receive, lesser(size, modem->priv.unread));
    }
}

/* The next command, if there is one. */
static bool begin_next(sbs_modem *modem) {
    uint64_t now_ms = sbs_modem_now_ms(modem);
    bool has_room = modem->priv.receive_at == modem->priv.receive_len;
    bool asks = modem->priv.data_waits || (modem->priv.ended == SBS_OK && now_ms >= modem->priv.ask_ms);
    if (has_room && asks) {
        received_drop(modem);
        begin_receive(modem);
        return true;
    }

    if (modem->priv.send_len > 0 && modem->priv.ended == SBS_OK && now_ms >= modem->priv.send_ms) {
        sbs_modem_begin(modem, &modem->priv.dialect->send, lesser(modem->priv.send_len, modem->priv.dialect->send_max));
        return true;
    }

    return false;
}

/* Moves what can be moved now, in both directions. */
static sbs_status stream_move(sbs_modem *modem) {
    for (unsigned i = 0; i < STEPS_MAX; i++) {
        const sbs_modem_step *step = modem->priv.step;
        sbs_status status = sbs_modem_continue(modem);
        if (status == SBS_PENDING) {
            return SBS_OK;
        }

        if (step != NULL) {
            status = step_end(modem, step, status);
        }
        if (status != SBS_OK) {
            return status;
        }

        if (!begin_next(modem)) {
            return SBS_OK;
        }
    }

    modem->priv.busy = true;
    return SBS_OK;
}

/* ---- what close() left ------------------------------------------------------------------------------------------- */

/* The next command to tidy up, if there is one. */
static bool begin_tidying(sbs_modem *modem) {
    const sbs_modem_dialect *dialect = modem->priv.dialect;
    if (!modem->priv.connected || !modem->priv.ready) {
        return false;
    }

    if (modem->priv.send_len > 0 && modem->priv.ended == SBS_OK) {
        sbs_modem_begin(modem, &dialect->send, lesser(modem->priv.send_len, dialect->send_max));
        return true;
    }

    modem->priv.connected = false;
    sbs_modem_begin(modem, &dialect->close, 0);
    return true;
}

/* SBS_OK: nothing is left. */
static sbs_status stream_tidy(sbs_modem *modem) {
    for (unsigned i = 0; i < STEPS_MAX; i++) {
        const sbs_modem_step *step = modem->priv.step;
        sbs_status status = sbs_modem_continue(modem);
        if (status == SBS_PENDING) {
            return status;
        }

        if (step == &modem->priv.dialect->send && status == SBS_OK) {
            sent_end(modem);
        }
        if (status != SBS_OK || sbs_modem_now_ms(modem) < modem->priv.send_ms) { /* nobody takes the rest */
            sent_drop(modem, modem->priv.send_len);
        }
        received_drop(modem);

        if (!begin_tidying(modem)) {
            sent_drop(modem, modem->priv.send_len);
            modem->priv.data_left = 0;
            return SBS_OK;
        }
    }

    modem->priv.busy = true;
    return SBS_PENDING;
}

/* ---- open -------------------------------------------------------------------------------------------------------- */

static bool step_applies(const sbs_modem *modem, const sbs_modem_step *step) {
    const sbs_modem_config *config = modem->priv.config;
    uint16_t flags = step->flags;
    return ((flags & SBS_MODEM_IF_APN) == 0 || config->apn != NULL) &&
           ((flags & SBS_MODEM_IF_FILE) == 0 || config->certificate != NULL) &&
           ((flags & SBS_MODEM_TRIES) == 0 || !(modem->priv.tried || config->no_trial));
}

/* Begins the next step of the list; false if there is none. */
static bool begin_step(sbs_modem *modem) {
    const sbs_modem_step *step = modem->priv.steps;
    while (step->command != NULL && !step_applies(modem, step)) {
        step++;
    }

    modem->priv.steps = step + 1;
    if (step->command == NULL) {
        return false;
    }

    if ((step->flags & SBS_MODEM_OPENS) != 0) {
        modem->priv.connected = true;
        modem->priv.unread = 0;
        modem->priv.send_ms = 0;
        modem->priv.data_waits = false;
    }
    sbs_modem_begin(modem, step, (uint32_t)modem->priv.config->certificate_len);

    return true;
}

/* What comes behind the list that has ended. True: the connection is there. */
static bool open_go_on(sbs_modem *modem) {
    if (modem->priv.state == CONNECTING) {
        modem->priv.state = OPEN;
        modem->priv.tried = true; /* not before: a server that was away is refused, too */
        modem->priv.refusals = 0;
        modem->priv.ask_ms = sbs_modem_now_ms(modem) + ASK_MS;
        return true;
    }

    if (modem->priv.state == CLEANING && !modem->priv.ready) {
        modem->priv.tried = false;
        modem->priv.ready = true; /* unless it fails, or the modem starts once more */
        modem->priv.state = STARTING;
        modem->priv.steps = modem->priv.dialect->start;
        return false;
    }

    modem->priv.state = CONNECTING;
    modem->priv.steps = modem->priv.dialect->connect;
    return false;
}

/* Whether the modem has to be set up anew: not where it only says that there is no network or no such peer, unless it
 * goes on saying so. */
static sbs_status open_fail(sbs_modem *modem, const sbs_modem_step *step, sbs_status status) {
    bool opens = step != NULL && (step->flags & SBS_MODEM_OPENS) != 0;
    bool is_told = opens && modem->priv.is_resulted && status != SBS_ERR_UNREACHABLE;
    bool is_offline = !opens && modem->priv.state == CONNECTING && status == SBS_ERR_UNREACHABLE;
    modem->priv.refusals++;
    if ((!is_told && !is_offline) || modem->priv.refusals >= REFUSALS_MAX) {
        modem->priv.ready = false;
        modem->priv.refusals = 0;
    }

    return stream_fail(modem, status);
}

/* One command of open(). SBS_OK: it has ended well, or there was none. */
static sbs_status open_continue(sbs_modem *modem) {
    const sbs_modem_step *step = modem->priv.step;
    if (modem->priv.state == CLEANING) {
        return stream_tidy(modem);
    }

    sbs_status status = sbs_modem_continue(modem);
    if (status == SBS_OK && step != NULL && (step->flags & SBS_MODEM_SKIPS_NEXT) != 0 && modem->priv.is_wanted) {
        modem->priv.steps++;
    }

    return status;
}

static sbs_status open_run(sbs_modem *modem, const char *host, uint16_t port) {
    for (unsigned i = 0; i < STEPS_MAX; i++) {
        const sbs_modem_step *step = modem->priv.step;
        sbs_status status = open_continue(modem);
        if (status == SBS_PENDING) {
            return status;
        }

        if (status == SBS_OK && modem->priv.state > CLEANING && !modem->priv.ready) {
            status = SBS_ERR_NETWORK; /* the modem started anew */
        }
        if (status != SBS_OK) {
            return open_fail(modem, step, status);
        }

        modem->priv.host = host; /* not before: a command of the connection before may have been half written */
        modem->priv.port = port;
        while (modem->priv.state == CLEANING || !begin_step(modem)) {
            if (open_go_on(modem)) {
                return SBS_OK;
            }
        }
    }

    modem->priv.busy = true;
    return SBS_PENDING;
}

/* A host goes into a command between quotation marks. */
static bool host_is_plain(const char *host) {
    for (const char *c = host; *c != '\0'; c++) {
        if (*c <= ' ' || *c == '"' || *c == 0x7F || c - host > 253) {
            return false;
        }
    }

    return host[0] != '\0';
}

static sbs_status open_begin(sbs_modem *modem, const char *host, uint16_t port, sbs_now now) {
    const sbs_modem_config *config = modem->priv.config;
    if (!host_is_plain(host) || port == 0) {
        return SBS_ERR_ARGUMENT;
    }

    if (config->dialect->secured && now.utc_s == SBS_UTC_UNKNOWN) {
        return SBS_ERR_NO_TIME;
    }

    if (config->dialect->secured && !config->dialect->checks_name && !config->pinned) {
        return SBS_ERR_UNVERIFIED;
    }

    modem->priv.code = 0;
    modem->priv.state = CLEANING;
    return SBS_OK;
}

static sbs_status stream_open(void *ctx, const char *host, uint16_t port, sbs_now now) {
    sbs_modem *modem = ctx;
    if (modem->priv.state == CLOSED) {
        sbs_status status = open_begin(modem, host, port, now);
        if (status != SBS_OK) {
            return status;
        }
    } else if (modem->priv.state >= OPEN) {
        return SBS_ERR_STATE;
    }

    return open_run(modem, host, port);
}

/* ---- the other functions of a stream ----------------------------------------------------------------------------- */

static sbs_status stream_send(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    sbs_modem *modem = ctx;
    *out_sent = 0;
    if (modem->priv.state != OPEN) {
        return SBS_ERR_STATE;
    }

    sbs_status status = stream_move(modem);
    if (status != SBS_OK) {
        return stream_fail(modem, status);
    }

    if (modem->priv.ended != SBS_OK) {
        return SBS_ERR_NETWORK; /* what came before may still be read */
    }

    size_t room = lesser(len, modem->priv.config->send_size - modem->priv.send_len);
    if (room == 0) {
        return SBS_PENDING;
    }

    memcpy(modem->priv.config->send_buffer + modem->priv.send_len, data, room);
    modem->priv.send_len += room;
    *out_sent = room;
    status = stream_move(modem);
    if (status != SBS_OK) {
        *out_sent = 0;
        return stream_fail(modem, status);
    }

    return SBS_OK;
}

static bool received_take(sbs_modem *modem, uint8_t *buffer, size_t size, size_t *out_len) {
    if (!received_any(modem)) {
        return false;
    }

    uint8_t *from = modem->priv.config->receive_buffer + modem->priv.receive_at;
    *out_len = lesser(size, modem->priv.receive_len - modem->priv.receive_at);
    memcpy(buffer, from, *out_len);
    sbs_wipe(from, *out_len);
    modem->priv.receive_at += *out_len;
    return true;
}

static sbs_status stream_receive(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_modem *modem = ctx;
    *out_len = 0;
    if (modem->priv.state != OPEN) {
        return SBS_ERR_STATE;
    }

    if (received_take(modem, buffer, size, out_len)) {
        return SBS_OK;
    }

    sbs_status status = stream_move(modem);
    if (status != SBS_OK) {
        return stream_fail(modem, status);
    }

    if (received_take(modem, buffer, size, out_len)) {
        return SBS_OK;
    }

    const sbs_modem_dialect *dialect = modem->priv.dialect;
    bool asks = modem->priv.step == &dialect->count || modem->priv.step == &dialect->receive;
    if (modem->priv.ended == SBS_OK || asks) {
        return SBS_PENDING;
    }
    return stream_fail(modem, modem->priv.ended);
}

static void stream_close(void *ctx) {
    sbs_modem *modem = ctx;
    if (modem->priv.state != OPEN && modem->priv.step != &modem->priv.dialect->send) {
        sent_drop(modem, modem->priv.send_len);
    }

    if (modem->priv.state == STARTING) {
        modem->priv.ready = false;
    }
    sbs_modem_abandon(modem);
    modem->priv.state = CLOSED;
    received_drop(modem);
    (void)stream_tidy(modem);
}

static sbs_wait stream_waits_for(void *ctx) {
    const sbs_modem *modem = ctx;
    uint64_t until_ms = UINT64_MAX;
    if (modem->priv.state == OPEN && modem->priv.step == NULL) {
        if (modem->priv.receive_at == modem->priv.receive_len) {
            until_ms = modem->priv.ask_ms;
        }
        if (modem->priv.send_len > 0 && modem->priv.send_ms < until_ms) {
            until_ms = modem->priv.send_ms;
        }
    }

    return sbs_modem_wait(modem, until_ms);
}

static int32_t stream_last_code(void *ctx) {
    const sbs_modem *modem = ctx;
    return modem->priv.code;
}

#define STREAM_OPS(is_secured)                                                                                         \
    {                                                                                                                  \
        .open = stream_open, .send = stream_send, .receive = stream_receive, .close = stream_close,                    \
        .waits_for = stream_waits_for, .last_code = stream_last_code, .secured = (is_secured),                         \
    }

static const sbs_stream_ops raw_ops = STREAM_OPS(false);
static const sbs_stream_ops secured_ops = STREAM_OPS(true);

/* ---- life -------------------------------------------------------------------------------------------------------- */

static bool name_is_plain(const char *name) {
    return name != NULL && host_is_plain(name) && strlen(name) <= SBS_MODEM_CERTIFICATE_MAX;
}

static bool config_is_whole(const sbs_modem_config *config) {
    return config->dialect != NULL && config->serial.ops != NULL && config->clock != NULL &&
           config->send_buffer != NULL && config->send_size > 0 && config->receive_buffer != NULL &&
           config->receive_size > 0 && (!config->dialect->secured || name_is_plain(config->certificate_name)) &&
           (config->apn == NULL || host_is_plain(config->apn)) &&
           (config->certificate == NULL || config->certificate_len > 0);
}

sbs_status sbs_modem_init(sbs_modem *modem, const sbs_modem_config *config, sbs_stream *out_stream) {
    memset(modem, 0, sizeof *modem);
    if (!config_is_whole(config)) {
        return SBS_ERR_ARGUMENT;
    }

    modem->priv.config = config;
    modem->priv.dialect = config->dialect;
    *out_stream = (sbs_stream){.ops = &raw_ops, .ctx = modem};
    if (config->dialect->secured) {
        out_stream->ops = &secured_ops;
    }

    return SBS_OK;
}

sbs_status sbs_modem_poll(sbs_modem *modem) {
    if (modem->priv.state != CLOSED) {
        return SBS_ERR_STATE;
    }

    sbs_status status = stream_tidy(modem);
    if (status == SBS_PENDING) {
        return status;
    }
    return SBS_OK;
}

void sbs_modem_deinit(sbs_modem *modem) {
    if (modem->priv.config != NULL) {
        sent_drop(modem, modem->priv.send_len);
        received_drop(modem);
    }
    memset(modem, 0, sizeof *modem);
}
