/* SPDX-License-Identifier: Apache-2.0 */
/* The vocabulary of an inventory: match types, attributes, targeting, sizes; and their names. */
#ifndef AM_MODEL_NAMES_H
#define AM_MODEL_NAMES_H

#include "../base/bytes.h"

enum am_model_match_type {
    AM_MATCH_EXACT,
    AM_MATCH_PHRASE,
    AM_MATCH_BROAD,
    AM_MATCH_ANY,
    AM_MATCH_TYPES
};
const char *
am_model_match_type_name(enum am_model_match_type type); /* "exact", "phrase", "broad", "any" */

enum am_model_attribute {
    AM_ATTRIBUTE_COUNTRY,
    AM_ATTRIBUTE_REGION,
    AM_ATTRIBUTE_METRO,
    AM_ATTRIBUTE_CITY,
    AM_ATTRIBUTE_DEVICE,
    AM_ATTRIBUTE_OS,
    AM_ATTRIBUTE_BROWSER,
    AM_ATTRIBUTE_LANGUAGE,
    AM_ATTRIBUTE_SITE,
    AM_ATTRIBUTE_PLACEMENT,
    AM_ATTRIBUTE_CATEGORY,
    AM_ATTRIBUTE_HOUR,
    AM_ATTRIBUTE_KV,
    AM_ATTRIBUTE_HOURS, /* times of the week; like HOUR, no attribute of requests */
    AM_ATTRIBUTES,
};
const char *am_model_attribute_name(enum am_model_attribute attribute);
/* AM_ATTRIBUTES when there is none of that name. */
enum am_model_attribute am_model_attribute_of(struct am_view name);

/* Values of every attribute but kv compare without ASCII case. Folds the value to lower case into
 * `memory` (value.size bytes) and returns it; kv values come back as they are. */
struct am_view
am_model_attribute_fold(enum am_model_attribute attribute, struct am_view value, char *memory);

/* Categories compare without ASCII case. Folds one to upper case, as IAB writes them, into `memory`
 * (category.size bytes) and returns it. */
struct am_view am_model_category_fold(struct am_view category, char *memory);

enum am_model_targeting_kind {
    AM_TARGETING_ALL, /* every child holds; the root is always one of these, with a child per member
                         as written ("all" lists stay a child of kind ALL) */
    AM_TARGETING_ANY, /* at least one child holds */
    AM_TARGETING_NOT, /* its one child does not hold */
    AM_TARGETING_IN,  /* the request has one of `values` for `attribute` */
    AM_TARGETING_HOURS,
    AM_TARGETING_TIMES, /* the minute of the week is in one of the runs */
};

/* "WIDTHxHEIGHT", each 1..65535, lower-case x: width << 16 | height; 0 when it is not that. */
uint32_t am_model_size_parse(struct am_view text);
enum { AM_SIZE_TEXT_SIZE = 12 };
void am_model_size_write(uint32_t size, char text[AM_SIZE_TEXT_SIZE]);

/* Letters that are missing, too many or wrong in one name for the other (Levenshtein's distance),
 * ASCII case apart; UINT_MAX for names of more than 32 bytes. */
unsigned am_model_letters_apart(struct am_view a, struct am_view b);

/* The name in `names` (NULL-terminated array) nearest to `name` by edit distance, or NULL when none
 * is near (at most a third of its letters differ). */
const char *am_model_nearest_name(struct am_view name, const char *const *names);

#endif
