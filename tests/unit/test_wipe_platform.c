/* SPDX-License-Identifier: Apache-2.0 */
/* What the layers over Mbed TLS, flash, SQLite and Linux leave in memory that they give up: nothing of what it held. */
#include <stdlib.h>
#include <string.h>

#include "assertions.h"
#include "flash_sim.h"
#include "keys.h"
#include "sbs/flash_log.h"
#include "sbs/forward_buffer.h"
#include "sbs/forward_ram.h"
#include "sbs/forward_resource.h"
#include "sbs/pem_key.h"
#include "sbs/tls_stream.h"
#include "test.h"
#include "wipe_record.h"

#include "sqlite_rig.h"

#define SECRET "a secret of thirty-two characters"
#define SECRET_LEN (sizeof SECRET - 1)

static void watch(void) {
    wipe_record_begin(SECRET, SECRET_LEN);
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

static void a_key_that_was_written_is_in_the_text_alone(void **state) {
    uint8_t scalar[48];
    char text[SBS_PEM_KEY_SIZE];
    size_t scalar_len, len;
    psa_key_id_t id;
    (void)state;
    assert_int_equal(sbs_pem_key_generate(SBS_ES384, 0, &id), SBS_OK);
    assert_int_equal(psa_export_key(id, scalar, sizeof scalar, &scalar_len), PSA_SUCCESS);
    wipe_record_begin(scalar, sizeof scalar);
    assert_int_equal(sbs_pem_key_write(id, text, sizeof text, &len), SBS_OK);
    /* As it was exported, and as it was encoded. */
    assert_int_equal(wipe_record_found_in(PSA_EXPORT_KEY_PAIR_MAX_SIZE), 1);
    assert_int_equal(wipe_record_found_in(PSA_EXPORT_KEY_PAIR_MAX_SIZE + 256), 1);

    wipe_record_begin(scalar, sizeof scalar);
    memset(text, 'x', sizeof text);
    assert_int_equal(sbs_pem_key_write(id, text, 100, &len), SBS_ERR_BUFFER);
    assert_int_equal(wipe_record_found(), 2);
    assert_true(test_is_zero(text, 100));
    assert_int_equal(text[100], 'x');
    psa_destroy_key(id);
}

/* ---- TLS --------------------------------------------------------------------------------------------------------- */

static void close_nothing(void *ctx) {
    (void)ctx;
}

static void a_stream_that_ends_takes_its_sessions_along(void **state) {
    static sbs_tls_stream tls;
    static sbs_tls_session sessions[2];
    sbs_tls_trust trust;
    sbs_stream stream;
    const sbs_stream_ops ops = {.close = close_nothing}; /* it is never opened */
    const sbs_stream raw = {&ops, NULL};
    const sbs_tls_config config = {.trust = &trust, .sessions = sessions, .session_count = 2};
    (void)state;
    sbs_tls_trust_init(&trust);
    assert_int_equal(sbs_tls_stream_init(&tls, &config, &raw, &stream), SBS_OK);
    strcpy(sessions[1].priv.host, SECRET);
    sessions[1].priv.used = true;
    strcpy(tls.priv.session_host, SECRET);
    sbs_tls_stream_deinit(&tls);
    assert_true(test_is_zero(&tls, sizeof tls));
    assert_true(test_is_zero(sessions[1].priv.host, sizeof sessions[1].priv.host));
    assert_false(sessions[1].priv.used);
    sbs_tls_trust_deinit(&trust);
}

/* ---- flash ------------------------------------------------------------------------------------------------------- */

static void give_state(void *ctx, uint8_t out[SBS_FLASH_LOG_STATE_SIZE]) {
    (void)ctx;
    memset(out, 0, SBS_FLASH_LOG_STATE_SIZE);
}

static sbs_status move_nothing(void *ctx, const sbs_flash_log_record *record) {
    (void)ctx, (void)record;
    return SBS_OK;
}

static void what_was_put_on_flash_stays_nowhere_else(void **state) {
    const sbs_flash_log_owner owner = {.content = 9, .version = 1, .state = give_state, .move = move_nothing};
    const sbs_flash_log_part part = {SECRET, SECRET_LEN};
    sbs_flash_log_record record = {.type = 2, .key = 1};
    sbs_flash_log log;
    flash_sim sim;
    (void)state;
    flash_sim_init(&sim, 512, 4, 4, 1);
    assert_int_equal(sbs_flash_log_mount(&log, &sim.flash, &owner), SBS_OK);
    watch();
    assert_int_equal(sbs_flash_log_append(&log, &record, &part, 1), SBS_OK);
    assert_int_equal(wipe_record_found(), 1);

    /* A copy goes through three pieces of memory: for its checksum, from the record, into the stage. */
    sbs_flash_log_cursor cursor = {0};
    assert_int_equal(sbs_flash_log_next(&log, &cursor, &record), SBS_OK);
    wipe_record_begin(&SECRET[4], 16); /* one piece is shorter than the secret, and its end stands over its beginning */
    assert_int_equal(sbs_flash_log_move(&log, &record, 0), SBS_OK);
    assert_int_equal(wipe_record_found(), 3);
    flash_sim_free(&sim);
}

static const sbs_flash *true_flash;
static unsigned reads_left;

/* Fails once these reads were made. */
static sbs_status read_some(void *ctx, uint32_t address, void *buffer, size_t len) {
    if (reads_left == 0) {
        return SBS_ERR_STORAGE;
    }
    reads_left--;
    return true_flash->ops->read(ctx, address, buffer, len);
}

/* A copy that fails in its middle. */
static void what_was_read_of_flash_before_it_failed_is_gone(void **state) {
    const sbs_flash_log_owner owner = {.content = 9, .version = 1, .state = give_state, .move = move_nothing};
    const sbs_flash_log_part parts[] = {{SECRET, SECRET_LEN}, {SECRET, SECRET_LEN}, {SECRET, SECRET_LEN}};
    unsigned found = 0;
    (void)state;
    for (unsigned reads = 0; reads < 12; reads++) {
        sbs_flash_log_record record = {.type = 2, .key = 1};
        sbs_flash_log_cursor cursor = {0};
        sbs_flash_log log;
        flash_sim sim;
        flash_sim_init(&sim, 512, 4, 4, 1);
        sbs_flash flash = sim.flash;
        sbs_flash_ops ops = *flash.ops;
        true_flash = &sim.flash;
        ops.read = read_some;
        flash.ops = &ops;
        reads_left = 1000;
        assert_int_equal(sbs_flash_log_mount(&log, &flash, &owner), SBS_OK);
        assert_int_equal(sbs_flash_log_append(&log, &record, parts, 3), SBS_OK);
        assert_int_equal(sbs_flash_log_next(&log, &cursor, &record), SBS_OK);

        wipe_record_begin(SECRET, 16);
        reads_left = reads;
        sbs_status status = sbs_flash_log_move(&log, &record, 0);
        unsigned used = reads - reads_left;
        if (status != SBS_OK && used > 0 && wipe_record_found() == 0) {
            fail_msg("after %u reads", used);
        }
        found += status != SBS_OK && wipe_record_found() > 0;
        flash_sim_free(&sim);
    }
    assert_true(found > 0);
}

/* ---- SQLite ------------------------------------------------------------------------------------------------------ */

static void the_item_that_was_read_ahead_goes_with_its_queue(void **state) {
    sbs_queue_item item;
    (void)state;
    rig_append(SECRET);
    assert_int_equal(rig_next(0, &item), SBS_OK);
    watch();
    sbs_sqlite_queue_close(&rig.queue);
    assert_int_equal(wipe_record_found(), 1);
}

/* ---- store and forward ------------------------------------------------------------------------------------------- */

static void memory_that_grows_leaves_no_copy(void **state) {
    sbs_forward_buffer buffer = {0};
    (void)state;
    assert_int_equal(sbs_forward_buffer_put(&buffer, SECRET, SECRET_LEN), SBS_OK);
    watch();
    assert_true(sbs_forward_buffer_reserve(&buffer, 100000));
    assert_int_equal(wipe_record_found(), 1);

    /* What is emptied keeps its memory, without what it held. */
    sbs_forward_buffer_clear(&buffer);
    assert_int_equal(wipe_record_found(), 2);
    assert_true(test_is_zero(buffer.data, SECRET_LEN));

    assert_int_equal(sbs_forward_buffer_put(&buffer, SECRET, SECRET_LEN), SBS_OK);
    sbs_forward_buffer_free(&buffer);
    assert_int_equal(wipe_record_found(), 3);
    assert_null(buffer.data);
}

static void an_item_in_memory_goes_with_its_queue(void **state) {
    static sbs_forward_ram ram;
    const sbs_queue_meta meta = {.utc_s = SBS_UTC_UNKNOWN};
    uint64_t id;
    (void)state;
    assert_int_equal(sbs_forward_ram_add(&ram, &meta, TEXT(SECRET), TEXT(""), NULL, &id), SBS_OK);
    watch();
    sbs_forward_ram_free(&ram);
    assert_int_equal(wipe_record_found(), 1);
}

static void what_was_hashed_leaves_nothing(void **state) {
    uint8_t hash[SBS_FORWARD_HASH_SIZE];
    (void)state;
    watch();
    assert_int_equal(sbs_forward_content_hash(TEXT("{\"text\":\"" SECRET "\"}"), hash), SBS_OK);
    assert_int_equal(wipe_record_found(), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_that_was_written_is_in_the_text_alone),
        cmocka_unit_test(a_stream_that_ends_takes_its_sessions_along),
        cmocka_unit_test(what_was_put_on_flash_stays_nowhere_else),
        cmocka_unit_test(what_was_read_of_flash_before_it_failed_is_gone),
        cmocka_unit_test_setup_teardown(the_item_that_was_read_ahead_goes_with_its_queue, rig_set_up, rig_tear_down),
        cmocka_unit_test(memory_that_grows_leaves_no_copy),
        cmocka_unit_test(an_item_in_memory_goes_with_its_queue),
        cmocka_unit_test(what_was_hashed_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, test_init_psa, NULL);
}
