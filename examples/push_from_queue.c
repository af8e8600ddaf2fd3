/* SPDX-License-Identifier: Apache-2.0 */
/* usage: push_from_queue QUEUE.db FHIR_BASE CLIENT_ID KEY.pem CA.pem [RESOURCE.json]...
 * Puts the files into the queue, and pushes all that waits in it. What cannot go now stays for the next run. */
#include <stdio.h>

#include "sbs/forward_add.h"
#include "sbs/forward_push.h"
#include "sbs/linux.h"

static struct {
    sbs_linux_platform platform; /* of which the key is used here */
    sbs_tls_trust trust;
    sbs_sqlite_queue file;
    sbs_sqlite_pusher pusher;
    sbs_queue queue;
    sbs_forward_server server;
    sbs_forward_push push;
    unsigned waits; /* times that everything has to wait */
} all;

static int fail(const char *what, sbs_status status) {
    fprintf(stderr, "push_from_queue: %s: %s\n", what, sbs_status_text(status));
    return 1;
}

/* 0: the queue has it on the disk, now or since an earlier run, and the file may go. */
static int add_file(const sbs_forward_adder *adder, const char *path) {
    sbs_linux_blob text;
    sbs_forward_added added;
    int code = 0;
    sbs_status status = sbs_linux_file_read(path, SBS_FORWARD_ITEM_MAX, &text);
    if (status != SBS_OK) {
        return fail(path, status);
    }

    sbs_forward_add(adder, (sbs_text){text.data, text.len}, sbs_linux_now().utc_s, &added);
    if (added.reason != NULL) { /* it is no resource, or the queue is full */
        fprintf(stderr, "push_from_queue: %s: %s\n", path, added.reason);
        code = 1;
    } else if (added.fate == SBS_FORWARD_NOT_WRITTEN) {
        code = fail(path, added.status);
    }

    sbs_forward_added_free(&added);
    sbs_linux_blob_free(&text);
    return code;
}

/* Each item is told once when it is settled. DEFERRED and what comes after it say that something waits. */
static void tell(void *ctx, const sbs_forward_event *event) {
    const sbs_push_event *push = event->push;
    (void)ctx;

    switch (push->kind) {
    case SBS_PUSH_DEFERRED:
        break; /* this item waits, others go on */
    case SBS_PUSH_WAITING:
    case SBS_PUSH_PAUSED:
        all.waits++;
        fprintf(stderr, "waiting: %s %s\n", sbs_status_text(push->status), event->words);
        break;
    case SBS_PUSH_DEAD:
    case SBS_PUSH_COLLISION:
        printf("set aside: %s: %s %s\n", event->name, event->reason, event->words);
        break;
    default:
        printf("stored: %s %s\n", event->name, event->place);
        break;
    }
}

/* Until the queue is empty, or nothing goes. A service would stay in this loop. */
static sbs_status push_all(void) {
    sbs_wait wait;
    sbs_status status = SBS_PENDING;

    while (status == SBS_PENDING && all.waits == 0) {
        status = sbs_forward_push_poll(&all.push, sbs_linux_now(), &wait);
        if (status == SBS_PENDING && all.waits == 0) {
            (void)sbs_linux_wait(&wait);
        }
    }

    /* What was told is durable only if this is SBS_OK, too. */
    sbs_status closed = sbs_forward_push_close(&all.push);
    if (status != SBS_OK && status != SBS_PENDING) {
        return status;
    }
    return closed;
}

static int push_queue(char **argv) {
    sbs_forward_part part;
    uint64_t idle_ms;
    size_t skipped;

    sbs_status status = sbs_sqlite_queue_lock_pusher(&all.pusher, argv[1], &idle_ms);
    if (status == SBS_ERR_BUSY) {
        return 0; /* another process pushes this queue at the moment: it takes ours along */
    }
    if (status != SBS_OK) {
        return fail(argv[1], status);
    }

    status = sbs_linux_platform_open(&all.platform, argv[4], argv[5]);
    if (status != SBS_OK) {
        return fail("key and CA", status);
    }
    status = sbs_linux_trust_load(&all.trust, argv[5], &skipped);
    if (status != SBS_OK) {
        return fail(argv[5], status);
    }

    const sbs_forward_server_config server = {
        .fhir_base = argv[2],
        .client_id = argv[3],
        .scope = "system/Observation.cu",
        .key = &all.platform.key,
        .trust = &all.trust,
    };
    status = sbs_forward_server_open(&all.server, &server, &part);
    if (status != SBS_OK) {
        return fail("server", status);
    }

    const sbs_forward_push_config push = {
        .server = &all.server,
        .queue = &all.queue,
        .mode = SBS_FORWARD_AUTO,
        .pushed_ms = idle_ms,
        .event = tell,
    };
    status = sbs_forward_push_open(&all.push, &push);
    if (status != SBS_OK) {
        return fail("push", status);
    }
    status = push_all();
    if (status != SBS_OK) {
        return fail(argv[1], status);
    }
    return 0;
}

int main(int argc, char **argv) {
    sbs_forward_adder adder = {0};
    if (argc < 6) {
        fputs("usage: push_from_queue QUEUE.db FHIR_BASE CLIENT_ID KEY.pem CA.pem [RESOURCE.json]...\n", stderr);
        return 2;
    }

    const sbs_sqlite_queue_config config = {.path = argv[1]};
    sbs_status status = sbs_mbedtls_init(NULL);
    if (status == SBS_OK) {
        status = sbs_sqlite_queue_open(&all.file, &config, &all.queue);
    }
    if (status != SBS_OK) {
        return fail(argv[1], status);
    }

    int code = 0;
    sbs_forward_adder_init(&adder, &all.file, NULL);
    for (int i = 6; i < argc; i++) {
        if (add_file(&adder, argv[i]) != 0) {
            code = 1;
        }
    }

    sbs_tls_trust_init(&all.trust);
    int pushed = push_queue(argv);

    sbs_queue_counters counters;
    all.queue.ops->counters(all.queue.ctx, &counters);
    printf("%u waiting\n", (unsigned)counters.waiting);

    sbs_forward_server_close(&all.server);
    sbs_tls_trust_deinit(&all.trust);
    sbs_linux_platform_close(&all.platform);
    sbs_sqlite_queue_close(&all.file);
    sbs_sqlite_queue_unlock_pusher(&all.pusher);

    if (code != 0 || pushed != 0 || counters.waiting > 0) {
        return 1;
    }
    return 0;
}
