/* SPDX-License-Identifier: Apache-2.0 */
/* EMULATION ONLY. Arguments, exit, entropy, the address of the network interface. */
#include "sbs/semihosting_emulation_only.h"

#include <string.h>

#include "sbs/board.h"
#include "semihosting_call.h"

#define EXIT_BY_APPLICATION 0x20026u
#define EXIT_NO_COMMAND_LINE 125

uint32_t semihosting_open(const char *path, uint32_t mode) {
    const uint32_t parameters[3] = {(uint32_t)(uintptr_t)path, mode, (uint32_t)strlen(path)};
    return semihosting_call(SEMIHOSTING_OPEN, parameters);
}

int semihosting_read_all(uint32_t handle, void *buffer, uint32_t len) {
    const uint32_t parameters[3] = {handle, (uint32_t)(uintptr_t)buffer, len};
    return semihosting_call(SEMIHOSTING_READ, parameters) == 0;
}

int semihosting_write_all(uint32_t handle, const void *data, uint32_t len) {
    const uint32_t parameters[3] = {handle, (uint32_t)(uintptr_t)data, len};
    return semihosting_call(SEMIHOSTING_WRITE, parameters) == 0;
}

const char *sbs_semihosting_command_line(void) {
    static char line[SBS_SEMIHOSTING_COMMAND_MAX];
    static bool asked;
    if (!asked) {
        const uint32_t parameters[2] = {(uint32_t)(uintptr_t)line, sizeof line};
        asked = true;
        if (semihosting_call(SEMIHOSTING_GET_CMDLINE, parameters) == SEMIHOSTING_FAILED) {
            static const char text[] = "semihosting: no command line, or a longer one than there is room for\n";
            sbs_board_console_write(text, sizeof text - 1u);
            sbs_semihosting_exit(EXIT_NO_COMMAND_LINE);
        }
    }
    return line;
}

bool sbs_semihosting_argument(const char *name, char *out, size_t size) {
    size_t name_len = strlen(name);
    const char *at = sbs_semihosting_command_line();
    while (*at != '\0') {
        size_t len = strcspn(at, " ");
        if (len > name_len && memcmp(at, name, name_len) == 0 && at[name_len] == '=' && len - name_len - 1u < size) {
            memcpy(out, at + name_len + 1u, len - name_len - 1u);
            out[len - name_len - 1u] = '\0';
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
    (void)sbs_board_is_emulation_only[0];
    if (source == 0) {
        uint32_t opened = semihosting_open("/dev/urandom", SEMIHOSTING_MODE_READ);
        if (opened == SEMIHOSTING_FAILED) {
            return SBS_ERR_RANDOM;
        }
        source = opened;
    }
    return semihosting_read_all(source, out, (uint32_t)len) ? SBS_OK : SBS_ERR_RANDOM;
}

static int hex_digit(char digit) {
    const char *found = digit == '\0' ? NULL : strchr("0123456789abcdef", digit | 0x20);
    return found == NULL ? -1 : (int)(found - "0123456789abcdef");
}

static bool mac_from_text(const char *text, uint8_t out_address[6]) {
    if (strlen(text) != 17) {
        return false;
    }
    for (size_t i = 0; i < 6; i++) {
        int high = hex_digit(text[3u * i]);
        int low = hex_digit(text[3u * i + 1u]);
        if (high < 0 || low < 0 || (i < 5 && text[3u * i + 2u] != ':')) {
            return false;
        }
        out_address[i] = (uint8_t)(high * 16 + low);
    }
    return (out_address[0] & 1u) == 0;
}

void sbs_semihosting_mac(const char *board, uint8_t out_address[6]) {
    char text[SBS_SEMIHOSTING_COMMAND_MAX];
    if (sbs_semihosting_argument("mac", text, sizeof text) && mac_from_text(text, out_address)) {
        return;
    }
    uint32_t hash = 2166136261u; /* FNV-1a */
    (void)sbs_semihosting_argument("flash-dir", text, sizeof text);
    for (const char *at = board; *at != '\0'; at++) {
        hash = (hash ^ (uint8_t)*at) * 16777619u;
    }
    for (const char *at = text; *at != '\0'; at++) {
        hash = (hash ^ (uint8_t)*at) * 16777619u;
    }
    out_address[0] = 0x02; /* locally administered (IEEE 802 section 8.4) */
    out_address[1] = 0x5B;
    for (size_t i = 0; i < 4; i++) {
        out_address[2u + i] = (uint8_t)(hash >> (8u * i));
    }
}

_Noreturn void sbs_semihosting_exit(int status) {
    const uint32_t parameters[2] = {EXIT_BY_APPLICATION, (uint32_t)status};
    for (;;) {
        (void)semihosting_call(SEMIHOSTING_EXIT_EXTENDED, parameters);
    }
}
