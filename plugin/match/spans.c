/* SPDX-License-Identifier: Apache-2.0 */
#include "spans.h"

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
 * wide. The inner loop, over the field, has no branch on what is in it. */
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

/* The same where words have several readings. */
static bool locate_reading(const struct am_match_words *words,
                           uint32_t first,
                           uint32_t end,
                           uint32_t window,
                           const uint32_t *ids,
                           uint32_t count,
                           uint32_t *last) {
    const struct am_match_further *further = &words->further;
    uint32_t next = am_match_further_from(further->items, further->count, first);
    for (uint32_t k = 0; k < count; k++)
        last[k] = AM_NONE;
    for (uint32_t i = first; i < end; i++) {
        uint32_t from = next;
        while (next < further->count && further->items[next].word == i)
            next++;
        bool near = true;
        for (uint32_t k = 0; k < count; k++) {
            if (words->broad_ids[i] == ids[k])
                last[k] = i;
            for (uint32_t n = from; n < next; n++)
                if (further->items[n].reading.id == ids[k])
                    last[k] = i;
            near &= last[k] != AM_NONE && i - last[k] < window;
        }
        if (near)
            return true;
    }
    return false;
}

static bool locate_any(const struct am_match_words *words,
                       uint32_t first,
                       uint32_t end,
                       uint32_t window,
                       const uint32_t *ids,
                       uint32_t count,
                       uint32_t *last) {
    if (__builtin_expect(words->further.count > 0, 0))
        return locate_reading(words, first, end, window, ids, count, last);
    return (end - first <= 64 && locate_few(words, first, end, window, ids, count, last)) ||
           locate(words, first, end, window, ids, count, last);
}

/* The field that has the word, or the empty word after it. */
static uint32_t field_of(const struct am_match_words *words,
                         const struct am_match_request *request,
                         uint32_t word) {
    uint32_t field = 0;
    while (field + 1 < request->field_count && words->field_first[field + 1] <= word)
        field++;
    return field;
}

/* The first word at which the place may begin. The keyword was first found around word `root`, so
 * no place of it begins more than a window before that. Words with several readings are searched
 * for in a second pass: it may have found less than the first place, which is then looked for from
 * the start, as far as the budget goes. */
static uint32_t least_word(const struct am_search *search, uint32_t root, uint32_t keyword_words) {
    enum { COMPARISONS_A_STEP = 16 };
    const struct am_match_words *words = search->words;
    uint32_t window = search->image->settings->broad_window;
    if (words->further.count > 0 &&
        am_match_work_take(search->work, AM_STAGE_GATES,
                           (uint64_t)words->count * (1 + keyword_words) / COMPARISONS_A_STEP))
        return 0;
    return root < window ? 0 : root - window + 1;
}

/* `path` as a search notes it. */
static void fill_broad(const struct am_search *search,
                       const struct am_match_request *request,
                       const uint32_t *path,
                       struct am_match_winner *winner) {
    const struct am_match_words *words = search->words;
    uint32_t last[AM_KEYWORD_MAX_WORDS];
    uint32_t count = search->image->keywords[winner->keyword].word_count;
    uint32_t window = search->image->settings->broad_window;
    uint32_t least = least_word(search, path[0], count);
    for (uint32_t field = field_of(words, request, least); field < request->field_count; field++) {
        uint32_t first = words->field_first[field], end = words->field_first[field + 1] - 1;
        first = first < least ? least : first;
        if (first >= end || !locate_any(words, first, end, window, path + 1, count, last))
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
    winner->field = field_of(words, request, first);
    for (uint32_t i = 0; i < count; i++)
        add_span(words, first + i, winner);
}

static void fill_bytes(const struct am_search *search,
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
}

/* ---- UTF-16 -----------------------------------------------------------------------------------
 *
 * Both ends of all spans, in the order of the text: each text is counted once, however many spans
 * are near its end. */

/* An end: its field, its byte there, and which end of which span it is. */
#define END_OF(field, byte, winner, span, is_end)                                                  \
    ((uint64_t)(field) << 48 | (uint64_t)(byte) << 16 | (winner) << 8 | (span) << 1 | (is_end))
#define FIELD_OF(end) ((uint32_t)((end) >> 48))
#define BYTE_OF(end) ((uint32_t)((end) >> 16))
#define WINNER_OF(end) ((uint32_t)(end) >> 8 & 255)
#define SPAN_OF(end) ((uint32_t)(end) >> 1 & 127)
#define IS_END(end) ((end)&1)
_Static_assert(AM_MAX_ADS_PER_REQUEST <= 256 && AM_KEYWORD_MAX_WORDS <= 128, "as above");

static uint32_t
list_ends(const struct am_match_winner *winners, uint32_t winner_count, uint64_t *ends) {
    uint32_t count = 0;
    for (uint32_t w = 0; w < winner_count; w++)
        for (uint32_t s = 0; s < winners[w].span_count; s++) {
            ends[count++] = END_OF(winners[w].field, winners[w].spans[s].begin, w, s, 0);
            ends[count++] = END_OF(winners[w].field, winners[w].spans[s].end, w, s, 1);
        }
    return count;
}

/* A Shell sort: libc's may allocate. */
static void sort_ends(uint64_t *ends, uint32_t count) {
    static const uint32_t gaps[] = {1577, 701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < AM_COUNT_OF(gaps); g++)
        for (uint32_t i = gaps[g]; i < count; i++) {
            uint64_t moved = ends[i];
            uint32_t at = i;
            for (; at >= gaps[g] && ends[at - gaps[g]] > moved; at -= gaps[g])
                ends[at] = ends[at - gaps[g]];
            ends[at] = moved;
        }
}

static void fill_utf16(const struct am_match_request *request,
                       struct am_match_winner *winners,
                       const uint64_t *ends,
                       uint32_t count) {
    uint32_t field = AM_NONE, byte = 0, unit = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (FIELD_OF(ends[i]) != field) {
            field = FIELD_OF(ends[i]);
            byte = unit = 0;
        }
        unit +=
            am_text_utf16_length(request->fields[field].text.data + byte, BYTE_OF(ends[i]) - byte);
        byte = BYTE_OF(ends[i]);
        struct am_match_span *span = &winners[WINNER_OF(ends[i])].spans[SPAN_OF(ends[i])];
        *(IS_END(ends[i]) ? &span->utf16_end : &span->utf16_begin) = unit;
    }
}

/* ASCII has as many units as bytes. */
static void copy_bytes(struct am_match_winner *winners, uint32_t winner_count) {
    for (uint32_t w = 0; w < winner_count; w++)
        for (uint32_t s = 0; s < winners[w].span_count; s++) {
            struct am_match_span *span = &winners[w].spans[s];
            span->utf16_begin = span->begin;
            span->utf16_end = span->end;
        }
}

static void count_units(const struct am_match_spans *spans,
                        const struct am_match_request *request,
                        struct am_match_winner *winners,
                        uint32_t winner_count) {
    AM_UNPOISON_ITEMS(spans->ends, 0, AM_MATCH_SPAN_ENDS_MOST);
    uint32_t count = list_ends(winners, winner_count, spans->ends);
    sort_ends(spans->ends, count);
    fill_utf16(request, winners, spans->ends, count);
    AM_POISON_ITEMS(spans->ends, 0, AM_MATCH_SPAN_ENDS_MOST);
}

void am_match_spans_size(struct am_match_spans *spans, struct am_match_memory *memory) {
    spans->ends = am_match_memory_take(memory, AM_MATCH_SPAN_ENDS_MOST, sizeof *spans->ends);
}

void am_match_spans_fill(const struct am_match_spans *spans,
                         const struct am_search *search,
                         const struct am_match_request *request,
                         const struct am_rank *rank,
                         const struct am_gate_placed *placed) {
    for (uint32_t i = 0; i < placed->count; i++)
        fill_bytes(search, request, &rank->candidates[placed->candidates[i]], &placed->winners[i]);
    if (search->words->is_ascii)
        copy_bytes(placed->winners, placed->count);
    else
        count_units(spans, request, placed->winners, placed->count);
}
