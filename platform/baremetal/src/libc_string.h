/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of libc_string.c. They have the C library's names; a test, which has those already, calls them own_...
 */
#ifndef SBS_LIBC_STRING_H
#define SBS_LIBC_STRING_H

#include <stddef.h>

#if defined(SBS_LIBC_TEST)
#define memmove own_memmove
#define memcpy own_memcpy
#define memset own_memset
#define memcmp own_memcmp
#define memchr own_memchr
#define strlen own_strlen
#define strcmp own_strcmp
#define strchr own_strchr
#endif

void *memmove(void *to, const void *from, size_t len);
void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memset(void *to, int value, size_t len);
int memcmp(const void *a, const void *b, size_t len);
void *memchr(const void *memory, int value, size_t len);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
char *strchr(const char *text, int value);

#endif
