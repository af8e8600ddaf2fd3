/* SPDX-License-Identifier: Apache-2.0 */
/* What the linker script says: addresses are those of the symbols, sizes too. */
#ifndef SBS_BAREMETAL_LD_H
#define SBS_BAREMETAL_LD_H

#include <stdint.h>

extern uint32_t sbs_ld_stack_bottom[], sbs_ld_stack_top[];
extern uint32_t sbs_ld_data_start[], sbs_ld_data_end[];
extern const uint32_t sbs_ld_data_load[];
extern uint32_t sbs_ld_bss_start[], sbs_ld_bss_end[];
extern uint8_t sbs_ld_heap_start[], sbs_ld_heap_end[];
extern uint8_t sbs_ld_vectors_size[];
extern uint8_t sbs_ld_flash_start[], sbs_ld_flash_size[];
extern uint8_t sbs_ld_ram_start[], sbs_ld_ram_size[];

#endif
