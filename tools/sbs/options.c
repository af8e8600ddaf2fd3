/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "message.h"

#define OPTION_MAX 48u
#define CONFIG_MAX 65536u
#define PLACE_SIZE 512   /* "device.conf:3" */
#define WHERE_SIZE 1024  /* "device.conf:3: kid" */
#define CHOICES_SIZE 256 /* all the words of an option */
#define PATH_MAX_COUNT 64u

typedef enum source { FROM_NOWHERE, FROM_CONFIG, FROM_COMMAND_LINE } source;

typedef struct parse {
    const cli_command *command;
    source sources[OPTION_MAX];
} parse;

static cli_buffer config;
static const char **operand_items;
static char *config_paths[PATH_MAX_COUNT]; /* paths of the configuration file that were made absolute or longer */
static size_t config_path_count;

const cli_option *cli_option_at(const cli_command *command, size_t index) {
    for (size_t i = 0; i < CLI_TABLE_MAX && command->tables[i] != NULL; i++) {
        const cli_table *table = command->tables[i];
        if (index < table->count) {
            return &table->options[index];
        }

        /* The index counts on in the next table. */
        index -= table->count;
    }
    return NULL;
}

const cli_option *cli_find_option(const cli_command *command, const char *name, size_t len) {
    const cli_option *option;
    for (size_t i = 0; (option = cli_option_at(command, i)) != NULL; i++) {
        if (strlen(option->name) == len && memcmp(option->name, name, len) == 0) {
            return option;
        }
    }
    return NULL;
}

bool cli_is_printable(const char *text, size_t max) {
    size_t len = 0;
    while (text[len] >= 0x20 && text[len] <= 0x7E) {
        len++;
    }
    return text[len] == '\0' && len > 0 && len <= max;
}

bool cli_next_choice(const char **words, sbs_text *out_word) {
    if (**words == '\0') {
        return false;
    }

    size_t len = strcspn(*words, "|");
    *out_word = (sbs_text){*words, len};
    *words += len;
    if (**words == '|') {
        (*words)++;
    }

    return true;
}

/* "smart, seed" */
static void option_list_choices(const cli_option *option, char *out, size_t size) {
    const char *words = option->argument;
    const char *comma = "";
    size_t len = 0;
    sbs_text word;

    out[0] = '\0';
    while (cli_next_choice(&words, &word) && len < size) {
        len += (size_t)snprintf(out + len, size - len, "%s%.*s", comma, (int)word.len, word.ptr);
        comma = ", ";
    }
}

static int option_set_choice(const cli_option *option, const char *text, const char *where) {
    const char *words = option->argument;
    sbs_text word;
    int number = 1;

    while (cli_next_choice(&words, &word)) {
        if (sbs_text_equal(word, sbs_text_of(text))) {
            *(int *)option->value = number;
            return CLI_DONE;
        }

        number++;
    }

    char list[CHOICES_SIZE];
    option_list_choices(option, list, sizeof list);
    return cli_fail(CLI_USAGE, "%s: '%s' is not one of %s", where, text, list);
}

static int option_set_uint(const cli_option *option, const char *text, const char *where) {
    uint64_t number;
    sbs_status status = sbs_text_to_uint(sbs_text_of(text), &number);
    if (status != SBS_OK || number < option->min || number > option->max) {
        return cli_fail(CLI_USAGE, "%s: '%s' is out of range, give a whole number from %llu to %llu", where, text,
                        (unsigned long long)option->min, (unsigned long long)option->max);
    }

    *(uint64_t *)option->value = number;
    return CLI_DONE;
}

/* On the command line a flag has no value (NULL); in a configuration file it has one. */
static int option_set_flag(const cli_option *option, const char *text, const char *where) {
    bool on = text == NULL || strcmp(text, "true") == 0;
    if (!on && strcmp(text, "false") != 0) {
        return cli_fail(CLI_USAGE, "%s: '%s' is neither true nor false, give one of them", where, text);
    }

    *(bool *)option->value = on;
    return CLI_DONE;
}

static int option_set_list(const cli_option *option, const char *text, const char *where) {
    cli_list *list = option->value;

    /* The list has a fixed size, so that nobody needs to free it. */
    if (list->count == CLI_LIST_MAX) {
        return cli_fail(CLI_USAGE, "%s: given too often, %u is the limit", where, CLI_LIST_MAX);
    }

    list->items[list->count++] = text;
    return CLI_DONE;
}

static int option_set_value(const cli_option *option, const char *text, const char *where) {
    switch (option->type) {
    case CLI_FLAG:
        return option_set_flag(option, text, where);
    case CLI_LIST:
    case CLI_FILES:
        return option_set_list(option, text, where);
    case CLI_UINT:
        return option_set_uint(option, text, where);
    case CLI_CHOICE:
        return option_set_choice(option, text, where);
    default:
        *(const char **)option->value = text;
        return CLI_DONE;
    }
}

static bool option_is_list(const cli_option *option) {
    return option->type == CLI_LIST || option->type == CLI_FILES;
}

static bool option_is_path(const cli_option *option) {
    return option->type == CLI_FILE || option->type == CLI_FILES;
}

static source *option_source(parse *state, const cli_option *option) {
    size_t index = 0;
    while (cli_option_at(state->command, index) != option) {
        index++;
    }
    return &state->sources[index];
}

/* The member of the option's group (or the option itself) that was given already, NULL if none. */
static const cli_option *option_given_in_group(const parse *state, const cli_option *option) {
    const cli_option *other;
    for (size_t i = 0; (other = cli_option_at(state->command, i)) != NULL; i++) {
        bool same = other == option || (option->group != 0 && other->group == option->group);
        if (same && state->sources[i] != FROM_NOWHERE) {
            return other;
        }
    }
    return NULL;
}

/* True if the command line, which is read first, has the option or another one of its group. */
static bool option_is_overruled(parse *state, const cli_option *option, source from) {
    const cli_option *given = option_given_in_group(state, option);
    return given != NULL && from < *option_source(state, given);
}

/* @p where names the option in messages: "push: --kid" or "device.conf:3: kid". */
static int option_set(parse *state, const cli_option *option, const char *text, source from, const char *where) {
    if (option_is_overruled(state, option, from)) {
        return CLI_DONE;
    }

    const cli_option *given = option_given_in_group(state, option);

    /* From the same place: only lists may be given several times. */
    if (given == option && !option_is_list(option)) {
        return cli_fail(CLI_USAGE, "%s: given twice, give it once", where);
    }

    if (given != NULL && given != option) {
        return cli_fail(CLI_USAGE, "%s: cannot be used together with --%s, give one of the two", where, given->name);
    }

    *option_source(state, option) = from;
    return option_set_value(option, text, where);
}

/* ---- the configuration file ----------------------------------------------------------------------------------- */

static char *config_trim(char *text) {
    text += strspn(text, " \t\r");
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r", text[len - 1]) != NULL) {
        len--;
    }
    text[len] = '\0';
    return text;
}

/* One file serves all commands: a key that another command knows is no error. */
static bool config_key_known_elsewhere(const char *name) {
    for (const cli_command *const *command = cli_commands; *command != NULL; command++) {
        if (cli_find_option(*command, name, strlen(name)) != NULL) {
            return true;
        }
    }
    return false;
}

/* Joins two parts to a path that lives until cli_parse_free(). NULL if there is no memory. */
static const char *config_keep_path(const char *folder, size_t len, const char *name) {
    if (config_path_count == PATH_MAX_COUNT) {
        return NULL;
    }
    char *path = malloc(len + strlen(name) + 1);
    if (path == NULL) {
        return NULL;
    }

    memcpy(path, folder, len);
    memcpy(path + len, name, strlen(name) + 1);
    config_paths[config_path_count++] = path;
    return path;
}

static bool path_has_scheme(const char *path) {
    const char *colon = strchr(path, ':');
    return colon != NULL && memchr(path, '/', (size_t)(colon - path)) == NULL;
}

/* "-" is a standard stream, and what begins with a scheme is a key in a token: neither is a path. */
static bool path_is_relative(const char *path) {
    return path[0] != '\0' && path[0] != '/' && strcmp(path, "-") != 0 && !path_has_scheme(path);
}

/* A relative path in the file counts from the file's folder, "~/" from the home folder. */
static int config_place_path(const char *where, const char *file, const char **path) {
    const char *slash = strrchr(file, '/');
    const char *home = getenv("HOME");

    if (strncmp(*path, "~/", 2) == 0) {
        /* A system service of systemd has no HOME. */
        if (home == NULL || home[0] == '\0') {
            return cli_fail(CLI_INPUT, "%s: begins with '~' but HOME is not set, give the whole path", where);
        }

        *path = config_keep_path(home, strlen(home), *path + 1);
    } else if (slash != NULL && path_is_relative(*path)) {
        *path = config_keep_path(file, (size_t)(slash - file) + 1, *path);
    }

    if (*path == NULL) {
        return cli_fail(CLI_INPUT, "%s: out of memory, give fewer paths", where);
    }

    return CLI_DONE;
}

/* Other formats have quotes and comments behind a value. Here they are part of the value, which is seldom meant. */
static void config_warn_of_syntax(const char *where, const char *value) {
    size_t len = strlen(value);
    bool quoted = len >= 2 && (value[0] == '"' || value[0] == '\'') && value[len - 1] == value[0];
    if (quoted) {
        cli_warn("%s: the quotes are part of the value, leave them out", where);
    }
    if (strstr(value, " #") != NULL || strstr(value, "\t#") != NULL) {
        cli_warn("%s: '#' and what follows it are part of the value, write comments on lines of their own", where);
    }
}

static int config_no_equals(const parse *state, const char *place, const char *line) {
    const cli_option *option = cli_find_option(state->command, line, strlen(line));
    if (option != NULL && option->type == CLI_FLAG) {
        return cli_fail(CLI_USAGE, "%s: no '=' in the line, write '%s = true'", place, line);
    }
    return cli_fail(CLI_USAGE, "%s: no '=' in the line, write 'option = value'", place);
}

/* @p place: "device.conf:3". */
static int config_take_line(parse *state, const char *path, const char *place, char *line) {
    char *equals = strchr(line, '=');
    if (equals == NULL) {
        return config_no_equals(state, place, line);
    }

    /* Only the first one counts: a value may hold more of them. */
    *equals = '\0';
    const char *name = config_trim(line);
    const char *value = config_trim(equals + 1);
    const cli_option *option = cli_find_option(state->command, name, strlen(name));

    /* One file serves all commands, so this may be a key of another one. */
    if (option == NULL && config_key_known_elsewhere(name)) {
        return CLI_DONE;
    }

    if (option == NULL || option->type == CLI_CONFIG) {
        return cli_fail(CLI_USAGE, "%s: unknown key '%s', write a long option without its dashes", place, name);
    }

    char where[WHERE_SIZE];
    (void)snprintf(where, sizeof where, "%s: %s", place, name);
    if (!option_is_overruled(state, option, FROM_CONFIG)) {
        config_warn_of_syntax(where, value);
    }

    /* The path is replaced after the warning: a quote at its start would be hidden in a longer one. */
    if (option_is_path(option)) {
        int code = config_place_path(where, path, &value);
        if (code != CLI_DONE) {
            return code;
        }
    }

    return option_set(state, option, value, FROM_CONFIG, where);
}

static int config_read_line(parse *state, const char *path, unsigned number, char *line) {
    line = config_trim(line);
    if (line[0] == '\0' || line[0] == '#') {
        return CLI_DONE;
    }

    char place[PLACE_SIZE];
    (void)snprintf(place, sizeof place, "%s:%u", path, number);
    return config_take_line(state, path, place, line);
}

/* Reads the file into `config`, which ends with a NUL then. */
static int config_load(const char *path) {
    int code = cli_read_file(path, "configuration file", CONFIG_MAX, &config);
    if (code != CLI_DONE) {
        return code;
    }

    if (config.len > 0 && memchr(config.data, '\0', config.len) != NULL) {
        return cli_fail(CLI_INPUT, "configuration file %s: holds a NUL byte, give a text file", path);
    }

    if (cli_buffer_put(&config, "", 1) != SBS_OK) {
        return cli_fail(CLI_INPUT, "configuration file %s: out of memory, give a smaller file", path);
    }

    return CLI_DONE;
}

static int config_read(parse *state, const char *path) {
    int code = config_load(path);
    if (code != CLI_DONE) {
        return code;
    }

    static const char byte_order_mark[] = "\xEF\xBB\xBF"; /* some editors write one */
    size_t mark_len = sizeof byte_order_mark - 1;
    char *line = config.data;
    if (strncmp(line, byte_order_mark, mark_len) == 0) {
        line += mark_len;
    }

    /* The lines are cut in place; the values point into the file until cli_parse_free(). */
    for (unsigned number = 1; line != NULL && code == CLI_DONE; number++) {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end++ = '\0';
        }

        code = config_read_line(state, path, number, line);
        line = end;
    }

    return code;
}

static int config_apply(parse *state) {
    const cli_option *option;
    for (size_t i = 0; (option = cli_option_at(state->command, i)) != NULL; i++) {
        if (option->type != CLI_CONFIG) {
            continue;
        }

        const char *path = *(const char **)option->value;
        if (path != NULL) {
            return config_read(state, path);
        }
    }

    return CLI_DONE;
}

/* ---- the command line ----------------------------------------------------------------------------------------- */

static int option_unknown(const parse *state, const char *argument) {
    return cli_fail(CLI_USAGE, "%s: unknown option '%s', 'sbs %s --help' lists the known ones", state->command->name,
                    argument, state->command->name);
}

/* Takes the option at arguments[*index], and its value, which may be the next argument. */
static int arguments_take_option(parse *state, char **arguments, size_t count, size_t *index) {
    const char *name = arguments[*index] + 2;
    size_t len = strcspn(name, "=");
    const char *value = NULL;
    if (name[len] == '=') {
        value = name + len + 1;
    }

    const cli_option *option = cli_find_option(state->command, name, len);
    if (option == NULL) {
        return option_unknown(state, arguments[*index]);
    }

    char where[WHERE_SIZE];
    (void)snprintf(where, sizeof where, "%s: --%s", state->command->name, option->name);
    if (option->type == CLI_FLAG && value != NULL) {
        return cli_fail(CLI_USAGE, "%s: takes no value, leave out '=%s'", where, value);
    }

    if (option->type != CLI_FLAG && value == NULL) {
        /* The next argument is the value, unless it looks like an option that somebody forgot a value before. */
        if (*index + 1 == count) {
            return cli_fail(CLI_USAGE, "%s: no value, give %s", where, option->argument);
        }

        value = arguments[++*index];
        if (strncmp(value, "--", 2) == 0) {
            return cli_fail(CLI_USAGE, "%s: no value before '%s', give %s (one that begins with -- as --%s=VALUE)",
                            where, value, option->argument, option->name);
        }
    }

    return option_set(state, option, value, FROM_COMMAND_LINE, where);
}

static bool arguments_ask_for_help(const char *argument) {
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

static int arguments_take(parse *state, char **arguments, size_t count, cli_operands *operands, bool *out_help) {
    bool options_end = false; /* after "--" */
    for (size_t i = 0; i < count; i++) {
        const char *argument = arguments[i];

        /* "-" alone is an operand: standard input. */
        bool is_operand = options_end || argument[0] != '-' || argument[1] == '\0';
        if (is_operand) {
            operand_items[operands->count++] = argument;
            continue;
        }

        if (strcmp(argument, "--") == 0) {
            options_end = true;
            continue;
        }

        if (arguments_ask_for_help(argument)) {
            *out_help = true;
            return CLI_DONE;
        }

        if (argument[1] != '-') {
            return option_unknown(state, argument);
        }

        int code = arguments_take_option(state, arguments, count, &i);
        if (code != CLI_DONE) {
            return code;
        }
    }

    return CLI_DONE;
}

static int arguments_check_complete(const parse *state, const cli_operands *operands) {
    const cli_command *command = state->command;
    const cli_option *option;

    /* What is required may come from the file as well, so it is looked for only now. */
    for (size_t i = 0; (option = cli_option_at(command, i)) != NULL; i++) {
        if (option->required && state->sources[i] == FROM_NOWHERE) {
            return cli_fail(CLI_USAGE, "%s: --%s is missing, give --%s %s", command->name, option->name, option->name,
                            option->argument);
        }
    }

    if (operands->count < command->operand_min) {
        return cli_fail(CLI_USAGE, "%s: %s is missing, 'sbs %s --help' shows an example", command->name,
                        command->operands, command->name);
    }

    if (operands->count > command->operand_max) {
        return cli_fail(CLI_USAGE, "%s: unexpected argument '%s', 'sbs %s --help' shows an example", command->name,
                        operands->items[command->operand_max], command->name);
    }

    return CLI_DONE;
}

int cli_parse(const cli_command *command, char **arguments, size_t count, cli_operands *out_operands, bool *out_help) {
    parse state = {.command = command};
    *out_operands = (cli_operands){0};
    *out_help = false;
    operand_items = calloc(count + 1, sizeof *operand_items);
    if (operand_items == NULL) {
        return cli_fail(CLI_USAGE, "%s: out of memory, give fewer arguments", command->name);
    }

    int code = arguments_take(&state, arguments, count, out_operands, out_help);
    out_operands->items = operand_items;
    if (code != CLI_DONE || *out_help) {
        return code;
    }

    /* What the command line has is taken already, so the file fills in the rest. */
    code = config_apply(&state);
    if (code != CLI_DONE) {
        return code;
    }

    return arguments_check_complete(&state, out_operands);
}

/* The values point into the file. */
bool cli_is_from_config(const char *value) {
    uintptr_t at = (uintptr_t)value;
    uintptr_t start = (uintptr_t)config.data;
    return config.data != NULL && at >= start && at < start + config.len;
}

void cli_parse_free(void) {
    free(operand_items);
    operand_items = NULL;

    while (config_path_count > 0) {
        free(config_paths[--config_path_count]);
    }
    cli_buffer_free(&config);
}
