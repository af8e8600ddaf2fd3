/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of stdio that cmocka and the unit tests use, on the console. newlib's own knows neither %zu nor %llu in the
 * form that Debian builds, and takes 7 KB of stack.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "sbs/board.h"

/* Where the text goes: a buffer, or the console if @c buffer is NULL. */
typedef struct sink {
    char *buffer;
    size_t size, len;
} sink;

typedef struct conversion {
    int width, precision;
    bool zeros, left;
    size_t bytes; /* of the integer */
} conversion;

static void put(sink *to, const char *text, size_t len) {
    for (size_t i = 0; i < len; i++, to->len++) {
        if (to->buffer == NULL) {
            sbs_board_console_write(text + i, 1);
        } else if (to->len + 1u < to->size) {
            to->buffer[to->len] = text[i];
        }
    }
}

static void put_padding(sink *to, char with, size_t len, int width) {
    for (; width > 0 && len < (size_t)width; len++) {
        put(to, &with, 1);
    }
}

static void put_padded(sink *to, const conversion *how, const char *text, size_t len) {
    put_padding(to, how->zeros && !how->left ? '0' : ' ', len, how->left ? 0 : how->width);
    put(to, text, len);
    put_padding(to, ' ', len, how->left ? how->width : 0);
}

static void put_integer(sink *to, const conversion *how, uint64_t value, unsigned base, const char *digits) {
    char text[24];
    size_t at = sizeof text;
    int least = how->precision < 0 ? 1 : how->precision < 20 ? how->precision : 20;
    bool negative = base == 10 && digits[0] == '-';
    value = negative ? 0u - value : value;
    for (int i = 0; i < least || value != 0; i++, value /= base) {
        text[--at] = (digits + 1)[value % base];
    }
    if (negative) {
        text[--at] = '-';
    }
    put_padded(to, how, text + at, sizeof text - at);
}

static int number_at(const char **at, va_list *from) {
    int value = 0;
    if (**at == '*') {
        (*at)++;
        return va_arg(*from, int);
    }
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        value = value * 10 + (**at - '0');
    }
    return value;
}

static conversion conversion_at(const char **at, va_list *from) {
    conversion how = {.precision = -1, .bytes = sizeof(int)};
    for (; **at == '0' || **at == '-' || **at == '#'; (*at)++) { /* 0x is left out */
        how.zeros |= **at == '0';
        how.left |= **at == '-';
    }
    how.width = number_at(at, from);
    if (**at == '.') {
        (*at)++;
        how.precision = number_at(at, from);
    }
    for (; **at != '\0' && strchr("hlzjt", **at) != NULL; (*at)++) {
        if (**at == 'j' || (**at == 'l' && (*at)[-1] == 'l')) {
            how.bytes = sizeof(uint64_t);
        }
    }
    return how;
}

static void put_conversion(sink *to, const char *start, const char **at, va_list *from) {
    conversion how = conversion_at(at, from);
    char letter = **at;
    *at += letter != '\0';
    if (letter == 's') {
        const char *text = va_arg(*from, const char *);
        const char *end = how.precision >= 0 ? memchr(text, '\0', (size_t)how.precision) : text + strlen(text);
        put_padded(to, &how, text, end != NULL ? (size_t)(end - text) : (size_t)how.precision);
    } else if (letter == 'c') {
        char character = (char)va_arg(*from, int);
        put_padded(to, &how, &character, 1);
    } else if (letter == 'd' || letter == 'i') {
        int64_t value = how.bytes == sizeof(int) ? va_arg(*from, int) : va_arg(*from, int64_t);
        put_integer(to, &how, (uint64_t)value, 10, value < 0 ? "-0123456789" : "+0123456789");
    } else if (letter == 'u' || letter == 'x' || letter == 'X' || letter == 'p') {
        uint64_t value = how.bytes == sizeof(int) ? va_arg(*from, unsigned) : va_arg(*from, uint64_t);
        put_integer(to, &how, value, letter == 'u' ? 10 : 16,
                    letter == 'X' ? "+0123456789ABCDEF" : "+0123456789abcdef");
    } else {
        put(to, start, (size_t)(*at - start));
    }
}

static int format_into(sink *to, const char *format, va_list given) {
    struct {
        va_list list; /* in a structure, as its address is taken */
    } from;
    va_copy(from.list, given);
    while (*format != '\0') {
        const char *start = format++;
        if (start[0] == '%' && start[1] == '%') {
            put(to, format++, 1);
        } else if (start[0] == '%') {
            put_conversion(to, start, &format, &from.list);
        } else {
            put(to, start, 1);
        }
    }
    va_end(from.list);
    if (to->buffer != NULL && to->size > 0) {
        to->buffer[to->len < to->size ? to->len : to->size - 1u] = '\0';
    }
    return (int)to->len;
}

int vsnprintf(char *buffer, size_t size, const char *format, va_list given) {
    char nothing;
    sink to = {size > 0 ? buffer : &nothing, size, 0};
    return format_into(&to, format, given);
}

int snprintf(char *buffer, size_t size, const char *format, ...) {
    va_list given;
    va_start(given, format);
    int len = vsnprintf(buffer, size, format, given);
    va_end(given);
    return len;
}

/* What newlib's strftime() calls; its own would bring a second snprintf(). */
int sniprintf(char *buffer, size_t size, const char *format, ...) __attribute__((alias("snprintf")));

int vfprintf(FILE *file, const char *format, va_list given) {
    sink to = {0};
    (void)file;
    return format_into(&to, format, given);
}

int vprintf(const char *format, va_list given) {
    return vfprintf(stdout, format, given);
}

int fprintf(FILE *file, const char *format, ...) {
    va_list given;
    va_start(given, format);
    int len = vfprintf(file, format, given);
    va_end(given);
    return len;
}

int printf(const char *format, ...) {
    va_list given;
    va_start(given, format);
    int len = vfprintf(stdout, format, given);
    va_end(given);
    return len;
}

int puts(const char *text) {
    return printf("%s\n", text);
}

int putchar(int character) {
    return printf("%c", character);
}

int fputs(const char *text, FILE *file) {
    return fprintf(file, "%s", text);
}

int fputc(int character, FILE *file) {
    return fprintf(file, "%c", character);
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *file) {
    (void)file;
    sbs_board_console_write(data, size * count);
    return count;
}
