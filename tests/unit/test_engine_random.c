/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engine and client against a server that decides first whether it stores, and then answers whatever it likes: any
 * status, body and order, half of an answer or none. It confirms only what it holds; everything else it may say both
 * ways. Restarts come at any time. In the end the server behaves, and each item must be on it once, or be a dead letter
 * with a reason. SBS_SEED=N repeats one scenario, SBS_SCENARIOS=N runs so many.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "push_setup.h"
#include "sbs/count.h"
#include "test.h"

#define NOW 1700000000
#define SCENARIOS 10000u
#define ITEMS_MAX 7u
#define ENTRY_MAX 8u
#define HOUR_MS UINT64_C(3600000)

static struct {
    push_setup *setup;
    uint64_t seed, random;
    bool good; /* the server behaves by now */
    bool loses_order;
    unsigned stored[ITEMS_MAX];
    unsigned requests, restarts, delivered, dead;
} world;

#define must(condition, ...)                                                                                           \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            print_error("SBS_SEED=%llu: ", (unsigned long long)world.seed);                                            \
            fail_msg(__VA_ARGS__);                                                                                     \
        }                                                                                                              \
    } while (0)

/* splitmix64 */
static unsigned draw(unsigned below) {
    world.random += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = world.random;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (unsigned)((z ^ (z >> 31)) % below);
}

#define PICK(list) (list)[draw(SBS_COUNT_OF(list))]

/* ---- what the server does -----------------------------------------------------------------------------------------
 */

/* One write that came, and what became of it. */
typedef struct written {
    unsigned item;
    bool conditional; /* If-None-Match: * */
    bool there;       /* before */
    bool created;
    char place[80]; /* "Observation/id" that a true answer names */
} written;

static unsigned item_of(const char *json, size_t len) {
    const char *value = fake_find(json, len, "\"value\":\"i");
    must(value != NULL, "no value in %.*s", (int)len, json);
    unsigned item = (unsigned)(value[10] - '0');
    must(item < ITEMS_MAX, "no such item in %.*s", (int)len, json);
    return item;
}

static void store(written *w) {
    w->there = world.stored[w->item] > 0;
    w->created = !w->there && (world.good || draw(2) == 0);
    world.stored[w->item] += w->created;
}

static bool is_held(const written *w) {
    return world.stored[w->item] > 0;
}

static unsigned honest_status(const written *w) {
    if (w->there && w->conditional) {
        return 412;
    }
    return w->there ? 200 : w->created ? 201 : 422;
}

static unsigned confirming_status(void) {
    static const unsigned statuses[] = {200, 201, 204};
    return PICK(statuses);
}

/* One that confirms nothing. */
static unsigned other_status(void) {
    static const unsigned successes[] = {202, 203, 205, 206, 207, 226};
    static const unsigned common[] = {400, 401, 403, 404, 409, 412, 422, 429, 500, 502, 503, 504, 304, 408};
    switch (draw(4)) {
    case 0:
        return PICK(successes);
    case 1:
        return 300 + draw(300);
    default:
        return PICK(common);
    }
}

static const char *const bodies[] = {
    "",
    "{}",
    "{\"login\":\"needed\"}",
    "<html><body>Please sign in</body></html>",
    "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":\"exception\"}]}",
    "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"fatal\",\"code\":\"invalid\"}]}",
    "{\"resourceType\":\"Patient\",\"id\":\"other\"}",
    "[1,2",
};

/* ---- answers ------------------------------------------------------------------------------------------------------
 */

static void say(fake_server *server, unsigned status, const char *place, const char *body) {
    static const char *const waits[] = {"",
                                        "",
                                        "",
                                        "",
                                        "Retry-After: 0\r\n",
                                        "Retry-After: 3\r\n",
                                        "Retry-After: 90\r\n",
                                        "Retry-After: Mon, 13 Nov 2023 00:00:00 GMT\r\n",
                                        "Retry-After: soon\r\n"};
    char fields[256];
    snprintf(fields, sizeof fields, "%s%s%s%s%s%s", body[0] == '{' ? "Content-Type: application/fhir+json\r\n" : "",
             body[0] == '<' ? "Content-Type: text/html\r\n" : "", status >= 300 ? PICK(waits) : "",
             place[0] != '\0' ? "Location: https://fhir.example/r4/" : "", place, place[0] != '\0' ? "\r\n" : "");
    fake_answer(server, status, fields, status == 204 || status == 304 ? "" : body);
    server->close_after = draw(4) == 0;
}

/* True if it says nothing, or only half of something. */
static bool breaks_off(fake_server *server, bool held) {
    switch (world.good ? 9 : draw(10)) {
    case 0:
        server->out_len = 0;
        server->broken = true;
        return true;
    case 1:
        fake_send(server, "HTTP/1.1 20");
        server->close_after = true;
        return true;
    case 2:
        fake_send(server, held ? "HTTP/1.1 201 Created\r\nContent-Length: 40\r\n\r\n{\"resource"
                               : "HTTP/1.1 503 Sorry\r\nContent-Length: 40\r\n\r\n{\"resource");
        server->close_after = true;
        return true;
    default:
        return false;
    }
}

static void answer_one(fake_server *server, written *w) {
    store(w);
    if (breaks_off(server, is_held(w))) {
        return;
    }

    unsigned kind = world.good ? 0 : draw(3);
    if (kind == 0) {
        say(server, honest_status(w), honest_status(w) == 201 ? w->place : "", "");
    } else if (kind == 1 && is_held(w)) {
        say(server, confirming_status(), draw(2) == 0 ? w->place : "", "");
    } else if (kind == 1) {
        say(server, 200, "", bodies[3 + draw(SBS_COUNT_OF(bodies) - 3)]);
    } else {
        say(server, other_status(), "", PICK(bodies));
    }
}

/* An entry of the answer. Where order is lost, what confirms names whom, as by its place nobody could tell. */
static void put_entry(char *out, size_t size, const written *w) {
    static const char *const forms[] = {"\"%u\"", "%u", "\" %u Created\"", "\"%u Some words\""};
    bool confirms = is_held(w) && !(w->there && w->conditional);
    unsigned status = world.good || draw(2) == 0 ? honest_status(w)
                      : confirms && draw(2) == 0 ? confirming_status()
                                                 : other_status();
    char text[32];
    if (!world.good && draw(20) == 0) {
        snprintf(text, sizeof text, "%s", confirms ? "\"Created\"" : "\"What\"");
        status = 0;
    } else {
        snprintf(text, sizeof text, PICK(forms), status);
    }
    if (!world.good && !confirms && draw(6) == 0) { /* 200, and something that takes it back */
        if (draw(2) == 0) {
            snprintf(out, size, "{\"resource\":%s,\"response\":{\"status\":\"200 OK\"}}", bodies[4 + draw(3)]);
        } else {
            snprintf(out, size, "{\"response\":{\"status\":\"200\",\"outcome\":%s}}", bodies[4 + draw(2)]);
        }
        return;
    }
    bool shows = status < 300 && (draw(2) == 0 || world.loses_order);
    snprintf(out, size, "{\"response\":{\"status\":%s%s%s%s,\"etag\":\"W/\\\"%u\\\"\"}}", text,
             shows ? ",\"location\":\"" : "", shows ? w->place : "", shows ? "\"" : "", draw(9));
}

static void answer_all(fake_server *server, written *all, unsigned count) {
    static char entries[ENTRY_MAX][256];
    static char body[4096];
    unsigned order[ENTRY_MAX];
    bool held = true;
    world.loses_order = !world.good && draw(5) == 0;
    for (unsigned i = 0; i < count; i++) {
        store(&all[i]);
        held = held && is_held(&all[i]);
        put_entry(entries[i], sizeof entries[i], &all[i]);
        order[i] = i;
    }
    if (breaks_off(server, held)) {
        return;
    }
    if (!world.good && draw(4) == 0) {
        say(server, other_status(), "", PICK(bodies));
        return;
    }

    for (unsigned i = 0; world.loses_order && i + 1 < count; i++) {
        unsigned other = i + draw(count - i);
        unsigned kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
    if (world.loses_order && draw(2) == 0) {
        count--;
    }
    size_t used =
        (size_t)snprintf(body, sizeof body, "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":[");
    for (unsigned i = 0; i < count; i++) {
        used += (size_t)snprintf(body + used, sizeof body - used, "%s%s", i > 0 ? "," : "", entries[order[i]]);
    }
    snprintf(body + used, sizeof body - used, "]}");
    say(server, 200, "", body);
}

/* ---- requests -----------------------------------------------------------------------------------------------------
 */

static void take_one(fake_server *server, const char *request, size_t len) {
    char value[32];
    written w = {0};
    sbs_text body = fake_body(request, len);
    w.item = item_of(body.ptr, body.len);
    w.conditional = fake_field(request, len, "If-None-Match", value, sizeof value);
    if (fake_request_is(request, len, "PUT /r4/")) {
        snprintf(w.place, sizeof w.place, "%.*s", (int)strcspn(request + 8, " "), request + 8);
    } else {
        snprintf(w.place, sizeof w.place, "Observation/ob-%u", w.item);
    }
    answer_one(server, &w);
}

static void take_all(fake_server *server, const char *request, size_t len) {
    written all[ENTRY_MAX] = {0};
    unsigned count = 0;
    sbs_text body = fake_body(request, len);
    const char *at = body.ptr;
    const char *end = body.ptr + body.len;
    for (const char *mark; (mark = fake_find(at, (size_t)(end - at), "\"request\":{")) != NULL;) {
        must(count < ENTRY_MAX, "too many entries");
        written *w = &all[count++];
        const char *url = fake_find(mark, (size_t)(end - mark), "\"url\":\"") + 7;
        const char *close = memchr(mark, '}', (size_t)(end - mark));
        w->item = item_of(at, (size_t)(mark - at));
        w->conditional = fake_find(mark, (size_t)(close - mark), "\"ifNoneMatch\":\"*\"") != NULL;
        if (memcmp(mark + 11, "\"method\":\"PUT\"", 14) == 0) {
            snprintf(w->place, sizeof w->place, "%.*s", (int)strcspn(url, "\""), url);
        } else {
            snprintf(w->place, sizeof w->place, "Observation/ob-%u", w->item);
        }
        at = close;
    }
    answer_all(server, all, count);
}

static void serve(fake_server *server, const char *request, size_t len) {
    if (fake_request_is(request, len, "POST /token")) {
        fake_answer(server, 200, "Content-Type: application/json\r\n",
                    "{\"access_token\":\"tok-1\",\"token_type\":\"bearer\",\"expires_in\":300,"
                    "\"scope\":\"system/Observation.cruds\"}");
        return;
    }
    world.requests++;
    must(world.setup->queue.marks == 0, "sent before its mark was durable");
    if (fake_request_is(request, len, "POST /r4 ")) {
        take_all(server, request, len);
    } else {
        take_one(server, request, len);
    }
}

/* ---- the device ---------------------------------------------------------------------------------------------------
 */

static void restart(push_setup *s) {
    world.restarts++;
    ram_queue_cut(&s->queue);
    sbs_client_deinit(&s->base.client);
    assert_int_equal(sbs_client_init(&s->base.client, &s->base.config), SBS_OK);
    assert_int_equal(sbs_push_init(&s->push, &s->config), SBS_OK);
}

static void begin(push_setup *s, uint64_t seed) {
    push_setup_init(s);
    memset(world.stored, 0, sizeof world.stored);
    world.setup = s;
    world.seed = world.random = seed;
    world.good = false;
    s->base.fhir.server.handler = serve;
    s->base.config.token_url = "https://auth.example/token";
    s->mode = draw(2) == 0 ? SBS_WRITE_PUT : SBS_WRITE_IF_NONE_EXIST;
    s->config.batch_max = draw(2) == 0 ? 1 : 4;
    if (draw(2) == 0) {
        ram_queue_group(&s->queue);
    }
    assert_int_equal(sbs_client_init(&s->base.client, &s->base.config), SBS_OK);

    unsigned items = 1 + draw(ITEMS_MAX);
    unsigned lanes = 1 + draw(4);
    for (unsigned i = 0; i < items; i++) {
        char text[16];
        snprintf(text, sizeof text, "i%u", i);
        ram_queue_add(&s->queue, draw(lanes), text, NOW);
    }
}

/* Polls so often, or until nothing is left. */
static sbs_status live(push_setup *s, unsigned polls, unsigned restart_once_in) {
    sbs_status status = SBS_PENDING;
    for (; polls > 0 && status == SBS_PENDING; polls--) {
        sbs_wait wait;
        status = sbs_push_poll(&s->push, s->base.now, &wait);
        must(status == SBS_OK || status == SBS_PENDING, "push: %d", status);
        must(sbs_push_is_durable(&s->push) == (s->queue.before == NULL), "who is durable?");
        must(wait.timeout_ms == 0 || s->queue.before == NULL, "it waits, and is not durable");
        s->base.now.mono_ms += status == SBS_PENDING ? wait.timeout_ms : 0;
        s->base.now.utc_s = NOW + (int64_t)(s->base.now.mono_ms / 1000);
        if (restart_once_in > 0 && draw(restart_once_in) == 0) {
            restart(s);
            status = SBS_PENDING;
        }
    }
    return status;
}

/* Delivered is what the server holds, once; what is dead has a reason; @p most_waiting may wait. */
static void check(const push_setup *s, bool may_wait) {
    for (unsigned i = 0; i < s->queue.count; i++) {
        const struct ram_item *item = &s->queue.items[i];
        must(world.stored[i] <= 1, "item %u is there %u times", i, world.stored[i]);
        must(item->fate != RAM_DELIVERED || world.stored[i] == 1, "item %u is lost", i);
        must(item->fate != RAM_DEAD || item->reason[0] != '\0', "item %u is dead without a reason", i);
        must(item->fate != RAM_WAITING || may_wait, "item %u waits for ever", i);
        world.delivered += item->fate == RAM_DELIVERED;
        world.dead += item->fate == RAM_DEAD;
    }
}

static void run(push_setup *s, uint64_t seed) {
    begin(s, seed);
    (void)live(s, 30 + draw(400), draw(2) == 0 ? 0 : 60);
    check(s, true);

    world.good = true;
    uint64_t end_ms = s->base.now.mono_ms + 3 * HOUR_MS;
    sbs_status status = SBS_PENDING;
    while (status == SBS_PENDING && s->base.now.mono_ms < end_ms) {
        status = live(s, 1, 0);
    }
    must(status == SBS_OK, "it does not come to an end");
    check(s, false);
    sbs_client_deinit(&s->base.client);
}

static uint64_t number_of(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void each_item_is_there_once_or_told(void **state) {
    push_setup *s = *state;
    uint64_t seed = number_of("SBS_SEED", 1);
    uint64_t count = number_of("SBS_SCENARIOS", getenv("SBS_SEED") != NULL ? 1 : SCENARIOS);
    for (uint64_t i = 0; i < count; i++) {
        run(s, seed + i);
    }
    print_message("random: %llu scenarios, requests %u, restarts %u, states delivered %u, dead %u; lost 0, twice 0\n",
                  (unsigned long long)count, world.requests, world.restarts, world.delivered, world.dead);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PUSH_CASE(each_item_is_there_once_or_told),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
