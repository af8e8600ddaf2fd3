/* SPDX-License-Identifier: Apache-2.0 */
/* The status page: plain HTML that a screen reader, a telephone and a text browser show. */
#include "gateway_html.h"

#include "sbs/count.h"
#include "sbs/version.h"

/* Two sets of colours, each with 4.5:1 or more between text and what is behind it; no width under which it scrolls. */
const char SBS_GATEWAY_CSS[] =
    ":root{color-scheme:light dark;--back:#f5f6f8;--card:#fff;--text:#1b1f24;--soft:#57606a;--rule:#d5dae1;"
    "--link:#0b57d0;--line:#b35900;--good:#e3f4e8;--good-text:#0c4121;--good-edge:#1a7f37;"
    "--wait:#fff0d1;--wait-text:#553300;--wait-edge:#b35900;--act:#fde6e4;--act-text:#7a1210;--act-edge:#c62828}"
    "@media(prefers-color-scheme:dark){:root{--back:#0f1318;--card:#181d24;--text:#e6e9ee;--soft:#a4adb8;"
    "--rule:#323a45;--link:#8ab8ff;--line:#ffb454;--good:#10301c;--good-text:#c5efd2;--good-edge:#3fb950;"
    "--wait:#3a2805;--wait-text:#ffe0a8;--wait-edge:#ffb454;--act:#431615;--act-text:#ffd5d2;--act-edge:#ff6b64}}"
    "*{box-sizing:border-box}"
    "body{font:1rem/1.5 system-ui,sans-serif;color:var(--text);background:var(--back);max-width:64rem;margin:0 auto;"
    "padding:0 1rem 2rem;overflow-wrap:anywhere}"
    "h1{font-size:1rem;font-weight:600;color:var(--soft);margin:1.2rem 0 .6rem}"
    "h2{font-size:1.1rem;line-height:1.3;margin:0 0 .6rem}p{margin:.4rem 0}a{color:var(--link)}"
    ".state{font-size:1.3rem;line-height:1.4;padding:1rem 1.2rem;margin:0;border-left:.5rem solid;border-radius:.5rem}"
    ".green{background:var(--good);color:var(--good-text);border-color:var(--good-edge)}"
    ".amber{background:var(--wait);color:var(--wait-text);border-color:var(--wait-edge)}"
    ".red{background:var(--act);color:var(--act-text);border-color:var(--act-edge)}"
    "section{background:var(--card);border:1px solid var(--rule);border-radius:.5rem;padding:1rem 1.2rem;"
    "margin:1rem 0 0;min-width:0}section>:last-child{margin-bottom:0}"
    ".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(22rem,100%),1fr));column-gap:1rem}"
    "table{border-collapse:collapse;width:100%}thead th{color:var(--soft);font-size:.85rem}"
    "th,td{text-align:left;padding:.4rem .6rem .4rem 0;border-top:1px solid var(--rule);vertical-align:top}"
    "thead th{border:0}th,td{overflow-wrap:break-word}tbody th{font-weight:600;min-width:4.5rem;overflow-wrap:anywhere}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}th:last-child,td:last-child{padding-right:0}"
    "tr.more td{border:0;padding-top:0;color:var(--soft)}"
    "ul{list-style:none;margin:0;padding:0}li{border-top:1px solid var(--rule);padding:.6rem 0}"
    "li:last-child{padding-bottom:0}.acts{display:flex;flex-wrap:wrap;gap:.5rem;align-items:flex-start}"
    "dl{display:grid;grid-template-columns:minmax(5rem,max-content) 1fr;gap:.3rem 1rem;margin:0}"
    "dt{color:var(--soft);max-width:9rem;overflow-wrap:normal}dd{margin:0}"
    "form{display:inline}button,summary{font:inherit;color:var(--text);background:var(--back);"
    "border:1px solid var(--soft);border-radius:.4rem;padding:.4rem .9rem;cursor:pointer}"
    "summary{width:max-content}details p{max-width:30rem}"
    "button:hover,summary:hover{border-color:var(--link)}"
    ":focus-visible{outline:3px solid var(--link);outline-offset:2px}"
    "svg{display:block;width:100%;height:8rem}rect{fill:var(--link)}"
    "polyline{fill:none;stroke:var(--line);stroke-width:2;vector-effect:non-scaling-stroke}path{stroke:var(--rule)}"
    ".ends{display:flex;justify-content:space-between}.ends,footer{color:var(--soft);font-size:.9rem}"
    "footer{margin-top:1.5rem}@media(max-width:30rem){body{padding:0 .6rem 1rem}section,.state{padding:.8rem}"
    "dl{grid-template-columns:5.5rem 1fr}th,td{padding-right:.3rem}thead th{font-size:.75rem}}";

static const struct {
    const char *class_name, *word;
} html_lights[] = {[SBS_GATEWAY_GREEN] = {"green", "Good."},
                   [SBS_GATEWAY_AMBER] = {"amber", "Waiting."},
                   [SBS_GATEWAY_RED] = {"red", "Act:"}};

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

    sbs_put_string(out, "<section><h2>Server</h2><dl>");
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
    sbs_put_string(out, " in all");
    if (status->last_delivery_s != SBS_UTC_UNKNOWN) {
        sbs_put_string(out, ", the last at ");
        sbs_gateway_html_put_time(out, status->last_delivery_s, now_s);
    }
    sbs_put_string(out, "</dd></dl></section>");
}

/* ---- devices ------------------------------------------------------------------------------------------------------
 */

static void html_put_device(sbs_writer *out, const sbs_gateway_status *status, size_t index) {
    const sbs_gateway_counts *counts = &status->counts[index];

    sbs_put_string(out, "<tr><th scope=\"row\">");
    sbs_gateway_html_put(out, sbs_text_of(status->config->devices[index].name));
    sbs_put_string(out, "</th><td>");
    uint64_t ago_ms = status->now.mono_ms - counts->heard_ms;
    if (counts->heard_ms == 0) {
        sbs_put_string(out, "not since the start");
    } else if (ago_ms < 1000) {
        sbs_put_string(out, "just now");
    } else {
        sbs_gateway_html_put_span(out, (int64_t)(ago_ms / 1000u));
        sbs_put_string(out, " ago");
    }

    sbs_put_string(out, "</td>");
    html_put_cell_uint(out, counts->today);
    html_put_cell_uint(out, counts->delivered);
    html_put_cell_uint(out, counts->refused);
    sbs_put_string(out, "</tr>");
    if (counts->last_refusal[0] == '\0') {
        return;
    }

    /* A row of its own: the words are long, and a telephone is narrow. */
    sbs_put_string(out, "<tr class=\"more\"><td colspan=\"5\">Refused here last: ");
    sbs_gateway_html_put(out, sbs_text_of(counts->last_refusal));
    sbs_put_string(out, "</td></tr>");
}

static void html_put_device_table(sbs_writer *out, const sbs_gateway_status *status) {
    sbs_put_string(out, "<table><thead><tr>"
                        "<th scope=\"col\">Device</th><th scope=\"col\">Last heard</th>"
                        "<th scope=\"col\" class=\"n\">Today</th><th scope=\"col\" class=\"n\">Delivered</th>"
                        "<th scope=\"col\" class=\"n\">Refused</th></tr></thead><tbody>");
    for (size_t i = 0; i < status->config->device_count; i++) {
        html_put_device(out, status, i);
    }
    sbs_put_string(out, "</tbody></table>");
}

static void html_put_devices(sbs_writer *out, const sbs_gateway_status *status, const sbs_gateway_view *view) {
    sbs_put_string(out, "<section><h2>Devices</h2>");
    if (status->config->device_count == 0) {
        sbs_put_string(out, "<p>None is configured: add a section [device NAME], then run "
                            "<code>sbs-gateway device add NAME</code>.</p>");
    } else if (view->operator_view) {
        html_put_device_table(out, status);
    } else {
        sbs_put_string(out, "<p>");
        sbs_put_uint(out, status->config->device_count);
        sbs_put_string(out, " configured.</p>");
    }
    sbs_put_string(out, "</section>");
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
    sbs_put_string(out, "<li><p><strong>Number ");
    sbs_put_uint(out, letter->id);
    sbs_put_string(out, "</strong>");
    if (letter->device[0] != '\0') {
        sbs_put_string(out, " from ");
        sbs_gateway_html_put(out, sbs_text_of(letter->device));
    }

    if (letter->arrived_s != SBS_UTC_UNKNOWN) {
        sbs_put_string(out, ", came ");
        sbs_gateway_html_put_time(out, letter->arrived_s, status->now.utc_s);
    }
    if (letter->dead_s != SBS_UTC_UNKNOWN) {
        sbs_put_string(out, ", refused ");
        sbs_gateway_html_put_time(out, letter->dead_s, status->now.utc_s);
    }
    sbs_put_string(out, "</p><p>");
    sbs_gateway_html_put(out, sbs_text_of(letter->reason));
    if (letter->words[0] != '\0') {
        sbs_put_string(out, ": ");
        sbs_gateway_html_put(out, sbs_text_of(letter->words));
    }

    /* What cannot be undone takes two steps. */
    sbs_put_string(out, "</p><div class=\"acts\">");
    html_put_button(out, view, letter->id, "retry", "Send again");
    sbs_put_string(out, "<details><summary aria-label=\"Give up number ");
    sbs_put_uint(out, letter->id);
    sbs_put_string(out, "\">Give up</summary><p>The measurement is deleted here and never reaches the server.</p>");
    html_put_button(out, view, letter->id, "discard", "Delete for good");
    sbs_put_string(out, "</details></div></li>");
}

static void html_put_letter_rows(sbs_writer *out, const sbs_gateway_status *status, const sbs_gateway_view *view) {
    const sbs_gateway_page *page = view->page;
    sbs_gateway_letter letter = {0};
    uint64_t shown = 0;

    while (shown < SBS_GATEWAY_LETTERS_SHOWN && page->ops->letter(page->ctx, letter.id, &letter) == SBS_OK) {
        html_put_letter(out, status, view, &letter);
        shown++;
    }

    sbs_put_string(out, "</ul>");
    if (shown < status->queue.letters) {
        sbs_put_string(out, "<p>These are the first ");
        sbs_put_uint(out, shown);
        sbs_put_string(out, " of ");
        sbs_put_uint(out, status->queue.letters);
        sbs_put_string(out, "; <code>sbs-gateway dead list</code> shows all.</p>");
    }
}

static void html_put_letters(sbs_writer *out, const sbs_gateway_status *status, const sbs_gateway_view *view) {
    sbs_put_string(out, "<section><h2>Refused by the server</h2>");
    if (status->queue.letters == 0) {
        sbs_put_string(out, "<p>Nothing.</p>");
    } else if (view->operator_view) {
        sbs_put_string(out, "<p>Each is kept until you decide. Mend the cause, then send it again.</p><ul>");
        html_put_letter_rows(out, status, view);
    } else {
        sbs_put_string(out, "<p>");
        sbs_put_uint(out, status->queue.letters);
        sbs_put_string(out, ": <a href=\"/operator\">the operator sees them</a>.</p>");
    }
    sbs_put_string(out, "</section>");
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
        sbs_put_string(out, "how much is free cannot be read");
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
    sbs_put_string(out, "<section><h2>This gateway</h2><dl>");
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
    sbs_put_string(out, "</dd></dl></section>");
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

/* The sentence; its first word, which also stands for the colour, is bold. */
static void html_put_state(sbs_writer *out, const sbs_gateway_status *status) {
    static const sbs_text act = SBS_TEXT("Act: ");
    char buffer[384];
    sbs_gateway_light light = sbs_gateway_status_sentence(status, buffer, sizeof buffer);
    sbs_text sentence = sbs_text_of(buffer);

    sbs_put_string(out, "<p class=\"state ");
    sbs_put_string(out, html_lights[light].class_name);
    sbs_put_string(out, "\" role=\"status\"><strong>");
    sbs_put_string(out, html_lights[light].word);
    sbs_put_string(out, "</strong> ");

    /* Elsewhere the sentence stands without a word before it, and brings its own. */
    if (sentence.len > act.len && memcmp(sentence.ptr, act.ptr, act.len) == 0) {
        sentence = (sbs_text){sentence.ptr + act.len, sentence.len - act.len};
    }
    sbs_gateway_html_put(out, sentence);
    sbs_put_string(out, "</p>");
}

void sbs_gateway_html_put_page(sbs_writer *out, const sbs_gateway_status *status, const sbs_gateway_view *view) {
    bool has_letters = status->queue.letters > 0;

    /* A page with forms does not move under the fingers of who uses them. */
    html_put_head(out, status, !(view->operator_view && has_letters));
    html_put_state(out, status);

    /* What asks for a person stands where he looks first. */
    if (has_letters) {
        html_put_letters(out, status, view);
    }
    sbs_put_string(out, "<section><h2>The last 24 hours</h2>");
    sbs_gateway_html_put_chart(out, status);
    sbs_put_string(out, "</section>");
    html_put_devices(out, status, view);
    if (!has_letters) {
        html_put_letters(out, status, view);
    }

    sbs_put_string(out, "<div class=\"pair\">");
    html_put_server(out, status);
    html_put_gateway(out, status, view);
    sbs_put_string(out, "</div></main><footer>sbs-gateway " SBS_VERSION ", as of ");
    sbs_gateway_html_put_time(out, status->now.utc_s, status->now.utc_s);
    if (view->may_log_in) {
        sbs_put_string(out, " \xc2\xb7 <a href=\"/operator\">For the operator</a>");
    }
    sbs_put_string(out, "</footer></body></html>\n");
}
