# SPDX-License-Identifier: Apache-2.0
# Measurements, built with the tests but run by hand: each bench/bench_<x>.c.
file(GLOB bench_sources CONFIGURE_DEPENDS bench/bench_*.c)

# bench_codec measures beside other libraries, which this machine has for itself only.
find_package(PkgConfig)
if(PkgConfig_FOUND AND NOT CMAKE_CROSSCOMPILING)
    pkg_check_modules(bench_codec_peers IMPORTED_TARGET libcrypto libcjson jansson)
endif()
if(NOT bench_codec_peers_FOUND)
    list(FILTER bench_sources EXCLUDE REGEX "/bench_codec\\.c$")
endif()

foreach(source ${bench_sources})
    get_filename_component(name "${source}" NAME_WE)
    add_executable(${name} "${source}")
    if(SBS_SANITIZE OR CMAKE_CROSSCOMPILING) # nobody measures there
        set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
    target_link_libraries(${name} PRIVATE sbs_linux sbs_mbedtls sbs_core sbs_warnings sbs_posix)
endforeach()
if(TARGET bench_codec)
    target_link_libraries(bench_codec PRIVATE PkgConfig::bench_codec_peers)
endif()
