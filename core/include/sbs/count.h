/* SPDX-License-Identifier: Apache-2.0 */
/* How many elements an array has. */
#ifndef SBS_COUNT_H
#define SBS_COUNT_H

/** The number of elements of @p array, a constant of type size_t. Only for arrays: a pointer gives a wrong number (gcc
 * and clang warn). */
#define SBS_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
