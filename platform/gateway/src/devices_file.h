/* SPDX-License-Identifier: Apache-2.0 */
/* The file of secrets: a line for each, "NAME HASH TIME", behind a line that says what the file is. */
#ifndef SBS_GATEWAY_DEVICES_FILE_H
#define SBS_GATEWAY_DEVICES_FILE_H

#include "sbs/gateway_devices.h"

/* What was read. */
typedef struct devices_list {
    sbs_gateway_secret *secrets; /* of malloc() */
    size_t count;
    int64_t stamp[5];
} devices_list;

/* A missing file has none. Errors of sbs_gateway_devices_open(). */
sbs_status sbs_devices_file_read(const char *path, devices_list *out);
/* True if it is the file of that stamp. */
bool sbs_devices_file_is(const char *path, const int64_t stamp[5]);
/* Writes them all, and tells the file's stamp. */
sbs_status sbs_devices_file_write(const char *path, const sbs_gateway_secret *secrets, size_t count, int64_t stamp[5]);

/* Keeps other processes from writing, until it is unlocked. */
sbs_status sbs_devices_file_lock(const char *path, int *out_lock);
/* -1 is legal. */
void sbs_devices_file_unlock(int lock);

#endif
