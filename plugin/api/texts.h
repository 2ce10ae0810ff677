/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the api room: texts as they are given, with markup, to texts that are searched; and
 * spans of these back to what was given. */
#ifndef AM_API_TEXTS_H
#define AM_API_TEXTS_H

#include "../match/match.h"
#include "../text/markup.h"

/* The title of a page stands inside of its html: then `read` is a part of `given`. */
struct am_api_text {
    struct am_view given; /* what spans count in, in UTF-8; .data NULL: not given */
    struct am_view read;  /* the part of it that is searched */
    enum am_text_markup markup;
};

/* One place in a text that is searched: its byte in the upper 32 bits, then whose it is. */
typedef uint64_t am_api_place;
enum { AM_API_PLACES_MOST = 2 * AM_MAX_ADS_PER_REQUEST * AM_KEYWORD_MAX_WORDS };

struct am_api_request_reader;

/* Decodes the title and the text, as far as they have markup, into the reader's memory; .data NULL:
 * not given. A page gives its title, unless the request has one. */
void am_api_texts_decode(struct am_api_request_reader *reader,
                         struct am_view *title,
                         struct am_view *content);

/* What spans in a field count in. */
struct am_view am_api_texts_given(const struct am_api_request_reader *reader,
                                  const struct am_match_field *field);

/* Turns spans in the texts that were searched into spans in the texts as given. */
void am_api_texts_place_spans(const struct am_api_request_reader *reader,
                              const struct am_match_decision *decision);

#endif
