/* SPDX-License-Identifier: Apache-2.0 */
/* Signed assertions to be reproduced byte for byte (RS384), and one to be verified (ES384). */
#ifndef SBS_TEST_VECTORS_ASSERTIONS_H
#define SBS_TEST_VECTORS_ASSERTIONS_H

/* SMART App Launch IG, "Example JWKS and signatures": RS384 key of the IG. */
#define SMART_RS384_ASSERTION                                                                                          \
    "eyJhbGciOiJSUzM4NCIsImtpZCI6ImVlZTlmMTdhM2I1OThmZDg2NDE3YTk4MGI1OTFmYmU2IiwidHlwIjoiSldUIn0.eyJpc3Mi"             \
    "OiJodHRwczovL2JpbGktbW9uaXRvci5leGFtcGxlLmNvbSIsInN1YiI6Imh0dHBzOi8vYmlsaS1tb25pdG9yLmV4YW1wbGUuY29t"             \
    "IiwiYXVkIjoiaHR0cHM6Ly9hdXRob3JpemUuc21hcnRoZWFsdGhpdC5vcmcvdG9rZW4iLCJleHAiOjE0MjI1Njg4NjAsImp0aSI6"             \
    "InJhbmRvbS1ub24tcmV1c2FibGUtand0LWlkLTEyMyJ9.D5kAqNJwaftCqsRdVVQDq6dMBxuGFOF5svQJuXbcYp-oEyg5qOwK9ZE"             \
    "5cGLTHxqwfpUPNzRKgVdIGuhawAA-8g0s1nKQae8CuKs33hhKh4J34xSEwW3MYs1gwI4GHTtR_g3kYSX6QCi14Ed3GIAvYFgqRqt"             \
    "-gD7sewMUXL4SB8I8cXcDbCqVizm7uPVhjw6QaeKZygJJ_AVLhM4Xs9LTy4HAhdCHpN0FrNmCerUIYJvHDpcod7A0jDmxdoeW1KI"             \
    "BYlhdhQNwjtsTvT1ce4qacN_3KIv_fIzCKLIgDv9eWxkjAtxOmIm8aW5gX9xX7X0nbd0QglIyiic_bZVNNEh0kg"

/* The same page, ES384: the signature cannot be reproduced, but it must verify. */
#define SMART_ES384_ASSERTION                                                                                          \
    "eyJhbGciOiJFUzM4NCIsImtpZCI6ImNkNTIwMjExZTU2NjFkYmJhMjI1NmY2N2Y2ZDUzZjk3IiwidHlwIjoiSldUIn0.eyJpc3Mi"             \
    "OiJodHRwczovL2JpbGktbW9uaXRvci5leGFtcGxlLmNvbSIsInN1YiI6Imh0dHBzOi8vYmlsaS1tb25pdG9yLmV4YW1wbGUuY29t"             \
    "IiwiYXVkIjoiaHR0cHM6Ly9hdXRob3JpemUuc21hcnRoZWFsdGhpdC5vcmcvdG9rZW4iLCJleHAiOjE0MjI1Njg4NjAsImp0aSI6"             \
    "InJhbmRvbS1ub24tcmV1c2FibGUtand0LWlkLTEyMyJ9.ddl5N8dt5PYI_7syKg_dm1wj1LR3dYVztFlTODs6pU1vKH1Zv3d9Nct"             \
    "bnAsZ4aZ1K7HE83_fA_hIAL0JsU1GoB7roLmrpj8zfygG9Q1ZBAmKNoR60pyONPZsGTihoR29"

/* Made by PyJWT 2 with the RS384 key of the IG: header without kid, claims iss sub aud iat exp. */
#define SEED_ASSERTION                                                                                                 \
    "eyJhbGciOiJSUzM4NCIsInR5cCI6IkpXVCJ9.eyJpc3MiOiI5ZTRhMjg1OC05ZTg2LTQwNmItOTU4Zi1iODZhNWUxY2ViM2QiLCJ"             \
    "zdWIiOiI5ZTRhMjg1OC05ZTg2LTQwNmItOTU4Zi1iODZhNWUxY2ViM2QiLCJhdWQiOiJodHRwczovL2F1dGhvcml6ZS5zbWFydGh"             \
    "lYWx0aGl0Lm9yZy90b2tlbiIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAwMzAwfQ.r-sEXfjk9diNDiXnzRniPNMPa6wc"             \
    "vOe3nzH0Yt2Dh4EIgyT6jyalElu6AjpK8z4VDZDByqZOy6gC-TUETM7-gG3Jum9XmL70ayOs981XzOC2DUaGw-K9ED-Yc0cNI62h"             \
    "sUMd76_dpBK6PxxCPwL8qyD0VAQfHHgVP7R4ltrTZrxiQnGbKvE21NLWZMcFjdSpnRVAx5isMCqUPi_toDvrTM__GPes1DO2etmO"             \
    "4kj-hDk8KZBTsAZoczmLtSi4xf9RKGBKd2TMuDEUUDO1uZTscpnLOkP8kbbLIHAc7VI4OXAnVE6zwbL3hWGA3o-aCfT9VKKD-IP9"             \
    "Jq-gZwDhamUyEw"

/* Wycheproof rsa_pkcs1_2048_sig_gen_test.json tcId 91: RSASSA-PKCS1-v1_5 with SHA-384 over "Test", base64url. */
#define WYCHEPROOF_2048_SIGNATURE                                                                                      \
    "lDqqsGdVqwErTgYiEKw-LBpFXKMPHGW-7g99VDhOTg1OOQIIMyaQ_vW6DPzv-_4o5rBaHs2LyjpQ-VQvF8OdKBlaUCA8eIUZXH6E"             \
    "2iZDa8n-f6mKUHDgobb1HYrH0nNP214LMtoN9sbJgxG8TUWLTpcEEsZ3Mu_-Z-CDEjv8ae0WQJC-PUGje95SEZ2hak_H-6XY06uQ"             \
    "W8p7G8z0aZqKvqGdC6Bln7bJS07G0G_QhpWPRDp0p4O3RA9gYPAcud7onzLC9v7mHj1hVI-2s6D2tknNi9XVpbvAFvTHN4icedRc"             \
    "QbVAYSkGbiWd-gb6LsBc-TMN7GbtTPibgLD13NIsTw"

#endif
