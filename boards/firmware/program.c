/* SPDX-License-Identifier: Apache-2.0 */
/* Composes the application with a board: flash, network, TLS, console, watchdog. The same for every board, with one
 * loop or with tasks. */
#include "program.h"

#include <string.h>

#include "sbs/baremetal_clock.h"
#include "sbs/baremetal_fault.h"
#include "sbs/baremetal_heap.h"
#include "sbs/baremetal_print.h"
#include "sbs/baremetal_stack.h"
#include "sbs/baremetal_watchdog.h"
#include "sbs/board.h"
#include "sbs/version.h"

#ifndef METER_ALG
#define METER_ALG SBS_RS384 /* of the first key */
#endif
#define HANG_MS 30000u      /* the watchdog's patience with the loop */
#define WORK_MAX_MS 300000u /* and with one cryptographic operation: RSA keys take minutes on a slow core */
#define CONSOLE_BYTES 64    /* taken in one round */
#define NETWORK_RETRY_MS 5000u

program all;

/* Every port finds the program here, not in the context that it is given. */

/* ---- ports ------------------------------------------------------------------------------------------------------- */

/* Terminals want a CR before each LF. */
static sbs_status port_console(void *ctx, const char *data, size_t len) {
    (void)ctx;
    for (;;) {
        const char *end = memchr(data, '\n', len);
        if (end == NULL) {
            sbs_board_console_write(data, len);
            return SBS_OK;
        }

        size_t part = (size_t)(end - data);
        sbs_board_console_write(data, part);
        sbs_board_console_write("\r\n", 2);
        data += part + 1;
        len -= part + 1;
    }
}

static sbs_status port_trust(void *ctx, const meter_record *record) {
    (void)ctx;
    return meter_tls_trust(&all.tls, record);
}

static void port_doubt_time(void *ctx) {
    (void)ctx;
    program_lock_network();
    if (all.net_running) {
        sbs_lwip_net_ask_time(&all.net);
    }
    program_unlock_network();
}

static sbs_status port_scrub(void *ctx) {
    (void)ctx;
    return sbs_flash_storage_scrub(&all.storage);
}

static void port_work(void *ctx, bool begin) {
    (void)ctx;
    if (begin) {
        sbs_baremetal_watchdog_grant(WORK_MAX_MS);
    } else {
        sbs_baremetal_watchdog_alive();
    }
}

void program_put_figure(sbs_writer *out, const char *name, uint64_t value) {
    sbs_put_string(out, name);
    sbs_put_uint(out, value);
}

static void port_stats(void *ctx, sbs_writer *out) {
    sbs_heap_account heap = sbs_baremetal_heap();
    (void)ctx;
    program_put_figure(out, "heap_size=", heap.size);
    program_put_figure(out, "\nheap_high_water=", heap.high_water);
    program_put_figure(out, "\nheap_live=", heap.live);
    program_put_figure(out, "\nheap_live_max=", heap.live_max);
    program_put_figure(out, "\nheap_failures=", heap.failures);
    program_put_figure(out, "\nstack_size=", sbs_baremetal_stack_size());
    program_put_figure(out, "\nstack_high_water=", sbs_baremetal_stack_high_water());
    program_put_figure(out, "\nstatic_program=", sizeof all);
    program_put_figure(out, "\nlongest_poll_us=", all.longest_us);
    program_put_figure(out, "\nbusy_us=", all.busy_us);
    program_put_figure(out, "\nhandshake_full_us=", all.tls.full_us);
    program_put_figure(out, "\nhandshake_resumed_us=", all.tls.resumed_us);
    program_put_figure(out, "\nhandshakes_full=", all.tls.full);
    program_put_figure(out, "\nhandshakes_resumed=", all.tls.resumed);
    program_put_stacks(out);
}

static void port_reboot(void *ctx) {
    (void)ctx;
    all.restart = true;
}

/* ---- network ----------------------------------------------------------------------------------------------------- */

static void network_time(void *ctx, int64_t utc_s) {
    (void)ctx;
    if (sbs_baremetal_set_utc(utc_s) != SBS_OK) {
        all.time_refused = true;
    }
}

static void start_network(void) {
    const sbs_ethernet *ethernet = sbs_board_ethernet();
    all.net_config.earliest_s = sbs_baremetal_utc_bound();
    all.net_config.on_time = network_time;
    all.net_config.time_server = NULL;

    if (all.time_server[0] != '\0') {
        all.net_config.time_server = all.time_server;
    }

    sbs_status status = SBS_ERR_NETWORK;
    if (ethernet != NULL) {
        status = sbs_lwip_net_init(&all.net, ethernet, &all.net_config);
    }

    all.net_running = status == SBS_OK;
    if (!all.net_running) {
        all.net_retry_ms = sbs_baremetal_ms() + NETWORK_RETRY_MS;
        all.net_fault = status;
    }
}

/* Another time server: the network starts over. */
static void port_time_server(void *ctx, const char *host) {
    (void)ctx;
    if (host == NULL) {
        host = "";
    }

    size_t len = strlen(host);
    if (len >= sizeof all.time_server || strcmp(all.time_server, host) == 0) {
        return;
    }

    /* lwIP asks the server that it was started with. */
    program_lock_network();
    memcpy(all.time_server, host, len + 1);
    if (all.net_running) {
        sbs_lwip_net_deinit(&all.net);
    }

    start_network();
    program_unlock_network();
}

/* The extended identifier that an Ethernet address gives (IEEE, "Guidelines for Use of EUI"). */
static uint64_t eui64(void) {
    static const uint8_t none[SBS_ETHERNET_ADDRESS_SIZE];
    const sbs_ethernet *ethernet = sbs_board_ethernet();
    const uint8_t *address = ethernet != NULL ? ethernet->address : none;
    uint8_t bytes[8] = {address[0], address[1], address[2], 0xFF, 0xFE, address[3], address[4], address[5]};

    uint64_t value = 0;
    for (unsigned i = 0; i < sizeof bytes; i++) {
        value = value << 8 | bytes[i];
    }

    return value;
}

/* ---- start and loop ---------------------------------------------------------------------------------------------- */

static sbs_status mount_storage(void) {
    const sbs_flash *flash = sbs_board_storage_flash();
    if (flash == NULL || sbs_board_queue_flash() == NULL) {
        return SBS_ERR_STORAGE;
    }

    sbs_status status = sbs_flash_storage_mount(&all.storage, flash);
    if (status != SBS_OK) {
        return status;
    }

    sbs_flash_its_use(&all.storage);
    return program_start_crypto();
}

/* Without its storage the device cannot be itself. An operator may give it up as it is, and begin anew. */
static void wait_for_format(sbs_status why) {
    static const char word[] = "format erase\r";
    size_t right = 0;

    sbs_baremetal_print("storage: %s\nkeys and records cannot be read; 'format erase' erases them for good\n",
                        sbs_status_text(why));

    while (right < sizeof word - 1) {
        int byte = sbs_board_console_read();
        sbs_baremetal_watchdog_alive();
        if (byte == '\n') {
            byte = '\r';
        }
        if (byte == word[right]) {
            right++;
        } else if (byte >= 0) { /* another one: from the beginning */
            right = 0;
        }
    }

    if (sbs_flash_log_format(sbs_board_storage_flash()) == SBS_OK) {
        sbs_baremetal_print("erased\n");
    }

    sbs_baremetal_restart();
}

static void say_hello(void) {
    sbs_baremetal_print("\nsbs meter " SBS_VERSION " on %s\n", sbs_board_name());
    if (sbs_board_warning() != NULL) {
        sbs_baremetal_print("%s\n", sbs_board_warning());
    }

    sbs_baremetal_print_last_fault();
}

void program_start(const sbs_lwip_stream_config *stream_config, const meter_tasks *tasks) {
    sbs_stream raw;
    say_hello();
    sbs_baremetal_watchdog_start(HANG_MS);
    sbs_status status = mount_storage();
    if (status != SBS_OK) {
        wait_for_format(status);
    }

    /* From the wire up: TCP, TLS, network, application. */
    sbs_lwip_stream_init(&all.tcp, stream_config, &raw);
    meter_tls_init(&all.tls, &raw);
    all.tls.clock_us = sbs_baremetal_us;
    start_network();

    meter_ports ports = {
        .storage = sbs_flash_storage_port(&all.storage),
        .queue_flash = sbs_board_queue_flash(),
        .stream = &all.tls.stream,
        .plain_stream = &all.tls.raw,
        .console = port_console,
        .trust = port_trust,
        .time_server = port_time_server,
        .doubt_time = port_doubt_time,
        .scrub = port_scrub,
        .work = port_work,
        .stats = port_stats,
        .reboot = port_reboot,
        .device = eui64(),
        .built_utc_s = sbs_baremetal_utc_bound(),
        .alg = METER_ALG,
        .tasks = tasks,
    };

    meter_init(&all.meter, &ports);
}

uint32_t program_poll_network(sbs_now now, bool *out_ready) {
    sbs_lwip_net_state state;
    *out_ready = false;
    /* The controller may need a while after a reset. */
    if (!all.net_running && now.mono_ms >= all.net_retry_ms) {
        start_network();
    }

    if (!all.net_running) {
        return SBS_WAIT_FOREVER;
    }

    uint32_t wait_ms = sbs_lwip_poll(&all.net, now);
    sbs_lwip_net_read_state(&all.net, &state);
    *out_ready = state.ready;

    return wait_ms;
}

bool program_feed_console(void) {
    /* Not all that may come: the network waits meanwhile. */
    for (int taken = 0; taken < CONSOLE_BYTES && !all.restart; taken++) {
        int byte = sbs_board_console_read();
        if (byte < 0) {
            return false;
        }
        meter_feed(&all.meter, (char)byte);
    }

    return true;
}

/* A task of the network's own does not write between the lines of the application. */
static void tell_network_faults(void) {
    if (all.net_fault != SBS_OK) {
        sbs_baremetal_print("network: %s\n", sbs_status_text(all.net_fault));
        all.net_fault = SBS_OK;
    }

    if (all.time_refused) {
        sbs_baremetal_print("the time server's time is before the firmware's own: not used\n");
        all.time_refused = false;
    }
}

sbs_wait program_poll_meter(bool network_up) {
    tell_network_faults();

    uint64_t before_us = sbs_baremetal_us();
    sbs_wait wait = meter_poll(&all.meter, sbs_baremetal_now(), network_up);
    uint64_t took_us = sbs_baremetal_us() - before_us;

    all.busy_us += took_us;
    if (took_us > all.longest_us) {
        all.longest_us = took_us;
    }

    return wait;
}
