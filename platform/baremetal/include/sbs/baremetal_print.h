/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file baremetal_print.h
 * Printing on the console, small. Nothing secret goes there.
 */
#ifndef SBS_BAREMETAL_PRINT_H
#define SBS_BAREMETAL_PRINT_H

#include <stdarg.h>
#include <stddef.h>

/**
 * As printf, with %s, %c, %d, %u, %x, %% and the length modifiers l, ll and z; a width, with leading zeros or spaces;
 * "%.*s" and "%.8s". Anything else is printed as it stands. Waits while the console's FIFO is full.
 */
void sbs_baremetal_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** The same with the arguments as a list. */
void sbs_baremetal_vprint(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

#endif
