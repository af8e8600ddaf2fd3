/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cryptoki.h
 * What we use of the binary interface of PKCS #11, declared anew. Names, values, layouts and the order of functions are
 * those of the OASIS standards "PKCS #11 Cryptographic Token Interface Base Specification Version 2.40" (sections 3
 * and 5) and "... Current Mechanisms Specification Version 2.40". tests/unit/test_pkcs11_abi.c compares all of it with
 * p11-kit's header.
 */
#ifndef SBS_CRYPTOKI_H
#define SBS_CRYPTOKI_H

#define CK_UNAVAILABLE (~0UL) /* CK_UNAVAILABLE_INFORMATION: a length that is not told */

#define CKF_OS_LOCKING_OK 0x2UL
#define CKF_SERIAL_SESSION 0x4UL
#define CKF_LOGIN_REQUIRED 0x4UL
#define CKF_PROTECTED_AUTHENTICATION_PATH 0x100UL
#define CKF_TOKEN_INITIALIZED 0x400UL
#define CKF_USER_PIN_COUNT_LOW 0x10000UL
#define CKF_USER_PIN_FINAL_TRY 0x20000UL
#define CKF_USER_PIN_LOCKED 0x40000UL
#define CKF_SIGN 0x800UL

#define CKU_USER 1UL
#define CKU_CONTEXT_SPECIFIC 2UL

#define CKO_CERTIFICATE 1UL
#define CKO_PUBLIC_KEY 2UL
#define CKO_PRIVATE_KEY 3UL

#define CKK_RSA 0UL
#define CKK_EC 3UL

#define CKA_CLASS 0x0UL
#define CKA_LABEL 0x3UL
#define CKA_VALUE 0x11UL
#define CKA_KEY_TYPE 0x100UL
#define CKA_ID 0x102UL
#define CKA_MODULUS 0x120UL
#define CKA_PUBLIC_EXPONENT 0x122UL
#define CKA_PUBLIC_KEY_INFO 0x129UL
#define CKA_EC_PARAMS 0x180UL
#define CKA_EC_POINT 0x181UL
#define CKA_ALWAYS_AUTHENTICATE 0x202UL

#define CKM_RSA_PKCS 0x1UL
#define CKM_ECDSA 0x1041UL

/* X(name, value, clause): what a module may answer that we have words for. */
#define CKR_TABLE(X)                                                                                                   \
    X(CKR_OK, 0x0UL, "done")                                                                                           \
    X(CKR_HOST_MEMORY, 0x2UL, "out of memory")                                                                         \
    X(CKR_SLOT_ID_INVALID, 0x3UL, "the token's slot is gone")                                                          \
    X(CKR_GENERAL_ERROR, 0x5UL, "the module failed")                                                                   \
    X(CKR_FUNCTION_FAILED, 0x6UL, "the module failed")                                                                 \
    X(CKR_CANT_LOCK, 0xAUL, "the module cannot lock")                                                                  \
    X(CKR_ATTRIBUTE_SENSITIVE, 0x11UL, "the token does not show it")                                                   \
    X(CKR_ATTRIBUTE_TYPE_INVALID, 0x12UL, "the object has no such attribute")                                          \
    X(CKR_DEVICE_ERROR, 0x30UL, "the token failed")                                                                    \
    X(CKR_DEVICE_MEMORY, 0x31UL, "the token is out of memory")                                                         \
    X(CKR_DEVICE_REMOVED, 0x32UL, "the token was removed")                                                             \
    X(CKR_FUNCTION_CANCELED, 0x50UL, "it was cancelled at the token")                                                  \
    X(CKR_FUNCTION_NOT_SUPPORTED, 0x54UL, "the module does not do that")                                               \
    X(CKR_KEY_HANDLE_INVALID, 0x60UL, "the key is gone")                                                               \
    X(CKR_KEY_SIZE_RANGE, 0x62UL, "the token does not sign with keys of this size")                                    \
    X(CKR_KEY_TYPE_INCONSISTENT, 0x63UL, "the token does not sign so with this kind of key")                           \
    X(CKR_KEY_FUNCTION_NOT_PERMITTED, 0x68UL, "the key may not sign (CKA_SIGN)")                                       \
    X(CKR_MECHANISM_INVALID, 0x70UL, "the token does not sign hashes with this kind of key")                           \
    X(CKR_OBJECT_HANDLE_INVALID, 0x82UL, "the object is gone")                                                         \
    X(CKR_OPERATION_ACTIVE, 0x90UL, "another operation is under way")                                                  \
    X(CKR_OPERATION_NOT_INITIALIZED, 0x91UL, "no operation is under way")                                              \
    X(CKR_PIN_INCORRECT, 0xA0UL, "the PIN is wrong")                                                                   \
    X(CKR_PIN_INVALID, 0xA1UL, "the PIN has characters that the token does not take")                                  \
    X(CKR_PIN_LEN_RANGE, 0xA2UL, "the PIN is too short or too long")                                                   \
    X(CKR_PIN_EXPIRED, 0xA3UL, "the PIN has expired")                                                                  \
    X(CKR_PIN_LOCKED, 0xA4UL, "the PIN is locked")                                                                     \
    X(CKR_SESSION_CLOSED, 0xB0UL, "the session was closed")                                                            \
    X(CKR_SESSION_COUNT, 0xB1UL, "the token has no session free")                                                      \
    X(CKR_SESSION_HANDLE_INVALID, 0xB3UL, "the session was lost")                                                      \
    X(CKR_TOKEN_NOT_PRESENT, 0xE0UL, "the token is not there")                                                         \
    X(CKR_TOKEN_NOT_RECOGNIZED, 0xE1UL, "the module does not know this kind of token")                                 \
    X(CKR_USER_ALREADY_LOGGED_IN, 0x100UL, "somebody is logged in")                                                    \
    X(CKR_USER_NOT_LOGGED_IN, 0x101UL, "nobody is logged in")                                                          \
    X(CKR_USER_PIN_NOT_INITIALIZED, 0x102UL, "the token has no PIN yet")                                               \
    X(CKR_BUFFER_TOO_SMALL, 0x150UL, "the module's answer exceeds a limit")                                            \
    X(CKR_CRYPTOKI_NOT_INITIALIZED, 0x190UL, "somebody else in this process ended the module")                         \
    X(CKR_CRYPTOKI_ALREADY_INITIALIZED, 0x191UL, "the module is in use")

enum {
#define CKR_ENUM(name, value, clause) name = (int)(value),
    CKR_TABLE(CKR_ENUM)
#undef CKR_ENUM
};

typedef unsigned char CK_BYTE;
typedef unsigned long CK_ULONG;
typedef CK_ULONG CK_RV;

typedef struct CK_VERSION {
    CK_BYTE major, minor;
} CK_VERSION;

typedef struct CK_TOKEN_INFO {
    CK_BYTE label[32], manufacturerID[32], model[16], serialNumber[16]; /* padded with blanks */
    CK_ULONG flags;
    CK_ULONG counts[10]; /* sessions, lengths of a PIN, memory */
    CK_VERSION hardwareVersion, firmwareVersion;
    CK_BYTE utcTime[16];
} CK_TOKEN_INFO;

typedef struct CK_MECHANISM_INFO {
    CK_ULONG ulMinKeySize, ulMaxKeySize, flags;
} CK_MECHANISM_INFO;

typedef struct CK_MECHANISM {
    CK_ULONG mechanism;
    void *pParameter;
    CK_ULONG ulParameterLen;
} CK_MECHANISM;

typedef struct CK_ATTRIBUTE {
    CK_ULONG type;
    void *pValue;
    CK_ULONG ulValueLen;
} CK_ATTRIBUTE;

typedef struct CK_C_INITIALIZE_ARGS {
    void *mutexes[4]; /* functions, none of which we give */
    CK_ULONG flags;
    void *pReserved;
} CK_C_INITIALIZE_ARGS;

typedef void (*CK_UNUSED)(void);

/* Functions that we do not call stand there for the places of the others. */
typedef struct CK_FUNCTION_LIST {
    CK_VERSION version;
    CK_RV (*C_Initialize)(void *args);
    CK_RV (*C_Finalize)(void *reserved);
    CK_UNUSED unused_info[2];
    CK_RV (*C_GetSlotList)(CK_BYTE token_present, CK_ULONG *slots, CK_ULONG *count);
    CK_UNUSED unused_slot;
    CK_RV (*C_GetTokenInfo)(CK_ULONG slot, CK_TOKEN_INFO *info);
    CK_UNUSED unused_mechanisms;
    CK_RV (*C_GetMechanismInfo)(CK_ULONG slot, CK_ULONG type, CK_MECHANISM_INFO *info);
    CK_UNUSED unused_pins[3];
    CK_RV (*C_OpenSession)(CK_ULONG slot, CK_ULONG flags, void *application, void *notify, CK_ULONG *session);
    CK_RV (*C_CloseSession)(CK_ULONG session);
    CK_UNUSED unused_sessions[4];
    CK_RV (*C_Login)(CK_ULONG session, CK_ULONG user, CK_BYTE *pin, CK_ULONG pin_len);
    CK_UNUSED unused_objects[5];
    CK_RV (*C_GetAttributeValue)(CK_ULONG session, CK_ULONG object, CK_ATTRIBUTE *attributes, CK_ULONG count);
    CK_UNUSED unused_set;
    CK_RV (*C_FindObjectsInit)(CK_ULONG session, CK_ATTRIBUTE *attributes, CK_ULONG count);
    CK_RV (*C_FindObjects)(CK_ULONG session, CK_ULONG *objects, CK_ULONG max, CK_ULONG *count);
    CK_RV (*C_FindObjectsFinal)(CK_ULONG session);
    CK_UNUSED unused_ciphers[13];
    CK_RV (*C_SignInit)(CK_ULONG session, CK_MECHANISM *mechanism, CK_ULONG key);
    CK_RV (*C_Sign)(CK_ULONG session, CK_BYTE *data, CK_ULONG len, CK_BYTE *signature, CK_ULONG *signature_len);
} CK_FUNCTION_LIST;

typedef CK_RV (*CK_GET_FUNCTION_LIST)(CK_FUNCTION_LIST **list);

#endif
