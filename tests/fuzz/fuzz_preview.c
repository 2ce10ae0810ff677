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
        "input ",
        "textarea ",
        "div ",
        "datalist ",
        "option ",
        "button>",
        "ul ",
        "ol ",
        "li>",
        "section>",
        "section ",
        "a ",
        "b>",
        "span ",
        "mark>",
        "pre ",
        "table>",
        "thead>",
        "tbody>",
        "tr>",
        "th ",
        "td>",
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
    /* The style has one '>' that closes nothing. */
    fuzz_require(closed == open + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct am_api_request request = {
        .content = AM_CONTENT_QUERY_STRING,
        .body = {(const char *)data, size},
        .now = 1792497600,
        .test = true,
    };
    struct am_api_response response;
    am_api_preview(fuzz_api(), &request, &response);
    fuzz_require(response.status == 200 || response.status == 400 || response.status == 413 ||
                 response.status == 422);
    fuzz_check_spans(fuzz_api(), &response);
    check_page(response.body);
    return 0;
}
