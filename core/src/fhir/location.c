/* SPDX-License-Identifier: Apache-2.0 */
/* FHIR ids and type names, and the two where a server puts them: the path of a Location. */
#include "sbs/location.h"
#include "sbs/fhir.h"
#include "text/ascii.h"

bool sbs_fhir_id_is_valid(sbs_text text) {
    return text.len <= SBS_FHIR_ID_MAX && sbs_ascii_all_alnum_or(text, "-.");
}

bool sbs_fhir_type_is_valid(sbs_text text) {
    for (size_t i = 0; i < text.len; i++) {
        if (!sbs_ascii_is_letter(text.ptr[i])) {
            return false;
        }
    }
    return text.len > 0 && text.len <= SBS_FHIR_ID_MAX && text.ptr[0] <= 'Z';
}

/* Takes the last segment off @p path, together with the '/' before it. */
static sbs_text path_take_last(sbs_text *path) {
    size_t start = path->len;
    sbs_text segment = *path;
    if (start == 0) {
        return segment;
    }

    while (start > 0 && path->ptr[start - 1] != '/') {
        start--;
    }

    segment = (sbs_text){path->ptr + start, path->len - start};
    path->len = start;
    if (start > 0) {
        path->len--; /* the '/' */
    }

    return segment;
}

/* The path of an absolute URL (scheme "://" authority path); a relative reference as it is. */
static sbs_text location_path(sbs_text location) {
    size_t at = 0;
    while (at < location.len && sbs_ascii_is_letter(location.ptr[at])) {
        at++;
    }

    /* Not "scheme://". */
    if (at == 0 || location.len - at < 3 || location.ptr[at] != ':' || location.ptr[at + 1] != '/' ||
        location.ptr[at + 2] != '/') {
        return location;
    }

    at += 3;
    while (at < location.len && location.ptr[at] != '/') {
        at++;
    }

    return (sbs_text){location.ptr + at, location.len - at};
}

sbs_status sbs_location_parse(sbs_text location, sbs_text *out_type, sbs_text *out_id) {
    sbs_text path = location_path(location);
    sbs_text id = path_take_last(&path);
    sbs_text type = path_take_last(&path);

    /* Type/id/_history/version: the version is passed. */
    if (sbs_ascii_is(type, "_history")) {
        id = path_take_last(&path);
        type = path_take_last(&path);
    }

    if (!sbs_fhir_id_is_valid(id) || !sbs_fhir_type_is_valid(type)) {
        return SBS_ERR_FORMAT;
    }

    *out_type = type;
    *out_id = id;
    return SBS_OK;
}
