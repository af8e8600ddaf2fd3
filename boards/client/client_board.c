/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board of examples/superloop.c on a microcontroller: a client with a durable queue, and nothing else. Its settings
 * are fixed when it is built (settings.h). It makes its key at the first start, and prints the public part at each one,
 * to be registered at the authorization server. There is no console: the serial line is the sensor's, which sends a
 * value as digits and an end of line.
 */
#include <string.h>

#include "sbs/baremetal_clock.h"
#include "sbs/baremetal_fault.h"
#include "sbs/baremetal_mbedtls.h"
#include "sbs/baremetal_watchdog.h"
#include "sbs/board.h"
#include "sbs/flash_storage.h"
#include "sbs/jwk.h"
#include "sbs/lwip_net.h"
#include "sbs/lwip_stream.h"
#include "sbs/psa_key.h"
#include "sbs/tls_stream.h"
#include "superloop.h"

#include SBS_CLIENT_SETTINGS

#define KEY_ID 1u
#define PUBLIC_KEY_SIZE 300u /* an RSA key of 2048 bits */
#define HANG_MS 60000u       /* a signature may take long on a slow core */
#define KEY_MS 300000u       /* an RSA key may take minutes */
#define NETWORK_RETRY_MS 5000u
#define VALUE_MAX 20000 /* hundredths of a degree */
#define NO_VALUE (-1)

static const uint8_t root[] = {CLIENT_ROOT};

static struct {
    sbs_flash_storage storage;
    sbs_lwip_net net;
    sbs_lwip_net_config net_config;
    bool net_running;
    uint64_t net_retry_ms;
    sbs_lwip_stream tcp;
    sbs_tls_trust trust;
    sbs_tls_session session;
    sbs_tls_config tls_config;
    sbs_tls_stream tls;
    sbs_psa_key key;
    int32_t value; /* of the sensor's line so far; above VALUE_MAX: noise */
} board;

/* ---- lines for whoever looks after the device -------------------------------------------------------------------- */

static void print(const char *text) {
    sbs_board_console_write(text, strlen(text));
}

void board_tell(const char *what, const char *why) {
    print(what);
    print(": ");
    print(why);
    print("\r\n");
}

static sbs_status print_part(void *ctx, const char *data, size_t len) {
    (void)ctx;
    sbs_board_console_write(data, len);
    return SBS_OK;
}

static sbs_status print_key(void) {
    uint8_t bytes[PUBLIC_KEY_SIZE];
    char kid[SBS_KID_THUMBPRINT_LEN];
    sbs_jwk member = {.kid = {kid, 0}};
    sbs_writer out;
    size_t len;

    sbs_status status = sbs_psa_to_status(psa_export_public_key(KEY_ID, bytes, sizeof bytes, &len));
    if (status == SBS_OK) {
        status = sbs_public_key_parse(SBS_CLIENT_ALG, bytes, len, &member.key);
    }
    if (status == SBS_OK) {
        status = sbs_jwk_kid(&member.key, SBS_KID_SEED, member.kid, kid, sizeof kid, &member.kid.len);
    }
    if (status != SBS_OK) {
        return status;
    }

    print("jwks: ");
    sbs_writer_init_sink(&out, print_part, NULL);
    sbs_jwk_set_put(&out, &member, 1, SBS_JWK_COMPACT);
    print("\r\n");
    return SBS_OK;
}

/* ---- start ------------------------------------------------------------------------------------------------------- */

static void network_time(void *ctx, int64_t utc_s) {
    (void)ctx;
    if (sbs_baremetal_set_utc(utc_s) != SBS_OK) {
        board_tell("time", "before the firmware's own: not used");
    }
}

/* The controller may need a while after a reset. */
static void start_network(void) {
    const sbs_ethernet *ethernet = sbs_board_ethernet();
    board.net_config = (sbs_lwip_net_config){.earliest_s = sbs_baremetal_utc_bound(), .on_time = network_time};
    board.net_running = ethernet != NULL && sbs_lwip_net_init(&board.net, ethernet, &board.net_config) == SBS_OK;
    board.net_retry_ms = sbs_baremetal_ms() + NETWORK_RETRY_MS;
}

static sbs_status start_storage(void) {
    const sbs_flash *flash = sbs_board_storage_flash();
    if (flash == NULL || sbs_board_queue_flash() == NULL) {
        return SBS_ERR_STORAGE;
    }

    sbs_status status = sbs_flash_storage_mount(&board.storage, flash);
    if (status != SBS_OK) {
        return status;
    }

    sbs_flash_its_use(&board.storage);
    return sbs_mbedtls_init(&sbs_baremetal_allocator);
}

static sbs_status start_key(void) {
    psa_key_id_t id;
    sbs_baremetal_watchdog_grant(KEY_MS);
    sbs_status status = sbs_psa_key_generate(SBS_CLIENT_ALG, 0, KEY_ID, &id);
    sbs_baremetal_watchdog_alive();
    if (status != SBS_OK && status != SBS_ERR_STATE) { /* it exists: made at an earlier start */
        return status;
    }
    return print_key();
}

/* From the wire up: TCP, TLS. */
static sbs_status start_stream(sbs_stream *out_stream) {
    sbs_stream raw;
    sbs_lwip_stream_init(&board.tcp, NULL, &raw);
    sbs_tls_trust_init(&board.trust);
    sbs_status status = sbs_tls_trust_add_der(&board.trust, root, sizeof root);
    if (status != SBS_OK) {
        return status;
    }

    board.tls_config = (sbs_tls_config){.trust = &board.trust, .sessions = &board.session, .session_count = 1};
    return sbs_tls_stream_init(&board.tls, &board.tls_config, &raw, out_stream);
}

bool board_start(int argc, char **argv, superloop_settings *out_settings) {
    (void)argc;
    (void)argv;
    board.value = NO_VALUE;
    if (sbs_board_warning() != NULL) {
        board_tell(sbs_board_name(), sbs_board_warning());
    }

    sbs_baremetal_watchdog_start(HANG_MS);
    sbs_status status = start_storage();
    if (status == SBS_OK) {
        status = start_key();
    }
    if (status == SBS_OK) {
        status = start_stream(&out_settings->stream);
    }
    if (status != SBS_OK) {
        board_tell("cannot start", sbs_status_text(status));
        return false;
    }

    start_network();
    sbs_psa_key_init(&board.key, KEY_ID, &out_settings->key);
    out_settings->fhir_base = CLIENT_FHIR_BASE;
    out_settings->client_id = CLIENT_ID;
    out_settings->storage = sbs_flash_storage_port(&board.storage);
    out_settings->queue_flash = sbs_board_queue_flash();
    return true;
}

/* ---- what each round asks for ------------------------------------------------------------------------------------ */

sbs_now board_now(void) {
    return sbs_baremetal_now();
}

/* A line with anything but a number in it is noise, to its end. */
bool board_measured(int32_t *out_centicelsius) {
    int byte;
    while ((byte = sbs_board_console_read()) >= 0) {
        int32_t value = board.value;
        if (byte == '\r' || byte == '\n') {
            board.value = NO_VALUE;
            if (value >= 0 && value <= VALUE_MAX) {
                *out_centicelsius = value;
                return true;
            }
        } else if (byte < '0' || byte > '9' || value > VALUE_MAX) {
            board.value = VALUE_MAX + 1;
        } else if (value == NO_VALUE) {
            board.value = byte - '0';
        } else {
            board.value = value * 10 + byte - '0';
        }
    }
    return false;
}

void board_watchdog_feed(void) {
    sbs_baremetal_watchdog_alive();
}

void board_sleep(const sbs_wait *wait) {
    uint32_t network_ms = 0;
    sbs_now now = sbs_baremetal_now();

    if (board.net_running) {
        network_ms = sbs_lwip_poll(&board.net, now);
    } else if (now.mono_ms >= board.net_retry_ms) {
        start_network();
    }

    if (network_ms > 0 && wait->timeout_ms > 0) {
        sbs_baremetal_idle(); /* a moment at most, so that a frame or a byte does not wait for long */
    }
}

bool board_goes_on(uint32_t waiting, const sbs_push_event *event) {
    (void)waiting;
    (void)event;
    return true;
}

#undef main

int main(void) {
    (void)superloop_main(0, NULL);
    sbs_baremetal_restart(); /* it could not start: tried anew */
}
