/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/url.h"
#include "text/ascii.h"

static void form_put_percent(sbs_writer *out, char c) {
    char escape[3] = {'%', sbs_hex_digit_upper((unsigned char)c >> 4), sbs_hex_digit_upper((unsigned char)c)};

    sbs_put(out, escape, sizeof escape);
}

static void form_put_encoded(sbs_writer *out, sbs_text text, bool space_is_plus) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (sbs_ascii_is_alnum_or(c, SBS_ASCII_UNRESERVED)) {
            sbs_put_char(out, c);
        } else if (c == ' ' && space_is_plus) {
            sbs_put_char(out, '+');
        } else {
            form_put_percent(out, c);
        }
    }
}

void sbs_url_put_encoded(sbs_writer *out, sbs_text text) {
    form_put_encoded(out, text, false);
}

void sbs_form_put_encoded(sbs_writer *out, sbs_text text) {
    form_put_encoded(out, text, true);
}
