/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server of the outage benchmark: TLS 1.3 by OpenSSL, a thread for each connection, and as little work as an honest
 * answer allows: of each item it keeps a hash of its identifier, so that what was stored twice is seen. It is built by
 * tests/bench/outage, and is no part of the project's own build.
 *
 * usage: outage_server CERTIFICATE KEY ADDRESS STATEMENT_BYTES
 *
 * Prints its port, and ends when its standard input does. STATEMENT_BYTES: the CapabilityStatement is filled up to
 * that.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define REQUEST_MAX (4u << 20)
#define ANSWER_MAX (1u << 20)
#define SET_SIZE (1u << 22)

static char statement[4u << 20];
static char short_statement[1024];
static bool deaf;
static SSL_CTX *tls;
static uint64_t seen[SET_SIZE];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t stored, distinct;
static atomic_ulong gets, tokens, writes, connections, coded;

typedef struct connection {
    SSL *ssl;
    char *in, *plain, *out;
    size_t in_len;
} connection;

/* ---- items ------------------------------------------------------------------------------------------------------ */

/* The value of the first identifier in the text, as a hash; NULL behind the last. Moves on. */
static bool next_item(const char **at, const char *end, uint64_t *out_hash) {
    static const char start[] = "\"identifier\":";
    const char *found = memmem(*at, (size_t)(end - *at), start, sizeof start - 1);
    if (found == NULL) {
        return false;
    }
    const char *value = memmem(found, (size_t)(end - found), "\"value\":", 8);
    if (value == NULL) {
        return false;
    }
    value = memchr(value + 8, '"', (size_t)(end - value - 8));
    const char *close = value == NULL ? NULL : memchr(value + 1, '"', (size_t)(end - value - 1));
    if (close == NULL) {
        return false;
    }
    uint64_t hash = 1469598103934665603u;
    for (const char *c = value + 1; c < close; c++) {
        hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    }
    *out_hash = hash | 1;
    *at = close;
    return true;
}

/* Its number among all that were stored. */
static uint64_t store(uint64_t hash) {
    (void)pthread_mutex_lock(&lock);
    size_t place = (size_t)(hash * 0x9E3779B97F4A7C15u >> 42);
    while (seen[place] != 0 && seen[place] != hash) {
        place = (place + 1) % SET_SIZE;
    }
    distinct += seen[place] == 0;
    seen[place] = hash;
    uint64_t number = ++stored;
    (void)pthread_mutex_unlock(&lock);
    return number;
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

static size_t with_head(char *out, const char *status, const char *fields, const char *body, size_t len) {
    int head = sprintf(out, "HTTP/1.1 %s\r\nContent-Type: application/fhir+json\r\n%sContent-Length: %zu\r\n\r\n",
                       status, fields, len);
    memmove(out + head, body, len);
    return (size_t)head + len;
}

static size_t answer_json(char *out, const char *json) {
    return with_head(out, "200 OK", "", json, strlen(json));
}

static size_t answer_get(connection *peer, const char *target) {
    char text[512];
    gets++;
    if (strstr(target, "/metadata") != NULL) {
        bool some = strstr(target, "_elements=") != NULL && !deaf;
        return answer_json(peer->out, some ? short_statement : statement);
    }
    if (strstr(target, "smart-configuration") != NULL) {
        const char *host = strstr(peer->in, "Host: ") + 6;
        (void)snprintf(text, sizeof text, "{\"token_endpoint\":\"https://%.*s/token\",\"capabilities\":[]}",
                       (int)strcspn(host, "\r"), host);
        return answer_json(peer->out, text);
    }
    if (strstr(target, "/stats") != NULL) {
        (void)snprintf(text, sizeof text,
                       "{\"stored\":%llu,\"distinct\":%llu,\"gets\":%lu,\"tokens\":%lu,\"writes\":%lu,"
                       "\"connections\":%lu,\"coded\":%lu}",
                       (unsigned long long)stored, (unsigned long long)distinct, gets - 1, tokens, writes, connections,
                       coded);
        return answer_json(peer->out, text);
    }
    if (strstr(target, "/reset") != NULL) {
        (void)pthread_mutex_lock(&lock);
        memset(seen, 0, sizeof seen);
        stored = distinct = 0;
        (void)pthread_mutex_unlock(&lock);
        gets = tokens = writes = connections = coded = 0;
        return answer_json(peer->out, "{}");
    }
    return with_head(peer->out, "404 Not Found", "", "", 0);
}

static size_t answer_batch(connection *peer, const char *body, size_t len) {
    static const char url[] = "\"url\":";
    static const char begin[] = "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":[";
    char *json = peer->out + 256; /* behind the head */
    size_t used = sizeof begin - 1;
    const char *at = body;
    uint64_t hash;
    memcpy(json, begin, used);
    while (next_item(&at, body + len, &hash)) {
        uint64_t number = store(hash);
        const char *target = memmem(at, (size_t)(body + len - at), url, sizeof url - 1);
        if (target == NULL) {
            break;
        }
        target = strchr(target + sizeof url - 1, '"') + 1;
        int id = (int)strcspn(target, "\"");
        bool put = memchr(target, '/', (size_t)id) != NULL;
        used += (size_t)sprintf(json + used, "%s{\"response\":{\"status\":\"201 Created\",\"location\":\"",
                                json[used - 1] == '[' ? "" : ",");
        used += put ? (size_t)sprintf(json + used, "%.*s/_history/1\"}}", id, target)
                    : (size_t)sprintf(json + used, "Observation/%llu/_history/1\"}}", (unsigned long long)number);
    }
    used += (size_t)sprintf(json + used, "]}");
    return with_head(peer->out, "200 OK", "", json, used);
}

static size_t answer_write(connection *peer, const char *target, const char *body, size_t len) {
    char place[256];
    uint64_t hash;
    const char *at = body;
    writes++;
    if (strstr(target, "/Observation") == NULL) {
        return answer_batch(peer, body, len);
    }
    if (!next_item(&at, body + len, &hash)) {
        return with_head(peer->out, "400 Bad Request", "", "", 0);
    }
    uint64_t number = store(hash);
    const char *id = strstr(target, "/Observation/");
    if (id != NULL) {
        (void)snprintf(place, sizeof place, "Location: %s/_history/1\r\n", id + 1);
    } else {
        (void)snprintf(place, sizeof place, "Location: Observation/%llu/_history/1\r\n", (unsigned long long)number);
    }
    return with_head(peer->out, "201 Created", place, "", 0);
}

/* The body without its coding; NULL if it has none that is known. */
static const char *undo_gzip(connection *peer, const char *body, size_t *len) {
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)body, .avail_in = (uInt)*len};
    stream.next_out = (Bytef *)peer->plain;
    stream.avail_out = REQUEST_MAX;
    coded++;
    if (inflateInit2(&stream, MAX_WBITS + 16) != Z_OK) {
        return NULL;
    }
    int result = inflate(&stream, Z_FINISH);
    *len = REQUEST_MAX - stream.avail_out;
    (void)inflateEnd(&stream);
    peer->plain[*len] = '\0';
    return result == Z_STREAM_END ? peer->plain : NULL;
}

static size_t answer(connection *peer, const char *body, size_t len) {
    char target[1024] = "";
    char method[8] = "";
    if (sscanf(peer->in, "%7s %1023s", method, target) != 2) {
        return with_head(peer->out, "400 Bad Request", "", "", 0);
    }
    if (strcmp(method, "GET") == 0) {
        return answer_get(peer, target);
    }
    if (strcmp(target, "/token") == 0) {
        tokens++;
        return answer_json(peer->out, "{\"access_token\":\"a-token\",\"token_type\":\"bearer\",\"expires_in\":300,"
                                      "\"scope\":\"system/Observation.cruds\"}");
    }
    if (strcasestr(peer->in, "\r\nContent-Encoding: gzip\r\n") != NULL) {
        body = undo_gzip(peer, body, &len);
    }
    return body == NULL ? with_head(peer->out, "400 Bad Request", "", "", 0) : answer_write(peer, target, body, len);
}

/* ---- connections ------------------------------------------------------------------------------------------------- */

static bool receive_more(connection *peer) {
    int count = SSL_read(peer->ssl, peer->in + peer->in_len, (int)(REQUEST_MAX - peer->in_len));
    peer->in_len += count > 0 ? (size_t)count : 0;
    return count > 0;
}

static bool serve_one(connection *peer) {
    char *end = NULL;
    while ((end = memmem(peer->in, peer->in_len, "\r\n\r\n", 4)) == NULL) {
        if (peer->in_len >= REQUEST_MAX || !receive_more(peer)) {
            return false;
        }
    }
    end[3] = '\0'; /* the last '\n' of the head: what looks for a field stops here */
    const char *field = strcasestr(peer->in, "\r\nContent-Length:");
    size_t head = (size_t)(end + 4 - peer->in);
    size_t len = field == NULL ? 0 : strtoul(field + 17, NULL, 10);
    while (peer->in_len < head + len) {
        if (head + len > REQUEST_MAX || !receive_more(peer)) {
            return false;
        }
    }
    char behind = peer->in[head + len];
    peer->in[head + len] = '\0';
    size_t out = answer(peer, peer->in + head, len);
    peer->in[head + len] = behind;
    peer->in_len -= head + len;
    memmove(peer->in, peer->in + head + len, peer->in_len);
    return SSL_write(peer->ssl, peer->out, (int)out) == (int)out;
}

static void *serve(void *descriptor) {
    int fd = (int)(intptr_t)descriptor;
    connection peer = {.ssl = SSL_new(tls), .in = malloc(REQUEST_MAX + 1), .plain = malloc(REQUEST_MAX + 1)};
    peer.out = malloc(sizeof statement + ANSWER_MAX);
    if (peer.ssl != NULL && peer.in != NULL && peer.plain != NULL && peer.out != NULL &&
        SSL_set_fd(peer.ssl, fd) == 1 && SSL_accept(peer.ssl) == 1) {
        connections++;
        while (serve_one(&peer)) {
        }
    }
    ERR_clear_error();
    SSL_free(peer.ssl);
    free(peer.in);
    free(peer.plain);
    free(peer.out);
    (void)close(fd);
    return NULL;
}

static void *await_end(void *unused) {
    char c;
    (void)unused;
    while (read(STDIN_FILENO, &c, 1) > 0) {
    }
    _exit(0);
}

static void fill_statement(char *out, size_t size) {
    size_t len = (size_t)sprintf(out, "{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"4.0.1\",\"rest\":["
                                      "{\"mode\":\"server\",\"interaction\":[{\"code\":\"transaction\"}],"
                                      "\"resource\":[");
    for (unsigned i = 0; len + 1024 < size && len + 1024 < sizeof statement; i++) {
        char name[4] = {(char)('A' + i / 676 % 26), (char)('a' + i / 26 % 26), (char)('a' + i % 26), '\0'};
        len += (size_t)sprintf(out + len, "{\"type\":\"X%s\",\"searchParam\":[", name);
        for (unsigned j = 0; j < 230 && len + 1024 < size; j++) {
            len += (size_t)sprintf(out + len, "%s{\"name\":\"p%u\",\"type\":\"token\",\"documentation\":\"of no use\"}",
                                   j == 0 ? "" : ",", j);
        }
        len += (size_t)sprintf(out + len, "]},");
    }
    (void)sprintf(out + len, "{\"type\":\"Observation\",\"interaction\":[{\"code\":\"create\"},{\"code\":\"update\"}],"
                             "\"updateCreate\":true,\"conditionalCreate\":true}]}]}");
}

static int listen_at(const char *address, uint16_t *out_port) {
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || inet_pton(AF_INET, address, &at.sin_addr) != 1 || bind(fd, (struct sockaddr *)&at, len) != 0 ||
        listen(fd, 128) != 0 || getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        return -1;
    }
    *out_port = ntohs(at.sin_port);
    return fd;
}

int main(int argc, char **argv) {
    uint16_t port = 0;
    pthread_t thread;
    tls = SSL_CTX_new(TLS_server_method());
    if (argc < 5 || tls == NULL || SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) != 1 ||
        SSL_CTX_use_certificate_file(tls, argv[1], SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(tls, argv[2], SSL_FILETYPE_PEM) != 1) {
        (void)fprintf(stderr, "outage_server: usage, or the certificate\n");
        return 2;
    }
    deaf = argc > 5;
    fill_statement(statement, strtoul(argv[4], NULL, 10));
    fill_statement(short_statement, 0);
    int fd = listen_at(argv[3], &port);
    if (fd < 0) {
        perror("outage_server");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)printf("%u\n", port);
    (void)fflush(stdout);
    (void)pthread_create(&thread, NULL, await_end, NULL);
    for (;;) {
        int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        int on = 1;
        (void)setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (peer >= 0 && pthread_create(&thread, NULL, serve, (void *)(intptr_t)peer) == 0) {
            (void)pthread_detach(thread);
        }
    }
}
