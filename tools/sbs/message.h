/* SPDX-License-Identifier: Apache-2.0 */
/** @file message.h Messages on stderr, and what the command's exit status is. */
#ifndef SBS_CLI_MESSAGE_H
#define SBS_CLI_MESSAGE_H

#include "sbs/client.h"

#if defined(__GNUC__)
#define CLI_PRINTF(string, first) __attribute__((format(printf, string, first)))
#else
#define CLI_PRINTF(string, first)
#endif

/** Exit status. A signal that ends the command gives 128 + its number. */
typedef enum cli_exit {
    CLI_DONE = 0,
    CLI_REFUSED = 1, /**< by a server: HTTP or OAuth error, granted scope too small, redirect */
    CLI_USAGE = 2,
    CLI_INPUT = 3,   /**< a file, key, JSON or URL is bad, or a server's JSON is */
    CLI_NETWORK = 4, /**< connection, TLS, HTTP framing, time limit */
    CLI_LOCAL = 5    /**< a file or standard output cannot be written */
} cli_exit;

/** Makes text from anywhere fit to be shown, here and in listings: one line without controls of any kind, and without
 * any part of a token or assertion that was sent. Returns the new length, never more than @p len. */
size_t cli_sanitise(char *text, size_t len);

/** The same for what goes to a listing. Nothing is written if there is no memory. */
void cli_put_sanitised(sbs_writer *out, sbs_text text);

/** Prints `sbs: MESSAGE` and returns @p code. Messages read "what failed: why, what to do". */
int cli_fail(int code, const char *format, ...) CLI_PRINTF(2, 3);
/** What cli_fail() printed last, without "sbs: "; "" before the first. */
const char *cli_last_failure(void);
/** Prints `sbs: warning: MESSAGE`. */
void cli_warn(const char *format, ...) CLI_PRINTF(1, 2);
/** Prints `sbs: MESSAGE`. */
void cli_note(const char *format, ...) CLI_PRINTF(1, 2);

/** ": " before @p text in a message, nothing if it is empty. Static. */
const char *cli_colon(const char *text);
/** The word for @p count things: @p one, or @p many. */
const char *cli_plural(uint64_t count, const char *one, const char *many);

/** Shows one line that the next message or progress line replaces; only if stderr is a terminal. */
void cli_progress(const char *format, ...) CLI_PRINTF(1, 2);
void cli_progress_end(void);

/** True if @p descriptor is a terminal that wants colours (NO_COLOR, TERM=dumb). */
bool cli_has_colour(int descriptor);

/** The exit status for a result of the library; @p detail may be NULL. */
int cli_exit_of(sbs_status status, const sbs_detail *detail);

/** What a result is called, where no more is known than the HTTP status (0: none). Static. */
const char *cli_sentence(sbs_status status, unsigned http_status);

/** What a person can do about @p status; never empty. Static; where it names a URL or a variable, until the next call.
 */
const char *cli_advice(sbs_status status, const sbs_detail *detail);

/** True if a later try may succeed with nothing mended; @p detail may be NULL. */
bool cli_is_for_later(sbs_status status, const sbs_detail *detail);

/** Prints what a request failed with and returns its exit status. @p what: "GET Observation/1", "token". */
int cli_fail_request(const char *what, sbs_status status, const sbs_detail *detail);

/** The same with advice of the command's own. */
int cli_fail_request_with(const char *what, sbs_status status, const sbs_detail *detail, const char *advice);

/** Room for what cli_reason() writes: a server's words of 1 kB and what stands around them. */
#define CLI_REASON_SIZE 1400

/** Writes `why` of a failed request as one line: status, HTTP status, the server's words. */
void cli_reason(sbs_status status, const sbs_detail *detail, char *out, size_t size);

#endif
