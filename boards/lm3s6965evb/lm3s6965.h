/* SPDX-License-Identifier: Apache-2.0 */
/* The registers of the LM3S6965 that the board uses (data sheet of June 18, 2012, chapters 5, 10, 12 and 15). */
#ifndef LM3S6965_H
#define LM3S6965_H

#include "sbs/cortex_m.h"

#define LM3S_CLOCK_HZ 50000000u

#define LM3S_SYSCTL_RIS SBS_REGISTER(0x400FE050u)
#define LM3S_SYSCTL_RCC SBS_REGISTER(0x400FE060u)
#define LM3S_SYSCTL_RCGC0 SBS_REGISTER(0x400FE100u)
#define LM3S_SYSCTL_RCGC1 SBS_REGISTER(0x400FE104u)
#define LM3S_SYSCTL_RCGC2 SBS_REGISTER(0x400FE108u)

#define LM3S_UART_INTERRUPT 5u
#define LM3S_WATCHDOG_INTERRUPT 18u
#define LM3S_ETHERNET_INTERRUPT 42u

void lm3s_console_start(void);
void lm3s_console_interrupt(void);
void lm3s_ethernet_interrupt(void);

#endif
