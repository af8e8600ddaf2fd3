/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <psa/crypto.h>

#include "sbs/identity.h"

/* printf 'urn:x|1' | sha256sum | cut -c1-40 */
static void an_id_is_the_hash_of_its_identifier(void **state) {
    char id[SBS_DERIVED_ID_LEN];
    (void)state;
    assert_int_equal(sbs_identity_derive_id(SBS_TEXT("urn:x"), SBS_TEXT("1"), id), SBS_OK);
    assert_memory_equal(id, "sbs-9898c72d5faca3ae852231cc61a06c27dc446a3f", 44);
    char other[SBS_DERIVED_ID_LEN];
    assert_int_equal(sbs_identity_derive_id(SBS_TEXT("urn:x"), SBS_TEXT("2"), other), SBS_OK);
    assert_memory_not_equal(id, other, sizeof id);
    assert_int_equal(sbs_identity_derive_id((sbs_text){NULL, 0}, SBS_TEXT("1"), other), SBS_OK);
    assert_int_equal(sbs_identity_derive_id(SBS_TEXT("a|b"), SBS_TEXT("1"), other), SBS_ERR_ARGUMENT);
    assert_int_equal(sbs_identity_derive_id(SBS_TEXT("a"), SBS_TEXT(""), other), SBS_ERR_ARGUMENT);
}

static void a_search_is_escaped_twice(void **state) {
    char buffer[128];
    size_t len = 0;
    sbs_writer out;
    (void)state;
    sbs_writer_init(&out, buffer, sizeof buffer);
    sbs_identity_put_search(&out, SBS_TEXT("http://sys"), SBS_TEXT("a+b,c$d|e\\f~\xc3\xa9"));
    assert_int_equal(sbs_writer_finish(&out, &len), SBS_OK);
    const char *wanted = "identifier=http%3A%2F%2Fsys%7Ca%2Bb%5C%2Cc%5C%24d%5C%7Ce%5C%5Cf~%C3%A9";
    assert_int_equal(len, strlen(wanted));
    assert_memory_equal(buffer, wanted, len);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_the_hash_of_its_identifier),
        cmocka_unit_test(a_search_is_escaped_twice),
    };
    return psa_crypto_init() != PSA_SUCCESS ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
