/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11_object.h"

#include <string.h>

#include "pkcs11_module.h"
#include "pkcs11_public.h"
#include "pkcs11_words.h"

#define CERTIFICATE_MAX 8192u /* bytes */

/* What is looked for: attributes that are left out hold for any object. */
typedef struct object_query {
    CK_ULONG class;
    const CK_ULONG *type; /* of a key */
    const uint8_t *id;
    size_t id_len;
    const char *label;
} object_query;

static object_query query_of_uri(const sbs_pkcs11_key *key, CK_ULONG class) {
    const sbs_pkcs11_uri *uri = &key->priv.uri;
    return (object_query){.class = class, .id = uri->id, .id_len = uri->id_len, .label = uri->object};
}

/* Bytes are only read through it, whatever the interface declares. */
static void *query_bytes(const void *bytes) {
    void *out = NULL;
    memcpy(&out, &bytes, sizeof out);
    return out;
}

static CK_ULONG query_put(const object_query *query, CK_ATTRIBUTE attributes[4]) {
    CK_ULONG count = 0;
    attributes[count++] = (CK_ATTRIBUTE){CKA_CLASS, query_bytes(&query->class), sizeof query->class};

    if (query->type != NULL) {
        attributes[count++] = (CK_ATTRIBUTE){CKA_KEY_TYPE, query_bytes(query->type), sizeof *query->type};
    }
    if (query->id_len > 0) {
        attributes[count++] = (CK_ATTRIBUTE){CKA_ID, query_bytes(query->id), query->id_len};
    }
    if (query->label != NULL && query->label[0] != '\0') {
        attributes[count++] = (CK_ATTRIBUTE){CKA_LABEL, query_bytes(query->label), strlen(query->label)};
    }

    return count;
}

/* Finds up to two objects: more than one is as many as need to be known. */
static sbs_status object_find(sbs_pkcs11_key *key, const object_query *query, CK_ULONG *out_object, CK_ULONG *count) {
    const CK_FUNCTION_LIST *module = pkcs11_functions(key);
    CK_ULONG objects[2] = {0, 0};
    CK_ATTRIBUTE attributes[4];

    *count = 0;
    CK_RV answer = module->C_FindObjectsInit(key->priv.session, attributes, query_put(query, attributes));
    if (answer != CKR_OK) {
        return pkcs11_fail_call(key, "C_FindObjectsInit", answer);
    }

    /* Some modules give one object a call, however many there are. */
    CK_ULONG more = 0;
    answer = module->C_FindObjects(key->priv.session, objects, 2, count);
    if (answer == CKR_OK && *count == 1) {
        answer = module->C_FindObjects(key->priv.session, &objects[1], 1, &more);
        *count += more;
    }
    (void)module->C_FindObjectsFinal(key->priv.session);

    if (answer != CKR_OK) {
        return pkcs11_fail_call(key, "C_FindObjects", answer);
    }
    if (*count > 2 || more > 1) {
        return pkcs11_fail(key, SBS_ERR_CRYPTO, "the module gives more objects than were asked for");
    }

    *out_object = objects[0];
    return SBS_OK;
}

/* ---- attributes ----------------------------------------------------------------------------------------------- */

/* Length of an attribute's value; 0 if the token does not show it, or it is longer than @p size. */
static size_t object_read(const sbs_pkcs11_key *key, CK_ULONG object, CK_ULONG type, void *out, size_t size) {
    CK_ATTRIBUTE attribute = {type, out, size};

    CK_RV answer = pkcs11_functions(key)->C_GetAttributeValue(key->priv.session, object, &attribute, 1);
    if (answer != CKR_OK || attribute.ulValueLen == CK_UNAVAILABLE || attribute.ulValueLen > size) {
        return 0;
    }
    return attribute.ulValueLen;
}

static sbs_status object_read_type(sbs_pkcs11_key *key, CK_ULONG object, CK_ULONG *out_type) {
    if (object_read(key, object, CKA_KEY_TYPE, out_type, sizeof *out_type) != sizeof *out_type) {
        return pkcs11_fail(key, SBS_ERR_KEY, "the token does not tell the kind of the key");
    }
    if (*out_type != CKK_RSA && *out_type != CKK_EC) {
        return pkcs11_fail(key, SBS_ERR_KEY, "the key is neither RSA nor EC (CKA_KEY_TYPE 0x%lX)", *out_type);
    }
    return SBS_OK;
}

static bool object_read_rsa(sbs_pkcs11_key *key, CK_ULONG object) {
    uint8_t modulus[SBS_RSA_BITS_MAX / 8 + 8], exponent[SBS_RSA_BITS_MAX / 8 + 8];
    size_t modulus_len = object_read(key, object, CKA_MODULUS, modulus, sizeof modulus);
    size_t exponent_len = object_read(key, object, CKA_PUBLIC_EXPONENT, exponent, sizeof exponent);

    return pkcs11_public_take_rsa(key, modulus, modulus_len, exponent, exponent_len);
}

static bool object_read_ec(sbs_pkcs11_key *key, CK_ULONG object) {
    uint8_t params[SBS_RSA_BITS_MAX / 8 + 8], point[SBS_RSA_BITS_MAX / 8 + 8];
    size_t params_len = object_read(key, object, CKA_EC_PARAMS, params, sizeof params);
    size_t point_len = object_read(key, object, CKA_EC_POINT, point, sizeof point);

    return pkcs11_public_take_ec(key, params, params_len, point, point_len);
}

/* The parts of the key beside each other, as a public key has them, and often a private one, too. */
static bool object_read_parts(sbs_pkcs11_key *key, CK_ULONG object, CK_ULONG type) {
    if (type == CKK_RSA) {
        return object_read_rsa(key, object);
    }
    return object_read_ec(key, object);
}

static bool object_read_info(sbs_pkcs11_key *key, CK_ULONG object) {
    uint8_t info[SBS_PUBLIC_KEY_MAX + 64];
    size_t len = object_read(key, object, CKA_PUBLIC_KEY_INFO, info, sizeof info);
    return pkcs11_public_take_info(key, info, len);
}

static bool object_read_certificate(sbs_pkcs11_key *key, CK_ULONG object) {
    uint8_t certificate[CERTIFICATE_MAX];
    size_t len = object_read(key, object, CKA_VALUE, certificate, sizeof certificate);
    return pkcs11_public_take_certificate(key, certificate, len);
}

/* ---- opening -------------------------------------------------------------------------------------------------- */

/* What a curve or a size says is told before a public key is missed that could not be used. */
static sbs_status object_no_public(sbs_pkcs11_key *key) {
    if (key->priv.words[0] != '\0') {
        return SBS_ERR_KEY;
    }
    return pkcs11_fail(key, SBS_ERR_NOT_FOUND,
                       "the token shows no public key: write the public key or a certificate with the same id into it");
}

/* Public key object, private key, certificate: tokens show one or the other. */
static sbs_status object_find_public(sbs_pkcs11_key *key, CK_ULONG type) {
    uint8_t id[SBS_PKCS11_VALUE_MAX];
    CK_ULONG object = 0, count = 0;
    object_query query = query_of_uri(key, CKO_PUBLIC_KEY);

    query.id = id;
    query.id_len = object_read(key, key->priv.object, CKA_ID, id, sizeof id);
    query.type = &type;
    if (query.id_len > 0) {
        query.label = NULL; /* the pair shares the id; labels often differ */
    }

    key->priv.words[0] = '\0';
    sbs_status status = object_find(key, &query, &object, &count);
    if (status != SBS_OK) {
        return status;
    }
    if (count == 1 && object_read_parts(key, object, type)) {
        return SBS_OK;
    }
    if (object_read_parts(key, key->priv.object, type) || object_read_info(key, key->priv.object)) {
        return SBS_OK;
    }

    query.class = CKO_CERTIFICATE;
    query.type = NULL;
    status = object_find(key, &query, &object, &count);
    if (status != SBS_OK) {
        return status;
    }
    if (count == 1 && object_read_certificate(key, object)) {
        return SBS_OK;
    }

    return object_no_public(key);
}

sbs_status pkcs11_object_open(sbs_pkcs11_key *key) {
    object_query query = query_of_uri(key, CKO_PRIVATE_KEY);
    CK_BYTE always = 0;
    CK_ULONG count = 0, type = 0;

    sbs_status status = object_find(key, &query, &key->priv.object, &count);
    if (status != SBS_OK) {
        return status;
    }
    if (count == 0) {
        return pkcs11_fail(key, SBS_ERR_NOT_FOUND, "the token has no such private key");
    }
    if (count > 1) {
        return pkcs11_fail(key, SBS_ERR_AMBIGUOUS, "more than one private key matches, add id= to the URI");
    }

    status = object_read_type(key, key->priv.object, &type);
    if (status == SBS_OK) {
        status = object_find_public(key, type);
    }
    if (status == SBS_OK && object_read(key, key->priv.object, CKA_ALWAYS_AUTHENTICATE, &always, sizeof always) == 1) {
        key->priv.always_authenticate = always != 0;
    }

    return status;
}

sbs_status pkcs11_object_open_public(sbs_pkcs11_key *key) {
    CK_ULONG object = 0, count = 0, type = 0;

    object_query query = query_of_uri(key, CKO_PUBLIC_KEY);
    sbs_status status = object_find(key, &query, &object, &count);
    if (status == SBS_OK && count == 1) {
        status = object_read_type(key, object, &type);
        if (status == SBS_OK && !object_read_parts(key, object, type)) {
            status = object_no_public(key);
        }
        return status;
    }

    if (status == SBS_OK && count == 0) {
        query.class = CKO_CERTIFICATE;
        status = object_find(key, &query, &object, &count);
    }
    if (status == SBS_OK && count > 1) {
        return pkcs11_fail(key, SBS_ERR_AMBIGUOUS, "more than one public key matches, add id= to the URI");
    }
    if (status != SBS_OK) {
        return status;
    }
    if (count == 1 && object_read_certificate(key, object)) {
        return SBS_OK;
    }

    return SBS_ERR_NOT_FOUND;
}
