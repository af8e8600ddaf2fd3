/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file options.h
 * The one table-driven option parser. Each subcommand lists its options once; parsing, help, the configuration file and
 * the completion script come from that list.
 */
#ifndef SBS_CLI_OPTIONS_H
#define SBS_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sbs/count.h"
#include "sbs/text.h"

typedef enum cli_type {
    CLI_FLAG,   /**< bool */
    CLI_TEXT,   /**< const char * */
    CLI_FILE,   /**< const char *, completed as a file name */
    CLI_LIST,   /**< cli_list */
    CLI_FILES,  /**< cli_list, completed as file names */
    CLI_UINT,   /**< uint64_t within min..max */
    CLI_CHOICE, /**< int: 1 for the first of the words in `argument`, and so on; 0: not given */
    CLI_CONFIG  /**< const char *: file with further options */
} cli_type;

#define CLI_LIST_MAX 64u

typedef struct cli_list {
    const char *items[CLI_LIST_MAX];
    size_t count;
} cli_list;

typedef struct cli_option {
    const char *name;     /**< without the dashes */
    const char *argument; /**< as help shows it; CLI_CHOICE: the words, separated by '|'; NULL for a flag */
    const char *help;
    void *value;
    uint64_t min, max; /**< CLI_UINT */
    cli_type type;
    bool required;
    uint8_t group; /**< of the options that share a group (not 0) one may be given */
} cli_option;

/** Options that several commands share, or that one has alone. */
typedef struct cli_table {
    const cli_option *options;
    size_t count;
    const char *title; /**< over them in the help; NULL: the command's own, "options" */
} cli_table;

#define CLI_TABLE(array) CLI_TITLED_TABLE(array, NULL)
#define CLI_TITLED_TABLE(array, name)                                                                                  \
    { (array), SBS_COUNT_OF(array), (name) }
#define CLI_TABLE_MAX 10u

/** The arguments on the command line that are no options. */
typedef struct cli_operands {
    const char *const *items;
    size_t count;
} cli_operands;

typedef struct cli_command {
    const char *name;
    const char *summary;  /**< one line for the list of commands */
    const char *about;    /**< further lines of its help, NULL for none */
    const char *operands; /**< as help shows them, NULL for none */
    size_t operand_min, operand_max;
    const cli_table *tables[CLI_TABLE_MAX]; /**< in the order of help, NULL after the last */
    const char *example;
    int (*run)(const cli_operands *operands); /**< returns an exit status */
} cli_command;

/** All commands in the order of help, NULL at the end. */
extern const cli_command *const cli_commands[];

/** True in @p out_help if help was asked for. Returns an exit status; on a failure a message was printed. */
int cli_parse(const cli_command *command, char **arguments, size_t count, cli_operands *out_operands, bool *out_help);
/** True if the value of an option came from the configuration file. */
bool cli_is_from_config(const char *value);
/** Frees what parsing kept. */
void cli_parse_free(void);

/** The options of a command one after the other; NULL at the end. */
const cli_option *cli_option_at(const cli_command *command, size_t index);
/** The option called @p name (@p len bytes), or NULL. */
const cli_option *cli_find_option(const cli_command *command, const char *name, size_t len);
/** Takes the next word off a CLI_CHOICE's list; false at the end. */
bool cli_next_choice(const char **words, sbs_text *out_word);

/** True if @p text is 1 to @p max bytes of 0x20-0x7E. */
bool cli_is_printable(const char *text, size_t max);

/** Prints the help of one command, or of all, to standard output's buffer. */
void cli_put_help(const cli_command *command);
void cli_put_overview(void);
/** True if commands of two words begin with this one. */
bool cli_is_family(const char *word);
/** Prints the commands that begin with it. */
void cli_put_family(const char *word);
/** Prints the completion script for bash. */
void cli_put_completion(void);

#endif
