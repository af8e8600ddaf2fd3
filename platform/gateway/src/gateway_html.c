/* SPDX-License-Identifier: Apache-2.0 */
/* The status page: plain HTML that a screen reader, a telephone and a text browser show. */
#include "gateway_html.h"

#include "sbs/count.h"
#include "sbs/version.h"

const char SBS_GATEWAY_CSS[] =
    ":root{color-scheme:light dark}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:0 1rem 3rem}"
    "h1{font-size:1.2rem;font-weight:600}h2{font-size:1.1rem;margin:2rem 0 .5rem}"
    ".state{font-size:1.4rem;padding:1rem;border-left:.6rem solid;border-radius:.2rem;margin:1rem 0}"
    ".green{border-color:#1a7f37;background:#1a7f3720}.amber{border-color:#b35900;background:#b3590020}"
    ".red{border-color:#c62828;background:#c6282820}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.35rem .8rem .35rem 0;border-bottom:1px solid #8884;vertical-align:top}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}"
    "td.w{min-width:14rem;overflow-wrap:anywhere}"
    "dl{display:grid;grid-template-columns:minmax(7rem,max-content) 1fr;gap:.2rem 1rem;margin:0}"
    "dt{font-weight:600}dd{margin:0;overflow-wrap:anywhere}"
    "form{display:inline}button{font:inherit;padding:.3rem .8rem;margin:.1rem;cursor:pointer}"
    ":focus-visible{outline:3px solid #1565c0;outline-offset:2px}"
    "svg{width:100%;height:auto;max-height:9rem}rect{fill:#1565c0}"
    "polyline{fill:none;stroke:#b35900;stroke-width:2}path{stroke:#8888}"
    "footer{margin-top:3rem;font-size:.9rem;opacity:.8}";

static const struct {
    const char *class_name, *word;
} html_lights[] = {[SBS_GATEWAY_GREEN] = {"green", "Good"},
                   [SBS_GATEWAY_AMBER] = {"amber", "Waiting"},
                   [SBS_GATEWAY_RED] = {"red", "Act"}};

static const char *const html_clocks[] = {
    [SBS_GATEWAY_CLOCK_UNKNOWN] = "not known yet: measurements without a time of their own are held until it is",
    [SBS_GATEWAY_CLOCK_SERVER] = "right, as the server's clock says",
    [SBS_GATEWAY_CLOCK_KERNEL] = "right, synchronised",
    [SBS_GATEWAY_CLOCK_WRONG] = "wrong by more than a minute: set it"};

static const char *const html_upstreams[] = {[SBS_GATEWAY_IDLE] = "reached when something is to be sent",
                                             [SBS_GATEWAY_SENDING] = "takes measurements",
                                             [SBS_GATEWAY_WAITING] = "is tried again",
                                             [SBS_GATEWAY_PAUSED] = "takes nothing until somebody acts"};

static void html_put_term(sbs_writer *out, const char *term) {
    sbs_put_string(out, "<dt>");
    sbs_put_string(out, term);
    sbs_put_string(out, "</dt><dd>");
}

static void html_put_cell_uint(sbs_writer *out, uint64_t value) {
    sbs_put_string(out, "<td class=\"n\">");
    sbs_put_uint(out, value);
    sbs_put_string(out, "</td>");
}

/* ---- what is known of the server --------------------------------------------------------------------------------- */

static void html_put_server(sbs_writer *out, const sbs_gateway_status *status) {
    const sbs_queue_counters *counters = &status->queue.counters;
    int64_t now_s = status->now.utc_s;

    sbs_put_string(out, "<h2>Server</h2><dl>");
    html_put_term(out, "Address");
    sbs_gateway_html_put(out, sbs_text_of(status->config->fhir));

    sbs_put_string(out, "</dd>");
    html_put_term(out, "State");
    sbs_put_string(out, html_upstreams[status->upstream]);
    if (status->upstream_words[0] != '\0') {
        sbs_put_string(out, ": ");
        sbs_gateway_html_put(out, sbs_text_of(status->upstream_words));
    }

    sbs_put_string(out, "</dd>");
    html_put_term(out, "Waiting");
    sbs_put_uint(out, counters->waiting);
    if (counters->waiting > 0 && status->queue.oldest_s != SBS_UTC_UNKNOWN && now_s != SBS_UTC_UNKNOWN) {
        sbs_put_string(out, ", the oldest for ");
        sbs_gateway_html_put_span(out, now_s - status->queue.oldest_s);
    }

    sbs_put_string(out, "</dd>");
    html_put_term(out, "Delivered");
    sbs_put_uint(out, counters->delivered);
    sbs_put_string(out, " in all, last ");
    sbs_gateway_html_put_time(out, status->last_delivery_s, now_s);
    sbs_put_string(out, "</dd></dl>");
}

/* ---- devices ------------------------------------------------------------------------------------------------------
 */

static void html_put_device(sbs_writer *out, const sbs_gateway_status *status, size_t index) {
    const sbs_gateway_counts *counts = &status->counts[index];

    sbs_put_string(out, "<tr><th scope=\"row\">");
    sbs_gateway_html_put(out, sbs_text_of(status->config->devices[index].name));
    sbs_put_string(out, "</th><td>");
    if (counts->heard_ms == 0) {
        sbs_put_string(out, "not since the start");
    } else {
        sbs_gateway_html_put_span(out, (int64_t)((status->now.mono_ms - counts->heard_ms) / 1000u));
        sbs_put_string(out, " ago");
    }

    sbs_put_string(out, "</td>");
    html_put_cell_uint(out, counts->today);
    html_put_cell_uint(out, counts->delivered);
    html_put_cell_uint(out, counts->refused);
    sbs_put_string(out, "<td class=\"w\">");
    sbs_gateway_html_put(out, sbs_text_of(counts->last_refusal));
    sbs_put_string(out, "</td></tr>");
}

static void html_put_devices(sbs_writer *out, const sbs_gateway_status *status, const sbs_gateway_view *view) {
    sbs_put_string(out, "<h2>Devices</h2>");
    if (status->config->device_count == 0) {
        sbs_put_string(out, "<p>None is configured: add a section [device NAME], then run "
                            "<code>sbs-gateway device add NAME</code>.</p>");
        return;
    }
    if (!view->operator_view) {
        sbs_put_string(out, "<p>");
        sbs_put_uint(out, status->config->device_count);
        sbs_put_string(out, " configured.</p>");
        return;
    }

    sbs_put_string(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Devices\"><table><thead><tr>"
                        "<th scope=\"col\">Device</th><th scope=\"col\">Last heard</th>"
                        "<th scope=\"col\" class=\"n\">Today</th><th scope=\"col\" class=\"n\">Delivered</th>"
                        "<th scope=\"col\" class=\"n\">Refused</th><th scope=\"col\">Last refusal</th>"
                        "</tr></thead><tbody>");
    for (size_t i = 0; i < status->config->device_count; i++) {
        html_put_device(out, status, i);
    }
    sbs_put_string(out, "</tbody></table></div>");
}

/* ---- what the server refused --------------------------------------------------------------------------------------
 */

static void html_put_button(sbs_writer *out, const sbs_gateway_view *view, uint64_t id, const char *act,
                            const char *word) {
    sbs_put_string(out, "<form method=\"post\" action=\"/letters/");
    sbs_put_uint(out, id);
    sbs_put_char(out, '/');
    sbs_put_string(out, act);
    sbs_put_string(out, "\"><input type=\"hidden\" name=\"token\" value=\"");
    sbs_put_string(out, view->form_token);
    sbs_put_string(out, "\"><button aria-label=\"");
    sbs_put_string(out, word);
    sbs_put_string(out, " number ");
    sbs_put_uint(out, id);
    sbs_put_string(out, "\">");
    sbs_put_string(out, word);
    sbs_put_string(out, "</button></form>");
}

static void html_put_letter(sbs_writer *out, const sbs_gateway_status *status, const sbs_gateway_view *view,
                            const sbs_gateway_letter *letter) {
    sbs_put_string(out, "<tr><th scope=\"row\" class=\"n\">");
    sbs_put_uint(out, letter->id);
    sbs_put_string(out, "</th><td>");
    sbs_gateway_html_put(out, sbs_text_of(letter->device));
    sbs_put_string(out, "</td><td>");
    sbs_gateway_html_put_time(out, letter->arrived_s, status->now.utc_s);
    sbs_put_string(out, "</td><td class=\"w\">");
    sbs_gateway_html_put(out, sbs_text_of(letter->reason));
    if (letter->words[0] != '\0') {
        sbs_put_string(out, ": ");
        sbs_gateway_html_put(out, sbs_text_of(letter->words));
    }

    sbs_put_string(out, "</td><td>");
    html_put_button(out, view, letter->id, "retry", "Send again");
    html_put_button(out, view, letter->id, "discard", "Give up");
    sbs_put_string(out, "</td></tr>");
}

static void html_put_letter_rows(sbs_writer *out, const sbs_gateway_status *status, const sbs_gateway_view *view) {
    const sbs_gateway_page *page = view->page;
    sbs_gateway_letter letter = {0};
    uint64_t shown = 0;

    while (shown < SBS_GATEWAY_LETTERS_SHOWN && page->ops->letter(page->ctx, letter.id, &letter) == SBS_OK) {
        html_put_letter(out, status, view, &letter);
        shown++;
    }

    sbs_put_string(out, "</tbody></table></div>");
    if (shown < status->queue.letters) {
        sbs_put_string(out, "<p>These are the first ");
        sbs_put_uint(out, shown);
        sbs_put_string(out, " of ");
        sbs_put_uint(out, status->queue.letters);
        sbs_put_string(out, "; <code>sbs-gateway dead list</code> shows all.</p>");
    }
}

static void html_put_letters(sbs_writer *out, const sbs_gateway_status *status, const sbs_gateway_view *view) {
    sbs_put_string(out, "<h2>Refused by the server</h2>");
    if (status->queue.letters == 0) {
        sbs_put_string(out, "<p>Nothing.</p>");
        return;
    }
    if (!view->operator_view) {
        sbs_put_string(out, "<p>");
        sbs_put_uint(out, status->queue.letters);
        sbs_put_string(out, ": <a href=\"/operator\">the operator sees them</a>.</p>");
        return;
    }

    sbs_put_string(out, "<p>Each is kept. Mend the cause, then send it again; what is given up is deleted.</p>"
                        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Refused by the server\">"
                        "<table><thead><tr><th scope=\"col\" class=\"n\">Number</th><th scope=\"col\">Device</th>"
                        "<th scope=\"col\">Came</th><th scope=\"col\">Why</th><th scope=\"col\">What to do</th>"
                        "</tr></thead><tbody>");
    html_put_letter_rows(out, status, view);
}

/* ---- the gateway itself -------------------------------------------------------------------------------------------
 */

static void html_put_expiry(sbs_writer *out, const char *term, int64_t end_s, const sbs_gateway_status *status) {
    if (end_s == 0) {
        return;
    }

    html_put_term(out, term);
    if (status->now.utc_s != SBS_UTC_UNKNOWN && end_s <= status->now.utc_s) {
        sbs_put_string(out, "over since ");
    } else {
        sbs_put_string(out, "good until ");
    }
    sbs_gateway_html_put_time(out, end_s, status->now.utc_s);
    sbs_put_string(out, "</dd>");
}

static void html_put_disk(sbs_writer *out, const sbs_gateway_status *status) {
    html_put_term(out, "Disk");
    if (status->disk_free == UINT64_MAX) {
        sbs_put_string(out, "nobody knows what is free");
    } else {
        sbs_gateway_html_put_bytes(out, status->disk_free);
        sbs_put_string(out, " free");
    }
    sbs_put_string(out, ", devices are told to wait below ");
    sbs_gateway_html_put_bytes(out, status->config->keep_free);
    sbs_put_string(out, "; the queue takes ");
    sbs_gateway_html_put_bytes(out, status->queue.file_bytes);
    sbs_put_string(out, "</dd>");

    if (status->set_aside[0] != '\0') {
        html_put_term(out, "Damaged queue");
        sbs_put_string(out, "what could be read was taken over, the file is kept as ");
        sbs_gateway_html_put(out, sbs_text_of(status->set_aside));
        sbs_put_string(out, "</dd>");
    }
}

static void html_put_gateway(sbs_writer *out, const sbs_gateway_status *status, const sbs_gateway_view *view) {
    sbs_put_string(out, "<h2>This gateway</h2><dl>");
    html_put_term(out, "Clock");
    sbs_put_string(out, html_clocks[status->clock]);
    sbs_put_string(out, "</dd>");

    if (status->token_expires_s != 0) {
        html_put_expiry(out, "Access token", status->token_expires_s, status);
    }
    html_put_expiry(out, "Server's certificate", status->server_certificate_s, status);
    html_put_expiry(out, "Own certificate", status->own_certificate_s, status);
    html_put_disk(out, status);

    if (view->operator_view && status->key_thumbprint[0] != '\0') {
        html_put_term(out, "Key");
        sbs_gateway_html_put(out, sbs_text_of(status->key_thumbprint));
        sbs_put_string(out, "</dd>");
    }

    html_put_term(out, "Running since");
    sbs_gateway_html_put_time(out, status->started_s, status->now.utc_s);
    sbs_put_string(out, "</dd></dl>");
}

/* ---- all of it ----------------------------------------------------------------------------------------------------
 */

static void html_put_head(sbs_writer *out, const sbs_gateway_status *status, bool renews) {
    sbs_put_string(out, "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"
                        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
    if (renews) {
        sbs_put_string(out, "<meta http-equiv=\"refresh\" content=\"60\">");
    }
    sbs_put_string(out, "<link rel=\"icon\" href=\"data:,\"><link rel=\"stylesheet\" href=\"/page.css\"><title>");
    sbs_gateway_html_put(out, sbs_text_of(status->config->name));
    sbs_put_string(out, "</title></head><body><main><h1>Gateway ");
    sbs_gateway_html_put(out, sbs_text_of(status->config->name));
    sbs_put_string(out, "</h1>");
}

void sbs_gateway_html_put_page(sbs_writer *out, const sbs_gateway_status *status, const sbs_gateway_view *view) {
    char sentence[384];
    sbs_gateway_light light = sbs_gateway_status_sentence(status, sentence, sizeof sentence);

    /* A page with forms does not move under the fingers of who uses them. */
    bool has_forms = view->operator_view && status->queue.letters > 0;
    html_put_head(out, status, !has_forms);

    sbs_put_string(out, "<p class=\"state ");
    sbs_put_string(out, html_lights[light].class_name);
    sbs_put_string(out, "\" role=\"status\"><strong>");
    sbs_put_string(out, html_lights[light].word);
    sbs_put_string(out, ".</strong> ");
    sbs_gateway_html_put(out, sbs_text_of(sentence));
    sbs_put_string(out, "</p>");

    html_put_server(out, status);
    sbs_put_string(out, "<h2>24 hours</h2>");
    sbs_gateway_html_put_chart(out, status);
    html_put_devices(out, status, view);
    html_put_letters(out, status, view);
    html_put_gateway(out, status, view);

    sbs_put_string(out, "</main><footer>sbs-gateway " SBS_VERSION ", as of ");
    sbs_gateway_html_put_time(out, status->now.utc_s, status->now.utc_s);
    if (view->may_log_in) {
        sbs_put_string(out, " \xc2\xb7 <a href=\"/operator\">For the operator</a>");
    }
    sbs_put_string(out, "</footer></body></html>\n");
}
