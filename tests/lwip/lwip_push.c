/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device on the host: lwIP on the network of tests/lab, several workers, each with a stream, TLS and client of its
 * own, that store Observations on a real server. Built twice: with a thread for each worker and one for the network, as
 * under an RTOS, and with all of them in one superloop.
 *
 * Prints what fails as it happens and, at the end, the counts and what lwIP still holds, as JSON.
 */
#include <lwip/memp.h>
#include <lwip/stats.h>
#include <lwip/tcpip.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "link.h"
#include "sbs/linux.h"
#include "sbs/lwip_net.h"
#include "sbs/lwip_stream.h"
#include "sbs/sbs.h"

#define WORKERS_MAX 8u
#define WORK_SIZE 32768u
#define EARLIEST_S 1767225600 /* 2026-01-01 */
#define AGAIN_MS 500u

typedef struct settings {
    const char *fhir, *client_id, *key_file, *ca_file, *prefix;
    unsigned workers, count, seconds;
} settings;

typedef struct worker {
    unsigned number;
    atomic_uint done; /* seen by main, too */
    sem_t event;
    sbs_lwip_stream tcp;
    sbs_tls_stream tls;
    sbs_tls_session sessions[2];
    sbs_tls_config tls_config;
    sbs_psa_key psa_key;
    sbs_key key;
    sbs_stream raw, stream;
    sbs_client client;
    sbs_client_config config;
    uint64_t again_ms; /* not before: the last try failed */
    bool under_way;
    char body[1024], search[160];
    uint8_t work[WORK_SIZE];
} worker;

static settings wanted;
static link_port port;
static sbs_lwip_net network;
static sbs_tls_trust trust;
static worker workers[WORKERS_MAX];
static psa_key_id_t key_id;
static atomic_llong clock_offset_s; /* UTC less monotonic time, 0: unknown */
static atomic_bool stopping;

static uint64_t mono_ms(void) {
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000u + (uint64_t)time.tv_nsec / 1000000u;
}

/* The device has no clock but what the time server told. */
static sbs_now now(void) {
    uint64_t ms = mono_ms();
    long long offset_s = atomic_load(&clock_offset_s);
    return (sbs_now){.mono_ms = ms, .utc_s = offset_s != 0 ? (int64_t)(ms / 1000u) + offset_s : SBS_UTC_UNKNOWN};
}

static void on_time(void *ctx, int64_t utc_s) {
    (void)ctx;
    if (atomic_exchange(&clock_offset_s, utc_s - (long long)(mono_ms() / 1000u)) == 0) {
        printf("{\"event\":\"time\",\"utc\":%lld}\n", (long long)utc_s);
    }
}

static void on_signal(int number) {
    (void)number;
    atomic_store(&stopping, true);
}

static void wake(void *ctx) {
    worker *self = ctx;
    (void)sem_post(&self->event);
}

static bool prepare(worker *self, unsigned number) {
    const sbs_lwip_stream_config stream_config = {.connect_timeout_ms = 2500, .wake = wake, .wake_ctx = self};
    self->number = number;
    (void)sem_init(&self->event, 0, 0);
    sbs_lwip_stream_init(&self->tcp, &stream_config, &self->raw);
    self->tls_config = (sbs_tls_config){.trust = &trust, .sessions = self->sessions, .session_count = 2};
    sbs_psa_key_init(&self->psa_key, key_id, &self->key);
    if (sbs_tls_stream_init(&self->tls, &self->tls_config, &self->raw, &self->stream) != SBS_OK) {
        return false;
    }
    self->config = (sbs_client_config){
        .fhir_base = wanted.fhir,
        .client_id = wanted.client_id,
        .read_key = sbs_client_read_key,
        .read_refusal = sbs_client_read_refusal,
        .scope = "system/Observation.cruds",
        .key = &self->key,
        .stream = &self->stream,
        .work = self->work,
        .work_size = sizeof self->work,
        .connect_timeout_ms = 12000,
        .exchange_timeout_ms = 5000,
        .max_attempts = 1,
    };
    return sbs_client_init(&self->client, &self->config) == SBS_OK;
}

static size_t build(worker *self, const char *identifier) {
    size_t len = 0;
    sbs_writer out;
    const sbs_coding code = {SBS_TEXT(SBS_SYSTEM_LOINC), SBS_TEXT("8310-5"), SBS_TEXT("Body temperature")};
    const sbs_observation observation = {
        .identifier_system = SBS_TEXT("urn:example:lab"),
        .identifier_value = sbs_text_of(identifier),
        .codes = &code,
        .code_count = 1,
        .effective = SBS_TEXT("2026-11-23T10:00:00+01:00"),
        .value = {.kind = SBS_VALUE_QUANTITY,
                  .decimal = {3600 + (int64_t)atomic_load(&self->done), -2},
                  .ucum = SBS_TEXT("Cel")},
    };
    sbs_writer_init(&out, self->body, sizeof self->body);
    bool built = sbs_observation_put(&out, &observation, NULL) == SBS_OK && sbs_writer_finish(&out, &len) == SBS_OK;
    return built ? len : 0;
}

static void start(worker *self) {
    char identifier[80];
    unsigned done = atomic_load(&self->done);
    (void)snprintf(identifier, sizeof identifier, "%s-%u-%u", wanted.prefix, self->number, done);
    (void)snprintf(self->search, sizeof self->search, "identifier=urn%%3Aexample%%3Alab%%7C%s", identifier);
    const sbs_request request = {
        .interaction = SBS_CREATE,
        .target = SBS_TEXT("Observation"),
        .body = {self->body, build(self, identifier)},
        .if_none_exist = sbs_text_of(self->search),
    };
    self->under_way = sbs_client_start(&self->client, &request) == SBS_OK;
    if (done % 3 == 2) {
        sbs_client_drop_token(&self->client); /* tokens are asked for by all at once, too */
    }
}

/* One step; returns how long the worker has nothing to do. */
static uint32_t step(worker *self) {
    sbs_wait wait = {.timeout_ms = 0};
    uint64_t at_ms = mono_ms();
    if (at_ms < self->again_ms) {
        return (uint32_t)(self->again_ms - at_ms);
    }
    if (!self->under_way) {
        start(self);
    }
    sbs_status status = sbs_client_poll(&self->client, now(), &wait);
    if (status == SBS_PENDING) {
        return wait.timeout_ms;
    }
    self->under_way = false;
    if (status == SBS_OK) {
        atomic_fetch_add(&self->done, 1u);
        return 0;
    }
    const sbs_detail *detail = sbs_client_detail(&self->client);
    printf("{\"event\":\"failed\",\"worker\":%u,\"status\":\"%s\",\"step\":\"%s\",\"code\":%d}\n", self->number,
           sbs_status_name(status), sbs_step_text(detail->step), (int)detail->platform_code);
    self->again_ms = at_ms + AGAIN_MS;
    return AGAIN_MS;
}

static bool is_finished(const worker *self) {
    return atomic_load(&self->done) >= wanted.count || atomic_load(&stopping);
}

static bool all_finished(void) {
    for (unsigned i = 0; i < wanted.workers; i++) {
        if (!is_finished(&workers[i])) {
            return false;
        }
    }
    return true;
}

#if SBS_LWIP_THREADS
#define lock_stack() LOCK_TCPIP_CORE()
#define unlock_stack() UNLOCK_TCPIP_CORE()

static void sleep_ms(uint32_t ms) {
    const struct timespec time = {.tv_sec = ms / 1000u, .tv_nsec = (long)(ms % 1000u) * 1000000};
    (void)nanosleep(&time, NULL);
}

static void sleep_until_event(worker *self, uint32_t timeout_ms) {
    struct timespec until;
    uint32_t limit = timeout_ms < 1000u ? timeout_ms : 1000u; /* so that a request to stop is seen */
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)(limit % 1000u) * 1000000;
    until.tv_sec += (time_t)(limit / 1000u) + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)sem_timedwait(&self->event, &until);
}

static void *work(void *arg) {
    worker *self = arg;
    while (!is_finished(self)) {
        uint32_t timeout_ms = step(self);
        if (timeout_ms != 0) {
            sleep_until_event(self, timeout_ms);
        }
    }
    return NULL;
}

static atomic_bool network_stopping;
static pthread_t driver, tasks[WORKERS_MAX];

static void *drive(void *arg) {
    (void)arg;
    while (!atomic_load(&network_stopping)) {
        link_wait(&port, sbs_lwip_poll(&network, now()));
    }
    return NULL;
}

static void start_driver(void) {
    (void)pthread_create(&driver, NULL, drive, NULL);
}

static void stop_driver(void) {
    atomic_store(&network_stopping, true);
    (void)pthread_join(driver, NULL);
}

static void pass_time(uint32_t ms) {
    sleep_ms(ms);
}

static void run_workers(uint64_t ends_ms) {
    for (unsigned i = 0; i < wanted.workers; i++) {
        (void)pthread_create(&tasks[i], NULL, work, &workers[i]);
    }
    while (mono_ms() < ends_ms && !all_finished()) {
        sleep_ms(20);
    }
    atomic_store(&stopping, true);
    for (unsigned i = 0; i < wanted.workers; i++) {
        (void)pthread_join(tasks[i], NULL);
    }
}
#else
#define lock_stack() ((void)0)
#define unlock_stack() ((void)0)

static void start_driver(void) {
}

static void stop_driver(void) {
}

static void pass_time(uint32_t ms) {
    uint64_t ends_ms = mono_ms() + ms;
    while (mono_ms() < ends_ms) {
        uint32_t left_ms = sbs_lwip_poll(&network, now());
        link_wait(&port, left_ms < 10 ? left_ms : 10);
    }
}

static void run_workers(uint64_t ends_ms) {
    while (mono_ms() < ends_ms && !all_finished()) {
        uint32_t wait_ms = sbs_lwip_poll(&network, now());
        for (unsigned i = 0; i < wanted.workers; i++) {
            uint32_t own_ms = is_finished(&workers[i]) ? SBS_WAIT_FOREVER : step(&workers[i]);
            wait_ms = own_ms < wait_ms ? own_ms : wait_ms;
        }
        link_wait(&port, wait_ms);
    }
}
#endif

static bool wait_for_network(uint64_t ends_ms) {
    sbs_lwip_net_state state;
    do {
        pass_time(20);
        sbs_lwip_net_read_state(&network, &state);
    } while (mono_ms() < ends_ms && (!state.ready || atomic_load(&clock_offset_s) == 0));
    printf("{\"event\":\"network\",\"ready\":%s,\"address\":\"%u.%u.%u.%u\",\"time\":%d}\n",
           state.ready ? "true" : "false", state.address.bytes[0], state.address.bytes[1], state.address.bytes[2],
           state.address.bytes[3], (int)state.time);
    return state.ready && atomic_load(&clock_offset_s) != 0;
}

static unsigned used(memp_t pool) {
    lock_stack();
    unsigned count = (unsigned)memp_pools[pool]->stats->used;
    unlock_stack();
    return count;
}

static bool holds_nothing(const sbs_lwip_net_state *state) {
    return used(MEMP_TCP_PCB) == 0 && used(MEMP_TCP_SEG) == 0 && state->received_size == 0;
}

/* Closed connections wait for their last acknowledgements (TIME-WAIT is short in this build). */
static void report(void) {
    sbs_lwip_net_state state;
    unsigned done = 0;
    for (unsigned tries = 0; tries < 600; tries++) {
        sbs_lwip_net_read_state(&network, &state);
        if (holds_nothing(&state)) {
            break;
        }
        pass_time(20);
    }
    for (unsigned i = 0; i < wanted.workers; i++) {
        done += atomic_load(&workers[i].done);
    }
    stop_driver();
    sbs_lwip_net_deinit(&network);
    printf("{\"event\":\"end\",\"stored\":%u,\"connections\":%u,\"segments\":%u,\"questions\":%u,\"received\":%u,"
           "\"peak\":%u,\"dropped\":%u,\"heap\":%u,\"in\":%u,\"out\":%u}\n",
           done, used(MEMP_TCP_PCB), used(MEMP_TCP_SEG), used(MEMP_UDP_PCB), (unsigned)state.received_size,
           (unsigned)state.received_peak, (unsigned)state.frames_dropped, (unsigned)lwip_stats.mem.used,
           (unsigned)state.frames_in, (unsigned)state.frames_out);
}

static bool load_key_and_trust(void) {
    sbs_linux_blob pem;
    sbs_pem_fault fault;
    size_t skipped;
    sbs_tls_trust_init(&trust);
    if (sbs_mbedtls_init(NULL) != SBS_OK || sbs_linux_trust_load(&trust, wanted.ca_file, &skipped) != SBS_OK ||
        sbs_linux_file_read(wanted.key_file, 65536, &pem) != SBS_OK) {
        return false;
    }
    sbs_status status = sbs_pem_key_import(pem.data, pem.len, &key_id, &fault);
    sbs_linux_blob_free(&pem);
    return status == SBS_OK;
}

static bool read_arguments(int argc, char **argv) {
    if (argc != 9) {
        (void)fprintf(stderr, "usage: lwip_push FHIR-BASE CLIENT-ID KEY-FILE CA-FILE PREFIX WORKERS COUNT SECONDS\n");
        return false;
    }
    wanted = (settings){.fhir = argv[1], .client_id = argv[2], .key_file = argv[3], .ca_file = argv[4]};
    wanted.prefix = argv[5];
    wanted.workers = (unsigned)strtoul(argv[6], NULL, 10);
    wanted.count = (unsigned)strtoul(argv[7], NULL, 10);
    wanted.seconds = (unsigned)strtoul(argv[8], NULL, 10);
    return wanted.workers >= 1 && wanted.workers <= WORKERS_MAX;
}

int main(int argc, char **argv) {
    const sbs_lwip_net_config config = {
        .hostname = "lwip-push", .earliest_s = EARLIEST_S, .time_retry_ms = 500, .on_time = on_time};
    (void)signal(SIGTERM, on_signal); /* a tidy end, with the report */
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (!read_arguments(argc, argv) || !load_key_and_trust() || !link_open(&port) ||
        sbs_lwip_net_init(&network, &port.ethernet, &config) != SBS_OK) {
        return 2;
    }
    uint64_t ends_ms = mono_ms() + (uint64_t)wanted.seconds * 1000u;
    bool prepared = true;
    start_driver();
    for (unsigned i = 0; i < wanted.workers; i++) {
        prepared = prepare(&workers[i], i) && prepared;
    }
    if (prepared && wait_for_network(ends_ms)) {
        run_workers(ends_ms);
    }
    bool complete = true;
    for (unsigned i = 0; i < wanted.workers; i++) {
        complete = complete && atomic_load(&workers[i].done) == wanted.count;
        sbs_client_deinit(&workers[i].client);
        sbs_tls_stream_deinit(&workers[i].tls);
        sbs_lwip_stream_deinit(&workers[i].tcp);
    }
    report();
    link_close(&port);
    sbs_tls_trust_deinit(&trust);
    (void)psa_destroy_key(key_id);
    return complete ? 0 : 1;
}
