/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What programs use of <string.h>, in few bytes: the C library's are written for speed and take four times as much.
 * Copying and clearing go by words, as records, frames and big numbers pass through them; the rest is for short texts.
 *
 * * Compiled without link-time optimisation (the linker calls these behind the compiler's back) and so that no loop
 * becomes a call of the function that it is in. Tests give the functions other names.
 */
#include <stdint.h>

#include "libc_string.h"

typedef uint32_t __attribute__((may_alias)) word;

#define WORD sizeof(word)
#define STEP (4 * WORD) /* big numbers are cleared and copied more often than anything else */

void *memmove(void *to, const void *from, size_t len) {
    uint8_t *out = to;
    const uint8_t *in = from;

    /* The end of what is read is written too early: from the end, then. */
    if ((uintptr_t)out - (uintptr_t)in < len) {
        while (len > 0) {
            --len;
            out[len] = in[len];
        }
        return to;
    }

    if (((uintptr_t)out | (uintptr_t)in) % WORD == 0) {
        for (; len >= STEP; len -= STEP) {
            const word *read = (const word *)(const void *)in;
            word first = read[0], second = read[1], third = read[2], fourth = read[3];
            word *write = (word *)(void *)out;
            write[0] = first;
            write[1] = second;
            write[2] = third;
            write[3] = fourth;
            out += STEP;
            in += STEP;
        }

        for (; len >= WORD; len -= WORD) {
            *(word *)(void *)out = *(const word *)(const void *)in;
            out += WORD;
            in += WORD;
        }
    }

    for (; len > 0; --len) {
        *out++ = *in++;
    }

    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t len) {
    return memmove(to, from, len);
}

void *memset(void *to, int value, size_t len) {
    uint8_t *out = to;
    uint8_t byte = (uint8_t)value;

    for (; len > 0 && (uintptr_t)out % WORD != 0; --len) {
        *out++ = byte;
    }

    const word all = byte * 0x01010101u;
    for (; len >= STEP; len -= STEP) {
        word *write = (word *)(void *)out;
        write[0] = all;
        write[1] = all;
        write[2] = all;
        write[3] = all;
        out += STEP;
    }

    for (; len >= WORD; len -= WORD) {
        *(word *)(void *)out = all;
        out += WORD;
    }

    for (; len > 0; --len) {
        *out++ = byte;
    }

    return to;
}

int memcmp(const void *a, const void *b, size_t len) {
    const uint8_t *left = a, *right = b;
    for (size_t i = 0; i < len; i++) {
        if (left[i] != right[i]) {
            return left[i] - right[i];
        }
    }
    return 0;
}

void *memchr(const void *memory, int value, size_t len) {
    const uint8_t *at = memory;
    for (; len > 0; --len, at++) {
        if (*at == (uint8_t)value) {
            return (void *)(uintptr_t)at;
        }
    }
    return NULL;
}

size_t strlen(const char *text) {
    const char *end = text;
    while (*end != '\0') {
        end++;
    }
    return (size_t)(end - text);
}

int strcmp(const char *a, const char *b) {
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return (uint8_t)*a - (uint8_t)*b;
}

char *strchr(const char *text, int value) {
    while (*text != (char)value) {
        if (*text == '\0') {
            return NULL;
        }
        text++;
    }
    return (char *)(uintptr_t)text;
}
