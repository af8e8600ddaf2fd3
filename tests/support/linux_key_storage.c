/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "key_storage.h"
#include "sbs/linux_storage.h"
#include "test.h"

static char folder[32];

void key_storage_open(void) {
    strcpy(folder, "/tmp/sbs-test-XXXXXX");
    assert_non_null(mkdtemp(folder));
    assert_int_equal(sbs_linux_its_open(folder), SBS_OK);
}

void key_storage_close(void) {
    sbs_linux_its_close();
    assert_int_equal(rmdir(folder), 0);
}
