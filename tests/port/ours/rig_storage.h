/* SPDX-License-Identifier: Apache-2.0 */
/* Our stores, as a porter would give his to the suite. */
#ifndef PORT_RIG_STORAGE_H
#define PORT_RIG_STORAGE_H

#include "port_suite.h"

/** Records on simulated flash, which can be damaged, fail, and lose its power. */
void rig_storage_flash_open(port_storage *out);
void rig_storage_flash_close(void);

/** Records as files of a folder, whose bytes can be changed. */
void rig_storage_linux_open(port_storage *out);
void rig_storage_linux_close(void);

#endif
