# SPDX-License-Identifier: Apache-2.0
# libsbs as a component of ESP-IDF 5: core, storage and queue on flash, the modem, and TLS over any stream, over IDF's Mbed
# TLS. Another network stream and the glue to the chip's flash and clock are the program's. docs/porting.md says what was checked.
include("${CMAKE_CURRENT_LIST_DIR}/../../sbsFilePaths.cmake")
idf_component_register(
    SRCS ${SBS_CORE_SOURCES} ${SBS_FLASH_SOURCES} ${SBS_MODEM_SOURCES} ${SBS_MBEDTLS_SOURCES}
    INCLUDE_DIRS ${SBS_PORT_INCLUDES} ${SBS_CORE_INCLUDES} ${SBS_FLASH_INCLUDES} ${SBS_MODEM_INCLUDES} ${SBS_MBEDTLS_INCLUDES}
    PRIV_INCLUDE_DIRS ${SBS_CORE_PRIVATE_INCLUDES}
    REQUIRES mbedtls
    PRIV_REQUIRES jsmn)
