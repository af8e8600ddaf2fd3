/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_module.h"

#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define SESSION 77ul
#define OBJECT_BASE 100ul

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **out);

EXPORT fake_module fake;

static CK_ULONG found[FAKE_OBJECTS], found_count, found_at;

/* True if the test wants another answer now. */
static bool fake_fails(fake_call call, CK_RV *out_answer) {
    fake.calls[call]++;
    *out_answer = fake.answers[call];
    return *out_answer != CKR_OK && (fake.fail_at[call] == 0 || fake.fail_at[call] == fake.calls[call]);
}

#define FAKE_CALL(call)                                                                                                \
    CK_RV answer;                                                                                                      \
    if (fake_fails(call, &answer)) {                                                                                   \
        return answer;                                                                                                 \
    }

static CK_RV fake_initialize(void *args) {
    FAKE_CALL(FAKE_INITIALIZE)
    if (args != NULL && ((CK_C_INITIALIZE_ARGS *)args)->flags != CKF_OS_LOCKING_OK) {
        return CKR_GENERAL_ERROR;
    }
    if (fake.initialised || fake.other_user) {
        return CKR_CRYPTOKI_ALREADY_INITIALIZED;
    }
    fake.initialised = true;
    return CKR_OK;
}

static CK_RV fake_finalize(void *reserved) {
    (void)reserved;
    FAKE_CALL(FAKE_FINALIZE)
    fake.initialised = false;
    return CKR_OK;
}

static CK_RV fake_get_slot_list(CK_BYTE token_present, CK_ULONG *slots, CK_ULONG *count) {
    FAKE_CALL(FAKE_GET_SLOT_LIST)
    if (token_present != 1) {
        return CKR_GENERAL_ERROR;
    }
    for (CK_ULONG i = 0; slots != NULL && i < fake.token_count; i++) {
        slots[i] = i + 1;
    }
    *count = fake.told_slots != 0 ? fake.told_slots : fake.token_count;
    return CKR_OK;
}

static void fake_put(CK_BYTE *out, size_t size, const char *text, char pad) {
    memset(out, pad, size);
    memcpy(out, text, strlen(text) < size ? strlen(text) : size);
}

static CK_RV fake_get_token_info(CK_ULONG slot, CK_TOKEN_INFO *info) {
    FAKE_CALL(FAKE_GET_TOKEN_INFO)
    if (slot == 0 || slot > fake.token_count) {
        return CKR_SLOT_ID_INVALID;
    }
    if (slot == fake.silent_slot) {
        return CKR_OK;
    }
    const fake_token *token = &fake.tokens[slot - 1];
    fake_put(info->label, sizeof info->label, token->label, token->pad);
    fake_put(info->serialNumber, sizeof info->serialNumber, token->serial, token->pad);
    fake_put(info->manufacturerID, sizeof info->manufacturerID, "Fake", ' ');
    fake_put(info->model, sizeof info->model, "F1", ' ');
    info->flags = token->flags;
    return CKR_OK;
}

static CK_RV fake_get_mechanism_info(CK_ULONG slot, CK_ULONG type, CK_MECHANISM_INFO *info) {
    (void)slot, (void)type;
    FAKE_CALL(FAKE_GET_MECHANISM_INFO)
    info->flags = fake.mechanism_flags;
    return CKR_OK;
}

static CK_RV fake_open_session(CK_ULONG slot, CK_ULONG flags, void *application, void *notify, CK_ULONG *session) {
    (void)slot, (void)flags, (void)application, (void)notify;
    FAKE_CALL(FAKE_OPEN_SESSION)
    fake.in_session = true;
    *session = SESSION;
    return CKR_OK;
}

static CK_RV fake_close_session(CK_ULONG session) {
    (void)session;
    FAKE_CALL(FAKE_CLOSE_SESSION)
    fake.in_session = false;
    fake.logged_in = false;
    fake.signing = false;
    return CKR_OK;
}

static CK_RV fake_login(CK_ULONG session, CK_ULONG user, CK_BYTE *pin, CK_ULONG len) {
    FAKE_CALL(FAKE_LOGIN)
    if (!fake.in_session || session != SESSION) {
        return CKR_SESSION_HANDLE_INVALID;
    }
    if (fake.pin != NULL && (pin == NULL || len != strlen(fake.pin) || memcmp(pin, fake.pin, len) != 0)) {
        fake.wrong_pins++;
        fake.tokens[0].flags |= fake.wrong_pins == 1 ? CKF_USER_PIN_COUNT_LOW : CKF_USER_PIN_FINAL_TRY;
        return CKR_PIN_INCORRECT;
    }
    if (user == CKU_CONTEXT_SPECIFIC) {
        fake.context_logged_in = fake.signing;
        return fake.signing ? CKR_OK : CKR_OPERATION_NOT_INITIALIZED;
    }
    if (fake.logged_in) {
        return CKR_USER_ALREADY_LOGGED_IN;
    }
    fake.logged_in = true;
    return CKR_OK;
}

static const fake_attribute *fake_find_attribute(const fake_object *object, CK_ULONG type) {
    for (size_t i = 0; i < FAKE_ATTRIBUTES; i++) {
        if (object->attributes[i].data != NULL && object->attributes[i].type == type) {
            return &object->attributes[i];
        }
    }
    return NULL;
}

static CK_RV fake_get_attribute(CK_ULONG session, CK_ULONG object, CK_ATTRIBUTE *attributes, CK_ULONG count) {
    (void)session;
    FAKE_CALL(FAKE_GET_ATTRIBUTE)
    if (count != 1 || object < OBJECT_BASE || object >= OBJECT_BASE + FAKE_OBJECTS) {
        return CKR_OBJECT_HANDLE_INVALID;
    }
    const fake_attribute *attribute = fake_find_attribute(&fake.objects[object - OBJECT_BASE], attributes->type);
    if (attribute == NULL) {
        attributes->ulValueLen = CK_UNAVAILABLE;
        return CKR_ATTRIBUTE_TYPE_INVALID;
    }
    if (attribute->len == CK_UNAVAILABLE) {
        attributes->ulValueLen = CK_UNAVAILABLE;
        return CKR_OK; /* as some modules do */
    }
    if (attribute->len > attributes->ulValueLen) {
        attributes->ulValueLen = CK_UNAVAILABLE;
        return CKR_BUFFER_TOO_SMALL;
    }
    memcpy(attributes->pValue, attribute->data, attribute->len);
    attributes->ulValueLen = fake.told_length != 0 ? fake.told_length : attribute->len;
    return CKR_OK;
}

static bool fake_matches(const fake_object *object, const CK_ATTRIBUTE *wanted, CK_ULONG count) {
    if (object->attributes[0].data == NULL || (object->is_private && !fake.logged_in)) {
        return false;
    }
    for (CK_ULONG i = 0; i < count; i++) {
        const fake_attribute *attribute = fake_find_attribute(object, wanted[i].type);
        if (attribute == NULL || attribute->len != wanted[i].ulValueLen ||
            memcmp(attribute->data, wanted[i].pValue, attribute->len) != 0) {
            return false;
        }
    }
    return true;
}

static CK_RV fake_find_init(CK_ULONG session, CK_ATTRIBUTE *attributes, CK_ULONG count) {
    (void)session;
    FAKE_CALL(FAKE_FIND_INIT)
    found_count = 0;
    found_at = 0;
    for (CK_ULONG i = 0; i < FAKE_OBJECTS; i++) {
        if (fake_matches(&fake.objects[i], attributes, count)) {
            found[found_count++] = OBJECT_BASE + i;
        }
    }
    return CKR_OK;
}

static CK_RV fake_find(CK_ULONG session, CK_ULONG *objects, CK_ULONG max, CK_ULONG *count) {
    (void)session;
    FAKE_CALL(FAKE_FIND)
    if (fake.one_object_a_call) {
        max = 1;
    }
    for (*count = 0; *count < max && found_at < found_count; found_at++) {
        objects[(*count)++] = found[found_at];
    }
    *count += fake.told_found;
    return CKR_OK;
}

static CK_RV fake_find_final(CK_ULONG session) {
    (void)session;
    FAKE_CALL(FAKE_FIND_FINAL)
    return CKR_OK;
}

static CK_RV fake_sign_init(CK_ULONG session, CK_MECHANISM *mechanism, CK_ULONG key) {
    (void)session, (void)key;
    FAKE_CALL(FAKE_SIGN_INIT)
    fake.mechanism = mechanism->mechanism;
    fake.signing = true;
    fake.context_logged_in = false;
    return CKR_OK;
}

static CK_RV fake_sign(CK_ULONG session, CK_BYTE *data, CK_ULONG len, CK_BYTE *signature, CK_ULONG *signature_len) {
    (void)session;
    fake.signing = false;
    FAKE_CALL(FAKE_SIGN)
    if (fake.context_login && !fake.context_logged_in) {
        return CKR_USER_NOT_LOGGED_IN;
    }
    if (fake.sign != NULL) {
        *signature_len = fake.sign(fake.mechanism, data, len, signature);
        return CKR_OK;
    }
    memset(signature, 0xA5, *signature_len);
    *signature_len = fake.signature_len;
    return CKR_OK;
}

EXPORT CK_RV C_GetFunctionList(CK_FUNCTION_LIST **out) {
    static CK_FUNCTION_LIST list = {
        .C_Initialize = fake_initialize,
        .C_Finalize = fake_finalize,
        .C_GetSlotList = fake_get_slot_list,
        .C_GetTokenInfo = fake_get_token_info,
        .C_GetMechanismInfo = fake_get_mechanism_info,
        .C_OpenSession = fake_open_session,
        .C_CloseSession = fake_close_session,
        .C_Login = fake_login,
        .C_GetAttributeValue = fake_get_attribute,
        .C_FindObjectsInit = fake_find_init,
        .C_FindObjects = fake_find,
        .C_FindObjectsFinal = fake_find_final,
        .C_SignInit = fake_sign_init,
        .C_Sign = fake_sign,
    };
    list.version = fake.version;
    *out = &list;
    return CKR_OK;
}
