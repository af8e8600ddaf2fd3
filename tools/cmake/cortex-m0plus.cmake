# SPDX-License-Identifier: Apache-2.0
# Cortex-M0+ without an operating system: libraries only, nothing is linked. It has no atomic instructions.
include("${CMAKE_CURRENT_LIST_DIR}/thumb.cmake")
set(CMAKE_C_FLAGS_INIT "-mcpu=cortex-m0plus -mthumb -mfloat-abi=soft")
