/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include "secret.h"

#include <stdlib.h>
#include <string.h>

#define SECRET_COUNT 6u
#define FRAGMENT_LEN 16u
#define SHORTEST_SECRET 8u /* shorter ones are words */
#define WINDOW 4096u

static const char mask[] = "[hidden]";

static struct {
    char *data;
    size_t len;
} secrets[SECRET_COUNT];
static size_t next_secret;

static void secret_forget(size_t index) {
    sbs_wipe(secrets[index].data, secrets[index].len);
    free(secrets[index].data);
    secrets[index].data = NULL;
    secrets[index].len = 0;
}

void cli_secret_note(sbs_text secret) {
    for (size_t i = 0; i < SECRET_COUNT; i++) {
        if (secrets[i].len == secret.len && secret.len > 0 && memcmp(secrets[i].data, secret.ptr, secret.len) == 0) {
            return;
        }
    }

    if (secret.len < SHORTEST_SECRET) {
        return;
    }

    char *copy = malloc(secret.len);
    if (copy == NULL) {
        return;
    }

    memcpy(copy, secret.ptr, secret.len);
    /* The oldest one makes room. */
    secret_forget(next_secret);
    secrets[next_secret].data = copy;
    secrets[next_secret].len = secret.len;
    next_secret = (next_secret + 1) % SECRET_COUNT;
}

void cli_secret_forget(void) {
    for (size_t i = 0; i < SECRET_COUNT; i++) {
        secret_forget(i);
    }
}

static size_t min_size(size_t a, size_t b) {
    return a < b ? a : b;
}

/* How many characters from @p text on are of a secret: a whole fragment, or nothing. */
static size_t fragment_at(const char *text, size_t len) {
    for (size_t i = 0; i < SECRET_COUNT; i++) {
        size_t need = min_size(secrets[i].len, FRAGMENT_LEN);
        if (need > 0 && need <= len && memmem(secrets[i].data, secrets[i].len, text, need) != NULL) {
            return need;
        }
    }
    return 0;
}

/* Where the secret that begins at @p at ends; @p at if none does. Fragments that overlap make one. */
static size_t end_of_secret(const char *row, size_t count, size_t at) {
    size_t end = at + fragment_at(row + at, count - at);

    for (size_t i = at + 1; i < end; i++) {
        size_t more = i + fragment_at(row + i, count - i);
        if (more > end) {
            end = more;
        }
    }
    return end;
}

/* One window of the text. Its characters that are no blanks are looked at in a row of their own, with their places: a
 * secret that was broken by blanks is found, too. */
static size_t hide_in_window(char *text, size_t len) {
    char row[WINDOW];
    uint16_t places[WINDOW];
    size_t count = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] != ' ') {
            places[count] = (uint16_t)i;
            row[count] = text[i];
            count++;
        }
    }

    /* What lies between two secrets moves forward: the mask is never longer than what it hides. */
    size_t kept = 0;
    size_t taken = 0;
    for (size_t at = 0; at < count;) {
        size_t end = end_of_secret(row, count, at);
        if (end == at) {
            at++;
            continue;
        }

        memmove(text + kept, text + taken, places[at] - taken);
        kept += places[at] - taken;
        memcpy(text + kept, mask, sizeof mask - 1);
        kept += sizeof mask - 1;
        taken = (size_t)places[end - 1] + 1;
        at = end;
    }

    memmove(text + kept, text + taken, len - taken);
    sbs_wipe(row, sizeof row);
    return kept + len - taken;
}

size_t cli_secret_hide(char *text, size_t len) {
    size_t kept = 0;

    for (size_t at = 0; at < len;) {
        size_t window = min_size(len - at, WINDOW);
        size_t left = hide_in_window(text + at, window);
        memmove(text + kept, text + at, left);
        kept += left;
        at += window;
    }

    return kept;
}
