/* SPDX-License-Identifier: Apache-2.0 */
/* Between the drivers of Arm's MPS2 boards. */
#ifndef MPS2_INTERNAL_H
#define MPS2_INTERNAL_H

#include "mps2.h" /* of the board's folder */

void mps2_console_start(void);
void mps2_console_interrupt(void);
void mps2_ethernet_interrupt(void);

#endif
