/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
/* cmocka needs the headers above */

#include "fake_fhir.h"
#include "test.h"

static sbs_json_node member(const sbs_json *doc, sbs_json_node object, const char *name) {
    sbs_json_node node;
    return sbs_json_member(doc, object, name, &node) == SBS_OK ? node : SBS_JSON_NONE;
}

/* The key that a request of its own would have: its search, or "Type/id". */
static bool key_of(const sbs_json *doc, sbs_json_node request, char *key, size_t size) {
    sbs_json_node search = member(doc, request, "ifNoneExist");
    bool put = sbs_json_equals(doc, member(doc, request, "method"), "PUT");
    sbs_text text = sbs_json_raw(doc, search != SBS_JSON_NONE ? search : member(doc, request, "url"));
    if (put || search != SBS_JSON_NONE) {
        snprintf(key, size, "%s%.*s", put ? "/r4/" : "", (int)text.len, text.ptr);
        return true;
    }
    snprintf(key, size, "plain");
    return false;
}

void fake_bundle_serve(fake_fhir *fhir, sbs_text bundle, char *out, size_t size) {
    static sbs_json_token tokens[4096];
    sbs_json doc;
    size_t used = (size_t)snprintf(out, size, "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":[");
    assert_int_equal(sbs_json_parse(&doc, bundle.ptr, bundle.len, tokens, 4096, NULL), SBS_OK);
    assert_true(sbs_json_equals(&doc, member(&doc, 0, "type"), "batch"));
    sbs_json_node entry = sbs_json_first(&doc, member(&doc, 0, "entry"));
    for (bool first = true; entry != SBS_JSON_NONE; entry = sbs_json_next(&doc, entry), first = false) {
        char key[96];
        sbs_text resource = sbs_json_raw(&doc, member(&doc, entry, "resource"));
        bool conditional = key_of(&doc, member(&doc, entry, "request"), key, sizeof key);
        unsigned status = fake_fhir_store(fhir, key, conditional, resource.ptr, resource.len);
        char place[64];
        bool put = strncmp(key, "/r4/", 4) == 0;
        snprintf(place, sizeof place, "Observation/ob-%u", fhir->stored_count);
        used += (size_t)snprintf(out + used, size - used,
                                 "%s{\"response\":{\"status\":\"%u X\",\"location\":\"%s/_history/1\","
                                 "\"etag\":\"W/\\\"7\\\"\"}}",
                                 first ? "" : ",", status, put ? key + 4 : place);
        assert_true(used < size);
    }
    snprintf(out + used, size - used, "]}");
}
