/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: type and id of a Location are read within its text; what is taken are a legal type and a legal id, in this
 *   order; no id above 64 characters is legal
 * Bound: every text of 0 to 5 bytes; ids of 65 and 66 bytes
 * Sources: core/src/text/ascii.c core/src/text/text.c
 * Unwind: 8
 * Unwindset: sbs_ascii_all_alnum_or.0:6 sbs_fhir_type_is_valid.0:6 memcmp.0:10 strlen.0:10 path_take_last.0:6
 * Suite: long
 * Fault: core/src/fhir/location.c `segment = (sbs_text){path->ptr + start, path->len - start};` => `segment =
 *   (sbs_text){path->ptr + start, path->len};`
 */
#include "proof.h"
#include "fhir/location.c"

static void prove_text(const char *text, size_t len) {
    sbs_text type = {NULL, 0};
    sbs_text id = {NULL, 0};
    if (sbs_location_parse((sbs_text){text, len}, &type, &id) != SBS_OK) {
        PROVE(type.ptr == NULL && id.ptr == NULL);
        return;
    }

    PROVE(type.ptr >= text && type.len > 0 && id.len > 0 && id.ptr == type.ptr + type.len + 1);
    PROVE(id.ptr + id.len <= text + len && type.ptr[0] >= 'A' && type.ptr[0] <= 'Z');
    PROVE(id.ptr[-1] == '/' && id.ptr[0] != '/');
    REACHED("a type and an id");
}

int main(void) {
    FOR_EACH_LENGTH(5, prove_text)
    char many[66];
    for (size_t len = 65; len <= sizeof many; len++) {
        PROVE(!sbs_fhir_id_is_valid((sbs_text){many, len}));
    }
    return 0;
}
