/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/pkcs11_uri.h"

#include <string.h>
#include <strings.h>

#include "sbs/count.h"
#include "sbs/text.h"

#define SCHEME "pkcs11:"
#define SCHEME_LEN (sizeof SCHEME - 1)

typedef enum uri_kind {
    URI_TEXT,
    URI_ID,     /* any bytes */
    URI_SLOT,   /* a decimal number */
    URI_TYPE,   /* "private" alone */
    URI_SOURCE, /* a path, or a file: URI */
    URI_NAME,   /* of a module */
    URI_PATH    /* absolute */
} uri_kind;

/* An attribute that is understood, and what is said where its value is not. */
typedef struct uri_attribute {
    const char *name;
    uri_kind kind;
    bool query;
    size_t offset, size; /* of the text in sbs_pkcs11_uri */
    const char *words;
} uri_attribute;

#define URI_PLACE(member) offsetof(sbs_pkcs11_uri, member), sizeof(((sbs_pkcs11_uri *)0)->member)

static const uri_attribute uri_attributes[] = {
    {"token", URI_TEXT, false, URI_PLACE(token), "token: is not 1 to 32 characters, percent-encoded"},
    {"manufacturer", URI_TEXT, false, URI_PLACE(manufacturer),
     "manufacturer: is not 1 to 32 characters, percent-encoded"},
    {"model", URI_TEXT, false, URI_PLACE(model), "model: is not 1 to 16 characters, percent-encoded"},
    {"serial", URI_TEXT, false, URI_PLACE(serial), "serial: is not 1 to 16 characters, percent-encoded"},
    {"object", URI_TEXT, false, URI_PLACE(object), "object: is not 1 to 255 characters, percent-encoded"},
    {"id", URI_ID, false, URI_PLACE(id), "id: is not 1 to 255 bytes, percent-encoded such as %01%a3"},
    {"slot-id", URI_SLOT, false, URI_PLACE(slot_id), "slot-id: is not a decimal number"},
    {"type", URI_TYPE, false, 0, 8, "type: is not private, leave it out"},
    {"pin-source", URI_SOURCE, true, URI_PLACE(pin_source),
     "pin-source: is not the absolute path of a file (commands are not run)"},
    {"module-name", URI_NAME, true, URI_PLACE(module_name),
     "module-name: is not a name such as softhsm2, without path and ending"},
    {"module-path", URI_PATH, true, URI_PLACE(module_path), "module-path: is not the absolute path of a module"},
};

bool sbs_pkcs11_uri_is(const char *text) {
    return strncasecmp(text, SCHEME, SCHEME_LEN) == 0;
}

/* ---- characters (RFC 7512 section 2.3) -------------------------------------------------------------------------- */

static bool uri_is_plain(char c, bool query) {
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) {
        return true;
    }
    if (c == '\0') {
        return false;
    }
    if (c == '&') {
        return !query;
    }
    if (c == '/' || c == '?' || c == '|') {
        return query;
    }
    return strchr("-._~:[]@!$'()*+,=", c) != NULL;
}

/* Decodes @p len characters into at most @p size bytes. False if a character is not allowed, or there are more. */
static bool uri_decode(const char *from, size_t len, bool query, uint8_t *out, size_t size, size_t *out_len) {
    size_t count = 0;
    for (size_t at = 0; at < len; at++, count++) {
        if (count == size) {
            return false;
        }

        if (from[at] != '%') {
            if (!uri_is_plain(from[at], query)) {
                return false;
            }
            out[count] = (uint8_t)from[at];
            continue;
        }

        if (len - at < 3) {
            return false;
        }
        int byte = sbs_hex_byte(from + at + 1);
        if (byte < 0) {
            return false;
        }
        out[count] = (uint8_t)byte;
        at += 2;
    }

    *out_len = count;
    return true;
}

/* ---- values --------------------------------------------------------------------------------------------------- */

/* No control character has a place in a name, and a NUL would end it. */
static bool uri_is_text(const uint8_t *data, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (data[i] < 0x20 || data[i] == 0x7F) {
            return false;
        }
    }
    return len > 0;
}

static bool uri_is_module_name(const char *text) {
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_+.");
    return text[len] == '\0' && text[0] != '.';
}

static bool uri_take_slot(const char *text, uint64_t *out) {
    uint64_t value = 0;
    size_t len = strlen(text);
    if (len > 18) {
        return false;
    }

    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(text[i] - '0');
    }

    *out = value;
    return true;
}

/* "file:/path", "file:///path" and "/path" (RFC 8089). */
static bool uri_take_source(char *text) {
    size_t skip = 0;
    if (strncasecmp(text, "file:", 5) == 0) {
        skip = 5;
    }
    if (skip > 0 && strncmp(text + skip, "///", 3) == 0) {
        skip += 2;
    }

    memmove(text, text + skip, strlen(text + skip) + 1);
    return text[0] == '/' && text[1] != '/';
}

/* @p text has been decoded into the place of @p attribute, or into memory of its own. */
static bool uri_take_text(const uri_attribute *attribute, char *text, sbs_pkcs11_uri *uri) {
    switch (attribute->kind) {
    case URI_SLOT:
        return uri_take_slot(text, &uri->slot_id);
    case URI_TYPE:
        return strcmp(text, "private") == 0;
    case URI_SOURCE:
        return uri_take_source(text);
    case URI_NAME:
        return uri_is_module_name(text);
    case URI_PATH:
        return text[0] == '/';
    default:
        return true;
    }
}

static bool uri_take_value(const uri_attribute *attribute, const char *value, size_t len, sbs_pkcs11_uri *uri) {
    char small[20] = "";
    char *place = (char *)uri + attribute->offset;
    size_t size = attribute->size, taken = 0;

    if (attribute->kind == URI_ID) {
        return uri_decode(value, len, false, uri->id, sizeof uri->id, &uri->id_len) && uri->id_len > 0;
    }
    if (attribute->kind == URI_SLOT || attribute->kind == URI_TYPE) {
        place = small;
        size = sizeof small;
    }

    if (!uri_decode(value, len, attribute->query, (uint8_t *)place, size - 1, &taken) ||
        !uri_is_text((const uint8_t *)place, taken)) {
        return false;
    }

    place[taken] = '\0';
    return uri_take_text(attribute, place, uri);
}

/* ---- attributes ----------------------------------------------------------------------------------------------- */

static const char *uri_unknown_words(const char *name, size_t len, bool query) {
    if (len == 9 && memcmp(name, "pin-value", 9) == 0) {
        return "pin-value: others see it in the list of processes";
    }
    if (query) {
        return "the part behind ? knows pin-source, module-name and module-path only, separated by &";
    }
    return "the part before ? knows token, manufacturer, model, serial, object, id, slot-id and type=private "
           "only, separated by ;";
}

/* One "name=value". Each bit of @p given stands for an attribute that came. */
static const char *uri_take_attribute(const char *text, size_t len, bool query, unsigned *given, sbs_pkcs11_uri *uri) {
    const char *equal = memchr(text, '=', len);
    size_t name_len = len;
    if (equal != NULL) {
        name_len = (size_t)(equal - text);
    }

    for (size_t i = 0; i < SBS_COUNT_OF(uri_attributes); i++) {
        const uri_attribute *attribute = &uri_attributes[i];
        if (attribute->query != query || strlen(attribute->name) != name_len ||
            memcmp(attribute->name, text, name_len) != 0) {
            continue;
        }

        if ((*given & 1u << i) != 0) {
            return "an attribute is given twice";
        }
        *given |= 1u << i;

        if (equal == NULL || !uri_take_value(attribute, equal + 1, len - name_len - 1, uri)) {
            return attribute->words;
        }
        return NULL;
    }

    return uri_unknown_words(text, name_len, query);
}

/* The part before '?', or behind it. Returns why it is refused, NULL if it is not. */
static const char *uri_take_part(const char *text, size_t len, bool query, unsigned *given, sbs_pkcs11_uri *uri) {
    const char *end = text + len;
    char separator = ';';
    if (query) {
        separator = '&';
    }

    while (text <= end) {
        const char *next = memchr(text, separator, (size_t)(end - text));
        if (next == NULL) {
            next = end;
        }

        size_t attribute_len = (size_t)(next - text);
        const char *words = uri_take_attribute(text, attribute_len, query, given, uri);
        if (words != NULL) {
            return words;
        }
        text += attribute_len + 1;
    }

    return NULL;
}

static const char *uri_read(const char *text, sbs_pkcs11_uri *uri) {
    unsigned given = 0;
    if (!sbs_pkcs11_uri_is(text)) {
        return "it does not begin with pkcs11:";
    }

    text += SCHEME_LEN;
    size_t path_len = strcspn(text, "?");
    const char *words = uri_take_part(text, path_len, false, &given, uri);
    if (words == NULL && text[path_len] == '?') {
        words = uri_take_part(text + path_len + 1, strlen(text + path_len + 1), true, &given, uri);
    }
    if (words != NULL) {
        return words;
    }

    if (uri->object[0] == '\0' && uri->id_len == 0) {
        return "it names no key, give object=LABEL or id=%01";
    }
    if (uri->module_name[0] != '\0' && uri->module_path[0] != '\0') {
        return "module-name and module-path are both given, give one of them";
    }

    return NULL;
}

sbs_status sbs_pkcs11_uri_parse(const char *text, sbs_pkcs11_uri *out_uri, const char **out_words) {
    *out_uri = (sbs_pkcs11_uri){.slot_id = SBS_PKCS11_SLOT_ANY};
    *out_words = uri_read(text, out_uri);

    if (*out_words != NULL) {
        return SBS_ERR_FORMAT;
    }
    return SBS_OK;
}
