/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/linux_loop.h"

#include <limits.h>
#include <poll.h>

static int limit_of(const sbs_wait *wait) {
    if (wait->timeout_ms == SBS_WAIT_FOREVER) {
        return wait->events != 0 && wait->descriptor >= 0 ? -1 : 0;
    }
    return wait->timeout_ms > (uint32_t)INT_MAX ? INT_MAX : (int)wait->timeout_ms;
}

sbs_status sbs_linux_wait(const sbs_wait *wait) {
    struct pollfd entry = {.fd = wait->descriptor, .events = 0, .revents = 0};
    if ((wait->events & SBS_WAIT_READ) != 0) {
        entry.events |= POLLIN;
    }
    if ((wait->events & SBS_WAIT_WRITE) != 0) {
        entry.events |= POLLOUT;
    }
    nfds_t count = entry.events != 0 && wait->descriptor >= 0 ? 1 : 0;
    (void)poll(&entry, count, limit_of(wait));
    return (entry.revents & POLLNVAL) != 0 ? SBS_ERR_ARGUMENT : SBS_OK;
}
