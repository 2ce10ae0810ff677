/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the api room: bytes of a request in, a checked `struct am_match_request` out.
 * docs/HTTP.md says what is allowed.
 *
 * Codes of all functions here, and the HTTP status that answers them: AM_E_SYNTAX and AM_E_INVALID
 * 400, AM_E_IMPOSSIBLE 422 (well-formed, but impossible here), AM_E_LIMIT 413. */
#ifndef AM_API_REQUEST_H
#define AM_API_REQUEST_H

#include "../base/json.h"
#include "../base/poison.h"
#include "../match/match.h"
#include "../text/charset.h"
#include "texts.h"
#include "visitor.h"

enum {
    AM_REQUEST_MAX_KEYWORDS = AM_MAX_FIELDS - 4, /* room for query, title, text and url */
    AM_REQUEST_MAX_NODES = 1 << 15, /* JSON values: more than the other limits let pass */
};

/* Bytes of a value that a message quotes. */
enum { AM_API_SHOWN_BYTES = 64 };
/* For printf's "%.*s": the quoted bytes of a view. */
#define AM_API_SHOWN(view)                                                                         \
    (int)((view).size > AM_API_SHOWN_BYTES ? AM_API_SHOWN_BYTES : (view).size), (view).data

enum am_api_blocked {
    AM_BLOCKED_ADVERTISERS,
    AM_BLOCKED_CATEGORIES,
    AM_BLOCKED_DOMAINS,
    AM_BLOCKED_APPS,
    AM_BLOCKED_KINDS
};

/* Storage for one request at a time. Large, so it is made once and used again. Items of arrays
 * beyond their counts are poisoned (poison.h). */
/* Whose frequency caps are asked: a key, or the caps that the caller carries; `.data` NULL: not
 * given. */
struct am_api_user {
    struct am_view key, caps;
    bool opted_out; /* neither is read */
};
enum { AM_API_USER_KEY_BYTES = 255 };

struct am_api_request_reader {
    /* Set once by the owner. */
    struct am_json_node *nodes;           /* AM_REQUEST_MAX_NODES */
    char *text;                           /* am_api_request_text_size(body limit) */
    struct am_api_url_offset *url_places; /* body_limit + 1 */
    am_api_place *places;                 /* AM_API_PLACES_MOST */
    size_t body_limit;

    struct am_match_request request; /* what was read; points into this struct and into the body */

    /* Private from here on. */
    size_t text_used;
    bool test;
    bool is_public; /* set after am_api_request_start: refuses what only an owner may ask */
    const struct am_image *image;
    struct am_timezone timezone; /* that the request names */
    struct am_api_user user;
    struct am_view state;      /* JSON; .data NULL: none is given */
    struct am_view query, url; /* .data NULL: not given */
    bool has_ip;               /* of the visitor, as the request gives it: */
    struct am_address ip;
    struct am_view agent; /* likewise; .data NULL: not given */
    struct am_api_text title, content;
    bool is_one_byte; /* the text came in a charset of one byte a character */
    struct am_view keywords[AM_REQUEST_MAX_KEYWORDS];
    uint32_t keyword_count;
    struct am_match_field fields[AM_MAX_FIELDS];
    struct am_match_attribute attributes[AM_MAX_ATTRIBUTE_VALUES];
    struct am_match_slot slots[AM_MAX_SLOTS];
    struct am_view blocked[AM_BLOCKED_KINDS][AM_MAX_BLOCKED];
    uint32_t blocked_count[AM_BLOCKED_KINDS];
};

/* Every byte of a body is decoded at most once (from windows-1252 to three bytes), and what that
 * gives is copied at most once more (folded to lower case, as a part of a URL, or without markup,
 * in at most three bytes for one). Each piece has its redzone. What is derived of the visitor is
 * not of the body. */
static inline size_t am_api_request_text_size(size_t body_limit) {
    return (3 + 9) * body_limit * (1 + AM_REDZONE) + AM_API_DERIVED_BYTES;
}

/* The texts that are searched: of a byte of windows-1252, or of a superscript digit in HTML, three.
 */
static inline size_t am_api_request_searched_size(size_t body_limit) {
    return 3 * body_limit;
}

/* Room in reader->text for a piece of up to `size` bytes; am_api_request_keep must follow. */
static inline char *am_api_request_room(struct am_api_request_reader *reader, size_t size) {
    char *room = reader->text + reader->text_used;
    am_poison_clear(room, size);
    return room;
}

/* Keeps the first `used` of those bytes. The next piece then begins at a multiple of 8, at least 8
 * bytes further on, in builds that poison (poison.h). */
static inline void
am_api_request_keep(struct am_api_request_reader *reader, size_t size, size_t used) {
    am_poison_region(reader->text + reader->text_used + used, size - used);
    reader->text_used += used;
    if (AM_REDZONE && used)
        reader->text_used = (reader->text_used + AM_REDZONE - 1) / 8 * 8;
}

/* ---- whole requests: am_api_request_start, then one of the three --------------------------------
 */

/* Begins a new request: views into the last one are no longer valid. `image` has the time
 * zones that it may name. `now` is the clock; with `test` the request's own `now` counts instead.
 */
void am_api_request_start(struct am_api_request_reader *reader,
                          const struct am_image *image,
                          int64_t now,
                          bool test);
enum am_code am_api_request_read_json(struct am_api_request_reader *reader,
                                      struct am_view body,
                                      struct am_error *error);
/* A body that is the text, with character references or as HTML. */
enum am_code am_api_request_read_text(struct am_api_request_reader *reader,
                                      struct am_view body,
                                      enum am_text_markup markup,
                                      enum am_text_charset charset,
                                      struct am_error *error);
enum am_code am_api_request_read_query_string(struct am_api_request_reader *reader,
                                              struct am_view body,
                                              struct am_error *error);

/* ---- single values, as JSON and query strings share them ------------------------------------ */

/* `where` of their errors is left to the caller. */

enum am_code am_api_request_check_size(const struct am_api_request_reader *reader,
                                       struct am_view body,
                                       struct am_error *error);
/* The text, or the page in HTML, of which a request has one. */
enum am_code am_api_request_set_content(struct am_api_request_reader *reader,
                                        struct am_view value,
                                        enum am_text_markup markup,
                                        struct am_error *error);
enum am_code
am_api_request_set_id(struct am_view *id, struct am_view value, struct am_error *error);
enum am_code am_api_request_add_keyword(struct am_api_request_reader *reader,
                                        struct am_view value,
                                        struct am_error *error);
/* `value` is text or, in JSON, a number as written. */
enum am_code
am_api_request_set_count(struct am_match_slot *slot, struct am_view value, struct am_error *error);
enum am_code
am_api_request_set_floor(struct am_match_slot *slot, struct am_view value, struct am_error *error);
enum am_code
am_api_request_add_size(struct am_match_slot *slot, struct am_view value, struct am_error *error);
/* `key` is only for kv. */
enum am_code am_api_request_add_attribute(struct am_api_request_reader *reader,
                                          enum am_model_attribute attribute,
                                          struct am_view key,
                                          struct am_view value,
                                          struct am_error *error);
enum am_code am_api_request_add_blocked(struct am_api_request_reader *reader,
                                        enum am_api_blocked kind,
                                        struct am_view value,
                                        struct am_error *error);
/* In the reader's memory, as am_model_category_fold. */
struct am_view am_api_request_fold_category(struct am_api_request_reader *reader,
                                            struct am_view category);
enum am_code am_api_request_set_unique(struct am_api_request_reader *reader,
                                       struct am_view value,
                                       struct am_error *error);
/* Of the visitor. */
enum am_code am_api_request_set_ip(struct am_api_request_reader *reader,
                                   struct am_view value,
                                   struct am_error *error);
enum am_code am_api_request_set_agent(struct am_api_request_reader *reader,
                                      struct am_view value,
                                      struct am_error *error);
/* RFC 3339, or whole seconds since the epoch. */
enum am_code am_api_request_set_now(struct am_api_request_reader *reader,
                                    struct am_view value,
                                    struct am_error *error);
/* At a public socket, `explain` and `why` are refused. */
enum am_code am_api_request_set_why(struct am_api_request_reader *reader,
                                    struct am_view id,
                                    struct am_error *error);
enum am_code am_api_request_set_explain(struct am_api_request_reader *reader,
                                        bool explain,
                                        struct am_error *error);
enum am_code am_api_request_set_timezone(struct am_api_request_reader *reader,
                                         struct am_view value,
                                         struct am_error *error);
/* JSON, as it is written. Refused without `test`, and at a public socket. */
enum am_code am_api_request_set_state(struct am_api_request_reader *reader,
                                      struct am_view value,
                                      struct am_error *error);
/* At a public socket, a key is refused. */
enum am_code am_api_request_set_user_key(struct am_api_request_reader *reader,
                                         struct am_view value,
                                         struct am_error *error);
enum am_code am_api_request_set_user_caps(struct am_api_request_reader *reader,
                                          struct am_view value,
                                          struct am_error *error);

/* A new slot with default values. To be called at most AM_MAX_SLOTS times. */
struct am_match_slot *am_api_request_add_slot(struct am_api_request_reader *reader);
/* Adds a size that the slot does not have yet; false: it has as many as there may be. */
bool am_api_request_keep_size(struct am_match_slot *slot, uint32_t size);
/* When everything has been given: puts the request together. Without slots it gets one.
 * AM_E_IMPOSSIBLE: more ads wanted in all than AM_MAX_ADS_PER_REQUEST. */
enum am_code am_api_request_finish(struct am_api_request_reader *reader, struct am_error *error);

/* "query", "keywords", ...: the request's member that a field was. */
struct am_view am_api_request_field_name(enum am_match_field_kind kind);

/* ---- percent-encoding ----------------------------------------------------------------------- */

/* Decodes to `memory` (text.size bytes), '+' as a space. False: a '%' without two hexadecimal
 * digits. */
bool am_api_percent_decode(struct am_view text, char *memory, struct am_view *decoded);

/* Path and query string of a URL, decoded to `memory` (url.size bytes), '&' and '+' of the query
 * string as spaces, a '%' that encodes nothing as it is. Scheme and host of an absolute URL, and
 * the fragment, are left out. */
struct am_view am_api_url_words(struct am_view url, char *memory);

/* Where a byte of am_api_url_words is in the URL as it was given. */
struct am_api_url_offset {
    uint32_t byte, utf16;
};

/* The places of all bytes of am_api_url_words(url), and of their end: one more place than there are
 * bytes. */
void am_api_url_offsets(struct am_view url, struct am_api_url_offset *places);

#endif
