/* SPDX-License-Identifier: Apache-2.0 */
#include "markup.h"

#include <utf8proc.h>

#include "entities.h"

static size_t find_byte(struct am_view source, size_t at, char byte) {
    const char *found = at < source.size ? memchr(source.data + at, byte, source.size - at) : NULL;
    return found ? (size_t)(found - source.data) : source.size;
}

void am_text_markup_start(struct am_text_markup_walk *walk,
                          struct am_view source,
                          enum am_text_markup markup) {
    *walk = (struct am_text_markup_walk){.source = source, .markup = markup};
    walk->tag_at = markup == AM_MARKUP_HTML ? find_byte(source, 0, '<') : source.size;
    walk->ampersand_at = markup == AM_MARKUP_NONE ? source.size : find_byte(source, 0, '&');
}

/* ---- pieces -----------------------------------------------------------------------------------
 */

/* The source up to `end` as it is. */
static bool
give_as_it_is(struct am_text_markup_walk *walk, size_t end, struct am_text_piece *piece) {
    *piece = (struct am_text_piece){
        {walk->source.data + walk->at, end - walk->at}, (uint32_t)walk->at, (uint32_t)end};
    walk->at = end;
    return true;
}

/* A character for the source up to `end`. */
static bool give_instead(struct am_text_markup_walk *walk,
                         size_t end,
                         int32_t code,
                         struct am_text_piece *piece) {
    size_t size = (size_t)utf8proc_encode_char(code, (utf8proc_uint8_t *)walk->replacement);
    *piece = (struct am_text_piece){{walk->replacement, size}, (uint32_t)walk->at, (uint32_t)end};
    walk->at = end;
    return true;
}

static bool
give_reference(struct am_text_markup_walk *walk, size_t end, struct am_text_piece *piece) {
    struct am_text_entity entity;
    struct am_view rest = {walk->source.data + walk->at, end - walk->at};
    if (am_text_entity_read(rest, walk->markup != AM_MARKUP_ENTITIES, &entity))
        return give_instead(walk, walk->at + entity.size, entity.code, piece);
    return give_as_it_is(walk, walk->at + 1, piece);
}

/* ---- superscripts -----------------------------------------------------------------------------
 */

static int32_t superscript_of(char digit) {
    static const uint16_t codes[] = {0x2070, 0xB9,   0xB2,   0xB3,   0x2074,
                                     0x2075, 0x2076, 0x2077, 0x2078, 0x2079};
    return codes[digit - '0'];
}

static bool is_space(char byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Whether a text is the sign TM or SM, but for case and white space around it. */
static bool is_trade_sign(struct am_view text) {
    while (text.size && is_space(text.data[0]))
        text.data++, text.size--;
    while (text.size && is_space(text.data[text.size - 1]))
        text.size--;
    return text.size == 2 && ((text.data[0] | 0x20) == 't' || (text.data[0] | 0x20) == 's') &&
           (text.data[1] | 0x20) == 'm';
}

/* Text inside a sup element. */
static bool
give_superscript(struct am_text_markup_walk *walk, size_t end, struct am_text_piece *piece) {
    const char *data = walk->source.data;
    size_t at = walk->at;
    if (at == walk->html.run_at && end == walk->tag_at &&
        is_trade_sign((struct am_view){data + at, end - at}))
        return give_instead(walk, end, ' ', piece);
    if (data[at] >= '0' && data[at] <= '9')
        return give_instead(walk, at + 1, superscript_of(data[at]), piece);
    while (at < end && !(data[at] >= '0' && data[at] <= '9'))
        at++;
    return give_as_it_is(walk, at, piece);
}

/* ---- the walk ---------------------------------------------------------------------------------
 */

/* Bytes on both sides of a tag must not become one character. */
static bool continues_character(char byte) {
    return ((unsigned char)byte & 0xC0) == 0x80;
}

/* Text goes on here, up to the next tag or reference. */
static bool give_text(struct am_text_markup_walk *walk, struct am_text_piece *piece) {
    if (continues_character(walk->source.data[walk->at]))
        return give_instead(walk, walk->at + 1, ' ', piece);
    if (walk->at == walk->ampersand_at) {
        give_reference(walk, walk->tag_at, piece);
        walk->ampersand_at = find_byte(walk->source, walk->at, '&');
        return true;
    }
    size_t end = walk->tag_at < walk->ampersand_at ? walk->tag_at : walk->ampersand_at;
    return walk->html.superscripts ? give_superscript(walk, end, piece)
                                   : give_as_it_is(walk, end, piece);
}

bool am_text_markup_next(struct am_text_markup_walk *walk, struct am_text_piece *piece) {
    while (walk->at < walk->source.size) {
        bool hidden = am_text_html_hides(&walk->html);
        size_t begin = walk->at;
        if (walk->at < walk->tag_at && !hidden)
            return give_text(walk, piece);
        walk->at = walk->tag_at;
        if (walk->at == walk->source.size)
            return false;
        bool separates = am_text_html_tag(walk);
        if (walk->ampersand_at < walk->at)
            walk->ampersand_at = find_byte(walk->source, walk->at, '&');
        if (separates && !(hidden && am_text_html_hides(&walk->html))) {
            *piece = (struct am_text_piece){AM_VIEW(" "), (uint32_t)begin, (uint32_t)walk->at};
            return true;
        }
    }
    return false;
}

/* ---- whole texts ------------------------------------------------------------------------------
 */

size_t am_text_markup_size(size_t source_size, enum am_text_markup markup) {
    /* A superscript digit has three bytes; nothing else is longer than its source. */
    return markup == AM_MARKUP_HTML ? 3 * source_size : source_size;
}

/* Nothing is to be decoded: the usual text. */
static bool is_plain(struct am_view source, enum am_text_markup markup) {
    struct am_text_entity entity;
    if (markup == AM_MARKUP_HTML)
        return false;
    for (size_t at = find_byte(source, 0, '&'); at < source.size;
         at = find_byte(source, at + 1, '&'))
        if (am_text_entity_read((struct am_view){source.data + at, source.size - at},
                                markup == AM_MARKUP_TITLE, &entity))
            return false;
    return true;
}

struct am_view am_text_markup_text(struct am_view source,
                                   enum am_text_markup markup,
                                   char *memory,
                                   struct am_view *title) {
    struct am_text_markup_walk walk;
    struct am_text_piece piece;
    size_t size = 0;
    if (markup == AM_MARKUP_NONE || is_plain(source, markup))
        return source;
    am_text_markup_start(&walk, source, markup);
    while (am_text_markup_next(&walk, &piece)) {
        if (piece.text.size == 1) /* every other piece, for a tag */
            memory[size] = piece.text.data[0];
        else
            memcpy(memory + size, piece.text.data, piece.text.size);
        size += piece.text.size;
    }
    if (title)
        *title = walk.html.title;
    return (struct am_view){memory, size};
}

/* ---- places -----------------------------------------------------------------------------------
 */

void am_text_markup_places_start(struct am_text_markup_places *places,
                                 struct am_view source,
                                 enum am_text_markup markup) {
    *places = (struct am_text_markup_places){0};
    am_text_markup_start(&places->walk, source, markup);
}

/* Makes the piece that holds byte `at` of the text the present one. */
static void seek(struct am_text_markup_places *places, uint32_t at) {
    if (at < places->before)
        am_text_markup_places_start(places, places->walk.source, places->walk.markup);
    while (at >= places->before + places->piece.text.size) {
        places->before += places->piece.text.size;
        if (!am_text_markup_next(&places->walk, &places->piece))
            return;
    }
}

static bool is_as_it_is(const struct am_text_markup_places *places) {
    return places->piece.text.data == places->walk.source.data + places->piece.begin;
}

void am_text_markup_place(struct am_text_markup_places *places,
                          uint32_t begin,
                          uint32_t end,
                          uint32_t *source_begin,
                          uint32_t *source_end) {
    const struct am_text_piece *piece = &places->piece;
    seek(places, begin);
    *source_begin = piece->begin + (is_as_it_is(places) ? begin - (uint32_t)places->before : 0);
    seek(places, end - 1);
    *source_end = is_as_it_is(places) ? piece->begin + end - (uint32_t)places->before : piece->end;
}
