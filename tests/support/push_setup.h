/* SPDX-License-Identifier: Apache-2.0 */
/* The push engine over the fake FHIR server and a queue in memory. An item's text is its identifier value. */
#ifndef PUSH_SETUP_H
#define PUSH_SETUP_H

#include "fake_fhir.h"
#include "ram_queue.h"
#include "sbs/push.h"

typedef struct push_setup {
    fake_setup base;
    ram_queue queue;
    sbs_push_config config;
    sbs_write_mode mode;
    void (*identify)(const char *text, sbs_push_identity *out); /* changes what is said of an item; NULL: nothing */
    sbs_push push;
    uint8_t item[RAM_QUEUE_BYTES];
    char body[8192];
    _Alignas(8) char answer[16384];
    /* what the engine told */
    unsigned events[SBS_PUSH_PAUSED + 1];
    sbs_push_event last[SBS_PUSH_PAUSED + 1];
    char order[512]; /* identifiers in the order they were delivered, each with a space */
} push_setup;

#define PUSH_CASE(function) cmocka_unit_test_setup(function, push_set_up)

void push_setup_init(push_setup *setup);
/* Of a test: *state is a setup. */
int push_set_up(void **state);
/* Afresh, in batches of at most so many, with the items "a", "b" and "c" of one lane. */
void push_setup_abc(push_setup *setup, uint16_t batch);
/* Polls until the queue holds nothing to send, an error, or @p most_ms have passed on the setup's clock. */
sbs_status push_run(push_setup *setup, uint64_t most_ms);
/* How often the server stored the item with this text. */
unsigned push_stored(const push_setup *setup, const char *text);

#endif
