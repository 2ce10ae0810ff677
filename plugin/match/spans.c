/* SPDX-License-Identifier: Apache-2.0 */
#include "spans.h"

static void fill_utf16(struct am_match_winner *winner, const char *text) {
    uint32_t byte = 0, unit = 0, end = winner->spans[winner->span_count - 1].end;
    /* No character has more units than bytes: those of ASCII have as many. */
    bool same = am_text_utf16_length(text, end) == end;
    for (uint32_t i = 0; i < winner->span_count; i++) {
        struct am_match_span *span = &winner->spans[i];
        if (same) {
            span->utf16_begin = span->begin;
            span->utf16_end = span->end;
            continue;
        }
        unit += am_text_utf16_length(text + byte, span->begin - byte);
        span->utf16_begin = unit;
        unit += am_text_utf16_length(text + span->begin, span->end - span->begin);
        span->utf16_end = unit;
        byte = span->end;
    }
}

/* Words are added in their order, in which no begin is before the last one. One character may give
 * several words, or the end of one and the begin of the next: what overlaps becomes one span. */
static void
add_span(const struct am_match_words *words, uint32_t index, struct am_match_winner *winner) {
    const struct am_text_word *word = &words->split[index];
    struct am_match_span *last = winner->span_count ? &winner->spans[winner->span_count - 1] : NULL;
    if (!last || word->begin >= last->end)
        winner->spans[winner->span_count++] =
            (struct am_match_span){.begin = word->begin, .end = word->end};
    else if (word->end > last->end)
        last->end = word->end;
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
static bool locate(const struct am_match_words *words,
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

/* The same in a field of up to 64 words, unless the first place where all the words are is too
 * wide. Nothing but the field's length is to be predicted: a third off the time of all spans of a
 * query.
 */
static bool locate_few(const struct am_match_words *words,
                       uint32_t first,
                       uint32_t end,
                       uint32_t window,
                       const uint32_t *ids,
                       uint32_t count,
                       uint32_t *last) {
    uint64_t places[AM_KEYWORD_MAX_WORDS]; /* bit i: word first + i */
    uint32_t reach = 0;
    for (uint32_t k = 0; k < count; k++) {
        places[k] = 0;
        for (uint32_t i = 0; i < end - first; i++)
            places[k] |= (uint64_t)(words->broad_ids[first + i] == ids[k]) << i;
        if (!places[k])
            return false;
        uint32_t earliest = (uint32_t)__builtin_ctzll(places[k]);
        reach = earliest > reach ? earliest : reach;
    }
    for (uint32_t k = 0; k < count; k++) {
        uint64_t reached = places[k] & (UINT64_MAX >> (63 - reach));
        uint32_t latest = 63 - (uint32_t)__builtin_clzll(reached);
        if (reach - latest >= window)
            return false;
        last[k] = first + latest;
    }
    return true;
}

static void fill_broad(const struct am_search *search,
                       const struct am_match_request *request,
                       const uint32_t *ids,
                       struct am_match_winner *winner) {
    const struct am_match_words *words = search->words;
    uint32_t last[AM_KEYWORD_MAX_WORDS];
    uint32_t count = search->image->keywords[winner->keyword].word_count;
    for (uint32_t field = 0; field < request->field_count; field++) {
        uint32_t first = words->field_first[field], end = words->field_first[field + 1] - 1;
        uint32_t window = search->image->settings->broad_window;
        if (!(end - first <= 64 && locate_few(words, first, end, window, ids, count, last)) &&
            !locate(words, first, end, window, ids, count, last))
            continue;
        winner->field = field;
        sort_words(last, count);
        for (uint32_t k = 0; k < count; k++)
            add_span(words, last[k], winner);
        return;
    }
}

static void fill_run(const struct am_search *search,
                     const struct am_match_request *request,
                     uint32_t first,
                     uint32_t count,
                     struct am_match_winner *winner) {
    const struct am_match_words *words = search->words;
    uint32_t field = 0;
    while (field + 1 < request->field_count && words->field_first[field + 1] <= first)
        field++;
    winner->field = field;
    for (uint32_t i = 0; i < count; i++)
        add_span(words, first + i, winner);
}

void am_match_spans_fill(const struct am_search *search,
                         const struct am_match_request *request,
                         const struct am_match_candidate *candidate,
                         struct am_match_winner *winner) {
    if (candidate->hit == AM_NONE)
        return;
    uint32_t position = search->hits.positions[candidate->hit];
    if (position & AM_HIT_IS_BROAD)
        fill_broad(search, request, search->paths + (position & ~AM_HIT_IS_BROAD), winner);
    else
        fill_run(search, request, position, search->image->keywords[winner->keyword].word_count,
                 winner);
    if (winner->span_count)
        fill_utf16(winner, request->fields[winner->field].text.data);
}
