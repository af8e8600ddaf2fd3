/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/baremetal_print.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "sbs/board.h"

typedef struct conversion {
    unsigned width, precision;
    bool zeros, has_precision;
    unsigned longs; /* l: 1, ll: 2 */
} conversion;

static void pad(char with, size_t len, unsigned width) {
    for (; len < width; len++) {
        sbs_board_console_write(&with, 1);
    }
}

static void print_text(const conversion *how, const char *text) {
    const char *end = how->has_precision ? memchr(text, '\0', how->precision) : NULL;
    size_t len = end != NULL ? (size_t)(end - text) : how->has_precision ? how->precision : strlen(text);
    pad(' ', len, how->width);
    sbs_board_console_write(text, len);
}

static void print_number(const conversion *how, uint64_t value, unsigned base, bool negative) {
    char digits[21];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (negative) {
        digits[--at] = '-';
    }
    pad(how->zeros ? '0' : ' ', sizeof digits - at, how->width);
    sbs_board_console_write(digits + at, sizeof digits - at);
}

static unsigned decimal_at(const char **at) {
    unsigned value = 0;
    while (**at >= '0' && **at <= '9') {
        value = value * 10u + (unsigned)(*(*at)++ - '0');
    }
    return value;
}

/* va_list may be an array, which cannot be passed by address: hence a structure of it. */
typedef struct arguments {
    va_list list;
} arguments;

static conversion conversion_at(const char **at, arguments *from) {
    conversion how = {0};
    how.zeros = **at == '0';
    how.width = decimal_at(at);
    if (**at == '.') {
        (*at)++;
        how.has_precision = true;
        if (**at == '*') {
            (*at)++;
            int given = va_arg(from->list, int);
            how.has_precision = given >= 0;
            how.precision = (unsigned)given;
        } else {
            how.precision = decimal_at(at);
        }
    }
    for (; **at == 'l' || **at == 'z'; (*at)++) {
        how.longs += **at == 'l';
    }
    return how;
}

static void print_signed(const conversion *how, arguments *from) {
    int64_t value = how->longs >= 2 ? va_arg(from->list, long long) : va_arg(from->list, int);
    print_number(how, value < 0 ? 0u - (uint64_t)value : (uint64_t)value, 10, value < 0);
}

static void print_unsigned(const conversion *how, arguments *from, unsigned base) {
    uint64_t value = how->longs >= 2 ? va_arg(from->list, unsigned long long) : va_arg(from->list, unsigned);
    print_number(how, value, base, false);
}

/* @p start: the '%', for what is not known. */
static void print_conversion(const char *start, const char **at, arguments *from) {
    conversion how = conversion_at(at, from);
    char letter = **at;
    *at += letter != '\0';
    switch (letter) {
    case 's':
        print_text(&how, va_arg(from->list, const char *));
        break;
    case 'c': {
        char character = (char)va_arg(from->list, int);
        sbs_board_console_write(&character, 1);
        break;
    }
    case 'd':
        print_signed(&how, from);
        break;
    case 'u':
        print_unsigned(&how, from, 10);
        break;
    case 'x':
        print_unsigned(&how, from, 16);
        break;
    case '%':
        sbs_board_console_write("%", 1);
        break;
    default:
        sbs_board_console_write(start, (size_t)(*at - start));
        break;
    }
}

void sbs_baremetal_vprint(const char *format, va_list list) {
    arguments from;
    va_copy(from.list, list);
    while (*format != '\0') {
        const char *start = format;
        if (*format == '%') {
            format++;
            print_conversion(start, &format, &from);
        } else {
            while (*format != '\0' && *format != '%') {
                format++;
            }
            sbs_board_console_write(start, (size_t)(format - start));
        }
    }
    va_end(from.list);
}

void sbs_baremetal_print(const char *format, ...) {
    va_list list;
    va_start(list, format);
    sbs_baremetal_vprint(format, list);
    va_end(list);
}
