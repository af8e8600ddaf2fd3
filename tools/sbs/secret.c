/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include "secret.h"

#include <stdlib.h>
#include <string.h>

#define SECRET_COUNT 16u
#define FRAGMENT_LEN 16u
#define SHORTEST_SECRET 8u /* shorter ones are words */
#define ALL_MAX 131072u    /* characters of all secrets, but for the last one: each line is compared with all of them */

static const char mask[] = "[hidden]";

_Static_assert(sizeof mask - 1 <= SHORTEST_SECRET, "the mask is never longer than what it hides");

/* What is compared: letters and digits alone, so that no other character hides a secret that it breaks up; then all
 * characters that tokens and assertions are made of. Upper case counts as lower case. */
typedef enum secret_form { FORM_ALNUM, FORM_WHOLE, FORM_COUNT } secret_form;

typedef struct secret {
    char *forms[FORM_COUNT]; /* NULL: too short for that form */
    size_t lens[FORM_COUNT];
    uint64_t used; /* when it was sent last */
} secret;

static secret secrets[SECRET_COUNT];
static uint64_t uses;

/* Which three characters stand beside each other somewhere in a secret, by five bits of each: nearly all places of a
 * text are told by one look that no secret begins there. */
#define GRAM_LEN 3u
#define GRAM_COUNT (1u << 15)
static uint8_t grams[FORM_COUNT][GRAM_COUNT / 8];

/* ---- characters ----------------------------------------------------------------------------------------------- */

/* The character in the form that is compared; NUL if the form leaves it out. RFC 6750 section 2.1, and base64url. */
static char form_character(secret_form form, unsigned char c) {
    if (c >= 'A' && c <= 'Z') {
        return (char)(c - 'A' + 'a');
    }
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
        return (char)c;
    }
    if (form == FORM_WHOLE && c != '\0' && strchr("-._~+/=", c) != NULL) {
        return (char)c;
    }

    return '\0';
}

/* Reads @p count digits, or as many as there are if @p count is 0. Returns how many; *out stays small. */
static size_t read_number(sbs_text text, unsigned base, size_t count, unsigned *out) {
    size_t len = 0;
    unsigned value = 0;
    while (len < text.len && (count == 0 || len < count)) {
        int digit = sbs_hex_value(text.ptr[len]);
        if (digit < 0 || (unsigned)digit >= base) {
            break;
        }

        value = (value * base + (unsigned)digit) & 0xFFFFFF;
        len++;
    }

    *out = value;
    return len;
}

/* ---- characters that are written as something else ------------------------------------------------------------- */

static sbs_text behind(sbs_text text, size_t len) {
    return (sbs_text){text.ptr + len, text.len - len};
}

/* Hexadecimal digits behind the first @p at bytes. Returns the length of it all; 0 if it is none. */
static size_t read_digits(sbs_text text, size_t at, size_t count, unsigned *out) {
    if (read_number(behind(text, at), 16, count, out) != count) {
        return 0;
    }
    return at + count;
}

/* "%41", and "%2541" where a coded text was coded again. Returns its length, 0 if it is none. */
static size_t read_percent(sbs_text text, unsigned *out) {
    unsigned again = 0;
    size_t len = 1;
    while (text.len >= len + 4 && memcmp(text.ptr + len, "25", 2) == 0 &&
           read_number(behind(text, len + 2), 16, 2, &again) == 2) {
        len += 2;
    }

    return read_digits(text, len, 2, out);
}

/* "\u0041" and "\n" of JSON, "\x41" of other languages. What is no letter or digit is no part of a number. */
static size_t read_backslash(sbs_text text, unsigned *out) {
    if (text.len < 2) {
        return 0;
    }

    *out = 0;
    switch (text.ptr[1]) {
    case 'u':
        return read_digits(text, 2, 4, out);
    case 'x':
        return read_digits(text, 2, 2, out);
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return 2;
    default:
        return 0;
    }
}

/* "&#65;", "&#x41;" and "&nbsp;" of HTML. */
static size_t read_entity(sbs_text text, unsigned *out) {
    size_t start = 2;
    unsigned base = 10;
    size_t len = 1;

    *out = 0;
    if (text.len > 2 && text.ptr[1] == '#') {
        if (form_character(FORM_ALNUM, (unsigned char)text.ptr[2]) == 'x') {
            base = 16;
            start = 3;
        }
        len = start + read_number(behind(text, start), base, 0, out);
    } else {
        while (len < text.len && len < 9 && form_character(FORM_ALNUM, (unsigned char)text.ptr[len]) != '\0') {
            len++;
        }
    }

    if (len >= text.len || text.ptr[len] != ';') {
        return 0;
    }
    return len + 1;
}

/* Takes the first character of a text, decoded. Returns how many bytes it is written with. */
static size_t read_character(sbs_text text, unsigned *out) {
    size_t len = 0;
    switch (text.ptr[0]) {
    case '%':
        len = read_percent(text, out);
        break;
    case '\\':
        len = read_backslash(text, out);
        break;
    case '&':
        len = read_entity(text, out);
        break;
    default:
        break;
    }

    if (len > 0) {
        return len;
    }

    *out = (unsigned char)text.ptr[0];
    return 1;
}

/* ---- what no secret has ---------------------------------------------------------------------------------------- */

static unsigned gram_of(const char *data) {
    unsigned gram = 0;
    for (unsigned i = 0; i < GRAM_LEN; i++) {
        gram = gram << 5 | ((unsigned)(unsigned char)data[i] & 31u);
    }
    return gram;
}

static bool gram_is_known(secret_form form, const char *data) {
    unsigned gram = gram_of(data);
    return (grams[form][gram / 8] >> (gram % 8) & 1u) != 0;
}

/* Made anew: a secret that was forgotten leaves nothing. */
static void grams_make(void) {
    sbs_wipe(grams, sizeof grams);
    for (size_t i = 0; i < SECRET_COUNT * FORM_COUNT; i++) {
        unsigned form = (unsigned)(i % FORM_COUNT);
        const secret *known = &secrets[i / FORM_COUNT];
        for (size_t at = 0; known->forms[form] != NULL && at + GRAM_LEN <= known->lens[form]; at++) {
            unsigned gram = gram_of(known->forms[form] + at);
            grams[form][gram / 8] = (uint8_t)(grams[form][gram / 8] | 1u << (gram % 8));
        }
    }
}

/* ---- noting --------------------------------------------------------------------------------------------------- */

static void secret_forget(secret *old) {
    for (unsigned form = 0; form < FORM_COUNT; form++) {
        if (old->forms[form] != NULL) {
            sbs_wipe(old->forms[form], old->lens[form]);
            free(old->forms[form]);
        }
    }
    *old = (secret){0};
}

/* False if there is no memory for it, or too little in it to be told from words. */
static bool secret_put_form(secret *new, secret_form form, sbs_text text, size_t least) {
    char *copy = malloc(text.len);
    size_t len = 0;
    if (copy == NULL) {
        return false;
    }

    for (size_t i = 0; i < text.len; i++) {
        char c = form_character(form, (unsigned char)text.ptr[i]);
        if (c != '\0') {
            copy[len++] = c;
        }
    }

    new->forms[form] = copy;
    new->lens[form] = len;
    if (len < least) {
        sbs_wipe(copy, len);
        free(copy);
        new->forms[form] = NULL;
        new->lens[form] = 0;
        return false;
    }

    return true;
}

/* The place of the same secret, or else the one that was sent the longest time ago. */
static secret *secret_place(const secret *new) {
    secret *oldest = &secrets[0];
    for (size_t i = 0; i < SECRET_COUNT; i++) {
        if (secrets[i].lens[FORM_WHOLE] == new->lens[FORM_WHOLE] &&
            memcmp(secrets[i].forms[FORM_WHOLE], new->forms[FORM_WHOLE], new->lens[FORM_WHOLE]) == 0) {
            return &secrets[i];
        }
        if (secrets[i].used < oldest->used) {
            oldest = &secrets[i];
        }
    }

    return oldest;
}

/* Forgets those that were sent the longest time ago until a line is compared with all that are left in a short time. */
static void secrets_bound(const secret *newest) {
    for (;;) {
        size_t all = 0;
        secret *oldest = NULL;
        for (size_t i = 0; i < SECRET_COUNT; i++) {
            bool older = oldest == NULL || secrets[i].used < oldest->used;
            all += secrets[i].lens[FORM_WHOLE];
            if (secrets[i].forms[FORM_WHOLE] != NULL && &secrets[i] != newest && older) {
                oldest = &secrets[i];
            }
        }

        if (all <= ALL_MAX || oldest == NULL) {
            return;
        }
        secret_forget(oldest);
    }
}

void cli_secret_note(sbs_text text) {
    secret new = {0};
    if (text.len < SHORTEST_SECRET || !secret_put_form(&new, FORM_WHOLE, text, SHORTEST_SECRET)) {
        return;
    }

    (void)secret_put_form(&new, FORM_ALNUM, text, FRAGMENT_LEN);
    uses++;
    new.used = uses;

    secret *place = secret_place(&new);
    bool known = place->lens[FORM_WHOLE] == new.lens[FORM_WHOLE] &&
                 memcmp(place->forms[FORM_WHOLE], new.forms[FORM_WHOLE], new.lens[FORM_WHOLE]) == 0;
    secret_forget(place);
    *place = new;
    secrets_bound(place);
    if (!known) {
        grams_make();
    }
}

void cli_secret_forget(void) {
    for (size_t i = 0; i < SECRET_COUNT; i++) {
        secret_forget(&secrets[i]);
    }
    grams_make();
}

/* ---- hiding --------------------------------------------------------------------------------------------------- */

/* A text in one form, and where each character of it begins and ends. */
typedef struct secret_row {
    char *data;
    size_t *starts, *ends;
    size_t len;
} secret_row;

static void row_free(secret_row *row) {
    if (row->data != NULL) {
        sbs_wipe(row->data, row->len);
    }
    free(row->data);
    free(row->starts);
    free(row->ends);
}

static bool row_make(secret_row *row, secret_form form, bool decoded, sbs_text text) {
    *row =
        (secret_row){malloc(text.len), malloc(text.len * sizeof *row->starts), malloc(text.len * sizeof *row->ends), 0};
    if (row->data == NULL || row->starts == NULL || row->ends == NULL) {
        return false;
    }

    for (size_t at = 0; at < text.len;) {
        unsigned point = (unsigned char)text.ptr[at];
        size_t len = 1;
        if (decoded) {
            len = read_character(behind(text, at), &point);
        }

        char c = '\0';
        if (point < 0x80) {
            c = form_character(form, (unsigned char)point);
        }
        if (c != '\0') {
            row->data[row->len] = c;
            row->starts[row->len] = at;
            row->ends[row->len] = at + len;
            row->len++;
        }
        at += len;
    }

    return true;
}

static size_t min_size(size_t a, size_t b) {
    return a < b ? a : b;
}

/* How many characters from @p at on are of a secret: a whole fragment, or nothing. */
static size_t fragment_at(const secret_row *row, secret_form form, size_t at) {
    if (row->len - at < SHORTEST_SECRET || !gram_is_known(form, row->data + at)) {
        return 0;
    }

    for (size_t i = 0; i < SECRET_COUNT; i++) {
        const char *data = secrets[i].forms[form];
        size_t need = min_size(secrets[i].lens[form], FRAGMENT_LEN);
        if (data != NULL && need <= row->len - at &&
            memmem(data, secrets[i].lens[form], row->data + at, need) != NULL) {
            return need;
        }
    }

    return 0;
}

/* Where the secret that begins at @p at ends; @p at if none does. Fragments that overlap make one. */
static size_t end_of_secret(const secret_row *row, secret_form form, size_t at) {
    size_t end = at + fragment_at(row, form, at);

    for (size_t i = at + 1; i < end; i++) {
        size_t more = i + fragment_at(row, form, i);
        if (more > end) {
            end = more;
        }
    }
    return end;
}

/* What lies between two secrets moves forward: the mask is never longer than what it hides. */
static size_t hide_in_row(const secret_row *row, secret_form form, char *text, size_t len) {
    size_t kept = 0;
    size_t taken = 0;

    for (size_t at = 0; at < row->len;) {
        size_t end = end_of_secret(row, form, at);
        if (end == at) {
            at++;
            continue;
        }

        memmove(text + kept, text + taken, row->starts[at] - taken);
        kept += row->starts[at] - taken;
        memcpy(text + kept, mask, sizeof mask - 1);
        kept += sizeof mask - 1;
        taken = row->ends[end - 1];
        at = end;
    }

    memmove(text + kept, text + taken, len - taken);
    return kept + len - taken;
}

static bool has_secrets(void) {
    for (size_t i = 0; i < SECRET_COUNT; i++) {
        if (secrets[i].forms[FORM_WHOLE] != NULL) {
            return true;
        }
    }
    return false;
}

static size_t hide_in_form(char *text, size_t len, secret_form form, bool decoded) {
    secret_row row;
    size_t left = 0; /* what cannot be looked at is not shown */

    if (row_make(&row, form, decoded, (sbs_text){text, len})) {
        left = hide_in_row(&row, form, text, len);
    }
    row_free(&row);
    return left;
}

static bool is_coded(const char *text, size_t len) {
    return memchr(text, '%', len) != NULL || memchr(text, '\\', len) != NULL || memchr(text, '&', len) != NULL;
}

/* As it is decoded, and as it stands: a backslash may be an escape or may be there to break a secret up. */
size_t cli_secret_hide(char *text, size_t len) {
    if (!has_secrets()) {
        return len;
    }

    for (unsigned form = 0; form < FORM_COUNT; form++) {
        if (len >= SHORTEST_SECRET && is_coded(text, len)) {
            len = hide_in_form(text, len, (secret_form)form, true);
        }
        if (len >= SHORTEST_SECRET) {
            len = hide_in_form(text, len, (secret_form)form, false);
        }
    }

    return len;
}
