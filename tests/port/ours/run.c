/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include <stdio.h>
#include <string.h>

#include "sbs/linux_clock.h"
#include "sbs/linux_loop.h"

run_heard run_results;
bool run_is_quiet;
static uint64_t skipped_ms;

/* "LABEL: SUBJECT: SENTENCE" or "... (needs WHAT)". */
static void run_note(char result, const char *line) {
    const char *sentence = strstr(strchr(line, ':') + 1, ": ");
    assert_non_null(sentence);
    assert_true(run_results.count < RUN_SENTENCES);

    char *kept = run_results.sentences[run_results.count];
    (void)snprintf(kept, sizeof run_results.sentences[0], "%s", sentence + 2);
    char *why = result == 'n' ? strstr(kept, " (needs ") : NULL;
    if (why != NULL) {
        *why = '\0';
    }

    run_results.results[run_results.count++] = result;
}

static void run_say(const char *line) {
    if (!run_is_quiet) {
        (void)printf("%s\n", line);
    }

    if (strncmp(line, "ok: ", 4) == 0) {
        run_results.ok++;
        run_note('o', line);
    } else if (strncmp(line, "FAILED: ", 8) == 0) {
        run_results.failed++;
        run_note('F', line);
    } else if (strncmp(line, "not checked: ", 13) == 0) {
        run_results.missing++;
        run_note('n', line);
    } else if (strncmp(line, "    came:     ", 14) == 0) {
        assert_true(run_results.count > 0);
        (void)snprintf(run_results.came[run_results.count - 1], sizeof run_results.came[0], "%s", line + 14);
    }
}

static sbs_now run_now(void) {
    sbs_now now = sbs_linux_now();
    now.mono_ms += skipped_ms;
    return now;
}

static void run_wait(const sbs_wait *wait) {
    (void)sbs_linux_wait(wait);
}

void run_skip_ms(uint64_t ms) {
    skipped_ms += ms;
}

port_suite run_begin(const char *only) {
    memset(&run_results, 0, sizeof run_results);
    return (port_suite){.say = run_say, .now = run_now, .wait = run_wait, .only = only};
}

void run_assert_sound(unsigned failures, unsigned missing) {
    assert_int_equal(failures, 0);
    assert_int_equal(run_results.failed, 0);
    assert_true(run_results.ok > 0);
    assert_int_equal(run_results.missing, missing);
}

static bool stands_in(const char *sentence, const char *row, size_t size, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *broken;
        memcpy(&broken, row + i * size, sizeof broken);
        if (strcmp(broken, sentence) == 0) {
            return true;
        }
    }

    return false;
}

void run_assert_each_is_broken(const void *table, size_t size, size_t count) {
    assert_true(run_results.count > 0);
    for (unsigned i = 0; i < run_results.count; i++) {
        if (!stands_in(run_results.sentences[i], table, size, count)) {
            fail_msg("no broken port shows that this can fail: %s", run_results.sentences[i]);
        }
    }
}

static unsigned run_find(const char *sentence) {
    unsigned i = 0;
    while (i < run_results.count && strcmp(run_results.sentences[i], sentence) != 0) {
        i++;
    }

    return i;
}

char run_result(const char *sentence) {
    unsigned i = run_find(sentence);
    if (i < run_results.count) {
        return run_results.results[i];
    }

    return 0;
}

const char *run_came(const char *sentence) {
    unsigned i = run_find(sentence);
    assert_true(i < run_results.count);
    return run_results.came[i];
}
