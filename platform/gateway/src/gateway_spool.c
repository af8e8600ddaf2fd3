/* SPDX-License-Identifier: Apache-2.0 */
/* Which files of which folders are taken, and when. */
#include "sbs/gateway_spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool_file.h"

#define SEEN_MAX 4096u       /* files of a folder that are watched together; others follow when these are gone */
#define LOOK_MAX 65536u      /* entries of a folder that are looked at in one scan */
#define SOON_MS 1000u        /* between two scans while something may become due */
#define SELDOM_MS 30000u     /* while nothing happens: inotify may have missed something */
#define TROUBLE_MS 5000u     /* while the gateway stores nothing */
#define BYTES_MAX (4u << 20) /* of files that are taken in one turn */
#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB | IN_ONLYDIR)

/* ---- folders ----------------------------------------------------------------------------------------------------- */

static int folder_open(const sbs_gateway_spool_folder *folder) {
    return open(folder->device->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void folder_watch(const sbs_gateway_spool *spool, sbs_gateway_spool_folder *folder) {
    if (folder->watch < 0 && spool->priv.notify >= 0) {
        folder->watch = inotify_add_watch(spool->priv.notify, folder->device->folder, EVENTS);
    }
}

static void folder_forget(sbs_gateway_spool_folder *folder) {
    for (size_t i = 0; i < folder->count; i++) {
        free(folder->seen[i].name);
    }
    free(folder->seen);
    folder->seen = NULL;
    folder->count = 0;
}

/* The page shows it with the device. */
static void folder_complain(const sbs_gateway_spool *spool, const sbs_gateway_spool_folder *folder, const char *what) {
    const sbs_gateway_intake *intake = spool->priv.intake;
    if (intake->counts != NULL) {
        sbs_gateway_counts *counts = &intake->counts[folder->device - intake->config->devices];
        (void)snprintf(counts->last_refusal, sizeof counts->last_refusal, "its folder cannot be %s: %s", what,
                       strerror(errno));
    }
}

sbs_status sbs_gateway_spool_open(sbs_gateway_spool *spool, const sbs_gateway_intake *intake) {
    const sbs_gateway_config *config = intake->config;
    *spool = (sbs_gateway_spool){.priv = {.intake = intake, .notify = -1}};
    spool->priv.folders = calloc(config->device_count + 1, sizeof *spool->priv.folders);
    if (spool->priv.folders == NULL) {
        return SBS_ERR_MEMORY;
    }

    for (size_t i = 0; i < config->device_count; i++) {
        if (config->devices[i].protocol == SBS_GATEWAY_SPOOL) {
            spool->priv.folders[spool->priv.count++] =
                (sbs_gateway_spool_folder){.device = &config->devices[i], .watch = -1};
            (void)!mkdir(config->devices[i].folder, 0770);
        }
    }

    if (spool->priv.count > 0) {
        spool->priv.notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    }
    for (size_t i = 0; i < spool->priv.count; i++) {
        folder_watch(spool, &spool->priv.folders[i]);
    }
    return SBS_OK;
}

int sbs_gateway_spool_descriptor(const sbs_gateway_spool *spool) {
    return spool->priv.folders != NULL ? spool->priv.notify : -1;
}

void sbs_gateway_spool_close(sbs_gateway_spool *spool) {
    for (size_t i = 0; i < spool->priv.count; i++) {
        folder_forget(&spool->priv.folders[i]);
    }
    for (size_t i = 0; i < spool->priv.taken_count; i++) {
        free(spool->priv.taken[i].name);
    }

    if (spool->priv.folders != NULL && spool->priv.notify >= 0) {
        (void)close(spool->priv.notify);
    }
    free(spool->priv.folders);
    *spool = (sbs_gateway_spool){.priv = {.notify = -1}};
}

/* ---- what is there ----------------------------------------------------------------------------------------------- */

static bool name_ends(const char *name, const char *end) {
    size_t len = strlen(name);
    size_t end_len = strlen(end);
    return len > end_len && strcmp(name + len - end_len, end) == 0;
}

/* True for a name that somebody means to be taken. */
static bool name_is_meant(const char *name) {
    return name[0] != '.' && !name_ends(name, ".part") && !name_ends(name, ".tmp") && !name_ends(name, SBS_SPOOL_WHY);
}

static bool name_is_taken(const char *name) {
    return strncmp(name, SBS_SPOOL_TAKEN, sizeof SBS_SPOOL_TAKEN - 1) == 0;
}

static int sighting_order(const void *a, const void *b) {
    const sbs_gateway_sighting *of_a = a;
    const sbs_gateway_sighting *of_b = b;
    return strcmp(of_a->name, of_b->name);
}

/* True if it was refused, and neither it nor the reason changed since. */
static bool is_refused(int folder, const char *name, const struct stat *info) {
    char why[NAME_MAX + 1];
    struct stat of_why;
    sbs_spool_why_name(why, name);
    if (fstatat(folder, why, &of_why, AT_SYMLINK_NOFOLLOW) != 0) {
        return false;
    }

    int64_t later_s = (int64_t)info->st_ctim.tv_sec - (int64_t)of_why.st_ctim.tv_sec;
    return later_s < 0 || (later_s == 0 && info->st_ctim.tv_nsec <= of_why.st_ctim.tv_nsec);
}

/* Since when a file is as it is. */
static uint64_t sighting_since(const sbs_gateway_spool_folder *folder, const sbs_gateway_sighting *seen,
                               uint64_t now_ms) {
    if (folder->count == 0) {
        return now_ms;
    }

    const sbs_gateway_sighting *before =
        bsearch(seen, folder->seen, folder->count, sizeof *folder->seen, sighting_order);
    bool same = before != NULL && before->inode == seen->inode && before->size == seen->size &&
                before->changed_s == seen->changed_s && before->changed_ns == seen->changed_ns;
    return same ? before->since_ms : now_ms;
}

/* A scan of one folder under way. */
typedef struct spool_scan {
    sbs_gateway_spool_folder *folder;
    int descriptor;
    sbs_gateway_sighting *seen;
    size_t count;
    uint64_t now_ms;
} spool_scan;

/* Notes what stands under a name. False: there is no room or memory for more. */
static bool scan_note(spool_scan *scan, const char *name) {
    struct stat info;
    if (fstatat(scan->descriptor, name, &info, AT_SYMLINK_NOFOLLOW) != 0 || S_ISDIR(info.st_mode) ||
        is_refused(scan->descriptor, name, &info)) {
        return true;
    }

    sbs_gateway_sighting *seen = &scan->seen[scan->count];
    *seen = (sbs_gateway_sighting){
        .name = strdup(name),
        .inode = info.st_ino,
        .size = info.st_size,
        .changed_s = info.st_ctim.tv_sec,
        .changed_ns = info.st_ctim.tv_nsec,
        .written_s = info.st_mtim.tv_sec,
        .written_ns = info.st_mtim.tv_nsec,
    };
    if (seen->name == NULL) {
        return false;
    }

    /* What is taken already, of before a crash, was still then. */
    seen->since_ms = sighting_since(scan->folder, seen, scan->now_ms);
    if (name_is_taken(name)) {
        seen->since_ms = 0;
    }
    scan->count++;
    return scan->count < SEEN_MAX;
}

static void scan_read(spool_scan *scan, DIR *stream) {
    const struct dirent *entry = readdir(stream);
    for (unsigned looked = 0; entry != NULL && looked < LOOK_MAX; looked++, entry = readdir(stream)) {
        if ((name_is_meant(entry->d_name) || name_is_taken(entry->d_name)) && !scan_note(scan, entry->d_name)) {
            return;
        }
    }
}

/* Looks at a folder anew; what is known of it is replaced. */
static void folder_scan(sbs_gateway_spool *spool, sbs_gateway_spool_folder *folder, uint64_t now_ms) {
    spool_scan scan = {.folder = folder, .now_ms = now_ms};
    folder_watch(spool, folder);
    scan.descriptor = folder_open(folder);
    if (scan.descriptor < 0) {
        folder_complain(spool, folder, "read");
        folder_forget(folder);
        return;
    }

    DIR *stream = fdopendir(scan.descriptor);
    scan.seen = calloc(SEEN_MAX, sizeof *scan.seen);
    if (stream != NULL && scan.seen != NULL) {
        scan_read(&scan, stream);
    }
    if (stream != NULL) {
        (void)closedir(stream);
    } else {
        (void)close(scan.descriptor);
    }

    folder_forget(folder);
    if (scan.count == 0) {
        free(scan.seen);
        return;
    }
    qsort(scan.seen, scan.count, sizeof *scan.seen, sighting_order);
    sbs_gateway_sighting *fitting = realloc(scan.seen, scan.count * sizeof *scan.seen);
    folder->seen = fitting != NULL ? fitting : scan.seen;
    folder->count = scan.count;
}

/* ---- taking ------------------------------------------------------------------------------------------------------ */

/* A turn's bounds. */
typedef struct spool_turn {
    sbs_now now;
    size_t files;
    size_t bytes;
    bool trouble; /* the gateway's own */
    bool stored;
} spool_turn;

static bool turn_has_room(const spool_turn *turn) {
    return !turn->trouble && turn->files < SBS_GATEWAY_SPOOL_FILES_MAX && turn->bytes < BYTES_MAX;
}

static bool sighting_is_due(const sbs_gateway_sighting *seen, sbs_now now) {
    return seen->name != NULL && now.mono_ms - seen->since_ms >= SBS_GATEWAY_SPOOL_STILL_MS;
}

/* A file that will not be opened: a link, a device, somebody else's. */
static bool take_foreign(const sbs_gateway_spool *spool, const sbs_gateway_spool_folder *folder, int descriptor,
                         const char *name, sbs_now now) {
    struct stat info;
    sbs_intake_result result = {0};
    if (name_is_taken(name) || fstatat(descriptor, name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
        sbs_spool_is_ours(descriptor, &info)) {
        return false;
    }

    (void)sbs_intake_refuse(&result, 422, "forbidden", "", "not a regular file of the folder's owner");
    sbs_spool_explain(descriptor, name, &result);
    sbs_intake_count(spool->priv.intake, folder->device, now, &result);
    return true;
}

static void take_one(sbs_gateway_spool *spool, size_t number, int descriptor, sbs_gateway_sighting *seen,
                     spool_turn *turn) {
    const sbs_gateway_spool_folder *folder = &spool->priv.folders[number];
    const char *name = seen->name;
    bool again = name_is_taken(name);
    turn->files++;
    turn->bytes += (size_t)seen->size;
    if (take_foreign(spool, folder, descriptor, name, turn->now)) {
        return;
    }
    if (again) {
        name += sizeof SBS_SPOOL_TAKEN - 1;
    }

    char *kept = strdup(name);
    if (kept == NULL) {
        turn->trouble = true;
        return;
    }

    struct stat info = {0};
    sbs_spool_fate fate = sbs_spool_take(spool->priv.intake, folder->device, turn->now, descriptor, name, again, &info);
    turn->trouble = fate == SBS_SPOOL_TROUBLE;
    if (fate == SBS_SPOOL_DENIED) {
        folder_complain(spool, folder, "written to");
    }
    if (fate != SBS_SPOOL_STORED) {
        free(kept);
        return;
    }

    size_t at = spool->priv.taken_count++;
    spool->priv.taken[at].folder = number;
    spool->priv.taken[at].name = kept;
    spool->priv.taken[at].size = info.st_size;
    spool->priv.taken[at].written_s = info.st_mtim.tv_sec;
    spool->priv.taken[at].written_ns = info.st_mtim.tv_nsec;
    turn->stored = true;
}

/* Takes what is due, in the order of the names, and forgets it. */
static void folder_take(sbs_gateway_spool *spool, size_t number, spool_turn *turn) {
    sbs_gateway_spool_folder *folder = &spool->priv.folders[number];
    int descriptor = -1;
    for (size_t i = 0; i < folder->count && turn_has_room(turn); i++) {
        if (!sighting_is_due(&folder->seen[i], turn->now)) {
            continue;
        }
        if (descriptor < 0) {
            descriptor = folder_open(folder);
        }
        if (descriptor < 0) {
            folder_complain(spool, folder, "read");
            return;
        }

        take_one(spool, number, descriptor, &folder->seen[i], turn);
        folder->seen[i].since_ms = turn->now.mono_ms; /* the next scan tells what it is by then */
    }

    if (descriptor >= 0) {
        (void)close(descriptor);
    }
}

/* What happened is seen by the scan; here it is only taken note of. */
static bool notify_drain(const sbs_gateway_spool *spool) {
    char events[4096];
    bool any = false;
    if (spool->priv.notify < 0) {
        return false;
    }
    while (read(spool->priv.notify, events, sizeof events) > 0) {
        any = true;
    }
    return any;
}

static uint32_t turn_wait(const sbs_gateway_spool *spool, const spool_turn *turn) {
    uint32_t wait_ms = SELDOM_MS;
    if (turn->trouble) {
        return TROUBLE_MS;
    }
    if (!turn_has_room(turn)) {
        return 0;
    }
    for (size_t i = 0; i < spool->priv.count; i++) {
        if (spool->priv.folders[i].count > 0) {
            wait_ms = SOON_MS;
        }
    }
    return wait_ms;
}

bool sbs_gateway_spool_turn(sbs_gateway_spool *spool, sbs_now now, uint32_t *out_wait_ms) {
    spool_turn turn = {.now = now};
    const sbs_gateway_intake *intake = spool->priv.intake;
    *out_wait_ms = SELDOM_MS;
    if (spool->priv.count == 0 || spool->priv.taken_count > 0) {
        return false; /* nothing to do, or settle() comes first */
    }

    bool changed = notify_drain(spool);
    if (intake->full || intake->failing) {
        *out_wait_ms = TROUBLE_MS;
        return false;
    }

    if (changed && spool->priv.scan_ms > now.mono_ms + SOON_MS) {
        spool->priv.scan_ms = now.mono_ms + SOON_MS;
    }
    if (now.mono_ms >= spool->priv.scan_ms) {
        for (size_t i = 0; i < spool->priv.count; i++) {
            folder_scan(spool, &spool->priv.folders[i], now.mono_ms);
        }
    }
    for (size_t i = 0; i < spool->priv.count; i++) {
        folder_take(spool, i, &turn);
    }

    /* Something that is left of this look is taken before the next one. */
    uint32_t wait_ms = turn_wait(spool, &turn);
    if (now.mono_ms >= spool->priv.scan_ms) {
        spool->priv.scan_ms = now.mono_ms + (wait_ms > 0 ? wait_ms : SOON_MS);
    }
    *out_wait_ms = wait_ms;
    if (wait_ms > 0 && spool->priv.scan_ms > now.mono_ms && spool->priv.scan_ms - now.mono_ms < wait_ms) {
        *out_wait_ms = (uint32_t)(spool->priv.scan_ms - now.mono_ms);
    }
    return turn.stored;
}

void sbs_gateway_spool_settle(sbs_gateway_spool *spool, bool kept) {
    for (size_t i = 0; i < spool->priv.taken_count; i++) {
        char *of = spool->priv.taken[i].name;
        int descriptor = folder_open(&spool->priv.folders[spool->priv.taken[i].folder]);

        if (kept && descriptor >= 0) {
            sbs_spool_remove(descriptor, of, spool->priv.taken[i].size, spool->priv.taken[i].written_s,
                             spool->priv.taken[i].written_ns);
        }
        if (descriptor >= 0) {
            (void)close(descriptor);
        }
        free(of);
    }

    spool->priv.taken_count = 0;
    if (!kept) {
        spool->priv.scan_ms = 0;
    }
}
