/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/gateway_status.h"

#include <inttypes.h>
#include <stdio.h>

/* "1 measurement waits", "412 measurements wait" */
static int status_put_waiting(const sbs_gateway_status *status, char *out, size_t size) {
    uint32_t waiting = status->queue.counters.waiting;

    if (waiting == 1) {
        return snprintf(out, size, "1 measurement waits");
    }
    return snprintf(out, size, "%" PRIu32 " measurements wait", waiting);
}

/* What nobody but a person can mend comes first, the gravest of it before all. */
static bool status_needs_operator(const sbs_gateway_status *status, char *sentence, size_t size) {
    if (!status->queue_known) {
        (void)snprintf(sentence, size, "Act: the queue cannot be read: %s.", status->queue_words);
        return true;
    }
    if (status->disk_low) {
        (void)snprintf(sentence, size, "Act: the disk is nearly full, devices are told to wait. Make room.");
        return true;
    }
    if (status->upstream == SBS_GATEWAY_PAUSED) {
        (void)snprintf(sentence, size, "Act: nothing goes to the server: %s. Nothing is lost.", status->upstream_words);
        return true;
    }
    if (status->clock == SBS_GATEWAY_CLOCK_WRONG) {
        (void)snprintf(sentence, size, "Act: the clock is wrong by more than a minute. Set it.");
        return true;
    }
    if (status->queue.letters > 0) {
        bool one = status->queue.letters == 1;
        (void)snprintf(sentence, size, "Act: the server refused %" PRIu64 " measurement%s. Look at the list below.",
                       status->queue.letters, one ? "" : "s");
        return true;
    }
    return false;
}

sbs_gateway_light sbs_gateway_status_sentence(const sbs_gateway_status *status, char *sentence, size_t size) {
    char waiting[48];

    if (status_needs_operator(status, sentence, size)) {
        return SBS_GATEWAY_RED;
    }

    if (status->queue.counters.waiting == 0) {
        (void)snprintf(sentence, size, "All measurements are on the server.");
        return SBS_GATEWAY_GREEN;
    }

    (void)status_put_waiting(status, waiting, sizeof waiting);
    if (status->upstream == SBS_GATEWAY_WAITING) {
        (void)snprintf(sentence, size, "%s: %s. Nothing is lost.", waiting, status->upstream_words);
        return SBS_GATEWAY_AMBER;
    }

    const char *verb = status->queue.counters.waiting == 1 ? "is" : "are";
    (void)snprintf(sentence, size, "%s and %s being sent.", waiting, verb);
    return SBS_GATEWAY_GREEN;
}
