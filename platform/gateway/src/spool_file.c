/* SPDX-License-Identifier: Apache-2.0 */
#include "spool_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RENAME_NEVER_REPLACE 1u /* RENAME_NOREPLACE of renameat2(2), which the C library hides */
#define STATUS_LATER 500u       /* the file's own trouble */
#define NAME_SIZE (NAME_MAX + 1u)

bool sbs_spool_is_ours(int folder, const struct stat *info) {
    struct stat of_folder;
    if (!S_ISREG(info->st_mode) || fstat(folder, &of_folder) != 0) {
        return false;
    }
    return info->st_uid == of_folder.st_uid || info->st_uid == geteuid() || info->st_uid == 0;
}

/* Puts a name together; false: it is too long. */
static bool name_join(char *out, const char *before, const char *name, const char *behind) {
    int len = snprintf(out, NAME_SIZE, "%s%s%s", before, name, behind);
    return len > 0 && len < (int)NAME_SIZE;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static bool read_all(int file, sbs_forward_buffer *text) {
    for (;;) {
        if (!sbs_forward_buffer_reserve(text, 65536)) {
            return false;
        }
        ssize_t got = read(file, text->data + text->len, 65536);
        if (got == 0) {
            return true;
        }
        if (got < 0 && errno != EINTR) {
            return false;
        }
        if (got > 0) {
            text->len += (size_t)got;
        }
        if (text->len > SBS_GATEWAY_MESSAGE_MAX) {
            return true; /* told by its length */
        }
    }
}

static bool is_same(const struct stat *a, const struct stat *b) {
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* SBS_ERR_FORBIDDEN: not a file to be read; SBS_ERR_BUSY: somebody writes it; SBS_ERR_TOO_LARGE; SBS_ERR_STORAGE. */
static sbs_status file_read(int folder, const char *name, sbs_forward_buffer *text, struct stat *out_read) {
    struct stat before;
    struct stat after;
    int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) {
        return errno == ELOOP ? SBS_ERR_FORBIDDEN : SBS_ERR_STORAGE;
    }

    sbs_status status = SBS_OK;
    if (fstat(file, &before) != 0 || !sbs_spool_is_ours(folder, &before)) {
        status = SBS_ERR_FORBIDDEN;
    } else if (before.st_size > (off_t)SBS_GATEWAY_MESSAGE_MAX) {
        status = SBS_ERR_TOO_LARGE;
    } else if (!read_all(file, text) || fstat(file, &after) != 0) {
        status = SBS_ERR_STORAGE;
    } else if (!is_same(&before, &after)) {
        status = SBS_ERR_BUSY;
    }
    (void)close(file);
    if (status == SBS_OK) {
        *out_read = after;
    }
    return status;
}

/* ---- storing ----------------------------------------------------------------------------------------------------- */

/* What is in a file, and what became of it. */
typedef struct spool_content {
    const sbs_gateway_intake *intake;
    sbs_intake_order order; /* what all of it has in common */
    sbs_intake_result *results;
    size_t count;
} spool_content;

/* One line of NDJSON, "" at the end. */
static sbs_text line_next(sbs_text *rest) {
    const char *end = memchr(rest->ptr, '\n', rest->len);
    size_t len = rest->len;
    size_t skipped = len;
    if (end != NULL) {
        len = (size_t)(end - rest->ptr);
        skipped = len + 1;
    }

    sbs_text line = {rest->ptr, len};
    *rest = (sbs_text){rest->ptr + skipped, rest->len - skipped};
    return line;
}

static bool line_is_blank(sbs_text line) {
    for (size_t i = 0; i < line.len; i++) {
        if (line.ptr[i] != ' ' && line.ptr[i] != '\t' && line.ptr[i] != '\r') {
            return false;
        }
    }
    return true;
}

/* "line 12: Observation" */
typedef struct spool_line {
    char path[40];
} spool_line;

/* The orders of all lines; false: out of memory, or too many. */
static bool lines_order(spool_content *content, spool_line *lines, sbs_intake_order *orders,
                        sbs_intake_result *result) {
    sbs_text rest = content->order.text;
    const char *start = rest.ptr;
    for (size_t number = 1; rest.len > 0; number++) {
        sbs_text line = line_next(&rest);
        if (line_is_blank(line)) {
            continue;
        }
        if (content->count == SBS_GATEWAY_ENTRIES_MAX) {
            return sbs_intake_refuse(result, 413, "too-costly", "", "a file has at most 1000 lines");
        }

        spool_line *names = &lines[content->count];
        (void)snprintf(names->path, sizeof names->path, "line %zu: Observation", number);
        orders[content->count] = content->order;
        orders[content->count].text = line;
        orders[content->count].offset = (size_t)(line.ptr - start);
        orders[content->count].path = names->path;
        content->count++;
    }
    return true;
}

/* The first that was refused speaks for the file. */
static void content_tell_worst(const spool_content *content, sbs_intake_result *result) {
    for (size_t i = 0; i < content->count; i++) {
        if (content->results[i].status >= 300) {
            *result = content->results[i];
            return;
        }
    }
}

static void content_store_lines(spool_content *content, sbs_intake_result *result) {
    sbs_intake_order *orders = calloc(SBS_GATEWAY_ENTRIES_MAX, sizeof *orders);
    spool_line *lines = calloc(SBS_GATEWAY_ENTRIES_MAX, sizeof *lines);
    content->results = calloc(SBS_GATEWAY_ENTRIES_MAX, sizeof *content->results);

    if (orders == NULL || lines == NULL || content->results == NULL) {
        (void)sbs_intake_refuse(result, 503, "throttled", "", "the gateway is short of memory");
    } else if (lines_order(content, lines, orders, result) && sbs_intake_begin(content->intake, result) &&
               !sbs_intake_store_all(content->intake, orders, content->count, content->results)) {
        content_tell_worst(content, result);
    }
    free(orders);
    free(lines);
}

static void content_store_bundle(spool_content *content, const sbs_json *doc, sbs_intake_result *result) {
    sbs_intake_bundle bundle = {0};
    content->order.offset = (size_t)(doc->text - content->order.text.ptr);
    if (!sbs_intake_begin(content->intake, result)) {
        return;
    }

    (void)sbs_intake_bundle_store(content->intake, &content->order, doc, &bundle, result);
    content->results = bundle.results;
    content->count = bundle.count;
}

static void content_store_one(spool_content *content, sbs_intake_result *result) {
    content->results = calloc(1, sizeof *content->results);
    if (content->results == NULL) {
        (void)sbs_intake_refuse(result, 503, "throttled", "", "the gateway is short of memory");
        return;
    }

    if (sbs_intake_begin(content->intake, result)) {
        content->count = 1;
        sbs_intake_store(content->intake, &content->order, false, &content->results[0]);
        content_tell_worst(content, result);
    }
}

/* One JSON text, or as many as there are lines. */
static void content_store(spool_content *content, sbs_intake_result *result) {
    sbs_forward_json json = {0};
    sbs_json_node type;
    sbs_text rest = content->order.text;
    sbs_status status = sbs_forward_json_parse(&json, content->order.text, NULL);

    if (status == SBS_OK && sbs_json_member(&json.doc, 0, "resourceType", &type) == SBS_OK &&
        sbs_json_equals(&json.doc, type, "Bundle")) {
        content_store_bundle(content, &json.doc, result);
    } else if (status == SBS_OK || status == SBS_ERR_MEMORY) {
        content_store_one(content, result);
    } else {
        sbs_text first = line_next(&rest);
        bool lines = rest.len > 0 && sbs_forward_json_parse(&json, first, NULL) == SBS_OK;
        if (lines) {
            content_store_lines(content, result);
        } else {
            content_store_one(content, result);
        }
    }
    sbs_forward_json_free(&json);
}

static void content_count(const spool_content *content, const sbs_intake_result *result) {
    const sbs_gateway_device *device = content->order.device;
    if (result->status >= 300) {
        sbs_intake_count(content->intake, device, content->order.now, result);
        return;
    }
    for (size_t i = 0; i < content->count; i++) {
        sbs_intake_count(content->intake, device, content->order.now, &content->results[i]);
    }
}

/* ---- a file ------------------------------------------------------------------------------------------------------ */

void sbs_spool_why_name(char out[NAME_MAX + 1], const char *name) {
    (void)snprintf(out, NAME_SIZE, "%.*s%s", (int)(NAME_MAX - strlen(SBS_SPOOL_WHY)), name, SBS_SPOOL_WHY);
}

void sbs_spool_explain(int folder, const char *name, const sbs_intake_result *result) {
    char why[NAME_SIZE];
    char text[SBS_INTAKE_WORDS_SIZE + SBS_INTAKE_PATH_SIZE + 32];
    sbs_spool_why_name(why, name);

    int len = snprintf(text, sizeof text, "%s%s%s\n", result->expression, result->expression[0] != '\0' ? ": " : "",
                       result->words);
    (void)unlinkat(folder, why, 0);
    int file = openat(folder, why, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (file < 0) {
        return;
    }

    /* What cannot be written is missing beside a file that is refused again the next time. */
    ssize_t written = write(file, text, (size_t)len);
    (void)written;
    (void)close(file);
}

/* Gives a file another name that nothing has. */
static bool file_rename(int folder, const char *from, const char *to) {
    struct stat info;
    if (syscall(SYS_renameat2, folder, from, folder, to, RENAME_NEVER_REPLACE) == 0) {
        return true;
    }

    /* Some file systems cannot promise it. */
    return (errno == EINVAL || errno == ENOSYS) && fstatat(folder, to, &info, AT_SYMLINK_NOFOLLOW) != 0 &&
           errno == ENOENT && renameat(folder, from, folder, to) == 0;
}

/* Back under its own name, or beside a new file that has come there: "NAME~1". */
static bool file_put_back(int folder, const char *taken, const char *name, char *out) {
    char behind[4] = "";
    for (unsigned i = 0; i < 10; i++) {
        if (i > 0) {
            (void)snprintf(behind, sizeof behind, "~%u", i);
        }
        if (name_join(out, "", name, behind) && file_rename(folder, taken, out)) {
            return true;
        }
    }
    return false;
}

static void file_refuse_read(sbs_status status, sbs_intake_result *result) {
    switch (status) {
    case SBS_ERR_FORBIDDEN:
        (void)sbs_intake_refuse(result, 422, "forbidden", "", "not a regular file of the folder's owner");
        break;
    case SBS_ERR_TOO_LARGE:
        (void)sbs_intake_refuse(result, 413, "too-long", "", "a file has at most 1 MiB");
        break;
    default:
        (void)sbs_intake_refuse(result, STATUS_LATER, "exception", "", "the file cannot be read now");
        break;
    }
}

static void file_store(const sbs_gateway_intake *intake, const sbs_gateway_device *device, sbs_now now, int folder,
                       const char *taken, const char *name, sbs_intake_result *result, struct stat *out_read) {
    sbs_forward_buffer text = {0};
    spool_content content = {
        .intake = intake,
        .order = {.device = device, .now = now, .path = SBS_INTAKE_TYPE, .key = sbs_text_of(name), .by_content = true},
    };
    sbs_status status = file_read(folder, taken, &text, out_read);
    if (status == SBS_OK && text.len > SBS_GATEWAY_MESSAGE_MAX) {
        status = SBS_ERR_TOO_LARGE;
    }

    *result = (sbs_intake_result){.status = 200};
    if (status == SBS_OK) {
        content.order.text = sbs_forward_buffer_text(&text);
        content_store(&content, result);
    } else {
        file_refuse_read(status, result);
    }
    content_count(&content, result);
    free(content.results);
    sbs_forward_buffer_free(&text);
}

/* True if errno is of the folder, not of one file in it. */
static bool folder_denies(void) {
    return errno == EACCES || errno == EPERM || errno == EROFS;
}

sbs_spool_fate sbs_spool_take(const sbs_gateway_intake *intake, const sbs_gateway_device *device, sbs_now now,
                              int folder, const char *name, bool again, struct stat *out_read) {
    char taken[NAME_SIZE];
    char back[NAME_SIZE];
    sbs_intake_result result = {0};
    if (!name_join(taken, SBS_SPOOL_TAKEN, name, "")) {
        (void)sbs_intake_refuse(&result, 422, "too-long", "", "the file's name is too long");
        sbs_spool_explain(folder, name, &result);
        sbs_intake_count(intake, device, now, &result);
        return SBS_SPOOL_REFUSED;
    }

    /* One of that name from before goes first. */
    if (!again && !file_rename(folder, name, taken)) {
        return folder_denies() ? SBS_SPOOL_DENIED : SBS_SPOOL_LATER;
    }

    file_store(intake, device, now, folder, taken, name, &result, out_read);
    if (result.status < 300) {
        return SBS_SPOOL_STORED;
    }

    bool named = file_put_back(folder, taken, name, back);
    if (result.status == 503) {
        return SBS_SPOOL_TROUBLE;
    }
    if (result.status == STATUS_LATER || !named) {
        return SBS_SPOOL_LATER;
    }
    sbs_spool_explain(folder, back, &result);
    return SBS_SPOOL_REFUSED;
}

void sbs_spool_remove(int folder, const char *name, int64_t size, int64_t written_s, int64_t written_ns) {
    char taken[NAME_SIZE];
    char other[NAME_SIZE];
    struct stat info;
    if (!name_join(taken, SBS_SPOOL_TAKEN, name, "") || fstatat(folder, taken, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return;
    }

    bool same = info.st_size == size && info.st_mtim.tv_sec == written_s && info.st_mtim.tv_nsec == written_ns;
    if (!same) {
        (void)file_put_back(folder, taken, name, other);
        return;
    }
    (void)unlinkat(folder, taken, 0);
    sbs_spool_why_name(other, name);
    (void)unlinkat(folder, other, 0); /* of an earlier refusal */
}
