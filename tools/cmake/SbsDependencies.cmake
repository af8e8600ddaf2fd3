# SPDX-License-Identifier: Apache-2.0
# Where third-party sources are: what tools/setup unpacked, or what the builder names with -D or in the environment.

# sbs_source_folder(VARIABLE DEFAULT FILE): sets VARIABLE to the folder that holds FILE, or stops with advice.
function(sbs_source_folder variable default file)
    set(folder "${default}")
    if(DEFINED ENV{${variable}})
        set(folder "$ENV{${variable}}")
    endif()
    set(${variable} "${folder}" CACHE PATH "Folder that holds ${file}")
    if(NOT EXISTS "${${variable}}/${file}")
        message(FATAL_ERROR "${file} is not in ${${variable}}: run tools/setup, or set -D${variable}=FOLDER")
    endif()
endfunction()

set(deps "${CMAKE_CURRENT_SOURCE_DIR}/.deps")
if(NOT SBS_PSA_TARGET)
    sbs_source_folder(SBS_MBEDTLS_DIR "${deps}/mbedtls" include/mbedtls/build_info.h)
    # Mbed TLS 4 brings its cryptography as a part of its own, TF-PSA-Crypto. SBS_MBEDTLS_PRIVATE: folders of what its own
    # sources share, and where psa_its_* is declared.
    if(EXISTS "${SBS_MBEDTLS_DIR}/tf-psa-crypto/include/psa/crypto.h")
        set(SBS_MBEDTLS_SERIES 4)
        set(tf_psa_crypto "${SBS_MBEDTLS_DIR}/tf-psa-crypto")
        set(SBS_MBEDTLS_PUBLIC "${SBS_MBEDTLS_DIR}/include" "${tf_psa_crypto}/include"
                               "${tf_psa_crypto}/drivers/builtin/include")
        set(SBS_MBEDTLS_PRIVATE "${SBS_MBEDTLS_DIR}/library" "${tf_psa_crypto}/core" "${tf_psa_crypto}/drivers/builtin/src")
    else()
        set(SBS_MBEDTLS_SERIES 3)
        set(SBS_MBEDTLS_PUBLIC "${SBS_MBEDTLS_DIR}/include")
        set(SBS_MBEDTLS_PRIVATE "${SBS_MBEDTLS_DIR}/library")
    endif()
endif()
sbs_source_folder(SBS_JSMN_DIR /usr/include jsmn.h)
if(SBS_BUILD_TESTS AND (SBS_ON_LINUX OR SBS_BOARD))
    sbs_source_folder(SBS_CMOCKA_DIR "${deps}/cmocka" src/cmocka.c)
endif()
# The network of boards. On Linux only the tests have it, where its sources are.
if(SBS_BOARD OR DEFINED ENV{SBS_LWIP_DIR} OR (SBS_BUILD_TESTS AND SBS_ON_LINUX AND NOT CMAKE_CROSSCOMPILING AND
                                              NOT SBS_COVERAGE AND EXISTS "${deps}/lwip/src/core/init.c"))
    sbs_source_folder(SBS_LWIP_DIR "${deps}/lwip" src/core/init.c)
endif()
# The kernel that the variant with tasks is tested on; a product has its own.
if(SBS_FREERTOS)
    sbs_source_folder(SBS_FREERTOS_DIR "${deps}/freertos/Source" tasks.c)
endif()

# A folder of its own for the one header: /usr/include itself would show a cross compiler the host's headers.
configure_file("${SBS_JSMN_DIR}/jsmn.h" "${CMAKE_BINARY_DIR}/jsmn/jsmn.h" COPYONLY)

# The queue on SQLite is built where SQLite is. A cross compiler would meet the host's: it needs one of its own, which
# SQLite3_INCLUDE_DIR and SQLite3_LIBRARY name.
if(SBS_ON_LINUX AND (NOT CMAKE_CROSSCOMPILING OR SQLite3_LIBRARY))
    find_package(SQLite3 3.35)
endif()
# Compressed answers are read where zlib is, by the same rule.
if(SBS_ON_LINUX AND (NOT CMAKE_CROSSCOMPILING OR ZLIB_LIBRARY))
    find_package(ZLIB 1.2)
endif()
