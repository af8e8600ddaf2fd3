/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated NOR flash that keeps the rules of sbs/flash.h, and breaks off in the middle of an operation. A rule that
 * the code under test breaks (a unit programmed twice, an unaligned operation) aborts the test. */
#ifndef FLASH_SIM_H
#define FLASH_SIM_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "sbs/flash.h"

/* What the bytes concerned read as after a cut. */
typedef enum flash_sim_tear {
    FLASH_SIM_PREFIX,    /* the first ones are done, the rest is as before */
    FLASH_SIM_GARBAGE,   /* anything, but always the same */
    FLASH_SIM_UNSTABLE,  /* each read tells something else: before, after, anything */
    FLASH_SIM_ALTERNATE, /* after each boot all of them read as before, or all as after; with erase, each for itself */
    FLASH_SIM_TEARS
} flash_sim_tear;

typedef struct flash_sim {
    sbs_flash flash;
    uint32_t size;
    uint8_t *data;
    uint8_t *before;     /* what a torn byte held */
    uint8_t *programmed; /* for each byte; 1 also after a cut */
    uint8_t *torn;       /* 0, or how a byte is not stable */
    uint32_t torn_count; /* bytes that are not */
    uint32_t *erased;    /* for each sector */
    uint64_t reads;
    uint64_t operations; /* programmed and erased so far, over all boots */
    uint64_t cut_at;     /* the operation that is cut, counted from 1; 0: none */
    uint32_t cut_bytes;  /* how many bytes FLASH_SIM_PREFIX completes; more than there are: chosen by the seed */
    uint32_t cut_len;    /* bytes of the operation that was cut last */
    flash_sim_tear tear;
    uint32_t boot;     /* a number that decides how FLASH_SIM_ALTERNATE reads */
    bool failing;      /* every operation fails */
    uint64_t random;   /* state of the generator */
    jmp_buf power_cut; /* where a cut leads to; set by the test */
} flash_sim;

void flash_sim_init(flash_sim *sim, uint32_t sector_size, uint32_t sectors, uint32_t unit, uint64_t seed);
void flash_sim_free(flash_sim *sim);
/* Power comes back: no cut is due, and unstable bytes may read differently from now on. */
void flash_sim_boot(flash_sim *sim);
/* The cut comes at the n-th operation from now on, n >= 1. */
void flash_sim_cut_after(flash_sim *sim, uint64_t operations, flash_sim_tear tear, uint32_t cut_bytes);
void flash_sim_flip(flash_sim *sim, uint32_t address, unsigned bit);
void flash_sim_copy(flash_sim *to, const flash_sim *from);
uint32_t flash_sim_random(flash_sim *sim);
/* How often a sector was erased as its header says (platform/flash/README.md); 0 for one without. */
uint32_t flash_sim_header_erased(const flash_sim *sim, uint32_t sector);

#endif
