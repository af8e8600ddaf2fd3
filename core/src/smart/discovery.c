/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/discovery.h"
#include "sbs/count.h"

#include <string.h>

#include "sbs/url.h"
#include "json/flat_lookup.h"

/* ---- advisory lists ------------------------------------------------------------------------------------------- */

/* Whether the list @p name holds @p value; a list that is missing or no list says nothing. */
static sbs_status discovery_find_in_list(const sbs_flat *doc, const char *name, const char *value, sbs_tristate *out) {
    sbs_json_node list;
    sbs_status status = sbs_flat_member(doc, 0, name, &list);

    *out = SBS_UNSTATED;
    if (status == SBS_ERR_NOT_FOUND) {
        return SBS_OK;
    }
    if (status != SBS_OK) {
        return status;
    }

    if (sbs_flat_kind(doc, list) != SBS_JSON_ARRAY) {
        return SBS_OK;
    }

    /* A list that is there and does not name it says no. */
    *out = SBS_NO;
    for (sbs_json_node item = sbs_flat_first(doc, list); item != SBS_JSON_NONE; item = sbs_flat_next(doc, item)) {
        if (sbs_flat_is(doc, item, sbs_text_of(value))) {
            *out = SBS_YES;
        }
    }

    return SBS_OK;
}

static sbs_status discovery_read_lists(const sbs_flat *doc, sbs_discovery *out) {
    static const char algs[] = "token_endpoint_auth_signing_alg_values_supported";
    const struct {
        const char *name;
        const char *value;
        sbs_tristate *to;
    } lists[] = {
        {"token_endpoint_auth_methods_supported", "private_key_jwt", &out->private_key_jwt},
        {algs, "RS384", &out->rs384},
        {algs, "ES384", &out->es384},
        {"grant_types_supported", "client_credentials", &out->client_credentials},
        {"capabilities", "client-confidential-asymmetric", &out->confidential_asymmetric},
    };

    for (size_t i = 0; i < SBS_COUNT_OF(lists); i++) {
        sbs_status status = discovery_find_in_list(doc, lists[i].name, lists[i].value, lists[i].to);
        if (status != SBS_OK) {
            return status;
        }
    }

    return SBS_OK;
}

/* ---- token endpoint ------------------------------------------------------------------------------------------- */

/* Makes the reference at the start of @p url absolute. A relative one moves to the end of the buffer meanwhile. */
static sbs_status discovery_make_absolute(sbs_text base, char *url, size_t size, size_t *len) {
    sbs_text reference = {url, *len};
    sbs_url parsed;

    if (sbs_url_parse(reference, &parsed) == SBS_OK) {
        return SBS_OK;
    }

    size -= *len;
    reference.ptr = memmove(url + size, url, *len);
    return sbs_url_resolve(base, reference, url, size, len);
}

sbs_status sbs_discovery_endpoint(const sbs_flat *doc, sbs_text fhir_base, bool allow_http, char *url, size_t url_size,
                                  size_t *out_len) {
    sbs_json_node node;
    sbs_status status = sbs_flat_lookup_value(doc, "token_endpoint", &node);
    if (status == SBS_ERR_NOT_FOUND) {
        return SBS_ERR_RESPONSE;
    }
    if (status != SBS_OK) {
        return status;
    }
    return sbs_discovery_url(doc, node, fhir_base, allow_http, url, url_size, out_len);
}

sbs_status sbs_discovery_url(const sbs_flat *doc, sbs_json_node node, sbs_text fhir_base, bool allow_http, char *url,
                             size_t url_size, size_t *out_len) {
    sbs_url parsed;

    if (url_size == 0) {
        return SBS_ERR_BUFFER;
    }

    sbs_status status = sbs_flat_text(doc, node, url, url_size - 1, out_len);
    if (status == SBS_OK) {
        status = discovery_make_absolute(fhir_base, url, url_size - 1, out_len);
    }
    if (status == SBS_OK) {
        url[*out_len] = '\0';
        status = sbs_url_parse((sbs_text){url, *out_len}, &parsed);
    }

    if (status == SBS_OK && (parsed.https || allow_http)) {
        return SBS_OK;
    }
    if (status == SBS_OK || status == SBS_ERR_FORMAT || *out_len > SBS_URL_MAX) {
        return SBS_ERR_URL;
    }
    return status;
}

sbs_status sbs_discovery_parse(const char *text, size_t len, sbs_text fhir_base, bool allow_http, char *url,
                               size_t url_size, sbs_discovery *out) {
    sbs_flat doc;
    sbs_status status = sbs_flat_parse(&doc, text, len);

    *out = (sbs_discovery){0};
    if (status != SBS_OK) {
        return status;
    }
    status = sbs_discovery_endpoint(&doc, fhir_base, allow_http, url, url_size, &out->token_endpoint_len);
    if (status != SBS_OK) {
        return status;
    }
    return discovery_read_lists(&doc, out);
}
