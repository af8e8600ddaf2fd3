/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file lwip_net.h
 * The device's network: lwIP over one Ethernet controller (port/ethernet.h), its address by DHCP or fixed, its name
 * servers, and the time of day by SNTP (RFC 4330). lwIP keeps its state globally, so there is one network at a time.
 *
 * psa_crypto_init() must have succeeded before: port numbers, DNS ids and TCP's initial sequence numbers (RFC 6528) are
 * made from psa_generate_random.
 */
#ifndef SBS_LWIP_NET_H
#define SBS_LWIP_NET_H

#include <stdbool.h>
#include <stdint.h>

#include <lwip/netif.h>

#include "sbs/ethernet.h"
#include "sbs/lwip_lookup.h"
#include "sbs/status.h"
#include "sbs/time.h"

#ifdef __cplusplus
extern "C" {
#endif

/** An IPv4 address in the order in which it is written; 0.0.0.0: none. */
typedef struct sbs_lwip_address {
    uint8_t bytes[4];
} sbs_lwip_address;

/** Configuration. What it points to must outlive the network. */
typedef struct sbs_lwip_net_config {
    const char *hostname; /**< told to the DHCP server; NULL: none */

    sbs_lwip_address address; /**< fixed address; 0.0.0.0: DHCP */
    sbs_lwip_address netmask; /**< with a fixed address */
    sbs_lwip_address gateway;
    sbs_lwip_address name_server; /**< with a fixed address, and where DHCP names none */

    const char *time_server; /**< DNS name or address; NULL: the one that DHCP names (option 42), if any */
    int64_t earliest_s;      /**< no true time lies before (time of the build, last known time); must be positive */
    uint32_t time_retry_ms;  /**< first pause after a failure, doubled up to 16 times as much; 0: 4000 */
    uint32_t time_renew_ms;  /**< pause after a success; 0: an hour */

    /** Called from sbs_lwip_poll() with the time of day whenever a server has told it credibly. NULL: no time is asked
     * for. */
    void (*on_time)(void *ctx, int64_t utc_s);
    void *ctx;
} sbs_lwip_net_config;

/** What became of the last question for the time. */
typedef enum sbs_lwip_time_state {
    SBS_LWIP_TIME_IDLE,      /**< no network, no server, or nobody wants to know */
    SBS_LWIP_TIME_ASKING,    /**< on the way */
    SBS_LWIP_TIME_KNOWN,     /**< answered */
    SBS_LWIP_TIME_UNNAMED,   /**< the server's name cannot be resolved */
    SBS_LWIP_TIME_SILENT,    /**< no answer */
    SBS_LWIP_TIME_REFUSED,   /**< the server asks to go away (kiss-o'-death), or says that it does not know the time */
    SBS_LWIP_TIME_INCREDIBLE /**< the time told lies before earliest_s, or absurdly far behind it */
} sbs_lwip_time_state;

/** For a status line. */
typedef struct sbs_lwip_net_state {
    bool link_up;
    bool ready; /**< the link is up and there is an address */
    sbs_lwip_address address, netmask, gateway, name_server;
    sbs_lwip_address time_server; /**< the one asked last */
    sbs_lwip_time_state time;
    uint32_t frames_in, frames_out;
    uint32_t frames_dropped; /**< received and not taken: no memory, or the share of received frames was used up */
    uint32_t received_size;  /**< bytes that received frames hold now, administration included */
    uint32_t received_peak;
} sbs_lwip_net_state;

struct udp_pcb;

/** The SNTP client's state. Private. */
typedef struct sbs_lwip_time {
    sbs_lwip_lookup lookup;
    struct udp_pcb *pcb;
    uint64_t since_ms;  /* when this phase began */
    uint32_t pause_ms;  /* the current pause */
    uint32_t server;    /* IPv4, network byte order */
    uint8_t nonce[8];   /* sent as our transmit time, comes back as the answer's originate time */
    uint8_t answer[48]; /* the first credible header */
    uint8_t phase;
    uint8_t failures, turn; /* turn: which of a name's addresses */
    bool answered;
    sbs_lwip_time_state state;
} sbs_lwip_time;

/** The network. Place it anywhere; it must not move. */
typedef struct sbs_lwip_net {
    struct {
        struct netif netif;
        const sbs_ethernet *ethernet;
        sbs_lwip_net_config config;
        sbs_lwip_time time;
        uint32_t frames_in, frames_out, frames_dropped;
        uint64_t link_checked_ms;
        bool send_blocked; /* a frame found no room in the controller */
        bool running;
    } priv;
} sbs_lwip_net;

/**
 * Starts lwIP if it is not running, and the network on @p ethernet, which must outlive it. Returns at once; addresses
 * and time come with sbs_lwip_poll(). @p config is copied.
 * @return SBS_OK; SBS_ERR_ARGUMENT; SBS_ERR_STATE (there is a network already); SBS_ERR_RANDOM; SBS_ERR_MEMORY.
 */
SBS_NODISCARD sbs_status sbs_lwip_net_init(sbs_lwip_net *net, const sbs_ethernet *ethernet,
                                           const sbs_lwip_net_config *config);

/** Stops the network: the address is given back and streams lose their connections. Legal twice. */
void sbs_lwip_net_deinit(sbs_lwip_net *net);

/**
 * Takes a bounded number of received frames, watches the link, and asks for the time; with NO_SYS=1 it also runs lwIP's
 * timers. Call it in the superloop; under threads from one task, which may sleep meanwhile.
 * @return milliseconds after which it must be called again if no frame arrives before; 0: at once.
 */
uint32_t sbs_lwip_poll(sbs_lwip_net *net, sbs_now now);

/** Asks for the time at the next poll, unless a question is under way: after a certificate that is "not valid yet",
 * say. */
void sbs_lwip_net_ask_time(sbs_lwip_net *net);

/** What the network is doing now. */
void sbs_lwip_net_read_state(const sbs_lwip_net *net, sbs_lwip_net_state *out_state);

#ifdef __cplusplus
}
#endif
#endif
