/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the suite: what the two files of checks of a queue share. */
#ifndef PORT_QUEUE_RIG_H
#define PORT_QUEUE_RIG_H

#include "port_report.h"

#define PORT_QUEUE_ITEM 32u /* bytes of an ordinary item */

extern const sbs_queue_meta port_queue_meta;

/* All of these fail the check, and return false, when it is not so. */
bool port_queue_empty(port_report *report, const port_queue *port); /* settles all items */
bool port_queue_add(port_report *report, const port_queue *port, uint32_t seed, uint64_t *out_id);
bool port_queue_next(port_report *report, const port_queue *port, uint64_t after, uint64_t id, sbs_queue_item *out);
bool port_queue_end(port_report *report, const port_queue *port, uint64_t after); /* none is behind it */
/* Reads until a call gives nothing; a queue may give less at a time than is asked for. */
bool port_queue_read(port_report *report, const port_queue *port, uint64_t id, size_t offset, uint8_t *out, size_t size,
                     size_t *out_len);
bool port_queue_holds(port_report *report, const port_queue *port, uint64_t id, uint32_t seed);
bool port_queue_mark(port_report *report, const port_queue *port, uint64_t id);
bool port_queue_settle(port_report *report, const port_queue *port, uint64_t id, sbs_queue_fate fate);

/* Restarts, groups, what is held against items, damage. */
unsigned port_queue_power(const port_suite *suite, const port_queue *port);

#endif
