/* SPDX-License-Identifier: Apache-2.0 */
/* What superloop.c asks of a board. superloop_host.c gives it on Linux, with a flash that is a file;
 * boards/client/client_board.c on a microcontroller. */
#ifndef SUPERLOOP_H
#define SUPERLOOP_H

#include "sbs/flash.h"
#include "sbs/key.h"
#include "sbs/push.h"
#include "sbs/storage.h"
#include "sbs/stream.h"

typedef struct superloop_settings {
    const char *fhir_base, *client_id;
    sbs_key key;                  /* platform/mbedtls or a secure element */
    sbs_stream stream;            /* TLS over lwIP, or a modem that does TLS itself */
    sbs_storage storage;          /* for a few records: on flash, perhaps beside the key */
    const sbs_flash *queue_flash; /* a region for the queue */
} superloop_settings;

/* Both clocks. The wall clock may be SBS_UTC_UNKNOWN: what is measured then gets its time later. */
sbs_now board_now(void);
/* True if the sensor has a new value, here a temperature in hundredths of a degree Celsius. Never waits. */
bool board_measured(int32_t *out_centicelsius);
/* Resets the chip unless it is called again within some seconds. */
void board_watchdog_feed(void);
/* Sleeps until an interrupt, as long as @p wait says, and no longer than the watchdog is patient. */
void board_sleep(const sbs_wait *wait);
/* A line for whoever looks after the device; a display or a lamp on a real one. */
void board_tell(const char *what, const char *why);
/* A board whose startup calls another main() names this one superloop_main (-Dmain=superloop_main). */
int main(int argc, char **argv);
/* Called before the first round. False: there is nothing to run with. */
bool board_start(int argc, char **argv, superloop_settings *out_settings);
/* False ends the loop, which a device never does. @p waiting: items that the queue holds; @p event: of this round. */
bool board_goes_on(uint32_t waiting, const sbs_push_event *event);

#endif
