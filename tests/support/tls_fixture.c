/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sbs/linux_clock.h"
#include "sbs/linux_loop.h"
#include "sbs/mbedtls_platform.h"
#include "test.h"
#include "test_folder.h"

sbs_tls_trust both, rsa_only, none, self_only, sha1_root;
long allocations_left = -1;
static char *folder;

bool is_long_run(void) {
    const char *value = getenv("SBS_LONG");
    return value != NULL && strcmp(value, "1") == 0;
}

static void *limited_calloc(size_t count, size_t size) {
    if (allocations_left == 0) {
        return NULL;
    }
    if (allocations_left > 0) {
        --allocations_left;
    }
    return calloc(count, size);
}

void certificate_path(const char *name, char *out, size_t size) {
    int len = snprintf(out, size, "%s/%s", folder, name);
    assert_true(len > 0 && (size_t)len < size);
}

char *load_certificate(const char *name, size_t *out_len) {
    return test_folder_load(folder, name, out_len);
}

static void trust_file(sbs_tls_trust *trust, const char *name, size_t count) {
    size_t len;
    size_t skipped = 99;
    char *text = load_certificate(name, &len);
    sbs_tls_trust_init(trust);
    assert_int_equal(sbs_tls_trust_add_pem(trust, text, len, &skipped), SBS_OK);
    assert_int_equal(skipped, 0);
    assert_int_equal(trust->priv.count, count);
    free(text);
}

int set_up_tls(void **state) {
    const sbs_mbedtls_allocator allocator = {limited_calloc, free};
    (void)state;
    assert_int_equal(sbs_mbedtls_init(&allocator), SBS_OK);
    folder = test_folder_make("make_certificates.sh");
    trust_file(&both, "both.pem", 2);
    trust_file(&rsa_only, "root-rsa.crt", 1);
    trust_file(&self_only, "self.crt", 1);
    trust_file(&sha1_root, "root-sha1.crt", 1);
    sbs_tls_trust_init(&none);
    return 0;
}

int tear_down_tls(void **state) {
    (void)state;
    sbs_tls_trust_deinit(&both);
    sbs_tls_trust_deinit(&rsa_only);
    sbs_tls_trust_deinit(&self_only);
    sbs_tls_trust_deinit(&sha1_root);
    sbs_tls_trust_deinit(&none);
    test_folder_remove(folder);
    return 0;
}

void prepare(fixture *f) {
    sbs_linux_stream_init(&f->tcp, NULL, &f->faulty.inner);
    f->faulty.host = "127.0.0.1";
    f->faulty.port = f->server.port;
    faulty_stream_init(&f->faulty, &f->raw);
    f->now = sbs_linux_now();
    if (f->config.trust == NULL) {
        f->config.trust = &both;
    }
    assert_int_equal(sbs_tls_stream_init(&f->tls, &f->config, &f->raw, &f->stream), SBS_OK);
    assert_true(f->stream.ops->secured);
}

void serve(fixture *f, const char *certificate, const char *version, const char *extra, const char *value) {
    char chain[32], leaf[32], key[32];
    (void)snprintf(chain, sizeof chain, "%s.chain", certificate);
    (void)snprintf(leaf, sizeof leaf, "%s.crt", certificate);
    (void)snprintf(key, sizeof key, "%s.key", certificate);
    const char *arguments[16] = {"-cert", leaf, "-key", key, "-cert_chain", chain, "-www"};
    size_t count = 7;
    if (version != NULL) {
        arguments[count++] = version;
    }
    if (extra != NULL) {
        arguments[count++] = extra;
    }
    if (value != NULL) {
        arguments[count++] = value;
    }
    tls_server_start(&f->server, folder, arguments);
}

void release(fixture *f) {
    sbs_tls_stream_deinit(&f->tls);
    sbs_linux_stream_deinit(&f->tcp);
    tls_server_stop(&f->server);
}

/* Waits as the stream says; false if nothing comes for too long. */
static bool wait_for(fixture *f) {
    sbs_wait wait = f->stream.ops->waits_for(f->stream.ctx);
    if (wait.timeout_ms == 0) {
        return true;
    }
    uint64_t since = sbs_linux_now().mono_ms;
    wait.timeout_ms = f->patience_ms != 0 ? f->patience_ms : 20000;
    assert_int_equal(sbs_linux_wait(&wait), SBS_OK);
    return sbs_linux_now().mono_ms - since < wait.timeout_ms;
}

sbs_status open_as(fixture *f, const char *host) {
    sbs_status status;
    f->steps = 0;
    while ((status = f->stream.ops->open(f->stream.ctx, host, 443, f->now)) == SBS_PENDING) {
        assert_true(++f->steps < 100000);
        if (!wait_for(f)) {
            return SBS_ERR_TIMEOUT;
        }
    }
    return status;
}

sbs_status send_all(fixture *f, const char *text) {
    sbs_status status = SBS_OK;
    for (size_t sent = 0, len = strlen(text); sent < len && (status == SBS_OK || status == SBS_PENDING);) {
        size_t count = 0;
        status = f->stream.ops->send(f->stream.ctx, (const uint8_t *)text + sent, len - sent, &count);
        assert_true((status == SBS_OK) == (count > 0));
        sent += count;
        if (status == SBS_PENDING && !wait_for(f)) {
            return SBS_ERR_TIMEOUT;
        }
    }
    return status;
}

sbs_status receive_all(fixture *f) {
    uint8_t buffer[700];
    size_t len = 0;
    f->page_len = 0;
    for (;;) {
        sbs_status status = f->stream.ops->receive(f->stream.ctx, buffer, sizeof buffer, &len);
        assert_true((status == SBS_OK) == (len > 0));
        if (status == SBS_PENDING && !wait_for(f)) {
            return SBS_ERR_TIMEOUT;
        }
        if (status != SBS_PENDING && status != SBS_OK) {
            return status;
        }
        if (f->page_len + len < sizeof f->page) {
            memcpy(f->page + f->page_len, buffer, len);
            f->page_len += len;
            f->page[f->page_len] = '\0';
        }
    }
}

void exchange(fixture *f, const char *host) {
    assert_int_equal(open_as(f, host), SBS_OK);
    assert_int_equal(send_all(f, "GET / HTTP/1.0\r\n\r\n"), SBS_OK);
    assert_int_equal(receive_all(f), SBS_END);
    assert_non_null(strstr(f->page, "HTTP/1.0 200 ok"));
    assert_non_null(strstr(f->page, "</pre>"));
}

void serve_with(fixture *f, const char *const *arguments) {
    tls_server_start(&f->server, folder, arguments);
}
