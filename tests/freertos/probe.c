/* SPDX-License-Identifier: Apache-2.0 */
/* Obeys the command "do=..." of the emulated command line in tasks of FreeRTOS; tests/freertos/run says what has to
 * come of it. */
#include <mbedtls/threading.h>
#include <psa/crypto.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "freertos_board.h"
#include "sbs/baremetal_clock.h"
#include "sbs/baremetal_fault.h"
#include "sbs/baremetal_heap.h"
#include "sbs/baremetal_mbedtls.h"
#include "sbs/baremetal_print.h"
#include "sbs/board.h"
#include "sbs/cortex_m.h"
#include "sbs/count.h"
#include "sbs/flash_queue.h"
#include "sbs/flash_storage.h"
#include "sbs/semihosting_emulation_only.h"

#define STACK_WORDS 2048
#define TASKS 2u
#define DRAWS 1000u /* of each */
#define WORDS 32u   /* of a draw: 16 blocks of the generator */
#define EXIT_RESTARTED 3
#define EXIT_UNKNOWN 4

static TaskHandle_t boss;

static int fail(const char *what) {
    sbs_baremetal_print("failed: %s\n", what);
    return 1;
}

/* Two of these of one priority take turns at each tick, wherever they are. */
static void start_task(TaskFunction_t function, const char *name, void *arg, UBaseType_t priority) {
    if (xTaskCreate(function, name, STACK_WORDS, arg, priority, NULL) != pdPASS) {
        sbs_board_exit(fail("no memory for a task"));
    }
}

_Noreturn static void end_task(void) {
    sbs_freertos_wake(boss);
    for (;;) {
        vTaskSuspend(NULL);
    }
}

/* ---- random numbers ---------------------------------------------------------------------------------------------- */

static uint64_t drawn[TASKS * DRAWS * WORDS];
static volatile uint32_t refused;

/* A key that comes and goes: its slot is what another mutex of PSA protects. */
static bool use_key(void) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t key = PSA_KEY_ID_NULL;
    uint8_t mac[32];
    size_t len = 0;

    psa_set_key_type(&attributes, PSA_KEY_TYPE_HMAC);
    psa_set_key_bits(&attributes, 256);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&attributes, PSA_ALG_HMAC(PSA_ALG_SHA_256));

    return psa_generate_key(&attributes, &key) == PSA_SUCCESS &&
           psa_mac_compute(key, PSA_ALG_HMAC(PSA_ALG_SHA_256), mac, sizeof mac, mac, sizeof mac, &len) == PSA_SUCCESS &&
           psa_destroy_key(key) == PSA_SUCCESS;
}

static void draw_task(void *arg) {
    uint64_t *mine = arg;
    for (uint32_t i = 0; i < DRAWS; i++) {
        bool fine = psa_generate_random((uint8_t *)&mine[i * WORDS], WORDS * sizeof mine[0]) == PSA_SUCCESS;
        if (!fine || !use_key()) {
            refused++;
        }
    }

    end_task();
}

static int compare(const void *one, const void *other) {
    uint64_t a = *(const uint64_t *)one;
    uint64_t b = *(const uint64_t *)other;
    return (a > b) - (a < b);
}

/* A switch of tasks every 10 microseconds, so that hardly a place in the generator is left where none was. The clock is
 * wrong from then on. */
static void hurry(void) {
    SBS_SYST_RVR = sbs_board_systick_hz() / 100000u - 9u;
    SBS_SYST_CVR = 0;
}

static int draw_in_tasks(void) {
    uint32_t twice = 0;

    for (uint32_t i = 0; i < TASKS; i++) {
        start_task(draw_task, "draw", &drawn[i * DRAWS * WORDS], 2);
    }
    hurry();
    for (uint32_t i = 0; i < TASKS; i++) {
        sbs_freertos_sleep(SBS_WAIT_FOREVER);
    }

    qsort(drawn, SBS_COUNT_OF(drawn), sizeof drawn[0], compare);
    for (size_t i = 1; i < SBS_COUNT_OF(drawn); i++) {
        twice += drawn[i] == drawn[i - 1u];
    }

    sbs_baremetal_print("%u numbers, %u of them twice, %u refused\n", (unsigned)SBS_COUNT_OF(drawn), (unsigned)twice,
                        (unsigned)refused);
    return twice == 0 && refused == 0 ? 0 : fail("random numbers");
}

/* What a program without mutexes does: the stress has to find it out. */
static int lock_nothing(mbedtls_threading_mutex_t *mutex) {
    (void)mutex;
    return 0;
}

static int draw_without_mutexes(void) {
    mbedtls_mutex_lock = lock_nothing;
    mbedtls_mutex_unlock = lock_nothing;
    return draw_in_tasks();
}

/* ---- heap, clock, stack ------------------------------------------------------------------------------------------ */

static volatile uint32_t spoilt;

static void allocate_task(void *arg) {
    uint8_t mark = *(const uint8_t *)arg;
    uint32_t random = mark;
    for (uint32_t i = 0; i < 20000u; i++) {
        random = random * 1664525u + 1013904223u;
        size_t size = 1u + (random >> 24);
        uint8_t *memory = sbs_baremetal_malloc(size);
        if (memory == NULL) {
            spoilt++;
            continue;
        }
        memset(memory, mark, size);
        for (size_t at = 0; at < size; at++) {
            spoilt += memory[at] != mark;
        }
        sbs_baremetal_free(memory);
    }

    end_task();
}

static int allocate_in_tasks(void) {
    static const uint8_t marks[TASKS] = {1, 2};
    for (uint32_t i = 0; i < TASKS; i++) {
        start_task(allocate_task, "allocate", (void *)(uintptr_t)&marks[i], 2);
    }
    hurry();
    size_t before = sbs_baremetal_heap().live;
    for (uint32_t i = 0; i < TASKS; i++) {
        sbs_freertos_sleep(SBS_WAIT_FOREVER);
    }

    return spoilt == 0 && sbs_baremetal_heap().live == before ? 0 : fail("the heap");
}

/* The kernel's clock and the board's are one, and a sleep takes its time. */
static int check_clock(void) {
    uint64_t begin_ms = sbs_baremetal_ms();
    uint64_t kernel_ms = sbs_freertos_ms();
    sbs_freertos_sleep(250);
    uint64_t slept_ms = sbs_baremetal_ms() - begin_ms;
    uint64_t kernel_slept_ms = sbs_freertos_ms() - kernel_ms;
    if (slept_ms < 249u || slept_ms > 260u || kernel_slept_ms < 249u || kernel_slept_ms > 260u) {
        return fail("a sleep of 250 ms");
    }
    if (sbs_freertos_now().utc_s != SBS_UTC_UNKNOWN) {
        return fail("a time that nobody set");
    }

    sbs_freertos_set_utc(1800000000);
    vTaskDelay(1100u * configTICK_RATE_HZ / 1000u);
    return sbs_freertos_now().utc_s == 1800000001 ? 0 : fail("the wall clock does not run");
}

static uint32_t go_deep(volatile uint32_t depth) {
    volatile uint32_t frame[32] = {depth};
    return depth == 0 ? frame[0] : go_deep(depth - 1u) + frame[0];
}

static void deep_task(void *arg) {
    (void)arg;
    (void)go_deep(40);
    vTaskDelay(1);
    end_task();
}

static int overflow_stack(void) {
    static StaticTask_t task;
    static StackType_t stack[512 + 2048]; /* what it grows over is its own memory, too */
    (void)xTaskCreateStatic(deep_task, "deep", 512, NULL, 2, stack + 2048, &task);
    sbs_freertos_sleep(SBS_WAIT_FOREVER);
    return fail("an overflow went unseen");
}

static int write_null(void) {
    *(volatile uint32_t *)(uintptr_t)(sbs_baremetal_ms() & 0) = 1;
    return fail("a write to NULL went unseen");
}

static int mount_without_lock(void) {
    static sbs_flash_queue queue;
    sbs_flash_queue_config config = {.policy = SBS_FLASH_QUEUE_REFUSE};
    sbs_status without = sbs_flash_queue_mount(&queue, sbs_board_queue_flash(), &config);

    config.lock = sbs_freertos_lock_take;
    config.unlock = sbs_freertos_lock_give;
    sbs_status with = sbs_flash_queue_mount(&queue, sbs_board_queue_flash(), &config);
    return without == SBS_ERR_ARGUMENT && with == SBS_OK ? 0 : fail("a queue without lock hooks");
}

static int say_hello(void) {
    sbs_baremetal_print("hello from a task of " tskKERNEL_VERSION_NUMBER " on %s\n", sbs_board_name());
    return 0;
}

/* ---- commands ---------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int (*function)(void);
} commands[] = {
    {"hello", say_hello},
    {"random", draw_in_tasks},
    {"random-without-mutexes", draw_without_mutexes},
    {"heap", allocate_in_tasks},
    {"clock", check_clock},
    {"overflow", overflow_stack},
    {"write-null", write_null},
    {"queue-without-lock", mount_without_lock},
};

static void start_crypto(void) {
    static sbs_flash_storage storage;
    if (sbs_flash_storage_mount(&storage, sbs_board_storage_flash()) != SBS_OK) {
        sbs_board_exit(fail("no storage"));
    }
    sbs_flash_its_use(&storage);
    if (sbs_freertos_crypto_start(&sbs_baremetal_allocator) != SBS_OK) {
        sbs_board_exit(fail("no cryptography"));
    }
}

static void obey(void *arg) {
    char name[32] = "";
    (void)arg;
    if (sbs_baremetal_last_fault() != NULL) {
        sbs_baremetal_print_last_fault();
        sbs_board_exit(EXIT_RESTARTED);
    }

    start_crypto();
    (void)sbs_semihosting_argument("do", name, sizeof name);
    for (size_t i = 0; i < SBS_COUNT_OF(commands); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            sbs_board_exit(commands[i].function());
        }
    }
    sbs_board_exit(EXIT_UNKNOWN);
}

int main(void) {
    if (xTaskCreate(obey, "boss", STACK_WORDS, NULL, 3, &boss) != pdPASS) {
        return fail("no memory for a task");
    }

    sbs_freertos_board_run();
}
