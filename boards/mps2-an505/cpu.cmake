# SPDX-License-Identifier: Apache-2.0
set(SBS_BOARD_CPU "-mcpu=cortex-m33 -mfloat-abi=soft")
