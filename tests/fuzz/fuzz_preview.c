/* SPDX-License-Identifier: Apache-2.0 */
/* The preview's form: any bytes as its parameters, and a page that stays a page. */
#include "api_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What only looks at answers need not be fuzzed itself: that would be most of the time. */
#ifdef __clang__
#define UNWATCHED __attribute__((no_sanitize("coverage", "address", "undefined")))
#else
#define UNWATCHED
#endif

/* In text that went through the escaping, no tag begins: all tags of the page begin with these. */
UNWATCHED static bool is_own_tag(const char *at, size_t left) {
    static const char *const tags[] = {
        "!DOCTYPE html>",
        "html ",
        "head>",
        "meta ",
        "link rel=",
        "title>",
        "style>",
        "body>",
        "header>",
        "h1>",
        "h2>",
        "h3>",
        "p>",
        "p ",
        "code>",
        "main>",
        "form ",
        "label>",
        "label ",
        "input ",
        "textarea ",
        "select ",
        "div ",
        "details>",
        "details ",
        "summary>",
        "fieldset>",
        "legend>",
        "datalist ",
        "option ",
        "button>",
        "ol ",
        "li>",
        "li ",
        "section>",
        "section ",
        "a ",
        "b>",
        "bdi>",
        "span>",
        "span ",
        "mark>",
        "pre ",
        "iframe sandbox inert ",
    };
    for (size_t i = 0; i < AM_COUNT_OF(tags); i++)
        if (*tags[i] == *at && left >= strlen(tags[i]) && memcmp(at, tags[i], strlen(tags[i])) == 0)
            return true;
    return *at == '/';
}

UNWATCHED static void check_page(struct am_view page) {
    const char *end = page.data + page.size;
    uint32_t open = 0, closed = 0;
    for (const char *at = page.data; at < end; at++) {
        open += *at == '<';
        closed += *at == '>';
        if (*at == '<')
            fuzz_require(at + 1 < end && is_own_tag(at + 1, (size_t)(end - at - 1)));
    }
    fuzz_require(closed == open);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct fuzz_headers headers = {.type = "application/x-www-form-urlencoded"};
    const struct am_view body = {(const char *)data, size};
    const struct am_api_http_request request = fuzz_post("/preview", &headers, body);
    struct am_api_http_response response = fuzz_answer(&request, true);
    fuzz_require(response.endpoint == AM_ENDPOINT_PREVIEW);
    fuzz_require(response.status == 200 || response.status == 400 || response.status == 413 ||
                 response.status == 422);
    check_page(response.body);
    am_api_http_response_free(&response);
    return 0;
}
