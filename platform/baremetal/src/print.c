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

static void print_padding(char with, size_t len, unsigned width) {
    for (; len < width; len++) {
        sbs_board_console_write(&with, 1);
    }
}

static void print_text(const conversion *how, const char *text) {
    size_t len = how->precision;
    if (!how->has_precision) {
        len = strlen(text);
    } else { /* such a text need not end in a NUL */
        const char *end = memchr(text, '\0', len);
        if (end != NULL) {
            len = (size_t)(end - text);
        }
    }

    print_padding(' ', len, how->width);
    sbs_board_console_write(text, len);
}

static void print_number(const conversion *how, uint64_t value, unsigned base, bool negative) {
    /* From the last digit to the first. 21 characters are a sign and the largest number. */
    char digits[21];
    size_t at = sizeof digits;

    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (negative) {
        digits[--at] = '-';
    }

    print_padding(how->zeros ? '0' : ' ', sizeof digits - at, how->width);
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

/* Behind the point of a conversion: a number, or a star for one among the arguments. A negative one counts as none. */
static void precision_at(const char **at, arguments *from, conversion *how) {
    how->has_precision = true;
    if (**at != '*') {
        how->precision = decimal_at(at);
        return;
    }

    (*at)++;
    int given = va_arg(from->list, int);
    how->has_precision = given >= 0;
    how->precision = (unsigned)given;
}

static conversion conversion_at(const char **at, arguments *from) {
    conversion how = {0};
    how.zeros = **at == '0';
    how.width = decimal_at(at);

    if (**at == '.') {
        (*at)++;
        precision_at(at, from, &how);
    }

    for (; **at == 'l' || **at == 'z'; (*at)++) {
        how.longs += **at == 'l';
    }
    return how;
}

static void print_signed(const conversion *how, arguments *from) {
    int64_t value = 0;
    if (how->longs >= 2) {
        value = va_arg(from->list, long long);
    } else {
        value = va_arg(from->list, int);
    }

    /* The smallest number has no positive one of its own size, but an unsigned one. */
    uint64_t magnitude = (uint64_t)value;
    if (value < 0) {
        magnitude = 0u - magnitude;
    }
    print_number(how, magnitude, 10, value < 0);
}

static void print_unsigned(const conversion *how, arguments *from, unsigned base) {
    uint64_t value = 0;
    if (how->longs >= 2) {
        value = va_arg(from->list, unsigned long long);
    } else {
        value = va_arg(from->list, unsigned);
    }

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
    default: /* it is printed as it stands, so that it is seen */
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
            continue;
        }

        while (*format != '\0' && *format != '%') {
            format++;
        }
        sbs_board_console_write(start, (size_t)(format - start));
    }

    va_end(from.list);
}

void sbs_baremetal_print(const char *format, ...) {
    va_list list;
    va_start(list, format);
    sbs_baremetal_vprint(format, list);
    va_end(list);
}
