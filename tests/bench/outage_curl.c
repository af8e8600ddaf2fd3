/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The efficient peer of the outage benchmark: libcurl's multi interface with CONNECTIONS transfers under way, which
 * keeps nothing, reads no answer but its status, and asks for no token. It is built by tests/bench/outage where libcurl
 * is there, and is no part of the project's own build.
 *
 * usage: outage_curl FHIR_BASE CA ITEMS BATCH CONNECTIONS
 */
#define _GNU_SOURCE
#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_MAX 256u

typedef struct transfer {
    CURL *easy;
    char *body;
    size_t size;
} transfer;

static const char *base;
static FILE *items;
static unsigned batch, under_way;
static unsigned long sent;
static char url[1024];
static struct curl_slist *fields;

static size_t ignore(char *data, size_t size, size_t count, void *ctx) {
    (void)data;
    (void)ctx;
    return size * count;
}

static void put(transfer *to, size_t *len, const char *text, size_t count) {
    if (*len + count + 1 > to->size) {
        to->size = 2 * (*len + count) + 4096;
        to->body = realloc(to->body, to->size);
    }
    memcpy(to->body + *len, text, count);
    *len += count;
}

#define PUT(to, len, literal) put(to, len, literal, sizeof literal - 1)

/* The next items as a request's body; 0 bytes: there are none. */
static size_t fill(transfer *to) {
    static char *line;
    static size_t line_size;
    size_t len = 0;
    for (unsigned i = 0; i < batch; i++) {
        ssize_t count = getline(&line, &line_size, items);
        if (count <= 0) {
            break;
        }
        if (batch > 1 && i == 0) {
            PUT(to, &len, "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":[");
        } else if (batch > 1) {
            PUT(to, &len, ",");
        }
        if (batch > 1) {
            PUT(to, &len, "{\"resource\":");
        }
        put(to, &len, line, (size_t)count - 1);
        if (batch > 1) {
            PUT(to, &len, ",\"request\":{\"method\":\"POST\",\"url\":\"Observation\"}}");
        }
        sent++;
    }
    if (len > 0 && batch > 1) {
        PUT(to, &len, "]}");
    }
    return len;
}

static bool start(CURLM *multi, transfer *with) {
    size_t len = fill(with);
    if (len == 0) {
        return false;
    }
    (void)curl_easy_setopt(with->easy, CURLOPT_POSTFIELDS, with->body);
    (void)curl_easy_setopt(with->easy, CURLOPT_POSTFIELDSIZE, (long)len);
    under_way++;
    return curl_multi_add_handle(multi, with->easy) == CURLM_OK;
}

static void set_up(transfer *with, const char *ca) {
    with->easy = curl_easy_init();
    (void)curl_easy_setopt(with->easy, CURLOPT_URL, url);
    (void)curl_easy_setopt(with->easy, CURLOPT_CAINFO, ca);
    (void)curl_easy_setopt(with->easy, CURLOPT_HTTPHEADER, fields);
    (void)curl_easy_setopt(with->easy, CURLOPT_WRITEFUNCTION, ignore);
    (void)curl_easy_setopt(with->easy, CURLOPT_PRIVATE, (char *)with);
    (void)curl_easy_setopt(with->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
}

/* Each transfer that is over begins anew. */
static void reap(CURLM *multi) {
    int left;
    for (CURLMsg *told = curl_multi_info_read(multi, &left); told != NULL; told = curl_multi_info_read(multi, &left)) {
        transfer *with = NULL;
        long status = 0;
        (void)curl_easy_getinfo(told->easy_handle, CURLINFO_PRIVATE, (char **)&with);
        (void)curl_easy_getinfo(told->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        if (told->data.result != CURLE_OK || status / 100 != 2) {
            (void)fprintf(stderr, "outage_curl: %s, HTTP %ld\n", curl_easy_strerror(told->data.result), status);
            exit(1);
        }
        (void)curl_multi_remove_handle(multi, with->easy);
        under_way--;
        (void)start(multi, with);
    }
}

int main(int argc, char **argv) {
    static transfer transfers[CONNECTIONS_MAX];
    if (argc != 6 || (items = fopen(argv[3], "r")) == NULL) {
        (void)fprintf(stderr, "outage_curl: usage, or the items\n");
        return 2;
    }
    base = argv[1];
    batch = (unsigned)strtoul(argv[4], NULL, 10);
    unsigned count = (unsigned)strtoul(argv[5], NULL, 10);
    if (count == 0 || count > CONNECTIONS_MAX) {
        return 2;
    }
    (void)snprintf(url, sizeof url, "%s%s", base, batch > 1 ? "" : "/Observation");
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    fields = curl_slist_append(NULL, "Content-Type: application/fhir+json");
    fields = curl_slist_append(fields, "Authorization: Bearer a-token");
    fields = curl_slist_append(fields, "Expect:");
    CURLM *multi = curl_multi_init();
    for (unsigned i = 0; i < count; i++) {
        set_up(&transfers[i], argv[2]);
        (void)start(multi, &transfers[i]);
    }
    while (under_way > 0) {
        int running;
        (void)curl_multi_perform(multi, &running);
        reap(multi);
        if (under_way > 0) {
            (void)curl_multi_poll(multi, NULL, 0, 1000, NULL);
        }
    }
    (void)printf("%lu\n", sent);
    return 0;
}
