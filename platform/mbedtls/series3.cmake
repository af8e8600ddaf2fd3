# SPDX-License-Identifier: Apache-2.0
# The sources of Mbed TLS 3.6, and what of ours is compiled into them.
file(GLOB mbedtls_sources CONFIGURE_DEPENDS "${SBS_MBEDTLS_DIR}/library/*.c")
# library/*.c is compiled like Mbed TLS's own files: pk_verify_only.c includes the one that it takes the place of.
list(REMOVE_ITEM mbedtls_sources "${SBS_MBEDTLS_DIR}/library/pk_wrap.c")
file(GLOB mbedtls_own_sources CONFIGURE_DEPENDS library/*.c)
list(APPEND mbedtls_sources ${mbedtls_own_sources})
set(mbedtls_definitions "")

foreach(name ssl_tls ssl_tls13_client ssl_tls13_generic)
    set_source_files_properties(
        "${SBS_MBEDTLS_DIR}/library/${name}.c"
        PROPERTIES COMPILE_OPTIONS "-include;${CMAKE_CURRENT_SOURCE_DIR}/library/tls_no_identity.h"
                   OBJECT_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/library/tls_no_identity.h")
endforeach()
set_source_files_properties(
    "${SBS_MBEDTLS_DIR}/library/rsa.c"
    PROPERTIES COMPILE_OPTIONS "-include;${CMAKE_CURRENT_SOURCE_DIR}/library/rsa_public_use.h"
               OBJECT_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/library/rsa_public_use.h")
# The names of SHA-1: see CMakeLists.txt.
set_source_files_properties("${SBS_MBEDTLS_DIR}/library/oid.c" PROPERTIES COMPILE_DEFINITIONS MBEDTLS_MD_CAN_SHA1)
