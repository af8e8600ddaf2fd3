/* SPDX-License-Identifier: Apache-2.0 */
/* Name resolution that does not block: getaddrinfo() in a thread of its own, which may outlive the one who asked. */
#ifndef SBS_RESOLUTION_H
#define SBS_RESOLUTION_H

#include <netdb.h>
#include <stdint.h>

#include "sbs/status.h"

struct sbs_linux_resolution;

/** Starts. Address literals are done at once. SBS_ERR_MEMORY (no memory, descriptor or thread, or 16 earlier ones
 * that were let go still hang); SBS_ERR_RESOLVE. */
sbs_status sbs_resolution_start(const char *host, uint16_t port, struct sbs_linux_resolution **out_resolution);

/** The descriptor that becomes readable when the resolution is over. */
int sbs_resolution_descriptor(const struct sbs_linux_resolution *resolution);

/** SBS_PENDING; SBS_OK with the addresses, which stay owned by the resolution; or SBS_ERR_RESOLVE, SBS_ERR_MEMORY with
 *  getaddrinfo's code. */
sbs_status sbs_resolution_result(struct sbs_linux_resolution *resolution, const struct addrinfo **out_list,
                                 int32_t *out_code);

/** Lets go of it, finished or not. NULL is legal. */
void sbs_resolution_release(struct sbs_linux_resolution *resolution);

#endif
