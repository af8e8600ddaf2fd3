/* SPDX-License-Identifier: Apache-2.0 */
/* The client's FHIR requests: what is allowed, how it is sent, and what the answer means. */
#include "smart/client_internal.h"
#include "text/ascii.h"

static const sbs_text fhir_json = {"application/fhir+json", 21};

/* ---- checking a request ------------------------------------------------------------------------------------------ */

/* The type that a target begins with, and what follows it and a '/': an id, or nothing. */
static sbs_text resource_type(sbs_text target, sbs_text *out_id) {
    size_t len = 0;

    *out_id = (sbs_text){NULL, 0};
    while (len < target.len && target.ptr[len] != '/' && target.ptr[len] != '?') {
        len++;
    }

    if (len < target.len && target.ptr[len] == '/') {
        *out_id = (sbs_text){target.ptr + len + 1, target.len - len - 1};
    }

    return (sbs_text){target.ptr, len};
}

#define PATH_END (-1)

/* The next byte of the path, decoded; the target is known to be well-formed. */
static int resource_take_byte(sbs_text target, size_t *at) {
    if (*at >= target.len || target.ptr[*at] == '?') {
        return PATH_END;
    }
    if (target.ptr[*at] != '%') {
        return (unsigned char)target.ptr[(*at)++];
    }

    *at += 3;
    return sbs_hex_byte(target.ptr + *at - 2);
}

/* The token is for the base's path only: no segment may climb out of it, however it is written, nor where a server
 * decodes the separators, takes a backslash for one, or drops what follows a semicolon. */
static bool resource_has_dot_segment(sbs_text target) {
    size_t at = 0;
    size_t dots = 0;
    size_t len = 0;

    for (;;) {
        int c = resource_take_byte(target, &at);
        bool ends = c == PATH_END || c == '/' || c == '\\' || c == ';';
        /* The segment is "." or "..", and nothing else. */
        if (ends && dots == len && (dots == 1 || dots == 2)) {
            return true;
        }
        if (c == PATH_END) {
            return false;
        }

        if (ends) {
            dots = 0;
            len = 0;
            continue;
        }

        dots += c == '.';
        len++;
    }
}

static bool resource_is_read_target(sbs_text target) {
    return target.len > 0 && target.ptr[0] != '/' && sbs_url_is_path_and_query(target) &&
           !resource_has_dot_segment(target);
}

static bool resource_is_update_target(sbs_text target) {
    sbs_text id;

    return sbs_fhir_type_is_valid(resource_type(target, &id)) && sbs_fhir_id_is_valid(id);
}

sbs_status sbs_client_check_request(const sbs_client *client, const sbs_request *request) {
    const sbs_client_config *config = client->priv.config;
    bool valid = true;
    bool needs_base = request->interaction != SBS_TOKEN || config->token_url == NULL;

    if (needs_base && config->fhir_base == NULL) {
        return SBS_ERR_ARGUMENT;
    }

    switch (request->interaction) {
    case SBS_READ:
        valid = resource_is_read_target(request->target);
        break;
    case SBS_CREATE:
        /* An empty search would be no condition, and the create would be repeated all the same. */
        valid = sbs_fhir_type_is_valid(request->target) && request->body.len > 0 &&
                (request->if_none_exist.ptr == NULL || request->if_none_exist.len > 0);
        break;
    case SBS_UPDATE:
        valid = resource_is_update_target(request->target) && request->body.len > 0;
        break;
    case SBS_BUNDLE:
        valid = request->body.len > 0;
        break;
    default:
        break;
    }
    if (!valid) {
        return SBS_ERR_ARGUMENT;
    }

    return SBS_OK;
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

static uint8_t resource_permission(const sbs_request *request, bool has_id) {
    switch (request->interaction) {
    case SBS_CREATE:
        return SBS_SCOPE_CREATE;
    case SBS_UPDATE:
        return SBS_SCOPE_UPDATE;
    case SBS_READ:
        if (has_id) {
            return SBS_SCOPE_READ;
        }
        return SBS_SCOPE_SEARCH;
    default:
        return 0;
    }
}

/* The seed's own example reads what its scope does not name: its profile leaves the judgement to the server. */
static bool resource_is_covered(const sbs_client *client) {
    const sbs_client_config *config = client->priv.config;
    const sbs_request *request = &client->priv.request;
    char type[SBS_FHIR_ID_MAX + 1];
    sbs_text id;

    if (config->any_scope || config->profile == SBS_PROFILE_SEED) {
        return true;
    }

    sbs_text name = resource_type(request->target, &id);
    uint8_t permission = resource_permission(request, id.len > 0);
    /* No scope names what has no type, as metadata or a Bundle. */
    if (permission == 0 || !sbs_fhir_type_is_valid(name)) {
        return true;
    }

    memcpy(type, name.ptr, name.len);
    type[name.len] = '\0';
    return sbs_scope_covers(sbs_client_scope(client), type, permission);
}

static void resource_put_write_fields(sbs_client *client) {
    const sbs_request *request = &client->priv.request;
    sbs_writer *out = &client->priv.writer;

    sbs_http_put_field(out, sbs_client_content_type, fhir_json);
    sbs_http_put_field_uint(out, "Content-Length", request->body.len);
    /* A body that nobody reads costs time and memory. */
    sbs_put_string(out, "Prefer: return=");
    sbs_put_string(out, request->response == NULL ? "minimal\r\n" : "representation\r\n");

    sbs_put_text(out, request->fields);
    sbs_http_put_field(out, "If-None-Exist", request->if_none_exist);
    sbs_http_put_field(out, "If-Match", request->if_match);
    if (request->if_none_match_any) {
        sbs_put_string(out, "If-None-Match: *\r\n");
    }
}

static void resource_put_head(sbs_client *client) {
    static const char *const methods[] = {
        [SBS_READ] = "GET", [SBS_CREATE] = "POST", [SBS_UPDATE] = "PUT", [SBS_BUNDLE] = "POST"};
    const sbs_request *request = &client->priv.request;
    const sbs_text *accept = &request->accept;
    sbs_text target = request->target;

    if (request->interaction == SBS_BUNDLE) { /* it goes to the base itself */
        target = (sbs_text){NULL, 0};
    }
    if (accept->ptr == NULL) {
        accept = &fhir_json;
    }

    sbs_client_put_head(client, methods[request->interaction], &client->priv.base, target, accept);
    if (request->interaction != SBS_READ) {
        resource_put_write_fields(client);
    }
}

/* What the answer has to name. */
static void resource_note_written(sbs_written *written, const sbs_request *request) {
    sbs_text id;

    written->type = resource_type(request->target, &id);
    written->system = request->identifier_system;
    written->value = request->identifier_value;
    if (request->interaction == SBS_UPDATE) {
        written->id = id;
    }
    if (request->interaction == SBS_BUNDLE) {
        written->type = SBS_TEXT("Bundle");
    }
}

/* The caller asked for the body itself, and not only whether something was stored. */
static bool resource_needs_body(const sbs_request *request) {
    return request->response != NULL && (request->interaction == SBS_READ || request->interaction == SBS_BUNDLE);
}

static sbs_status resource_send(sbs_client *client) {
    const sbs_request *request = &client->priv.request;
    sbs_exchange_request shape = {
        .response = request->response,
        .response_size = request->response_size,
        .spare_body = !resource_needs_body(request),
    };

    resource_note_written(&shape.written, request);

    /* The token is sent from where it is kept: the scratch need not hold a copy of it. */
    resource_put_head(client);
    if (request->without_token) {
        sbs_http_put_end(&client->priv.writer);
    } else {
        sbs_put_string(&client->priv.writer, "Authorization: Bearer ");
        shape.parts[0] = client->priv.kept[SBS_KEPT_TOKEN];
        shape.parts[1] = sbs_text_of("\r\n\r\n");
    }

    if (request->interaction != SBS_READ) {
        shape.parts[2] = request->body;
    }

    return sbs_client_send(client, &client->priv.base, &shape, STATE_RESOURCE);
}

sbs_status sbs_client_begin_resource(sbs_client *client) {
    if (sbs_client_uses_token(client) && !resource_is_covered(client)) {
        sbs_client_note(client, SBS_STEP_RESOURCE, SBS_ERR_SCOPE);
        sbs_client_say(client, sbs_client_scope(client));
        return SBS_ERR_SCOPE;
    }
    return sbs_client_note(client, SBS_STEP_RESOURCE, resource_send(client));
}

/* ---- the answer -------------------------------------------------------------------------------------------------- */

static bool resource_is_repeatable(const sbs_request *request) {
    switch (request->interaction) {
    case SBS_CREATE:
        return request->if_none_exist.ptr != NULL;
    case SBS_UPDATE:
        return request->if_match.ptr == NULL;
    case SBS_BUNDLE:
        return request->repeatable;
    default:
        return true;
    }
}

static void resource_note_refusal(sbs_client *client, sbs_http_meaning meaning) {
    sbs_detail *detail = &client->priv.detail;

    sbs_client_note_answer(client, SBS_STEP_RESOURCE, meaning.status);
    detail->outcome_unknown |= client->priv.request.interaction != SBS_READ && meaning.may_be_stored;

    sbs_outcome_hint hint = sbs_client_read_words(client, true);
    detail->transient |= hint == SBS_HINT_LATER;
    if (hint == SBS_HINT_TOKEN && detail->http_status <= 403) {
        detail->status = SBS_ERR_UNAUTHORIZED;
    } else if (sbs_hint_fault(hint) == SBS_FAULT_ACCESS && detail->status == SBS_ERR_REJECTED) {
        detail->status = SBS_ERR_FORBIDDEN;
    }
}

static sbs_body_kind resource_read_body(sbs_client *client, sbs_flat *out_doc) {
    const sbs_answer *answer = &client->priv.exchange.answer;
    sbs_status status = sbs_client_read_json(client, out_doc);
    if (status == SBS_OK) {
        return SBS_BODY_JSON;
    }

    /* It is too large, or coded: nobody has looked at it. */
    if (answer->body_dropped || status != SBS_ERR_JSON) {
        return SBS_BODY_UNREAD;
    }
    if (sbs_client_body(client).len == 0) {
        return SBS_BODY_NONE;
    }

    return SBS_BODY_OTHER;
}

static sbs_status resource_judge_write(sbs_client *client, const char **out_why) {
    const sbs_answer *answer = &client->priv.exchange.answer;
    sbs_flat doc;
    sbs_answered answered = {
        .status = answer->status,
        .location = (sbs_location_fit)answer->location,
        .body = resource_read_body(client, &doc),
        .doc = &doc,
        .resource = 0,
        .outcome = SBS_JSON_NONE,
    };

    return sbs_confirm(&client->priv.exchange.priv.request.written, &answered, out_why);
}

/* What the caller asked for is the body, and his to judge; but a page that answers 200 to everything is none. */
static sbs_status resource_judge_body(sbs_client *client, sbs_status meant, const char **out_why) {
    const sbs_answer *answer = &client->priv.exchange.answer;
    bool read = client->priv.request.interaction == SBS_READ;
    /* Reads are the caller's to judge whatever their type: some ask for other things than JSON. */
    bool page = !read && answer->body_len > 0 && answer->has_type && !answer->is_json;

    if (meant != SBS_OK || (read && answer->status != 200)) {
        *out_why = SBS_CONFIRM_STATUS;
        return SBS_ERR_RESPONSE;
    }
    if (page) {
        *out_why = SBS_CONFIRM_BODY;
        return SBS_ERR_RESPONSE;
    }

    *out_why = "its content coding";
    return sbs_client_decode(client);
}

static sbs_status resource_judge_success(sbs_client *client, sbs_status meant) {
    const sbs_request *request = &client->priv.request;
    sbs_detail *detail = &client->priv.detail;
    const char *why = "";
    bool read = request->interaction == SBS_READ;
    sbs_status status;

    if (read || resource_needs_body(request)) {
        status = resource_judge_body(client, meant, &why);
    } else {
        status = resource_judge_write(client, &why);
    }
    if (status == SBS_OK) {
        return SBS_OK;
    }

    /* Of a write it is not known now whether it was stored. */
    sbs_client_note_answer(client, SBS_STEP_RESOURCE, status);
    detail->outcome_unknown |= !read && status != SBS_ERR_AMBIGUOUS;
    (void)sbs_client_read_words(client, why[0] == '\0');
    if (client->priv.said[0] == '\0') { /* XML may have said more */
        sbs_client_say(client, sbs_client_text(why));
    }

    return status;
}

sbs_status sbs_client_step_resource(sbs_client *client) {
    const sbs_request *request = &client->priv.request;
    bool repeatable = resource_is_repeatable(request);
    sbs_status status = sbs_client_run_exchange(client, SBS_STEP_RESOURCE, repeatable);
    if (status != SBS_OK) {
        return status;
    }

    sbs_http_meaning meaning = sbs_http_meaning_of(client->priv.exchange.answer.status);
    if (meaning.fault == SBS_FAULT_NONE) {
        return resource_judge_success(client, meaning.status);
    }

    resource_note_refusal(client, meaning);
    sbs_status refused = client->priv.detail.status;
    /* A server may drop a token before its time: one more is fetched. */
    if (refused == SBS_ERR_UNAUTHORIZED && !client->priv.once.reauthenticated && sbs_client_uses_token(client)) {
        client->priv.once.reauthenticated = true;
        client->priv.token_is_new = false;
        sbs_client_wipe_token(client);
        return sbs_client_go_on(client, STATE_PREPARE);
    }

    /* What the server may have stored is sent again only if that does no harm. */
    bool later = meaning.status == SBS_ERR_BUSY || meaning.status == SBS_ERR_CONFLICT;
    return sbs_client_retry(client, later && (repeatable || !meaning.may_be_stored));
}
