/* SPDX-License-Identifier: Apache-2.0 */
/* The FHIR endpoint of devices: who asks, for what, in which form. */
#include "sbs/gateway_intake.h"

#include <stdio.h>
#include <string.h>

#include "intake_internal.h"
#include "sbs/count.h"

/* ---- the request's form ------------------------------------------------------------------------------------------ */

static sbs_text text_trim(sbs_text text) {
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t')) {
        text.len--;
    }
    return text;
}

/* Takes what stands before the next @p separator; false at the end. */
static bool text_next(sbs_text *rest, char separator, sbs_text *out) {
    if (rest->ptr == NULL) {
        return false;
    }

    const char *end = memchr(rest->ptr, separator, rest->len);
    if (end == NULL) {
        *out = text_trim(*rest);
        *rest = (sbs_text){NULL, 0};
        return true;
    }

    size_t len = (size_t)(end - rest->ptr);
    *out = text_trim((sbs_text){rest->ptr, len});
    *rest = (sbs_text){end + 1, rest->len - len - 1};
    return true;
}

static bool is_json_type(sbs_text type) {
    return sbs_text_equal_nocase(type, SBS_TEXT("application/fhir+json")) ||
           sbs_text_equal_nocase(type, SBS_TEXT("application/json"));
}

/* charset=utf-8, and fhirVersion=4.0; what else there is says nothing about the bytes. */
static bool parameter_is_good(sbs_text parameter) {
    static const sbs_text good[] = {SBS_TEXT("charset=utf-8"), SBS_TEXT("charset=\"utf-8\""), SBS_TEXT("charset=utf8"),
                                    SBS_TEXT("fhirVersion=4.0"), SBS_TEXT("fhirVersion=\"4.0\"")};
    static const sbs_text names[] = {SBS_TEXT("charset="), SBS_TEXT("fhirVersion=")};
    for (size_t i = 0; i < SBS_COUNT_OF(good); i++) {
        if (sbs_text_equal_nocase(parameter, good[i])) {
            return true;
        }
    }

    for (size_t i = 0; i < SBS_COUNT_OF(names); i++) {
        if (parameter.len >= names[i].len && sbs_text_equal_nocase((sbs_text){parameter.ptr, names[i].len}, names[i])) {
            return false;
        }
    }
    return true;
}

static bool check_content_type(const sbs_linux_http_request *request, sbs_intake_result *result) {
    sbs_text rest = sbs_linux_http_request_field(request, "Content-Type");
    sbs_text coding = sbs_linux_http_request_field(request, "Content-Encoding");
    sbs_text part = {NULL, 0};
    bool good = sbs_linux_http_request_count(request, "Content-Type") == 1 && text_next(&rest, ';', &part) &&
                is_json_type(part);
    while (good && text_next(&rest, ';', &part)) {
        good = parameter_is_good(part);
    }

    if (!good) {
        return sbs_intake_refuse(result, 415, "not-supported", "",
                                 "send FHIR R4 as JSON in UTF-8: Content-Type: application/fhir+json");
    }
    if (coding.len > 0 && !sbs_text_equal_nocase(coding, SBS_TEXT("identity"))) {
        return sbs_intake_refuse(result, 415, "not-supported", "", "send the body as it is, without Content-Encoding");
    }
    return true;
}

/* True if a type of Accept, or a word of _format, is JSON. */
static bool format_fits(sbs_text format) {
    static const sbs_text fitting[] = {SBS_TEXT("*/*"),
                                       SBS_TEXT("application/*"),
                                       SBS_TEXT("json"),
                                       SBS_TEXT("application/fhir json"),
                                       SBS_TEXT("application%2Ffhir%2Bjson"),
                                       SBS_TEXT("application/fhir%2Bjson"),
                                       SBS_TEXT("application%2Fjson")};
    sbs_text type = {NULL, 0};
    if (!text_next(&format, ';', &type)) {
        return false;
    }
    for (size_t i = 0; i < SBS_COUNT_OF(fitting); i++) {
        if (sbs_text_equal_nocase(type, fitting[i])) {
            return true;
        }
    }
    return is_json_type(type);
}

/* _format goes before Accept (R4 http.html, mime types). */
static bool check_accept(const sbs_linux_http_request *request, sbs_intake_result *result) {
    sbs_text query = request->query;
    sbs_text accept = sbs_linux_http_request_field(request, "Accept");
    sbs_text part = {NULL, 0};
    static const char format[] = "_format=";
    size_t len = strlen(format);
    bool fits = accept.len == 0;

    while (!fits && text_next(&accept, ',', &part)) {
        fits = format_fits(part);
    }
    while (text_next(&query, '&', &part)) {
        if (part.len > len && memcmp(part.ptr, format, len) == 0) {
            fits = format_fits((sbs_text){part.ptr + len, part.len - len});
        }
    }

    if (!fits) {
        return sbs_intake_refuse(result, 406, "not-supported", "", "answers are JSON: Accept: application/fhir+json");
    }
    return true;
}

/* ---- where it goes ----------------------------------------------------------------------------------------------- */

typedef enum intake_route {
    ROUTE_NOWHERE,
    ROUTE_ROOT,      /* /fhir */
    ROUTE_METADATA,  /* /fhir/metadata */
    ROUTE_TYPE,      /* /fhir/Observation */
    ROUTE_INSTANCE,  /* /fhir/Observation/ID */
    ROUTE_OTHER_TYPE /* /fhir/Patient and what is below */
} intake_route;

static const char *const allowed[] = {
    [ROUTE_NOWHERE] = "OPTIONS",
    [ROUTE_ROOT] = "POST, OPTIONS",
    [ROUTE_METADATA] = "GET, HEAD, OPTIONS",
    [ROUTE_TYPE] = "POST, OPTIONS",
    [ROUTE_INSTANCE] = "GET, HEAD, PUT, OPTIONS",
    [ROUTE_OTHER_TYPE] = "OPTIONS",
};

/* @p out_id: of ROUTE_INSTANCE. One '/' more at the end is what many senders have. */
static intake_route route_of(sbs_text path, sbs_text *out_id) {
    static const char base[] = SBS_INTAKE_BASE;
    sbs_text segment = {NULL, 0};
    sbs_text second = {NULL, 0};
    size_t len = strlen(base);
    *out_id = (sbs_text){NULL, 0};
    if (path.len > 1 && path.ptr[path.len - 1] == '/') {
        path.len--;
    }
    if (path.len < len || memcmp(path.ptr, base, len) != 0) {
        return ROUTE_NOWHERE;
    }
    if (path.len == len) {
        return ROUTE_ROOT;
    }
    if (path.ptr[len] != '/') {
        return ROUTE_NOWHERE;
    }

    sbs_text rest = {path.ptr + len + 1, path.len - len - 1};
    (void)text_next(&rest, '/', &segment);
    bool deeper = text_next(&rest, '/', &second);
    if (sbs_text_equal(segment, SBS_TEXT("metadata")) && !deeper) {
        return ROUTE_METADATA;
    }
    if (!sbs_fhir_type_is_valid(segment)) {
        return ROUTE_NOWHERE;
    }
    if (!sbs_text_equal(segment, SBS_TEXT(SBS_INTAKE_TYPE))) {
        return ROUTE_OTHER_TYPE;
    }
    if (!deeper) {
        return ROUTE_TYPE;
    }

    *out_id = second;
    return rest.ptr == NULL && sbs_fhir_id_is_valid(second) ? ROUTE_INSTANCE : ROUTE_NOWHERE;
}

static bool method_is(const sbs_linux_http_request *request, const char *method) {
    return sbs_text_equal(request->method, sbs_text_of(method));
}

static bool method_looks(const sbs_linux_http_request *request) {
    return method_is(request, "GET") || method_is(request, "HEAD");
}

static bool method_writes(const sbs_linux_http_request *request) {
    return method_is(request, "POST") || method_is(request, "PUT");
}

/* ---- who asks ---------------------------------------------------------------------------------------------------- */

static void answer_refuse_login(sbs_gateway_intake *intake, const sbs_linux_http_request *request, uint16_t status,
                                uint32_t wait_s, sbs_linux_http_answer *out) {
    sbs_intake_result result = {0};
    if (status == 429) {
        (void)sbs_intake_refuse(&result, 429, "throttled", "",
                                "too many wrong secrets from this address, try again later");
        (void)snprintf(intake->priv.retry, sizeof intake->priv.retry, "%u", (unsigned)wait_s);
        sbs_intake_answer(intake, request, &result, out);
        sbs_linux_http_answer_add(out, "Retry-After", intake->priv.retry);
        return;
    }

    (void)sbs_intake_refuse(&result, 401, "login", "",
                            "no secret of a device, or a wrong one: Authorization: Bearer SECRET");
    sbs_intake_answer(intake, request, &result, out);
    sbs_linux_http_answer_add(out, "WWW-Authenticate", "Bearer realm=\"sbs-gateway\"");
    sbs_linux_http_answer_add(out, "WWW-Authenticate", "Basic realm=\"sbs-gateway\", charset=\"UTF-8\"");
}

/* The device whose secret came; NULL: answered. */
static const sbs_gateway_device *device_of(sbs_gateway_intake *intake, sbs_now now,
                                           const sbs_linux_http_request *request, sbs_linux_http_answer *out) {
    const char *name = NULL;
    uint32_t wait_s = 0;
    sbs_intake_result result = {0};
    sbs_text authorization = sbs_linux_http_request_field(request, "Authorization");

    sbs_status status = sbs_gateway_devices_who(intake->devices, now, request->peer, authorization, &name, &wait_s);
    if (status != SBS_OK) {
        answer_refuse_login(intake, request, status == SBS_ERR_BUSY ? 429 : 401, wait_s, out);
        return NULL;
    }

    const sbs_gateway_device *device = sbs_gateway_config_device(intake->config, name);
    if (device == NULL || device->protocol != SBS_GATEWAY_FHIR) {
        (void)sbs_intake_refuse(&result, 403, "forbidden", "",
                                "the secret is good, but the configuration has no such device with protocol = fhir");
        sbs_intake_answer(intake, request, &result, out);
        return NULL;
    }
    return device;
}

/* ---- what is done ------------------------------------------------------------------------------------------------ */

static sbs_intake_order order_of(const sbs_gateway_intake *intake, sbs_now now, const sbs_linux_http_request *request) {
    sbs_intake_order order = {
        .device = intake->priv.device,
        .now = now,
        .text = request->body,
        .path = SBS_INTAKE_TYPE,
        .condition = sbs_linux_http_request_field(request, "If-None-Exist"),
        .key = sbs_linux_http_request_field(request, "Idempotency-Key"),
    };
    if (request->body.ptr == NULL) {
        order.text = (sbs_text){"", 0};
    }
    return order;
}

/* A condition on versions or on what is there cannot be kept here: the server is far away. */
static bool check_conditions(const sbs_linux_http_request *request, sbs_intake_result *result) {
    static const char *const names[] = {"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"};
    for (size_t i = 0; i < SBS_COUNT_OF(names) && method_writes(request); i++) {
        if (sbs_linux_http_request_count(request, names[i]) > 0) {
            return sbs_intake_refuse(result, 422, "not-supported", "",
                                     "%s cannot be kept: the measurement is forwarded later", names[i]);
        }
    }
    return true;
}

static void intake_write_one(sbs_gateway_intake *intake, sbs_now now, const sbs_linux_http_request *request,
                             sbs_text id, sbs_linux_http_answer *out) {
    sbs_intake_result result = {0};
    sbs_forward_buffer representation = {0};
    sbs_intake_order order = order_of(intake, now, request);
    bool wants_it = sbs_intake_wish_of(request) == SBS_INTAKE_REPRESENTATION;
    order.put_id = id;
    if (wants_it) {
        order.representation = &representation;
    }
    if (id.ptr != NULL) {
        order.condition = (sbs_text){NULL, 0};
    }

    if (sbs_intake_begin(intake, &result)) {
        sbs_intake_store(intake, &order, false, &result);
    }
    sbs_intake_count(intake, order.device, now, &result);

    if (result.status < 300 && wants_it) {
        sbs_forward_buffer_free(&intake->priv.text);
        intake->priv.text = representation;
        sbs_intake_answer_with(intake, &result, out);
        return;
    }
    sbs_intake_answer(intake, request, &result, out);
    sbs_forward_buffer_free(&representation);
}

/* True if the body is a Bundle; else refused. */
static bool bundle_read(const sbs_linux_http_request *request, sbs_forward_json *json, sbs_intake_result *result) {
    size_t where = 0;
    sbs_json_node type;
    sbs_text text = request->body.ptr != NULL ? request->body : (sbs_text){"", 0};
    if (text.len > SBS_GATEWAY_MESSAGE_MAX) {
        return sbs_intake_refuse(result, 413, "too-long", "Bundle", "a Bundle has at most 1 MiB");
    }

    sbs_status status = sbs_forward_json_parse(json, text, &where);
    if (status == SBS_ERR_MEMORY) {
        return sbs_intake_refuse(result, 503, "throttled", "", "the gateway is short of memory, try again");
    }
    if (status != SBS_OK) {
        return sbs_intake_refuse(result, 400, "structure", "Bundle", "%s, at byte %zu", sbs_status_text(status), where);
    }
    if (sbs_json_kind_of(&json->doc, 0) != SBS_JSON_OBJECT) {
        return sbs_intake_refuse(result, 400, "structure", "Bundle", "not a JSON object, at byte 0");
    }
    if (sbs_json_member(&json->doc, 0, "resourceType", &type) != SBS_OK) {
        return sbs_intake_refuse(result, 422, "required", "Bundle.resourceType", "resourceType is missing");
    }
    if (!sbs_json_equals(&json->doc, type, "Bundle")) {
        return sbs_intake_refuse(result, 422, "not-supported", "",
                                 "/fhir takes Bundles; POST an Observation to /fhir/Observation");
    }
    return true;
}

static void intake_write_bundle(sbs_gateway_intake *intake, sbs_now now, const sbs_linux_http_request *request,
                                sbs_linux_http_answer *out) {
    sbs_intake_result result = {0};
    sbs_intake_bundle bundle = {0};
    sbs_forward_json json = {0};
    sbs_intake_order order = order_of(intake, now, request);
    const char *text = order.text.ptr;
    order.condition = order.key = (sbs_text){NULL, 0}; /* they speak of one resource */

    bool good = bundle_read(request, &json, &result) && sbs_intake_begin(intake, &result);
    if (good) {
        order.offset = (size_t)(json.doc.text - text);
        good = sbs_intake_bundle_store(intake, &order, &json.doc, &bundle, &result);
    }
    if (!good) {
        sbs_intake_count(intake, order.device, now, &result);
        sbs_intake_answer(intake, request, &result, out);
    } else {
        for (size_t i = 0; i < bundle.count; i++) {
            sbs_intake_count(intake, order.device, now, &bundle.results[i]);
        }
        sbs_intake_answer_bundle(intake, &bundle, sbs_intake_wish_of(request) == SBS_INTAKE_OUTCOME, out);
    }

    sbs_intake_bundle_free(&bundle);
    sbs_forward_json_free(&json);
}

static void intake_write(sbs_gateway_intake *intake, sbs_now now, const sbs_linux_http_request *request,
                         intake_route route, sbs_text id, sbs_linux_http_answer *out) {
    sbs_intake_result result = {0};
    if (!sbs_intake_ready(intake, &result) || !check_content_type(request, &result) ||
        !check_conditions(request, &result)) {
        sbs_intake_count(intake, intake->priv.device, now, &result);
        sbs_intake_answer(intake, request, &result, out);
        return;
    }

    if (route == ROUTE_ROOT) {
        intake_write_bundle(intake, now, request, out);
    } else {
        intake_write_one(intake, now, request, id, out);
    }
}

static void intake_tell_statement(sbs_gateway_intake *intake, sbs_linux_http_answer *out) {
    sbs_writer writer;
    sbs_json_writer json;
    const sbs_intake_result result = {.status = 200};
    sbs_forward_buffer_clear(&intake->priv.text);
    sbs_writer_init_sink(&writer, sbs_forward_buffer_put, &intake->priv.text);
    sbs_json_writer_init(&json, &writer);

    sbs_intake_put_statement(intake, &json);
    sbs_intake_answer_with(intake, &result, out);
    if (sbs_json_writer_finish(&json, NULL) != SBS_OK) {
        *out = (sbs_linux_http_answer){.status = 503};
    }
}

/* What needs no secret: which methods there are, and what is understood. True: answered. */
static bool intake_answer_open(sbs_gateway_intake *intake, const sbs_linux_http_request *request, intake_route route,
                               sbs_linux_http_answer *out) {
    sbs_intake_result result = {0};
    if (method_is(request, "OPTIONS") && route != ROUTE_NOWHERE) {
        out->status = 204;
        sbs_linux_http_answer_add(out, "Allow", allowed[route]);
        return true;
    }
    if (route != ROUTE_METADATA || !method_looks(request)) {
        return false;
    }

    if (check_accept(request, &result)) {
        intake_tell_statement(intake, out);
    } else {
        sbs_intake_answer(intake, request, &result, out);
    }
    return true;
}

/* What is nowhere, or of a type that is not taken; true: refused. */
static bool route_refuse(const sbs_linux_http_request *request, intake_route route, sbs_intake_result *result) {
    if (route == ROUTE_OTHER_TYPE) {
        uint16_t status = method_writes(request) ? 422 : 404;
        (void)sbs_intake_refuse(result, status, "not-supported", "",
                                "this gateway takes resources of the type Observation, and no others");
        return true;
    }
    if (route == ROUTE_NOWHERE) {
        (void)sbs_intake_refuse(result, 404, "not-found", "",
                                "nothing is here: the base is /fhir, an Observation goes to /fhir/Observation");
        return true;
    }
    return false;
}

static bool method_fits(const sbs_linux_http_request *request, intake_route route) {
    switch (route) {
    case ROUTE_ROOT:
    case ROUTE_TYPE:
        return method_is(request, "POST");
    case ROUTE_INSTANCE:
        return method_is(request, "PUT") || method_looks(request);
    default:
        return false;
    }
}

/* A device that is known asks. */
static void intake_serve(sbs_gateway_intake *intake, sbs_now now, const sbs_linux_http_request *request,
                         intake_route route, sbs_text id, sbs_linux_http_answer *out) {
    sbs_intake_result result = {0};
    if (route_refuse(request, route, &result)) {
        sbs_intake_count(intake, intake->priv.device, now, &result);
        sbs_intake_answer(intake, request, &result, out);
        return;
    }
    if (!method_fits(request, route)) {
        (void)sbs_intake_refuse(&result, 405, "not-supported", "", "the method is not taken here");
        sbs_intake_count(intake, intake->priv.device, now, &result);
        sbs_intake_answer(intake, request, &result, out);
        sbs_linux_http_answer_add(out, "Allow", allowed[route]);
        return;
    }
    if (!check_accept(request, &result)) {
        sbs_intake_answer(intake, request, &result, out);
        return;
    }

    if (method_writes(request)) {
        intake_write(intake, now, request, route, id, out);
        return;
    }
    sbs_intake_look(intake, intake->priv.device, id, &result);
    sbs_intake_count(intake, intake->priv.device, now, NULL);
    sbs_intake_answer(intake, request, &result, out);
}

void sbs_gateway_intake_http(sbs_gateway_intake *intake, sbs_now now, const sbs_linux_http_request *request,
                             sbs_linux_http_answer *out) {
    sbs_text id = {NULL, 0};
    intake_route route = route_of(request->path, &id);
    *out = (sbs_linux_http_answer){0};
    if (intake_answer_open(intake, request, route, out)) {
        return;
    }

    intake->priv.device = device_of(intake, now, request, out);
    if (intake->priv.device != NULL) {
        intake_serve(intake, now, request, route, id, out);
    }
}

void sbs_gateway_intake_lost(const sbs_gateway_intake *intake, sbs_linux_http_answer *out) {
    static const char body[] =
        "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":\"no-store\","
        "\"diagnostics\":\"the gateway could not write it to its disk, try again\"}]}";
    (void)intake;
    *out = (sbs_linux_http_answer){.status = 503, .content_type = "application/fhir+json", .body = SBS_TEXT(body)};
    sbs_linux_http_answer_add(out, "Retry-After", "60");
}

void sbs_gateway_intake_close(sbs_gateway_intake *intake) {
    sbs_forward_buffer_free(&intake->priv.text);
}
