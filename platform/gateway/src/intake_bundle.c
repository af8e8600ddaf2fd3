/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles (R4 http.html, batch and transaction): each entry is stored as if it had come alone, of a transaction all or
 * none. What they are sent upstream as is not this Bundle: their items go singly, in any grouping. So entries that
 * refer to each other cannot keep their promise, and are refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intake_internal.h"

/* An entry as it stands in the Bundle. */
typedef struct bundle_entry {
    char path[64]; /* "Bundle.entry[3].resource" */
    sbs_json_node resource;
    sbs_json_node full_url; /* SBS_JSON_NONE: it has none */
    char url[96];           /* request.url */
    char condition[1088];   /* request.ifNoneExist */
} bundle_entry;

static sbs_json_node member_of(const sbs_json *doc, sbs_json_node object, const char *name) {
    sbs_json_node node;
    if (sbs_json_member(doc, object, name, &node) != SBS_OK) {
        return SBS_JSON_NONE;
    }
    return node;
}

/* A string with a NUL; false: it is none, or does not fit. */
static bool text_of(const sbs_json *doc, sbs_json_node node, char *out, size_t size) {
    size_t len = 0;
    bool good = node != SBS_JSON_NONE && sbs_json_text(doc, node, out, size - 1, &len) == SBS_OK;
    out[good ? len : 0] = '\0';
    return good;
}

/* ---- one entry --------------------------------------------------------------------------------------------------- */

/* "Observation", "/Observation/x" or a whole URL that ends so: the id, absent for the type alone. */
static bool url_read(const char *url, sbs_text *out_id) {
    static const char type[] = SBS_INTAKE_TYPE;
    const char *found = strstr(url, type);
    *out_id = (sbs_text){NULL, 0};
    if (found == NULL || (found != url && found[-1] != '/')) {
        return false;
    }

    const char *rest = found + sizeof type - 1;
    if (*rest == '\0' || strcmp(rest, "/") == 0) {
        return true;
    }
    *out_id = sbs_text_of(rest + 1);
    return *rest == '/' && sbs_fhir_id_is_valid(*out_id);
}

/* What an entry wants, as an order. False: refused. */
static bool entry_read_request(const sbs_json *doc, sbs_json_node node, bundle_entry *entry, sbs_intake_order *order,
                               sbs_intake_result *result) {
    sbs_json_node request = member_of(doc, node, "request");
    sbs_json_node method = member_of(doc, request, "method");
    sbs_json_node condition = member_of(doc, request, "ifNoneExist");
    bool post = sbs_json_equals(doc, method, "POST");
    if (request == SBS_JSON_NONE || method == SBS_JSON_NONE) {
        return sbs_intake_refuse(result, 422, "required", entry->path, "request with method and url is missing");
    }
    if (!post && !sbs_json_equals(doc, method, "PUT")) {
        return sbs_intake_refuse(result, 405, "not-supported", entry->path, "only POST and PUT are taken");
    }
    if (!text_of(doc, member_of(doc, request, "url"), entry->url, sizeof entry->url) ||
        !url_read(entry->url, &order->put_id) || post != (order->put_id.ptr == NULL)) {
        return sbs_intake_refuse(result, 422, "not-supported", entry->path,
                                 "request.url is Observation for POST, and Observation/ID for PUT");
    }

    if (condition != SBS_JSON_NONE && post) {
        if (!text_of(doc, condition, entry->condition, sizeof entry->condition)) {
            return sbs_intake_refuse(result, 422, "value", entry->path,
                                     "request.ifNoneExist is too long, or no string");
        }
        order->condition = sbs_text_of(entry->condition);
    }
    return true;
}

static bool entry_read(const sbs_json *doc, sbs_json_node node, bool bare, bundle_entry *entry, sbs_intake_order *order,
                       sbs_intake_result *result) {
    if (!sbs_intake_check_names(doc, node, entry->path, order->offset, result) ||
        !sbs_intake_check_names(doc, member_of(doc, node, "request"), entry->path, order->offset, result)) {
        return false;
    }

    entry->resource = member_of(doc, node, "resource");
    entry->full_url = member_of(doc, node, "fullUrl");
    if (!bare && !entry_read_request(doc, node, entry, order, result)) {
        return false;
    }
    if (entry->resource == SBS_JSON_NONE || sbs_json_kind_of(doc, entry->resource) != SBS_JSON_OBJECT) {
        return sbs_intake_refuse(result, 422, "required", entry->path, "resource is missing");
    }

    sbs_text raw = sbs_json_raw(doc, entry->resource);
    order->offset += (size_t)(raw.ptr - doc->text);
    order->text = raw;
    order->path = entry->path;
    return true;
}

/* ---- references among them --------------------------------------------------------------------------------------- */

/* The fullUrls of the entries, in the order of their ends: those that end alike stand together. */
typedef struct bundle_urls {
    sbs_text *list;
    size_t count;
} bundle_urls;

/* How a URL stands to those that end with @p end, with a '/' before it if @p part: 0: it is one of them. */
static int url_compare(sbs_text url, sbs_text end, bool part) {
    size_t len = end.len + part;
    for (size_t i = 1; i <= len; i++) {
        unsigned char wanted = '/';
        if (i > url.len) {
            return -1;
        }
        if (i <= end.len) {
            wanted = (unsigned char)end.ptr[end.len - i];
        }

        int difference = (unsigned char)url.ptr[url.len - i] - wanted;
        if (difference != 0) {
            return difference;
        }
    }
    return 0;
}

static int url_order(const void *first, const void *second) {
    sbs_text url = *(const sbs_text *)first;
    sbs_text other = *(const sbs_text *)second;
    int order = url_compare(url, other, false);
    return order != 0 ? order : url.len > other.len;
}

/* True if one of them is @p text, or if @p part ends with it behind a '/'. */
static bool urls_have(const bundle_urls *urls, sbs_text text, bool part) {
    size_t low = 0;
    size_t high = urls->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (url_compare(urls->list[middle], text, part) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }

    /* Of those that end so the shortest comes first. */
    return low < urls->count && url_compare(urls->list[low], text, part) == 0 &&
           (part || urls->list[low].len == text.len);
}

/* True if a reference means a fullUrl: the same, or "Type/id" at its end. */
static bool reference_is_within(sbs_text reference, const bundle_urls *urls) {
    if (reference.len == 0) {
        return false;
    }
    return urls_have(urls, reference, false) ||
           (memchr(reference.ptr, '/', reference.len) != NULL && urls_have(urls, reference, true));
}

/* True if something in @p node refers to an entry; as deep as the reader lets a text be. */
static bool refers_within(const sbs_json *doc, sbs_json_node node, const bundle_urls *urls) {
    for (sbs_json_node child = sbs_json_first(doc, node); child != SBS_JSON_NONE; child = sbs_json_next(doc, child)) {
        sbs_json_kind kind = sbs_json_kind_of(doc, child);
        if (kind == SBS_JSON_STRING && sbs_json_name_is(doc, child, "reference") &&
            reference_is_within(sbs_json_raw(doc, child), urls)) {
            return true;
        }
        if ((kind == SBS_JSON_OBJECT || kind == SBS_JSON_ARRAY) && refers_within(doc, child, urls)) {
            return true;
        }
    }
    return false;
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static bool is_good(const sbs_intake_result *result) {
    return result->status < 300;
}

/* Those that were stored just now are taken out again: the queue's group has other things in it. */
static void store_take_back(const sbs_gateway_intake *intake, size_t count, sbs_intake_result *results) {
    for (size_t i = 0; i < count; i++) {
        if (results[i].fresh) {
            /* What fails here has undone the group with all that is in it. */
            (void)!sbs_sqlite_queue_remove(intake->queue, results[i].item);
            results[i].fresh = results[i].known = false;
        }
    }
}

bool sbs_intake_store_all(const sbs_gateway_intake *intake, const sbs_intake_order *orders, size_t count,
                          sbs_intake_result *results) {
    /* Most of what can be wrong is found before anything is written. */
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        sbs_intake_store(intake, &orders[i], true, &results[i]);
        good = good && is_good(&results[i]);
    }

    for (size_t i = 0; i < count && good; i++) {
        sbs_intake_store(intake, &orders[i], false, &results[i]);
        if (!is_good(&results[i])) {
            store_take_back(intake, i, results);
            good = false;
        }
    }
    return good;
}

/* What is read of a Bundle. */
typedef struct bundle_reading {
    const sbs_json *doc;
    bundle_entry *entries;
    sbs_intake_order *orders;
    sbs_intake_bundle *bundle;
    bundle_urls urls;
    bool bare; /* entries need no request: a collection in a file */
} bundle_reading;

static void reading_free(bundle_reading *reading) {
    free(reading->entries);
    free(reading->orders);
    free(reading->urls.list);
}

static bool reading_open(bundle_reading *reading, sbs_json_node list, const sbs_intake_order *order,
                         sbs_intake_result *result) {
    const sbs_json *doc = reading->doc;
    size_t count = 0;
    for (sbs_json_node node = sbs_json_first(doc, list); node != SBS_JSON_NONE; node = sbs_json_next(doc, node)) {
        count++;
        if (count > SBS_GATEWAY_ENTRIES_MAX) {
            return sbs_intake_refuse(result, 413, "too-costly", "Bundle.entry", "a Bundle has at most 1000 entries");
        }
    }

    reading->bundle->count = count;
    reading->entries = calloc(count + 1, sizeof *reading->entries);
    reading->orders = calloc(count + 1, sizeof *reading->orders);
    reading->urls.list = calloc(count + 1, sizeof *reading->urls.list);
    reading->bundle->results = calloc(count + 1, sizeof *reading->bundle->results);
    if (reading->entries == NULL || reading->orders == NULL || reading->urls.list == NULL ||
        reading->bundle->results == NULL) {
        return sbs_intake_refuse(result, 503, "throttled", "", "the gateway is short of memory, try again");
    }

    for (size_t i = 0; i < count; i++) {
        (void)snprintf(reading->entries[i].path, sizeof reading->entries[i].path, "Bundle.entry[%zu].resource", i);
        reading->orders[i] = *order;
    }
    return true;
}

/* As many references may be looked for as a Bundle has room for: in a list in order each costs a few looks. */
static void reading_order_urls(bundle_reading *reading) {
    bundle_urls *urls = &reading->urls;
    for (size_t i = 0; i < reading->bundle->count; i++) {
        if (reading->entries[i].full_url != SBS_JSON_NONE) {
            urls->list[urls->count++] = sbs_json_raw(reading->doc, reading->entries[i].full_url);
        }
    }
    qsort(urls->list, urls->count, sizeof *urls->list, url_order);
}

/* Reads each entry; what is wrong with one stands in its result. */
static void reading_take(bundle_reading *reading, sbs_json_node list) {
    const sbs_json *doc = reading->doc;
    size_t count = reading->bundle->count;
    sbs_json_node node = sbs_json_first(doc, list);
    for (size_t i = 0; i < count; i++, node = sbs_json_next(doc, node)) {
        sbs_intake_result *result = &reading->bundle->results[i];
        result->status = 200;
        reading->entries[i].full_url = SBS_JSON_NONE;
        (void)entry_read(doc, node, reading->bare, &reading->entries[i], &reading->orders[i], result);
    }

    reading_order_urls(reading);
    for (size_t i = 0; i < count; i++) {
        if (is_good(&reading->bundle->results[i]) && refers_within(doc, reading->entries[i].resource, &reading->urls)) {
            (void)sbs_intake_refuse(&reading->bundle->results[i], 422, "not-supported", reading->entries[i].path,
                                    "refers to an entry of the same Bundle: the gateway forwards them one by one");
        }
    }
}

/* The first entry that was refused speaks for the whole. */
static bool transaction_refuse(const sbs_intake_bundle *bundle, sbs_intake_result *result) {
    for (size_t i = 0; i < bundle->count; i++) {
        if (!is_good(&bundle->results[i])) {
            *result = bundle->results[i];
            result->id[0] = '\0';
            return false;
        }
    }
    return true;
}

static bool reading_store(bundle_reading *reading, const sbs_gateway_intake *intake, sbs_intake_result *result) {
    sbs_intake_bundle *bundle = reading->bundle;
    if (bundle->transaction) {
        return transaction_refuse(bundle, result) &&
               (sbs_intake_store_all(intake, reading->orders, bundle->count, bundle->results) ||
                transaction_refuse(bundle, result));
    }

    for (size_t i = 0; i < bundle->count; i++) {
        if (is_good(&bundle->results[i])) {
            sbs_intake_store(intake, &reading->orders[i], false, &bundle->results[i]);
        }
    }
    return true;
}

bool sbs_intake_bundle_store(const sbs_gateway_intake *intake, const sbs_intake_order *order, const sbs_json *doc,
                             sbs_intake_bundle *out, sbs_intake_result *result) {
    bundle_reading reading = {.doc = doc, .bundle = out};
    sbs_json_node type = member_of(doc, 0, "type");
    sbs_json_node list = member_of(doc, 0, "entry");
    *out = (sbs_intake_bundle){.transaction = sbs_json_equals(doc, type, "transaction")};
    reading.bare = order->by_content && sbs_json_equals(doc, type, "collection");

    if (!sbs_intake_check_names(doc, 0, "Bundle", order->offset, result)) {
        return false;
    }
    if (type == SBS_JSON_NONE) {
        return sbs_intake_refuse(result, 422, "required", "Bundle.type", "type is missing: batch or transaction");
    }
    if (!out->transaction && !reading.bare && !sbs_json_equals(doc, type, "batch")) {
        return sbs_intake_refuse(result, 422, "not-supported", "Bundle.type", "only batch and transaction are taken");
    }
    if (order->by_content) {
        out->transaction = true; /* a file is there or it is gone */
    }
    if (list != SBS_JSON_NONE && sbs_json_kind_of(doc, list) != SBS_JSON_ARRAY) {
        return sbs_intake_refuse(result, 422, "value", "Bundle.entry", "entry is a list");
    }

    bool good = reading_open(&reading, list, order, result);
    if (good) {
        reading_take(&reading, list);
        good = reading_store(&reading, intake, result);
    }
    reading_free(&reading);
    return good;
}

void sbs_intake_bundle_free(sbs_intake_bundle *bundle) {
    free(bundle->results);
    *bundle = (sbs_intake_bundle){0};
}
