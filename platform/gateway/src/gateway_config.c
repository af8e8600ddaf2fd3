/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/gateway_config.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config_internal.h"
#include "sbs/linux_file.h"

#define FILE_MAX_BYTES (256u << 10)
#define DROP_INS "conf.d"
#define DROP_IN_END ".conf"

/* ---- one file ---------------------------------------------------------------------------------------------------- */

/* Who may write the file decides where measurements go. */
static sbs_status file_check_mode(sbs_config_reading *reading, const char *path) {
    struct stat info;
    if (stat(path, &info) != 0) {
        return SBS_ERR_NOT_FOUND;
    }

    reading->login_readable = (info.st_mode & S_IROTH) != 0;
    if ((info.st_mode & S_IWOTH) != 0 && S_ISREG(info.st_mode)) {
        return sbs_config_fail(reading, "everybody may write the file: chmod o-w it");
    }
    return SBS_OK;
}

static sbs_status file_explain(sbs_config_reading *reading, sbs_status status) {
    switch (status) {
    case SBS_ERR_NOT_FOUND:
        (void)sbs_config_fail(reading, "there is no such file");
        return status;
    case SBS_ERR_TOO_LARGE:
        return sbs_config_fail(reading, "larger than 256 KiB, no configuration is");
    case SBS_ERR_MEMORY:
        (void)sbs_config_fail(reading, "out of memory");
        return status;
    default:
        (void)sbs_config_fail(reading, "cannot be read: %s", strerror(errno));
        return SBS_ERR_STORAGE;
    }
}

static sbs_status file_read(sbs_config_reading *reading, uint16_t number) {
    const char *path = reading->paths[number];
    sbs_linux_blob blob = {0};
    reading->file = number;
    reading->line = 0;

    sbs_status status = file_check_mode(reading, path);
    if (status == SBS_ERR_FORMAT) {
        return status;
    }
    if (status == SBS_OK) {
        status = sbs_linux_file_read(path, FILE_MAX_BYTES, &blob);
    }
    if (status != SBS_OK) {
        return file_explain(reading, status);
    }

    if (memchr(blob.data, '\0', blob.len) != NULL) {
        status = sbs_config_fail(reading, "holds a NUL byte, give a text file");
    } else {
        status = sbs_config_read_lines(reading, blob.data);
    }
    sbs_linux_blob_free(&blob);
    return status;
}

/* ---- all files --------------------------------------------------------------------------------------------------- */

static int drop_in_is_one(const struct dirent *entry) {
    size_t len = strlen(entry->d_name);
    size_t end = strlen(DROP_IN_END);
    return entry->d_name[0] != '.' && len > end && strcmp(entry->d_name + len - end, DROP_IN_END) == 0;
}

/* Bytewise: the order must not depend on the language. */
static int drop_in_order(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static char *path_join(const char *folder, size_t folder_len, const char *name) {
    size_t size = folder_len + strlen(name) + 2;
    char *path = malloc(size);
    if (path != NULL) {
        (void)snprintf(path, size, "%.*s/%s", (int)folder_len, folder, name);
    }
    return path;
}

static sbs_status drop_in_keep(sbs_config_reading *reading, const char *folder, const char *name) {
    if (reading->path_count == SBS_CONFIG_FILES_MAX) {
        return sbs_config_fail(reading, "more than 64 files in " DROP_INS);
    }

    char *path = path_join(folder, strlen(folder), name);
    if (path == NULL) {
        (void)sbs_config_fail(reading, "out of memory");
        return SBS_ERR_MEMORY;
    }
    reading->paths[reading->path_count++] = path;
    return SBS_OK;
}

/* A folder that is not there holds nothing; one that cannot be read may hold a device. */
static sbs_status drop_ins_find(sbs_config_reading *reading) {
    const char *path = reading->paths[0];
    const char *slash = strrchr(path, '/');
    char *folder = NULL;
    struct dirent **names = NULL;
    if (slash != NULL) {
        folder = path_join(path, (size_t)(slash - path), DROP_INS);
    } else {
        folder = strdup(DROP_INS);
    }
    if (folder == NULL) {
        (void)sbs_config_fail(reading, "out of memory");
        return SBS_ERR_MEMORY;
    }

    sbs_status status = SBS_OK;
    int count = scandir(folder, &names, drop_in_is_one, drop_in_order);
    if (count < 0 && errno != ENOENT) {
        (void)sbs_config_fail(reading, "%s cannot be read: %s", folder, strerror(errno));
        status = SBS_ERR_STORAGE;
    }

    for (int i = 0; i < count; i++) {
        if (status == SBS_OK) {
            status = drop_in_keep(reading, folder, names[i]->d_name);
        }
        free(names[i]);
    }
    free(names);
    free(folder);
    return status;
}

static void config_set_defaults(sbs_gateway_config *config) {
    *config = (sbs_gateway_config){
        .write_mode = SBS_FORWARD_AUTO,
        .connections = 4,
        .mark_ahead = 32,
        .gzip = true,
        .keep_free = UINT64_C(256) << 20,
        .items_max = 1000000,
        .dead_keep_days = 30,
    };
}

static sbs_status reading_run(sbs_config_reading *reading) {
    sbs_status status = file_read(reading, 0);
    reading->line = 0;
    if (status == SBS_OK) {
        status = drop_ins_find(reading);
    }

    for (size_t i = 1; i < reading->path_count && status == SBS_OK; i++) {
        status = file_read(reading, (uint16_t)i);
    }

    reading->file = 0;
    reading->line = 0;
    if (status == SBS_OK) {
        status = sbs_config_check(reading);
    }
    return status;
}

sbs_status sbs_gateway_config_load(const char *path, sbs_gateway_config *out, char *message, size_t size) {
    config_set_defaults(out);
    message[0] = '\0';

    sbs_config_reading *reading = calloc(1, sizeof *reading);
    if (reading == NULL) {
        (void)snprintf(message, size, "%s: out of memory", path);
        sbs_gateway_config_free(out);
        return SBS_ERR_MEMORY;
    }

    reading->config = out;
    reading->message = message;
    reading->size = size;
    reading->paths[0] = path;
    reading->path_count = 1;

    sbs_status status = reading_run(reading);
    for (size_t i = 1; i < reading->path_count; i++) {
        free((char *)reading->paths[i]);
    }
    free(reading);

    if (status != SBS_OK) {
        sbs_gateway_config_free(out);
    }
    return status;
}

/* ---- the rest ---------------------------------------------------------------------------------------------------- */

static void text_free(char *text) {
    if (text != NULL) {
        sbs_wipe(text, strlen(text));
        free(text);
    }
}

void sbs_gateway_config_free(sbs_gateway_config *config) {
    char *texts[] = {config->fhir,  config->token_url, config->client_id, config->scope,    config->aud,
                     config->kid,   config->ca,        config->proxy,     config->no_proxy, config->algorithm,
                     config->state, config->run,       config->key};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        text_free(texts[i]);
    }

    for (size_t i = 0; i < SBS_GATEWAY_LISTENERS_MAX; i++) {
        text_free(config->listeners[i].address);
        text_free(config->listeners[i].certificate);
        text_free(config->listeners[i].key);
    }
    for (size_t i = 0; i < SBS_GATEWAY_DEVICES_MAX; i++) {
        text_free(config->devices[i].folder);
    }
    *config = (sbs_gateway_config){0};
}

const sbs_gateway_device *sbs_gateway_config_device(const sbs_gateway_config *config, const char *name) {
    for (size_t i = 0; i < config->device_count; i++) {
        if (strcmp(config->devices[i].name, name) == 0) {
            return &config->devices[i];
        }
    }
    return NULL;
}
