/* SPDX-License-Identifier: Apache-2.0 */
/* The last 24 hours as a picture: a bar for what came in each quarter of an hour, a line for what waited. */
#include "gateway_html.h"
#include "sbs/count.h"

#define CHART_HEIGHT 120u
#define CHART_STEP 8u /* from bar to bar */
#define CHART_BAR 6u

static uint32_t chart_most(const uint32_t *values) {
    uint32_t most = 1; /* a chart of zeros is flat, and divides by something */

    for (size_t i = 0; i < SBS_GATEWAY_HISTORY; i++) {
        if (values[i] > most) {
            most = values[i];
        }
    }
    return most;
}

static uint64_t chart_sum(const uint32_t *values) {
    uint64_t sum = 0;

    for (size_t i = 0; i < SBS_GATEWAY_HISTORY; i++) {
        sum += values[i];
    }
    return sum;
}

/* How high a value stands; what is not 0 can be seen. */
static uint32_t chart_height(uint32_t value, uint32_t most) {
    uint32_t height = (uint32_t)((uint64_t)value * CHART_HEIGHT / most);

    if (value > 0 && height == 0) {
        return 1;
    }
    return height;
}

static void chart_put_attribute(sbs_writer *out, const char *name, uint64_t value) {
    sbs_put_char(out, ' ');
    sbs_put_string(out, name);
    sbs_put_string(out, "=\"");
    sbs_put_uint(out, value);
    sbs_put_char(out, '"');
}

static void chart_put_bars(sbs_writer *out, const uint32_t *values) {
    uint32_t most = chart_most(values);

    for (size_t i = 0; i < SBS_GATEWAY_HISTORY; i++) {
        uint32_t height = chart_height(values[i], most);
        if (height == 0) {
            continue;
        }

        sbs_put_string(out, "<rect");
        chart_put_attribute(out, "x", i * CHART_STEP);
        chart_put_attribute(out, "y", CHART_HEIGHT - height);
        chart_put_attribute(out, "width", CHART_BAR);
        chart_put_attribute(out, "height", height);
        sbs_put_string(out, "/>");
    }
}

static void chart_put_line(sbs_writer *out, const uint32_t *values) {
    uint32_t most = chart_most(values);

    sbs_put_string(out, "<polyline points=\"");
    for (size_t i = 0; i < SBS_GATEWAY_HISTORY; i++) {
        sbs_put_uint(out, i * CHART_STEP + CHART_BAR / 2);
        sbs_put_char(out, ',');
        sbs_put_uint(out, CHART_HEIGHT - chart_height(values[i], most));
        sbs_put_char(out, ' ');
    }
    sbs_put_string(out, "\"/>");
}

static void chart_put_picture(sbs_writer *out, const sbs_gateway_status *status) {
    sbs_put_string(out,
                   "<svg viewBox=\"0 -3 768 127\" preserveAspectRatio=\"none\" role=\"img\" aria-labelledby=\"chart\">"
                   "<title id=\"chart\">What came and what waited in the last 24 hours</title>"
                   "<path d=\"M0 121H768\"/>");
    chart_put_bars(out, status->accepted);
    if (chart_sum(status->waiting) > 0) {
        chart_put_line(out, status->waiting);
    }
    sbs_put_string(out, "</svg><p class=\"ends\"><span>24 hours ago</span><span>now</span></p>");
}

void sbs_gateway_html_put_chart(sbs_writer *out, const sbs_gateway_status *status) {
    uint64_t came = chart_sum(status->accepted);
    bool waited = chart_sum(status->waiting) > 0;

    if (came == 0 && !waited) {
        sbs_put_string(out, "<p>Nothing came.</p>");
        return;
    }

    chart_put_picture(out, status);
    sbs_put_string(out, "<p>");
    sbs_put_uint(out, came);
    sbs_put_string(out, " came (bars), ");
    sbs_put_uint(out, chart_sum(status->delivered));
    sbs_put_string(out, " delivered; ");
    if (waited) {
        sbs_put_string(out, "at most ");
        sbs_put_uint(out, chart_most(status->waiting));
        sbs_put_string(out, " waited at once (line).</p>");
    } else {
        sbs_put_string(out, "nothing had to wait.</p>");
    }
}
