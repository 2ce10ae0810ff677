/* SPDX-License-Identifier: Apache-2.0 */
/* Text inside markup: what a page or a snippet says, without its tags and with its character
 * references decoded; and where it is in the source.
 *
 * A source is read as a sequence of pieces, each either a stretch of the source as it is or a few
 * bytes that stand for one. Reading goes once through the source, keeps nothing but its place, and
 * can be done again to find where a word came from. */
#ifndef AM_TEXT_MARKUP_H
#define AM_TEXT_MARKUP_H

#include "../base/bytes.h"

enum am_text_markup {
    AM_MARKUP_NONE,     /* the source is the text */
    AM_MARKUP_ENTITIES, /* character references that end in ; and nothing else */
    AM_MARKUP_TITLE,    /* what an HTML title holds: references as browsers decode them, no tags */
    AM_MARKUP_HTML,     /* a page or a part of one (docs/DECISION.md section 2) */
};

/* `text` is source[begin, end) itself, or stands for all of it. */
struct am_text_piece {
    struct am_view text;
    uint32_t begin, end;
};

/* Counts of elements that are open. */
struct am_text_html_state {
    uint32_t templates, svgs, superscripts;
    size_t closed_at; /* where an </a> or </span> has just ended */
    uint8_t closed;   /* which of them, see html.c */
    size_t run_at;    /* where the text after the last tag began */
    struct am_view title;
};

struct am_text_markup_walk {
    struct am_view source;
    enum am_text_markup markup;
    size_t at;
    /* The next < and & that mean something: before them is text as it is. */
    size_t tag_at, ampersand_at;
    struct am_text_html_state html;
    char replacement[4]; /* of the last piece, when it is not in the source */
};

/* `source` is shorter than 4 GiB, and stays as it is while the walk is used. */
void am_text_markup_start(struct am_text_markup_walk *walk,
                          struct am_view source,
                          enum am_text_markup markup);
/* False at the end. The piece is valid until the next call. */
bool am_text_markup_next(struct am_text_markup_walk *walk, struct am_text_piece *piece);

/* Bytes that the text of a source may have. */
size_t am_text_markup_size(size_t source_size, enum am_text_markup markup);
/* Writes the text to `memory` (am_text_markup_size); the source itself where it is the text.
 * `title` gets, for AM_MARKUP_HTML, what the first title element holds, as a part of the source
 * (then AM_MARKUP_TITLE reads it), data NULL where there is none; may be NULL. */
struct am_view am_text_markup_text(struct am_view source,
                                   enum am_text_markup markup,
                                   char *memory,
                                   struct am_view *title);

/* Places in the text to places in the source. */
struct am_text_markup_places {
    struct am_text_markup_walk walk;
    struct am_text_piece piece;
    size_t before; /* bytes of the text before the piece */
};

void am_text_markup_places_start(struct am_text_markup_places *places,
                                 struct am_view source,
                                 enum am_text_markup markup);
/* Where [begin, end) of the text, not empty, came from. Quick when spans are asked for in the order
 * of the text. */
void am_text_markup_place(struct am_text_markup_places *places,
                          uint32_t begin,
                          uint32_t end,
                          uint32_t *source_begin,
                          uint32_t *source_end);

/* ---- private to the text room: html.c -------------------------------------------------------- */

/* Reads the tag, comment or the like at walk->at, where a < stands, and moves on to the text after
 * it. True when it separates words. */
bool am_text_html_tag(struct am_text_markup_walk *walk);
/* Nothing is shown here. */
static inline bool am_text_html_hides(const struct am_text_html_state *state) {
    return state->templates || state->svgs;
}

#endif
