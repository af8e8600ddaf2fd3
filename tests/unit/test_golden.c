/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each stored format and version, as a program of then left it: this program reads it, and writes the same bytes where
 * the format is still that. A queue of SQLite is read by test_sqlite_version.
 */
#define psa_its_set flash_its_set
#define psa_its_get flash_its_get
#define psa_its_get_info flash_its_get_info
#define psa_its_remove flash_its_remove

#include "../../platform/flash/its/flash_its.c"

#undef psa_its_set
#undef psa_its_get
#undef psa_its_get_info
#undef psa_its_remove

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flash_sim.h"
#include "golden.h"
#include "meter_record.h"
#include "sbs/flash_queue.h"
#include "sbs/linux_storage.h"
#include "sbs/mbedtls_platform.h"
#include "test.h"
#include "test_folder.h"

psa_status_t psa_its_set(psa_storage_uid_t uid, size_t len, const void *data, psa_storage_create_flags_t flags);
psa_status_t psa_its_get(psa_storage_uid_t uid, size_t at, size_t size, void *out, size_t *out_len);
psa_status_t psa_its_get_info(psa_storage_uid_t uid, struct psa_storage_info_t *out);

#define UID UINT64_C(0x0123456789ABCDEF)
#define KEY_ID 0x4B31u
#define NOW 1764000000

/* ---- the queue on flash ------------------------------------------------------------------------------------------ */

#define SECTOR 1024u
#define SECTORS 6u
#define ROUNDS 40u /* times that something is added and settled: the ring goes round more than twice */

static flash_sim sim;
static sbs_flash_queue flash_queue;

static sbs_queue_meta meta_of(unsigned n) {
    return (sbs_queue_meta){
        .uptime_ms = 1000u + n, .utc_s = NOW + (int64_t)n, .boot_id = 7, .lane = n, .zone_minutes = -90, .format = 4};
}

static sbs_queue queue_mount(void) {
    static const sbs_flash_queue_config config = {.policy = SBS_FLASH_QUEUE_REFUSE};
    assert_int_equal(sbs_flash_queue_mount(&flash_queue, &sim.flash, &config), SBS_OK);
    return sbs_flash_queue_port(&flash_queue);
}

static uint64_t queue_add(const sbs_queue *queue, unsigned n, size_t len) {
    char text[256];
    uint64_t id = 0;
    sbs_queue_meta meta = meta_of(n);
    memset(text, (int)('a' + n % 26u), sizeof text);
    assert_int_equal(queue->ops->append(queue->ctx, &meta, text, len, &id), SBS_OK);
    return id;
}

static void queue_settle(const sbs_queue *queue, uint64_t id, sbs_queue_fate fate, const char *reason) {
    assert_int_equal(queue->ops->settle(queue->ctx, id, fate, reason, "as the server says"), SBS_OK);
}

/* All kinds of records, in sectors that were opened, filled and copied, over several starts. Two items stay from the
 * beginning: they are copied. */
static void queue_write(void) {
    flash_sim_init(&sim, SECTOR, SECTORS, 4, 1);
    sbs_queue queue = queue_mount();
    assert_int_equal(queue_add(&queue, 1, 5), 1);
    assert_int_equal(queue_add(&queue, 2, 250), 2);
    assert_int_equal(queue.ops->mark_attempt(queue.ctx, 2), SBS_OK);
    assert_int_equal(queue.ops->mark_attempt(queue.ctx, 2), SBS_OK);

    for (unsigned n = 3; n < 3 + ROUNDS; n++) {
        uint64_t id = queue_add(&queue, n, 100 + n);
        assert_int_equal(queue.ops->mark_attempt(queue.ctx, id), SBS_OK);
        queue_settle(&queue, id, n % 5 == 0 ? SBS_QUEUE_DEAD : SBS_QUEUE_DELIVERED, n % 5 == 0 ? "refused" : NULL);
        if (n % 10 == 0) {
            queue = queue_mount();
        }
    }
    assert_int_equal(queue_add(&queue, 50, 1), 3 + ROUNDS);
}

static void queue_assert_item(const sbs_queue *queue, const sbs_queue_item *item, uint64_t id, unsigned n, size_t len,
                              unsigned attempts) {
    char expected[256], found[256];
    size_t found_len = 0;
    sbs_queue_meta meta = meta_of(n);
    assert_true(item->id == id && item->len == len && item->attempts == attempts);
    assert_true(item->meta.uptime_ms == meta.uptime_ms && item->meta.utc_s == meta.utc_s && item->meta.boot_id == 7);
    assert_true(item->meta.lane == n && item->meta.zone_minutes == -90 && item->meta.format == 4);

    memset(expected, (int)('a' + n % 26u), sizeof expected);
    assert_int_equal(queue->ops->read(queue->ctx, id, 0, found, sizeof found, &found_len), SBS_OK);
    assert_int_equal(found_len, len);
    assert_memory_equal(found, expected, len);
}

static void queue_assert_read(void) {
    sbs_queue queue = queue_mount();
    sbs_queue_item item = {0};
    sbs_queue_counters counters;

    assert_int_equal(queue.ops->next(queue.ctx, 0, &item), SBS_OK);
    queue_assert_item(&queue, &item, 1, 1, 5, 0);
    assert_int_equal(queue.ops->next(queue.ctx, 1, &item), SBS_OK);
    queue_assert_item(&queue, &item, 2, 2, 250, 2);
    assert_int_equal(queue.ops->next(queue.ctx, 2, &item), SBS_OK);
    queue_assert_item(&queue, &item, 3 + ROUNDS, 50, 1, 0);
    assert_int_equal(queue.ops->next(queue.ctx, item.id, &item), SBS_ERR_NOT_FOUND);

    queue.ops->counters(queue.ctx, &counters);
    assert_int_equal(counters.delivered, 32);
    assert_int_equal(counters.dead, 8);
    assert_int_equal(counters.dropped, 0);
    assert_int_equal(queue_add(&queue, 51, 30), 4 + ROUNDS); /* ids go on */
}

static void a_queue_on_flash(void **state) {
    (void)state;
    size_t len;
    queue_write();
    golden_compare("flash_queue_1", sim.data, sim.size);
    flash_sim_free(&sim);

    flash_sim_init(&sim, SECTOR, SECTORS, 4, 1);
    uint8_t *golden = golden_load("flash_queue_1", &len);
    assert_int_equal(len, sim.size);
    memcpy(sim.data, golden, len);
    free(golden);
    for (size_t i = 0; i < len; i++) {
        sim.programmed[i] = sim.data[i] != 0xFF;
    }
    queue_assert_read();
    flash_sim_free(&sim);
}

/* ---- records and PSA's storage on flash -------------------------------------------------------------------------- */

static sbs_flash_storage flash_storage;

static void storage_set(const char *name, const char *text) {
    sbs_storage port = sbs_flash_storage_port(&flash_storage);
    assert_int_equal(port.ops->set(port.ctx, name, (const uint8_t *)text, strlen(text)), SBS_OK);
}

static void storage_assert(const char *name, const char *text) {
    sbs_storage port = sbs_flash_storage_port(&flash_storage);
    uint8_t found[64];
    size_t len = 0;
    sbs_status status = port.ops->get(port.ctx, name, found, sizeof found, &len);
    if (text == NULL) {
        assert_int_equal(status, SBS_ERR_NOT_FOUND);
        return;
    }
    assert_int_equal(status, SBS_OK);
    assert_int_equal(len, strlen(text));
    assert_memory_equal(found, text, len);
}

static void storage_write(void) {
    flash_sim_init(&sim, 4096, 4, 4, 1);
    assert_int_equal(sbs_flash_storage_mount(&flash_storage, &sim.flash), SBS_OK);
    sbs_flash_its_use(&flash_storage);
    storage_set("first", "one");
    storage_set("second", "");
    storage_set("gone", "x");
    storage_set("first", "another one");
    assert_int_equal(flash_its_set(UID, 10, "a key of A", PSA_STORAGE_FLAG_NONE), PSA_SUCCESS);
    assert_int_equal(flash_its_set(UID, 10, "a key of B", PSA_STORAGE_FLAG_NONE),
                     PSA_SUCCESS); /* the old one is erased */
    assert_int_equal(flash_its_set(UID + 1, 4, "once", PSA_STORAGE_FLAG_WRITE_ONCE), PSA_SUCCESS);

    sbs_storage port = sbs_flash_storage_port(&flash_storage);
    assert_int_equal(port.ops->remove(port.ctx, "gone"), SBS_OK);
}

static void storage_assert_read(void) {
    char key[16];
    size_t len = 0;
    struct psa_storage_info_t info;
    assert_int_equal(sbs_flash_storage_mount(&flash_storage, &sim.flash), SBS_OK);
    sbs_flash_its_use(&flash_storage);
    storage_assert("first", "another one");
    storage_assert("second", "");
    storage_assert("gone", NULL);
    assert_int_equal(flash_its_get(UID, 0, sizeof key, key, &len), PSA_SUCCESS);
    assert_int_equal(len, 10);
    assert_memory_equal(key, "a key of B", 10);
    assert_int_equal(flash_its_get_info(UID + 1, &info), PSA_SUCCESS);
    assert_true(info.size == 4 && info.flags == PSA_STORAGE_FLAG_WRITE_ONCE);
    assert_int_equal(flash_its_set(UID + 1, 4, "more", PSA_STORAGE_FLAG_NONE), PSA_ERROR_NOT_PERMITTED);
    storage_set("second", "it goes on");
    storage_assert("second", "it goes on");
}

static void records_and_keys_on_flash(void **state) {
    (void)state;
    size_t len;
    storage_write();
    golden_compare("flash_storage_1", sim.data, sim.size);
    flash_sim_free(&sim);

    flash_sim_init(&sim, 4096, 4, 4, 1);
    uint8_t *golden = golden_load("flash_storage_1", &len);
    assert_int_equal(len, sim.size);
    memcpy(sim.data, golden, len);
    free(golden);
    for (size_t i = 0; i < len; i++) {
        sim.programmed[i] = sim.data[i] != 0xFF;
    }
    storage_assert_read();
    sbs_flash_its_use(NULL);
    flash_sim_free(&sim);
}

/* ---- the provisioning record ------------------------------------------------------------------------------------- */

static const uint8_t anchor[] = {0x30, 0x03, 0x02, 0x01, 0x05}; /* what is in it is looked at elsewhere */

static const meter_record full = {
    .fhir_base = "https://fhir.example/r4",
    .token_url = "https://auth.example",
    .client_id = "device-0042",
    .scope = "system/Observation.cu system/Device.cu",
    .kid = "key-1",
    .subject = "Patient/7",
    .patient = "7",
    .patient_system = "urn:oid:1.2",
    .ntp_server = "ntp.example",
    .ca = {{anchor, sizeof anchor}, {anchor, sizeof anchor}},
    .ca_count = 2,
    .token_policy = METER_TOKEN_PINNED,
    .kid_method = SBS_KID_LITERAL,
    .alg = SBS_ES384,
    .write_mode = SBS_WRITE_IF_NONE_EXIST,
    .unknown_time = SBS_UNKNOWN_TIME_DEAD,
    .drop_oldest = true,
    .zone_minutes = -570,
    .interval_s = 86400,
    .first_delay_s = 3600,
};

/* For a gateway; of all other fields those that it may have. */
static const meter_record of_gateway = {
    .fhir_base = "http://gateway.example:8080/fhir",
    .secret = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE",
    .subject = "Patient/7",
    .patient = "7",
    .patient_system = "urn:oid:1.2",
    .ntp_server = "ntp.example",
    .kid_method = SBS_KID_THUMBPRINT,
    .write_mode = SBS_WRITE_IF_NONE_EXIST,
    .unknown_time = SBS_UNKNOWN_TIME_SEND,
    .drop_oldest = true,
    .zone_minutes = 120,
    .interval_s = 300,
    .first_delay_s = 30,
};

static void assert_same_record(const meter_record *read) {
    assert_string_equal(read->fhir_base, full.fhir_base);
    assert_string_equal(read->token_url, full.token_url);
    assert_string_equal(read->client_id, full.client_id);
    assert_string_equal(read->scope, full.scope);
    assert_string_equal(read->kid, full.kid);
    assert_string_equal(read->subject, full.subject);
    assert_string_equal(read->patient, full.patient);
    assert_string_equal(read->patient_system, full.patient_system);
    assert_string_equal(read->ntp_server, full.ntp_server);
    assert_int_equal(read->ca_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(read->ca[i].len, sizeof anchor);
        assert_memory_equal(read->ca[i].der, anchor, sizeof anchor);
    }
    assert_true(read->token_policy == full.token_policy && read->kid_method == full.kid_method);
    assert_true(read->alg == full.alg && read->write_mode == full.write_mode && read->drop_oldest);
    assert_true(read->unknown_time == full.unknown_time && read->zone_minutes == -570);
    assert_true(read->interval_s == 86400 && read->first_delay_s == 3600);
}

/* It is written as the file has it. What is read of the file stands in the memory that is returned: free() it. */
static uint8_t *golden_record(const char *name, const meter_record *record, meter_record *out_read) {
    static uint8_t bytes[METER_RECORD_MAX];
    size_t len;
    const char *field;
    assert_int_equal(meter_record_write(record, bytes, sizeof bytes, &len), SBS_OK);
    golden_compare(name, bytes, len);

    uint8_t *golden = golden_load(name, &len);
    assert_int_equal(meter_record_read(out_read, golden, len, &field), SBS_OK);
    return golden;
}

static void a_provisioning_record(void **state) {
    (void)state;
    meter_record read;
    uint8_t *golden = golden_record("meter_record_1", &full, &read);
    assert_same_record(&read);
    free(golden);
}

static void a_provisioning_record_for_a_gateway(void **state) {
    (void)state;
    meter_record read;
    uint8_t *golden = golden_record("meter_record_2", &of_gateway, &read);
    assert_string_equal(read.fhir_base, of_gateway.fhir_base);
    assert_string_equal(read.secret, of_gateway.secret);
    assert_string_equal(read.subject, of_gateway.subject);
    assert_string_equal(read.patient, of_gateway.patient);
    assert_string_equal(read.patient_system, of_gateway.patient_system);
    assert_string_equal(read.ntp_server, of_gateway.ntp_server);
    assert_true(read.plain && read.client_id == NULL && read.scope == NULL && read.ca_count == 0);
    assert_true(read.kid_method == of_gateway.kid_method && read.write_mode == of_gateway.write_mode);
    assert_true(read.unknown_time == of_gateway.unknown_time && read.drop_oldest && read.zone_minutes == 120);
    assert_true(read.interval_s == 300 && read.first_delay_s == 30);
    free(golden);
}

/* ---- records and PSA's keys on Linux ----------------------------------------------------------------------------- */

static char *folder;

static void save(const char *name, const char *golden_name) {
    char path[400];
    size_t len;
    uint8_t *bytes = golden_load(golden_name, &len);
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    free(bytes);
}

static void compare(const char *name, const char *golden_name) {
    size_t len;
    char *bytes = test_folder_load(folder, name, &len);
    golden_compare(golden_name, bytes, len);
    free(bytes);
}

static int linux_set_up(void **state) {
    (void)state;
    folder = test_folder_make(NULL);
    return 0;
}

static int linux_tear_down(void **state) {
    (void)state;
    sbs_linux_its_close();
    test_folder_remove(folder);
    return 0;
}

static void records_and_entries_on_linux(void **state) {
    (void)state;
    sbs_linux_storage files;
    sbs_storage storage;
    uint8_t found[32];
    size_t len = 0;
    struct psa_storage_info_t info;
    assert_int_equal(sbs_linux_storage_open(&files, folder, &storage), SBS_OK);
    assert_int_equal(storage.ops->set(storage.ctx, "record", (const uint8_t *)"an old record", 13), SBS_OK);
    sbs_linux_storage_close(&files);
    assert_int_equal(sbs_linux_its_open(folder), SBS_OK);
    assert_int_equal(psa_its_set(UID, 10, "a key of A", PSA_STORAGE_FLAG_WRITE_ONCE), PSA_SUCCESS);
    sbs_linux_its_close();
    compare("record", "linux_storage_1");
    compare("its-0123456789abcdef", "linux_its_1");

    save("record", "linux_storage_1");
    save("its-0123456789abcdef", "linux_its_1");
    assert_int_equal(sbs_linux_storage_open(&files, folder, &storage), SBS_OK);
    assert_int_equal(storage.ops->get(storage.ctx, "record", found, sizeof found, &len), SBS_OK);
    assert_int_equal(len, 13);
    assert_memory_equal(found, "an old record", 13);
    sbs_linux_storage_close(&files);
    assert_int_equal(sbs_linux_its_open(folder), SBS_OK);
    assert_int_equal(psa_its_get(UID, 0, sizeof found, found, &len), PSA_SUCCESS);
    assert_int_equal(len, 10);
    assert_memory_equal(found, "a key of A", 10);
    assert_int_equal(psa_its_get_info(UID, &info), PSA_SUCCESS);
    assert_int_equal(info.flags, PSA_STORAGE_FLAG_WRITE_ONCE);
}

static void key_attributes(psa_key_attributes_t *out, bool persistent) {
    *out = psa_key_attributes_init();
    psa_set_key_type(out, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(out, 384);
    psa_set_key_usage_flags(out, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(out, PSA_ALG_ECDSA(PSA_ALG_SHA_384));
    if (persistent) {
        psa_set_key_id(out, KEY_ID);
    }
}

static psa_key_id_t key_import(bool persistent) {
    uint8_t scalar[48];
    psa_key_attributes_t attributes;
    psa_key_id_t id = PSA_KEY_ID_NULL;
    memset(scalar, 0x17, sizeof scalar);
    key_attributes(&attributes, persistent);
    assert_int_equal(psa_import_key(&attributes, scalar, sizeof scalar, &id), PSA_SUCCESS);
    return id;
}

/* A key that PSA keeps in such an entry: what is around it is Mbed TLS's format. */
static void a_persistent_key_on_linux(void **state) {
    (void)state;
    static const char file[] = "its-0000000000004b31";
    uint8_t expected[128], found[128];
    size_t expected_len, len;
    assert_int_equal(sbs_linux_its_open(folder), SBS_OK);
    assert_int_equal(sbs_mbedtls_init(NULL), SBS_OK);
    assert_int_equal(key_import(true), KEY_ID);
    assert_int_equal(psa_export_public_key(key_import(false), expected, sizeof expected, &expected_len), PSA_SUCCESS);
    mbedtls_psa_crypto_free();
    sbs_linux_its_close();
    compare(file, "psa_key_1");

    save(file, "psa_key_1");
    assert_int_equal(sbs_linux_its_open(folder), SBS_OK);
    assert_int_equal(sbs_mbedtls_init(NULL), SBS_OK);
    assert_int_equal(psa_export_public_key(KEY_ID, found, sizeof found, &len), PSA_SUCCESS);
    assert_int_equal(len, expected_len);
    assert_memory_equal(found, expected, len);
    mbedtls_psa_crypto_free();
}

#define ON_LINUX(name) cmocka_unit_test_setup_teardown(name, linux_set_up, linux_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queue_on_flash),      cmocka_unit_test(records_and_keys_on_flash),
        cmocka_unit_test(a_provisioning_record), cmocka_unit_test(a_provisioning_record_for_a_gateway),
        ON_LINUX(records_and_entries_on_linux),  ON_LINUX(a_persistent_key_on_linux),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
