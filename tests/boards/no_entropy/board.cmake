# SPDX-License-Identifier: Apache-2.0
# A board that no emulator helps and that forgot its entropy: only what needs random numbers fails to link.
set(SBS_BOARD_SOURCES board.c)
