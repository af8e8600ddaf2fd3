/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SNTP client (RFC 4330), which lwIP's own does not suffice for: that one takes the time of a server that says it is
 * not synchronised. What we send as our transmit time is a random number, never our clock: the server returns it, and
 * an answer without it is none.
 */
#include <lwip/dhcp.h>
#include <lwip/udp.h>
#include <psa/crypto.h>
#include <string.h>

#include "lwip_internal.h"

enum { PAUSING, RESOLVING, ASKING };

#define HEADER_SIZE 48u
#define OFFSET_ORIGINATE 24u
#define OFFSET_TRANSMIT 40u
#define LEAP_UNKNOWN 3u
#define MODE_CLIENT 3u
#define MODE_SERVER 4u
#define VERSION 4u
#define STRATUM_MAX 15u

#define RESOLVE_TIMEOUT_MS 10000u
#define ANSWER_TIMEOUT_MS 5000u
#define RETRY_MS 4000u
#define RENEW_MS 3600000u
#define DOUBLINGS_MAX 4u

#define UNIX_EPOCH_IN_ERA_0 2208988800  /* seconds from 1900 to 1970 */
#define ERA_S 4294967296                /* 2^32 */
#define SPAN_S (INT64_C(50) * 31556952) /* no device lives longer */

static uint32_t dhcp_server;

/* lwIP's DHCP client calls this by its name. */
void dhcp_set_ntp_servers(u8_t num_ntp_servers, const ip4_addr_t *ntp_server_addrs) {
    dhcp_server = 0;
    if (num_ntp_servers != 0) {
        dhcp_server = ip4_addr_get_u32(&ntp_server_addrs[0]);
    }
}

uint32_t sbs_lwip_time_server_of_dhcp(void) {
    return dhcp_server;
}

void sbs_lwip_time_forget_dhcp(void) {
    dhcp_server = 0;
}

static void time_enter(sbs_lwip_time *time, uint8_t phase, uint64_t now_ms) {
    time->phase = phase;
    time->since_ms = now_ms;
}

void sbs_lwip_time_stop(sbs_lwip_time *time) {
    sbs_lwip_lookup_cancel(&time->lookup);
    if (time->pcb != NULL) {
        udp_remove(time->pcb);
        time->pcb = NULL;
    }

    time->phase = PAUSING;
    time->pause_ms = 0;
    time->answered = false;
    time->state = SBS_LWIP_TIME_IDLE;
}

void sbs_lwip_time_ask(sbs_lwip_time *time) {
    if (time->phase == PAUSING) {
        time->pause_ms = 0;
    }
}

static void time_pause(sbs_lwip_time *time, sbs_lwip_time_state state, uint32_t pause_ms, uint64_t now_ms) {
    sbs_lwip_time_stop(time);
    time_enter(time, PAUSING, now_ms);
    time->state = state;
    time->pause_ms = pause_ms;
}

/* Doubled at each failure in a row, and spread: devices that failed together do not come back together. */
static void time_fail(sbs_lwip_time *time, const sbs_lwip_net_config *config, sbs_lwip_time_state state,
                      uint64_t now_ms) {
    uint32_t base = config->time_retry_ms != 0 ? config->time_retry_ms : RETRY_MS;
    if (time->answered && time->answer[1] == 0) {
        time->failures = DOUBLINGS_MAX; /* kiss-o'-death: RFC 4330 section 8 wants it left alone */
    }

    base <<= time->failures;
    if (time->failures < DOUBLINGS_MAX) {
        time->failures++;
    }
    time->turn++;

    time_pause(time, state, base - base / 4u + sbs_lwip_random() % (base / 2u + 1u), now_ms);
}

/* The first answer to our question is kept; it is judged when it is polled. */
static void time_received(void *arg, struct udp_pcb *pcb, struct pbuf *packet, const ip_addr_t *from, u16_t port) {
    sbs_lwip_time *time = arg;
    uint8_t header[HEADER_SIZE];

    (void)pcb; /* connected: lwIP passes on what comes from that address and port only */
    (void)from;
    (void)port;
    if (!time->answered && pbuf_copy_partial(packet, header, HEADER_SIZE, 0) == HEADER_SIZE &&
        (header[0] & 7u) == MODE_SERVER && memcmp(header + OFFSET_ORIGINATE, time->nonce, sizeof time->nonce) == 0) {
        memcpy(time->answer, header, HEADER_SIZE);
        time->answered = true;
    }

    (void)pbuf_free(packet);
}

static bool send_question(sbs_lwip_time *time) {
    uint8_t header[HEADER_SIZE] = {(VERSION << 3) | MODE_CLIENT};
    struct pbuf *packet = pbuf_alloc(PBUF_TRANSPORT, HEADER_SIZE, PBUF_RAM);
    if (packet == NULL) {
        return false;
    }

    memcpy(header + OFFSET_TRANSMIT, time->nonce, sizeof time->nonce);
    bool sent = pbuf_take(packet, header, HEADER_SIZE) == ERR_OK && udp_send(time->pcb, packet) == ERR_OK;
    (void)pbuf_free(packet);

    return sent;
}

static bool time_ask_server(sbs_lwip_time *time, uint32_t server) {
    ip_addr_t address;
    ip_addr_set_ip4_u32_val(address, server);
    time->server = server;
    if (psa_generate_random(time->nonce, sizeof time->nonce) != PSA_SUCCESS) {
        return false;
    }

    time->pcb = udp_new();
    if (time->pcb == NULL) {
        return false;
    }

    udp_recv(time->pcb, time_received, time);
    u16_t port = (u16_t)(49152u + sbs_lwip_random() % 16384u); /* an odd chance that it is taken: asked again */
    return udp_bind(time->pcb, IP4_ADDR_ANY, port) == ERR_OK &&
           udp_connect(time->pcb, &address, SBS_LWIP_NTP_PORT) == ERR_OK && send_question(time);
}

static uint32_t read_32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Seconds since 1970, rounded: the server's time when it answered and half of what the way took. RFC 4330 section 3: a
 * time whose first bit is not set lies behind 2036. */
static int64_t time_told(const sbs_lwip_time *time, uint64_t now_ms) {
    uint32_t seconds = read_32(time->answer + OFFSET_TRANSMIT);
    uint32_t fraction = read_32(time->answer + OFFSET_TRANSMIT + 4);
    int64_t utc_s = (int64_t)seconds - UNIX_EPOCH_IN_ERA_0;
    if ((seconds & 0x80000000u) == 0) {
        utc_s += ERA_S;
    }

    uint64_t ms = ((uint64_t)fraction * 1000u >> 32) + (now_ms - time->since_ms) / 2u + 500u;
    return utc_s + (int64_t)(ms / 1000u);
}

static sbs_lwip_time_state time_judge(const sbs_lwip_time *time, int64_t earliest_s, int64_t utc_s) {
    uint8_t stratum = time->answer[1];
    if (stratum == 0 || stratum > STRATUM_MAX || time->answer[0] >> 6 == LEAP_UNKNOWN ||
        read_32(time->answer + OFFSET_TRANSMIT) == 0) {
        return SBS_LWIP_TIME_REFUSED;
    }

    if (utc_s < earliest_s || utc_s > earliest_s + SPAN_S) {
        return SBS_LWIP_TIME_INCREDIBLE;
    }

    return SBS_LWIP_TIME_KNOWN;
}

static bool take_answer(sbs_lwip_time *time, const sbs_lwip_net_config *config, uint64_t now_ms, int64_t *out_utc_s) {
    int64_t utc_s = time_told(time, now_ms);
    sbs_lwip_time_state state = time_judge(time, config->earliest_s, utc_s);
    if (state != SBS_LWIP_TIME_KNOWN) {
        time_fail(time, config, state, now_ms);
        return false;
    }

    time->failures = 0;
    time_pause(time, state, config->time_renew_ms != 0 ? config->time_renew_ms : RENEW_MS, now_ms);
    *out_utc_s = utc_s;

    return true;
}

static void begin_asking(sbs_lwip_time *time, const sbs_lwip_net_config *config, uint32_t server, uint64_t now_ms) {
    time_enter(time, ASKING, now_ms);
    if (!time_ask_server(time, server)) {
        time_fail(time, config, SBS_LWIP_TIME_SILENT, now_ms);
    }
}

static void time_resolve(sbs_lwip_time *time, const sbs_lwip_net_config *config, uint64_t now_ms) {
    sbs_status status = sbs_lwip_lookup_poll(&time->lookup, config->time_server);
    if (status == SBS_OK) {
        /* After a failure another one. */
        begin_asking(time, config, time->lookup.addresses[time->turn % time->lookup.count], now_ms);
    } else if (status != SBS_PENDING || now_ms - time->since_ms >= RESOLVE_TIMEOUT_MS) {
        time_fail(time, config, SBS_LWIP_TIME_UNNAMED, now_ms);
    }
}

static void time_begin(sbs_lwip_time *time, const sbs_lwip_net_config *config, uint64_t now_ms) {
    if (config->time_server == NULL && dhcp_server == 0) {
        time->state = SBS_LWIP_TIME_IDLE;
        return;
    }

    time->state = SBS_LWIP_TIME_ASKING;
    if (config->time_server == NULL) {
        begin_asking(time, config, dhcp_server, now_ms);
    } else {
        time_enter(time, RESOLVING, now_ms);
        time_resolve(time, config, now_ms);
    }
}

bool sbs_lwip_time_poll(sbs_lwip_time *time, const sbs_lwip_net_config *config, bool ready, uint64_t now_ms,
                        int64_t *out_utc_s) {
    if (!ready) {
        /* Asked anew, at once, when the network is back, unless the pause is one after a success or a refusal. */
        if (time->phase != PAUSING || (time->state != SBS_LWIP_TIME_KNOWN && time->state != SBS_LWIP_TIME_REFUSED)) {
            sbs_lwip_time_stop(time);
            time->failures = 0;
        }
        return false;
    }

    if (time->phase == RESOLVING) {
        time_resolve(time, config, now_ms);
    } else if (time->phase == ASKING && time->answered) {
        return take_answer(time, config, now_ms, out_utc_s);
    } else if (time->phase == ASKING && now_ms - time->since_ms >= ANSWER_TIMEOUT_MS) {
        time_fail(time, config, SBS_LWIP_TIME_SILENT, now_ms);
    } else if (time->phase == PAUSING && now_ms - time->since_ms >= time->pause_ms) {
        time_begin(time, config, now_ms);
    }

    return false;
}

uint32_t sbs_lwip_time_left(const sbs_lwip_time *time, uint64_t now_ms) {
    uint32_t limit = time->phase == PAUSING ? time->pause_ms : ANSWER_TIMEOUT_MS;
    uint64_t passed = now_ms - time->since_ms;
    if (time->answered) {
        return 0;
    }

    if (passed >= limit) {
        return 1000u;
    }

    return (uint32_t)(limit - passed);
}
