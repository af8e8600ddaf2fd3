/* SPDX-License-Identifier: Apache-2.0 */
/* Obeys the command "do=..." of the emulated command line; tests/boards/board_tests.py says what has to come of it. */
#include "probe.h"

#include <string.h>

#include "sbs/baremetal_clock.h"
#include "sbs/baremetal_fault.h"
#include "sbs/baremetal_heap.h"
#include "sbs/baremetal_print.h"
#include "sbs/baremetal_stack.h"
#include "sbs/baremetal_watchdog.h"
#include "sbs/board.h"
#include "sbs/count.h"
#include "sbs/semihosting_emulation_only.h"

#define EXIT_RESTARTED 3
#define EXIT_UNKNOWN 4
#define END_OF_INPUT 4 /* EOT */
#define HELD_WATCHDOG_MS 8000u

static int fail(const char *what) {
    sbs_baremetal_print("failed: %s\n", what);
    return 1;
}

/* Takes all of the heap, is refused, gives all back, and can take it again. */
static int use_up_heap(void) {
    size_t rounds[2] = {0, 0};
    for (int round = 0; round < 2; round++) {
        void **list = NULL;
        void **block;
        while ((block = sbs_baremetal_malloc(1000)) != NULL) {
            *block = list;
            list = block;
            rounds[round]++;
        }
        while (list != NULL) {
            block = list;
            list = *block;
            sbs_baremetal_free(block);
        }
    }
    sbs_heap_account heap = sbs_baremetal_heap();
    sbs_baremetal_print("blocks %zu %zu, heap %zu of %zu, live %zu, most %zu, failures %u\n", rounds[0], rounds[1],
                        heap.high_water, heap.size, heap.live, heap.live_max, (unsigned)heap.failures);
    if (sbs_baremetal_calloc(0x10001u, 0x10000u) != NULL) {
        return fail("a product that overflows was allocated");
    }
    bool right = rounds[0] > 10 && rounds[1] == rounds[0] && heap.live == 0 && heap.failures == 2 &&
                 heap.high_water <= heap.size && heap.live_max >= rounds[0] * 1000u &&
                 sbs_baremetal_heap().failures == 3;
    return right ? 0 : fail("the account of the heap");
}

static int print_all(void) {
    sbs_baremetal_print("[%s|%5s|%.2s|%.*s|%c|%%]", "text", "ab", "xyz", 1, "pq", 'c');
    sbs_baremetal_print("[%d|%d|%u|%x|%08x|%4u|%04d]", -5, 2147483647, 4294967295u, 0xbeefu, 0x1au, 7u, 42);
    sbs_baremetal_print("[%llu|%lld|%zu|%lu]", 18446744073709551615ull, -9223372036854775807ll - 1, (size_t)9, 8ul);
    sbs_baremetal_print("[%d|%i]\n", 0, 0);
    return 0;
}

/* The clocks agree with each other, never go back, and the wall clock keeps to its bound. */
static int check_clock(void) {
    uint64_t last_us = sbs_baremetal_us();
    uint64_t begin_ms = sbs_baremetal_ms();
    while (sbs_baremetal_ms() < begin_ms + 200u) {
        uint64_t before = sbs_baremetal_ms();
        uint64_t us = sbs_baremetal_us();
        uint64_t after = sbs_baremetal_ms();
        if (us < last_us || us / 1000u < before || us / 1000u > after) {
            return fail("microseconds and milliseconds");
        }
        last_us = us;
    }
    uint64_t ticks = sbs_baremetal_ticks();
    sbs_baremetal_idle();
    if (sbs_baremetal_ticks() <= ticks) {
        return fail("ticks stand still");
    }
    int64_t bound = sbs_baremetal_utc_bound();
    if (bound < 1700000000 || sbs_baremetal_now().utc_s != SBS_UTC_UNKNOWN ||
        sbs_baremetal_set_utc(bound - 1) == SBS_OK || sbs_baremetal_now().utc_s != SBS_UTC_UNKNOWN) {
        return fail("a time before the build was taken");
    }
    sbs_baremetal_raise_utc_bound(bound + 1000);
    sbs_baremetal_raise_utc_bound(bound);
    if (sbs_baremetal_utc_bound() != bound + 1000 || sbs_baremetal_set_utc(bound + 999) == SBS_OK ||
        sbs_baremetal_set_utc(bound + 1000) != SBS_OK) {
        return fail("the bound");
    }
    sbs_now set = sbs_baremetal_now();
    while (sbs_baremetal_ms() < set.mono_ms + 1100u) {
        sbs_baremetal_idle();
    }
    int64_t later = sbs_baremetal_now().utc_s;
    return later == bound + 1001 ? 0 : fail("the wall clock does not run");
}

/* Gives back what comes, slowly at times, until EOT. */
static int echo(void) {
    uint32_t count = 0;
    sbs_baremetal_print("ready\n");
    for (;;) {
        int byte = sbs_board_console_read();
        if (byte == END_OF_INPUT) {
            sbs_baremetal_print("\nechoed %u\n", (unsigned)count);
            return 0;
        }
        if (byte >= 0) {
            char letter = (char)byte;
            sbs_board_console_write(&letter, 1);
            if (++count % 1000u == 0) {
                sbs_baremetal_idle();
            }
        }
    }
}

/* Says that it is alive until EOT comes, whoever holds the processor meanwhile. */
static int stay_alive(void) {
    sbs_baremetal_watchdog_start(HELD_WATCHDOG_MS);
    sbs_baremetal_print("ready\n");

    while (sbs_board_console_read() != END_OF_INPUT) {
        sbs_baremetal_watchdog_alive();
        sbs_baremetal_idle();
    }

    sbs_baremetal_print("still here\n");
    return 0;
}

/* Programs a pattern over the region, again and again, telling each sector that is done. */
static int use_flash(void) {
    static uint8_t block[256], got[256];
    const sbs_flash *flash = sbs_board_queue_flash();
    if (flash == NULL || flash == sbs_board_storage_flash()) {
        return fail("no flash");
    }
    sbs_baremetal_print("flash %u %u %u\n", (unsigned)flash->sector_size, (unsigned)flash->sector_count,
                        (unsigned)flash->program_unit);
    for (uint32_t turn = 1;; turn++) {
        for (uint32_t sector = 0; sector < flash->sector_count; sector++) {
            uint32_t base = sector * flash->sector_size;
            if (flash->ops->erase(flash->ctx, base) != SBS_OK) {
                return fail("erase");
            }
            memset(block, (int)(turn & 0x7Fu), sizeof block);
            for (uint32_t at = 0; at < flash->sector_size; at += sizeof block) {
                if (flash->ops->program(flash->ctx, base + at, block, sizeof block) != SBS_OK ||
                    flash->ops->read(flash->ctx, base + at, got, sizeof got) != SBS_OK ||
                    memcmp(block, got, sizeof block) != 0) {
                    return fail("program");
                }
            }
            sbs_baremetal_print("done %u %u\n", (unsigned)(turn & 0x7Fu), (unsigned)sector);
        }
    }
}

/* The rules of sbs/flash.h: who breaks them is refused and changes nothing. */
static int break_flash_rules(void) {
    uint8_t unit[8] = {0};
    const sbs_flash *flash = sbs_board_storage_flash();
    uint32_t end = flash->sector_size * flash->sector_count;
    const sbs_flash_ops *ops = flash->ops;
    void *ctx = flash->ctx;
    if (ops->erase(ctx, 0) != SBS_OK || ops->program(ctx, 0, unit, 4) != SBS_OK ||
        ops->program(ctx, 4, unit, 4) != SBS_OK) {
        return fail("the ordinary case");
    }
    bool refused =
        ops->program(ctx, 0, unit, 4) == SBS_ERR_STORAGE && ops->program(ctx, 10, unit, 4) == SBS_ERR_STORAGE &&
        ops->program(ctx, 8, unit, 3) == SBS_ERR_STORAGE && ops->program(ctx, end, unit, 4) == SBS_ERR_STORAGE &&
        ops->read(ctx, end - 4u, unit, 8) == SBS_ERR_STORAGE && ops->erase(ctx, 4) == SBS_ERR_STORAGE &&
        ops->erase(ctx, end) == SBS_ERR_STORAGE;
    bool kept = ops->read(ctx, 8, unit, 4) == SBS_OK && memcmp(unit, "\xFF\xFF\xFF\xFF", 4) == 0;
    return refused && kept ? 0 : fail("a rule of the flash was broken");
}

/* Sends each frame back, its addresses exchanged, until one of type 0x88B6 (local experimental) ends it. */
static int return_frames(void) {
    static uint8_t frame[SBS_ETHERNET_FRAME_MAX];
    const sbs_ethernet *net = sbs_board_ethernet();
    size_t len = 0;
    if (net == NULL) {
        return fail("no Ethernet controller");
    }
    sbs_baremetal_print("address %02x:%02x:%02x:%02x:%02x:%02x link %d\n", net->address[0], net->address[1],
                        net->address[2], net->address[3], net->address[4], net->address[5],
                        net->ops->link_up(net->ctx));
    for (;;) {
        sbs_status status = net->ops->receive_begin(net->ctx, &len);
        if (status != SBS_OK) {
            continue;
        }
        /* In pieces of odd sizes; of some frames only the beginning is read. */
        size_t read = len % 7u == 3u ? SBS_ETHERNET_HEADER : len;
        for (size_t at = 0, part = 1; at < read; at += part, part = part % 61u + 1u) {
            part = part < read - at ? part : read - at;
            net->ops->receive(net->ctx, frame + at, part);
        }
        net->ops->receive_end(net->ctx);
        if (frame[12] == 0x88 && frame[13] == 0xB6) {
            return 0;
        }
        if (frame[12] == 0x88 && frame[13] == 0xB7) { /* the sender wants a pause, so that the FIFO overflows */
            sbs_baremetal_print("pause\n");
            for (uint64_t end = sbs_baremetal_ms() + 1000u; sbs_baremetal_ms() < end;) {
                sbs_baremetal_idle();
            }
            sbs_baremetal_print("awake\n");
            continue;
        }
        uint8_t other[6];
        memcpy(other, frame, 6);
        memcpy(frame, frame + 6, 6);
        memcpy(frame + 6, net->address, 6);
        size_t reply = read < len ? SBS_ETHERNET_HEADER : len;
        while (net->ops->send_begin(net->ctx, reply) == SBS_PENDING) {
        }
        for (size_t at = 0, part = 1; at < reply; at += part, part = part % 53u + 1u) {
            part = part < reply - at ? part : reply - at;
            net->ops->send(net->ctx, frame + at, part);
        }
        net->ops->send_end(net->ctx);
    }
}

int main(void) {
    static const struct {
        const char *name;
        int (*act)(void);
    } commands[] = {
        {"heap", use_up_heap},       {"print", print_all},
        {"clock", check_clock},      {"echo", echo},
        {"flash", use_flash},        {"flash-rules", break_flash_rules},
        {"ethernet", return_frames}, {"stay-alive", stay_alive},
    };
    char command[24];
    (void)sbs_semihosting_argument("do", command, sizeof command);
    if (sbs_baremetal_last_fault() != NULL) {
        sbs_baremetal_print_last_fault();
        return EXIT_RESTARTED;
    }
    sbs_baremetal_print("do %s\n", command);
    for (size_t i = 0; i < SBS_COUNT_OF(commands); i++) {
        if (strcmp(command, commands[i].name) == 0) {
            return commands[i].act();
        }
    }
    probe_fault(command);
    return EXIT_UNKNOWN;
}
