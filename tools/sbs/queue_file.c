/* SPDX-License-Identifier: Apache-2.0 */
#include "queue_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "message.h"
#include "resource.h"
#include "sbs/linux_clock.h"

#define BUSY_MS 30000u
#define DAY_S 86400u
#define KEEP_DEAD_DAYS 30u
#define NOT_GIVEN UINT64_MAX
#define PATH_SIZE 4096
#define TOUCH_MS 50u

cli_queue_options cli_queue = {.keep_dead_days = NOT_GIVEN};
sbs_sqlite_queue cli_queue_db;
sbs_queue cli_queue_port;

static int lock_fd = -1;
static uint64_t last_push_ms = UINT64_MAX;
static struct stat opened;
static const char *told_aside; /* the replaced file that was told of */

#define KEEP_DEAD_HELP "dead letters older than that go; 0: never; default 30, by commands that add or push"
#define KEEP_DEAD                                                                                                      \
    { "keep-dead", "DAYS", KEEP_DEAD_HELP, &cli_queue.keep_dead_days, .max = 36500, .type = CLI_UINT }

static const cli_option queue_options[] = {
    {"queue", "FILE", "the queue, an SQLite database of mode 0600", &cli_queue.file, .type = CLI_FILE,
     .required = true},
    KEEP_DEAD,
};

static const cli_option optional_options[] = {
    {"queue", "FILE", "store in this queue first, then push it", &cli_queue.file, .type = CLI_FILE},
    KEEP_DEAD,
};

static const cli_option limits_options[] = {
    {"device", "NAME", "names this machine in identifiers that are made, default its host name", &cli_queue.device,
     .type = CLI_TEXT},
    {"max-items", "N", "most items that wait, default 1000000", &cli_queue.items_max, .min = 1, .max = 1000000000,
     .type = CLI_UINT},
    {"max-size", "MIB", "most mebibytes of all items, default 1024", &cli_queue.mib_max, .min = 1, .max = 1048576,
     .type = CLI_UINT},
    {"when-full", "refuse|drop-oldest", "what gives way in a full queue, default refuse", &cli_queue.when_full,
     .type = CLI_CHOICE},
};

const cli_table cli_queue_table = CLI_TITLED_TABLE(queue_options, "queue");
const cli_table cli_queue_optional_table = CLI_TITLED_TABLE(optional_options, "queue");
const cli_table cli_queue_limits_table = CLI_TITLED_TABLE(limits_options, "queue");

/* ---- opening -------------------------------------------------------------------------------------------------- */

static int64_t utc_now(void *ctx) {
    (void)ctx;
    return sbs_linux_now().utc_s;
}

int cli_queue_fail(const char *command, sbs_status status) {
    const char *words = sbs_sqlite_queue_error(&cli_queue_db);
    switch (status) {
    case SBS_ERR_VERSION:
        return cli_fail(CLI_LOCAL, "%s: queue %s: made by a newer sbs, update this one", command, cli_queue.file);
    case SBS_ERR_FORMAT:
        return cli_fail(CLI_INPUT, "%s: queue %s: the file is something else, give another name", command,
                        cli_queue.file);
    case SBS_ERR_STORAGE:
        return cli_fail(CLI_LOCAL, "%s: queue %s: %s, check the disk and who may write there", command, cli_queue.file,
                        words[0] != '\0' ? words : sbs_status_text(status));
    default:
        return cli_fail(CLI_LOCAL, "%s: queue %s: %s, check the file", command, cli_queue.file,
                        sbs_status_text(status));
    }
}

bool cli_queue_was_replaced(const char *command) {
    uint64_t kept = 0;
    const char *aside = sbs_sqlite_queue_set_aside(&cli_queue_db, &kept);
    if (aside == told_aside) {
        return false;
    }
    told_aside = aside;
    cli_warn("%s: queue %s: was damaged and is now %s, %llu items could be taken over from it", command, cli_queue.file,
             aside, (unsigned long long)kept);
    return true;
}

static uint32_t keep_dead_s(cli_queue_need need) {
    uint64_t days = cli_queue.keep_dead_days;
    if (days == NOT_GIVEN) {
        days = need == CLI_QUEUE_LOOK ? 0 : KEEP_DEAD_DAYS;
    }
    return days == 0 ? UINT32_MAX : (uint32_t)days * DAY_S;
}

int cli_queue_open(const char *command, cli_queue_need need) {
    const sbs_sqlite_queue_config config = {
        .path = cli_queue.file,
        .policy = cli_queue.when_full == 2 ? SBS_SQLITE_DROP_OLDEST : SBS_SQLITE_REFUSE,
        .items_max = (uint32_t)cli_queue.items_max,
        .bytes_max = cli_queue.mib_max << 20,
        .item_max = CLI_QUEUE_ITEM_MAX,
        .dead_keep_s = keep_dead_s(need),
        .busy_ms = BUSY_MS,
        .utc_now = utc_now,
    };
    if (cli_queue.file[0] == '\0') {
        return cli_fail(CLI_USAGE, "%s: --queue: empty, give --queue FILE", command);
    }
    if (need != CLI_QUEUE_MADE && access(cli_queue.file, F_OK) != 0) {
        return cli_fail(CLI_INPUT, "%s: queue %s: %s, give one that 'sbs queue add' made", command, cli_queue.file,
                        strerror(errno));
    }
    sbs_status status = sbs_sqlite_queue_open(&cli_queue_db, &config, &cli_queue_port);
    if (status != SBS_OK) {
        return cli_queue_fail(command, status);
    }
    (void)cli_queue_was_replaced(command);
    if (stat(cli_queue.file, &opened) != 0) {
        memset(&opened, 0, sizeof opened);
    }
    return CLI_DONE;
}

bool cli_queue_has_moved(void) {
    struct stat now;
    return stat(cli_queue.file, &now) != 0 || now.st_ino != opened.st_ino || now.st_dev != opened.st_dev;
}

static void close_file(void) {
    sbs_sqlite_queue_close(&cli_queue_db);
    memset(&opened, 0, sizeof opened); /* no file is this one, until it is opened again */
    told_aside = NULL;
}

int cli_queue_reopen(const char *command) {
    close_file();
    return cli_queue_open(command, CLI_QUEUE_MADE);
}

/* The time of the lock file is that of the last attempt. One that lies ahead is from another clock and counts as now.
 */
static uint64_t age_of_lock(void) {
    struct stat file;
    struct timespec now;
    if (fstat(lock_fd, &file) != 0 || file.st_size == 0 || clock_gettime(CLOCK_REALTIME, &now) != 0) {
        return UINT64_MAX;
    }
    int64_t age_ms =
        ((int64_t)now.tv_sec - file.st_mtim.tv_sec) * 1000 + (now.tv_nsec - file.st_mtim.tv_nsec) / 1000000;
    return age_ms < 0 ? 0 : (uint64_t)age_ms;
}

void cli_queue_touch(void) {
    static uint64_t touched_ms;
    uint64_t now_ms = sbs_linux_now().mono_ms;
    if (lock_fd >= 0 && now_ms - touched_ms >= TOUCH_MS) {
        touched_ms = now_ms;
        (void)pwrite(lock_fd, "\n", 1, 0);
    }
}

uint64_t cli_queue_last_push_ms(void) {
    return last_push_ms;
}

int cli_queue_lock(const char *command) {
    char path[PATH_SIZE];
    if (snprintf(path, sizeof path, "%s.lock", cli_queue.file) >= PATH_SIZE) {
        return cli_fail(CLI_INPUT, "%s: --queue: the name is too long, give a shorter one", command);
    }
    lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    if (lock_fd < 0) {
        return cli_fail(CLI_LOCAL, "%s: file %s: %s, check who may write there", command, path, strerror(errno));
    }
    if (flock(lock_fd, LOCK_EX | LOCK_NB) == 0) {
        last_push_ms = age_of_lock();
        return CLI_DONE;
    }
    return errno == EWOULDBLOCK
               ? cli_fail(CLI_LOCAL, "%s: queue %s: another process is pushing it, let it go on", command,
                          cli_queue.file)
               : cli_fail(CLI_LOCAL, "%s: file %s: %s, check the file system", command, path, strerror(errno));
}

void cli_queue_close(void) {
    close_file();
    if (lock_fd >= 0) {
        (void)close(lock_fd);
        lock_fd = -1;
    }
}

/* ---- ids and names -------------------------------------------------------------------------------------------- */

uint64_t cli_queue_id(const char *operand) {
    uint64_t id = 0;
    return sbs_text_to_uint(sbs_text_of(operand), &id) == SBS_OK ? id : 0;
}

int cli_queue_check_ids(const char *command, const cli_operands *operands, bool *out_all) {
    *out_all = operands->count == 0 || (operands->count == 1 && strcmp(operands->items[0], "all") == 0);
    for (size_t i = 0; i < operands->count && !*out_all; i++) {
        if (cli_queue_id(operands->items[i]) == 0) {
            return cli_fail(CLI_USAGE, "%s: '%s' is no id of an item, give what 'sbs queue dead' lists", command,
                            operands->items[i]);
        }
    }
    return CLI_DONE;
}

void cli_queue_put_name(const sbs_queue_item *item, sbs_writer *out) {
    cli_resource resource = {0};
    cli_buffer data = {0};
    size_t len = 0;
    bool readable = cli_buffer_reserve(&data, item->len + 1) &&
                    cli_queue_port.ops->read(cli_queue_port.ctx, item->id, 0, data.data, item->len, &len) == SBS_OK &&
                    cli_resource_read(&resource, (sbs_text){data.data, len}) == NULL;
    if (readable && (resource.value.len > 0 || resource.id[0] != '\0')) {
        cli_resource_put_name(&resource, "", 0, out);
    } else {
        sbs_put_string(out, "item ");
        sbs_put_uint(out, item->id);
    }
    data.len = data.size;
    cli_resource_free(&resource);
    cli_buffer_free(&data);
}
