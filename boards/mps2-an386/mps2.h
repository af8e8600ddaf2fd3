/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MPS2_H
#define MPS2_H

#include "sbs/cortex_m.h"

#define MPS2_CLOCK_HZ 25000000u
#define MPS2_UART_RX_INTERRUPT 0u
#define MPS2_ETHERNET_INTERRUPT 13u

void mps2_console_start(void);
void mps2_console_interrupt(void);
void mps2_ethernet_interrupt(void);

#endif
