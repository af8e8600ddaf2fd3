/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file assertion.h
 * The client assertion of SMART Backend Services (SMART 2.2 "Client Authentication: Asymmetric", RFC 7523): a JWT in
 * compact JWS form (RFC 7515 section 7.1), signed RS384 or ES384 through the key port.
 */
#ifndef SBS_ASSERTION_H
#define SBS_ASSERTION_H

#include "sbs/base64url.h"
#include "sbs/jwk.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Which members an assertion has, and in which order. */
typedef enum sbs_profile {
    SBS_PROFILE_SMART, /**< header alg kid typ; claims iss sub aud exp iat jti */
    SBS_PROFILE_SEED   /**< header alg typ; claims iss sub aud iat exp; exp = iat + 300; RS384 only */
} sbs_profile;

#define SBS_ASSERTION_LIFETIME_DEFAULT 240u /**< seconds */
#define SBS_ASSERTION_LIFETIME_MAX 300u     /**< SMART: exp no more than five minutes in the future */
#define SBS_ASSERTION_BACKDATE_S 20         /**< how far in the past iat stands where nothing else is asked for */
#define SBS_JTI_SIZE 16u                    /**< random bytes of a generated jti, 22 characters */
#define SBS_JTI_MAX 151u                    /**< longest literal jti */

/** What an assertion says. Zero-initialise, then fill in. */
typedef struct sbs_assertion_params {
    sbs_profile profile;
    sbs_text client_id; /**< iss and sub: 1 or more bytes of 0x20-0x7E (RFC 6749 A.1) */
    sbs_text aud;       /**< written as given, as a string (RFC 7523 section 3) */
    sbs_text kid;       /**< header member; absent: none. Ignored by SBS_PROFILE_SEED */
    sbs_text typ;       /**< absent: "JWT" */
    sbs_text jti;       /**< absent: SBS_JTI_SIZE random bytes from psa_generate_random, base64url; not in the seed's */
    int64_t issued_at;  /**< iat as it is written, seconds since 1970, > 0: who wants it in the past subtracts
                             SBS_ASSERTION_BACKDATE_S, as the client does */
    uint32_t lifetime;  /**< exp - iat in seconds, 1 to 300; 0: the profile's default (240, seed 300) */
} sbs_assertion_params;

/** Size of the assertion in characters for @p alg with @p key_bits, without signing. 0 if the parameters are refused.
 *  The same for every jti that is generated. */
size_t sbs_assertion_size(const sbs_assertion_params *params, sbs_alg alg, size_t key_bits);

/** An assertion in the making; its content is private. Zero-initialised by sbs_assertion_start. */
typedef struct sbs_assertion {
    uint8_t hash[SBS_HASH_SIZE];
    uint8_t signature[SBS_SIGNATURE_MAX];
    size_t signature_len; /**< what the key must give */
    sbs_alg alg;
    bool hashed;
    bool is_signed;
} sbs_assertion;

/**
 * Checks @p params, appends the signing input (`header.payload`) to @p out and hashes it where it stands, so that no
 * second copy is needed: @p out must be a writer with a buffer (else SBS_ERR_ARGUMENT). Room for the signature is
 * checked too, before anything slow. @p alg and @p key_bits: of the public key that the key port gave.
 * @return SBS_OK; SBS_ERR_ARGUMENT (a parameter), SBS_ERR_KEY (key_bits; seed profile with an EC key), SBS_ERR_NO_TIME
 *         (issued_at is SBS_UTC_UNKNOWN), SBS_ERR_RANDOM (nothing is signed without a fresh jti), SBS_ERR_BUFFER (then
 *         out->len tells what the whole assertion needs), SBS_ERR_CRYPTO.
 */
SBS_NODISCARD sbs_status sbs_assertion_start(sbs_assertion *assertion, const sbs_assertion_params *params, sbs_alg alg,
                                             size_t key_bits, sbs_writer *out);

/**
 * Signs and appends `.signature` to @p out, the writer given to start. SBS_PENDING while the key says "not yet": call
 * again with the same arguments. If the key asks for it, the signature is verified before it is written (SBS_ERR_CRYPTO
 * if it is wrong); the public key is read into the free room of @p out for that, which holds any key with an exponent
 * of up to 64 bits (SBS_ERR_BUFFER otherwise: give SBS_PUBLIC_KEY_MAX bytes). After any result but SBS_PENDING the
 * assertion is wiped. SBS_ERR_STATE without a successful start.
 */
SBS_NODISCARD sbs_status sbs_assertion_sign(sbs_assertion *assertion, const sbs_key *key, sbs_writer *out);

/** Wipes everything. Legal at any time. */
void sbs_assertion_wipe(sbs_assertion *assertion);

/**
 * All steps at once, for keys that answer at once (SBS_ERR_UNSUPPORTED if the key says "not yet"). @p out needs
 * sbs_assertion_size() bytes. On an error @p out is wiped; SBS_ERR_BUFFER gives a size that suffices in @p out_len.
 */
SBS_NODISCARD sbs_status sbs_assertion_make(const sbs_assertion_params *params, const sbs_key *key, char *out,
                                            size_t size, size_t *out_len);

#ifdef __cplusplus
}
#endif
#endif
