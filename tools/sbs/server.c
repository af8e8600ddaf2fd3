/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advice.h"
#include "certificates.h"
#include "client_check.h"
#include "message.h"
#include "proxy.h"
#include "sbs/count.h"
#include "sbs/forward_fan.h"
#include "sbs/forward_server.h"
#include "sbs/linux_clock.h"
#include "sbs/linux_loop.h"
#include "signals.h"
#include "tls_words.h"
#include "trace.h"

#define TIMEOUT_DEFAULT_S 30u
#define LONGEST_WAIT_MS 250u /* so that a signal that comes just before the wait is seen soon */
#define PROGRESS_AFTER_MS 1000u

cli_server_options cli_server;

static const cli_option server_options[] = {
    {"fhir", "BASE", "base URL of the FHIR server", &cli_server.fhir, .type = CLI_TEXT},
    {"token-url", "URL", "token endpoint, default found by discovery", &cli_server.token_url, .type = CLI_TEXT},
    {"key", "FILE", "private key (PEM), or pkcs11:URI of one in a token", &cli_server.key, .type = CLI_FILE,
     .required = true},
    {"client-id", "ID", "as the server assigned it", &cli_server.client_id, .type = CLI_TEXT, .required = true},
    {"scope", "SCOPES", "such as 'system/Observation.c'", &cli_server.scope, .type = CLI_TEXT, .required = true},
    {"any-scope", NULL, "send even what the granted scope does not seem to cover", &cli_server.any_scope,
     .type = CLI_FLAG},
    {"profile", "smart|seed", "of the assertion, default smart", &cli_server.profile, .type = CLI_CHOICE},
    {"aud", "URL", "audience of the assertion, default the token endpoint", &cli_server.aud, .type = CLI_TEXT},
    {"typ", "TEXT", "header typ of the assertion, default JWT", &cli_server.typ, .type = CLI_TEXT},
};

static const cli_option connection_options[] = {
    {"ca", "FILE", "trusted root certificates (PEM), default the system's", &cli_server.ca, .type = CLI_FILE},
    {"cert", "FILE", "client certificate and its chain (PEM), for servers that ask for one", &cli_server.cert,
     .type = CLI_FILE},
    {"cert-key", "FILE", "its private key (PEM), default in the file of --cert", &cli_server.cert_key,
     .type = CLI_FILE},
    {"proxy", "URL", "HTTP proxy, http://HOST:PORT or 'none', default https_proxy; a login only in a file or there",
     &cli_server.proxy, .type = CLI_TEXT},
    {"timeout", "SECONDS", "longest wait to connect, and again for the answer, default 30", &cli_server.timeout_s,
     .min = 1, .max = 3600, .type = CLI_UINT},
    {"config", "FILE", "further options as lines 'option = value'; the command line wins", &cli_server.config,
     .type = CLI_CONFIG},
    {"verbose", NULL, "show each step on standard error", &cli_server.verbose, .type = CLI_FLAG},
    {"allow-http", NULL, "plain http to loopback addresses, for tests", &cli_server.allow_http, .type = CLI_FLAG},
};

const cli_table cli_server_table = CLI_TITLED_TABLE(server_options, "server");
const cli_table cli_connection_table = CLI_TITLED_TABLE(connection_options, "connection");

/* The one client of a command, and what it needs. */
static struct {
    sbs_forward_server server;
    cli_key key;
    sbs_tls_trust trust;
    sbs_tls_identity identity;
    cli_trace tls_trace, plain_trace;
    cli_trace *more[2 * (SBS_FORWARD_CONNECTIONS_MAX - 1)]; /* of the connections behind the first */
    size_t more_count;
    bool open;
} setup;

/* ---- checking what was given ---------------------------------------------------------------------------------- */

static int check_url(const char *command, const char *option, const char *text) {
    sbs_url url;

    if (text == NULL) {
        return CLI_DONE;
    }
    if (sbs_url_parse(sbs_text_of(text), &url) != SBS_OK) {
        return cli_fail(CLI_INPUT, "%s: --%s: '%s' is not an absolute URL, give https://HOST/PATH", command, option,
                        text);
    }

    if (!url.https && !cli_server.allow_http) {
        return cli_fail(CLI_INPUT, "%s: --%s: plain http is refused, give an https URL", command, option);
    }
    if (!url.https && !sbs_url_is_loopback(&url)) {
        return cli_fail(CLI_INPUT, "%s: --%s: plain http is for loopback addresses only, give an https URL", command,
                        option);
    }

    return CLI_DONE;
}

static int check_urls(const char *command) {
    int code = check_url(command, "fhir", cli_server.fhir);
    if (code == CLI_DONE) {
        code = check_url(command, "token-url", cli_server.token_url);
    }
    if (code != CLI_DONE || cli_server.fhir == NULL) {
        return code;
    }

    sbs_url base;
    if (sbs_url_parse(sbs_text_of(cli_server.fhir), &base) == SBS_OK && base.query.ptr != NULL) {
        return cli_fail(CLI_INPUT, "%s: --fhir: a base URL has no query, leave it out", command);
    }

    return CLI_DONE;
}

/* What goes into the assertion as it is given. */
static int check_assertion(const char *command) {
    sbs_url url;

    if (cli_server.aud != NULL && sbs_url_parse(sbs_text_of(cli_server.aud), &url) != SBS_OK) {
        return cli_fail(CLI_USAGE, "%s: --aud: '%s' is not an absolute URL, give the one that the server expects",
                        command, cli_server.aud);
    }

    if (cli_server.typ != NULL && !cli_is_printable(cli_server.typ, SIZE_MAX)) {
        return cli_fail(CLI_USAGE, "%s: --typ: empty or not printable ASCII, give one such as JWT", command);
    }

    int code = cli_check_client_id(command, cli_server.client_id);
    if (code == CLI_DONE) {
        code = cli_kid_check(command);
    }

    return code;
}

static int check_options(const char *command, cli_need need) {
    int code = check_urls(command);
    if (code != CLI_DONE || need == CLI_NEED_PUBLIC) {
        return code;
    }

    if (cli_server.fhir == NULL && need == CLI_NEED_FHIR) {
        return cli_fail(CLI_USAGE, "%s: --fhir is missing, give --fhir BASE", command);
    }
    if (cli_server.fhir == NULL && cli_server.token_url == NULL) {
        return cli_fail(CLI_USAGE, "%s: neither --fhir nor --token-url, give one of them", command);
    }
    if (cli_server.scope[0] == '\0' || !sbs_scope_list_is_valid(sbs_text_of(cli_server.scope))) {
        return cli_fail(CLI_USAGE, "%s: --scope: '%s' is not a list of scopes, give words separated by single spaces",
                        command, cli_server.scope);
    }
    if (!cli_server.any_scope) {
        code = cli_check_scope_commas(command, cli_server.scope, ", or add --any-scope to send them as they are");
    }
    if (code != CLI_DONE) {
        return code;
    }

    return check_assertion(command);
}

/* ---- setting up ----------------------------------------------------------------------------------------------- */

static const char *describe_tls(const void *ctx) {
    return sbs_tls_stream_version(ctx);
}

/* The trace runs always: it finds the secrets that no message may repeat. */
static bool trace_wrap(cli_trace *trace, sbs_stream *stream, bool secured) {
    sbs_stream inner = *stream;
    const char *(*describe)(const void *) = NULL;
    if (secured) {
        describe = describe_tls;
    }

    if (!cli_trace_init(trace, &inner, describe, stream)) {
        return false;
    }
    if (!cli_server.verbose) {
        cli_trace_hide(trace);
    }

    return true;
}

static bool trace_stream(void *ctx, sbs_stream *stream, bool secured) {
    (void)ctx;
    return trace_wrap(secured ? &setup.tls_trace : &setup.plain_trace, stream, secured);
}

bool cli_server_trace_more(void *ctx, sbs_stream *stream, bool secured) {
    (void)ctx;
    if (setup.more_count == SBS_COUNT_OF(setup.more)) {
        return false;
    }

    cli_trace *trace = calloc(1, sizeof *trace);
    if (trace == NULL) {
        return false;
    }

    setup.more[setup.more_count++] = trace;
    return trace_wrap(trace, stream, secured);
}

void cli_server_trace_less(void) {
    for (size_t i = 0; i < setup.more_count; i++) {
        cli_trace_deinit(setup.more[i]);
        free(setup.more[i]);
    }
    setup.more_count = 0;
}

static int tell_part(const char *command, sbs_forward_part part, sbs_status status) {
    const char *text = sbs_status_text(status);

    switch (part) {
    case SBS_FORWARD_PART_TLS:
        return cli_fail(CLI_NETWORK, "%s: TLS: %s, check the installation", command, text);
    case SBS_FORWARD_PART_MEMORY:
        return cli_fail(CLI_LOCAL, "%s: out of memory, close other programs", command);
    default:
        return cli_fail(cli_exit_of(status, NULL), "%s: %s, %s", command, text, cli_advice(status, NULL));
    }
}

static int open_server(const char *command, bool with_key) {
    sbs_forward_server_config config = {
        .fhir_base = cli_server.fhir,
        .token_url = cli_server.token_url,
        .client_id = "none",
        .scope = "",
        .aud = cli_server.aud,
        .typ = cli_server.typ,
        .kid = cli_kid.kid,
        .kid_method = cli_kid_method(),
        .profile = SBS_PROFILE_SMART,
        .key = &setup.key.key, /* not used by requests without a token */
        .trust = &setup.trust,
        .user_agent = "sbs/" SBS_VERSION,
        .timeout_ms = (uint32_t)cli_server.timeout_s * 1000u,
        .allow_http = cli_server.allow_http,
        .any_scope = cli_server.any_scope,
        .wrap = trace_stream,
    };

    /* Requests without a token send neither. */
    if (with_key) {
        config.client_id = cli_server.client_id;
        config.scope = cli_server.scope;
    }

    if (cli_server.cert != NULL) {
        config.identity = &setup.identity;
    }
    if (cli_server.profile == 2) {
        config.profile = SBS_PROFILE_SEED;
    }

    int code = cli_proxy_load(command, &config.proxy);
    if (code != CLI_DONE) {
        return code;
    }

    sbs_forward_part part;
    sbs_status status = sbs_forward_server_open(&setup.server, &config, &part);
    if (status != SBS_OK) {
        return tell_part(command, part, status);
    }

    cli_tls_words_use(sbs_forward_server_tls(&setup.server));
    cli_proxy_words_use(sbs_forward_server_tunnel(&setup.server));
    cli_advice_use(&setup.server);
    return CLI_DONE;
}

static int load_key(const char *command) {
    int code = cli_key_load(cli_server.key, false, &setup.key);
    if (code != CLI_DONE) {
        return code;
    }
    if (cli_server.profile == 2 && setup.key.public_key.alg != SBS_RS384) {
        return cli_fail(CLI_USAGE, "%s: --profile seed: signs with RSA keys only, give one or leave the option out",
                        command);
    }

    return CLI_DONE;
}

static int load_files(const char *command, bool with_key) {
    int code = CLI_DONE;

    if (with_key) {
        code = load_key(command);
    }
    if (code == CLI_DONE) {
        code = cli_trust_load(&setup.trust, cli_server.ca);
    }
    if (code == CLI_DONE) {
        code = cli_identity_load(&setup.identity, cli_server.cert, cli_server.cert_key);
    }

    return code;
}

int cli_server_open(const char *command, cli_need need) {
    bool with_key = need != CLI_NEED_PUBLIC;

    if (cli_server.timeout_s == 0) {
        cli_server.timeout_s = TIMEOUT_DEFAULT_S;
    }

    int code = check_options(command, need);
    if (code != CLI_DONE) {
        return code;
    }

    /* From here on there is something to close. */
    setup.open = true;
    sbs_tls_trust_init(&setup.trust);
    sbs_tls_identity_init(&setup.identity);
    code = load_files(command, with_key);
    if (code != CLI_DONE) {
        return code;
    }

    return open_server(command, with_key);
}

void cli_server_close(void) {
    if (!setup.open) {
        return;
    }

    cli_tls_words_use(NULL);
    cli_advice_use(NULL);
    sbs_forward_server_close(&setup.server);
    cli_proxy_free();
    cli_trace_deinit(&setup.tls_trace);
    cli_trace_deinit(&setup.plain_trace);
    cli_server_trace_less();
    sbs_tls_trust_deinit(&setup.trust);
    sbs_tls_identity_deinit(&setup.identity);
    cli_key_free(&setup.key);
    sbs_wipe(&setup, sizeof setup);
}

/* ---- running -------------------------------------------------------------------------------------------------- */

/* A wait for time alone, after a failure, is the client's pause before the next try: each is told once. */
static void tell_retry(const sbs_wait *wait, unsigned *told) {
    const sbs_detail *detail = sbs_client_detail(cli_server_client());
    char reason[SBS_DETAIL_TEXT_SIZE + 256];
    bool pausing = wait->timeout_ms > 0 && wait->events == 0 && wait->descriptor < 0 && detail->status != SBS_OK;

    if (!pausing || detail->attempts == *told) {
        return;
    }

    *told = detail->attempts;
    cli_reason(detail->status, detail, reason, sizeof reason);
    cli_note("%s: %s, next try in %u.%u s", sbs_step_text(detail->step), reason, (unsigned)(wait->timeout_ms / 1000),
             (unsigned)(wait->timeout_ms % 1000 / 100));
}

static void tell_progress(uint64_t waited_ms) {
    if (waited_ms >= PROGRESS_AFTER_MS && !cli_server.verbose) {
        cli_progress("waiting for the server, %llu s", (unsigned long long)(waited_ms / 1000));
    }
}

sbs_status cli_server_run(const sbs_request *request) {
    uint64_t started_ms = sbs_linux_now().mono_ms;
    unsigned told = 0;
    sbs_wait wait;

    sbs_forward_server_note_request(&setup.server, request->interaction, request->target);
    sbs_status status = sbs_client_start(cli_server_client(), request);
    if (status != SBS_OK) {
        return status;
    }

    while ((status = sbs_client_poll(cli_server_client(), sbs_linux_now(), &wait)) == SBS_PENDING) {
        /* A signal gives the request up; its outcome is not asked for any more. */
        if (cli_signal() != 0) {
            sbs_client_cancel(cli_server_client());
            return SBS_ERR_CANCELLED;
        }
        tell_retry(&wait, &told);
        tell_progress(sbs_linux_now().mono_ms - started_ms);
        cli_server_wait(&wait);
    }

    cli_progress_end();
    return status;
}

sbs_client *cli_server_client(void) {
    return sbs_forward_server_client(&setup.server);
}

sbs_forward_server *cli_server_forward(void) {
    return &setup.server;
}

void cli_server_wait(const sbs_wait *wait) {
    sbs_wait shorter = *wait;

    if (shorter.timeout_ms > LONGEST_WAIT_MS) {
        shorter.timeout_ms = LONGEST_WAIT_MS;
    }
    (void)sbs_linux_wait(&shorter);
}

const sbs_detail *cli_server_detail(void) {
    return sbs_forward_server_detail(&setup.server);
}

sbs_response cli_server_response(void) {
    return sbs_client_response(cli_server_client());
}

sbs_status cli_server_token(sbs_token_view *out_token) {
    return sbs_client_token(cli_server_client(), sbs_linux_now(), out_token);
}

char *cli_answer_memory(const char *command, size_t size) {
    char *memory = malloc(size);
    if (memory == NULL) {
        (void)cli_fail(CLI_LOCAL, "%s: out of memory, close other programs", command);
    }
    return memory;
}
