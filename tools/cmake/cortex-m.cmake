# SPDX-License-Identifier: Apache-2.0
# Bare-metal firmware for a board: SBS_BOARD is a folder under boards/ or the path of one elsewhere, whose cpu.cmake
# sets SBS_BOARD_CPU, the compiler's options for its core.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
# These know the objects that hold no machine code.
find_program(CMAKE_AR arm-none-eabi-gcc-ar REQUIRED)
find_program(CMAKE_RANLIB arm-none-eabi-gcc-ranlib REQUIRED)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES SBS_BOARD)

get_filename_component(SBS_BOARD_DIR "${SBS_BOARD}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_LIST_DIR}/../../boards")
if(NOT SBS_BOARD OR NOT EXISTS "${SBS_BOARD_DIR}/cpu.cmake")
    message(FATAL_ERROR "set -DSBS_BOARD to a folder under boards/, or to the path of a board's folder")
endif()
include("${SBS_BOARD_DIR}/cpu.cmake")
set(CMAKE_C_FLAGS_INIT "${SBS_BOARD_CPU} -mthumb -ffunction-sections -fdata-sections --specs=nano.specs")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-nostartfiles -Wl,--gc-sections,--fatal-warnings")
set(CMAKE_EXECUTABLE_SUFFIX_C .elf)
