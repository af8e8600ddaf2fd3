/* SPDX-License-Identifier: Apache-2.0 */
/* What the status page is made of. */
#ifndef SBS_GATEWAY_HTML_H
#define SBS_GATEWAY_HTML_H

#include "sbs/gateway_page.h"

#define SBS_GATEWAY_LETTERS_SHOWN 50u /* the command lists all */

extern const char SBS_GATEWAY_CSS[];

/* What a page shows beside the status. */
typedef struct sbs_gateway_view {
    const sbs_gateway_page *page;
    const char *form_token; /* "": no forms */
    bool operator_view;     /* identifiers and the server's words, too */
    bool may_log_in;        /* a link to where the secret is asked for */
} sbs_gateway_view;

/* Writes text that somebody else chose, so that it is text in HTML and in an attribute. */
void sbs_gateway_html_put(sbs_writer *out, sbs_text text);

/* Writes the whole page. */
void sbs_gateway_html_put_page(sbs_writer *out, const sbs_gateway_status *status, const sbs_gateway_view *view);

/* Writes the chart of the last 24 hours as SVG, with its numbers as a sentence below. */
void sbs_gateway_html_put_chart(sbs_writer *out, const sbs_gateway_status *status);

/* Writes a time of day, with the date where it is another day; "never" for SBS_UTC_UNKNOWN. */
void sbs_gateway_html_put_time(sbs_writer *out, int64_t utc_s, int64_t now_s);
/* Writes "3 minutes", "2 hours", "5 days". */
void sbs_gateway_html_put_span(sbs_writer *out, int64_t seconds);
/* Writes "256 MB". */
void sbs_gateway_html_put_bytes(sbs_writer *out, uint64_t bytes);

/* Writes everything that is counted, in the text format of Prometheus. */
void sbs_gateway_metrics_put(sbs_writer *out, const sbs_gateway_status *status);

#endif
