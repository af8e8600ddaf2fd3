# SPDX-License-Identifier: Apache-2.0
# Each fuzz/fuzz_<x>.c is a libFuzzer program; everything it links is instrumented by the preset. What stands in
# fuzz/support is at hand for each: PSA takes its random from there.
file(GLOB fuzz_support CONFIGURE_DEPENDS fuzz/support/*.c)
set(fuzz_tls_peer "${CMAKE_CURRENT_SOURCE_DIR}/fuzz/support/tls_peer.c")
set(fuzz_ecp_memo "${CMAKE_CURRENT_SOURCE_DIR}/fuzz/support/ecp_memo.c")
list(REMOVE_ITEM fuzz_support ${fuzz_tls_peer} ${fuzz_ecp_memo}) # they wrap functions of Mbed TLS
add_library(sbs_fuzz_support OBJECT ${fuzz_support} support/ram_queue.c support/flash_sim.c
                                      support/modem_sim.c)
target_include_directories(sbs_fuzz_support PUBLIC fuzz/support support)
target_link_libraries(sbs_fuzz_support PUBLIC sbs_forward sbs_flash sbs_modem sbs_linux sbs_mbedtls sbs_core sbs_posix)
target_link_libraries(sbs_fuzz_support PRIVATE sbs_warnings)
target_compile_options(sbs_fuzz_support PRIVATE -fno-sanitize-coverage=trace-cmp)

# No input is guessed from the comparisons of what only writes and hashes, and tracing them takes most of the time.
set(fuzz_untraced -fno-sanitize-coverage=trace-cmp)
foreach(name text/text_writer text/base64url text/form text/utf8 json/json_writer jose/assertion)
    set_source_files_properties("${PROJECT_SOURCE_DIR}/core/src/${name}.c" TARGET_DIRECTORY sbs_core
                                PROPERTIES COMPILE_OPTIONS ${fuzz_untraced})
endforeach()
foreach(name sha256 sha512 aes aesni gcm bignum bignum_core bignum_mod bignum_mod_raw ecp ecp_curves ecp_curves_new constant_time)
    set_source_files_properties("${SBS_MBEDTLS_DIR}/library/${name}.c"
                                TARGET_DIRECTORY sbs_mbedtls_lib PROPERTIES COMPILE_OPTIONS ${fuzz_untraced})
endforeach()

# Mbed TLS compares empty names by memcmp() with a null pointer and a length of 0.
set_source_files_properties("${SBS_MBEDTLS_DIR}/library/x509_crt.c" TARGET_DIRECTORY sbs_mbedtls_lib
                            PROPERTIES COMPILE_OPTIONS -fno-sanitize=nonnull-attribute)

file(GLOB fuzz_sources CONFIGURE_DEPENDS fuzz/fuzz_*.c)
if(NOT TARGET sbs_sqlite)
    list(FILTER fuzz_sources EXCLUDE REGEX "/fuzz_(gateway|sqlite)")
endif()
foreach(source ${fuzz_sources})
    get_filename_component(name "${source}" NAME_WE)
    add_executable(${name} "${source}")
    target_link_libraries(${name} PRIVATE sbs_fuzz_support sbs_pkcs11 sbs_forward sbs_modem sbs_linux sbs_mbedtls sbs_core sbs_warnings sbs_posix)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
endforeach()
target_include_directories(fuzz_flat PRIVATE "${PROJECT_SOURCE_DIR}/core/src") # the tree's reader judges by the client's own rules

include(wrap.cmake)
foreach(name fuzz_gateway_config fuzz_gateway_intake)
    if(TARGET ${name})
        target_link_libraries(${name} PRIVATE sbs_gateway)
    endif()
endforeach()
target_link_libraries(fuzz_record PRIVATE sbs_meter)
target_sources(fuzz_config PRIVATE "${PROJECT_SOURCE_DIR}/tools/sbs/options.c" "${PROJECT_SOURCE_DIR}/tools/sbs/io.c")
target_include_directories(fuzz_config PRIVATE "${PROJECT_SOURCE_DIR}/tools/sbs")
target_sources(fuzz_tls PRIVATE ${fuzz_tls_peer})
sbs_wrap(fuzz_tls psa_aead_encrypt)
# The application keeps its keys on simulated flash, so the layer of flash is taken before the one of Linux.
target_link_libraries(fuzz_console PRIVATE sbs_meter)
target_link_options(fuzz_console PRIVATE LINKER:-u,sbs_flash_its_use $<TARGET_FILE:sbs_flash_its>)
add_dependencies(fuzz_console sbs_flash_its)
foreach(name fuzz_tls fuzz_pem fuzz_console)
    target_sources(${name} PRIVATE ${fuzz_ecp_memo})
    sbs_wrap(${name} mbedtls_ecp_mul mbedtls_ecp_mul_restartable mbedtls_ecp_muladd_restartable)
endforeach()
