/* SPDX-License-Identifier: Apache-2.0 */
#include <psa/crypto.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "cli.h"
#include "sbs/gateway_loop.h"
#include "sbs/linux_memory.h"
#include "sbs/mbedtls_platform.h"

/* The daemon takes its signals from a descriptor. */
static void main_block_signals(void) {
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
}

static int main_code_of(sbs_status status) {
    switch (status) {
    case SBS_ERR_FORMAT:
    case SBS_ERR_NOT_FOUND:
    case SBS_ERR_KEY:
    case SBS_ERR_DAMAGED:
    case SBS_ERR_VERSION:
        return CLI_INPUT;
    default:
        return CLI_LOCAL;
    }
}

int cli_run(const cli_call *call) {
    char message[SBS_GATEWAY_MESSAGE_SIZE];
    struct sbs_gateway_loop *loop;

    /* Before any thread begins. */
    main_block_signals();
    (void)umask(0077);
    sbs_status status = sbs_mbedtls_init(NULL);
    if (status != SBS_OK) {
        return cli_fail(CLI_LOCAL, "cryptography: %s, check the system's random device", sbs_status_text(status));
    }

    status = sbs_gateway_loop_open(&loop, call->config, message, sizeof message);
    if (status != SBS_OK) {
        return cli_fail(main_code_of(status), "%s", message);
    }

    status = sbs_gateway_loop_run(loop);
    sbs_gateway_loop_close(loop);
    mbedtls_psa_crypto_free();
    return status == SBS_OK ? CLI_DONE : CLI_LOCAL;
}

int main(int argc, char **argv) {
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none); /* a core file would hold the key */
    (void)signal(SIGPIPE, SIG_IGN);
    sbs_linux_memory_keep_small();
    return cli_main(argc, argv);
}
