/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/linux_loop.h"

#include <limits.h>
#include <poll.h>

/* The limit as poll(2) takes it. A wait without limit and without event would never end: it is none. */
static int wait_limit(const sbs_wait *wait, bool has_event) {
    if (wait->timeout_ms == SBS_WAIT_FOREVER) {
        return has_event ? -1 : 0;
    }
    if (wait->timeout_ms > (uint32_t)INT_MAX) {
        return INT_MAX;
    }

    return (int)wait->timeout_ms;
}

sbs_status sbs_linux_wait(const sbs_wait *wait) {
    struct pollfd entry = {.fd = wait->descriptor, .events = 0, .revents = 0};
    if ((wait->events & SBS_WAIT_READ) != 0) {
        entry.events |= POLLIN;
    }
    if ((wait->events & SBS_WAIT_WRITE) != 0) {
        entry.events |= POLLOUT;
    }
    bool has_event = entry.events != 0 && wait->descriptor >= 0;

    /* A signal ends it early, as does any failure: the caller looks at everything again. */
    (void)poll(&entry, has_event, wait_limit(wait, has_event));

    if ((entry.revents & POLLNVAL) != 0) {
        return SBS_ERR_ARGUMENT;
    }

    return SBS_OK;
}
