# SPDX-License-Identifier: Apache-2.0
set(SBS_BOARD_SOURCES)
set(SBS_BOARD_DRIVERS mps2/mps2_board.c mps2/mps2_console.c mps2/mps2_ethernet.c)
set(SBS_BOARD_EMULATION_ONLY ON)
set(SBS_BOARD_TEST_STACK 0x40000)
