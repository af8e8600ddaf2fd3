/* SPDX-License-Identifier: Apache-2.0 */
/* The application on simulated flash, with the fake server, a console that is read back, and power that can be cut at
 * any operation of the flash: from then on nothing is stored, sent or shown until the next start. */
#ifndef METER_RIG_H
#define METER_RIG_H

#include "fake_fhir.h"
#include "flash_sim.h"
#include "meter.h"
#include "sbs/flash_storage.h"

#define RIG_CONSOLE 65536u
#define RIG_KIDS 4u

typedef struct rig_flash {
    sbs_flash flash;
    flash_sim sim;
    struct meter_rig *rig;
} rig_flash;

typedef struct meter_rig {
    rig_flash storage_flash, queue_flash;
    uint64_t operations, cut_at;  /* of both; 0: no cut */
    uint64_t reads, failing_read; /* of the storage; that one alone fails, 0: none */
    bool dead;
    sbs_flash_storage storage;
    char date[64]; /* of the server: what the device's clock says */
    fake_fhir fhir;
    fake_handler inner;
    sbs_stream_ops stream_ops;
    sbs_stream stream;
    sbs_stream_ops plain_ops; /* the same server without TLS */
    sbs_stream plain;
    unsigned plain_opens;
    meter meter;
    meter_ports ports;
    sbs_now now;
    bool network_up;
    bool rebooting;
    unsigned boots;
    /* the server */
    char kids[RIG_KIDS][SBS_KID_MAX + 1]; /* that it accepts; none: all */
    char last_kid[SBS_KID_MAX + 1];
    unsigned devices;
    unsigned token_refusals;
    char device[2048]; /* as it came last */
    char observation[4096];
    unsigned trusted;    /* calls of the trust port with a record */
    unsigned works;      /* nesting of the work port */
    unsigned doubts;     /* calls of the doubt_time port */
    const char *refusal; /* headers of an answer that refuses the next token; NULL: none */
    char ntp[SBS_HOST_SIZE];
    char console[RIG_CONSOLE];
    size_t console_len;
} meter_rig;

/* A certificate that can be an anchor. */
extern const uint8_t rig_ca[];
extern const size_t rig_ca_len;

/* Group set-up and tear-down. */
int rig_group(void **state);
int rig_group_end(void **state);

/* New flash, not started. ES384, so that keys are quickly made. */
void rig_init(meter_rig *rig);
void rig_free(meter_rig *rig);
/* Power on, again if it was on. */
void rig_boot(meter_rig *rig);
/* The application starts over with everything else as it is. */
void rig_boot_failing(meter_rig *rig);
void rig_copy_flash(meter_rig *to, const meter_rig *from);

/* Polls for that long on the rig's clock, or until the power is cut or the application wants to be restarted. */
void rig_run(meter_rig *rig, uint64_t ms);
/* Polls until the console showed @p text, at most @p ms; fails the test otherwise, but not when the power was cut. */
bool rig_await(meter_rig *rig, const char *text, uint64_t ms);
void rig_type(meter_rig *rig, const char *text);
bool rig_saw(const meter_rig *rig, const char *text);
void rig_clear(meter_rig *rig);
/* Waiting for the first key is over and the device asks for a record. */
void rig_first_boot(meter_rig *rig);

#define RIG_SECRET "tok-0123456789abcdefghijklmnopqrstuvwxyzABE"

/* A record for the fake server. */
meter_record rig_record(void);
/* One for the same as a gateway, by http and with RIG_SECRET. */
meter_record rig_gateway_record(void);
/* Types a record as sbs provision does. */
void rig_send(meter_rig *rig, const uint8_t *data, size_t len);
void rig_provision(meter_rig *rig, const meter_record *record);
/* From the first boot to a device that is registered and has a token. */
void rig_bring_up(meter_rig *rig);
/* The server knows all keys that the device has now. */
void rig_register(meter_rig *rig);
/* Resources stored, all of them once? */
unsigned rig_stored(const meter_rig *rig);
bool rig_stored_once(const meter_rig *rig);

#endif
