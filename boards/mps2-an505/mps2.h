/* SPDX-License-Identifier: Apache-2.0 */
/* Arm MPS2 with the FPGA image AN505, a Cortex-M33 (Arm DAI 0505): the addresses are those of its secure state, in
 * which the whole program runs. */
#ifndef MPS2_H
#define MPS2_H

#include "sbs/cortex_m.h"

#define MPS2_CLOCK_HZ 20000000u
#define MPS2_UART 0x50200000u
#define MPS2_WATCHDOG 0x50081000u
#define MPS2_ETHERNET 0x52000000u
#define MPS2_UART_RX_INTERRUPT 32u
#define MPS2_ETHERNET_INTERRUPT 48u

#endif
