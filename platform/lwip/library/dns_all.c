/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lwIP's DNS client, and what it does without: the further addresses of a name, and the question by TCP where an answer
 * did not fit into a packet (RFC 1035 section 4.2.1, RFC 7766). lwIP's own file is compiled here as it is. What comes
 * for it is looked at first, and what TCP brings is given to it as if it had come by UDP: it alone judges whether an
 * answer is to its question.
 */
#include <lwip/tcp.h>
#include <lwip/udp.h>

#include "../src/lwip_dns.h"

static void sbs_dns_recv(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *addr, u16_t port);

#define udp_recv(pcb, receive, arg) (udp_recv)(pcb, sbs_dns_recv, arg)
#include <core/dns.c> /* NOLINT(bugprone-suspicious-include): see above */
#undef udp_recv

#define DNS_FLAG1_CUT 0x02   /* TC */
#define DNS_ANSWER_MAX 2048u /* bytes of an answer by TCP */
#define DNS_TCP_POLL 4       /* half seconds */

/* Of each name of lwIP's table, in their order. Good while lwIP's entry is. */
static struct {
    u32_t address[SBS_LWIP_ADDRESSES];
    u8_t count;
} dns_addresses[DNS_TABLE_SIZE];

/* The one question by TCP. */
static struct {
    struct tcp_pcb *pcb;
    struct pbuf *answer; /* before there is a connection: the question */
    u16_t txid;
    u8_t index;
} dns_tcp;

/* ---- addresses ------------------------------------------------------------------------------------------------ */

/* Takes the addresses of an answer that nobody has judged yet: they count when lwIP takes the same answer. */
static void dns_note_addresses(u8_t index, struct pbuf *p) {
    struct dns_hdr header;
    struct dns_answer answer;
    u8_t count = 0;

    dns_addresses[index].count = 0;
    if (pbuf_copy_partial(p, &header, SIZEOF_DNS_HDR, 0) != SIZEOF_DNS_HDR) {
        return;
    }

    u16_t left = lwip_htons(header.numanswers);
    u32_t at = dns_skip_name(p, SIZEOF_DNS_HDR);
    at += SIZEOF_DNS_QUERY;
    for (; left > 0 && at < p->tot_len && count < SBS_LWIP_ADDRESSES; left--) {
        at = dns_skip_name(p, (u16_t)at);
        if (at >= p->tot_len || pbuf_copy_partial(p, &answer, SIZEOF_DNS_ANSWER, (u16_t)at) != SIZEOF_DNS_ANSWER) {
            break;
        }

        at += SIZEOF_DNS_ANSWER;
        if (answer.type == PP_HTONS(DNS_RRTYPE_A) && answer.cls == PP_HTONS(DNS_RRCLASS_IN) &&
            answer.len == PP_HTONS(4) &&
            pbuf_copy_partial(p, &dns_addresses[index].address[count], 4, (u16_t)at) == 4) {
            count++;
        }
        at += lwip_htons(answer.len);
    }

    dns_addresses[index].count = count;
}

u8_t sbs_lwip_dns_addresses(const char *name, u32_t addresses[SBS_LWIP_ADDRESSES]) {
    for (u8_t i = 0; i < DNS_TABLE_SIZE; i++) {
        if (dns_table[i].state != DNS_STATE_DONE || lwip_strnicmp(name, dns_table[i].name, DNS_MAX_NAME_LENGTH) != 0) {
            continue;
        }

        MEMCPY(addresses, dns_addresses[i].address, sizeof dns_addresses[i].address);
        return dns_addresses[i].count;
    }

    return 0;
}

/* ---- by TCP --------------------------------------------------------------------------------------------------- */

static int dns_tcp_is_wanted(void) {
    const struct dns_table_entry *entry = &dns_table[dns_tcp.index];
    return entry->state == DNS_STATE_ASKING && entry->txid == dns_tcp.txid;
}

/* Ends the connection, if there is one. ERR_ABRT must be returned to lwIP from its calls. */
static err_t dns_tcp_end(void) {
    struct tcp_pcb *pcb = dns_tcp.pcb;
    if (dns_tcp.answer != NULL) {
        pbuf_free(dns_tcp.answer);
        dns_tcp.answer = NULL;
    }

    dns_tcp.pcb = NULL;
    if (pcb == NULL) {
        return ERR_OK;
    }

    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_err(pcb, NULL);
    tcp_poll(pcb, NULL, 0);
    tcp_setprio(pcb, TCP_PRIO_MIN); /* closing, it is the first to go when another connection needs room */
    if (tcp_close(pcb) == ERR_OK) {
        return ERR_OK;
    }

    tcp_abort(pcb);
    return ERR_ABRT;
}

static void dns_tcp_lost(void *arg, err_t error) {
    (void)arg, (void)error;
    dns_tcp.pcb = NULL; /* lwIP has freed it */
    (void)dns_tcp_end();
}

/* The name was given up, or answered otherwise: nobody waits for this any more. */
static err_t dns_tcp_tick(void *arg, struct tcp_pcb *pcb) {
    (void)arg, (void)pcb;
    if (dns_tcp_is_wanted()) {
        return ERR_OK;
    }
    return dns_tcp_end();
}

/* Two bytes of length and the message. 0: not yet whole; more than DNS_ANSWER_MAX: it is none. */
static u16_t dns_tcp_length(void) {
    struct pbuf *answer = dns_tcp.answer;
    u8_t length[2];
    if (pbuf_copy_partial(answer, length, 2, 0) != 2) {
        return 0;
    }

    u16_t wanted = (u16_t)(length[0] << 8 | length[1]);
    if (wanted < SIZEOF_DNS_HDR || wanted > DNS_ANSWER_MAX) {
        return 0xFFFF;
    }
    if (answer->tot_len - 2 < wanted) {
        return 0;
    }
    return wanted;
}

static err_t dns_tcp_received(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t error) {
    (void)arg, (void)error;
    if (p == NULL) {
        return dns_tcp_end(); /* the server hung up; lwIP asks again by UDP */
    }

    tcp_recved(pcb, p->tot_len);
    if (dns_tcp.answer == NULL) {
        dns_tcp.answer = p;
    } else {
        pbuf_cat(dns_tcp.answer, p);
    }

    u16_t len = dns_tcp_length();
    if (len == 0) {
        return ERR_OK;
    }
    if (len == 0xFFFF || !dns_tcp_is_wanted()) {
        return dns_tcp_end();
    }

    /* Now it is what a packet would have been. */
    struct pbuf *answer = pbuf_free_header(dns_tcp.answer, 2);
    u8_t index = dns_tcp.index;
    dns_tcp.answer = NULL;
    error = dns_tcp_end();
    pbuf_realloc(answer, len);
    dns_note_addresses(index, answer);
    dns_recv(NULL, NULL, answer, &dns_servers[dns_table[index].server_idx], DNS_SERVER_PORT);
    return error;
}

/* The question stands at the head of the answer that was cut: it goes out again as it came, without counts of records.
 */
static err_t dns_tcp_connected(void *arg, struct tcp_pcb *pcb, err_t error) {
    u8_t question[2 + SIZEOF_DNS_HDR + DNS_MAX_NAME_LENGTH + 1 + SIZEOF_DNS_QUERY];
    u16_t len = pbuf_copy_partial(dns_tcp.answer, question + 2, sizeof question - 2, 0);
    (void)arg, (void)error;

    pbuf_free(dns_tcp.answer);
    dns_tcp.answer = NULL;
    question[0] = (u8_t)(len >> 8);
    question[1] = (u8_t)len;
    question[4] = DNS_FLAG1_RD;
    question[5] = 0;
    memset(question + 8, 0, 6);
    if (tcp_write(pcb, question, (u16_t)(len + 2), TCP_WRITE_FLAG_COPY) != ERR_OK) {
        return dns_tcp_end();
    }

    (void)tcp_output(pcb);
    return ERR_OK;
}

/* What fails here is asked again: lwIP repeats its question by UDP, which is cut again. */
static void dns_tcp_ask(u8_t index, struct pbuf *cut) {
    const struct dns_table_entry *entry = &dns_table[index];
    u32_t len = (u32_t)dns_skip_name(cut, SIZEOF_DNS_HDR) + SIZEOF_DNS_QUERY;
    if (len > cut->tot_len || (dns_tcp.pcb != NULL && dns_tcp_is_wanted())) {
        pbuf_free(cut);
        return;
    }

    (void)dns_tcp_end();
    pbuf_realloc(cut, (u16_t)len);
    dns_tcp.answer = cut;
    dns_tcp.pcb = tcp_new();
    if (dns_tcp.pcb == NULL) {
        (void)dns_tcp_end();
        return;
    }

    dns_tcp.index = index;
    dns_tcp.txid = entry->txid;
    tcp_arg(dns_tcp.pcb, &dns_tcp);
    tcp_recv(dns_tcp.pcb, dns_tcp_received);
    tcp_err(dns_tcp.pcb, dns_tcp_lost);
    tcp_poll(dns_tcp.pcb, dns_tcp_tick, DNS_TCP_POLL);
    if (tcp_connect(dns_tcp.pcb, &dns_servers[entry->server_idx], DNS_SERVER_PORT, dns_tcp_connected) != ERR_OK) {
        (void)dns_tcp_end();
    }
}

/* ---- by UDP --------------------------------------------------------------------------------------------------- */

static void sbs_dns_recv(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *addr, u16_t port) {
    struct dns_hdr header;
    u8_t index = 0;
    if (pbuf_copy_partial(p, &header, SIZEOF_DNS_HDR, 0) != SIZEOF_DNS_HDR) {
        pbuf_free(p);
        return;
    }

    while (index < DNS_TABLE_SIZE &&
           (dns_table[index].state != DNS_STATE_ASKING || dns_table[index].txid != lwip_htons(header.id))) {
        index++;
    }

    if (index < DNS_TABLE_SIZE) {
        dns_note_addresses(index, p);

        /* An address that fitted in will do. */
        if ((header.flags1 & DNS_FLAG1_CUT) != 0 && dns_addresses[index].count == 0 &&
            ip_addr_eq(addr, &dns_servers[dns_table[index].server_idx])) {
            dns_tcp_ask(index, p);
            return;
        }
    }

    dns_recv(arg, pcb, p, addr, port);
}
