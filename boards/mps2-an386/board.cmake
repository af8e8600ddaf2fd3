# SPDX-License-Identifier: Apache-2.0
set(SBS_BOARD_SOURCES board.c console.c ethernet.c)
set(SBS_BOARD_EMULATION_ONLY ON)
set(SBS_BOARD_TEST_STACK 0x40000)
