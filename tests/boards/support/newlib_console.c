/* SPDX-License-Identifier: Apache-2.0 */
/* What newlib's stdio asks of a system, for test programs: output to the console and nothing else. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sbs/board.h"
#include "sbs/semihosting_emulation_only.h"

int _open(const char *path, int flags, int mode);
int _write(int file, const void *data, size_t len);
int _read(int file, void *data, size_t len);
int _close(int file);
int _fstat(int file, struct stat *out);
int _isatty(int file);
int _lseek(int file, int offset, int whence);
int _kill(int process, int signal);
int _getpid(void);
_Noreturn void _exit(int status);

int _open(const char *path, int flags, int mode) {
    (void)path, (void)flags, (void)mode;
    errno = ENOENT;
    return -1;
}

int _write(int file, const void *data, size_t len) {
    (void)file;
    sbs_board_console_write(data, len);
    return (int)len;
}

int _read(int file, void *data, size_t len) {
    (void)file, (void)data, (void)len;
    return 0;
}

int _close(int file) {
    (void)file;
    return 0;
}

int _fstat(int file, struct stat *out) {
    (void)file;
    out->st_mode = S_IFCHR;
    return 0;
}

int _isatty(int file) {
    (void)file;
    return 1;
}

int _lseek(int file, int offset, int whence) {
    (void)file, (void)offset, (void)whence;
    return 0;
}

int _kill(int process, int signal) {
    (void)process, (void)signal;
    errno = EINVAL;
    return -1;
}

int _getpid(void) {
    return 1;
}

_Noreturn void _exit(int status) {
    sbs_board_exit(status);
}

/* The environment is the emulated command line: SBS_LONG=1. */
char *getenv(const char *name) {
    static char value[64];
    return sbs_semihosting_argument(name, value, sizeof value) ? value : NULL;
}
