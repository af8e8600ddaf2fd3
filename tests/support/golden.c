/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a golden file: "# size SIZE" or "# size SIZE fill FF" (hexadecimal; zero if nothing else is said), then
 * lines of an offset (hexadecimal), how often the 16 bytes behind it stand there, and these bytes. The last line may
 * have fewer.
 */
#include "golden.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#define ROW 16u

static FILE *golden_open(const char *folder, const char *name, const char *mode) {
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s.txt", folder, name);
    FILE *file = fopen(path, mode);
    if (file == NULL) {
        fail_msg("%s: cannot be opened", path);
    }
    return file;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void put_line(uint8_t *bytes, size_t size, const char *line) {
    unsigned long offset, count;
    char digits[2 * ROW + 1];
    assert_int_equal(sscanf(line, "%lx %lu %32s", &offset, &count, digits), 3);

    size_t len = strlen(digits) / 2;
    for (unsigned long row = 0; row < count; row++) {
        for (size_t i = 0; i < len; i++) {
            const char two[] = {digits[2 * i], digits[2 * i + 1], '\0'};
            size_t at = offset + row * ROW + i;
            assert_true(at < size);
            bytes[at] = (uint8_t)strtoul(two, NULL, 16);
        }
    }
}

uint8_t *golden_load(const char *name, size_t *out_len) {
    char line[160];
    unsigned long size = 0;
    unsigned fill = 0;
    uint8_t *bytes = NULL;

    FILE *file = golden_open(SBS_TEST_DATA_DIR "/golden", name, "r");
    while (fgets(line, sizeof line, file) != NULL) {
        if (line[0] != '#') {
            assert_non_null(bytes);
            put_line(bytes, size, line);
        } else if (sscanf(line, "# size %lx fill %x", &size, &fill) >= 1) {
            bytes = malloc(size);
            assert_non_null(bytes);
            memset(bytes, (int)fill, size);
        }
    }

    assert_int_equal(fclose(file), 0);
    assert_non_null(bytes);
    *out_len = size;
    return bytes;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static bool is_filled(const uint8_t *row, size_t len, uint8_t fill) {
    for (size_t i = 0; i < len; i++) {
        if (row[i] != fill) {
            return false;
        }
    }
    return true;
}

static void save_rows(FILE *file, const uint8_t *bytes, size_t len, uint8_t fill) {
    size_t at = 0;
    while (at < len) {
        size_t row = len - at < ROW ? len - at : ROW;
        size_t count = 1;
        while (at + (count + 1) * ROW <= len && memcmp(bytes + at, bytes + at + count * ROW, ROW) == 0) {
            count++;
        }

        if (!is_filled(bytes + at, row, fill)) {
            (void)fprintf(file, "%zx %zu ", at, count);
            for (size_t i = 0; i < row; i++) {
                (void)fprintf(file, "%02x", bytes[at + i]);
            }
            (void)fprintf(file, "\n");
        }
        at += count * row;
    }
}

static void golden_save(const char *folder, const char *name, const uint8_t *bytes, size_t len) {
    uint8_t fill = len > 0 && bytes[len - 1] == 0xFF ? 0xFF : 0; /* flash ends with what was never written */
    FILE *file = golden_open(folder, name, "w");
    (void)fprintf(file, "# %s: tests/golden/README.md tells what a line says.\n# size %zx fill %02x\n", name, len,
                  fill);
    save_rows(file, bytes, len, fill);
    assert_int_equal(fclose(file), 0);
}

void golden_compare(const char *name, const void *bytes, size_t len) {
    const char *folder = getenv("SBS_GOLDEN");
    if (folder != NULL && folder[0] != '\0') {
        golden_save(folder, name, bytes, len);
        return;
    }

    size_t expected_len;
    uint8_t *expected = golden_load(name, &expected_len);
    assert_int_equal(len, expected_len);
    assert_memory_equal(bytes, expected, len);
    free(expected);
}
