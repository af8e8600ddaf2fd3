/* SPDX-License-Identifier: Apache-2.0 */
/** @file cli.h What the commands of sbs-gateway share: words, options, exit statuses as those of `sbs`. */
#ifndef SBS_GATEWAY_CLI_H
#define SBS_GATEWAY_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "sbs/forward_buffer.h"

#if defined(__GNUC__)
#define CLI_PRINTF(string, first) __attribute__((format(printf, string, first)))
#else
#define CLI_PRINTF(string, first)
#endif

#define CLI_CONFIG "/etc/sbs-gateway/gateway.conf"

/** Exit status. A signal that ends the command gives 128 + its number. */
typedef enum cli_exit {
    CLI_DONE = 0,
    CLI_REFUSED = 1, /**< by a server, or by the gateway that runs */
    CLI_USAGE = 2,
    CLI_INPUT = 3,   /**< a file or what it says is bad */
    CLI_NETWORK = 4, /**< connection, TLS, or no gateway runs */
    CLI_LOCAL = 5    /**< a file, a socket or standard output cannot be written */
} cli_exit;

/** What the command line says. */
typedef struct cli_call {
    const char *config;
    const char *operands[3];
    size_t count;
    const char *device; /* --device; NULL: not given */
    bool json, set, values, all, yes;
} cli_call;

/** Bits of what a command takes. */
#define CLI_TAKES_JSON 1u
#define CLI_TAKES_SET 2u
#define CLI_TAKES_VALUES 4u
#define CLI_TAKES_ALL 8u
#define CLI_TAKES_DEVICE 16u
#define CLI_TAKES_YES 32u

typedef struct cli_command {
    const char *name, *operands; /**< as help shows them; operands "": none */
    size_t operand_min, operand_max;
    unsigned takes;
    const char *summary, *about, *example;
    int (*run)(const cli_call *call);
} cli_command;

extern const cli_command cli_commands[];
extern const size_t cli_command_count;

/** Reads the command line and runs the command. */
int cli_main(int argc, char **argv);

/** Prints `sbs-gateway: MESSAGE` on standard error, made fit to be shown, and returns @p code. */
int cli_fail(int code, const char *format, ...) CLI_PRINTF(2, 3);
/** The same without a failure. */
void cli_note(const char *format, ...) CLI_PRINTF(1, 2);
/** Prints on standard output as it is; cli_flush() tells whether that worked. */
void cli_put(const char *text, size_t len);
int cli_flush(void);

/* control_client.c */

/** Asks the gateway that runs. @p out_status: of HTTP. Returns an exit status; on a failure a message was printed. */
int cli_ask(const cli_call *call, const char *method, const char *path, unsigned *out_status,
            sbs_forward_buffer *out_body);
/** Asks with GET for JSON. On a failure, or where it is no JSON, a message was printed. Both are to be freed. */
int cli_ask_json(const cli_call *call, const char *path, sbs_forward_buffer *out_body, sbs_forward_json *out_json);
/** Prints the one line of an answer that is no yes. Returns an exit status. */
int cli_refuse(unsigned status, const sbs_forward_buffer *body);
/** Asks, and prints the answer: on standard output if it is good, else as a message. */
int cli_ask_and_print(const cli_call *call, const char *method, const char *path);

/* the commands, one line each in commands.c */
int cli_run(const cli_call *call);
int cli_check(const cli_call *call);
int cli_status(const cli_call *call);
int cli_jwk(const cli_call *call);
int cli_key_rotate(const cli_call *call);
int cli_key_confirm(const cli_call *call);
int cli_device_add(const cli_call *call);
int cli_device_secret(const cli_call *call);
int cli_device_remove(const cli_call *call);
int cli_device_watch(const cli_call *call);
int cli_dead_list(const cli_call *call);
int cli_dead_show(const cli_call *call);
int cli_dead_retry(const cli_call *call);
int cli_dead_discard(const cli_call *call);
int cli_ca(const cli_call *call);
int cli_reload(const cli_call *call);

#endif
