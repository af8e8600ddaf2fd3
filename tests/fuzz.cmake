# SPDX-License-Identifier: Apache-2.0
# Each fuzz/fuzz_<x>.c is a libFuzzer program; everything it links is instrumented by the preset.
file(GLOB fuzz_sources CONFIGURE_DEPENDS fuzz/fuzz_*.c)
foreach(source ${fuzz_sources})
    get_filename_component(name "${source}" NAME_WE)
    add_executable(${name} "${source}")
    target_link_libraries(${name} PRIVATE sbs_linux sbs_mbedtls sbs_core sbs_warnings sbs_posix)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
endforeach()
