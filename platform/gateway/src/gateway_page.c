/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may see and do what on the status page. Three things keep strangers out of the browser of somebody who may: the
 * Host must be one that nobody else can own, the Origin of a form must be the same, and each form carries a token that
 * only a page from here can have.
 */
#include "sbs/gateway_page.h"

#include <inttypes.h>
#include <stdio.h>

#include "gateway_html.h"
#include "sbs/count.h"

#define FORM_SLOT_MS 3600000u /* a token is good in the hour in which it was made and the next one */
#define FORM_TOKEN_SIZE 65u   /* HMAC-SHA-256 in hexadecimal digits, with the NUL */

#define PAGE_POLICY                                                                                                    \
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

/* A request and what is known of who sent it. */
typedef struct page_call {
    sbs_gateway_page *page;
    const sbs_gateway_listener *listener;
    const sbs_linux_http_request *request;
    sbs_linux_http_answer *out;
    sbs_now now;
    bool on_network; /* not on loopback: the operator brings the secret */
    bool is_operator;
    uint32_t wait_s; /* too many wrong secrets: so long */
} page_call;

sbs_status sbs_gateway_page_open(sbs_gateway_page *page, const sbs_gateway_page_ops *ops, void *ctx,
                                 sbs_gateway_devices *devices) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    memset(page, 0, sizeof *page);
    page->ops = ops;
    page->ctx = ctx;
    page->devices = devices;

    psa_set_key_type(&attributes, PSA_KEY_TYPE_HMAC);
    psa_set_key_bits(&attributes, 256);
    psa_set_key_algorithm(&attributes, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_MESSAGE);
    if (psa_generate_key(&attributes, &page->priv.form_key) != PSA_SUCCESS) {
        return SBS_ERR_CRYPTO;
    }
    return SBS_OK;
}

void sbs_gateway_page_close(sbs_gateway_page *page) {
    (void)psa_destroy_key(page->priv.form_key);
    sbs_forward_buffer_free(&page->priv.text);
    sbs_wipe(page, sizeof *page);
}

/* ---- answers ------------------------------------------------------------------------------------------------------
 */

static void page_answer(page_call *call, uint16_t status, const char *content_type, sbs_text body) {
    sbs_linux_http_answer *out = call->out;

    *out = (sbs_linux_http_answer){.status = status, .content_type = content_type, .body = body};
    sbs_linux_http_answer_add(out, "Cache-Control", "no-store");
    sbs_linux_http_answer_add(out, "Content-Security-Policy", PAGE_POLICY);
    sbs_linux_http_answer_add(out, "X-Content-Type-Options", "nosniff");
    sbs_linux_http_answer_add(out, "Referrer-Policy", "same-origin");
}

static void page_answer_words(page_call *call, uint16_t status, const char *words) {
    page_answer(call, status, "text/plain; charset=utf-8", sbs_text_of(words));
}

static void page_answer_buffer(page_call *call, uint16_t status, const char *content_type, const sbs_writer *out) {
    if (sbs_writer_finish(out, NULL) != SBS_OK) {
        page_answer_words(call, 500, "The gateway is short of memory: try again.\n");
        return;
    }
    page_answer(call, status, content_type, sbs_forward_buffer_text(&call->page->priv.text));
}

static void page_begin_text(page_call *call, sbs_writer *out) {
    sbs_forward_buffer_clear(&call->page->priv.text);
    sbs_writer_init_sink(out, sbs_forward_buffer_put, &call->page->priv.text);
}

static void page_ask_for_secret(page_call *call) {
    if (call->wait_s > 0) {
        page_answer_words(call, 429, "Too many wrong secrets came from this address: wait some minutes.\n");
        (void)snprintf(call->page->priv.wait, sizeof call->page->priv.wait, "%" PRIu32, call->wait_s);
        sbs_linux_http_answer_add(call->out, "Retry-After", call->page->priv.wait);
        return;
    }

    page_answer_words(call, 401, "The operator's secret is needed: 'sbs-gateway device secret operator' makes one.\n");
    sbs_linux_http_answer_add(call->out, "WWW-Authenticate", "Basic realm=\"sbs-gateway operator\", charset=\"UTF-8\"");
}

/* ---- who asks -----------------------------------------------------------------------------------------------------
 */

/* Host without its port; an IPv6 literal without brackets. */
static sbs_text page_host_name(sbs_text host) {
    if (host.len > 0 && host.ptr[0] == '[') {
        const char *end = memchr(host.ptr, ']', host.len);
        if (end == NULL) {
            return (sbs_text){0};
        }
        return (sbs_text){host.ptr + 1, (size_t)(end - host.ptr) - 1};
    }

    const char *colon = memchr(host.ptr, ':', host.len);
    if (colon != NULL) {
        host.len = (size_t)(colon - host.ptr);
    }
    return host;
}

/* An address: digits and dots, or what can stand in brackets only. Nobody can turn it to another machine. */
static bool page_is_address(sbs_text name, bool bracketed) {
    if (bracketed) {
        return name.len > 0;
    }

    bool has_dot = false;
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '.') {
            has_dot = true;
        } else if (name.ptr[i] < '0' || name.ptr[i] > '9') {
            return false;
        }
    }
    return has_dot;
}

/* The gateway's name, also with ".local" behind it. */
static bool page_is_own_name(const page_call *call, sbs_text name) {
    static const sbs_text local = SBS_TEXT(".local");
    sbs_text own = sbs_text_of(call->page->priv.status.config->name);

    if (name.len == own.len + local.len && sbs_text_equal_nocase((sbs_text){name.ptr + own.len, local.len}, local)) {
        name.len = own.len;
    }
    return sbs_text_equal_nocase(name, own);
}

static bool page_host_is_ours(const page_call *call) {
    sbs_text host = sbs_linux_http_request_field(call->request, "Host");
    if (host.len == 0) {
        return false;
    }

    sbs_text name = page_host_name(host);
    return page_is_address(name, host.ptr[0] == '[') || sbs_text_equal_nocase(name, SBS_TEXT("localhost")) ||
           page_is_own_name(call, name);
}

/* What a browser says of where a form came from, if it says something, must be this very page. */
static bool page_origin_is_ours(const page_call *call) {
    sbs_text origin = sbs_linux_http_request_field(call->request, "Origin");
    sbs_text site = sbs_linux_http_request_field(call->request, "Sec-Fetch-Site");
    sbs_text host = sbs_linux_http_request_field(call->request, "Host");
    sbs_text scheme = SBS_TEXT("http://");

    if (site.len > 0 && !sbs_text_equal(site, SBS_TEXT("same-origin")) && !sbs_text_equal(site, SBS_TEXT("none"))) {
        return false;
    }
    if (origin.len == 0) {
        return true;
    }

    if (call->request->secured) {
        scheme = SBS_TEXT("https://");
    }
    if (origin.len != scheme.len + host.len || memcmp(origin.ptr, scheme.ptr, scheme.len) != 0) {
        return false;
    }
    return sbs_text_equal_nocase((sbs_text){origin.ptr + scheme.len, host.len}, host);
}

static bool page_is_loopback(const sbs_gateway_listener *listener) {
    const char *address = listener->address;

    return strncmp(address, "127.", 4) == 0 || strncmp(address, "[::1]", 5) == 0;
}

/* On loopback who can open the page is trusted as the machine's users are; elsewhere the secret tells. */
static void page_find_operator(page_call *call) {
    const char *name = NULL;

    call->on_network = call->listener->tls || !page_is_loopback(call->listener);
    if (!call->on_network) {
        call->is_operator = true;
        return;
    }

    sbs_text authorization = sbs_linux_http_request_field(call->request, "Authorization");
    if (authorization.len == 0) {
        return;
    }

    sbs_status status = sbs_gateway_devices_who(call->page->devices, call->now, call->request->peer, authorization,
                                                &name, &call->wait_s);
    call->is_operator = status == SBS_OK && strcmp(name, SBS_GATEWAY_OPERATOR) == 0;
}

/* ---- forms --------------------------------------------------------------------------------------------------------
 */

static bool page_make_token(const sbs_gateway_page *page, uint64_t slot, char out[FORM_TOKEN_SIZE]) {
    uint8_t mac[32];
    size_t len = 0;

    psa_status_t status = psa_mac_compute(page->priv.form_key, PSA_ALG_HMAC(PSA_ALG_SHA_256), (const uint8_t *)&slot,
                                          sizeof slot, mac, sizeof mac, &len);
    if (status != PSA_SUCCESS || len != sizeof mac) {
        return false;
    }

    sbs_writer digits;
    sbs_writer_init(&digits, out, FORM_TOKEN_SIZE);
    sbs_put_hex(&digits, mac, sizeof mac);
    sbs_put_char(&digits, '\0');
    return sbs_writer_finish(&digits, NULL) == SBS_OK;
}

/* In a time that does not depend on where they differ. */
static bool page_token_is(sbs_text given, const char *expected) {
    unsigned differences = 0;

    if (given.len != FORM_TOKEN_SIZE - 1) {
        return false;
    }
    for (size_t i = 0; i < given.len; i++) {
        differences |= (unsigned char)given.ptr[i] ^ (unsigned char)expected[i];
    }
    return differences == 0;
}

static bool page_has_token(const page_call *call) {
    static const sbs_text name = SBS_TEXT("token=");
    uint64_t slot = call->now.mono_ms / FORM_SLOT_MS;
    sbs_text body = call->request->body;
    char expected[FORM_TOKEN_SIZE];

    if (body.len < name.len || memcmp(body.ptr, name.ptr, name.len) != 0) {
        return false;
    }

    sbs_text given = {body.ptr + name.len, body.len - name.len};
    for (uint64_t back = 0; back < 2 && back <= slot; back++) {
        if (page_make_token(call->page, slot - back, expected) && page_token_is(given, expected)) {
            return true;
        }
    }
    return false;
}

/* "/letters/17/retry" -> 17 and what to do with it. */
static bool page_parse_letter(sbs_text path, uint64_t *out_id, sbs_text *out_act) {
    static const sbs_text folder = SBS_TEXT("/letters/");

    if (path.len <= folder.len || memcmp(path.ptr, folder.ptr, folder.len) != 0) {
        return false;
    }

    sbs_text rest = {path.ptr + folder.len, path.len - folder.len};
    const char *slash = memchr(rest.ptr, '/', rest.len);
    if (slash == NULL) {
        return false;
    }

    size_t digits = (size_t)(slash - rest.ptr);
    *out_act = (sbs_text){slash + 1, rest.len - digits - 1};
    return sbs_text_to_uint((sbs_text){rest.ptr, digits}, out_id) == SBS_OK;
}

static void page_answer_done(page_call *call, sbs_status status) {
    if (status == SBS_ERR_NOT_FOUND) {
        page_answer_words(call, 404, "That one is not there any more: go back and load the page again.\n");
        return;
    }
    if (status != SBS_OK) {
        page_answer_words(call, 503, "The queue could not be written: nothing was changed, try again.\n");
        return;
    }

    const char *back = "/";
    if (call->on_network) {
        back = "/operator";
    }
    page_answer_words(call, 303, "Done.\n");
    sbs_linux_http_answer_add(call->out, "Location", back);
    call->out->held = true;
}

static void page_post(page_call *call) {
    const sbs_gateway_page *page = call->page;
    uint64_t id = 0;
    sbs_text act;

    if (!page_parse_letter(call->request->path, &id, &act)) {
        page_answer_words(call, 404, "There is no such form.\n");
        return;
    }
    if (!call->is_operator) {
        page_ask_for_secret(call);
        return;
    }
    if (!page_origin_is_ours(call) || !page_has_token(call)) {
        page_answer_words(call, 403, "This form is too old or came from elsewhere: load the page again.\n");
        return;
    }

    if (sbs_text_equal(act, SBS_TEXT("retry"))) {
        page_answer_done(call, page->ops->retry(page->ctx, id));
    } else if (sbs_text_equal(act, SBS_TEXT("discard"))) {
        page_answer_done(call, page->ops->discard(page->ctx, id));
    } else {
        page_answer_words(call, 404, "There is no such form.\n");
    }
}

/* ---- pages --------------------------------------------------------------------------------------------------------
 */

static void page_show(page_call *call) {
    char token[FORM_TOKEN_SIZE] = "";
    sbs_writer out;

    sbs_gateway_view view = {
        .page = call->page,
        .form_token = token,
        .operator_view = call->is_operator && page_make_token(call->page, call->now.mono_ms / FORM_SLOT_MS, token),
        .may_log_in = !call->is_operator,
    };
    page_begin_text(call, &out);
    sbs_gateway_html_put_page(&out, &call->page->priv.status, &view);
    page_answer_buffer(call, 200, "text/html; charset=utf-8", &out);
}

static void page_show_operator(page_call *call) {
    if (!call->is_operator) {
        page_ask_for_secret(call);
        return;
    }
    page_show(call);
}

static void page_show_css(page_call *call) {
    page_answer(call, 200, "text/css; charset=utf-8", sbs_text_of(SBS_GATEWAY_CSS));
}

static void page_show_metrics(page_call *call) {
    sbs_writer out;

    if (!call->is_operator) {
        page_ask_for_secret(call);
        return;
    }

    page_begin_text(call, &out);
    sbs_gateway_metrics_put(&out, &call->page->priv.status);
    page_answer_buffer(call, 200, "text/plain; version=0.0.4; charset=utf-8", &out);
}

static void page_show_health(page_call *call) {
    const sbs_gateway_status *status = &call->page->priv.status;

    if (!status->queue_known || status->disk_low) {
        page_answer_words(call, 503, "devices are told to wait\n");
        return;
    }
    page_answer_words(call, 200, "ok\n");
}

static const struct {
    sbs_text path;
    void (*show)(page_call *call);
} page_table[] = {
    {SBS_TEXT("/"), page_show},
    {SBS_TEXT("/operator"), page_show_operator},
    {SBS_TEXT("/page.css"), page_show_css},
    {SBS_TEXT("/metrics"), page_show_metrics},
    {SBS_TEXT("/healthz"), page_show_health},
};

static void page_get(page_call *call) {
    for (size_t i = 0; i < SBS_COUNT_OF(page_table); i++) {
        if (sbs_text_equal(call->request->path, page_table[i].path)) {
            page_table[i].show(call);
            return;
        }
    }
    page_answer_words(call, 404, "There is no such page: the status page is at /\n");
}

void sbs_gateway_page_http(sbs_gateway_page *page, sbs_now now, const sbs_gateway_listener *listener,
                           const sbs_linux_http_request *request, sbs_linux_http_answer *out) {
    page_call call = {.page = page, .listener = listener, .request = request, .out = out, .now = now};

    page->ops->status(page->ctx, &page->priv.status);
    if (!page_host_is_ours(&call)) {
        page_answer_words(&call, 421, "Call this page by the gateway's address or its name.\n");
        return;
    }

    page_find_operator(&call);
    if (sbs_text_equal(request->method, SBS_TEXT("POST"))) {
        page_post(&call);
    } else if (sbs_text_equal(request->method, SBS_TEXT("GET")) || sbs_text_equal(request->method, SBS_TEXT("HEAD"))) {
        page_get(&call);
    } else {
        page_answer_words(&call, 405, "Only GET and the page's own forms.\n");
        sbs_linux_http_answer_add(out, "Allow", "GET, HEAD, POST");
    }
}
