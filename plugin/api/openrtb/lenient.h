/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the openrtb files: values of bid requests, read whatever their type.
 *
 * Exchanges throttle bidders that refuse requests, and many senders get a member wrong. So what
 * can be read is read, whatever its type; what cannot is passed over; and where it restricts bids,
 * there is no bid. Whatever is not as the specification has it is odd, and counted by member.
 *
 * No function here fails. */
#ifndef AM_API_OPENRTB_LENIENT_H
#define AM_API_OPENRTB_LENIENT_H

#include "openrtb.h"

/* The reading of one request. */
struct am_openrtb_reading {
    struct am_openrtb *openrtb;
    struct am_api_request_reader *reader;
    struct am_json json;
    uint32_t node_count;                    /* of the reader's nodes, that are in use */
    struct am_match_slot *slot;             /* of the impression that is being read */
    enum am_model_creative_kind kind;       /* that is being read */
    const struct am_openrtb_member *member; /* that is being read; never NULL */
};

/* What several values of a member in one object mean, and one that cannot be read. */
enum am_openrtb_weight {
    AM_OPENRTB_LAST,    /* the last counts; what cannot be read is passed over */
    AM_OPENRTB_EACH,    /* all are read, as one; what cannot be read is passed over */
    AM_OPENRTB_BINDS,   /* all are read; one that cannot be read forbids bids: of the impression
                           that it stands in, or else any */
    AM_OPENRTB_PROTECTS /* all are read; one that cannot be read says that the user is private */
};

typedef void am_openrtb_member_function(struct am_openrtb_reading *in,
                                        const struct am_json_node *value,
                                        int argument);

struct am_openrtb_member {
    struct am_view name;
    enum am_openrtb_member_id id;
    enum am_openrtb_weight weight;
    am_openrtb_member_function *read;
    int argument;
};

/* ID, name, weight, function, argument. */
#define AM_OPENRTB_MEMBER(ID, literal, weight_of, ...)                                             \
    { {literal, sizeof(literal) - 1}, AM_OPENRTB_##ID, AM_OPENRTB_##weight_of, __VA_ARGS__ }

enum { AM_OPENRTB_MEMBERS_OF_OBJECT = 32 };

/* ---- what is wrong -------------------------------------------------------------------------- */

/* No bid at all, for this reason or for one found before. */
void am_openrtb_forbid(struct am_openrtb *openrtb, enum am_openrtb_no_bid reason);
/* The member that is being read is not as the specification has it. */
void am_openrtb_odd(struct am_openrtb_reading *in);
/* It cannot be read: what that means, its weight says. */
void am_openrtb_unreadable(struct am_openrtb_reading *in);

/* ---- values --------------------------------------------------------------------------------- */

/* False: there is no value, and *text and the like stay. An empty string is none; a list of one
 * value is that value. */

/* Without white space at its ends. */
struct am_view am_openrtb_trimmed(struct am_view text);
/* The bytes of a string. */
struct am_view am_openrtb_decoded(struct am_openrtb_reading *in, const struct am_json_node *node);
/* A string; a number as it is written. */
bool am_openrtb_text(struct am_openrtb_reading *in,
                     const struct am_json_node *value,
                     struct am_view *text);
/* A number, also in quotes, as it is written. */
bool am_openrtb_number(struct am_openrtb_reading *in,
                       const struct am_json_node *value,
                       struct am_view *number);
/* A number that is whole. */
bool am_openrtb_whole(struct am_openrtb_reading *in,
                      const struct am_json_node *value,
                      int64_t *whole);
/* The same of a text. */
bool am_openrtb_whole_of(struct am_view number, int64_t *whole);
/* 0 and false are no, any other number and true are yes; also in quotes. */
bool am_openrtb_flag(struct am_openrtb_reading *in, const struct am_json_node *value, bool *flag);

/* ---- lists and objects ---------------------------------------------------------------------- */

typedef void
am_openrtb_item_function(struct am_openrtb_reading *in, struct am_view item, int argument);

/* Hands on each item of a list of strings. One string is a list, parted by commas. */
void am_openrtb_list(struct am_openrtb_reading *in,
                     const struct am_json_node *value,
                     am_openrtb_item_function *read,
                     int argument);
/* The same for a list of numbers, which are handed on as they are written. */
void am_openrtb_numbers(struct am_openrtb_reading *in,
                        const struct am_json_node *value,
                        am_openrtb_item_function *read,
                        int argument);
/* Hands on what stands between the commas, without white space at its ends, unless it is empty. */
void am_openrtb_split(struct am_openrtb_reading *in,
                      struct am_view text,
                      am_openrtb_item_function *read,
                      int argument);

/* Hands each member's value to its function. An empty list is an object without members. False:
 * there is no object. */
bool am_openrtb_object(struct am_openrtb_reading *in,
                       const struct am_json_node *value,
                       const struct am_openrtb_member *members,
                       size_t count);
/* Hands on each object of a list of objects, as a value that is an object. */
void am_openrtb_objects(struct am_openrtb_reading *in,
                        const struct am_json_node *value,
                        am_openrtb_member_function *read,
                        int argument);

/* ---- parts of reading ----------------------------------------------------------------------- */

am_openrtb_member_function am_openrtb_read_impressions;
am_openrtb_member_function am_openrtb_read_site;
am_openrtb_member_function am_openrtb_read_app;
am_openrtb_member_function am_openrtb_read_screen;
am_openrtb_member_function am_openrtb_read_device;
am_openrtb_member_function am_openrtb_read_regulations;
/* After all else, since it depends on the device and the regulations. */
void am_openrtb_read_user(struct am_openrtb_reading *in);
/* What was said of place and device becomes attributes. */
void am_openrtb_finish_context(struct am_openrtb_reading *in);

/* A value of an attribute. One that is longer than any in an inventory is passed over, and so are
 * those that there is no room for. */
am_openrtb_item_function am_openrtb_add_attribute;
/* The same of a free key. */
void am_openrtb_add_free_value(struct am_openrtb_reading *in,
                               struct am_view key,
                               struct am_view value);
/* A string to keep: `argument` is its place (offsetof) in struct am_openrtb. */
am_openrtb_member_function am_openrtb_keep;

#endif
