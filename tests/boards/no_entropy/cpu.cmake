# SPDX-License-Identifier: Apache-2.0
set(SBS_BOARD_CPU "-mcpu=cortex-m3 -mfloat-abi=soft")
