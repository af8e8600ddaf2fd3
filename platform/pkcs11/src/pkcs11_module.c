/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11_module.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pkcs11_words.h"
#include "sbs/count.h"

#define SLOTS_MAX 64u

#ifndef SBS_PKCS11_ARCHITECTURE
#define SBS_PKCS11_ARCHITECTURE "" /* Debian's name of it, in the paths of libraries */
#endif

/* ---- the shared library --------------------------------------------------------------------------------------- */

/* Where distributions keep modules. A name is not looked for anywhere else: what is found runs with our rights. */
static const char *const module_folders[] = {
    ("/usr/lib/" SBS_PKCS11_ARCHITECTURE "/pkcs11"),
    ("/usr/lib/" SBS_PKCS11_ARCHITECTURE "/softhsm"),
    ("/usr/lib/" SBS_PKCS11_ARCHITECTURE),
    "/usr/lib64/pkcs11",
    "/usr/lib64",
    "/usr/lib/pkcs11",
    "/usr/lib/softhsm",
    "/usr/lib",
    "/usr/local/lib/pkcs11",
    "/usr/local/lib",
};

/* RFC 7512 section 2.3: a name has neither "lib" before it nor ".so" behind it. */
static bool module_find(const char *name, char *path, size_t size) {
    static const char *const prefixes[] = {"", "lib"};

    for (size_t i = 0; i < SBS_COUNT_OF(module_folders); i++) {
        for (size_t form = 0; form < SBS_COUNT_OF(prefixes); form++) {
            int len = snprintf(path, size, "%s/%s%s.so", module_folders[i], prefixes[form], name);
            if (len > 0 && (size_t)len < size && access(path, R_OK) == 0) {
                return true;
            }
        }
    }

    return false;
}

/* The functions that we call, all there and of a version that has them at these places. */
static bool module_is_usable(const CK_FUNCTION_LIST *list) {
    if (list == NULL || list->version.major < 2 || list->version.major > 3) {
        return false;
    }

    return list->C_Initialize != NULL && list->C_Finalize != NULL && list->C_GetSlotList != NULL &&
           list->C_GetTokenInfo != NULL && list->C_GetMechanismInfo != NULL && list->C_OpenSession != NULL &&
           list->C_CloseSession != NULL && list->C_Login != NULL && list->C_GetAttributeValue != NULL &&
           list->C_FindObjectsInit != NULL && list->C_FindObjects != NULL && list->C_FindObjectsFinal != NULL &&
           list->C_SignInit != NULL && list->C_Sign != NULL;
}

static sbs_status module_load_file(sbs_pkcs11_key *key, const char *path) {
    CK_GET_FUNCTION_LIST get = NULL;
    CK_FUNCTION_LIST *list = NULL;

    key->priv.library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (key->priv.library == NULL) {
        return pkcs11_fail(key, SBS_ERR_NOT_FOUND, "the module cannot be loaded: %.300s", dlerror());
    }

    /* ISO C has no cast from an object's pointer to a function's (POSIX, dlsym). */
    void *symbol = dlsym(key->priv.library, "C_GetFunctionList");
    memcpy(&get, &symbol, sizeof get);
    if (get == NULL) {
        return pkcs11_fail(key, SBS_ERR_NOT_FOUND, "%.300s is no PKCS #11 module: it has no C_GetFunctionList", path);
    }

    CK_RV answer = get(&list);
    if (answer != CKR_OK) {
        return pkcs11_fail_call(key, "C_GetFunctionList", answer);
    }
    if (!module_is_usable(list)) {
        return pkcs11_fail(key, SBS_ERR_NOT_FOUND, "%.300s is no PKCS #11 module of version 2 or 3", path);
    }

    key->priv.functions = list;
    return SBS_OK;
}

sbs_status pkcs11_module_load(sbs_pkcs11_key *key) {
    const sbs_pkcs11_uri *uri = &key->priv.uri;
    const char *configured = key->priv.config.module;
    char path[256];

    if (uri->module_path[0] != '\0') {
        return module_load_file(key, uri->module_path);
    }

    if (uri->module_name[0] != '\0') {
        if (!module_find(uri->module_name, path, sizeof path)) {
            return pkcs11_fail(key, SBS_ERR_NOT_FOUND,
                               "no module %s is where distributions keep modules; module-path names a file",
                               uri->module_name);
        }
        return module_load_file(key, path);
    }

    if (configured == NULL || configured[0] == '\0') {
        return pkcs11_fail(key, SBS_ERR_NOT_FOUND, "no module is named");
    }
    if (configured[0] != '/') {
        return pkcs11_fail(key, SBS_ERR_FORMAT, "the module %.200s is not an absolute path", configured);
    }

    return module_load_file(key, configured);
}

void pkcs11_module_unload(sbs_pkcs11_key *key) {
    pkcs11_session_close(key);
    if (key->priv.initialised) {
        (void)pkcs11_functions(key)->C_Finalize(NULL);
        key->priv.initialised = false;
    }

    if (key->priv.library != NULL) {
        (void)dlclose(key->priv.library);
        key->priv.library = NULL;
    }
    key->priv.functions = NULL;
}

/* ---- tokens --------------------------------------------------------------------------------------------------- */

/* Length without the blanks at the end, which the standard wants, and the NULs that some drivers put there. */
static size_t padded_len(const CK_BYTE *text, size_t len) {
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\0')) {
        len--;
    }
    return len;
}

static bool padded_matches(const CK_BYTE *field, size_t size, const char *wanted) {
    size_t len = padded_len(field, size);
    size_t wanted_len = padded_len((const CK_BYTE *)wanted, strlen(wanted));

    return wanted[0] == '\0' || (len == wanted_len && memcmp(field, wanted, len) == 0);
}

static bool token_matches(const CK_TOKEN_INFO *info, CK_ULONG slot, const sbs_pkcs11_uri *uri) {
    /* Modules show an empty slot more, for a token that is to be made. */
    bool named = uri->token[0] != '\0' || uri->serial[0] != '\0';
    if (!named && (info->flags & CKF_TOKEN_INITIALIZED) == 0) {
        return false;
    }
    if (uri->slot_id != SBS_PKCS11_SLOT_ANY && uri->slot_id != slot) {
        return false;
    }

    return padded_matches(info->label, sizeof info->label, uri->token) &&
           padded_matches(info->manufacturerID, sizeof info->manufacturerID, uri->manufacturer) &&
           padded_matches(info->model, sizeof info->model, uri->model) &&
           padded_matches(info->serialNumber, sizeof info->serialNumber, uri->serial);
}

/* Adds " 'LABEL'" to a list of at most @p size bytes. */
static void token_put_label(char *list, size_t size, const CK_TOKEN_INFO *info) {
    size_t used = strlen(list);
    int len = (int)padded_len(info->label, sizeof info->label);

    if (used + sizeof info->label + 4 < size && (info->flags & CKF_TOKEN_INITIALIZED) != 0) {
        (void)snprintf(list + used, size - used, " '%.*s'", len, (const char *)info->label);
    }
}

static sbs_status token_list(sbs_pkcs11_key *key, CK_ULONG slots[SLOTS_MAX], CK_ULONG *out_count) {
    const CK_FUNCTION_LIST *module = pkcs11_functions(key);

    /* Modules look for new readers only when asked so. */
    *out_count = 0;
    CK_RV answer = module->C_GetSlotList(1, NULL, out_count);
    if (answer == CKR_OK) {
        *out_count = SLOTS_MAX;
        answer = module->C_GetSlotList(1, slots, out_count);
    }

    if (answer == CKR_BUFFER_TOO_SMALL || (answer == CKR_OK && *out_count > SLOTS_MAX)) {
        return pkcs11_fail(key, SBS_ERR_CRYPTO, "the module has more than %u tokens", SLOTS_MAX);
    }
    if (answer != CKR_OK) {
        return pkcs11_fail_call(key, "C_GetSlotList", answer);
    }

    return SBS_OK;
}

static sbs_status token_find(sbs_pkcs11_key *key) {
    CK_ULONG slots[SLOTS_MAX], count, found = 0;
    char labels[200] = "";
    CK_TOKEN_INFO info;

    sbs_status status = token_list(key, slots, &count);
    if (status != SBS_OK) {
        return status;
    }

    for (CK_ULONG i = 0; i < count; i++) {
        memset(&info, 0, sizeof info);
        if (pkcs11_functions(key)->C_GetTokenInfo(slots[i], &info) != CKR_OK) {
            continue; /* pulled since, or a card of another kind */
        }

        token_put_label(labels, sizeof labels, &info);
        if (token_matches(&info, slots[i], &key->priv.uri)) {
            key->priv.slot = slots[i];
            found++;
        }
    }

    if (found == 0 && labels[0] == '\0') {
        return pkcs11_fail(key, SBS_ERR_NOT_FOUND,
                           "the module has no token: is it plugged in, and may this user use it?");
    }
    if (found == 0) {
        return pkcs11_fail(key, SBS_ERR_NOT_FOUND, "the token is not there; there are:%s", labels);
    }
    if (found > 1) {
        return pkcs11_fail(key, SBS_ERR_AMBIGUOUS, "%lu tokens match, add token= or serial= to the URI; there are:%s",
                           found, labels);
    }

    return SBS_OK;
}

/* ---- sessions ------------------------------------------------------------------------------------------------- */

static sbs_status module_initialise(sbs_pkcs11_key *key) {
    const CK_FUNCTION_LIST *module = pkcs11_functions(key);
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};

    CK_RV answer = module->C_Initialize(&arguments);
    if (answer == CKR_CANT_LOCK) {
        answer = module->C_Initialize(NULL); /* for one thread, which its program has to see to */
    }
    if (answer == CKR_OK) {
        key->priv.initialised = true;
        return SBS_OK;
    }
    if (answer == CKR_CRYPTOKI_ALREADY_INITIALIZED) {
        return SBS_OK; /* by somebody else in this process, or by us before */
    }

    return pkcs11_fail_call(key, "C_Initialize", answer);
}

sbs_status pkcs11_session_open(sbs_pkcs11_key *key) {
    sbs_status status = module_initialise(key);
    if (status == SBS_OK) {
        status = token_find(key);
    }
    if (status != SBS_OK) {
        return status;
    }

    CK_RV answer =
        pkcs11_functions(key)->C_OpenSession(key->priv.slot, CKF_SERIAL_SESSION, NULL, NULL, &key->priv.session);
    if (answer != CKR_OK) {
        return pkcs11_fail_call(key, "C_OpenSession", answer);
    }

    key->priv.in_session = true;
    return SBS_OK;
}

/* The last session of a process ends its login. Nobody is logged out by hand: others may have sessions, too. */
void pkcs11_session_close(sbs_pkcs11_key *key) {
    if (key->priv.in_session) {
        (void)pkcs11_functions(key)->C_CloseSession(key->priv.session);
        key->priv.in_session = false;
    }
}
