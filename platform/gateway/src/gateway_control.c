/* SPDX-License-Identifier: Apache-2.0 */
/* What the operator's commands ask for, by HTTP on a Unix socket:
 *
 *     GET /status  GET /jwk  GET /jwks  GET /ca       POST /key/rotate  POST /key/confirm  POST /reload
 *     POST /device/NAME/first  POST /device/NAME/secret  DELETE /device/NAME
 *     GET /watch?device=NAME&after=N&values=1
 *     GET /dead?after=ID  GET /dead/ID  POST /dead/ID/retry  POST /dead/ID/discard
 *
 * Answers are JSON, or text that is printed as it is; a failure is one line that says what, why and what to do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway_control_json.h"
#include "gateway_loop_internal.h"
#include "gateway_watch.h"
#include "gateway_words.h"
#include "sbs/count.h"

#define JSON "application/json"
#define PLAIN "text/plain; charset=utf-8"
#define LETTERS_MAX 100u /* in one answer */

typedef struct control_call {
    struct sbs_gateway_loop *loop;
    const sbs_linux_http_request *request;
    sbs_linux_http_answer *out;
    sbs_text name; /* what stands for the '*' of the route */
} control_call;

/* ---- answers ---------------------------------------------------------------------------------------------------- */

static void control_answer(control_call *call, uint16_t status, const char *type) {
    call->out->status = status;
    call->out->content_type = type;
    call->out->body = sbs_forward_buffer_text(&call->loop->text);
}

static void control_say(control_call *call, uint16_t status, const char *text) {
    sbs_writer out;
    sbs_writer_init_sink(&out, sbs_forward_buffer_put, &call->loop->text);
    sbs_put_string(&out, text);
    sbs_put_char(&out, '\n');
    control_answer(call, status, PLAIN);
}

/* What was done, or the failure. */
static void control_tell(control_call *call, sbs_status status, const char *done) {
    if (status == SBS_OK) {
        control_say(call, 200, done);
    } else {
        control_say(call, 500, sbs_status_text(status));
    }
}

static void control_finish(control_call *call, sbs_status status, const char *type) {
    if (status == SBS_OK) {
        control_answer(call, 200, type);
        return;
    }
    sbs_forward_buffer_clear(&call->loop->text);
    control_say(call, 500, sbs_status_text(status));
}

/* ---- the key ---------------------------------------------------------------------------------------------------- */

static void control_put_keys(control_call *call, bool set) {
    sbs_writer out;
    sbs_writer_init_sink(&out, sbs_forward_buffer_put, &call->loop->text);
    sbs_status status = sbs_gateway_keys_put(&call->loop->keys, call->loop->config->kid, set, &out);
    sbs_put_char(&out, '\n');
    if (status == SBS_ERR_KEY && sbs_gateway_keys_in_token(&call->loop->keys)) {
        char words[320] = "jwk: ";
        sbs_gateway_token_words(&call->loop->keys, words + strlen(words), sizeof words - strlen(words));
        sbs_forward_buffer_clear(&call->loop->text);
        control_say(call, 409, words);
        return;
    }
    control_finish(call, status, JSON);
}

/* False: the key is in a token, and that was said. */
static bool control_has_own_key(control_call *call) {
    if (!sbs_gateway_keys_in_token(&call->loop->keys)) {
        return true;
    }

    control_say(call, 409,
                "key: 'key' in gateway.conf names a key in a token, and the token's own tools make and remove keys: "
                "make the next one there, name it in 'key', reload, and have the server's administrator register what "
                "'sbs-gateway jwk --set' prints");
    return false;
}

static void control_jwk(control_call *call) {
    control_put_keys(call, false);
}

static void control_jwks(control_call *call) {
    control_put_keys(call, true);
}

static void control_rotate(control_call *call) {
    struct sbs_gateway_loop *loop = call->loop;
    if (!control_has_own_key(call)) {
        return;
    }
    if (loop->config->kid != NULL) {
        control_say(
            call, 409,
            "key rotate: 'kid' in gateway.conf names one key, and there would be two: leave it out, reload, and "
            "have the server's administrator register 'sbs-gateway jwk --set' first");
        return;
    }

    sbs_status status = sbs_gateway_keys_rotate(&loop->keys, gateway_loop_algorithm(loop->config));
    if (status == SBS_ERR_STATE) {
        control_say(call, 409,
                    "key rotate: the next key is there already, register the set that 'sbs-gateway jwk --set' "
                    "prints, then run 'sbs-gateway key confirm'");
        return;
    }
    if (status != SBS_OK) {
        control_say(call, 500, sbs_status_text(status));
        return;
    }

    control_say(call, 200,
                "The next key is made; the old one signs until it is confirmed. Give the server's administrator "
                "the set that 'sbs-gateway jwk --set' prints, and once it is registered run 'sbs-gateway key "
                "confirm'.");
}

static void control_confirm(control_call *call) {
    struct sbs_gateway_loop *loop = call->loop;
    if (!control_has_own_key(call)) {
        return;
    }

    sbs_status status = sbs_gateway_keys_confirm(&loop->keys);
    if (status == SBS_ERR_NOT_FOUND) {
        control_say(call, 409, "key confirm: there is no next key, make one with 'sbs-gateway key rotate'");
        return;
    }
    if (status != SBS_OK) {
        control_say(call, 500, sbs_status_text(status));
        return;
    }

    gateway_loop_renew(loop);
    control_say(call, 200,
                "The new key signs from now on, and the old one is destroyed: it may be taken out of the "
                "server's registration.");
}

/* ---- devices ---------------------------------------------------------------------------------------------------- */

#define NO_SUCH_DEVICE "device: gateway.conf has no such device, 'sbs-gateway device add NAME' adds one"

/* False: there is no such device, and that was said. */
static bool control_device_name(control_call *call, char name[SBS_GATEWAY_NAME_SIZE]) {
    if (call->name.len >= SBS_GATEWAY_NAME_SIZE) {
        control_say(call, 404, "device: the name is too long");
        return false;
    }
    memcpy(name, call->name.ptr, call->name.len);
    name[call->name.len] = '\0';
    return true;
}

/* A device that has a secret uses it: only who asks for another one ends that. */
static bool control_may_make(control_call *call, const char *name, bool first) {
    const struct sbs_gateway_loop *loop = call->loop;
    const sbs_gateway_config *config = loop->config;
    if (loop->next != NULL) {
        config = loop->next; /* that was read a moment ago */
    }
    if (strcmp(name, SBS_GATEWAY_OPERATOR) != 0 && sbs_gateway_config_device(config, name) == NULL) {
        control_say(call, 404, NO_SUCH_DEVICE);
        return false;
    }

    if (first && sbs_gateway_devices_has(&loop->devices, name)) {
        char words[2 * SBS_GATEWAY_NAME_SIZE + 140];
        (void)snprintf(
            words, sizeof words,
            "device: %s has a secret already, and keeps it; 'sbs-gateway device secret %s' makes another one, "
            "and ends the old one",
            name, name);
        control_say(call, 409, words);
        return false;
    }
    return true;
}

static void control_make_secret(control_call *call, bool first) {
    struct sbs_gateway_loop *loop = call->loop;
    char name[SBS_GATEWAY_NAME_SIZE];
    char secret[SBS_GATEWAY_SECRET_SIZE];
    if (!control_device_name(call, name) || !control_may_make(call, name, first)) {
        return;
    }

    sbs_status status = sbs_gateway_devices_make(&loop->devices, name, loop->now.utc_s, secret);
    control_tell(call, status, secret);
    sbs_wipe(secret, sizeof secret);
}

static void control_first_secret(control_call *call) {
    control_make_secret(call, true);
}

static void control_secret(control_call *call) {
    control_make_secret(call, false);
}

static void control_remove(control_call *call) {
    char name[SBS_GATEWAY_NAME_SIZE];
    if (!control_device_name(call, name)) {
        return;
    }

    sbs_status status = sbs_gateway_devices_remove(&call->loop->devices, name);
    if (status == SBS_ERR_NOT_FOUND) {
        control_say(call, 404, "device: it has no secret");
        return;
    }
    control_tell(call, status, "Its secret is not taken any more.");
}

static void control_watch(control_call *call) {
    if (!gateway_watch_knows(call->loop, call->request->query)) {
        control_say(call, 404, NO_SUCH_DEVICE);
        return;
    }

    gateway_watch_put(call->loop, call->request->query, &call->loop->text);
    control_answer(call, 200, JSON);
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

static void control_status(control_call *call) {
    struct sbs_gateway_loop *loop = call->loop;
    sbs_gateway_loop_status(loop, &loop->status);
    control_finish(call, gateway_control_put_status(&loop->status, &loop->text), JSON);
}

static void control_reload(control_call *call) {
    char message[SBS_GATEWAY_MESSAGE_SIZE];
    sbs_status status = sbs_gateway_loop_reload(call->loop, message, sizeof message);
    control_say(call, status == SBS_OK ? 200 : 422, message);
}

static void control_ca(control_call *call) {
    gateway_listeners_put_ca(&call->loop->listeners, &call->loop->text);
    if (call->loop->text.len == 0) {
        control_say(call, 404,
                    "ca: no listener has a certificate of the gateway's own: that is one with 'tls = yes' or on "
                    "a network");
        return;
    }
    control_answer(call, 200, PLAIN);
}

/* ---- dead letters ----------------------------------------------------------------------------------------------- */

static uint64_t control_number(sbs_text text) {
    uint64_t number = 0;
    return sbs_text_to_uint(text, &number) == SBS_OK ? number : 0;
}

static void control_letters(control_call *call) {
    static const char key[] = "after=";
    struct sbs_gateway_loop *loop = call->loop;
    sbs_text query = call->request->query;
    sbs_gateway_letter letter = {0};
    sbs_json_writer json;
    sbs_writer out;
    uint64_t after = 0;
    if (query.len > sizeof key - 1 && memcmp(query.ptr, key, sizeof key - 1) == 0) {
        after = control_number((sbs_text){query.ptr + sizeof key - 1, query.len - (sizeof key - 1)});
    }

    sbs_writer_init_sink(&out, sbs_forward_buffer_put, &loop->text);
    sbs_json_writer_init(&json, &out);
    sbs_json_begin_array(&json);
    sbs_status status = SBS_OK;
    for (unsigned i = 0; i < LETTERS_MAX && status == SBS_OK; i++) {
        status = gateway_page_ops.letter(loop, after, &letter);
        if (status == SBS_OK) {
            gateway_control_put_letter(&json, &letter, NULL);
            after = letter.id;
        }
    }

    sbs_json_end_array(&json);
    if (status == SBS_OK || status == SBS_ERR_NOT_FOUND) {
        status = sbs_json_writer_finish(&json, NULL);
    }
    control_finish(call, status, JSON);
}

/* The letter with that id, with what it says. */
static void control_letter(control_call *call) {
    struct sbs_gateway_loop *loop = call->loop;
    uint64_t id = control_number(call->name);
    sbs_gateway_letter letter = {0};
    sbs_sqlite_entry entry;
    sbs_status looked = SBS_ERR_NOT_FOUND;
    if (id != 0) {
        looked = gateway_page_ops.letter(loop, id - 1, &letter);
    }
    if (looked != SBS_OK && looked != SBS_ERR_NOT_FOUND) {
        control_finish(call, looked, JSON);
        return;
    }
    if (letter.id != id || id == 0 || sbs_sqlite_queue_find(&loop->queue, id, &entry) != SBS_OK) {
        control_say(call, 404, "dead: there is no dead letter with that number, 'sbs-gateway dead list' has them");
        return;
    }

    size_t len = 0;
    char *content = malloc(entry.item.len + 1);
    sbs_status status = SBS_ERR_MEMORY;
    if (content != NULL) {
        status = loop->inner.ops->read(loop->inner.ctx, id, 0, content, entry.item.len, &len);
    }

    sbs_text text = {NULL, 0};
    if (status == SBS_OK) {
        text = (sbs_text){content, len};
    }

    sbs_json_writer json;
    sbs_writer out;
    sbs_writer_init_sink(&out, sbs_forward_buffer_put, &loop->text);
    sbs_json_writer_init(&json, &out);
    gateway_control_put_letter(&json, &letter, &text);
    control_finish(call, sbs_json_writer_finish(&json, NULL), JSON);
    if (content != NULL) {
        sbs_wipe(content, entry.item.len);
    }
    free(content);
}

static void control_change_letter(control_call *call, sbs_status (*change)(void *ctx, uint64_t id), const char *done) {
    sbs_status status = change(call->loop, control_number(call->name));
    if (status == SBS_ERR_NOT_FOUND) {
        control_say(call, 404, "dead: there is no dead letter with that number, 'sbs-gateway dead list' has them");
        return;
    }
    control_tell(call, status, done);
    call->out->held = status == SBS_OK;
}

static void control_retry(control_call *call) {
    control_change_letter(call, gateway_page_ops.retry, "It is sent again.");
}

static void control_discard(control_call *call) {
    control_change_letter(call, gateway_page_ops.discard, "It is gone for good.");
}

/* ---- which one -------------------------------------------------------------------------------------------------- */

typedef struct control_route {
    const char *method, *before, *after; /* a name stands between the two; after NULL: none does */
    void (*run)(control_call *call);
} control_route;

static const control_route routes[] = {
    {"GET", "/status", NULL, control_status},
    {"GET", "/jwk", NULL, control_jwk},
    {"GET", "/jwks", NULL, control_jwks},
    {"GET", "/ca", NULL, control_ca},
    {"GET", "/watch", NULL, control_watch},
    {"GET", "/dead", NULL, control_letters},
    {"GET", "/dead/", "", control_letter},
    {"POST", "/dead/", "/retry", control_retry},
    {"POST", "/dead/", "/discard", control_discard},
    {"POST", "/key/rotate", NULL, control_rotate},
    {"POST", "/key/confirm", NULL, control_confirm},
    {"POST", "/reload", NULL, control_reload},
    {"POST", "/device/", "/first", control_first_secret},
    {"POST", "/device/", "/secret", control_secret},
    {"DELETE", "/device/", "", control_remove},
};

static bool route_fits(const control_route *route, const sbs_linux_http_request *request, sbs_text *out_name) {
    size_t before = strlen(route->before);
    size_t after = 0;
    sbs_text path = request->path;
    if (route->after != NULL) {
        after = strlen(route->after);
    }
    if (!sbs_text_equal(request->method, sbs_text_of(route->method)) || path.len < before + after ||
        memcmp(path.ptr, route->before, before) != 0) {
        return false;
    }
    if (route->after == NULL) {
        return path.len == before;
    }

    *out_name = (sbs_text){path.ptr + before, path.len - before - after};
    return out_name->len > 0 && memchr(out_name->ptr, '/', out_name->len) == NULL &&
           memcmp(out_name->ptr + out_name->len, route->after, after) == 0;
}

void gateway_control_http(struct sbs_gateway_loop *loop, const sbs_linux_http_request *request,
                          sbs_linux_http_answer *out) {
    control_call call = {.loop = loop, .request = request, .out = out};
    *out = (sbs_linux_http_answer){0};
    sbs_forward_buffer_clear(&loop->text);

    for (size_t i = 0; i < SBS_COUNT_OF(routes); i++) {
        if (route_fits(&routes[i], request, &call.name)) {
            routes[i].run(&call);
            return;
        }
    }

    control_say(&call, 404, "the gateway that runs does not know this command: it has another version");
}
