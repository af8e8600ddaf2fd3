/* SPDX-License-Identifier: Apache-2.0 */
/** @file pkcs11_object.h The key's objects in the token, and the public key that they show. */
#ifndef SBS_PKCS11_OBJECT_H
#define SBS_PKCS11_OBJECT_H

#include "cryptoki.h"
#include "sbs/pkcs11_key.h"

/** Finds the one private key that the URI names, and reads its public key. Somebody is logged in. */
sbs_status pkcs11_object_open(sbs_pkcs11_key *key);

/** Reads the public key of the one public key object, else certificate, that the URI names. SBS_ERR_NOT_FOUND: there is
 * none that everybody may see. */
sbs_status pkcs11_object_open_public(sbs_pkcs11_key *key);

#endif
