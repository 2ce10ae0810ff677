/* SPDX-License-Identifier: Apache-2.0 */
#include "page.h"

#include "html.h"
#include "style.h"

/* "1,234,567" */
static void put_number(struct am_buffer *out, uint64_t number) {
    char digits[32];
    size_t at = sizeof digits;
    for (unsigned written = 0; written == 0 || number; number /= 10, written++) {
        if (written && written % 3 == 0)
            digits[--at] = ',';
        digits[--at] = (char)('0' + number % 10);
    }
    am_buffer_append(out, digits + at, sizeof digits - at);
}

static void put_count(struct am_buffer *out, const struct am_api_page_value *value) {
    put_number(out, value->number);
    if (value->several.size == 0)
        return;
    am_buffer_literal(out, " ");
    am_buffer_view_append(out, value->number == 1 ? value->text : value->several);
}

static void put_value(struct am_buffer *out, const struct am_api_page_value *value) {
    switch (value->kind) {
    case AM_PAGE_KIND_TEXT:
        am_api_html_text(out, value->text);
        break;
    case AM_PAGE_KIND_COUNT:
        put_count(out, value);
        break;
    case AM_PAGE_KIND_DECIMAL:
        am_buffer_decimal(out, (int64_t)value->number, 6);
        break;
    }
}

void am_api_page_put(struct am_buffer *out,
                     const char *template,
                     const struct am_api_page_value *values,
                     size_t count) {
    const char *hole;
    size_t used = 0;
    for (; (hole = strstr(template, "{}")); template = hole + 2) {
        am_buffer_append(out, template, (size_t)(hole - template));
        if (used < count)
            put_value(out, &values[used++]);
        else
            am_buffer_literal(out, "\xEF\xBF\xBD");
    }
    am_buffer_append(out, template, strlen(template));
}

void am_api_page_begin(struct am_buffer *out, const char *name, const struct am_image *image) {
    AM_PAGE_PUT(out,
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<link rel=\"icon\" href=\"data:,\">\n<title>admatch {}</title>\n<style>",
                AM_PAGE_NAME(name));
    am_buffer_view_append(out, am_view_of(am_api_page_style));
    AM_PAGE_PUT(out, "</style>\n</head>\n<body>\n<header><h1>admatch {}</h1>", AM_PAGE_NAME(name));
    if (image)
        AM_PAGE_PUT(out, "<p>{} of {} · generation <code>{}</code></p>",
                    AM_PAGE_COUNT(image->settings->ad_count, "ad", "ads"),
                    AM_PAGE_COUNT(image->settings->campaign_count, "campaign", "campaigns"),
                    AM_PAGE_NAME(image->generation));
    AM_PAGE_PUT(out, "</header>\n");
}

void am_api_page_end(struct am_buffer *out) {
    AM_PAGE_PUT(out, "</body>\n</html>\n");
}
