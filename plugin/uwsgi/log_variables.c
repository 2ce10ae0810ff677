/* SPDX-License-Identifier: Apache-2.0 */
/* A decision's variables for the access log: %(admatch.ad) and the like, in uWSGI's log-format. */
#include <stdio.h>

#include "../base/utf8.h"
#include "exchange.h"
#include "host.h"

enum { VALUE_SIZE = 255 }; /* of uWSGI's log variables */

bool am_uwsgi_log_variables_wanted;

void am_uwsgi_log_variables_start(void) {
    am_uwsgi_log_variables_wanted = uwsgi.logformat && strstr(uwsgi.logformat, "%(admatch.");
}

/* Control characters and their like would break lines; quotes would end a field that the user's
 * format quotes, and a backslash would escape the quote after it, in JSON for one; truncation could
 * split a character: none of these reaches the log. */
static void add(struct wsgi_request *request, const char *name, struct am_view value) {
    char text[VALUE_SIZE];
    size_t size = am_utf8_visible(value, text, sizeof text);
    for (size_t i = 0; i < size; i++)
        text[i] = text[i] == '"' ? '\'' : text[i] == '\\' ? '/' : text[i];
    uwsgi_logvar_add(request, (char *)(uintptr_t)name, (uint8_t)strlen(name), text, (uint8_t)size);
}

static void add_number(struct wsgi_request *request, const char *name, uint64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    add(request, name, am_view_of(text));
}

/* The first ad placed represents the decision. */
static void add_winner(struct wsgi_request *request,
                       const struct am_image *image,
                       const struct am_match_winner *placed) {
    uint32_t campaign = image->ads[placed->ad].campaign;
    add(request, "admatch.ad", am_image_string(image, image->details[placed->ad].id));
    if (campaign != AM_NONE)
        add(request, "admatch.campaign", am_image_string(image, image->campaigns[campaign].id));
    add(request, "admatch.keyword", am_image_string(image, image->keywords[placed->keyword].text));
}

void am_uwsgi_log_variables_add(struct am_uwsgi_exchange *exchange) {
    struct wsgi_request *request = exchange->request;
    const struct am_api_http_response *response = &exchange->server.response;
    const struct am_match_decision *decision = response->decision;
    const struct am_image *image = am_api_image(exchange->server.context->api);
    if (!response->decide_nanoseconds)
        return;
    add_number(request, "admatch.microseconds", response->decide_nanoseconds / 1000);
    if (image)
        add(request, "admatch.generation", am_view_of(image->generation));
    if (!decision)
        return;
    if (decision->ad_count)
        add_winner(request, image, &decision->ads[0]);
    add_number(request, "admatch.ads", decision->ad_count);
    add_number(request, "admatch.candidates", decision->candidates);
    add_number(request, "admatch.words", decision->words);
    add_number(request, "admatch.work", decision->work);
    if (decision->truncated)
        add(request, "admatch.truncated", AM_VIEW("truncated"));
}
