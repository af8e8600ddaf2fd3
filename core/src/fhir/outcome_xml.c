/* SPDX-License-Identifier: Apache-2.0 */
/* Words of an OperationOutcome that came as XML: for people to read, so that no parser is needed. */
#include "sbs/count.h"
#include "sbs/http.h"
#include "sbs/outcome.h"
#include "text/ascii.h"

#define IN_XML "the server answers in XML though JSON was asked for"

static bool xml_begins(sbs_text text, sbs_text word) {
    return text.len >= word.len && memcmp(text.ptr, word.ptr, word.len) == 0;
}

static sbs_text xml_after(sbs_text text, size_t len) {
    return (sbs_text){text.ptr + len, text.len - len};
}

/* The value of the first element @p open ("<name"), still encoded; absent if there is none. */
static sbs_text xml_value(sbs_text body, sbs_text open) {
    static const sbs_text attribute = {"value=", 6};

    while (body.len > 0 && !xml_begins(body, open)) {
        body = xml_after(body, 1);
    }

    sbs_text tag = {body.ptr, sbs_ascii_find(body, '>')};
    while (tag.len > 0 && !xml_begins(tag, attribute)) {
        tag = xml_after(tag, 1);
    }
    if (tag.len <= attribute.len) {
        return (sbs_text){NULL, 0};
    }

    /* A '>' may stand in the value: it ends with its quote. */
    sbs_text value = xml_after(body, (size_t)(tag.ptr - body.ptr) + attribute.len);
    char quote = value.ptr[0];
    value = xml_after(value, 1);
    value.len = sbs_ascii_find(value, quote);

    return value;
}

/* The character at the start of @p text, of which @p out_len bytes are the encoded form. */
static char xml_character(sbs_text text, size_t *out_len) {
    static const struct {
        sbs_text entity;
        char c;
    } entities[] = {
        {{"&lt;", 4}, '<'}, {{"&gt;", 4}, '>'}, {{"&amp;", 5}, '&'}, {{"&quot;", 6}, '"'}, {{"&apos;", 6}, '\''}};

    for (size_t i = 0; i < SBS_COUNT_OF(entities); i++) {
        if (xml_begins(text, entities[i].entity)) {
            *out_len = entities[i].entity.len;
            return entities[i].c;
        }
    }

    *out_len = 1;
    return text.ptr[0];
}

/* The tag of the root, behind declarations and comments. */
static sbs_text xml_root(sbs_text body) {
    while (body.len > 1 && (body.ptr[0] != '<' || body.ptr[1] == '?' || body.ptr[1] == '!')) {
        body = xml_after(body, 1);
    }

    return (sbs_text){body.ptr, sbs_ascii_find(body, '>')};
}

static bool xml_holds(sbs_text text, sbs_text word) {
    while (text.len > 0 && !xml_begins(text, word)) {
        text = xml_after(text, 1);
    }
    return text.len > 0;
}

/* Pages of the web have one root; their pieces have neither a declaration nor a name space. */
static bool xml_is_page(sbs_text body, sbs_text root) {
    if (root.len >= 5 && sbs_ascii_is_nocase((sbs_text){root.ptr, 5}, "<html")) {
        return true;
    }
    return !xml_begins(body, (sbs_text){"<?xml", 5}) && !xml_holds(root, (sbs_text){"xmlns", 5});
}

sbs_xml_kind sbs_xml_words_read(sbs_text body, char *out_text, size_t size) {
    sbs_text root = xml_root(body);
    sbs_xml_kind kind = SBS_XML_OTHER;
    sbs_text value = {NULL, 0};
    size_t len = 0;

    if (xml_begins(root, (sbs_text){"<OperationOutcome", 17})) {
        kind = SBS_XML_OUTCOME;
        value = xml_value(body, (sbs_text){"<diagnostics", 12});
    } else if (xml_is_page(body, root)) {
        return SBS_XML_PAGE;
    }
    if (value.len == 0) {
        value = (sbs_text){IN_XML, sizeof IN_XML - 1};
    }

    while (value.len > 0 && len + 1 < size) {
        size_t used;
        out_text[len++] = xml_character(value, &used);
        value = xml_after(value, used);
    }

    /* What it makes is no longer than what it takes. */
    sbs_http_sanitise((sbs_text){out_text, len}, out_text, size);
    return kind;
}
