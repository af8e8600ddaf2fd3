/* SPDX-License-Identifier: Apache-2.0 */
#include "queue_file.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "message.h"
#include "push_run.h"
#include "sbs/count.h"
#include "sbs/forward_clock.h"
#include "sbs/forward_resource.h"
#include "sbs/linux_clock.h"
#include "signals.h"

#define BUSY_MS 30000u
#define BUSY_LEAST_MS 1000u
#define DAY_S 86400u
#define KEEP_DEAD_DAYS 30u
#define NOT_GIVEN UINT64_MAX
#define RESERVE_BYTES (8u << 20)
#define TOUCH_MS 50u
#define USER_SIZE 128
#define PATH_SHOWN 1024

cli_queue_options cli_queue = {.keep_dead_days = NOT_GIVEN};
sbs_sqlite_queue cli_queue_db;
sbs_forward_clock cli_queue_clock;
sbs_queue cli_queue_port;

static sbs_sqlite_pusher pusher;
static uint64_t last_push_ms = UINT64_MAX;
static uint64_t started_ms; /* of the command: when it opened the queue first */
static struct stat opened;
static const char *opened_by;  /* the command, NULL if no queue is open */
static const char *told_aside; /* the replaced file that was told of */
static const char *config_file;

#define KEEP_DEAD_HELP "delete dead letters older than that, 0: never; default 30, in commands that add or push"
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

static const cli_option json_options[] = {
    {"json", NULL, "as JSON", &cli_queue.as_json, .type = CLI_FLAG},
};

static const cli_option config_options[] = {
    {"config", "FILE", "further options as lines 'option = value'; the command line wins", &config_file,
     .type = CLI_CONFIG},
};

const cli_table cli_queue_table = CLI_TITLED_TABLE(queue_options, "queue");
const cli_table cli_queue_optional_table = CLI_TITLED_TABLE(optional_options, "queue");
const cli_table cli_queue_limits_table = CLI_TITLED_TABLE(limits_options, "queue");
const cli_table cli_queue_json_table = CLI_TABLE(json_options);
const cli_table cli_queue_config_table = CLI_TABLE(config_options);

/* ---- failures ------------------------------------------------------------------------------------------------- */

/* "user root (uid 0)", or without a name where there is none. */
static void name_user(uid_t id, char *out, size_t size) {
    const struct passwd *user = getpwuid(id);

    if (user == NULL) {
        (void)snprintf(out, size, "another user (uid %u)", (unsigned)id);
    } else {
        (void)snprintf(out, size, "user %s (uid %u)", user->pw_name, (unsigned)id);
    }
}

/* The queue may be this user's, and a file beside it another's. */
static int fail_owner(const char *command) {
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    char user[USER_SIZE];
    char name[PATH_SHOWN];
    uid_t owner = 0;
    uid_t of_queue = geteuid();

    for (size_t i = 0; i < SBS_COUNT_OF(suffixes); i++) {
        (void)snprintf(name, sizeof name, "%s%s", cli_queue.file, suffixes[i]);
        if (sbs_sqlite_queue_owner(name, &owner) != SBS_OK) {
            continue;
        }
        if (i == 0) {
            of_queue = owner;
        } else if (owner != of_queue && owner != 0) {
            name_user(owner, user, sizeof user);
            return cli_fail(CLI_LOCAL, "%s: queue %s: file %s belongs to %s, remove it if that one left it there",
                            command, cli_queue.file, name, user);
        }
    }

    name_user(of_queue, user, sizeof user);
    return cli_fail(CLI_LOCAL, "%s: queue %s: belongs to %s, run this as that user", command, cli_queue.file, user);
}

/* A link is not followed: who may change it could put any file in its place. */
static int fail_link(const char *command) {
    char *path = realpath(cli_queue.file, NULL);
    char target[PATH_SHOWN] = "";

    /* Of one that leads nowhere yet, what it says. */
    ssize_t len = readlink(cli_queue.file, target, sizeof target - 1);
    if (len >= 0) {
        target[len] = '\0';
    }

    int code = cli_fail(CLI_LOCAL, "%s: queue %s: is a symbolic link: give the path it leads to, %s", command,
                        cli_queue.file, path != NULL ? path : target);
    free(path);
    return code;
}

/* Files are made beside the queue, so that its folder counts. */
static int fail_permission(const char *command) {
    char user[USER_SIZE];
    char folder[PATH_SHOWN];
    struct stat info;

    (void)snprintf(folder, sizeof folder, "%s", cli_queue.file);
    const char *path = dirname(folder);
    if (stat(path, &info) != 0) {
        return cli_fail(CLI_LOCAL, "%s: queue %s: permission denied, check who may enter its folder", command,
                        cli_queue.file);
    }

    name_user(info.st_uid, user, sizeof user);
    return cli_fail(CLI_LOCAL, "%s: queue %s: permission denied: folder %s belongs to %s, have it let you write there",
                    command, cli_queue.file, path, user);
}

/* Why the system refused the file. */
static int fail_system(const char *command, int reason) {
    const char *words = strerror(reason);
    const char *advice = "check the disk and who may write there";

    switch (reason) {
    case ELOOP:
        return fail_link(command);
    case EACCES:
    case EPERM:
        return fail_permission(command);
    case EROFS:
        words = "read-only file system";
        advice = "give a queue on one that can be written";
        break;
    case ENOENT:
        words = "no such folder";
        advice = "make it first";
        break;
    case EISDIR:
        words = "is a folder";
        advice = "give the name of a file in it";
        break;
    case ENOSPC:
        words = "the disk has no room for another file";
        advice = "remove some";
        break;
    case EMFILE:
    case ENFILE:
        words = "too many open files";
        advice = "close other programs, or raise the limit with 'ulimit -n'";
        break;
    default:
        break;
    }

    return cli_fail(CLI_LOCAL, "%s: queue %s: %s: %s, %s", command, cli_queue.file,
                    sbs_sqlite_queue_error(&cli_queue_db), words, advice);
}

/* What SQLite says of it is more than the status. */
static int fail_storage(const char *command) {
    const char *words = sbs_sqlite_queue_error(&cli_queue_db);

    if (sbs_sqlite_queue_is_damaged(&cli_queue_db)) {
        return cli_fail(CLI_LOCAL,
                        "%s: queue %s: %s, the next 'sbs queue add' or 'sbs queue push' sets the file aside, keeps "
                        "it, and goes on with what can be read of it",
                        command, cli_queue.file, words);
    }

    if (sbs_sqlite_queue_is_busy(&cli_queue_db)) {
        return cli_fail(CLI_LOCAL, "%s: queue %s: another program holds it, end that one or try again later", command,
                        cli_queue.file);
    }
    if (sbs_sqlite_queue_errno(&cli_queue_db) != 0) {
        return fail_system(command, sbs_sqlite_queue_errno(&cli_queue_db));
    }

    if (words[0] == '\0') {
        words = sbs_status_text(SBS_ERR_STORAGE);
    }

    return cli_fail(CLI_LOCAL, "%s: queue %s: %s, check the disk and who may write there", command, cli_queue.file,
                    words);
}

int cli_queue_fail(const char *command, sbs_status status) {
    switch (status) {
    case SBS_ERR_FORBIDDEN:
        return fail_owner(command);
    case SBS_ERR_STORAGE:
        return fail_storage(command);
    case SBS_ERR_CANCELLED:
        return cli_fail(CLI_LOCAL, "%s: cancelled by a signal, run it again", command);
    case SBS_ERR_VERSION:
        return cli_fail(CLI_LOCAL, "%s: queue %s: made by a newer sbs, update this one", command, cli_queue.file);
    case SBS_ERR_FORMAT:
        return cli_fail(CLI_INPUT,
                        "%s: queue %s: the file is something else, or a queue whose beginning is damaged, keep it and "
                        "use another name",
                        command, cli_queue.file);
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

    /* UINT64_MAX: nobody knows how many were lost. */
    char missing[64] = "";
    uint64_t lost = sbs_sqlite_queue_lost(&cli_queue_db);
    if (lost != UINT64_MAX && lost > 0) {
        (void)snprintf(missing, sizeof missing, ", %" PRIu64 " could not be read", lost);
    }

    cli_warn("%s: queue %s: was damaged and is now %s, %" PRIu64 " item%s were saved from it%s; keep that file",
             command, cli_queue.file, aside, kept, cli_plural(kept, "", "s"), missing);
    return true;
}

/* ---- words that are kept -------------------------------------------------------------------------------------- */

static sbs_queue_ops port_ops;
static const sbs_queue_ops *sqlite_ops;

const char *cli_queue_fit_words(const char *words, char out[CLI_REASON_SIZE]) {
    if (words == NULL) {
        return NULL;
    }

    size_t len = strnlen(words, CLI_REASON_SIZE - 1);
    memcpy(out, words, len);
    out[cli_sanitise(out, len)] = '\0';
    return out;
}

static sbs_status settle_with_fit_words(void *ctx, uint64_t id, sbs_queue_fate fate, const char *reason,
                                        const char *words) {
    char kept[CLI_REASON_SIZE];
    return sqlite_ops->settle(ctx, id, fate, reason, cli_queue_fit_words(words, kept));
}

static void use_fit_words(void) {
    sqlite_ops = cli_queue_port.ops;
    port_ops = *sqlite_ops;
    port_ops.settle = settle_with_fit_words;
    cli_queue_port.ops = &port_ops;
}

/* ---- opening -------------------------------------------------------------------------------------------------- */

static bool is_stopped(void *ctx) {
    (void)ctx;
    return cli_signal() != 0;
}

static uint32_t keep_dead_s(cli_queue_need need) {
    uint64_t days = cli_queue.keep_dead_days;
    bool given = days != NOT_GIVEN;

    /* Who only looks deletes nothing, unless --keep-dead says so. */
    if (days == 0 || (!given && need == CLI_QUEUE_LOOK)) {
        return UINT32_MAX; /* never */
    }
    if (!given) {
        days = KEEP_DEAD_DAYS;
    }

    return (uint32_t)days * DAY_S;
}

/* How long another program may hold the file: no longer than --wait, or than what is left of --max-time. */
static uint32_t busy_ms(void) {
    uint64_t now_ms = sbs_linux_now().mono_ms;
    uint64_t wait_ms = cli_push_with.wait_s * 1000u;
    uint64_t time_ms = cli_push_with.time_s * 1000u;
    uint64_t most_ms = BUSY_MS;

    /* A service waits for its server for ever, and no write of another program is so short that it needs no wait. */
    if (!cli_push_with.follow && wait_ms < most_ms) {
        most_ms = wait_ms > BUSY_LEAST_MS ? wait_ms : BUSY_LEAST_MS;
    }
    if (time_ms == 0) {
        return (uint32_t)most_ms;
    }

    /* At the end of --max-time what was sent is still to be settled. */
    uint64_t passed_ms = now_ms - started_ms;
    uint64_t left_ms = passed_ms < time_ms ? time_ms - passed_ms : 0;
    if (left_ms < BUSY_LEAST_MS) {
        left_ms = BUSY_LEAST_MS;
    }

    return (uint32_t)(left_ms < most_ms ? left_ms : most_ms);
}

void cli_queue_bound_wait(void) {
    sbs_sqlite_queue_set_busy_ms(&cli_queue_db, busy_ms());
}

int cli_queue_open(const char *command, cli_queue_need need) {
    if (started_ms == 0) {
        started_ms = sbs_linux_now().mono_ms;
    }

    sbs_sqlite_queue_config config = {
        .path = cli_queue.file,
        .policy = cli_queue.when_full == 2 ? SBS_SQLITE_DROP_OLDEST : SBS_SQLITE_REFUSE,
        .items_max = (uint32_t)cli_queue.items_max,
        .bytes_max = cli_queue.mib_max << 20,
        .item_max = CLI_QUEUE_ITEM_MAX,
        .dead_keep_s = keep_dead_s(need),
        .busy_ms = busy_ms(),
        .utc_now = sbs_forward_trusted_utc,
        .utc_ctx = &cli_queue_clock,
        .stop = is_stopped,
        .any_owner = true,
        .reserve_bytes = RESERVE_BYTES,
        .keep_log = need == CLI_QUEUE_MADE && cli_queue.keep_log,
    };

    if (cli_queue.file[0] == '\0') {
        return cli_fail(CLI_USAGE, "%s: --queue: empty, give --queue FILE", command);
    }
    if (need != CLI_QUEUE_MADE && access(cli_queue.file, F_OK) != 0) {
        return cli_fail(CLI_INPUT, "%s: queue %s: %s, give one that 'sbs queue add' made", command, cli_queue.file,
                        strerror(errno));
    }

    /* A damaged file is set aside and salvaged in here. */
    sbs_status status = sbs_sqlite_queue_open(&cli_queue_db, &config, &cli_queue_port);

    /* Who only looks needs no file that can be written. */
    if (status == SBS_ERR_STORAGE && need == CLI_QUEUE_LOOK && sbs_sqlite_queue_errno(&cli_queue_db) == EROFS) {
        config.look_only = true;
        status = sbs_sqlite_queue_open(&cli_queue_db, &config, &cli_queue_port);
    }
    if (status != SBS_OK) {
        return cli_queue_fail(command, status);
    }

    use_fit_words();
    opened_by = command;
    (void)cli_queue_was_replaced(command);
    /* Another process may put a new file at this name: then the old one is not what counts. */
    if (stat(cli_queue.file, &opened) != 0) {
        memset(&opened, 0, sizeof opened);
    }

    return CLI_DONE;
}

bool cli_queue_has_moved(void) {
    struct stat now;
    return stat(cli_queue.file, &now) != 0 || now.st_ino != opened.st_ino || now.st_dev != opened.st_dev;
}

/* What goes by age, or for room, does not go without a word. */
static void tell_expired(const char *command) {
    unsigned long long expired = sbs_sqlite_queue_expired(&cli_queue_db);
    if (expired > 0) {
        cli_note("%s: queue %s: %llu dead letter%s deleted, older than --keep-dead or for room", command,
                 cli_queue.file, expired, cli_plural(expired, " was", "s were"));
    }
}

static void close_file(void) {
    if (opened_by != NULL) {
        tell_expired(opened_by);
    }
    opened_by = NULL;
    sbs_sqlite_queue_close(&cli_queue_db);
    memset(&opened, 0, sizeof opened); /* no file is this one, until it is opened again */
    told_aside = NULL;
}

int cli_queue_reopen(const char *command) {
    close_file();
    return cli_queue_open(command, CLI_QUEUE_MADE);
}

void cli_queue_touch(void) {
    static uint64_t touched_ms;
    uint64_t now_ms = sbs_linux_now().mono_ms;
    if (now_ms - touched_ms >= TOUCH_MS) {
        touched_ms = now_ms;
        sbs_sqlite_queue_touch_pusher(&pusher);
    }
}

uint64_t cli_queue_last_push_ms(void) {
    return last_push_ms;
}

int cli_queue_lock(const char *command, bool *out_elsewhere) {
    *out_elsewhere = false;
    sbs_status status = sbs_sqlite_queue_lock_pusher(&pusher, cli_queue.file, &last_push_ms);
    switch (status) {
    case SBS_OK:
        return CLI_DONE;
    case SBS_ERR_BUSY:
        *out_elsewhere = true;
        return CLI_DONE;
    case SBS_ERR_ARGUMENT:
        return cli_fail(CLI_INPUT, "%s: --queue: the name is too long, give a shorter one", command);
    case SBS_ERR_FORBIDDEN:
        return cli_fail(CLI_LOCAL, "%s: file %s.lock: %s, remove it if another user left it there", command,
                        cli_queue.file, strerror(errno));
    default:
        break;
    }

    const char *words = sbs_status_text(status);
    if (errno != 0) {
        words = strerror(errno);
    }

    return cli_fail(CLI_LOCAL, "%s: file %s.lock: %s, check who may write there", command, cli_queue.file, words);
}

void cli_queue_close(void) {
    close_file();
    sbs_sqlite_queue_unlock_pusher(&pusher);
}

/* ---- items ---------------------------------------------------------------------------------------------------- */

/* 0 if it is none. */
uint64_t cli_queue_id(const char *operand) {
    uint64_t id = 0;

    if (sbs_text_to_uint(sbs_text_of(operand), &id) != SBS_OK || id > INT64_MAX) {
        return 0;
    }
    return id;
}

int cli_queue_check_ids(const char *command, const cli_operands *operands, const char *lists) {
    for (size_t i = 0; i < operands->count; i++) {
        if (cli_queue_id(operands->items[i]) == 0) {
            return cli_fail(CLI_USAGE, "%s: '%s' is not the id of an item, give one that '%s' lists", command,
                            operands->items[i], lists);
        }
    }
    return CLI_DONE;
}

sbs_status cli_queue_find(const char *command, uint64_t id, sbs_sqlite_entry *out) {
    sbs_status status = sbs_sqlite_queue_find(&cli_queue_db, id, out);
    if (status == SBS_OK || status == SBS_ERR_NOT_FOUND || !cli_queue_was_replaced(command)) {
        return status;
    }
    return sbs_sqlite_queue_find(&cli_queue_db, id, out);
}

int cli_queue_no_item(const char *command, uint64_t id) {
    return cli_fail(CLI_INPUT, "%s: %" PRIu64 ": no such item, 'sbs queue list' and 'sbs queue dead' list them",
                    command, id);
}
