/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "key.h"
#include "message.h"
#include "sbs/linux_file.h"
#include "sbs/pem_key.h"
#include "signals.h"

static struct {
    const char *key, *public_file;
    int alg;  /* 1: RS384, 2: ES384 */
    int bits; /* number of the word in 2048|3072|4096 */
    bool force;
} options;

static const cli_option option_table[] = {
    {"key", "FILE", "where the private key goes (PEM, mode 0600)", &options.key, .type = CLI_FILE, .required = true},
    {"alg", "RS384|ES384", "RSA or P-384, default RS384", &options.alg, .type = CLI_CHOICE},
    {"bits", "2048|3072|4096", "size of an RSA key, default 2048", &options.bits, .type = CLI_CHOICE},
    {"public", "FILE", "write the public key there as well (PEM)", &options.public_file, .type = CLI_FILE},
    {"force", NULL, "replace files that exist", &options.force, .type = CLI_FLAG},
};

static const cli_table own_table = CLI_TABLE(option_table);

static sbs_alg keygen_alg(void) {
    if (options.alg == 2) {
        return SBS_ES384;
    }
    return SBS_RS384;
}

static size_t keygen_bits(void) {
    static const size_t sizes[] = {2048, 2048, 3072, 4096}; /* the first one: none given */
    if (keygen_alg() == SBS_ES384) {
        return 384;
    }
    return sizes[options.bits];
}

static int keygen_fail_exists(const char *path) {
    return cli_fail(CLI_LOCAL, "file %s: exists already, choose another name or add --force", path);
}

/* Says it before a key is made for nothing. The write itself, later, replaces no file either. */
static int keygen_check_absent(const char *path) {
    if (path != NULL && !options.force && access(path, F_OK) == 0) {
        return keygen_fail_exists(path);
    }
    return CLI_DONE;
}

static int keygen_check_options(void) {
    if (keygen_alg() == SBS_ES384 && options.bits != 0) {
        return cli_fail(CLI_USAGE, "keygen: --bits: an ES384 key has one size, leave out --bits");
    }

    if (options.public_file != NULL && strcmp(options.public_file, options.key) == 0) {
        return cli_fail(CLI_USAGE, "keygen: --public: the same file as --key, give another one");
    }

    int code = keygen_check_absent(options.key);
    if (code != CLI_DONE) {
        return code;
    }

    return keygen_check_absent(options.public_file);
}

static sbs_status keygen_public_pem(psa_key_id_t id, char *out, size_t size, size_t *out_len) {
    uint8_t bytes[SBS_PUBLIC_KEY_MAX];
    size_t len = 0;
    sbs_status status = sbs_psa_to_status(psa_export_public_key(id, bytes, sizeof bytes, &len));
    if (status != SBS_OK) {
        return status;
    }

    sbs_public_key key;
    status = sbs_public_key_parse(keygen_alg(), bytes, len, &key);
    if (status != SBS_OK) {
        return status;
    }

    sbs_writer writer;
    sbs_writer_init(&writer, out, size);
    sbs_public_key_put_pem(&writer, &key);

    return sbs_writer_finish(&writer, out_len);
}

static int keygen_write_file(const char *path, sbs_text content, sbs_linux_access access) {
    sbs_status status = sbs_linux_file_write(path, content.ptr, content.len, access, options.force);
    if (status == SBS_OK) {
        return CLI_DONE;
    }

    /* Another process was faster than this one. */
    if (status == SBS_ERR_STATE) {
        return keygen_fail_exists(path);
    }

    const char *why = sbs_status_text(status);
    if (status == SBS_ERR_STORAGE) {
        /* errno says more: no space, a file system that is read only. */
        why = strerror(errno);
    }

    return cli_fail(CLI_LOCAL, "file %s: %s, choose a place that can be written", path, why);
}

static int keygen_write_files(sbs_text pem, sbs_text public_pem) {
    int code = keygen_write_file(options.key, pem, SBS_LINUX_PRIVATE);
    if (code != CLI_DONE || options.public_file == NULL) {
        return code;
    }

    code = keygen_write_file(options.public_file, public_pem, SBS_LINUX_PUBLIC);
    if (code != CLI_DONE && !options.force) {
        (void)unlink(options.key); /* both or none: the command can be repeated */
    }

    return code;
}

/* @p pem has the private key as text; the caller wipes it. */
static int keygen_save_pem(psa_key_id_t id, sbs_text pem) {
    char public_pem[SBS_PEM_KEY_SIZE];
    size_t len = 0;
    sbs_status status = keygen_public_pem(id, public_pem, sizeof public_pem, &len);
    if (status != SBS_OK) {
        return cli_fail(CLI_INPUT, "keygen: public key: %s, try again", sbs_status_text(status));
    }

    if (cli_signal() != 0) {
        return CLI_DONE; /* the signal decides the exit status, and nothing is written */
    }

    return keygen_write_files(pem, (sbs_text){public_pem, len});
}

static int keygen_save(psa_key_id_t id) {
    char pem[SBS_PEM_KEY_SIZE];
    size_t len = 0;
    int code;
    sbs_status status = sbs_pem_key_write(id, pem, sizeof pem, &len);
    if (status == SBS_OK) {
        code = keygen_save_pem(id, (sbs_text){pem, len});
    } else {
        code = cli_fail(CLI_INPUT, "keygen: %s, try again", sbs_status_text(status));
    }

    sbs_wipe(pem, sizeof pem);
    return code;
}

static int keygen_run(const cli_operands *operands) {
    (void)operands;

    int code = keygen_check_options();
    if (code != CLI_DONE) {
        return code;
    }

    psa_key_id_t id = PSA_KEY_ID_NULL;

    /* 4096 bits take seconds. */
    cli_progress("generating the key");
    sbs_status status = sbs_pem_key_generate(keygen_alg(), keygen_bits(), &id);
    if (status != SBS_OK) {
        return cli_fail(CLI_LOCAL, "keygen: %s, check the system's random device", sbs_status_text(status));
    }

    code = keygen_save(id);
    (void)psa_destroy_key(id);
    return code;
}

const cli_command cli_keygen = {
    .name = "keygen",
    .summary = "Generates a key pair",
    .about = "The private key's file is written with mode 0600 and never overwritten without --force.\n",
    .tables = {&own_table},
    .example = "sbs keygen --key device.pem --public device.pub.pem",
    .run = keygen_run,
};
