/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a configuration file: [section NAME], option = value, # comment. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"
#include "sbs/linux_text.h"

#define LINE_MAX_BYTES 4096u
#define LINES_MAX 65535u
#define SHOWN_MAX 64

/* The section that is read, and what it describes. */
typedef struct lines_section {
    const sbs_config_section *section;
    void *target;
    size_t slot;
} lines_section;

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static void message_put(sbs_config_reading *reading, sbs_config_place place, const char *format, va_list arguments) {
    int len = 0;
    if (place.line > 0) {
        len = snprintf(reading->message, reading->size, "%s:%u: ", reading->paths[place.file], place.line);
    } else {
        len = snprintf(reading->message, reading->size, "%s: ", reading->paths[place.file]);
    }

    if (len >= 0 && (size_t)len < reading->size) {
        (void)vsnprintf(reading->message + len, reading->size - (size_t)len, format, arguments);
    }

    size_t clean = sbs_linux_clean_text(reading->message, strlen(reading->message));
    reading->message[clean] = '\0';
}

sbs_status sbs_config_fail(sbs_config_reading *reading, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    message_put(reading, (sbs_config_place){reading->file, reading->line}, format, arguments);
    va_end(arguments);
    return SBS_ERR_FORMAT;
}

sbs_status sbs_config_fail_at(sbs_config_reading *reading, size_t slot, const char *option, const char *format, ...) {
    const sbs_config_section *section = sbs_config_section_of(slot);
    sbs_config_place place = reading->sections[slot];

    for (size_t i = 0; option != NULL && i < section->count; i++) {
        if (strcmp(section->options[i].name, option) == 0 && reading->given[slot][i].line > 0) {
            place = reading->given[slot][i];
        }
    }

    va_list arguments;
    va_start(arguments, format);
    message_put(reading, place, format, arguments);
    va_end(arguments);
    return SBS_ERR_FORMAT;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

/* Frees what stood there: a drop-in may replace it. */
static sbs_status value_keep(sbs_config_reading *reading, char **target, const char *value) {
    char *copy = strdup(value);
    if (copy == NULL) {
        (void)sbs_config_fail(reading, "out of memory");
        return SBS_ERR_MEMORY;
    }

    if (*target != NULL) {
        sbs_wipe(*target, strlen(*target));
        free(*target);
    }
    *target = copy;
    return SBS_OK;
}

static sbs_status value_set_path(sbs_config_reading *reading, const sbs_config_option *option, char **target,
                                 const char *value) {
    if (value[0] != '/') {
        return sbs_config_fail(reading, "%s: give the whole path, beginning with '/'", option->name);
    }
    return value_keep(reading, target, value);
}

static sbs_status value_set_name(sbs_config_reading *reading, const sbs_config_option *option, char *target,
                                 const char *value) {
    if (!sbs_config_is_name(value)) {
        return sbs_config_fail(reading, "%s: a name has at most 63 letters, digits, '.' and '-'", option->name);
    }
    (void)snprintf(target, SBS_GATEWAY_NAME_SIZE, "%s", value);
    return SBS_OK;
}

static sbs_status value_set_bool(sbs_config_reading *reading, const sbs_config_option *option, bool *target,
                                 const char *value) {
    bool yes = strcmp(value, "yes") == 0 || strcmp(value, "true") == 0;
    if (!yes && strcmp(value, "no") != 0 && strcmp(value, "false") != 0) {
        return sbs_config_fail(reading, "%s: write yes or no", option->name);
    }
    *target = yes;
    return SBS_OK;
}

/* The letter behind a size as a shift; -1: it is none. */
static int size_shift(const char *unit) {
    static const char letters[] = "KMG";
    if (unit[0] == '\0') {
        return 0;
    }

    const char *found = strchr(letters, unit[0]);
    if (found == NULL || unit[1] != '\0') {
        return -1;
    }
    return 10 * (int)(found - letters + 1);
}

/* @p unit: what stands behind the digits is a size's. */
static sbs_status value_read_number(sbs_config_reading *reading, const sbs_config_option *option, const char *value,
                                    bool unit, uint64_t *out) {
    size_t digits = strspn(value, "0123456789");
    int shift = size_shift(value + digits);
    uint64_t number = 0;
    if (digits == 0 || shift < 0 || (!unit && value[digits] != '\0')) {
        return sbs_config_fail(reading,
                               unit ? "%s: write a number of bytes, or one with K, M or G: 256M" : "%s: write a number",
                               option->name);
    }

    sbs_status status = sbs_text_to_uint((sbs_text){value, digits}, &number);
    if (status != SBS_OK || number > option->max >> shift || number << shift < option->min) {
        return sbs_config_fail(reading, "%s: write %llu to %llu", option->name, (unsigned long long)option->min,
                               (unsigned long long)option->max);
    }
    *out = number << shift;
    return SBS_OK;
}

static sbs_status value_set_number(sbs_config_reading *reading, const sbs_config_option *option, void *target,
                                   const char *value) {
    uint64_t number = 0;
    sbs_status status = value_read_number(reading, option, value, option->type == SBS_CONFIG_SIZE, &number);
    if (status != SBS_OK) {
        return status;
    }

    if (option->type == SBS_CONFIG_UINT16) {
        *(uint16_t *)target = (uint16_t)number;
    } else if (option->type == SBS_CONFIG_UINT32) {
        *(uint32_t *)target = (uint32_t)number;
    } else {
        *(uint64_t *)target = number;
    }
    return SBS_OK;
}

/* The place of a word in "auto|put", or -1. */
static int word_place(const char *words, const char *value) {
    size_t value_len = strlen(value);
    for (int place = 0;; place++) {
        size_t len = strcspn(words, "|");
        if (len == value_len && memcmp(words, value, len) == 0) {
            return place;
        }
        if (words[len] == '\0') {
            return -1;
        }
        words += len + 1;
    }
}

static sbs_status value_set_word(sbs_config_reading *reading, const sbs_config_option *option, void *target,
                                 const char *value) {
    int place = word_place(option->words, value);
    if (place < 0) {
        return sbs_config_fail(reading, "%s: '%.*s' is none of %s", option->name, SHOWN_MAX, value, option->words);
    }
    if (option->type == SBS_CONFIG_WORD) {
        return value_keep(reading, target, value);
    }

    unsigned number = (unsigned)option->min + (unsigned)place;
    memcpy(target, &number, sizeof number);
    return SBS_OK;
}

/* Addresses and prefixes, separated by commas or blanks, in place of those that stood there. */
static sbs_status value_set_allow(sbs_config_reading *reading, sbs_gateway_listener *listener, char *value) {
    char *rest = NULL;
    listener->allow_count = 0;

    for (char *item = strtok_r(value, ", \t", &rest); item != NULL; item = strtok_r(NULL, ", \t", &rest)) {
        if (listener->allow_count == SBS_GATEWAY_ALLOW_MAX) {
            return sbs_config_fail(reading, "allow: more than 16 addresses, write a prefix: 192.168.8.0/24");
        }
        if (!sbs_config_read_prefix(item, &listener->allow[listener->allow_count])) {
            return sbs_config_fail(reading, "allow: '%.*s' is no address like 192.168.8.20 or 192.168.8.0/24",
                                   SHOWN_MAX, item);
        }
        listener->allow_count++;
    }
    return SBS_OK;
}

static sbs_status value_set_secret(sbs_config_reading *reading, const sbs_config_option *option, char **target,
                                   const char *value) {
    if (strchr(value, '@') != NULL && reading->login_readable) {
        return sbs_config_fail(reading, "%s: holds a login, and everybody may read the file: chmod o-r it",
                               option->name);
    }
    return value_keep(reading, target, value);
}

static sbs_status value_set(sbs_config_reading *reading, const lines_section *current, const sbs_config_option *option,
                            char *value) {
    void *target = (char *)current->target + option->offset;

    switch (option->type) {
    case SBS_CONFIG_TEXT:
        return value_keep(reading, target, value);
    case SBS_CONFIG_SECRET:
        return value_set_secret(reading, option, target, value);
    case SBS_CONFIG_PATH:
        return value_set_path(reading, option, target, value);
    case SBS_CONFIG_NAME:
        return value_set_name(reading, option, target, value);
    case SBS_CONFIG_BOOL:
        return value_set_bool(reading, option, target, value);
    case SBS_CONFIG_CHOICE:
    case SBS_CONFIG_WORD:
        return value_set_word(reading, option, target, value);
    case SBS_CONFIG_ALLOW:
        return value_set_allow(reading, current->target, value);
    default:
        return value_set_number(reading, option, target, value);
    }
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

static char *line_trim(char *text) {
    while (is_blank(*text)) {
        text++;
    }

    size_t len = strlen(text);
    while (len > 0 && is_blank(text[len - 1])) {
        len--;
    }
    text[len] = '\0';
    return text;
}

/* A comment begins the line, or stands behind a blank: a URL may have a '#' within. */
static void line_cut_comment(char *line) {
    for (char *c = line; *c != '\0'; c++) {
        if (*c == '#' && (c == line || is_blank(c[-1]))) {
            *c = '\0';
            return;
        }
    }
}

/* What is shown of a name that is not known: it may be something else altogether, a login say. */
static const char *shown(const char *name) {
    size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_- ");
    if (len > 0 && len <= SHOWN_MAX && name[len] == '\0') {
        return name;
    }
    return "(no name)";
}

static sbs_status section_unknown(sbs_config_reading *reading, const char *kind) {
    const char *nearest = sbs_config_nearest(NULL, kind);
    if (nearest != NULL) {
        return sbs_config_fail(reading, "unknown section [%s], did you mean [%s]?", shown(kind), nearest);
    }
    return sbs_config_fail(reading,
                           "unknown section [%s]: there are [server], [gateway], [listen NAME], "
                           "[device NAME]",
                           shown(kind));
}

/* @p inside: what stands between the brackets. */
static sbs_status section_begin(sbs_config_reading *reading, lines_section *current, char *inside) {
    const char *fault = NULL;
    char *kind = line_trim(inside);
    char *name = kind + strcspn(kind, " \t");
    if (*name != '\0') {
        *name++ = '\0';
        name = line_trim(name);
    }

    *current = (lines_section){.section = sbs_config_find_section(kind)};
    if (current->section == NULL) {
        return section_unknown(reading, kind);
    }
    if (current->section->named && *name == '\0') {
        return sbs_config_fail(reading, "[%s] needs a name: [%s NAME]", kind, kind);
    }
    if (!current->section->named && *name != '\0') {
        return sbs_config_fail(reading, "[%s] has no name, write [%s]", kind, kind);
    }
    if (current->section->named && !sbs_config_is_name(name)) {
        return sbs_config_fail(reading,
                               "[%s]: a name has at most 63 letters, digits, '.' and '-', and begins with a "
                               "letter or digit",
                               kind);
    }

    current->target = current->section->at(reading->config, name, &current->slot, &fault);
    if (current->target == NULL) {
        return sbs_config_fail(reading, "[%s]: %s", kind, fault);
    }
    if (reading->sections[current->slot].line == 0) {
        reading->sections[current->slot] = (sbs_config_place){reading->file, reading->line};
    }
    return SBS_OK;
}

static sbs_status option_unknown(sbs_config_reading *reading, const lines_section *current, const char *name) {
    const char *owner = sbs_config_owner(name);
    const char *nearest = sbs_config_nearest(current->section, name);
    const char *kind = current->section->name;

    if (owner != NULL) {
        return sbs_config_fail(reading, "'%s' is an option of [%s], not of [%s]", name, owner, kind);
    }
    if (nearest != NULL) {
        return sbs_config_fail(reading, "unknown option '%s' in [%s], did you mean '%s'?", shown(name), kind, nearest);
    }
    return sbs_config_fail(reading, "unknown option '%s' in [%s]", shown(name), kind);
}

/* Every value is text of one line, and comes without quotes. */
static sbs_status value_check(sbs_config_reading *reading, const char *name, const char *value) {
    size_t len = strlen(value);
    if (len == 0) {
        return sbs_config_fail(reading, "%s: no value, give one or leave the line out", name);
    }
    if (value[0] == '"' || value[0] == '\'') {
        return sbs_config_fail(reading, "%s: the quotes would be part of the value, leave them out", name);
    }

    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)value[i] < 0x20 || value[i] == 0x7F) {
            return sbs_config_fail(reading, "%s: holds a control character", name);
        }
    }
    return SBS_OK;
}

static sbs_status option_take(sbs_config_reading *reading, const lines_section *current, char *line) {
    char *equals = strchr(line, '=');
    if (current->section == NULL) {
        return sbs_config_fail(reading, "stands before the first section, begin with [server]");
    }
    if (equals == NULL) {
        return sbs_config_fail(reading, "no '=' in the line, write 'option = value' or '# comment'");
    }

    *equals = '\0';
    char *name = line_trim(line);
    char *value = line_trim(equals + 1);
    const sbs_config_option *option = sbs_config_find_option(current->section, name);
    if (option == NULL) {
        return option_unknown(reading, current, name);
    }

    /* A later file replaces what an earlier one says; within a file it is a mistake. */
    sbs_config_place *place = &reading->given[current->slot][option - current->section->options];
    if (place->line > 0 && place->file == reading->file) {
        return sbs_config_fail(reading, "%s: stands in line %u already", name, place->line);
    }

    sbs_status status = value_check(reading, name, value);
    if (status != SBS_OK) {
        return status;
    }
    *place = (sbs_config_place){reading->file, reading->line};
    return value_set(reading, current, option, value);
}

static sbs_status line_take(sbs_config_reading *reading, lines_section *current, char *line) {
    line_cut_comment(line);
    line = line_trim(line);
    if (*line == '[') {
        char *end = strchr(line, ']');
        if (end == NULL) {
            return sbs_config_fail(reading, "no ']' behind the section's name");
        }

        *end = '\0';
        sbs_status status = section_begin(reading, current, line + 1);
        if (status != SBS_OK) {
            return status;
        }
        line = line_trim(end + 1); /* the first option may follow in the same line */
    }

    if (*line == '\0') {
        return SBS_OK;
    }
    return option_take(reading, current, line);
}

/* Ends the line that begins at @p line, and returns the next one, NULL at the end. */
static char *line_end(char *line) {
    char *end = strchr(line, '\n');
    if (end == NULL) {
        return NULL;
    }

    *end = '\0';
    if (end > line && end[-1] == '\r') {
        end[-1] = '\0';
    }
    return end + 1;
}

sbs_status sbs_config_read_lines(sbs_config_reading *reading, char *text) {
    static const char byte_order_mark[] = "\xEF\xBB\xBF"; /* some editors write one */
    lines_section current = {0};
    sbs_status status = SBS_OK;
    char *line = text;
    if (strncmp(line, byte_order_mark, sizeof byte_order_mark - 1) == 0) {
        line += sizeof byte_order_mark - 1;
    }

    for (reading->line = 1; line != NULL && status == SBS_OK; reading->line++) {
        char *next = line_end(line);
        if (strlen(line) > LINE_MAX_BYTES || reading->line == LINES_MAX) {
            return sbs_config_fail(reading, "a longer line, or more of them, than a configuration has");
        }

        status = line_take(reading, &current, line);
        line = next;
    }
    return status;
}
