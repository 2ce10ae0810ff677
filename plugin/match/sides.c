/* SPDX-License-Identifier: Apache-2.0 */
#include "sides.h"

#include "../model/week.h"
#include "gate.h"

/* Of long lists the first few are shown; of very long ones only how many they are, since each that
 * is shown costs a walk over all. */
enum { SHOWN_MOST = 8, SORTED_MOST = 64 };

static void append_text(struct am_buffer *text, const char *words) {
    am_buffer_append(text, words, strlen(words));
}

/* ", " before all items but the first. */
static void append_comma(struct am_buffer *text, uint32_t index) {
    if (index)
        am_buffer_literal(text, ", ");
}

static void append_more(struct am_buffer *text, uint32_t count) {
    if (count <= SHOWN_MOST)
        return;
    am_buffer_literal(text, " and ");
    am_buffer_unsigned(text, count - SHOWN_MOST);
    am_buffer_literal(text, " more");
}

/* Countries as their codes are written. */
static void
append_value(struct am_buffer *text, enum am_model_attribute attribute, struct am_view value) {
    if (attribute != AM_ATTRIBUTE_COUNTRY || value.size != 2) {
        am_buffer_view_append(text, value);
        return;
    }
    for (size_t i = 0; i < value.size; i++) {
        char upper = value.data[i];
        if (upper >= 'a' && upper <= 'z')
            upper = (char)(upper - 'a' + 'A');
        am_buffer_append(text, &upper, 1);
    }
}

/* ---- what the ad wants ------------------------------------------------------------------------
 */

static struct am_view value_at(const struct am_image *image, struct am_image_list set, uint32_t i) {
    return am_image_string(image, image->terms[set.items[i]].text);
}

/* The smallest value, by bytes, that is larger than `last`; last.data NULL: of all. */
static struct am_view
next_value(const struct am_image *image, struct am_image_list set, struct am_view last) {
    struct am_view next = {NULL, 0};
    for (uint32_t i = 0; i < set.count; i++) {
        struct am_view value = value_at(image, set, i);
        if ((!last.data || am_view_compare(value, last) > 0) &&
            (!next.data || am_view_compare(value, next) < 0))
            next = value;
    }
    return next;
}

static void append_wanted_values(const struct am_image *image,
                                 const struct am_image_tree_node *node,
                                 struct am_buffer *text) {
    struct am_image_list set = am_image_list_at(image, node->set);
    if (set.count > SORTED_MOST) {
        am_buffer_literal(text, "one of ");
        am_buffer_unsigned(text, set.count);
        am_buffer_literal(text, " values");
        return;
    }
    struct am_view value = {NULL, 0};
    for (uint32_t i = 0; i < set.count && i < SHOWN_MOST; i++) {
        value = next_value(image, set, value);
        append_comma(text, i);
        append_value(text, (enum am_model_attribute)node->attribute, value);
    }
    append_more(text, set.count);
}

static bool has_hour(struct am_image_list bits, uint32_t hour) {
    return hour < 168 && bits.items[hour / 32] >> hour % 32 & 1;
}

/* "9-17, 33" */
static void append_wanted_hours(struct am_image_list bits, struct am_buffer *text) {
    uint32_t runs = 0;
    for (uint32_t hour = 0; hour < 168; hour++) {
        uint32_t first = hour;
        if (!has_hour(bits, hour))
            continue;
        while (has_hour(bits, hour + 1))
            hour++;
        if (runs < SHOWN_MOST) {
            append_comma(text, runs);
            am_buffer_unsigned(text, first);
            if (hour > first)
                am_buffer_literal(text, "-");
            if (hour > first)
                am_buffer_unsigned(text, hour);
        }
        runs++;
    }
    append_more(text, runs);
}

/* ---- what the request has ---------------------------------------------------------------------
 */

static bool is_of(const struct am_image *image,
                  const struct am_match_attribute *attribute,
                  const struct am_image_tree_node *node) {
    return attribute->attribute == node->attribute &&
           (node->attribute != AM_ATTRIBUTE_KV ||
            am_view_equal(attribute->key, am_image_string(image, image->terms[node->key].text)));
}

static void append_given_values(const struct am_image *image,
                                const struct am_match_request *request,
                                const struct am_image_tree_node *node,
                                struct am_buffer *text) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < request->attribute_count; i++) {
        const struct am_match_attribute *attribute = &request->attributes[i];
        if (!is_of(image, attribute, node))
            continue;
        if (count < SHOWN_MOST) {
            append_comma(text, count);
            append_value(text, attribute->attribute, attribute->value);
        }
        count++;
    }
    append_more(text, count);
    if (count == 0)
        am_buffer_literal(text, "none");
}

static void append_now(const struct am_image *image,
                       const struct am_match_request *request,
                       const struct am_image_tree_node *node,
                       struct am_buffer *text) {
    uint32_t minute = am_gate_targeting_minute(image, request, node->key);
    if (node->kind == AM_TARGETING_HOURS)
        am_buffer_unsigned(text, minute / 60);
    else
        am_model_week_write(text, minute);
    append_text(text, request->timezone ? " in the request's time zone" : " there");
}

/* ---- members ----------------------------------------------------------------------------------
 */

static void append_values(const struct am_image *image,
                          const struct am_match_request *request,
                          const struct am_image_tree_node *node,
                          struct am_buffer *text) {
    if (node->attribute == AM_ATTRIBUTE_KV) {
        am_buffer_literal(text, ".");
        am_buffer_view_append(text, am_image_string(image, image->terms[node->key].text));
    }
    am_buffer_literal(text, ": wants ");
    append_wanted_values(image, node, text);
    am_buffer_literal(text, "; the request has ");
    append_given_values(image, request, node, text);
}

static void append_times(const struct am_image *image,
                         const struct am_match_request *request,
                         const struct am_image_tree_node *node,
                         struct am_buffer *text) {
    struct am_image_list list = am_image_list_at(image, node->set);
    am_buffer_literal(text, ": wants ");
    if (node->kind == AM_TARGETING_HOURS) {
        append_wanted_hours(list, text);
    } else {
        struct am_view zone = am_image_string(image, list.items[AM_TIMES_ZONE]);
        am_buffer_view_append(text, am_image_string(image, list.items[AM_TIMES_WRITTEN]));
        am_buffer_literal(text, " ");
        am_buffer_view_append(text, zone.size ? zone : AM_VIEW("UTC"));
    }
    am_buffer_literal(text, "; it is ");
    append_now(image, request, node, text);
}

void am_match_sides_member(const struct am_image *image,
                           const struct am_match_request *request,
                           const struct am_image_tree_node *node,
                           struct am_buffer *text) {
    switch ((enum am_model_targeting_kind)node->kind) {
    case AM_TARGETING_ALL:
        am_buffer_literal(text, "all: one of its objects does not hold");
        return;
    case AM_TARGETING_ANY:
        am_buffer_literal(text, "any: none of its objects holds");
        return;
    case AM_TARGETING_NOT:
        am_buffer_literal(text, "not: its object holds");
        return;
    case AM_TARGETING_IN:
        append_text(text, am_model_attribute_name((enum am_model_attribute)node->attribute));
        append_values(image, request, node, text);
        return;
    default:
        append_text(text, am_model_attribute_name((enum am_model_attribute)node->attribute));
        append_times(image, request, node, text);
    }
}

/* ---- sizes ------------------------------------------------------------------------------------
 */

static void append_sizes(const uint32_t *sizes, uint32_t count, struct am_buffer *text) {
    for (uint32_t i = 0; i < count && i < SHOWN_MOST; i++) {
        char size[AM_SIZE_TEXT_SIZE];
        am_model_size_write(sizes[i], size);
        append_comma(text, i);
        append_text(text, size);
    }
    append_more(text, count);
}

void am_match_sides_sizes(const struct am_image *image,
                          am_image_list_ref sizes,
                          const struct am_match_slot *slot,
                          struct am_buffer *text) {
    struct am_image_list list = am_image_list_at(image, sizes);
    append_sizes(list.items, list.count, text);
    am_buffer_literal(text, "; the slot has ");
    append_sizes(slot->sizes, slot->size_count, text);
}
