/* SPDX-License-Identifier: Apache-2.0 */
/* Text inside markup: it keeps to its bound, and every byte of it has a place in the source. The
 * first byte chooses the markup. */
#include <stdlib.h>

#include "../../plugin/text/markup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
    if (!holds)
        abort();
}

/* A copy that ends where its memory does. */
static char *copy_of(const uint8_t *data, size_t size) {
    char *copy = malloc(size ? size : 1);
    require(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

static void check_title(struct am_view source, struct am_view title, char *memory) {
    if (!title.data)
        return;
    require(title.data >= source.data && title.data + title.size <= source.data + source.size);
    require(am_text_markup_text(title, AM_MARKUP_TITLE, memory, NULL).size <= title.size);
}

/* Bytes that are the source's own stand for themselves; places ascend. */
static void check_places(struct am_view source, enum am_text_markup markup, struct am_view text) {
    struct am_text_markup_places places;
    uint32_t before = 0;
    am_text_markup_places_start(&places, source, markup);
    for (uint32_t at = 0; at < text.size; at++) {
        uint32_t begin, end;
        am_text_markup_place(&places, at, at + 1, &begin, &end);
        require(begin >= before && begin < end && end <= source.size);
        require(end - begin > 1 || source.data[begin] == text.data[at] || markup != AM_MARKUP_NONE);
        before = begin;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0 || size > 4096)
        return 0;
    enum am_text_markup markup = (enum am_text_markup)(data[0] % (AM_MARKUP_HTML + 1));
    char *copy = copy_of(data + 1, size - 1);
    char *memory = malloc(am_text_markup_size(size - 1, markup) + 1);
    struct am_view source = {copy, size - 1}, title = {NULL, 0};
    require(memory != NULL);
    struct am_view text = am_text_markup_text(source, markup, memory, &title);
    require(text.size <= am_text_markup_size(source.size, markup));
    check_places(source, markup, text);
    if (markup == AM_MARKUP_HTML)
        check_title(source, title, memory);
    free(memory);
    free(copy);
    return 0;
}
