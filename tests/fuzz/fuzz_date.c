/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a text. An HTTP-date that is accepted must come back from the FHIR form that is written of it. */
#include <stdlib.h>
#include <string.h>

#include "sbs/date.h"

static void require(bool holds) {
    if (!holds) {
        abort();
    }
}

static void write_back(int64_t utc_s) {
    char buffer[40];
    size_t len = 0;
    sbs_writer out;
    sbs_writer_init(&out, buffer, sizeof buffer);
    const int zone = (int)(utc_s % 841);
    sbs_date_put(&out, utc_s, (int)(utc_s % 1000), (int16_t)zone);
    const sbs_status status = sbs_writer_finish(&out, &len);
    require(status == SBS_OK || status == SBS_ERR_FORMAT);
    require(status != SBS_OK || sbs_date_is_fhir_datetime((sbs_text){buffer, len}));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const sbs_text text = {(const char *)data, size};
    int64_t utc_s = 0;
    if (sbs_date_parse_http(text, SBS_UTC_UNKNOWN, &utc_s) == SBS_OK) {
        write_back(utc_s);
    }
    if (sbs_date_is_fhir_datetime(text)) {
        require(size >= 4 && size != 5 && size != 6);
    }
    if (size >= sizeof utc_s) {
        memcpy(&utc_s, data, sizeof utc_s);
        write_back(utc_s);
    }
    return 0;
}
