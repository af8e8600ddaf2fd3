/* SPDX-License-Identifier: Apache-2.0 */
#include "json_view.h"

#include <string.h>

#include "sbs/linux_text.h"

const char *view_text(const sbs_json *doc, sbs_json_node object, const char *name, char *out, size_t size) {
    sbs_json_node node;
    size_t len = 0;
    out[0] = '\0';
    if (sbs_json_member(doc, object, name, &node) != SBS_OK) {
        return out;
    }

    /* What is too long, or no string, is shown as it stands. */
    if (sbs_json_text(doc, node, out, size - 1, &len) != SBS_OK) {
        sbs_text raw = sbs_json_raw(doc, node);
        len = raw.len < size - 1 ? raw.len : size - 1;
        memcpy(out, raw.ptr, len);
    }
    out[sbs_linux_clean_text(out, len)] = '\0';
    return out;
}

uint64_t view_uint(const sbs_json *doc, sbs_json_node object, const char *name) {
    sbs_json_node node;
    uint64_t value = 0;
    if (sbs_json_member(doc, object, name, &node) != SBS_OK ||
        sbs_text_to_uint(sbs_json_raw(doc, node), &value) != SBS_OK) {
        return 0;
    }
    return value;
}

sbs_json_node view_first(const sbs_json *doc, sbs_json_node object, const char *name) {
    sbs_json_node node;
    if (sbs_json_member(doc, object, name, &node) != SBS_OK) {
        return SBS_JSON_NONE;
    }
    return sbs_json_first(doc, node);
}
