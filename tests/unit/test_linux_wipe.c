/* SPDX-License-Identifier: Apache-2.0 */
/* What the layer of Linux leaves in memory that it gives up: nothing of what it held. */
#include <errno.h>
#include <psa/internal_trusted_storage.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assertions.h"
#include "http_server_buffer.h"
#include "memory_stream.h"
#include "sbs/linux_decode.h"
#include "sbs/linux_encode.h"
#include "sbs/linux_file.h"
#include "sbs/linux_proxy.h"
#include "sbs/linux_storage.h"
#include "test.h"
#include "test_folder.h"
#include "wipe_record.h"

#define SECRET "a-secret-that-is-wiped-everywhere"
#define SECRET_LEN (sizeof SECRET - 1)
#define PART 256u /* of a record, that is read at a time */

static char *folder;

static int set_up(void **state) {
    (void)state;
    folder = test_folder_make(NULL);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    wipe_record_begin(NULL, 0);
    test_folder_remove(folder);
    return 0;
}

static void watch(void) {
    wipe_record_begin(SECRET, SECRET_LEN);
}

/* Reads that succeed before one fails; negative: all do. */
static int reads_left = -1;

ssize_t __real_read(int fd, void *data, size_t len);
ssize_t __wrap_read(int fd, void *data, size_t len);

ssize_t __wrap_read(int fd, void *data, size_t len) {
    if (reads_left == 0) {
        errno = EIO;
        return -1;
    }
    reads_left -= reads_left > 0;
    return __real_read(fd, data, len);
}

/* ---- records and files ------------------------------------------------------------------------------------------- */

static void a_key_that_is_stored_and_read_is_in_the_file_alone(void **state) {
    char back[SECRET_LEN];
    size_t len;
    (void)state;
    assert_int_equal(sbs_linux_its_open(folder), SBS_OK);
    watch();
    assert_int_equal(psa_its_set(7, SECRET_LEN, SECRET, PSA_STORAGE_FLAG_NONE), PSA_SUCCESS);
    assert_int_equal(wipe_record_found(), 1);

    watch();
    assert_int_equal(psa_its_get(7, 0, sizeof back, back, &len), PSA_SUCCESS);
    assert_int_equal(wipe_record_found_in(PART), 2); /* for its length, and for itself */
    assert_int_equal(wipe_record_found(), 3);
    sbs_linux_its_close();
}

static void a_record_that_is_not_read_to_its_end_leaves_nothing(void **state) {
    static uint8_t data[PART + 40], back[2 * PART];
    sbs_linux_storage files;
    sbs_storage storage;
    size_t len;
    (void)state;
    memcpy(data + 100, SECRET, SECRET_LEN); /* the second part does not reach so far into the memory of the first */
    assert_int_equal(sbs_linux_storage_open(&files, folder, &storage), SBS_OK);
    assert_int_equal(storage.ops->set(storage.ctx, "a", data, sizeof data), SBS_OK);

    watch();
    assert_int_equal(storage.ops->get(storage.ctx, "a", back, sizeof back, &len), SBS_OK);
    assert_int_equal(wipe_record_found(), 1);

    /* Header and first part are read, and then no more. */
    watch();
    reads_left = 2;
    sbs_status status = storage.ops->get(storage.ctx, "a", back, sizeof back, &len);
    reads_left = -1;
    assert_int_equal(status, SBS_ERR_STORAGE);
    assert_int_equal(wipe_record_found_in(PART), 1);
    assert_int_equal(wipe_record_found_in(sizeof back), 1);
    assert_true(test_is_zero(back, sizeof back));
    sbs_linux_storage_close(&files);
}

static void a_file_is_nowhere_once_it_is_freed(void **state) {
    char path[1024];
    char text[1000] = SECRET;
    sbs_linux_blob blob;
    (void)state;
    (void)snprintf(path, sizeof path, "%s/file", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(fwrite(text, 1, sizeof text, file), sizeof text);
    }
    assert_int_equal(fclose(file), 0);

    watch();
    assert_int_equal(sbs_linux_file_read(path, 1000000, &blob), SBS_OK);
    unsigned grown = wipe_record_found();
    assert_true(grown > 0); /* each smaller memory that it was in */
    sbs_linux_blob_free(&blob);
    assert_int_equal(wipe_record_found(), grown + 1);
}

/* ---- requests and bodies ----------------------------------------------------------------------------------------- */

static void fill(sbs_http_buffer *buffer, const char *text) {
    assert_true(sbs_http_buffer_reserve(buffer, strlen(text), 100000));
    memcpy(buffer->data + buffer->len, text, strlen(text));
    buffer->len += strlen(text);
}

static void what_a_connection_gives_up_is_wiped(void **state) {
    sbs_http_buffer buffer = {0};
    (void)state;
    fill(&buffer, SECRET);
    watch();
    assert_true(sbs_http_buffer_reserve(&buffer, 3000, 100000));
    assert_int_equal(wipe_record_found(), 1); /* where it was before it grew */

    /* What is taken out makes room for what stood behind it, and not for a copy of its end. */
    fill(&buffer, "0123456789" SECRET);
    sbs_http_buffer_remove(&buffer, SECRET_LEN, 10 + SECRET_LEN);
    assert_int_equal(buffer.len, SECRET_LEN);
    assert_true(test_is_zero(buffer.data + SECRET_LEN, 10 + SECRET_LEN));

    /* A little memory stays. */
    watch();
    sbs_http_buffer_clear(&buffer);
    assert_int_equal(wipe_record_found(), 1);
    assert_non_null(buffer.data);
    assert_true(test_is_zero(buffer.data, SECRET_LEN));

    fill(&buffer, SECRET);
    sbs_http_buffer_free(&buffer);
    assert_int_equal(wipe_record_found(), 2);
    assert_null(buffer.data);
}

static void a_body_that_was_coded_is_in_its_plain_text_alone(void **state) {
    uint8_t body[512] = {1, SECRET_LEN, 0, (uint8_t)~SECRET_LEN, 0xFF}; /* stored, as RFC 1951 has it */
    size_t coded_len = 5 + SECRET_LEN;
    size_t len;
    (void)state;
    memcpy(body + 5, SECRET, SECRET_LEN);
    watch();
    sbs_status status = sbs_linux_decode(NULL, SBS_CODING_DEFLATE, (char *)body, coded_len, sizeof body, &len);
    if (status == SBS_ERR_UNSUPPORTED) {
        skip(); /* without zlib */
    }
    assert_int_equal(status, SBS_OK);
    assert_int_equal(len, SECRET_LEN);
    assert_int_equal(wipe_record_found_in(coded_len), 1);

    sbs_linux_encoder encoder = {0};
    sbs_text coded;
    char copy[512];
    assert_int_equal(sbs_linux_gzip(&encoder, (sbs_text){SECRET, SECRET_LEN}, true, &coded), SBS_OK);
    assert_true(coded.len < sizeof copy);
    memcpy(copy, coded.ptr, coded.len);
    wipe_record_begin(copy, coded.len);
    sbs_linux_encoder_free(&encoder);
    assert_int_equal(wipe_record_found(), 1);
}

/* ---- proxies ----------------------------------------------------------------------------------------------------- */

static void credentials_of_a_proxy_are_gone_once_it_has_them(void **state) {
    static const char answer[] = "HTTP/1.1 200 OK\r\n\r\n";
    uint8_t output[2048];
    memory_stream memory = {.input = (const uint8_t *)answer,
                            .input_len = sizeof answer - 1,
                            .end = SBS_PENDING,
                            .output = output,
                            .output_size = sizeof output};
    sbs_linux_proxy proxy;
    sbs_linux_proxy_fault fault;
    sbs_linux_proxy_stream tunnel;
    sbs_stream raw, stream;
    (void)state;
    watch();
    assert_int_equal(sbs_linux_proxy_parse("http://me:" SECRET "@proxy.test:3128", &proxy, &fault), SBS_OK);
    assert_int_equal(wipe_record_found(), 1);

    memory_stream_init(&memory, false, &raw);
    sbs_linux_proxy_stream_init(&tunnel, &proxy, 5000, &raw, &stream);
    wipe_record_begin(proxy.login, strlen(proxy.login));
    assert_int_equal(stream.ops->open(stream.ctx, "fhir.test", 443, (sbs_now){.mono_ms = 1}), SBS_OK);
    assert_int_equal(wipe_record_found_in(sizeof tunnel.priv.buffer), 1);
    sbs_linux_proxy_stream_deinit(&tunnel);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_that_is_stored_and_read_is_in_the_file_alone),
        cmocka_unit_test(a_record_that_is_not_read_to_its_end_leaves_nothing),
        cmocka_unit_test(a_file_is_nowhere_once_it_is_freed),
        cmocka_unit_test(what_a_connection_gives_up_is_wiped),
        cmocka_unit_test(a_body_that_was_coded_is_in_its_plain_text_alone),
        cmocka_unit_test(credentials_of_a_proxy_are_gone_once_it_has_them),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
