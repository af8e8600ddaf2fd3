/* SPDX-License-Identifier: Apache-2.0 */
#include "http/message.h"

#include <string.h>

#include "sbs/http.h"

void sbs_message_init(sbs_message *message, char *text, size_t size) {
    *message = (sbs_message){text, size, 0};
    if (size > 0) {
        text[0] = '\0';
    }
}

/* Our own words: nothing to sanitise. A line does not begin with them. */
static void message_put_prefix(sbs_message *message, const char *prefix) {
    if (message->len == 0) {
        return;
    }
    while (*prefix != '\0' && message->len + 1 < message->size) {
        message->text[message->len++] = *prefix++;
    }
    message->text[message->len] = '\0';
}

/* Text that stands in the line's own memory may be given. */
static void message_put_line(sbs_message *message, sbs_text text) {
    char *end = message->text + message->len;

    sbs_http_sanitise(text, end, message->size - message->len);
    message->len += strlen(end);
}

void sbs_message_put_text(sbs_message *message, const char *prefix, sbs_text text) {
    if (message->size > 0) {
        message_put_prefix(message, prefix);
        message_put_line(message, text);
    }
}

void sbs_message_put(sbs_message *message, const char *prefix, const sbs_flat *doc, sbs_json_node node) {
    size_t len;

    if (message->size == 0 || sbs_flat_kind(doc, node) != SBS_JSON_STRING) {
        return;
    }

    sbs_text text = sbs_flat_raw(doc, node);
    if (text.len == 0) {
        return;
    }

    message_put_prefix(message, prefix);
    char *end = message->text + message->len;
    /* Text that is too long, or no text at all once unescaped, is shown as it stands. */
    if (sbs_flat_text(doc, node, end, message->size - message->len, &len) == SBS_OK) {
        text = (sbs_text){end, len};
    }

    message_put_line(message, text);
}
