/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway's intake over a queue on SQLite, asked as its HTTP server would. */
#ifndef SQLITE_GATE_H
#define SQLITE_GATE_H

#include "sbs/gateway_intake.h"

typedef struct sqlite_gate {
    sbs_gateway_config config;
    sbs_gateway_devices devices;
    sbs_gateway_counts counts[4];
    sbs_gateway_intake intake;
    sbs_now now;
    char secrets[4][SBS_GATEWAY_SECRET_SIZE]; /* of the devices, in their order */
    sbs_linux_http_answer answer;             /* to what was asked last */
    char body[1 << 20];
    char location[128];
    char retry[16];
    char allow[64];
    unsigned challenges; /* fields WWW-Authenticate */
} sqlite_gate;

extern sqlite_gate gate;

/* For cmocka, with sqlite_rig: devices "meter", "fridge-3" (phd), "files" (spool) and "meter-2". */
int gate_set_up(void **state);
int gate_tear_down(void **state);

/* Asks as the device with that number (-1: nobody), with fields "Name: value\n...", and returns the status. */
unsigned gate_ask(int device, const char *method, const char *target, const char *fields, const char *body);
unsigned gate_ask_bytes(int device, const char *method, const char *target, const char *fields, const void *body,
                        size_t len);
/* POST of an Observation with FHIR's type of content. */
unsigned gate_post(int device, const char *body);
/* Commits what was accepted. */
void gate_commit(void);

/* The answer is an OperationOutcome with this code and these words; NULL: any. */
void gate_assert_outcome(const char *code, const char *words);
/* The same with the expression. */
void gate_assert_at(const char *expression);

/* An Observation with an identifier's value and a member more, "" for none; in a memory of its own, of four. */
const char *gate_observation(const char *identifier, const char *more);
/* The text that waits in the queue with that id. */
const char *gate_stored(uint64_t id);
/* How many wait. */
uint32_t gate_waiting(void);

#endif
