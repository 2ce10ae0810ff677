/* Where a winning keyword stands in the request's own text. */
#include "matcher.h"

static void fill_utf16(struct am_placed_ad *placed, const char *text) {
    uint32_t byte = 0, unit = 0;
    for (uint32_t i = 0; i < placed->span_count; i++) {
        struct am_span *span = &placed->spans[i];
        /* A character may give several words, whose spans are then the same. */
        if (span->begin < byte)
            byte = unit = 0;
        unit += am_utf16_length(text + byte, span->begin - byte);
        span->utf16_begin = unit;
        unit += am_utf16_length(text + span->begin, span->end - span->begin);
        span->utf16_end = unit;
        byte = span->end;
    }
}

static void
add_span(const struct am_request_words *words, uint32_t word, struct am_placed_ad *placed) {
    placed->spans[placed->span_count++] =
        (struct am_span){.begin = words->split[word].begin, .end = words->split[word].end};
}

/* Sorts the few word indexes of a broad hit into text order. */
static void sort_words(uint32_t *words, uint32_t count) {
    for (uint32_t i = 1; i < count; i++) {
        uint32_t moved = words[i], at = i;
        for (; at > 0 && words[at - 1] > moved; at--)
            words[at] = words[at - 1];
        words[at] = moved;
    }
}

/* The place in words [first, end) that ends first: last[k] gets the word index of ids[k]. */
static bool locate(const struct am_request_words *words,
                   uint32_t first,
                   uint32_t end,
                   uint32_t window,
                   const uint32_t *ids,
                   uint32_t count,
                   uint32_t *last) {
    uint32_t found = 0;
    for (uint32_t k = 0; k < count; k++)
        last[k] = AM_NONE;
    for (uint32_t i = first; i < end; i++) {
        uint32_t k = 0;
        while (k < count && ids[k] != words->broad_ids[i])
            k++;
        if (k == count)
            continue;
        found += last[k] == AM_NONE;
        last[k] = i;
        bool near = found == count;
        for (k = 0; near && k < count; k++)
            near = i - last[k] < window;
        if (near)
            return true;
    }
    return false;
}

static void fill_broad(const struct am_matcher *matcher,
                       const struct am_request *request,
                       const uint32_t *ids,
                       struct am_placed_ad *placed) {
    const struct am_request_words *words = &matcher->words;
    uint32_t last[AM_KEYWORD_MAX_WORDS];
    uint32_t count = matcher->image->keywords[placed->keyword].word_count;
    for (uint32_t field = 0; field < request->field_count; field++) {
        if (!locate(words, words->field_first[field], words->field_first[field + 1] - 1,
                    matcher->image->settings->broad_window, ids, count, last))
            continue;
        placed->field = field;
        sort_words(last, count);
        for (uint32_t k = 0; k < count; k++)
            add_span(words, last[k], placed);
        return;
    }
}

static void fill_run(const struct am_matcher *matcher,
                     const struct am_request *request,
                     uint32_t first,
                     uint32_t count,
                     struct am_placed_ad *placed) {
    const struct am_request_words *words = &matcher->words;
    uint32_t field = 0;
    while (field + 1 < request->field_count && words->field_first[field + 1] <= first)
        field++;
    placed->field = field;
    for (uint32_t i = 0; i < count; i++)
        add_span(words, first + i, placed);
}

void am_spans_fill(struct am_matcher *matcher,
                   const struct am_request *request,
                   const struct am_candidate *candidate,
                   struct am_placed_ad *placed) {
    if (candidate->hit == AM_NONE)
        return;
    uint32_t place = matcher->hits.places[candidate->hit];
    if (place & AM_HIT_IS_BROAD)
        fill_broad(matcher, request, matcher->paths + (place & ~AM_HIT_IS_BROAD), placed);
    else
        fill_run(matcher, request, place, matcher->image->keywords[placed->keyword].word_count,
                 placed);
    if (placed->span_count)
        fill_utf16(placed, request->fields[placed->field].text.data);
}
