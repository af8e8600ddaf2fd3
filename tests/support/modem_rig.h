/* SPDX-License-Identifier: Apache-2.0 */
/* A stream over the modem of modem_sim.h, and whole conversations on it. */
#ifndef MODEM_RIG_H
#define MODEM_RIG_H

#include "modem_sim.h"
#include "test.h"

#define RIG_BUFFER 128u
#define RIG_HOST "fhir.example"
#define RIG_PORT 443
#define RIG_WORDS "Measure what is measurable, and make measurable what is not so."
#define RIG_CERTIFICATE "-----BEGIN CERTIFICATE-----\nZm9yIHRlc3Rz\n-----END CERTIFICATE-----\n"

typedef enum modem_rig_form {
    RIG_SIMCOM,
    RIG_SIMCOM_SECURED,
    RIG_QUECTEL,
    RIG_QUECTEL_SECURED,
    RIG_FORMS
} modem_rig_form;
#define FOR_EACH_FORM(form) for (modem_rig_form form = RIG_SIMCOM; form < RIG_FORMS; form++)

typedef struct modem_rig {
    modem_sim sim;
    sbs_modem_config config;
    sbs_modem modem;
    sbs_stream stream;
    bool begun;
    uint8_t send_buffer[RIG_BUFFER], receive_buffer[RIG_BUFFER];
} modem_rig;

/** A good modem and the configuration for it; a test changes what it likes before the first call. */
void modem_rig_make(modem_rig *r, modem_rig_form form);
/** Initialises the stream; the calls below do so, too. */
void modem_rig_begin(modem_rig *r);

/* Until the result is there. Each fails the test if there is none after a day of the simulated clock. */
sbs_status modem_rig_open(modem_rig *r);
sbs_status modem_rig_send(modem_rig *r, const char *text);
/** Receives up to @p size bytes, once. */
sbs_status modem_rig_receive(modem_rig *r, uint8_t *buffer, size_t size, size_t *out_len);
/** What close() left, to its end. */
sbs_status modem_rig_tidy(modem_rig *r);

/** Sends this text and reads it back, whole. False: something failed, or another text came. */
bool modem_rig_echoes(modem_rig *r, const char *text);
void assert_modem_echoes(modem_rig *r, const char *text);
/** Opens, sends, receives, closes and tidies up. */
void assert_modem_talks(modem_rig *r);
/** Both buffers hold nothing. */
void assert_modem_is_clean(const modem_rig *r);

#endif
