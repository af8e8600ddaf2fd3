/* SPDX-License-Identifier: Apache-2.0 */
/* EMULATION ONLY. Arguments, exit, entropy, the address of the network interface. */
#include "sbs/semihosting_emulation_only.h"

#include <string.h>

#include "sbs/board.h"
#include "semihosting_call.h"

#define EXIT_BY_APPLICATION 0x20026u
#define EXIT_NO_COMMAND_LINE 125

uint32_t semihosting_open(const char *path, uint32_t mode) {
    uint32_t parameters[] = {(uint32_t)(uintptr_t)path, mode, (uint32_t)strlen(path)};

    return semihosting_call(SEMIHOSTING_OPEN, parameters);
}

int semihosting_read_all(uint32_t handle, void *buffer, uint32_t len) {
    uint32_t parameters[] = {handle, (uint32_t)(uintptr_t)buffer, len};

    return semihosting_call(SEMIHOSTING_READ, parameters) == 0;
}

int semihosting_write_all(uint32_t handle, const void *data, uint32_t len) {
    uint32_t parameters[] = {handle, (uint32_t)(uintptr_t)data, len};

    return semihosting_call(SEMIHOSTING_WRITE, parameters) == 0;
}

const char *sbs_semihosting_command_line(void) {
    static char line[SBS_SEMIHOSTING_COMMAND_MAX];
    static bool asked;
    if (asked) {
        return line;
    }

    uint32_t parameters[] = {(uint32_t)(uintptr_t)line, sizeof line};
    asked = true;
    if (semihosting_call(SEMIHOSTING_GET_CMDLINE, parameters) == SEMIHOSTING_FAILED) {
        static const char text[] = "semihosting: no command line, or a longer one than there is room for\n";
        sbs_board_console_write(text, sizeof text - 1u);
        sbs_semihosting_exit(EXIT_NO_COMMAND_LINE);
    }

    return line;
}

/* "NAME=VALUE" at a place of the command line: the value, as long as there is room for it and a NUL. */
static bool argument_at(const char *at, size_t len, const char *name, char *out, size_t size) {
    size_t name_len = strlen(name);
    if (len <= name_len || memcmp(at, name, name_len) != 0 || at[name_len] != '=') {
        return false;
    }

    size_t value_len = len - name_len - 1u;
    if (value_len >= size) {
        return false;
    }
    memcpy(out, at + name_len + 1u, value_len);
    out[value_len] = '\0';
    return true;
}

bool sbs_semihosting_argument(const char *name, char *out, size_t size) {
    const char *at = sbs_semihosting_command_line();

    while (*at != '\0') {
        size_t len = strcspn(at, " ");
        if (argument_at(at, len, name, out, size)) {
            return true;
        }

        at += len;
        at += *at == ' ';
    }

    out[0] = '\0';
    return false;
}

sbs_status sbs_board_entropy(uint8_t *out, size_t len) {
    static uint32_t source;
    (void)sbs_board_is_emulation_only[0]; /* without this symbol nothing here links */

    if (source == 0) {
        uint32_t opened = semihosting_open("/dev/urandom", SEMIHOSTING_MODE_READ);
        if (opened == SEMIHOSTING_FAILED) {
            return SBS_ERR_RANDOM;
        }
        source = opened;
    }

    if (!semihosting_read_all(source, out, (uint32_t)len)) {
        return SBS_ERR_RANDOM;
    }
    return SBS_OK;
}

/* ---- the address of the network interface ---- */

/* The value of a hexadecimal digit, -1 for anything else. */
static int hex_value(char digit) {
    static const char digits[] = "0123456789abcdef";
    if (digit == '\0') {
        return -1;
    }

    const char *found = strchr(digits, digit | 0x20);
    if (found == NULL) {
        return -1;
    }
    return (int)(found - digits);
}

static bool mac_from_text(const char *text, uint8_t out_address[6]) {
    if (strlen(text) != 17) {
        return false;
    }

    for (size_t i = 0; i < 6; i++) {
        int high = hex_value(text[3u * i]);
        int low = hex_value(text[3u * i + 1u]);
        if (high < 0 || low < 0 || (i < 5 && text[3u * i + 2u] != ':')) {
            return false;
        }
        out_address[i] = (uint8_t)(high * 16 + low);
    }

    return (out_address[0] & 1u) == 0; /* not one of a group */
}

/* FNV-1a, continued. */
static uint32_t hash_text(uint32_t hash, const char *text) {
    for (const char *at = text; *at != '\0'; at++) {
        hash = (hash ^ (uint8_t)*at) * 16777619u;
    }

    return hash;
}

void sbs_semihosting_mac(const char *board, uint8_t out_address[6]) {
    char text[SBS_SEMIHOSTING_COMMAND_MAX];
    if (sbs_semihosting_argument("mac", text, sizeof text) && mac_from_text(text, out_address)) {
        return;
    }

    /* The folder of the flash tells boards apart, as a device keeps its address with it. */
    (void)sbs_semihosting_argument("flash-dir", text, sizeof text);
    uint32_t hash = hash_text(hash_text(2166136261u, board), text);

    out_address[0] = 0x02; /* locally administered (IEEE 802 section 8.4) */
    out_address[1] = 0x5B;
    for (size_t i = 0; i < 4; i++) {
        out_address[2u + i] = (uint8_t)(hash >> (8u * i));
    }
}

_Noreturn void sbs_semihosting_exit(int status) {
    uint32_t parameters[] = {EXIT_BY_APPLICATION, (uint32_t)status};
    for (;;) {
        (void)semihosting_call(SEMIHOSTING_EXIT_EXTENDED, parameters);
    }
}
