/* SPDX-License-Identifier: Apache-2.0 */
/* A folder for one test program, and what programs of this machine put into it. */
#ifndef TEST_FOLDER_H
#define TEST_FOLDER_H

#include <stddef.h>
#include <sys/types.h>

/* Makes a folder under TMPDIR and, unless @p script is NULL, runs the script of tests/support with its path as
 * argument; where SBS_TEST_MADE names a folder in which it ran before, what it made is copied from there. The path is
 * released by test_folder_remove(), which removes all that is in it. Each failure fails the test.
 */
char *test_folder_make(const char *script);
void test_folder_remove(char *folder);

/* The content of a file in it, in new memory with a NUL after it. */
char *test_folder_load(const char *folder, const char *name, size_t *out_len);

/* Starts a program (found through PATH) in @p folder, its output going to the file @p log there, or nowhere. It is
 * killed when the test program ends. */
pid_t test_program_start(const char *folder, const char *log, char *const *arguments);

/* Waits for its end and returns its exit status; a signal fails the test. */
int test_program_wait(pid_t pid);

#endif
