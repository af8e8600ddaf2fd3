/* SPDX-License-Identifier: Apache-2.0 */
/* Arm MPS2 with the FPGA image AN386, a Cortex-M4 (Arm DAI 0386). */
#ifndef MPS2_H
#define MPS2_H

#include "sbs/cortex_m.h"

#define MPS2_CLOCK_HZ 25000000u
#define MPS2_UART 0x40004000u
#define MPS2_WATCHDOG 0x40008000u
#define MPS2_ETHERNET 0x40200000u
#define MPS2_UART_RX_INTERRUPT 0u
#define MPS2_ETHERNET_INTERRUPT 13u

#endif
