/* SPDX-License-Identifier: Apache-2.0 */
/* Of what the reader accepts, the tree must say what the text says, tokens fit exactly, and each string read, read in
 * place, and written and read again is the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../support/json_echo.h"

#define TOKENS_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sbs_json_token tokens[TOKENS_MAX];

static void check(bool good) {
    if (!good) {
        abort();
    }
}

static void check_tree(const sbs_json *doc) {
    char *a = malloc(doc->len);
    char *b = malloc(doc->len);
    check(json_tree_is_right(doc, a, b));
    free(a);
    free(b);
}

static void check_capacity(const sbs_json *doc) {
    sbs_json again;
    size_t where;
    sbs_json_token *exact = malloc(doc->count * sizeof *exact);
    check(sbs_json_parse(&again, doc->text, doc->len, exact, doc->count, &where) == SBS_OK);
    check(again.count == doc->count && where == doc->len);
    check(sbs_json_parse(&again, doc->text, doc->len, exact, doc->count - 1, NULL) == SBS_ERR_TOKENS);
    free(exact);
}

static void write_and_read(sbs_text text) {
    size_t size = 6 * text.len + 2;
    char *json = malloc(size);
    size_t len;
    sbs_writer out;
    sbs_json_writer writer;
    sbs_json doc;
    sbs_json_token token;
    sbs_text back;
    sbs_writer_init(&out, json, size);
    sbs_json_writer_init(&writer, &out);
    sbs_json_put_text(&writer, text);
    check(sbs_json_writer_finish(&writer, &len) == SBS_OK);
    check(sbs_json_parse(&doc, json, len, &token, 1, NULL) == SBS_OK);
    check(sbs_json_text_in_place(&doc, 0, json, &back) == SBS_OK && sbs_text_equal(back, text));
    free(json);
}

/* @p copy is the document's text, writable. */
static void check_string(const sbs_json *doc, sbs_json_node node, char *copy) {
    size_t len;
    size_t got;
    sbs_text in_place;
    sbs_status status = sbs_json_text(doc, node, NULL, 0, &len);
    if (status == SBS_ERR_FORMAT) {
        check(sbs_json_text_in_place(doc, node, copy, &in_place) == SBS_ERR_FORMAT);
        return;
    }
    char *text = malloc(len + 1);
    check(status == (len == 0 ? SBS_OK : SBS_ERR_BUFFER));
    check(sbs_json_text(doc, node, text, len, &got) == SBS_OK && got == len);
    text[len] = '\0';
    check(sbs_json_equals(doc, node, text));
    check(sbs_json_text_in_place(doc, node, copy, &in_place) == SBS_OK);
    check(in_place.len == len && memcmp(in_place.ptr, text, len) == 0);
    write_and_read(in_place);
    free(text);
}

static void check_values(const sbs_json *doc, char *copy) {
    for (sbs_json_node node = 0; node < doc->count; node++) {
        sbs_json_node found;
        sbs_status status = sbs_json_member(doc, node, "a", &found);
        check(status != SBS_OK || sbs_json_name_is(doc, found, "a"));
        if (sbs_json_kind_of(doc, node) == SBS_JSON_STRING) {
            check_string(doc, node, copy);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sbs_json doc;
    size_t where;
    char *copy = malloc(size + 1);
    memcpy(copy + 1, data, size);
    sbs_status status = sbs_json_parse(&doc, copy + 1, size, tokens, TOKENS_MAX, &where);
    check(where <= size);
    if (status == SBS_OK) {
        check(where == size);
        check_tree(&doc);
        check_capacity(&doc);
        check_values(&doc, copy + 1);
    } else {
        check(status == SBS_ERR_JSON || status == SBS_ERR_JSON_DEPTH || status == SBS_ERR_TOKENS);
        check(doc.count == 0);
    }
    free(copy);
    return 0;
}
