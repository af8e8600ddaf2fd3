/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "push_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- OAuth ------------------------------------------------------------------------------------------------------- */

static const char json_type[] = "Content-Type: application/json\r\n";
static const char *const types[] = {json_type,
                                    "Content-Type: application/fhir+json; charset=utf-8\r\n",
                                    "Content-Type: text/html\r\n",
                                    "",
                                    "Content-Type: text/json\r\n",
                                    "Content-Type: application/fhir+xml\r\n"};
static const unsigned statuses[] = {500, 503, 429, 400, 401, 403, 404, 409, 412, 422, 302, 308, 202, 205, 304, 410,
                                    413, 425, 408, 501, 502, 504, 207, 418, 499, 299, 428, 431, 421, 511, 203, 405};

void peer_answer_discovery(push_peer *peer, const peer_request *request) {
    static const char *const documents[] = {"{\"token_endpoint\":\"https://" PEER_AUTH_HOST
                                            "/token\",\"capabilities\":[]}",
                                            "{\"token_endpoint\":\"https://" PEER_EVIL_HOST "/token\"}",
                                            "{\"token_endpoint\":\"https://" PEER_FHIR_HOST "/auth/token\"}",
                                            "{\"token_endpoint\":\"/auth/token?a=b\"}",
                                            "{\"token_endpoint\":\"http://" PEER_AUTH_HOST "/token\"}",
                                            "{\"token_endpoint\":\"https:\\/\\/AUTH.example:443\\/token\"}",
                                            "{\"token_endpoint\":\"https://" PEER_AUTH_HOST ":444/token\"}",
                                            "{\"token_endpoint\":7}",
                                            "{\"issuer\":\"x\"}",
                                            "{\"token_endpoint\":\"https://a\",\"token_endpoint\":\"https://b\"}",
                                            "[1,{\"token_endpoint\":\"https://" PEER_AUTH_HOST "/token\"}]",
                                            "{\"token_endpoint\":",
                                            "<html>log in</html>",
                                            ""};
    static peer_body body;
    (void)request;
    body.len = 0;
    unsigned status = 200;
    peer->carried = 0;
    if (peer_tells_more(peer, 8)) {
        peer_send_raw(peer);
        return;
    }

    const unsigned which = peer->honest ? 0 : fuzz_below(peer->script, 2 * SBS_COUNT_OF(documents));
    const unsigned document = which < SBS_COUNT_OF(documents) ? which : 0;
    peer->was_elsewhere |= document != 0;
    peer_put(&body, "%s", documents[document]);
    if (peer_tells_more(peer, 6)) {
        status = PICK(peer, statuses);
    }
    peer_send(peer, status, peer->honest ? json_type : PICK(peer, types), &body);
}

void peer_answer_statement(push_peer *peer, const peer_request *request) {
    static const char *const urls[] = {"https://" PEER_AUTH_HOST "/token", "https://" PEER_EVIL_HOST "/token", "token",
                                       "http://x/", ""};
    static peer_body body;
    (void)request;
    body.len = 0;
    peer->carried = 0;
    peer->was_elsewhere = true;
    if (peer_tells_more(peer, 8)) {
        peer_send_raw(peer);
        return;
    }

    peer_put(&body,
             "{\"resourceType\":\"CapabilityStatement\",\"fhirVersion\":\"4.0.1\",\"rest\":[{\"mode\":\"server\","
             "\"security\":{\"extension\":[{\"url\":\"http://fhir-registry.smarthealthit.org/StructureDefinition/"
             "oauth-uris\",\"extension\":[{\"url\":\"token\",\"valueUri\":\"%s\"}]}]},\"resource\":[{\"type\":"
             "\"Observation\",\"updateCreate\":true}]}]}",
             PICK(peer, urls));
    peer_send(peer, peer_tells_more(peer, 6) ? PICK(peer, statuses) : 200, PICK(peer, types), &body);
}

static void put_token(push_peer *peer, peer_body *body) {
    static const char *const scopes[] = {"system/*.cruds",
                                         "system/Observation.cruds",
                                         "system/Observation.rs",
                                         "system/*.*",
                                         "system/Observation.write",
                                         "user/Patient.r",
                                         "",
                                         "openid fhirUser",
                                         "system/Observation.c?category=x",
                                         "\\u0022"};
    static const char *const lives[] = {"300", "60", "1", "0", "-5", "1e3", "\"300\"", "99999999999", "null", "3"};
    static const char *const kinds[] = {"bearer", "Bearer", "mac", ""};
    const bool plain = peer->honest || !fuzz_chance(peer->script, 3);
    const unsigned length = plain ? 0 : fuzz_below(peer->script, PEER_TOKEN_MAX - 24);

    (void)snprintf(peer->token, sizeof peer->token, "tok-%06u-%.*s", ++peer->tokens, (int)length,
                   "abcdefghijklmnopqrstuvwxyz0123456789-._~+/abcdefghijklmnopqrstuvwxyz0123456789");
    (void)snprintf(peer->token_host, sizeof peer->token_host, "%s", peer->host);
    peer_put(body, "{\"access_token\":\"%s\",\"token_type\":\"%s\",\"expires_in\":%s,\"scope\":\"%s\"}", peer->token,
             plain ? kinds[0] : PICK(peer, kinds), plain ? lives[0] : PICK(peer, lives),
             plain ? scopes[0] : PICK(peer, scopes));
}

void peer_answer_token(push_peer *peer, const peer_request *request) {
    static const char *const errors[] = {"invalid_client",          "invalid_grant", "invalid_request",
                                         "unauthorized_client",     "invalid_scope", "server_error",
                                         "temporarily_unavailable", "x\\u0000",      "unsupported_grant_type"};
    static peer_body body;
    body.len = 0;
    peer->carried = 0;
    FUZZ_REQUIRE(peer_is(request->method, "POST"));
    const unsigned plan = peer->honest ? 0 : fuzz_below(peer->script, 16);
    if (plan == 15) {
        peer->token[0] = '\0'; /* whatever it is */
        peer_send_raw(peer);
    } else if (plan >= 12) {
        const unsigned status = plan == 12 ? 400 : plan == 13 ? 401 : PICK(peer, statuses);
        peer_put(&body, "{\"error\":\"%s\",\"error_description\":\"%s %s\"}", PICK(peer, errors),
                 fuzz_chance(peer->script, 4) ? peer->assertion : "exp in the past\\u001b[2J",
                 fuzz_chance(peer->script, 4) ? peer->token : "");
        peer_send(peer, status, PICK(peer, types), &body);
    } else {
        put_token(peer, &body);
        peer_send(peer, plan == 11 ? PICK(peer, statuses) : 200, plan > 7 ? PICK(peer, types) : json_type, &body);
    }
}

/* ---- FHIR: what was written -------------------------------------------------------------------------------------- */

bool peer_confirms(const peer_item *item, const peer_said *said) {
    if (said->status == 201) {
        return true;
    }
    if (said->status != 200 && said->status != 204) {
        return false;
    }
    if (said->place == PLACE_OTHER) {
        return false;
    }
    if (said->status == 204) {
        return true;
    }

    switch (said->body) {
    case BODY_NONE:
    case BODY_RESOURCE:
    case BODY_OUTCOME_GOOD:
    case BODY_LARGE:
        return true;
    case BODY_OTHER_ID:
        return item->mode != SBS_WRITE_PUT;
    case BODY_OTHER_IDENTIFIER: /* compared where the search names one */
        return item->mode != SBS_WRITE_IF_NONE_EXIST;
    default:
        return false;
    }
}

static void put_resource(peer_body *body, const peer_item *item, const char *type, const char *id, const char *value) {
    peer_put(body,
             "{\"resourceType\":\"%s\",\"id\":\"%s\",\"identifier\":[{\"value\":\"none\"},{\"system\":\"%s\",\"value\":"
             "\"%s\"}],\"status\":\"final\"}",
             type, id, item->system, value);
}

static void put_outcome(peer_body *body, push_peer *peer, const char *severity) {
    static const char *const codes[] = {"invalid",   "transient", "security",   "login",     "expired",
                                        "exception", "duplicate", "lock-error", "forbidden", "informational"};
    peer_put(body,
             "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"%s\",\"code\":\"%s\",\"expression\":"
             "[\"Observation.status\"],\"diagnostics\":\"no \\u202e%s%s\"}]}",
             severity, PICK(peer, codes), fuzz_chance(peer->script, 8) ? peer->token : "",
             fuzz_chance(peer->script, 8) ? peer->assertion : "");
}

/* A body of the kind said. */
static void put_said(push_peer *peer, peer_body *body, const peer_item *item, const peer_said *said) {
    const char *id = item->id[0] != '\0' ? item->id : "srv-7";
    switch (said->body) {
    case BODY_RESOURCE:
        put_resource(body, item, item->type, id, item->value);
        break;
    case BODY_OTHER_TYPE:
        put_resource(body, item, "Patient", id, item->value);
        break;
    case BODY_OTHER_ID:
        put_resource(body, item, item->type, "other-1", item->value);
        break;
    case BODY_OTHER_IDENTIFIER:
        put_resource(body, item, item->type, id, "another");
        break;
    case BODY_OUTCOME_GOOD:
        put_outcome(body, peer, "information");
        break;
    case BODY_OUTCOME_BAD:
        put_outcome(body, peer, fuzz_chance(peer->script, 2) ? "fatal" : "error");
        break;
    case BODY_PAGE:
        peer_put(body, "<!DOCTYPE html><html><body>%s</body></html>",
                 fuzz_chance(peer->script, 2) ? "log in" : peer->token);
        break;
    case BODY_JSON:
        peer_put(body, "{\"error\":{\"message\":\"no\"},\"title\":\"%s\"}", peer->token);
        break;
    case BODY_LARGE:
        put_resource(body, item, item->type, id, item->value);
        peer_put(body, "%*s", 64 * (int)fuzz_byte(peer->script), "");
        break;
    default:
        break;
    }
}

static void put_place(char *out, size_t size, push_peer *peer, const peer_item *item, const peer_said *said,
                      bool whole) {
    static const char *const others[] = {"Patient/1", "Observation", "https://evil.example/x", "Observation/other-9"};
    const char *id = item->mode == SBS_WRITE_PUT ? item->id : "srv-7";
    if (said->place == PLACE_FITS) {
        (void)snprintf(out, size, "%s%s/%s/_history/1", whole ? "https://" PEER_FHIR_HOST "/r4/" : "", item->type, id);
    } else if (said->place == PLACE_OTHER) {
        /* To a create any id fits. */
        const unsigned count = item->mode == SBS_WRITE_PUT ? 4 : 3;
        (void)snprintf(out, size, "%s", others[fuzz_below(peer->script, count)]);
    } else {
        out[0] = '\0';
    }
}

/* What a good server does, and says of it. */
static peer_said store_item(peer_item *item, bool conditional) {
    peer_said said = {.status = 201, .place = PLACE_FITS, .body = BODY_NONE};
    if (item->stored && item->mode == SBS_WRITE_PUT) {
        said.status = conditional ? 412 : 200;
    } else if (item->stored && item->mode == SBS_WRITE_IF_NONE_EXIST) {
        said.status = 200;
        said.body = BODY_RESOURCE;
    } else {
        item->stored = true;
        item->stores++;
    }
    return said;
}

/* What one that lies says. */
static peer_said draw_said(push_peer *peer) {
    static const unsigned good[] = {201, 200, 204, 412};
    peer_said said = {.status = fuzz_chance(peer->script, 3) ? PICK(peer, statuses) : PICK(peer, good)};
    said.place = fuzz_below(peer->script, 3);
    said.body = fuzz_below(peer->script, BODY_KINDS);
    return said;
}

static void answer_single(push_peer *peer, const peer_request *request) {
    static peer_body body;
    char fields[256];
    char place[160];
    FUZZ_REQUIRE(request->count == 1);
    const unsigned number = request->order[0];
    peer_item *item = &peer->items[number];
    const bool conditional = peer_is(peer_field(request, "If-None-Match"), "*");
    FUZZ_REQUIRE(peer_is(request->method, item->mode == SBS_WRITE_PUT ? "PUT" : "POST"));
    FUZZ_REQUIRE((peer_field(request, "If-None-Exist").len > 0) == (item->mode == SBS_WRITE_IF_NONE_EXIST));

    const bool lies = !peer->honest && fuzz_chance(peer->script, 2);
    const peer_said said = lies ? draw_said(peer) : store_item(item, conditional);
    body.len = 0;
    put_said(peer, &body, item, &said);
    put_place(place, sizeof place, peer, item, &said, true);
    (void)snprintf(fields, sizeof fields, "%s%s%s%s", place[0] != '\0' ? "Location: " : "", place,
                   place[0] != '\0' ? "\r\n" : "", lies ? PICK(peer, types) : types[1]);
    if (peer_confirms(item, &said)) {
        peer->confirms = request->carries;
    }
    if (said.status == 200 && said.place == PLACE_FITS) {
        peer->confirms_unread = request->carries;
    }
    peer_send(peer, said.status, fields, &body);
}

/* ---- FHIR: Bundles ----------------------------------------------------------------------------------------------- */

/* How a Bundle's answer is wrong as a whole. */
typedef enum bundle_fault { ALL_WELL, ONE_LESS, ONE_MORE, SWAPPED, OTHER_KIND, NO_ENTRIES, BUNDLE_FAULTS } bundle_fault;

static void put_entry(push_peer *peer, peer_body *body, const peer_item *item, const peer_said *said, bool lies) {
    static const char *const forms[] = {"\"%u\"", "\"%u Created\"", "%u", "\" %u\"", "\"%u.\"", "\"Created\""};
    char place[160];
    char status[24];
    const char *form = lies ? PICK(peer, forms) : forms[0];
    if (said->status != 201 && strcmp(form, "\"Created\"") == 0) {
        form = forms[0];
    }
    (void)snprintf(status, sizeof status, strcmp(form, "\"Created\"") == 0 ? "\"Created\"" : "\"%u\"", said->status);
    if (strcmp(form, "\"Created\"") != 0) {
        const char *at = strstr(form, "%u");
        (void)snprintf(status, sizeof status, "%.*s%u%s", (int)(at - form), form, said->status, at + 2);
    }

    put_place(place, sizeof place, peer, item, said, lies && fuzz_chance(peer->script, 2));
    peer_put(body, "{\"response\":{\"status\":%s", status);
    if (place[0] != '\0') {
        peer_put(body, ",\"location\":\"%s\"", place);
    }
    if (fuzz_chance(peer->script, 3)) {
        peer_put(body, ",\"etag\":\"W/\\\"1\\\"\"");
    }
    if (said->body == BODY_OUTCOME_BAD || said->body == BODY_OUTCOME_GOOD) {
        peer_put(body, ",\"outcome\":");
        put_said(peer, body, item, said);
    } else if (said->body != BODY_NONE && said->body != BODY_PAGE) {
        peer_put(body, "},\"resource\":");
        put_said(peer, body, item, said);
        peer_put(body, "}");
        return;
    }
    peer_put(body, "}}");
}

/* The conditions stand in the entries, in the order of the items. */
static bool entry_is_conditional(const peer_request *request, unsigned place) {
    char mark[24];
    (void)snprintf(mark, sizeof mark, "\"mark\":\"item-%02u\"", request->order[place]);
    const char *at = memmem(request->body.ptr, request->body.len, mark, strlen(mark));
    const char *end = request->body.ptr + request->body.len;
    FUZZ_REQUIRE(at != NULL);
    const char *next = memmem(at, (size_t)(end - at), "{\"resource\":", 12);
    if (next == NULL) {
        next = end;
    }
    return memmem(at, (size_t)(next - at), "\"ifNoneMatch\":\"*\"", 17) != NULL;
}

static void put_entries(push_peer *peer, const peer_request *request, peer_body *body, bundle_fault fault) {
    peer_said said[PEER_ITEMS_MAX];
    bool lies[PEER_ITEMS_MAX];
    for (unsigned i = 0; i < request->count; i++) {
        peer_item *item = &peer->items[request->order[i]];
        lies[i] = !peer->honest && fault != SWAPPED && fuzz_chance(peer->script, 3);
        said[i] = lies[i] ? draw_said(peer) : store_item(item, entry_is_conditional(request, i));
        if (said[i].body == BODY_LARGE) {
            said[i].body = BODY_RESOURCE;
        }
        if (peer_confirms(item, &said[i])) {
            peer->confirms |= UINT64_C(1) << request->order[i];
        }
    }

    const unsigned less = fault == ONE_LESS ? 1 : 0;
    for (unsigned i = 0; i + less < request->count; i++) {
        const unsigned from = fault == SWAPPED ? request->count - 1 - i : i;
        peer_put(body, "%s", i > 0 ? "," : "");
        put_entry(peer, body, &peer->items[request->order[from]], &said[from], lies[from]);
    }
    if (fault == ONE_MORE) {
        peer_put(body, ",{\"response\":{\"status\":\"201\"}}");
    }
    /* By place the one that is missing would be taken for its neighbour. */
    if (fault == ONE_LESS || fault == ONE_MORE) {
        peer->confirms = 0;
    }
}

/* Where nothing names what was written, a place is all that there is. */
static bool goes_by_place(const push_peer *peer, const peer_request *request) {
    return peer->items[request->order[0]].mode == SBS_WRITE_PLAIN;
}

static void answer_bundle(push_peer *peer, const peer_request *request) {
    static peer_body body;
    body.len = 0;
    FUZZ_REQUIRE(request->count > 0 && peer_is(request->method, "POST"));
    bundle_fault fault = ALL_WELL;
    if (peer_tells_more(peer, 3)) {
        fault = (bundle_fault)fuzz_below(peer->script, BUNDLE_FAULTS);
    }
    if (fault == SWAPPED && goes_by_place(peer, request)) {
        fault = ALL_WELL;
    }

    peer_put(&body, "{\"resourceType\":\"Bundle\",\"type\":\"%s\"",
             fault == OTHER_KIND ? "searchset" : "batch-response");
    if (fault != NO_ENTRIES) {
        peer_put(&body, ",\"entry\":[");
        put_entries(peer, request, &body, fault);
        peer_put(&body, "]");
    }
    peer_put(&body, "}");
    if (fault == OTHER_KIND) {
        peer->confirms = 0;
    }

    unsigned status = 200;
    if (peer_tells_more(peer, 8)) {
        status = PICK(peer, statuses);
        peer->confirms = 0;
    }
    peer_send(peer, status, peer->honest ? types[1] : PICK(peer, types), &body);
}

/* A request that carries no item of the queue: a program's own. */
static void answer_stranger(push_peer *peer, const peer_request *request) {
    static peer_body body;
    char fields[256];
    char place[160];
    const peer_item item = {.id = "own-1",
                            .type = "Observation",
                            .system = "urn:m",
                            .value = "v1",
                            .mode = peer_is(request->method, "PUT") ? SBS_WRITE_PUT : SBS_WRITE_IF_NONE_EXIST};
    const peer_said said = draw_said(peer);
    body.len = 0;
    put_said(peer, &body, &item, &said);
    put_place(place, sizeof place, peer, &item, &said, true);
    (void)snprintf(fields, sizeof fields, "%s%s%s%s", place[0] != '\0' ? "Location: " : "", place,
                   place[0] != '\0' ? "\r\n" : "", PICK(peer, types));
    peer_send(peer, said.status, fields, &body);
}

/* ---- FHIR: all ----------------------------------------------------------------------------------------------------*/

static bool token_is_known(const push_peer *peer, const peer_request *request) {
    const sbs_text value = peer_field(request, "Authorization");
    return value.len > 7 && peer->token[0] != '\0' && peer_is((sbs_text){value.ptr + 7, value.len - 7}, peer->token);
}

void peer_answer_fhir(push_peer *peer, const peer_request *request) {
    static peer_body body;
    body.len = 0;
    peer->carried = request->carries;
    if (peer_tells_more(peer, 12)) {
        peer_send_raw(peer);
        return;
    }
    if (!token_is_known(peer, request) && !peer_tells_more(peer, 4)) {
        peer_send(peer, 401, json_type, &body);
        return;
    }

    if (peer_tells_more(peer, 6)) {
        const peer_said said = draw_said(peer);
        if (request->count > 0) {
            put_said(peer, &body, &peer->items[request->order[0]], &said);
        }
        peer_send(peer, PICK(peer, statuses), PICK(peer, types), &body);
    } else if (request->count == 0 && peer_tells_more(peer, 2)) {
        answer_stranger(peer, request);
    } else if (request->count == 0) { /* a read */
        put_outcome(&body, peer, "information");
        peer_send(peer, 200, types[1], &body);
    } else if (peer_is(request->target, "/r4")) {
        answer_bundle(peer, request);
    } else {
        answer_single(peer, request);
    }
}
