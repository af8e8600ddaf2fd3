/* SPDX-License-Identifier: Apache-2.0 */
/* Our queues, as a porter would give his to the suite. */
#ifndef PORT_RIG_QUEUE_H
#define PORT_RIG_QUEUE_H

#include "port_suite.h"

/** On simulated flash. */
void rig_queue_flash_open(port_queue *out);
void rig_queue_flash_close(void);

/** In RAM, which forgets. */
void rig_queue_ram_open(port_queue *out);
void rig_queue_ram_close(void);

/** In an SQLite database. */
void rig_queue_sqlite_open(port_queue *out);
void rig_queue_sqlite_close(void);

#endif
