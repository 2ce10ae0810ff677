/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the inventory room: warnings about what is allowed but seldom meant, each with what
 * was probably meant. */
#ifndef AM_INVENTORY_HINTS_H
#define AM_INVENTORY_HINTS_H

#include "meant.h"
#include "reader.h"

/* A keyword as read; `is_object`: its text was in an object, without notation. */
void am_inventory_hint_keyword(struct am_inventory_reader *reader,
                               const struct am_inventory_keyword *keyword,
                               bool is_object);

/* A value of targeting, folded; returns what it is read as. `member` names it in messages. */
struct am_view am_inventory_hint_value(struct am_inventory_reader *reader,
                                       const char *member,
                                       enum am_model_attribute attribute,
                                       struct am_view value);

/* A name that other records, or requests, must repeat: white space at its ends is seldom meant. */
void am_inventory_hint_name(struct am_inventory_reader *reader,
                            const char *member,
                            struct am_view name);

/* The domain of an advertiser, and the address of an ad. */
void am_inventory_hint_domain(struct am_inventory_reader *reader, struct am_view domain);
void am_inventory_hint_url(struct am_inventory_reader *reader, struct am_view url);

/* The end of the message about an unknown member of `object`: what it was probably meant for, or
 * nothing. `names`: those that there are, NULL at the end. Written to `memory`. */
enum { AM_HINT_SIZE = 160 };
const char *am_inventory_hint_member(enum am_inventory_object object,
                                     struct am_view name,
                                     const char *const *names,
                                     char memory[AM_HINT_SIZE]);

/* What is probably wrong with a line that is no JSON: the end of a message, or "". */
const char *am_inventory_hint_syntax(struct am_view line);

/* For a file that is no JSON Lines: what it is, what was expected, and the command that converts
 * it, as the text before and after the file's name; or NULL. */
struct am_inventory_file_hint {
    const char *is, *expected, *before, *after;
};

/* By a file's first bytes, gzip unpacked; NULL: it may be JSON Lines. */
const struct am_inventory_file_hint *am_inventory_hint_file(struct am_view head);

#endif
