# SPDX-License-Identifier: Apache-2.0
# Measurements, built on demand and run by hand: cmake --build --preset host --target bench_codec
find_package(PkgConfig)
if(NOT PkgConfig_FOUND)
    return()
endif()
pkg_check_modules(bench_codec_peers IMPORTED_TARGET libcrypto libcjson jansson)
if(bench_codec_peers_FOUND)
    add_executable(bench_codec EXCLUDE_FROM_ALL bench/bench_codec.c)
    target_link_libraries(bench_codec PRIVATE sbs_core sbs_warnings sbs_posix PkgConfig::bench_codec_peers)
endif()
