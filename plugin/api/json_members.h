/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the api room: JSON objects read by a table of their members, each with a function that
 * takes its value. Strict: for the requests of /v1/decide. */
#ifndef AM_API_JSON_MEMBERS_H
#define AM_API_JSON_MEMBERS_H

#include "request.h"

struct am_api_members {
    struct am_api_request_reader *reader;
    struct am_json json;
    struct am_match_slot *slot; /* that members of a slot are for */
    struct am_error *error;
};

typedef enum am_code
am_api_member_function(struct am_api_members *in, const struct am_json_node *value, int argument);

struct am_api_member {
    struct am_view name;
    am_api_member_function *read;
    int argument;
    bool unlisted; /* not to be named where members are listed for people */
};

#define AM_MEMBER(literal, function, value)                                                        \
    { .name = {literal, sizeof(literal) - 1}, .read = (function), .argument = (value) }
#define AM_MEMBER_UNLISTED(literal, function)                                                      \
    { .name = {literal, sizeof(literal) - 1}, .read = (function), .unlisted = true }

enum { AM_MEMBERS_MAX = 32 };

/* Hands each member's value to its function. A member that is in no table, or stands twice, is an
 * error. */
enum am_code am_api_members_read(struct am_api_members *in,
                                 const struct am_json_node *object,
                                 const struct am_api_member *members,
                                 size_t count);

typedef enum am_code am_api_item_function(struct am_api_members *in,
                                          struct am_view item,
                                          int argument,
                                          struct am_view context);

/* Hands on each string of a list. */
enum am_code am_api_member_list(struct am_api_members *in,
                                const struct am_json_node *list,
                                am_api_item_function *read,
                                int argument,
                                struct am_view context);
/* The same; one string is read as a list of one. */
enum am_code am_api_member_one_or_list(struct am_api_members *in,
                                       const struct am_json_node *node,
                                       am_api_item_function *read,
                                       int argument,
                                       struct am_view context);
/* An object whose members are free keys of kv, each with one value or several. */
enum am_code am_api_member_free_keys(struct am_api_members *in, const struct am_json_node *object);

enum am_code am_api_member_string(struct am_api_members *in,
                                  const struct am_json_node *node,
                                  struct am_view *text);
/* A string's bytes, decoded to the reader's text where something is escaped. */
struct am_view am_api_member_decoded(struct am_api_members *in, const struct am_json_node *node);

/* Adds the place to an error, if it is one. */
enum am_code
am_api_member_at(struct am_api_members *in, const struct am_json_node *node, enum am_code code);
/* "expected WHAT, found a number", with its place. */
enum am_code am_api_member_expected(struct am_api_members *in,
                                    const struct am_json_node *node,
                                    const char *what);

#endif
