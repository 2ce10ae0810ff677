/* SPDX-License-Identifier: Apache-2.0 */
#include "cors.h"

#include <string.h>

bool am_api_http_is_origin(const char *text) {
    static const char scheme[] = "abcdefghijklmnopqrstuvwxyz0123456789+.-";
    static const char host[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_:[]";
    if (strcmp(text, "*") == 0)
        return true;
    size_t size = strspn(text, scheme);
    if (size == 0 || strncmp(text + size, "://", 3) != 0)
        return false;
    text += size + 3;
    size = strspn(text, host);
    return size > 0 && text[size] == '\0';
}

static void add(struct am_api_http_response *response, const char *name, const char *value) {
    response->headers[response->header_count++] = (struct am_api_http_header){name, value};
}

/* What to allow: the origin that asks, or "*"; NULL: nothing. */
static const char *allowed(const struct am_api_http_settings *settings,
                           const struct am_api_http_request *request) {
    struct am_view asking = request->header(request->header_context, "Origin");
    for (const char *const *origin = settings->origins; *origin; origin++)
        if (strcmp(*origin, "*") == 0 || am_view_equal(asking, am_view_of(*origin)))
            return *origin;
    return NULL;
}

/* Whether the page may read the answer. Unless any may, answers differ by origin. */
static bool allow(const struct am_api_http_settings *settings,
                  const struct am_api_http_request *request,
                  struct am_api_http_response *response) {
    const char *origin = allowed(settings, request);
    if (!origin || strcmp(origin, "*") != 0)
        add(response, "Vary", "Origin");
    if (origin)
        add(response, "Access-Control-Allow-Origin", origin);
    return origin;
}

void am_api_cors_allow(const struct am_api_http_settings *settings,
                       const struct am_api_http_request *request,
                       struct am_api_http_response *response) {
    if (allow(settings, request, response))
        add(response, "Access-Control-Expose-Headers", "X-Admatch-Generation");
}

/* A day: what may be asked changes with the configuration only; browsers keep it for two hours or a
 * day at most. */
void am_api_cors_preflight(const struct am_api_http_settings *settings,
                           const struct am_api_http_request *request,
                           const char *methods,
                           struct am_api_http_response *response) {
    response->status = 204;
    add(response, "Allow", methods);
    if (!allow(settings, request, response))
        return;
    add(response, "Access-Control-Allow-Methods", methods);
    add(response, "Access-Control-Allow-Headers", "Content-Type, Content-Encoding");
    add(response, "Access-Control-Max-Age", "86400");
}
