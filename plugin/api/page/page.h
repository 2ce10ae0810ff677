/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the api room: the one template of all pages for people. A page is written as
 *
 *   am_api_page_begin(out, "preview", image);
 *   AM_PAGE_PUT(out, "<p>{} of <b>{}</b></p>\n", AM_PAGE_COUNT(2, "ad", "ads"),
 * AM_PAGE_TEXT(name)); am_api_page_end(out);
 *
 * Markup comes from literals only; every value goes through the escaping of html.h, so that no
 * value can become markup. The page loads nothing, runs nothing and is styled by one style sheet
 * (style.c): its policy says so to the browser. No shared state: any thread. */
#ifndef AM_API_PAGE_PAGE_H
#define AM_API_PAGE_PAGE_H

#include "../../base/buffer.h"
#include "../../index/image.h"

enum am_api_page_kind { AM_PAGE_KIND_TEXT, AM_PAGE_KIND_COUNT, AM_PAGE_KIND_DECIMAL };

/* What replaces one {} of a template. */
struct am_api_page_value {
    enum am_api_page_kind kind;
    uint64_t number;
    struct am_view text;    /* COUNT: the noun for one */
    struct am_view several; /* COUNT: the noun for any other number; empty: the number alone */
};

#define AM_PAGE_TEXT(view) ((struct am_api_page_value){.kind = AM_PAGE_KIND_TEXT, .text = (view)})
#define AM_PAGE_NAME(string) AM_PAGE_TEXT(am_view_of(string))
/* "1,024" */
#define AM_PAGE_NUMBER(value)                                                                      \
    ((struct am_api_page_value){.kind = AM_PAGE_KIND_COUNT, .number = (value)})
/* "1 ad", "1,024 ads" */
#define AM_PAGE_COUNT(value, one, many)                                                            \
    ((struct am_api_page_value){AM_PAGE_KIND_COUNT, (value), AM_VIEW(one), AM_VIEW(many)})
/* Millionths: 1250000 is "1.25" */
#define AM_PAGE_MICROS(value)                                                                      \
    ((struct am_api_page_value){.kind = AM_PAGE_KIND_DECIMAL, .number = (value)})

/* Writes a template, which must be a literal, with the values that follow for each {} in it. */
#define AM_PAGE_PUT(out, template, ...)                                                            \
    am_api_page_put((out), "" template, (const struct am_api_page_value[]){__VA_ARGS__},           \
                    sizeof((struct am_api_page_value[]){__VA_ARGS__}) /                            \
                        sizeof(struct am_api_page_value))

/* A {} without a value becomes U+FFFD. */
void am_api_page_put(struct am_buffer *out,
                     const char *template,
                     const struct am_api_page_value *values,
                     size_t count);

/* Everything up to the page's own content: head, style, and a header that names the page and what
 * is served. `image` may be NULL. */
void am_api_page_begin(struct am_buffer *out, const char *name, const struct am_image *image);
void am_api_page_end(struct am_buffer *out);

#endif
