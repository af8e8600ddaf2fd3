/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints that are longer than anybody needs; apart, as they take more memory than small boards have. */
#include <stdio.h>
#include <string.h>

#include "sbs/count.h"
#include "sbs/discovery.h"
#include "test.h"

static sbs_status parse(const char *text, char *url, size_t size, sbs_discovery *out) {
    return sbs_discovery_parse(text, strlen(text), SBS_TEXT("https://fhir.example.org/r4"), false, url, size, out);
}

/* Whether or not there is room for it. */
static void a_token_endpoint_of_more_than_8000_octets_is_refused(void **state) {
    enum { LONGEST = 260000 };
    static char text[LONGEST + 64];
    static char url[2 * LONGEST];
    static const size_t lengths[] = {8001, 20000, LONGEST};
    static const char *const beginnings[] = {"https://h/", "relative/", "/absolute/"};
    sbs_discovery found;
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(lengths) * SBS_COUNT_OF(beginnings); i++) {
        size_t len = lengths[i % SBS_COUNT_OF(lengths)];
        const char *beginning = beginnings[i / SBS_COUNT_OF(lengths)];
        int start = sprintf(text, "{\"token_endpoint\":\"%s", beginning);
        memset(text + start, 'x', len - strlen(beginning));
        strcpy(text + start + len - strlen(beginning), "\"}");
        static const size_t rooms[] = {sizeof url, LONGEST, 9000, 64};
        for (size_t j = 0; j < SBS_COUNT_OF(rooms); j++) {
            assert_int_equal(parse(text, url, rooms[j], &found), SBS_ERR_URL);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_endpoint_of_more_than_8000_octets_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
