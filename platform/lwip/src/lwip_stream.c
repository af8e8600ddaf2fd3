/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/lwip_stream.h"

#include <lwip/etharp.h>
#include <lwip/ip.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>
#include <string.h>

#include "lwip_internal.h"

enum { IDLE, RESOLVING, CONNECTING, CONNECTED, OPEN, FAILED };

#define DEFAULT_TIMEOUT_MS 10000u
#define SHORT_OF_MEMORY_MS 100u
#define WRITE_MIN 64u /* no shorter piece is tried when memory is short */

static void stream_wake(const sbs_lwip_stream *stream) {
    if (stream->priv.config.wake != NULL) {
        stream->priv.config.wake(stream->priv.config.wake_ctx);
    }
}

/* A host that says nothing: if not even the next hop answers to ARP, it is the way there that is missing. */
static sbs_status status_of_silence(uint32_t address) {
    ip4_addr_t host;
    struct eth_addr *hardware;
    const ip4_addr_t *known;

    ip4_addr_set_u32(&host, address);
    struct netif *netif = ip4_route(&host);
    if (netif == NULL) {
        return SBS_ERR_UNREACHABLE;
    }

    const ip4_addr_t *hop = netif_ip4_gw(netif);
    if (ip4_addr_net_eq(&host, netif_ip4_addr(netif), netif_ip4_netmask(netif))) {
        hop = &host;
    }

    if (etharp_find_addr(netif, hop, &hardware, &known) < 0) {
        return SBS_ERR_UNREACHABLE;
    }

    return SBS_ERR_TIMEOUT;
}

static sbs_status status_of_call(err_t error) {
    switch (error) {
    case ERR_MEM:
    case ERR_BUF:
        return SBS_ERR_MEMORY;
    case ERR_RTE:
        return SBS_ERR_UNREACHABLE;
    default:
        return SBS_ERR_NETWORK;
    }
}

/* Why lwIP gave the connection up. */
static sbs_status status_of_loss(const sbs_lwip_stream *stream, err_t error) {
    bool connecting = stream->priv.state == CONNECTING;
    switch (error) {
    case ERR_RST:
        if (connecting) {
            return SBS_ERR_REFUSED;
        }
        return SBS_ERR_TRUNCATED;
    case ERR_ABRT:
        return SBS_ERR_TIMEOUT;
    case ERR_MEM:
        return SBS_ERR_MEMORY;
    default:
        return SBS_ERR_NETWORK;
    }
}

static void on_loss(void *arg, err_t error) {
    sbs_lwip_stream *stream = arg;
    stream->priv.pcb = NULL; /* lwIP has freed it */
    stream->priv.loss = status_of_loss(stream, error);
    stream->priv.loss_code = (int32_t)error;
    stream_wake(stream);
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t error) {
    sbs_lwip_stream *stream = arg;
    (void)pcb;
    (void)error; /* lwIP: always ERR_OK */
    stream->priv.state = CONNECTED;
    stream_wake(stream);
    return ERR_OK;
}

static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *data, err_t error) {
    sbs_lwip_stream *stream = arg;
    (void)pcb;
    (void)error;
    if (data == NULL) {
        stream->priv.ended = true;
    } else if (stream->priv.received == NULL) {
        stream->priv.received = data;
    } else if (sbs_lwip_frames_scarce()) {
        return ERR_MEM; /* lwIP keeps this one, and takes acknowledgements only until it is read */
    } else {
        pbuf_cat(stream->priv.received, data);
    }

    stream_wake(stream);
    return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t len) {
    (void)pcb;
    (void)len;
    stream_wake(arg);
    return ERR_OK;
}

static void on_resolved(void *ctx) {
    stream_wake(ctx);
}

/* Lets lwIP end the connection by itself. Nothing of it refers to the stream afterwards. */
static void let_go(struct tcp_pcb *pcb) {
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
    tcp_setprio(pcb, TCP_PRIO_MIN); /* first to go when another connection needs room */
    if (tcp_close(pcb) != ERR_OK) {
        tcp_abort(pcb);
    }
}

static void drop_received(sbs_lwip_stream *stream) {
    if (stream->priv.received != NULL) {
        if (stream->priv.pcb != NULL) {
            tcp_recved(stream->priv.pcb, stream->priv.received->tot_len);
        }
        (void)pbuf_free(stream->priv.received);
        stream->priv.received = NULL;
    }
}

/* Lets lwIP hand over a segment that on_received() did not take. */
static void take_refused(sbs_lwip_stream *stream) {
    struct tcp_pcb *pcb = stream->priv.pcb;
    if (pcb != NULL && pcb->refused_data != NULL && stream->priv.received == NULL) {
        (void)tcp_process_refused_data(pcb);
    }
}

/* What was read by nobody counts as read: the rest of what was sent, and then FIN, go out instead of a reset. */
static void stream_release(sbs_lwip_stream *stream) {
    sbs_lwip_lookup_cancel(&stream->priv.lookup);
    drop_received(stream);
    take_refused(stream);
    drop_received(stream);
    struct tcp_pcb *pcb = stream->priv.pcb;
    if (pcb != NULL) {
        stream->priv.pcb = NULL;
        let_go(pcb);
    }
}

static sbs_status stream_fail(sbs_lwip_stream *stream, sbs_status status, int32_t code) {
    stream_release(stream);
    stream->priv.state = FAILED;
    stream->priv.code = code;
    return status;
}

/* @p on_reset: what a reset means to the caller. */
static sbs_status fail_by_loss(sbs_lwip_stream *stream, sbs_status on_reset) {
    sbs_status status = stream->priv.loss;
    if (status == SBS_ERR_TRUNCATED) {
        status = on_reset;
    } else if (status == SBS_ERR_TIMEOUT) { /* no acknowledgement however often it was sent, or our address is gone */
        status = status_of_silence(stream->priv.address);
    }
    return stream_fail(stream, status, stream->priv.loss_code);
}

static sbs_status stream_wait_for(sbs_lwip_stream *stream, uint32_t timeout_ms, uint8_t events) {
    stream->priv.wait = (sbs_wait){.timeout_ms = timeout_ms, .events = events, .descriptor = -1};
    return SBS_PENDING;
}

static uint32_t connect_time_left(const sbs_lwip_stream *stream, uint32_t limit_ms, uint64_t now_ms) {
    uint64_t passed = now_ms - stream->priv.started_ms;
    if (passed >= limit_ms) {
        return 0;
    }
    return (uint32_t)(limit_ms - passed);
}

/* Connections that were let go and get no answer keep what they have not sent: a new one takes their place. */
static void drop_forlorn(void) {
    struct tcp_pcb *pcb = tcp_active_pcbs;
    while (pcb != NULL) {
        struct tcp_pcb *next = pcb->next;
        if (pcb->callback_arg == NULL && pcb->prio == TCP_PRIO_MIN && pcb->nrtx > 0) {
            tcp_abort(pcb);
            next = tcp_active_pcbs;
        }
        pcb = next;
    }
}

/* The addresses of a name share the time to connect: one that is dead leaves the others theirs. */
static uint32_t connect_share_left(const sbs_lwip_stream *stream, uint64_t now_ms) {
    uint64_t share = (uint64_t)stream->priv.config.connect_timeout_ms * stream->priv.tried / stream->priv.lookup.count;
    return connect_time_left(stream, (uint32_t)share, now_ms);
}

/* Begins with one address. SBS_OK: it is under way. */
static sbs_status connect_begin(sbs_lwip_stream *stream) {
    ip_addr_t address;

    drop_forlorn();
    struct tcp_pcb *pcb = tcp_new();
    if (pcb == NULL) {
        return stream_fail(stream, SBS_ERR_MEMORY, ERR_MEM);
    }

    stream->priv.pcb = pcb;
    stream->priv.state = CONNECTING;
    stream->priv.loss = SBS_OK;
    tcp_arg(pcb, stream);
    tcp_recv(pcb, on_received);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_loss);
    tcp_nagle_disable(pcb);
    ip_addr_set_ip4_u32_val(address, stream->priv.address);
    err_t error = tcp_connect(pcb, &address, stream->priv.port, on_connected);
    if (error != ERR_OK) {
        return stream_fail(stream, status_of_call(error), error);
    }

    return SBS_OK;
}

/* Goes on with the next address, if there is one. @p failed: what became of the one before. */
static sbs_status connect_next(sbs_lwip_stream *stream, sbs_status failed, uint64_t now_ms) {
    while (stream->priv.tried < stream->priv.lookup.count) {
        stream->priv.address = stream->priv.lookup.addresses[stream->priv.tried++];
        failed = connect_begin(stream);
        if (failed == SBS_OK) {
            return stream_wait_for(stream, connect_share_left(stream, now_ms), SBS_WAIT_WRITE);
        }
    }

    return failed;
}

static sbs_status keep_connecting(sbs_lwip_stream *stream, uint64_t now_ms) {
    uint32_t left_ms = connect_share_left(stream, now_ms);
    if (stream->priv.loss != SBS_OK) {
        return connect_next(stream, fail_by_loss(stream, SBS_ERR_NETWORK), now_ms);
    }

    if (stream->priv.state == CONNECTED) {
        stream->priv.state = OPEN;
        return SBS_OK;
    }

    if (left_ms == 0) {
        sbs_status silence = status_of_silence(stream->priv.address);
        return connect_next(stream, stream_fail(stream, silence, ERR_TIMEOUT), now_ms);
    }

    return stream_wait_for(stream, left_ms, SBS_WAIT_WRITE);
}

/* The address that answered the last time goes first. */
static void connect_prefer_known(sbs_lwip_stream *stream) {
    uint32_t *addresses = stream->priv.lookup.addresses;
    for (uint8_t i = 1; i < stream->priv.lookup.count; i++) {
        if (addresses[i] == stream->priv.address) {
            addresses[i] = addresses[0];
            addresses[0] = stream->priv.address;
        }
    }
}

static sbs_status stream_connect(sbs_lwip_stream *stream, uint64_t now_ms) {
    if (!sbs_lwip_random_works()) {
        return stream_fail(stream, SBS_ERR_RANDOM, 0);
    }

    connect_prefer_known(stream);
    stream->priv.tried = 0;
    stream->priv.started_ms = now_ms;

    return connect_next(stream, SBS_ERR_RESOLVE, now_ms);
}

static sbs_status keep_resolving(sbs_lwip_stream *stream, const char *host, uint64_t now_ms) {
    uint32_t left_ms = connect_time_left(stream, stream->priv.config.resolve_timeout_ms, now_ms);
    sbs_status status = sbs_lwip_lookup_poll(&stream->priv.lookup, host);
    if (status == SBS_OK) {
        return stream_connect(stream, now_ms);
    }

    if (status != SBS_PENDING) {
        return stream_fail(stream, status, ERR_VAL);
    }

    if (left_ms == 0) {
        return stream_fail(stream, SBS_ERR_RESOLVE, ERR_TIMEOUT);
    }

    /* Not even asked yet, while lwIP's list of questions is full. */
    bool asked = stream->priv.lookup.ticket != 0;
    if (!asked && left_ms > SHORT_OF_MEMORY_MS) {
        left_ms = SHORT_OF_MEMORY_MS;
    }

    return stream_wait_for(stream, left_ms, SBS_WAIT_READ);
}

static sbs_status stream_start(sbs_lwip_stream *stream, const char *host, uint16_t port, uint64_t now_ms) {
    if (host[0] == '\0' || port == 0) {
        return SBS_ERR_ARGUMENT;
    }

    stream->priv.port = port;
    stream->priv.code = 0;
    stream->priv.loss = SBS_OK;
    stream->priv.loss_code = 0;
    stream->priv.ended = false;
    stream->priv.started_ms = now_ms;
    stream->priv.state = RESOLVING;

    return keep_resolving(stream, host, now_ms);
}

static sbs_status open_locked(sbs_lwip_stream *stream, const char *host, uint16_t port, uint64_t now_ms) {
    switch (stream->priv.state) {
    case IDLE:
        return stream_start(stream, host, port, now_ms);
    case RESOLVING:
        return keep_resolving(stream, host, now_ms);
    case CONNECTING:
    case CONNECTED:
        return keep_connecting(stream, now_ms);
    default:
        return SBS_ERR_STATE;
    }
}

static sbs_status stream_open(void *ctx, const char *host, uint16_t port, sbs_now now) {
    sbs_lwip_lock();
    sbs_status status = open_locked(ctx, host, port, now.mono_ms);
    sbs_lwip_unlock();
    return status;
}

/* Queues what finds room now: as much as lwIP takes, less when memory is short. */
static err_t queue_bytes(struct tcp_pcb *pcb, const uint8_t *data, size_t len, size_t *out_sent) {
    size_t room = tcp_sndbuf(pcb);
    size_t size = len < room ? len : room;
    err_t error = ERR_MEM;

    while (size > 0 && (error = tcp_write(pcb, data, (u16_t)size, TCP_WRITE_FLAG_COPY)) == ERR_MEM &&
           size > WRITE_MIN) {
        size /= 2;
    }

    *out_sent = error == ERR_OK ? size : 0;
    return error;
}

static sbs_status send_locked(sbs_lwip_stream *stream, const uint8_t *data, size_t len, size_t *out_sent) {
    struct tcp_pcb *pcb = stream->priv.pcb;
    if (stream->priv.state != OPEN) {
        return SBS_ERR_STATE;
    }

    if (stream->priv.loss != SBS_OK) {
        return fail_by_loss(stream, SBS_ERR_NETWORK);
    }

    err_t error = queue_bytes(pcb, data, len, out_sent);
    if (error == ERR_MEM && tcp_sndqueuelen(pcb) > 0) {
        /* An acknowledgement makes room; other memory comes back without an event. */
        if (tcp_sndbuf(pcb) > 0) {
            return stream_wait_for(stream, SHORT_OF_MEMORY_MS, SBS_WAIT_WRITE);
        }
        return stream_wait_for(stream, SBS_WAIT_FOREVER, SBS_WAIT_WRITE);
    }

    if (error != ERR_OK) {
        return stream_fail(stream, status_of_call(error), error);
    }

    (void)tcp_output(pcb); /* what it cannot send now, lwIP's timers will */
    return SBS_OK;
}

static sbs_status stream_send(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    *out_sent = 0;
    sbs_lwip_lock();
    sbs_status status = send_locked(ctx, data, len, out_sent);
    sbs_lwip_unlock();
    return status;
}

static void take_received(sbs_lwip_stream *stream, uint8_t *buffer, size_t size, size_t *out_len) {
    struct pbuf *chain = stream->priv.received;
    u16_t len = size < chain->tot_len ? (u16_t)size : chain->tot_len;
    (void)pbuf_copy_partial(chain, buffer, len, 0);
    stream->priv.received = pbuf_free_header(chain, len);
    if (stream->priv.pcb != NULL) {
        tcp_recved(stream->priv.pcb, len);
        take_refused(stream);
    }

    *out_len = len;
}

static sbs_status receive_locked(sbs_lwip_stream *stream, uint8_t *buffer, size_t size, size_t *out_len) {
    if (stream->priv.state != OPEN) {
        return SBS_ERR_STATE;
    }

    if (stream->priv.received != NULL) {
        take_received(stream, buffer, size, out_len);
        return SBS_OK;
    }

    if (stream->priv.ended) {
        return SBS_END;
    }

    if (stream->priv.loss != SBS_OK) {
        return fail_by_loss(stream, SBS_ERR_TRUNCATED);
    }

    return stream_wait_for(stream, SBS_WAIT_FOREVER, SBS_WAIT_READ);
}

static sbs_status stream_receive(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    *out_len = 0;
    sbs_lwip_lock();
    sbs_status status = receive_locked(ctx, buffer, size, out_len);
    sbs_lwip_unlock();
    return status;
}

static void stream_close(void *ctx) {
    sbs_lwip_stream *stream = ctx;
    sbs_lwip_lock();
    stream_release(stream);
    stream->priv.state = IDLE;
    sbs_lwip_unlock();
}

static sbs_wait stream_waits_for(void *ctx) {
    const sbs_lwip_stream *stream = ctx;
    return stream->priv.wait;
}

static int32_t stream_last_code(void *ctx) {
    const sbs_lwip_stream *stream = ctx;
    return stream->priv.code;
}

static const sbs_stream_ops stream_ops = {
    .open = stream_open,
    .send = stream_send,
    .receive = stream_receive,
    .close = stream_close,
    .waits_for = stream_waits_for,
    .last_code = stream_last_code,
    .secured = false,
};

static uint32_t or_default(uint32_t value) {
    if (value != 0) {
        return value;
    }
    return DEFAULT_TIMEOUT_MS;
}

void sbs_lwip_stream_init(sbs_lwip_stream *stream, const sbs_lwip_stream_config *config, sbs_stream *out_stream) {
    memset(stream, 0, sizeof *stream);
    if (config != NULL) {
        stream->priv.config = *config;
    }

    stream->priv.config.resolve_timeout_ms = or_default(stream->priv.config.resolve_timeout_ms);
    stream->priv.config.connect_timeout_ms = or_default(stream->priv.config.connect_timeout_ms);
    stream->priv.lookup.answer = SBS_PENDING;
    stream->priv.lookup.done = on_resolved;
    stream->priv.lookup.ctx = stream;
    stream->priv.wait = (sbs_wait){.timeout_ms = 0, .events = 0, .descriptor = -1};
    *out_stream = (sbs_stream){.ops = &stream_ops, .ctx = stream};
}

void sbs_lwip_stream_deinit(sbs_lwip_stream *stream) {
    stream_close(stream);
}
