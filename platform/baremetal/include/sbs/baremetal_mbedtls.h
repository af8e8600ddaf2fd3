/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file baremetal_mbedtls.h
 * What Mbed TLS takes from this layer: the heap with its accounts. It finds the board's entropy by itself.
 */
#ifndef SBS_BAREMETAL_MBEDTLS_H
#define SBS_BAREMETAL_MBEDTLS_H

#include "sbs/mbedtls_platform.h"

/** For sbs_mbedtls_init(). */
extern const sbs_mbedtls_allocator sbs_baremetal_allocator;

#endif
