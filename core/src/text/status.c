/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/status.h"
#include "sbs/config.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CODE(name, value, sentence) (value),
#define SENTENCE(name, value, sentence) sentence "\0"
#define NAME(name, value, sentence) #name "\0"

/* One string behind the other: pointers to each would cost more than the walk. The last one is for unknown codes. */
static const int8_t codes[] = {SBS_STATUS_TABLE(CODE)};
#if SBS_STATUS_SENTENCES
static const char sentences[] = SBS_STATUS_TABLE(SENTENCE) "unknown status";
#else
#define sentences names
#endif
static const char names[] = SBS_STATUS_TABLE(NAME) "SBS_ERR_?";

static const char *status_string_for(sbs_status status, const char *strings) {
    for (size_t i = 0; i < sizeof codes && codes[i] != (int)status; i++) {
        strings += strlen(strings) + 1;
    }
    return strings;
}

const char *sbs_status_text(sbs_status status) {
    return status_string_for(status, sentences);
}

const char *sbs_status_name(sbs_status status) {
    return status_string_for(status, names);
}

sbs_status_class sbs_status_group(sbs_status status) {
    /* The first code, counted downwards, of each class. */
    static const int8_t first[] = {-1, -20, -40, -60, -80, -110};
    unsigned group = SBS_CLASS_DONE;

    while (group < sizeof first && (int)status <= first[group]) {
        group++;
    }

    return (sbs_status_class)group;
}
