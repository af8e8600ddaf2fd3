# SPDX-License-Identifier: Apache-2.0
# The variants of a board's firmware: what each changes of the default, in one place. A -D on the command line goes
# before it. tools/firmware knows the names.
#
#   default  -Os, TLS 1.2
#   small    32 KB of RAM: small tables, records of 1 KB where the server heeds it, host names of up to 127 characters
#   es384    small, and the device's own key is on P-384 only
#   tls13    TLS 1.2 and 1.3
#   nodemo   without the demonstration's mark: refuses its simulated measurements
#   freertos TLS 1.2, with tasks of FreeRTOS in place of the one loop
set(SBS_VARIANTS default small es384 tls13 nodemo freertos)
set(SBS_VARIANT default CACHE STRING "Variant of the firmware: ${SBS_VARIANTS}")
if(NOT SBS_VARIANT IN_LIST SBS_VARIANTS)
    message(FATAL_ERROR "SBS_VARIANT is one of ${SBS_VARIANTS}, not '${SBS_VARIANT}'")
endif()

if(SBS_VARIANT MATCHES "^(small|es384)$")
    set(sbs_mbedtls_config sbs_mbedtls_firmware_${SBS_VARIANT}.h)
    # The engine's own places for batches: the firmware sends single requests.
    add_compile_definitions(SBS_HOST_SIZE=128 SBS_PUSH_BATCH_MAX=1 SBS_STATUS_SENTENCES=0 METER_WORK_MIN=3072u METER_WORK_DISCOVERY_LARGE=3584u)
    set(sbs_lwip_small SBS_LWIP_SEGMENT=536 SBS_LWIP_CONNECTIONS=2 SBS_LWIP_NAMES=2 SBS_LWIP_NAME_SIZE=128
                       SBS_LWIP_PING=0)
    if(SBS_VARIANT STREQUAL es384)
        add_compile_definitions(METER_ALG=SBS_ES384)
    endif()
elseif(SBS_VARIANT STREQUAL tls13)
    set(sbs_mbedtls_config sbs_mbedtls_firmware_tls13.h)
elseif(SBS_VARIANT STREQUAL nodemo)
    set(SBS_DEMO OFF CACHE BOOL "Build the firmware with its simulated sensor")
elseif(SBS_VARIANT STREQUAL freertos)
    set(sbs_mbedtls_config sbs_mbedtls_firmware_rtos.h)
    set(SBS_FREERTOS ON)
    set(SBS_THREADS ON)
    set(sbs_lwip_form SBS_LWIP_THREADS=1)
endif()

# Object files hold both machine code and what can be optimised across files when the program is linked: the firmware is
# linked so (boards/firmware), the many programs of the tests are not. A variant is for its firmware alone: machine code
# that nobody links is not made, which is three quarters of the work. Its other programs are linked as the firmware is.
# Nothing of this where a kernel is: vendors build theirs, and what is linked with it, without.
if(SBS_FREERTOS)
    add_compile_options(-fno-lto)
elseif(SBS_VARIANT STREQUAL default)
    add_compile_options(-flto -ffat-lto-objects)
    add_link_options(-fno-lto)
else()
    add_compile_options(-flto -fno-fat-lto-objects)
    add_link_options(-flto -flto-partition=one -Os)
endif()
# Loops stay as they are written: moving what does not change out of them makes code longer, 800 bytes in all.
add_compile_options(-fno-move-loop-invariants -fno-tree-loop-im)

# One heap for all: TLS needs most of it while it connects, lwIP's frames while they pass.
set(SBS_LWIP_DEFINITIONS ${sbs_lwip_form} SBS_LWIP_SHARED_HEAP=1 SBS_LWIP_ALLOCATE=sbs_baremetal_calloc
                         SBS_LWIP_RELEASE=sbs_baremetal_free ${sbs_lwip_small}
    CACHE STRING "Settings of platform/lwip/config/lwipopts.h")
