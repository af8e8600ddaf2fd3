/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "message.h"
#include "sbs/url.h"
#include "secret.h"
#include "server.h"

static sbs_linux_proxy proxy;
static const char *named_by = "--proxy";        /* or a variable */
static const sbs_linux_proxy_stream *explained; /* NULL: none */

/* ---- which one -------------------------------------------------------------------------------------------------- */

static bool is_served(const char *text) {
    sbs_url url;
    char host[256];
    if (text == NULL || sbs_url_parse(sbs_text_of(text), &url) != SBS_OK || url.host.len >= sizeof host) {
        return false;
    }

    memcpy(host, url.host.ptr, url.host.len);
    host[url.host.len] = '\0';
    return sbs_linux_proxy_serves(sbs_linux_proxy_exceptions(), host, url.port);
}

/* The value is never shown: it may hold a password. */
static int tell_fault(const char *command, int code, sbs_linux_proxy_fault fault) {
    switch (fault) {
    case SBS_LINUX_PROXY_SCHEME:
        return cli_fail(code, "%s: %s: only proxies of http are supported, give http://HOST:PORT", command, named_by);
    case SBS_LINUX_PROXY_LOGIN:
        return cli_fail(code,
                        "%s: %s: user or password is too long or holds a control character, or a '%%' is not "
                        "written %%25, and ':' in a user cannot be sent, check them",
                        command, named_by);
    default:
        return cli_fail(code, "%s: %s: not the URL of a proxy, give http://HOST:PORT", command, named_by);
    }
}

/* As for a key: it works all the same. */
static void warn_of_readers(void) {
    struct stat file;
    if (proxy.login[0] == '\0' || cli_server.config == NULL || stat(cli_server.config, &file) != 0 ||
        !S_ISREG(file.st_mode) || (file.st_mode & 077) == 0) {
        return;
    }

    cli_warn("configuration file %s: others can read or change it (mode %04o), and it has a proxy's password: run "
             "chmod 600 and consider a new one",
             cli_server.config, (unsigned)(file.st_mode & 07777));
}

static int take_option(const char *command, const char *text) {
    sbs_linux_proxy_fault fault;
    named_by = "--proxy";

    /* Everybody on this machine can read the command line of a process. */
    if (strchr(text, '@') != NULL && !cli_is_from_config(text)) {
        return cli_fail(CLI_USAGE,
                        "%s: --proxy: a login on the command line is seen by all users of this machine, write 'proxy "
                        "= http://USER:PASSWORD@HOST:PORT' into the file of --config, or set https_proxy",
                        command);
    }
    if (sbs_linux_proxy_parse(text, &proxy, &fault) != SBS_OK) {
        return tell_fault(command, CLI_USAGE, fault);
    }

    warn_of_readers();
    return CLI_DONE;
}

/* Nothing is said of a variable that this command has no use for. */
static int take_variable(const char *command) {
    sbs_linux_proxy_fault fault;
    named_by = sbs_linux_proxy_variable();
    if (sbs_linux_proxy_parse(getenv(named_by), &proxy, &fault) == SBS_OK ||
        !(is_served(cli_server.fhir) || is_served(cli_server.token_url))) {
        return CLI_DONE;
    }
    return tell_fault(command, CLI_INPUT, fault);
}

int cli_proxy_load(const char *command, sbs_linux_proxy **out_proxy) {
    int code = CLI_DONE;
    *out_proxy = NULL;

    if (cli_server.proxy != NULL && strcmp(cli_server.proxy, "none") != 0) {
        code = take_option(command, cli_server.proxy);
    } else if (cli_server.proxy == NULL && sbs_linux_proxy_variable() != NULL) {
        code = take_variable(command);
    }
    if (code != CLI_DONE || proxy.host[0] == '\0') {
        return code;
    }

    proxy.exceptions = sbs_linux_proxy_exceptions();
    if (proxy.login[0] != '\0') {
        cli_secret_note(sbs_text_of(strchr(proxy.login, ' ') + 1));
    }
    if (cli_server.verbose) {
        cli_note("%s: by the proxy %s, port %u, of %s", command, proxy.host, (unsigned)proxy.port, named_by);
    }

    *out_proxy = &proxy;
    return CLI_DONE;
}

void cli_proxy_free(void) {
    explained = NULL;
    sbs_wipe(&proxy, sizeof proxy);
}

/* ---- what is said of it ----------------------------------------------------------------------------------------- */

void cli_proxy_words_use(const sbs_linux_proxy_stream *tunnel) {
    explained = tunnel;
}

static sbs_linux_proxy_problem problem_for(sbs_status status) {
    switch (status) {
    case SBS_ERR_RESOLVE:
    case SBS_ERR_REFUSED:
    case SBS_ERR_UNREACHABLE:
    case SBS_ERR_TIMEOUT:
    case SBS_ERR_NETWORK:
        break;
    default:
        return SBS_LINUX_PROXY_NO_PROBLEM;
    }

    return explained != NULL ? sbs_linux_proxy_stream_problem(explained) : SBS_LINUX_PROXY_NO_PROBLEM;
}

/* That the proxy itself was not reached is said beside the sentence that tells why. */
const char *cli_proxy_sentence(sbs_status status) {
    sbs_linux_proxy_problem problem = problem_for(status);
    if (problem == SBS_LINUX_PROXY_NO_PROBLEM || problem == SBS_LINUX_PROXY_NOT_REACHED) {
        return NULL;
    }
    return sbs_linux_proxy_stream_words(explained);
}

const char *cli_proxy_words(sbs_status status) {
    if (problem_for(status) != SBS_LINUX_PROXY_NOT_REACHED) {
        return "";
    }
    return sbs_linux_proxy_stream_words(explained);
}

const char *cli_proxy_advice(sbs_status status) {
    static char advice[160];
    const char *format = "check %s and that the proxy runs";

    switch (problem_for(status)) {
    case SBS_LINUX_PROXY_NO_PROBLEM:
        return NULL;
    case SBS_LINUX_PROXY_NO_HTTP:
        format = "check host and port of %s";
        break;
    case SBS_LINUX_PROXY_WANTS_LOGIN:
        return "write 'proxy = http://USER:PASSWORD@HOST:PORT' into the file of --config, or set https_proxy; a login "
               "by NTLM or Kerberos alone is not supported";
    case SBS_LINUX_PROXY_REFUSES_LOGIN:
        format = "check user and password in %s, and that the proxy takes Basic: NTLM or Kerberos alone cannot be used";
        break;
    case SBS_LINUX_PROXY_REFUSES:
        return "have the network's operator allow it";
    case SBS_LINUX_PROXY_FAILS:
        return "check the host in the URL, then ask the network's operator";
    default:
        break;
    }

    (void)snprintf(advice, sizeof advice, format, named_by);
    return advice;
}
