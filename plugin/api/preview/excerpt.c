/* SPDX-License-Identifier: Apache-2.0 */
/* The text around a hit. */
#include "../page/page.h"
#include "parts.h"

enum { WORD_BYTES = 20, CONTEXT_BYTES = 90, GAP_BYTES = 2 * CONTEXT_BYTES };

static bool continues_character(char byte) {
    return ((unsigned char)byte & 0xC0) == 0x80;
}

static void put_part(struct am_buffer *out, struct am_view text, size_t begin, size_t end) {
    AM_PAGE_PUT(out, "{}", AM_PAGE_TEXT(((struct am_view){text.data + begin, end - begin})));
}

/* Where to begin or end an excerpt, near a position in text[begin..end): at a space if there is one
 * close by, and in no case inside a character. */
static size_t cut_after(struct am_view text, size_t position, size_t end) {
    const char *space = memchr(text.data + position, ' ', end - position);
    if (space && space < text.data + position + WORD_BYTES)
        return (size_t)(space - text.data) + 1;
    while (position < end && continues_character(text.data[position]))
        position++;
    return position;
}

static size_t cut_before(struct am_view text, size_t begin, size_t position) {
    const char *space = memrchr(text.data + begin, ' ', position - begin);
    if (space && space > text.data + position - WORD_BYTES)
        return (size_t)(space - text.data);
    while (position > begin && continues_character(text.data[position]))
        position--;
    return position;
}

static void put_before(struct am_buffer *out, struct am_view text, size_t end) {
    size_t begin = end > CONTEXT_BYTES ? cut_after(text, end - CONTEXT_BYTES, end) : 0;
    if (begin > 0)
        AM_PAGE_PUT(out, "… ");
    put_part(out, text, begin, end);
}

static void put_between(struct am_buffer *out, struct am_view text, size_t begin, size_t end) {
    if (end - begin <= GAP_BYTES) {
        put_part(out, text, begin, end);
        return;
    }
    put_part(out, text, begin, cut_before(text, begin, begin + CONTEXT_BYTES));
    AM_PAGE_PUT(out, " … ");
    put_part(out, text, cut_after(text, end - CONTEXT_BYTES, end), end);
}

static void put_after(struct am_buffer *out, struct am_view text, size_t begin) {
    size_t left = text.size - begin;
    size_t end = left > CONTEXT_BYTES ? cut_before(text, begin, begin + CONTEXT_BYTES) : text.size;
    put_part(out, text, begin, end);
    if (end < text.size)
        AM_PAGE_PUT(out, " …");
}

static size_t clamp(size_t position, size_t least, size_t most) {
    return position < least ? least : position > most ? most : position;
}

void am_preview_excerpt(struct am_buffer *out,
                        struct am_view text,
                        const struct am_match_winner *placed) {
    size_t at = 0;
    AM_PAGE_PUT(out, "<p class=\"excerpt\" dir=\"auto\">");
    for (uint32_t i = 0; i < placed->span_count; i++) {
        size_t begin = clamp(placed->spans[i].begin, at, text.size);
        size_t end = clamp(placed->spans[i].end, begin, text.size);
        if (i == 0)
            put_before(out, text, begin);
        else
            put_between(out, text, at, begin);
        AM_PAGE_PUT(out, "<mark>");
        put_part(out, text, begin, end);
        AM_PAGE_PUT(out, "</mark>");
        at = end;
    }
    put_after(out, text, at);
    AM_PAGE_PUT(out, "</p>\n");
}
