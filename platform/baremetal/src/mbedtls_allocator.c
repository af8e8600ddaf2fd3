/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/baremetal_heap.h"
#include "sbs/baremetal_mbedtls.h"

const sbs_mbedtls_allocator sbs_baremetal_allocator = {sbs_baremetal_calloc, sbs_baremetal_free};
