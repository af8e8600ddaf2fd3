/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a search found: the input is a Bundle, or says how to put one together. Each match is an object that is no word
 * of the server about the search, each is told once, and the walk ends.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "sbs/bundle.h"
#include "sbs/count.h"

#define TEXT_MAX 8192u
#define TOKENS 2048u

typedef struct text_buffer {
    char data[TEXT_MAX];
    size_t len;
} text_buffer;

static void put(text_buffer *to, const char *text) {
    const size_t len = strlen(text);
    if (len <= sizeof to->data - to->len) {
        memcpy(to->data + to->len, text, len);
        to->len += len;
    }
}

static void put_entry(text_buffer *to, fuzz_input *input) {
    static const char *const resources[] = {",\"resource\":{\"resourceType\":\"Observation\",\"id\":\"1\"}",
                                            ",\"resource\":{\"resourceType\":\"OperationOutcome\"}",
                                            ",\"resource\":7",
                                            "",
                                            ",\"resource\":{}",
                                            ",\"resource\":{\"search\":{\"mode\":\"match\"}}"};
    static const char *const searches[] = {"",
                                           ",\"search\":{\"mode\":\"match\"}",
                                           ",\"search\":{\"mode\":\"include\"}",
                                           ",\"search\":[]",
                                           ",\"search\":{\"mode\":\"outcome\"}",
                                           ",\"search\":{\"mode\":\"match\",\"mode\":\"x\"}"};
    put(to, "{\"fullUrl\":\"x\"");
    put(to, resources[fuzz_below(input, SBS_COUNT_OF(resources))]);
    put(to, searches[fuzz_below(input, SBS_COUNT_OF(searches))]);
    put(to, "}");
}

static void put_together(text_buffer *to, fuzz_input *input) {
    static const char *const heads[] = {"{\"resourceType\":\"Bundle\",\"type\":\"searchset\"",
                                        "{\"type\":\"searchset\",\"resourceType\":\"Bundle\",\"total\":3",
                                        "{\"resourceType\":\"Bundle\",\"type\":\"history\"",
                                        "{\"resourceType\":\"Bundle\""};
    static const char *const links[] = {"", ",\"link\":[{\"relation\":\"next\",\"url\":\"https:\\/\\/s\\/r4?p=2\"}]",
                                        ",\"link\":[{\"relation\":\"self\"},{\"relation\":\"next\"}]", ",\"link\":{}",
                                        ",\"link\":[7,{\"relation\":\"next\",\"url\":7}]"};
    put(to, heads[fuzz_below(input, SBS_COUNT_OF(heads))]);
    put(to, links[fuzz_below(input, SBS_COUNT_OF(links))]);
    if (!fuzz_chance(input, 6)) {
        put(to, ",\"entry\":[");
        for (unsigned count = fuzz_below(input, 12), i = 0; i < count; i++) {
            put(to, i > 0 ? "," : "");
            put_entry(to, input);
        }
        put(to, "]");
    }
    put(to, "}");
}

/* A resource is a member of the entry that it came with, and entries come in their order. */
static void check_matches(const sbs_json *doc) {
    sbs_json_node entry;
    sbs_json_node resource;
    sbs_json_node type;
    sbs_json_node before = 0;
    size_t count = 0;
    if (sbs_bundle_first_match(doc, &entry, &resource) != SBS_OK) {
        FUZZ_REQUIRE(entry == SBS_JSON_NONE && resource == SBS_JSON_NONE);
        return;
    }

    while (entry != SBS_JSON_NONE) {
        FUZZ_REQUIRE(entry > before && resource > entry && ++count <= doc->count);
        FUZZ_REQUIRE(sbs_json_kind_of(doc, resource) == SBS_JSON_OBJECT);
        FUZZ_REQUIRE(sbs_json_member(doc, resource, "resourceType", &type) != SBS_OK ||
                     !sbs_json_equals(doc, type, "OperationOutcome"));
        before = entry;
        entry = sbs_bundle_next_match(doc, entry, &resource);
        FUZZ_REQUIRE((entry == SBS_JSON_NONE) == (resource == SBS_JSON_NONE));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static text_buffer made;
    static sbs_json_token tokens[TOKENS];
    fuzz_input input = {data, size};
    sbs_json doc;
    made.len = 0;
    if (fuzz_byte(&input) % 2 == 0) {
        put_together(&made, &input);
    } else if (input.len <= TEXT_MAX) {
        memcpy(made.data, input.data, input.len);
        made.len = input.len;
    }

    char *copy = fuzz_copy(made.data, made.len);
    if (sbs_json_parse(&doc, copy, made.len, tokens, TOKENS, NULL) == SBS_OK) {
        check_matches(&doc);
        const sbs_json_node page = sbs_bundle_next_page(&doc);
        FUZZ_REQUIRE(page == SBS_JSON_NONE || page < doc.count);
    }
    free(copy);
    return 0;
}
