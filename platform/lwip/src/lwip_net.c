/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/lwip_net.h"

#include <lwip/dhcp.h>
#include <lwip/dns.h>
#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>
#include <string.h>

#include "lwip_internal.h"

#define FRAMES_PER_POLL 8u
#define LINK_CHECK_MS 200u
#define MTU 1500u

static bool stack_started;
static sbs_lwip_net *the_network;

#if NO_SYS
static void start_stack(void) {
    lwip_init();
}
#else
static void start_stack(void) {
    tcpip_init(NULL, NULL);
}
#endif

static err_t send_frame(struct netif *netif, struct pbuf *frame) {
    sbs_lwip_net *net = netif->state;
    const sbs_ethernet *ethernet = net->priv.ethernet;
    sbs_status status = ethernet->ops->send_begin(ethernet->ctx, frame->tot_len);
    if (status != SBS_OK) {
        net->priv.send_blocked = status == SBS_PENDING;
        if (status == SBS_PENDING) {
            return ERR_BUF;
        }
        return ERR_IF;
    }

    for (const struct pbuf *part = frame; part != NULL; part = part->next) {
        ethernet->ops->send(ethernet->ctx, part->payload, part->len);
    }

    ethernet->ops->send_end(ethernet->ctx);
    net->priv.frames_out++;
    return ERR_OK;
}

static err_t set_up_interface(struct netif *netif) {
    const sbs_lwip_net *net = netif->state;
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->mtu = MTU;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    netif->hwaddr_len = SBS_ETHERNET_ADDRESS_SIZE;
    memcpy(netif->hwaddr, net->priv.ethernet->address, SBS_ETHERNET_ADDRESS_SIZE);
    netif->output = etharp_output;
    netif->linkoutput = send_frame;

    return ERR_OK;
}

static ip4_addr_t to_ip4(sbs_lwip_address address) {
    ip4_addr_t ip4;
    IP4_ADDR(&ip4, address.bytes[0], address.bytes[1], address.bytes[2], address.bytes[3]);
    return ip4;
}

static sbs_lwip_address from_u32(uint32_t ip4) {
    sbs_lwip_address address;
    memcpy(address.bytes, &ip4, sizeof address.bytes);
    return address;
}

static bool is_fixed(const sbs_lwip_net *net) {
    const ip4_addr_t address = to_ip4(net->priv.config.address);
    return !ip4_addr_isany_val(address);
}

static sbs_status add_interface(sbs_lwip_net *net) {
    struct netif *netif = &net->priv.netif;
    const sbs_lwip_net_config *config = &net->priv.config;
    ip4_addr_t address = to_ip4(config->address);
    ip4_addr_t netmask = to_ip4(config->netmask);
    ip4_addr_t gateway = to_ip4(config->gateway);
    ip_addr_t name_server;

    ip_addr_copy_from_ip4(name_server, to_ip4(config->name_server));
    if (netif_add(netif, &address, &netmask, &gateway, net, set_up_interface, ethernet_input) == NULL) {
        return SBS_ERR_MEMORY;
    }

    netif_set_hostname(netif, config->hostname);
    netif_set_default(netif);
    netif_set_up(netif);
    dns_setserver(0, &name_server);
    if (!is_fixed(net) && dhcp_start(netif) != ERR_OK) {
        netif_remove(netif);
        return SBS_ERR_MEMORY;
    }

    return SBS_OK;
}

static bool is_complete(const sbs_ethernet *ethernet, const sbs_lwip_net_config *config) {
    return ethernet != NULL && ethernet->ops != NULL && config != NULL && config->earliest_s > 0;
}

sbs_status sbs_lwip_net_init(sbs_lwip_net *net, const sbs_ethernet *ethernet, const sbs_lwip_net_config *config) {
    sbs_status status;
    memset(net, 0, sizeof *net);
    if (!is_complete(ethernet, config)) {
        return SBS_ERR_ARGUMENT;
    }

    if (the_network != NULL) {
        return SBS_ERR_STATE;
    }

    if (!stack_started) {
        status = sbs_lwip_random_start();
        if (status != SBS_OK) {
            return status;
        }
        start_stack();
        stack_started = true;
    }

    net->priv.ethernet = ethernet;
    net->priv.config = *config;
    sbs_lwip_lock();
    net->priv.time.lookup.answer = SBS_PENDING;
    status = add_interface(net);
    if (status == SBS_OK) {
        net->priv.running = true;
        the_network = net;
    }

    sbs_lwip_unlock();
    return status;
}

void sbs_lwip_net_deinit(sbs_lwip_net *net) {
    if (!net->priv.running) {
        return;
    }

    sbs_lwip_lock();
    sbs_lwip_time_stop(&net->priv.time);
    sbs_lwip_time_forget_dhcp();
    if (!is_fixed(net)) {
        dhcp_release_and_stop(&net->priv.netif);
        dhcp_cleanup(&net->priv.netif);
    }

    netif_remove(&net->priv.netif);
    net->priv.running = false;
    the_network = NULL;
    sbs_lwip_unlock();
}

static void watch_link(sbs_lwip_net *net, uint64_t now_ms) {
    struct netif *netif = &net->priv.netif;
    const sbs_ethernet *ethernet = net->priv.ethernet;
    if (net->priv.link_checked_ms != 0 && now_ms - net->priv.link_checked_ms < LINK_CHECK_MS) {
        return;
    }

    net->priv.link_checked_ms = now_ms;
    if (ethernet->ops->link_up(ethernet->ctx)) {
        netif_set_link_up(netif); /* lwIP renews the lease */
    } else {
        netif_set_link_down(netif);
    }
}

/* True if there may be more. */
static bool take_frames(sbs_lwip_net *net) {
    for (unsigned i = 0; i < FRAMES_PER_POLL; i++) {
        struct pbuf *frame = NULL;
        if (sbs_lwip_frame_receive(net->priv.ethernet, &frame) != SBS_OK) {
            return false;
        }
        net->priv.frames_in++;
        if (frame == NULL) {
            net->priv.frames_dropped++;
        } else if (net->priv.netif.input(frame, &net->priv.netif) != ERR_OK) {
            (void)pbuf_free(frame);
        }
    }

    return true;
}

/* A segment that found no room is tried again before lwIP's timer would. */
static void send_blocked(sbs_lwip_net *net) {
    if (net->priv.send_blocked) {
        net->priv.send_blocked = false;
        for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
            (void)tcp_output(pcb);
        }
    }
}

static bool is_ready(const sbs_lwip_net *net) {
    const struct netif *netif = &net->priv.netif;
    return netif_is_link_up(netif) && (is_fixed(net) || dhcp_supplied_address(netif));
}

static uint32_t least(uint32_t a, uint32_t b) {
    if (a < b) {
        return a;
    }
    return b;
}

static uint32_t time_to_next_poll(const sbs_lwip_net *net, bool more_frames, uint64_t now_ms) {
    uint32_t left_ms = least(LINK_CHECK_MS, sbs_lwip_time_left(&net->priv.time, now_ms));
    if (more_frames) {
        return 0;
    }

#if NO_SYS
    left_ms = least(left_ms, sys_timeouts_sleeptime());
#endif
    if (net->priv.send_blocked) {
        return least(left_ms, 1);
    }

    return left_ms;
}

uint32_t sbs_lwip_poll(sbs_lwip_net *net, sbs_now now) {
    int64_t utc_s = SBS_UTC_UNKNOWN;
    bool told = false;
    if (!net->priv.running) {
        return LINK_CHECK_MS;
    }

    sbs_lwip_lock();
#if NO_SYS
    sbs_lwip_clock_set(now.mono_ms);
#endif
    watch_link(net, now.mono_ms);
    bool more_frames = take_frames(net);
#if NO_SYS
    sys_check_timeouts();
#endif
    send_blocked(net);
    if (net->priv.config.on_time != NULL) {
        told = sbs_lwip_time_poll(&net->priv.time, &net->priv.config, is_ready(net), now.mono_ms, &utc_s);
    }

    uint32_t left_ms = time_to_next_poll(net, more_frames, now.mono_ms);
    sbs_lwip_unlock();
    if (told) {
        net->priv.config.on_time(net->priv.config.ctx, utc_s);
    }

    return left_ms;
}

void sbs_lwip_net_ask_time(sbs_lwip_net *net) {
    sbs_lwip_lock();
    sbs_lwip_time_ask(&net->priv.time);
    sbs_lwip_unlock();
}

void sbs_lwip_net_read_state(const sbs_lwip_net *net, sbs_lwip_net_state *out_state) {
    const struct netif *netif = &net->priv.netif;
    memset(out_state, 0, sizeof *out_state);
    if (!net->priv.running) {
        return;
    }

    sbs_lwip_lock();
    out_state->link_up = netif_is_link_up(netif);
    out_state->ready = is_ready(net);
    out_state->address = from_u32(ip4_addr_get_u32(netif_ip4_addr(netif)));
    out_state->netmask = from_u32(ip4_addr_get_u32(netif_ip4_netmask(netif)));
    out_state->gateway = from_u32(ip4_addr_get_u32(netif_ip4_gw(netif)));
    out_state->name_server = from_u32(ip_addr_get_ip4_u32(dns_getserver(0)));
    out_state->time_server = from_u32(net->priv.time.server);
    out_state->time = net->priv.time.state;
    out_state->frames_in = net->priv.frames_in;
    out_state->frames_out = net->priv.frames_out;
    out_state->frames_dropped = net->priv.frames_dropped;
    out_state->received_size = sbs_lwip_frames_size(&out_state->received_peak);
    sbs_lwip_unlock();
}
