/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sbs.h
 * All of libsbs's core: SMART Backend Services and FHIR R4 push for devices. Read this page first.
 *
 * Conventions, for every function of the library:
 * - Results are sbs_status: 0 done, positive "not yet", negative an error (status.h). Lengths come back through
 *   `out_len`; parameters that are written stand last and are named `out_`.
 * - `_size` is a capacity and `_len` a used length, both in bytes. `_ms`, `_s` name units of time.
 * - The caller owns all memory. Nothing is allocated, so nothing needs to be released, except that contexts which hold
 *   secrets or a connection have a deinit. Structures are visible so that they can be placed anywhere; what stands in
 *   `priv` is not for reading.
 * - Pointers are never NULL unless the function says so. A span {NULL, 0} is "absent".
 * - Text is UTF-8 and not NUL-terminated in spans; `const char *` parameters are NUL-terminated.
 * - What does not fit is an error that says so; nothing is truncated.
 * - Time is an argument. Nothing blocks. No function may be called from an interrupt handler, and each context belongs
 *   to one task at a time. There is no global state.
 * - psa_crypto_init() must have succeeded before anything that hashes, signs or needs random numbers.
 */
#ifndef SBS_H
#define SBS_H

#include "sbs/alg.h"
#include "sbs/assertion.h"
#include "sbs/base64url.h"
#include "sbs/bundle.h"
#include "sbs/client.h"
#include "sbs/config.h"
#include "sbs/confirm.h"
#include "sbs/date.h"
#include "sbs/decimal.h"
#include "sbs/device.h"
#include "sbs/discovery.h"
#include "sbs/exchange.h"
#include "sbs/fhir.h"
#include "sbs/http.h"
#include "sbs/identity.h"
#include "sbs/json.h"
#include "sbs/jwk.h"
#include "sbs/location.h"
#include "sbs/observation.h"
#include "sbs/outcome.h"
#include "sbs/psa_key.h"
#include "sbs/push.h"
#include "sbs/retry.h"
#include "sbs/scope.h"
#include "sbs/spki.h"
#include "sbs/text.h"
#include "sbs/token.h"
#include "sbs/url.h"

#endif
