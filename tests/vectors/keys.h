/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys with their key ids, and private test keys that are published in the sources named: they protect nothing.
 * Numbers are base64url as in a JWK. kid: first 16 characters of base64url(SHA-256(SubjectPublicKeyInfo as PEM));
 * thumbprint: RFC 7638. Both were computed with Python's cryptography, and agree with the vectors of the seed.
 */
#ifndef SBS_TEST_VECTORS_KEYS_H
#define SBS_TEST_VECTORS_KEYS_H

#include <stddef.h>

/* SMART App Launch IG, RS384.public.json and RS384.private.json. */
#define N_SMART                                                                                                        \
    "wJq2RHIA-7RT6q4go7wjcbHdW7ck7Kz22A8wf-kN7Wi5CWvhFG2_Y7nQp1lDpb2IKMQr-Q4n_vgJ6d5rWPspJpSPY7iffUK4ipQC"             \
    "EbzID5DJ6fQMBZOfCTXyxkuMh3jYGKEF3Ziw2oxbM1H9j-eJAPtrj5stUG6kVoXowegdox-bSjWP0iI5PnkwUNzcekLMug4M3LRl"             \
    "uEQgGR9O_BAML6-w3igZ_rZA_gunyrLAMbfmCVaceW5ohLp679kyM7U6W2gDK_NbkDKcINUakVmPeoG5h8RzgGzvGrySR0k0VDFi"             \
    "Zv60Ua07DqHTeDGH9e4NV07AECae-oykIj5NDCs3pw"

/* Wycheproof rsa_pkcs1_2048_sig_gen_test.json, SHA-384. */
#define N_WYCHEPROOF_2048                                                                                              \
    "zab6XKdr_gSS7Ffgo7__cnLcjR4lrR-zOKoFDwLBBOYxM9a1t8SYXruumsA2pbnAMHTWCuyOJbrzkqDEMP8FuI6UiAXT3XRRHYiF"             \
    "JQp7V0IVraAVxVkHZobiU8zJbAgVsSke54fMM2O0932TDrmY18WCskzqnOId6XInkZiYY6J-vICgDeW9L5Iod15aTOsFTVjJvjag"             \
    "VDNpcaE2Qt2VEN1paqJo2zqrIpnV2I-OViQ00UJwlNPfjnLR72m07TTRK6w3UiOyolzyJ_c1-BboXhcjkwR2mmCCFUzRWJn8Hq77"             \
    "abdIo-XtJNODcll94-TionuVHWrH2xgtaAnY_1Ebfw"

/* Wycheproof rsa_pkcs1_3072_sig_gen_test.json, SHA-384. */
#define N_WYCHEPROOF_3072                                                                                              \
    "oHiH83M3gZawt0jN8xwUc1zPoPEXrK_aoh_eS251WTkLg057kunhzJ1J_A_mz7YEKWUrS_mndo9x_EJxym_vTkMRkuvcmGML-5TF"             \
    "uvGLTPeIHYRIPkxEwi2xWpYncFoLQqJtbz1gCa7g0qcb7fTUsO5rb-wvFuEnfsqjve26QGRzpHbRaI3w-tHaeVUmx-ZBmBtIErBb"             \
    "aS1gxgsr-kJMi2IPQNydulnixxDn7nULPhNMH3H0MhBoiv8XqqQc21ZodT8ABrHPlRvFlR9NiaMRlphepVwJZsNmK8_k5M008S5K"             \
    "_X5cShMHObEBfWpYOIL9ctsaZ0GHAsiwE1PM91t7k_rsDgvjYhHV8r2RDhVSMjcRu-tzhY-JnMHsBj72fYjgxpnVponFIQbwbpYP"             \
    "CdKjz4T1O76ipHPt8ubgF2gB0_ocLTWOHlom9kask3luwfrcaZHA7BnJ3ZCyWi3Tv3PSzx7qiGf5bKpaLfVJc6yyotoKE2fsdK-7"             \
    "lo9Rd2UjjRdp"

/* Wycheproof rsa_pkcs1_4096_sig_gen_test.json, SHA-384. */
#define N_WYCHEPROOF_4096                                                                                              \
    "46595b9E3n01fiOMjf8GPKcTRwd3q3hrSViE56m6Hd5l3n0rW-Pyt9GDDPbKjtXAXT8JSqrrHdLksu3ghhMQmpujTH4r-EUCJZdD"             \
    "dEWfFtosFBksY3mF_r677wHwOB540P1jt2A49ePTXcfSJDljNmr112hfG8_JncuR6UyTAZBoNTEi7dA8w-YV4Xwb8d18Q9rob0ek"             \
    "Ajj7WUBBzr26JfP-lZOmwym398R26rdiXRe6e-eIaTa3M_jc5ubJN_WI2hMVwRF6vSnIOJXZWYjRf5_XYjlg2OQz18aEFQf_L6rD"             \
    "bg4ZpB6yzM2yosD66WZxmpnSA8kkNJvA7qE3Tv0-IwmbLRh5IgFv0BQIdSCmc2NocyK5DXqJDY9EZKjHlNKj8gcMzTsOu8orQrv4"             \
    "66bywL-ACLVhbue4Finr_5epOluGGYnaoQ2nyOO8ewzbCV9s4Rhc-P09ygNes-UFy-Ai2B2TlFoUSAa5_gugfzq5xw5ytft3rG5M"             \
    "fgOqLc58XvInq6Gs1Iwdk-DibwHo8eQ6qXiA0V1skksGDR-s4h0Dp5bIYwH0p0M55HKy-WzQdVdBy53zU1B3OBrahNG8CEamxEyK"             \
    "jTz-G3qZE9Hz168sXqTmfOCn7TwAWCBv0TrZzK1aghLz7NeINoprYUgXjHxeqNbThSJ_LHagRyFuXiBrHtE"

/* Wycheproof rsa_pkcs1_2048_sig_gen_test.json, e = 3, tcId 154. */
#define N_WYCHEPROOF_E3_A                                                                                              \
    "kKXXq6LI3IKOYW_B_EXHxSEwyFidy-KRPaGHVy9sIyF7iaUYa2-Qy-BTq_sIhakfFB2-EGzmrTA5BKWUHfJs7RBHjLVqe9bPExPE"             \
    "lm2c98RQnZ3GNWaqMj4RCvIZ8zmMBOebtIbehwN5NHMTb1yQUa8kvSwCCOob-TIaPo8krwCqyhIWhC6rJI1Yz0aseGxJ_TyoVX6b"             \
    "U5k6S5cYzcXEdL8c_ljAetl7LFrLfYaszA_HvtFHrbLne4aX2AFQlIEXcUuAb_dvnYgUfYTpOYe3JL9IcEKehaentRSGp42KiPFo"             \
    "j2DiFdQ9BiIeK5k7XBKmB7gOngEiRysplF92tVc3wQ"

/* the same, tcId 155. */
#define N_WYCHEPROOF_E3_B                                                                                              \
    "8u0OkyKPN8LOHCFeAMzk7wDiwIoASjnEFw3HPl-9m5HnxV5ZZXnsnGC5vTQegwKbGTTmST62AJm2z7uYBNQXnJgwmeGRAruknqoo"             \
    "-lBe-sxanVN0SZwMV3V3gxftNw3hkZ84r_ItWu6MivNqhtA2Ap52HyQ9_zwgWhHpvOmsHWuvgeea1BRrEZq7E5A_hWLo8-apGPSC"             \
    "I0ZbyT1efVq-PQhQPsQpmP4Ieh-TXRuGc8SV8AXfp0U9r5d-FgiownbaKkzQVn5K9NGMugX9vtzedEk8yr2QYMJ9NaAvNcdgsSpN"             \
    "6uE1n2SfJz-kCGJvt4nJFkNKZC1Sj0Hbho_5O3-Inw"

/* the same, tcId 158. */
#define N_WYCHEPROOF_E3_C                                                                                              \
    "kr8Xzb_7QvqZV843gmu0UXCOfN7IdSuAnIGo0W_l_k2rap220R27EghmRdt1RmQrMi6DMd1_Ke_2i_QLJPgIhPUVKx_am5964vzi"             \
    "chze4PxI-FpujmT3Z-2XJ_0txZeWfidqXi52hSiv3Z30tt3aTBdDAOTaPBmjwyKZ4eeFeTTBTdYgPYwmcSibw5JxFZcVU2SlkEay"             \
    "ufGQX-cXyn7-u0wZabgEEY7_okDBHr-XzWjCqhnHh7O-IeaMDjl8fwTG75iVDifg4ZpA2pKj6hCAD-klK3cCbRTC-h60rBAkkeV3"             \
    "MnnwfYVtRG9FFpsJv2C4omlfXkhk6q-VkK7Ix8L4bQ"

/* RFC 7520 section 3.3. */
#define N_RFC7520                                                                                                      \
    "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRB"             \
    "SFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD"             \
    "1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_"             \
    "qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw"

/* RFC 7517 A.1, RFC 7638 section 3.1. */
#define N_RFC7517                                                                                                      \
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB"             \
    "ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8"             \
    "KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_"             \
    "xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"

typedef struct rsa_vector {
    const char *source;
    const char *n;
    const char *e;
    size_t bits;
    const char *kid;
    const char *thumbprint;
    size_t pem_len;
} rsa_vector;

static const rsa_vector RSA_VECTORS[] = {
    {"SMART App Launch IG, RS384.public.json and RS384.private.json", N_SMART, "AQAB", 2048u, "IlSbC9I-GckJeDIN",
     "I99tVmIhN2uhvx12lO4Zrjk9OhGDH6LvIyYALIZivws", 451u},
    {"Wycheproof rsa_pkcs1_2048_sig_gen_test.json, SHA-384", N_WYCHEPROOF_2048, "AQAB", 2048u, "YlcfAOfRZEn8XBoO",
     "ZiLSoDuPfDc8rxPl05LxD9nV_EzK3XJ8t6qpTXJCtvw", 451u},
    {"Wycheproof rsa_pkcs1_3072_sig_gen_test.json, SHA-384", N_WYCHEPROOF_3072, "AQAB", 3072u, "KIQyfsIa1bx6sSaN",
     "bZuIUh3BSRBjld6C0digNytZPjmTgtUem7zdN0THLzs", 625u},
    {"Wycheproof rsa_pkcs1_4096_sig_gen_test.json, SHA-384", N_WYCHEPROOF_4096, "AQAB", 4096u, "0VpVqKLFZSRUp93U",
     "-6bRB2CJ8-K61do6GseoWxTOBs6gguzGMkuMBS3Cmv4", 800u},
    {"Wycheproof rsa_pkcs1_2048_sig_gen_test.json, e = 3, tcId 154", N_WYCHEPROOF_E3_A, "Aw", 2048u, "voE4UfLwfzU_btBz",
     "LwAFlFevKNyIdZiVEXg9lWfTjTL64vGeDpX-_EYDoX4", 451u},
    {"Wycheproof e = 3, tcId 155", N_WYCHEPROOF_E3_B, "Aw", 2048u, "oWs-kbBySHI1uhH4",
     "rjMbZH3XZMntoS1M8SORV0Hg_M04SbIaRJ6iwe8i1VA", 451u},
    {"Wycheproof e = 3, tcId 158", N_WYCHEPROOF_E3_C, "Aw", 2048u, "i_iubCYaDqd8Y8mJ",
     "Dkonz0z5KTNs4n8Et2st8RQ1LDY8SqfyeCggYj-f6HU", 451u},
    {"RFC 7520 section 3.3", N_RFC7520, "AQAB", 2048u, "AEhSicjTcJA04LXe",
     "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI", 451u},
    {"RFC 7517 A.1, RFC 7638 section 3.1", N_RFC7517, "AQAB", 2048u, "20g3osq6GHKWKMpi",
     "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", 451u},
};

/* RSAPrivateKey (RFC 8017 A.1.2) in DER, base64url: the private halves of four of the keys above. */
#define SMART_PRIVATE                                                                                                  \
    "MIIEpAIBAAKCAQEAwJq2RHIA-7RT6q4go7wjcbHdW7ck7Kz22A8wf-kN7Wi5CWvhFG2_Y7nQp1lDpb2IKMQr-Q4n_vgJ6d5rWPsp"             \
    "JpSPY7iffUK4ipQCEbzID5DJ6fQMBZOfCTXyxkuMh3jYGKEF3Ziw2oxbM1H9j-eJAPtrj5stUG6kVoXowegdox-bSjWP0iI5Pnkw"             \
    "UNzcekLMug4M3LRluEQgGR9O_BAML6-w3igZ_rZA_gunyrLAMbfmCVaceW5ohLp679kyM7U6W2gDK_NbkDKcINUakVmPeoG5h8Rz"             \
    "gGzvGrySR0k0VDFiZv60Ua07DqHTeDGH9e4NV07AECae-oykIj5NDCs3pwIDAQABAoIBADu5Pb-nokpqtoLVD-X11v_QaZWhCuAh"             \
    "GkIRI7bmK51slcQoIZlWFrzzx5G9Ck8AoJITkpceHqTfgSN2Bs-GwlHmSzhe7YXIBLVkA-hAI8E_4nybYobwKaaPhgKbNq5jeI7a"             \
    "j5kRWfXLBBS73eabo04cqFPViI2iYW87AtvuABKuloAg7I3cSfQF89-_b1GqEhQJPxEzEZxUlD_nQiaov8lK0uYdk6-q6LCj9yP_"             \
    "d7bdqdsLTnyI2qu32IqV0u_3Wh4e4UnoRHER5ByN32mgymNFMKiWuInB7W1_CoGsj-jT1EPl7_BjCIot3JLEapLQ7jgx4KhqX5Dg"             \
    "oouJaEtAfsECgYEA58yRMh3SBFkK0n9ulWDADANqXVGwozMHf9m5nh0sDFSy9v8dTCvTBbzP2wN4pP0cYhIrPYyeBm724lvp7FFz"             \
    "gIz7u2UUIU_Q2-x5VWPy97ZI-V5_eooC58y8DdNbi89D4TzsTJaraEhcqcFH2gI4R-RP01ViKDg2EOzYu2105xECgYEA1LaQOiUs"             \
    "aGO7T7aIKgLxvLs7uEekqoSN3tl-ALZxO8RhUyRYjmtH51aKLq8bublqM3XoXBSA4TVm07qUBmWKfHCCz8QhorDFDVgVlEGUMcdm"             \
    "yBmoH5RaEMj4R19oG7C-emP3TFCfzjlnRELuP3v-HdEe6SxoADQwYzyAjduSYzcCgYEAoIbQ_s4cBZrMnd5WbOil1yv-W0YZd8v9"             \
    "I5Nasp8tRBTcI6WlWnz3FQAfSmNrB4eqQlimzWc2gOoT28sfguMdhCcepjZn7HHkCIoJtRMUzmvUua2xxuERBgqJKWH4Aii1r6SL"             \
    "WLb3Wa7TTVRnOBlVdKQujAKTiZr0BmCf75zr2qECgYAEkD4b4TxIqQsVtLbLH_ELuYCYfYD834cjpsrbPQ7E13u3CuqTc53BSswA"             \
    "IGWZ4G502Cy5_P6e1kR0emY-lOMZtFg6GN0X3m770E32Nkn1n2-HD3XZ55bfEVCyR0u2fF45xfdCPeCPzg93GXB_ECvte9UL75Xz"             \
    "mysGlf-0C2filQKBgQDPbiPNaFNFn7H_OwfbCJIqaqDTBc5Y78EKccDuULqYxkKP6ZCpj4-tluuuKLjpmgbEpa3XZueUezk4Ie1z"             \
    "By4utzNcLJk9YiZsboCpyHsZV4KHMGF2ud-VSC3ljVOYMsysWZdQhnaZIxvI3nFlngjB-gCrV84u9d5CfLh6vanLGg"

#define WYCHEPROOF_2048_PRIVATE                                                                                        \
    "MIIEowIBAAKCAQEAzab6XKdr_gSS7Ffgo7__cnLcjR4lrR-zOKoFDwLBBOYxM9a1t8SYXruumsA2pbnAMHTWCuyOJbrzkqDEMP8F"             \
    "uI6UiAXT3XRRHYiFJQp7V0IVraAVxVkHZobiU8zJbAgVsSke54fMM2O0932TDrmY18WCskzqnOId6XInkZiYY6J-vICgDeW9L5Io"             \
    "d15aTOsFTVjJvjagVDNpcaE2Qt2VEN1paqJo2zqrIpnV2I-OViQ00UJwlNPfjnLR72m07TTRK6w3UiOyolzyJ_c1-BboXhcjkwR2"             \
    "mmCCFUzRWJn8Hq77abdIo-XtJNODcll94-TionuVHWrH2xgtaAnY_1EbfwIDAQABAoIBAFo9yWLa_KJss2QOc76nQ5qfGHS8I-BC"             \
    "JszYnnulw7k4oaKTtw26sPnw9X9mlRRH3DPnMP1-LCoWTUesUCsH3STNPBQsKnnkzqtc-r_0R4dUslqMAsGkfYDZ83q-RCypp4sj"             \
    "9jG2_z4VpJVtfxhZDN6yBtXitpi9CE8mDoLvKP-extvIWoleyKOGV1D1AblhJdsbvdmaSuRoitswSqvfxODPuf5ra8DbdMiK-CF-"             \
    "7XOKDQT-jTLB0RA3DOHBsvYwZXNQaUlCcwh45v_3etp-mjF9-LwFnqcIEyUwa46y-g06PYn65HbZNEiSvNWkLPg7e88-DlG0x45y"             \
    "syB6YKcBrbECgYEA74hbh-JcKdHuQx0fSs54fE-ILpLRLEsnZshPiSYxBu8L4N3E3jvwYaK6Rv_nwTKuZ9M38E3Gba653lU3kfSY"             \
    "n1CyJMmBgStTiNHCtdUzSaYTk79mEZlbaYjxQ8J4zMJgz-gqasSmQJgH6rMmZLfuPxxB3-Vn4Jf9ev6FIIcaHFMCgYEA28pYIojI"             \
    "GjDWWB8nIFCl_qdz1xEwG91uyschTgDA_LlJjx5YUIaxRGPMiaAsLneoknHAWMb2nzzRNVOZTYp2z2KtnidSF3INYutuiI7EUJzq"             \
    "R0tT83tFj8lW3THfO7bsfeZZ6I5-cJ_jvmqNNyZMPSDn0IgnbOdlGkA8aNbEfqUCgYEAnX6HyFHSjYDF64TzdUlKuVnFzfGk7T3A"             \
    "-3jLqv7cj5WPttu6PPEmPdw0JMjQRhyfxg6AIlXRGX8gIQrhDevIikAR0dRYfWjSdQyOvOYg4dT73FKltv6ht0Ned1IgAWnxI-Kg"             \
    "OTFxqtkLo4sFvIWfdgmLWr7IzUjCVyOQvvF1_pcCgYAO7WAtAEMu3DBCjeMXY8LSV8cbTTSKP_C9XubZKF3zDBZ93N68oVk6vthu"             \
    "ZG17vm65e3ZH0UOArx26VHIt_QByt035VsxRgVJ9bGX2alPU8cNLkkciWzXvPQpkPXXe1V6ccl-a1sqplYJfNVdf7n7xC-ISnJyo"             \
    "3dJVBRXVPPjdbQKBgBAdH0mvsE0GW9jCkAHSEuc3u6aWEIV0ozCpy6zFG_bJZZTzf7qcjeFWwiY3HUmQIZHh9p2EoTUhk7_ynjGO"             \
    "s27eb_urk7ZVXs9q3cqeE0wgIgotJLA6bSPvjGCKUYZ2n2b-L2shvDn2J3rXBgOLkHhyxHFmCcIjdiEw7wNhZILy"

#define WYCHEPROOF_3072_PRIVATE                                                                                        \
    "MIIG4wIBAAKCAYEAoHiH83M3gZawt0jN8xwUc1zPoPEXrK_aoh_eS251WTkLg057kunhzJ1J_A_mz7YEKWUrS_mndo9x_EJxym_v"             \
    "TkMRkuvcmGML-5TFuvGLTPeIHYRIPkxEwi2xWpYncFoLQqJtbz1gCa7g0qcb7fTUsO5rb-wvFuEnfsqjve26QGRzpHbRaI3w-tHa"             \
    "eVUmx-ZBmBtIErBbaS1gxgsr-kJMi2IPQNydulnixxDn7nULPhNMH3H0MhBoiv8XqqQc21ZodT8ABrHPlRvFlR9NiaMRlphepVwJ"             \
    "ZsNmK8_k5M008S5K_X5cShMHObEBfWpYOIL9ctsaZ0GHAsiwE1PM91t7k_rsDgvjYhHV8r2RDhVSMjcRu-tzhY-JnMHsBj72fYjg"             \
    "xpnVponFIQbwbpYPCdKjz4T1O76ipHPt8ubgF2gB0_ocLTWOHlom9kask3luwfrcaZHA7BnJ3ZCyWi3Tv3PSzx7qiGf5bKpaLfVJ"             \
    "c6yyotoKE2fsdK-7lo9Rd2UjjRdpAgMBAAECggGAS0vzQuUzzN9IAWCsnp_06qLInDS0jqefd8ZrWMq2TozpXY4Uhv2uoYPGhPtz"             \
    "KtC2CDR8CfTVwtiRPDRzT3GRgRAQbXe19V04cK7AzzTqz80wdeUtvumrs8-b8i0VyW6-7N_paLKMX07LGJ0oClKBAJqHGCfjeqFg"             \
    "lmqARa0IYZGg_7FvFlfQFOkmUhuGDHN7IOPgQEC3S9VqnNL-Kjo0z4xOKvm6Gwh1VEIXCjmqclC8vd6LHni7jUkgMkY6ciMLN4LT"             \
    "FQtFxldp6oX1L1dfRktJxsB0jaWrs6HTTaBL8sw74SnBMklmV56zqCdBTRib7KF8rwKzDH2dZPx6r9NMfGBN-rYT7DQnNmVLV8Ti"             \
    "OQ7xenQzAy2wBreB4a8nD3RN3v-keWGE8Je6eTqR4p4-btWOy_h9BChGatrrUQwYj9aun_CmQEUDwDBih8RHIF-aqn6TN4qXTalc"             \
    "c4g-ubRC9wHq23QN2wHy3JCTcJANBm7d8E5NlGLrB0cTIsXGAW4XAoHBAM89oyzZnBWRruFcGi2TO35f9NLaxuBDC8O0HCqToWta"             \
    "u6lJbC77dpWFa_HTjoGMV64Rfax4n_DnJaYYoNWuRpIREXSCmGVrC9doROMjSX1GlX1cnjHxhu1kQDuRHwKyPKLfyroru8t8vKki"             \
    "CisXDQq2DlofkPlX4y2Cx6g2LpFvg6mMn3TNDQjGh6_Wvw2J8jx8rWil076MuGpfpUhwruSIXGDYBR50-kanVoXXgU4VMjhyc1E2"             \
    "W5T9ue9kJTvwPwKBwQDGOeIVBLYRSdPSQMycy4WlhEF_I3MIe58rz9Ijl031wHUIISe7VdRJ1mcMXsVQ-AM7vcah7HpnmZ-u5wDK"             \
    "RT-h8322Jv4a5ieE13Qo2IB-Jwu16tsb9cs0iIJ4UUFlNSQ9MCFRGxLC0449y82VYLPZzr4cQ1WClx-i1gxJ68vPTaiWpX8oD5eh"             \
    "ZwfQRxw89i-kPMAdXQlFLvCNKcoihiVu8v62BnrvAOrAsdE8x_SeVxgjUOWmleWAPfyYd4g1DlcCgcEAy3PUhQxhil9KU14LKSD4"             \
    "8Dkd7f7v7WyE2S0x1a63cuBRiYFWXs1p_qJMdc1egtoXngD34uFNC8CxGl3lT8HW8EEnZL1tBWvQ5TktH9wdooov6jGJ8LgP4XBh"             \
    "CtmOmyQGGVQg_yI-LCgaQuTzHJh1qkVO07VXqyJYGe7hOcdvckIK_OHcDVvc5veYb80gJRd_I1i3GRxrQw99YJjjd7mASUWBg2Wv"             \
    "qNXoeoJ_k8gc3l46vmXFxj3aLOvmpRko4K4bAoHAKtmiZLbDANO7xWyajp50QoZnfitUl5XZn6fqHiV8Bc7Xva0lIJr6LAf7-LGX"             \
    "59vlHwn0IVa0UybjXPS0uATmL4UqPLELJxdvnYjRpG7AwASCxI2DVfT5O17zDT1LbKxjLBL2cMjwcks3KWagB1WDK2dEs2le178B"             \
    "aLrqpyQgx6xa8E3QQgG03oAeMUjd8tOpEtDLGs3czibKe0l4V6Q1_Vjr9L9L3dSN6p_FwmTbHUtofWHkcvFeTi2YKAFW4Vk7AoHA"             \
    "bCk1HrhX85nAxsVec9BuUBDqkMfxcNzxWwvbMkUb5PS7hGaHeD2g34ZfKEZ3Lxwp9cBmPun__CjoXWuH2x0sB-bCcnQCjXNLzQuk"             \
    "0mTOMtbQPZbMtJwCNRjJPfOzTGqaLcTbryfbIPBAdCxBIeSl7q3lg7UyTDNyDCmRQUCN_Jv7eFyEZBlpi0px7hJt1yP6ZHTpY8jc"             \
    "__HAvI404ydcKJ8IjcnlTsWMtIza5zslHCy6bW3NxMeq2M5oNf3p1thh"

#define WYCHEPROOF_4096_PRIVATE                                                                                        \
    "MIIJKgIBAAKCAgEA46595b9E3n01fiOMjf8GPKcTRwd3q3hrSViE56m6Hd5l3n0rW-Pyt9GDDPbKjtXAXT8JSqrrHdLksu3ghhMQ"             \
    "mpujTH4r-EUCJZdDdEWfFtosFBksY3mF_r677wHwOB540P1jt2A49ePTXcfSJDljNmr112hfG8_JncuR6UyTAZBoNTEi7dA8w-YV"             \
    "4Xwb8d18Q9rob0ekAjj7WUBBzr26JfP-lZOmwym398R26rdiXRe6e-eIaTa3M_jc5ubJN_WI2hMVwRF6vSnIOJXZWYjRf5_XYjlg"             \
    "2OQz18aEFQf_L6rDbg4ZpB6yzM2yosD66WZxmpnSA8kkNJvA7qE3Tv0-IwmbLRh5IgFv0BQIdSCmc2NocyK5DXqJDY9EZKjHlNKj"             \
    "8gcMzTsOu8orQrv466bywL-ACLVhbue4Finr_5epOluGGYnaoQ2nyOO8ewzbCV9s4Rhc-P09ygNes-UFy-Ai2B2TlFoUSAa5_gug"             \
    "fzq5xw5ytft3rG5MfgOqLc58XvInq6Gs1Iwdk-DibwHo8eQ6qXiA0V1skksGDR-s4h0Dp5bIYwH0p0M55HKy-WzQdVdBy53zU1B3"             \
    "OBrahNG8CEamxEyKjTz-G3qZE9Hz168sXqTmfOCn7TwAWCBv0TrZzK1aghLz7NeINoprYUgXjHxeqNbThSJ_LHagRyFuXiBrHtEC"             \
    "AwEAAQKCAgAJyPHQjyqI54BMH65DoRZdKyBJ4EZIKp8QTeVpy7ynZci55vHF6iBdMsHhFDUPRVahzi8uxWlVAeJcHA-XFmx8ErbS"             \
    "GjffuZ7JdD9P5HkANj2Z_VdVwUfOlmLNpeFQf2MfTgdtykc53P8RZIk-jx3qy-K45NuY0AbuAD6ci6FjkXSr9gHq1LgKvLdrp8Gg"             \
    "yWd6r29nqOkV5enAL0qZGIpOk_w-nt9-9YfaU2O_fqHCThhlFKLRz9i43iw-w8y8lDSkjBizbXYoBNw3_256myLehXPkaJnIvk0-"             \
    "QxwzKnYWxFmhbnuEtw83B-DPfutVR9a6aPAfrBKVuDhEFM5dtK8MgmecE-g0t0Jre4k4Opd5ApOdbbGZP5v0MUGLGXtFzeF3oz_6"             \
    "NOFXrG_v_8Bep9XXMHLwpXO2zBw4-iQ2g_USBh0gT9cXkYBKTNsNksjCTv6PIQ5UPXAwHXdoO16AknQbi4RXMfJDkIytjgzAmln1"             \
    "WFz8FOz_iJOn-s-Ry04X022LommmYj93Dl2O-jcbNzxPFywjEQvfXNUz4qVxHosx3eDy04-2KVgRkPQWGBOa3PGNbKESY07frkqH"             \
    "uN-lY_SxknuIFC9fHdIOZntDdrPP5TyhWlmaaCirgqWXyEisBdUEcE8GR59shMDD5ehUw8iF2mIxs-0xeyX614StSzomCQKCAQEA"             \
    "-NurWsBHmwDGl1H_zQ3l45jesL8M8Zplngm2rMTFaXhZAbdYieJ6bO6KMJcIptaKUb2T6LJbhqXCFQtP_5Ygl02qaBTDYB3Oj9zM"             \
    "4avm5nN8lI_Zt8ij2QMqM5vG7oSO5PpU9RPDV1t6iTJffJexvrW2Bv6W8rMpP0zqwZTAkBNO-TCgSILx6Wg4woJ9jqUSz0dKS1ZA"             \
    "9G7iWA34tZpq_KTB4fmjuoIjK52yfp8rSNUYHseB33laqH6ErRXglf5D1Gpu2w1H1ihkh3aSx1TCk1R4Z3_kzppCkGOdikSOfiw5"             \
    "O8VATxTdN-tmtLI__QcdNG_W5Z0y8K4cECn2VtdPZwKCAQEA6jc9zFaNE0WwOB3hkhccINjIwyxaW6y4Sr1yy5b-xJL-TtNdemXl"             \
    "c52Fn7meKy5DxZDHjsucB6QNd5OqeNyzHeI2uXNbby8JzqcOqSEnWoEoIby-OGm4iDvrJAkzT44KlvRSgVfePyMxgkDmXT3Kmj1D"             \
    "3gg0W8Ls5LrGjHoh0pxaz6IwxRjJhzY8N6zStvbL1p__mdOmGcYmi-AT06i5bCgX5gaGPT2MEjMG_n9rjcAn2rpopnhL_0FLNSZJ"             \
    "vHdp659hwCu4x2J4FEhPJ5kjPIGJjGeSVvELyr70aE7ISyWd8XUaSaFTwOhDV-6MyeNenlYWr5sAQE5VRSst8IeVBwKCAQEAw7Rl"             \
    "DmpWJZS3mHrY8xZx6snmnxKwCDSGo4E6EqZwJWCKhqn8S_s6kf4J2Op92E6x2lR_RCk3hy1F8yzBTdtvZ-2hDFb_ys_GCSb4TKTW"             \
    "YfcCSwbRjhGQoPI3NvzTtfGzOmmPdGiFX2bGd6yQoTfehX77VobSiKzSzEAeAfyMbwFwQtG1yzCHNCpNMNJUEWDJ6Q5EY_jB_jhR"             \
    "cjQSmiaE6ohbHO4oj10WcY-DtsZP0OgcHuCAxxD1dbqBdmjVBMA_8YV-BnBsRQPhAxMBnRaQKjLsuWA_vSZdIJXmZ71AXgNDQzj9"             \
    "OPPMgNR0IbhoUAFPO1SUqGA2lkYmNaP6YRLUEwKCAQEAtD93K76gK2jCSS2V31wxpYWwW6PSliLCYaKSqeO2hYmqdPdtRTkN8IAV"             \
    "yeqLsyeTuIPHUDmaBrdWNeRKmWEf56uj-eyxPUux_HvMaJS_OIOVYwFiUv_pp86VE9KQznS96ZZ1uFzrCSQIgfl4T-Gx_imQBVvD"             \
    "D6tfrFehXZLQXMk_ifOEHOsKjShMB3zVXUFpde8EQloDxmocWCFGoOmEaZwhaEE1JgQrvAXRKCLfnuN2yHoU96g0tGiHfIvOy2AK"             \
    "_-5UyBPdzHQXfWR4pjzQRUxbktZSZN50-L8kUPHwawS0HJLGfEvPrPISgaVwbB6zPp96LgLXmqWuMeEdJbLyGQKCAQEAjS_QDRbP"             \
    "o_27OplYHMTPPm4x7Wnc3cYqmJUw-FmssG3fCqjWECDW9wCnznGRa0Cclj4C2WqP9-0V8JFlCRPNDEmQPY0Dbz0hkU7JNNgID4kb"             \
    "5TxFZmqBO29djl8irCAswaDFEx8G5ftH4MJaVZmgjSheAqTtJhH6tH7-CydgS_hxfsEVNbAt9pILyH5g07Fy19cOvwSCrFnU9tNB"             \
    "JPz0YBZf4G-uJ2pdycZAfmkcyz_WdUML5r4DbKGILrSKr-CjvgPg9vmjW77Hsb5UUu6yHeqCQnDZBkcqmh-zhqCs2Z2d9NPPKOw6"             \
    "HbzsDvsnKWsPVA76aVgoZDuVwy0Be_xSdQ"

/* SMART App Launch IG, ES384.private.json. */
#define EC_X "pyqburM9y8HPcFhNosDW6ngoVEJitqXi_HJgI5hYqX21PoFDwCbYirGy_o0oapIU"
#define EC_Y "95bxkCnMKoHvgbcPAIAcgzzu8scd81mXfM_IzuJFNfkUNkGYBFGvuEU1KPi5j1ob"
#define EC_D "hQCNmfvZEUjOon8zLc0bULlmrDPFHrieFHRVZUGMuiQscx9IO7MT03TsaCPdPv0u"
#define EC_KID "I2hhbxR4Z5dzpwZA"
#define EC_THUMBPRINT "gpusNZnFRvG96B1APEttC6NcJetjhM0q2LJagnlW6Tc"
#define EC_PEM                                                                                                         \
    "-----BEGIN PUBLIC KEY-----\n"                                                                                     \
    "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEpyqburM9y8HPcFhNosDW6ngoVEJitqXi\n"                                               \
    "/HJgI5hYqX21PoFDwCbYirGy/o0oapIU95bxkCnMKoHvgbcPAIAcgzzu8scd81mX\n"                                               \
    "fM/IzuJFNfkUNkGYBFGvuEU1KPi5j1ob\n"                                                                               \
    "-----END PUBLIC KEY-----\n"

#endif
