/* SPDX-License-Identifier: Apache-2.0 */
#include "texts.h"

#include "../text/words.h"
#include "request.h"

/* ---- decoding ------------------------------------------------------------------------------- */

static struct am_view decode(struct am_api_request_reader *reader,
                             const struct am_api_text *text,
                             struct am_view *page_title) {
    if (!text->given.data)
        return text->given;
    size_t room = am_text_markup_size(text->read.size, text->markup);
    char *memory = am_api_request_room(reader, room);
    struct am_view decoded = am_text_markup_text(text->read, text->markup, memory, page_title);
    am_api_request_keep(reader, room, decoded.data == memory ? decoded.size : 0);
    return decoded;
}

void am_api_texts_decode(struct am_api_request_reader *reader,
                         struct am_view *title,
                         struct am_view *content) {
    struct am_view page_title = {NULL, 0};
    reader->content.read = reader->content.given;
    reader->title.read = reader->title.given;
    *content = decode(reader, &reader->content, &page_title);
    if (page_title.data && !reader->title.given.data)
        reader->title = (struct am_api_text){reader->content.given, page_title, AM_MARKUP_TITLE};
    *title = decode(reader, &reader->title, NULL);
}

static const struct am_api_text *text_of(const struct am_api_request_reader *reader,
                                         const struct am_match_field *field) {
    return field->kind == AM_FIELD_TITLE  ? &reader->title
           : field->kind == AM_FIELD_TEXT ? &reader->content
                                          : NULL;
}

struct am_view am_api_texts_given(const struct am_api_request_reader *reader,
                                  const struct am_match_field *field) {
    const struct am_api_text *text = text_of(reader, field);
    return text ? text->given : field->kind == AM_FIELD_URL ? reader->url : field->text;
}

/* ---- places in a URL ------------------------------------------------------------------------ */

static bool stands_in(const struct am_match_winner *placed, uint32_t field) {
    return placed->field == field && placed->span_count > 0;
}

/* The matcher saw the decoded path and query string. All places are looked up at once, since many
 * ads may be in a long URL. */
static void place_in_url(const struct am_api_request_reader *reader,
                         const struct am_match_decision *decision,
                         uint32_t field) {
    struct am_api_url_offset *places = reader->url_places;
    size_t count = 0; /* of places looked up */
    for (uint32_t i = 0; i < decision->ad_count; i++) {
        struct am_match_winner *placed = &decision->ads[i];
        if (!stands_in(placed, field))
            continue;
        if (count == 0) {
            count = reader->request.fields[field].text.size + 1;
            AM_UNPOISON_ITEMS(places, 0, count);
            am_api_url_offsets(reader->url, places);
        }
        for (uint32_t k = 0; k < placed->span_count; k++) {
            const struct am_match_span span = placed->spans[k];
            placed->spans[k] =
                (struct am_match_span){places[span.begin].byte, places[span.end].byte,
                                       places[span.begin].utf16, places[span.end].utf16};
        }
    }
    AM_POISON_ITEMS(places, 0, count);
}

/* ---- places in a text with markup ------------------------------------------------------------
 *
 * A page is read once more, from its begin to the last place that is asked for; so the places of
 * all ads are put in order first. At one byte begins come before ends: a reference of several bytes
 * gives a text of one, whose begin would else be counted from the begin of the page again after
 * each end. */

enum { ENDS = 1 << 15, AD_SHIFT = 7 };
static_assert(AM_KEYWORD_MAX_WORDS <= 1 << AD_SHIFT, "a span has bits of its own");
static_assert(AM_MAX_ADS_PER_REQUEST <= ENDS >> AD_SHIFT, "so has an ad");

static am_api_place place_of(uint32_t byte, uint32_t ad, uint32_t span, bool ends) {
    return (am_api_place)byte << 32 | (ends ? ENDS : 0) | ad << AD_SHIFT | span;
}

static uint32_t
list_places(const struct am_match_decision *decision, uint32_t field, am_api_place *places) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < decision->ad_count; i++) {
        const struct am_match_winner *placed = &decision->ads[i];
        if (!stands_in(placed, field))
            continue;
        AM_UNPOISON_ITEMS(places, count, 2 * placed->span_count);
        for (uint32_t k = 0; k < placed->span_count; k++) {
            places[count++] = place_of(placed->spans[k].begin, i, k, false);
            places[count++] = place_of(placed->spans[k].end - 1, i, k, true);
        }
    }
    return count;
}

static void sift_down(am_api_place *places, uint32_t root, uint32_t count) {
    am_api_place sinking = places[root];
    for (uint32_t child; (child = 2 * root + 1) < count; root = child) {
        child += child + 1 < count && places[child + 1] > places[child];
        if (places[child] <= sinking)
            break;
        places[root] = places[child];
    }
    places[root] = sinking;
}

/* Heapsort: qsort may allocate. */
static void sort_places(am_api_place *places, uint32_t count) {
    for (uint32_t root = count / 2; root > 0; root--)
        sift_down(places, root - 1, count);
    for (uint32_t end = count; end > 1; end--) {
        am_api_place last = places[end - 1];
        places[end - 1] = places[0];
        places[0] = last;
        sift_down(places, 0, end - 1);
    }
}

/* Counts UTF-16 units of a text along places that ascend. */
struct unit_count {
    const char *text;
    uint32_t byte, units;
};

static uint32_t units_at(struct unit_count *count, uint32_t byte) {
    if (byte < count->byte)
        count->byte = count->units = 0;
    count->units += am_text_utf16_length(count->text + count->byte, byte - count->byte);
    count->byte = byte;
    return count->units;
}

static void place_in_text(const struct am_api_request_reader *reader,
                          const struct am_match_decision *decision,
                          uint32_t field) {
    const struct am_api_text *text = text_of(reader, &reader->request.fields[field]);
    uint32_t part = (uint32_t)(text->read.data - text->given.data);
    struct unit_count count = {text->given.data, 0, 0};
    struct am_text_markup_places walk;
    uint32_t listed = list_places(decision, field, reader->places);
    sort_places(reader->places, listed);
    am_text_markup_places_start(&walk, text->read, text->markup);
    for (uint32_t i = 0; i < listed; i++) {
        am_api_place place = reader->places[i];
        uint32_t owner = (uint32_t)place, at = (uint32_t)(place >> 32), begin, end;
        struct am_match_winner *placed = &decision->ads[(owner & (ENDS - 1)) >> AD_SHIFT];
        struct am_match_span *span = &placed->spans[owner & ((1u << AD_SHIFT) - 1)];
        am_text_markup_place(&walk, at, at + 1, &begin, &end);
        bool ends = owner & ENDS;
        *(ends ? &span->end : &span->begin) = part + (ends ? end : begin);
        *(ends ? &span->utf16_end : &span->utf16_begin) =
            units_at(&count, part + (ends ? end : begin));
    }
    AM_POISON_ITEMS(reader->places, 0, listed);
}

/* Where a byte was a character, places count bytes as they were sent: UTF-16 units of the text. */
static void place_in_bytes(const struct am_match_decision *decision, uint32_t field) {
    for (uint32_t i = 0; i < decision->ad_count; i++)
        for (uint32_t k = 0; stands_in(&decision->ads[i], field) && k < decision->ads[i].span_count;
             k++) {
            struct am_match_span *span = &decision->ads[i].spans[k];
            span->begin = span->utf16_begin;
            span->end = span->utf16_end;
        }
}

void am_api_texts_place_spans(const struct am_api_request_reader *reader,
                              const struct am_match_decision *decision) {
    for (uint32_t i = 0; i < reader->request.field_count; i++) {
        const struct am_match_field *field = &reader->request.fields[i];
        const struct am_api_text *text = text_of(reader, field);
        if (field->kind == AM_FIELD_URL)
            place_in_url(reader, decision, i);
        if (text && text->given.data != field->text.data)
            place_in_text(reader, decision, i);
        if (text && reader->is_one_byte)
            place_in_bytes(decision, i);
    }
}
