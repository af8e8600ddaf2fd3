/* SPDX-License-Identifier: Apache-2.0 */
/* Our declaration of PKCS #11 against p11-kit's: sizes, places of members and functions, values. Each side in a
 * translation unit of its own would be a table too many: p11-kit's names are the standard's only if they are asked for.
 */
#define CRYPTOKI_GNU 1 /* names in lower case, beside which ours have room */
#include <p11-kit/pkcs11.h>

#include "test.h"

enum {
    kit_list_size = sizeof(struct ck_function_list),
    kit_initialize = offsetof(struct ck_function_list, C_Initialize),
    kit_finalize = offsetof(struct ck_function_list, C_Finalize),
    kit_get_slot_list = offsetof(struct ck_function_list, C_GetSlotList),
    kit_get_token_info = offsetof(struct ck_function_list, C_GetTokenInfo),
    kit_get_mechanism_info = offsetof(struct ck_function_list, C_GetMechanismInfo),
    kit_open_session = offsetof(struct ck_function_list, C_OpenSession),
    kit_close_session = offsetof(struct ck_function_list, C_CloseSession),
    kit_login = offsetof(struct ck_function_list, C_Login),
    kit_get_attribute = offsetof(struct ck_function_list, C_GetAttributeValue),
    kit_find_init = offsetof(struct ck_function_list, C_FindObjectsInit),
    kit_find = offsetof(struct ck_function_list, C_FindObjects),
    kit_find_final = offsetof(struct ck_function_list, C_FindObjectsFinal),
    kit_sign_init = offsetof(struct ck_function_list, C_SignInit),
    kit_sign = offsetof(struct ck_function_list, C_Sign),
    kit_token_size = sizeof(struct ck_token_info),
    kit_token_flags = offsetof(struct ck_token_info, flags),
    kit_token_serial = offsetof(struct ck_token_info, serial_number),
    kit_token_time = offsetof(struct ck_token_info, utc_time),
    kit_attribute_size = sizeof(struct ck_attribute),
    kit_attribute_len = offsetof(struct ck_attribute, value_len),
    kit_mechanism_size = sizeof(struct ck_mechanism),
    kit_mechanism_info_size = sizeof(struct ck_mechanism_info),
    kit_arguments_size = sizeof(struct ck_c_initialize_args),
    kit_arguments_flags = offsetof(struct ck_c_initialize_args, flags)
};

/* X(name) */
#define KIT_VALUES(X)                                                                                                  \
    X(CKF_OS_LOCKING_OK)                                                                                               \
    X(CKF_SERIAL_SESSION)                                                                                              \
    X(CKF_LOGIN_REQUIRED)                                                                                              \
    X(CKF_PROTECTED_AUTHENTICATION_PATH)                                                                               \
    X(CKF_TOKEN_INITIALIZED)                                                                                           \
    X(CKF_USER_PIN_COUNT_LOW)                                                                                          \
    X(CKF_USER_PIN_FINAL_TRY)                                                                                          \
    X(CKF_USER_PIN_LOCKED)                                                                                             \
    X(CKF_SIGN)                                                                                                        \
    X(CKU_USER)                                                                                                        \
    X(CKU_CONTEXT_SPECIFIC)                                                                                            \
    X(CKO_CERTIFICATE)                                                                                                 \
    X(CKO_PUBLIC_KEY)                                                                                                  \
    X(CKO_PRIVATE_KEY)                                                                                                 \
    X(CKK_RSA)                                                                                                         \
    X(CKK_EC)                                                                                                          \
    X(CKA_CLASS)                                                                                                       \
    X(CKA_LABEL)                                                                                                       \
    X(CKA_VALUE)                                                                                                       \
    X(CKA_KEY_TYPE)                                                                                                    \
    X(CKA_ID)                                                                                                          \
    X(CKA_MODULUS)                                                                                                     \
    X(CKA_PUBLIC_EXPONENT)                                                                                             \
    X(CKA_PUBLIC_KEY_INFO)                                                                                             \
    X(CKA_EC_PARAMS)                                                                                                   \
    X(CKA_EC_POINT)                                                                                                    \
    X(CKA_ALWAYS_AUTHENTICATE)                                                                                         \
    X(CKM_RSA_PKCS)                                                                                                    \
    X(CKM_ECDSA)

enum {
#define KIT_VALUE(name) kit_##name = (int)(name),
    KIT_VALUES(KIT_VALUE)
#undef KIT_VALUE
};

/* The answers, by name: ours are read below, where the macros of p11-kit are gone. */
static const struct {
    const char *name;
    unsigned long value;
} kit_answers[] = {
#define KIT_ANSWER(name)                                                                                               \
    { #name, name }
    KIT_ANSWER(CKR_OK),
    KIT_ANSWER(CKR_HOST_MEMORY),
    KIT_ANSWER(CKR_SLOT_ID_INVALID),
    KIT_ANSWER(CKR_GENERAL_ERROR),
    KIT_ANSWER(CKR_FUNCTION_FAILED),
    KIT_ANSWER(CKR_CANT_LOCK),
    KIT_ANSWER(CKR_ATTRIBUTE_SENSITIVE),
    KIT_ANSWER(CKR_ATTRIBUTE_TYPE_INVALID),
    KIT_ANSWER(CKR_DEVICE_ERROR),
    KIT_ANSWER(CKR_DEVICE_MEMORY),
    KIT_ANSWER(CKR_DEVICE_REMOVED),
    KIT_ANSWER(CKR_FUNCTION_CANCELED),
    KIT_ANSWER(CKR_FUNCTION_NOT_SUPPORTED),
    KIT_ANSWER(CKR_KEY_HANDLE_INVALID),
    KIT_ANSWER(CKR_KEY_SIZE_RANGE),
    KIT_ANSWER(CKR_KEY_TYPE_INCONSISTENT),
    KIT_ANSWER(CKR_KEY_FUNCTION_NOT_PERMITTED),
    KIT_ANSWER(CKR_MECHANISM_INVALID),
    KIT_ANSWER(CKR_OBJECT_HANDLE_INVALID),
    KIT_ANSWER(CKR_OPERATION_ACTIVE),
    KIT_ANSWER(CKR_OPERATION_NOT_INITIALIZED),
    KIT_ANSWER(CKR_PIN_INCORRECT),
    KIT_ANSWER(CKR_PIN_INVALID),
    KIT_ANSWER(CKR_PIN_LEN_RANGE),
    KIT_ANSWER(CKR_PIN_EXPIRED),
    KIT_ANSWER(CKR_PIN_LOCKED),
    KIT_ANSWER(CKR_SESSION_CLOSED),
    KIT_ANSWER(CKR_SESSION_COUNT),
    KIT_ANSWER(CKR_SESSION_HANDLE_INVALID),
    KIT_ANSWER(CKR_TOKEN_NOT_PRESENT),
    KIT_ANSWER(CKR_TOKEN_NOT_RECOGNIZED),
    KIT_ANSWER(CKR_USER_ALREADY_LOGGED_IN),
    KIT_ANSWER(CKR_USER_NOT_LOGGED_IN),
    KIT_ANSWER(CKR_USER_PIN_NOT_INITIALIZED),
    KIT_ANSWER(CKR_BUFFER_TOO_SMALL),
    KIT_ANSWER(CKR_CRYPTOKI_NOT_INITIALIZED),
    KIT_ANSWER(CKR_CRYPTOKI_ALREADY_INITIALIZED),
};

#undef CKF_OS_LOCKING_OK
#undef CKF_SERIAL_SESSION
#undef CKF_LOGIN_REQUIRED
#undef CKF_PROTECTED_AUTHENTICATION_PATH
#undef CKF_TOKEN_INITIALIZED
#undef CKF_USER_PIN_COUNT_LOW
#undef CKF_USER_PIN_FINAL_TRY
#undef CKF_USER_PIN_LOCKED
#undef CKF_SIGN
#undef CKU_USER
#undef CKU_CONTEXT_SPECIFIC
#undef CKO_CERTIFICATE
#undef CKO_PUBLIC_KEY
#undef CKO_PRIVATE_KEY
#undef CKK_RSA
#undef CKK_EC
#undef CKA_CLASS
#undef CKA_LABEL
#undef CKA_VALUE
#undef CKA_KEY_TYPE
#undef CKA_ID
#undef CKA_MODULUS
#undef CKA_PUBLIC_EXPONENT
#undef CKA_PUBLIC_KEY_INFO
#undef CKA_EC_PARAMS
#undef CKA_EC_POINT
#undef CKA_ALWAYS_AUTHENTICATE
#undef CKM_RSA_PKCS
#undef CKM_ECDSA
#undef CKR_OK
#undef CKR_HOST_MEMORY
#undef CKR_SLOT_ID_INVALID
#undef CKR_GENERAL_ERROR
#undef CKR_FUNCTION_FAILED
#undef CKR_CANT_LOCK
#undef CKR_ATTRIBUTE_SENSITIVE
#undef CKR_ATTRIBUTE_TYPE_INVALID
#undef CKR_DEVICE_ERROR
#undef CKR_DEVICE_MEMORY
#undef CKR_DEVICE_REMOVED
#undef CKR_FUNCTION_CANCELED
#undef CKR_FUNCTION_NOT_SUPPORTED
#undef CKR_KEY_HANDLE_INVALID
#undef CKR_KEY_SIZE_RANGE
#undef CKR_KEY_TYPE_INCONSISTENT
#undef CKR_KEY_FUNCTION_NOT_PERMITTED
#undef CKR_MECHANISM_INVALID
#undef CKR_OBJECT_HANDLE_INVALID
#undef CKR_OPERATION_ACTIVE
#undef CKR_OPERATION_NOT_INITIALIZED
#undef CKR_PIN_INCORRECT
#undef CKR_PIN_INVALID
#undef CKR_PIN_LEN_RANGE
#undef CKR_PIN_EXPIRED
#undef CKR_PIN_LOCKED
#undef CKR_SESSION_CLOSED
#undef CKR_SESSION_COUNT
#undef CKR_SESSION_HANDLE_INVALID
#undef CKR_TOKEN_NOT_PRESENT
#undef CKR_TOKEN_NOT_RECOGNIZED
#undef CKR_USER_ALREADY_LOGGED_IN
#undef CKR_USER_NOT_LOGGED_IN
#undef CKR_USER_PIN_NOT_INITIALIZED
#undef CKR_BUFFER_TOO_SMALL
#undef CKR_CRYPTOKI_NOT_INITIALIZED
#undef CKR_CRYPTOKI_ALREADY_INITIALIZED
#undef CK_UNAVAILABLE
#include "cryptoki.h"

static void values_are_the_standard_s(void **state) {
    (void)state;
#define OUR_VALUE(name) assert_int_equal(name, kit_##name);
    KIT_VALUES(OUR_VALUE)
#undef OUR_VALUE
}

static void answers_are_the_standard_s(void **state) {
    static const struct {
        const char *name;
        unsigned long value;
    } ours[] = {
#define OUR_ANSWER(name, value, clause) {#name, value},
        CKR_TABLE(OUR_ANSWER)
#undef OUR_ANSWER
    };
    (void)state;

    assert_int_equal(sizeof ours / sizeof ours[0], sizeof kit_answers / sizeof kit_answers[0]);
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        assert_string_equal(ours[i].name, kit_answers[i].name);
        assert_int_equal(ours[i].value, kit_answers[i].value);
    }
}

static void functions_stand_where_the_standard_has_them(void **state) {
    (void)state;
    assert_true(sizeof(CK_FUNCTION_LIST) <= kit_list_size);
    assert_int_equal(offsetof(CK_FUNCTION_LIST, C_Initialize), kit_initialize);
    assert_int_equal(offsetof(CK_FUNCTION_LIST, C_Finalize), kit_finalize);
    assert_int_equal(offsetof(CK_FUNCTION_LIST, C_GetSlotList), kit_get_slot_list);
    assert_int_equal(offsetof(CK_FUNCTION_LIST, C_GetTokenInfo), kit_get_token_info);
    assert_int_equal(offsetof(CK_FUNCTION_LIST, C_GetMechanismInfo), kit_get_mechanism_info);
    assert_int_equal(offsetof(CK_FUNCTION_LIST, C_OpenSession), kit_open_session);
    assert_int_equal(offsetof(CK_FUNCTION_LIST, C_CloseSession), kit_close_session);
    assert_int_equal(offsetof(CK_FUNCTION_LIST, C_Login), kit_login);
    assert_int_equal(offsetof(CK_FUNCTION_LIST, C_GetAttributeValue), kit_get_attribute);
    assert_int_equal(offsetof(CK_FUNCTION_LIST, C_FindObjectsInit), kit_find_init);
    assert_int_equal(offsetof(CK_FUNCTION_LIST, C_FindObjects), kit_find);
    assert_int_equal(offsetof(CK_FUNCTION_LIST, C_FindObjectsFinal), kit_find_final);
    assert_int_equal(offsetof(CK_FUNCTION_LIST, C_SignInit), kit_sign_init);
    assert_int_equal(offsetof(CK_FUNCTION_LIST, C_Sign), kit_sign);
}

static void structures_have_the_standard_s_layout(void **state) {
    (void)state;
    assert_int_equal(sizeof(CK_TOKEN_INFO), kit_token_size);
    assert_int_equal(offsetof(CK_TOKEN_INFO, flags), kit_token_flags);
    assert_int_equal(offsetof(CK_TOKEN_INFO, serialNumber), kit_token_serial);
    assert_int_equal(offsetof(CK_TOKEN_INFO, utcTime), kit_token_time);
    assert_int_equal(sizeof(CK_ATTRIBUTE), kit_attribute_size);
    assert_int_equal(offsetof(CK_ATTRIBUTE, ulValueLen), kit_attribute_len);
    assert_int_equal(sizeof(CK_MECHANISM), kit_mechanism_size);
    assert_int_equal(sizeof(CK_MECHANISM_INFO), kit_mechanism_info_size);
    assert_int_equal(sizeof(CK_C_INITIALIZE_ARGS), kit_arguments_size);
    assert_int_equal(offsetof(CK_C_INITIALIZE_ARGS, flags), kit_arguments_flags);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_the_standard_s),
        cmocka_unit_test(answers_are_the_standard_s),
        cmocka_unit_test(functions_stand_where_the_standard_has_them),
        cmocka_unit_test(structures_have_the_standard_s_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
