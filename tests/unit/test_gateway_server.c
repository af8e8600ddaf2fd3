/* SPDX-License-Identifier: Apache-2.0 */
/* The server of a gateway's configuration: what keeps it from being set up, and which words say so. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sbs/gateway_server.h"
#include "test.h"
#include "test_folder.h"

static char *folder;
static sbs_gateway_server server;

/* @p words stand in the fault that a root file of @p name is refused with, beside its path. */
static void assert_refused(const char *name, const char *words) {
    char fhir[] = "https://fhir.example/r4";
    char client_id[] = "gateway-1";
    char scope[] = "system/Observation.cu";
    char ca[512];
    const char *fault = NULL;
    (void)snprintf(ca, sizeof ca, "%s/%s", folder, name);
    const sbs_gateway_config config = {
        .fhir = fhir, .client_id = client_id, .scope = scope, .ca = ca, .proxy = (char[]){"none"}};

    assert_int_equal(sbs_gateway_server_open(&server, &config, NULL, &fault), SBS_ERR_STATE);
    assert_non_null(fault);
    if (strstr(fault, ca) == NULL || strstr(fault, words) == NULL) {
        fail_msg("'%s' and '%s' do not stand in: %s", ca, words, fault);
    }
    sbs_gateway_server_close(&server);
}

static void roots_that_cannot_be_read_are_named_with_path_and_cause(void **state) {
    (void)state;
    assert_refused("missing.pem", "No such file or directory; check 'ca'");
    assert_refused("", "; check 'ca'"); /* a folder */
    assert_refused("text.pem", sbs_status_text(SBS_ERR_FORMAT));
}

static int set_up(void **state) {
    char path[512];
    (void)state;
    folder = test_folder_make(NULL);
    (void)snprintf(path, sizeof path, "%s/text.pem", folder);
    FILE *file = fopen(path, "wb");
    return file != NULL && fputs("no certificate\n", file) > 0 && fclose(file) == 0 ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    test_folder_remove(folder);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_that_cannot_be_read_are_named_with_path_and_cause),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
