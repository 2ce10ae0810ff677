/* SPDX-License-Identifier: Apache-2.0 */
/* Targeting trees against a request's attributes. */
#include "../model/week.h"
#include "gate.h"

/* Values of a request that are of another attribute. */
enum { TERMS_A_STEP = 16 };

void am_gate_targeting_start(struct am_gate_targeting *targeting,
                             const struct am_match_request *request) {
    const struct am_image *image = targeting->image;
    am_match_idmap_clear(&targeting->trees);
    AM_POISON_ITEMS(targeting->terms, 0, targeting->term_count);
    targeting->term_count = targeting->request_terms = 0;
    if (image->tree_count == 0)
        return;
    for (uint32_t i = 0; i < request->attribute_count; i++) {
        const struct am_match_attribute *attribute = &request->attributes[i];
        uint32_t key = AM_NONE;
        if (attribute->attribute == AM_ATTRIBUTE_KV) {
            key = am_image_find_term(image, AM_TERM_KEY, AM_NONE, attribute->key);
            if (key == AM_NONE)
                continue;
        }
        uint32_t term = am_image_find_term(image, AM_TERM_ATTRIBUTE + attribute->attribute, key,
                                           attribute->value);
        if (term == AM_NONE)
            continue;
        AM_UNPOISON_ITEMS(targeting->terms, targeting->term_count, 1);
        targeting->terms[targeting->term_count++] =
            (struct am_match_request_term){attribute->attribute, term};
    }
    targeting->request_terms = targeting->term_count;
}

void am_gate_targeting_enter(struct am_gate_targeting *targeting,
                             const struct am_match_slot *slot) {
    am_match_idmap_clear(&targeting->trees);
    targeting->term_count = targeting->request_terms;
    uint32_t term = am_image_find_term(targeting->image, AM_TERM_ATTRIBUTE + AM_ATTRIBUTE_PLACEMENT,
                                       AM_NONE, slot->placement);
    if (term == AM_NONE)
        return;
    AM_UNPOISON_ITEMS(targeting->terms, targeting->term_count, 1);
    targeting->terms[targeting->term_count++] =
        (struct am_match_request_term){AM_ATTRIBUTE_PLACEMENT, term};
}

/* Its steps are taken afterwards: there are few more than a budget's end allows. */
static bool has_value(const struct am_gate_targeting *targeting,
                      const struct am_image_tree_node *node) {
    struct am_image_list set = am_image_list_at(targeting->image, node->set);
    uint32_t sought = 0;
    bool found = false;
    for (uint32_t i = 0; i < targeting->term_count && !found; i++)
        if (targeting->terms[i].attribute == node->attribute) {
            sought++;
            found = am_image_list_has(set, targeting->terms[i].term);
        }
    am_match_work_take(targeting->work, AM_STAGE_GATES,
                       am_match_work_of_seeking(sought, set.count));
    return found;
}

uint32_t am_gate_targeting_minute(const struct am_image *image,
                                  const struct am_match_request *request,
                                  uint32_t zone) {
    const struct am_timezone own = am_image_zone_at(image, zone);
    return am_timezone_week_minute(request->timezone ? request->timezone : &own, request->now);
}

static bool in_hours(const struct am_gate_targeting *targeting,
                     const struct am_match_request *request,
                     const struct am_image_tree_node *node) {
    uint32_t hour = am_gate_targeting_minute(targeting->image, request, node->key) / 60;
    struct am_image_list bits = am_image_list_at(targeting->image, node->set);
    return bits.items[hour / 32] >> hour % 32 & 1;
}

static bool in_times(const struct am_gate_targeting *targeting,
                     const struct am_match_request *request,
                     const struct am_image_tree_node *node) {
    uint32_t minute = am_gate_targeting_minute(targeting->image, request, node->key);
    struct am_image_list list = am_image_list_at(targeting->image, node->set);
    for (uint32_t i = AM_TIMES_FIRST; i < list.count; i++)
        if (minute < am_model_week_run_end(list.items[i]))
            return minute >= am_model_week_run_begin(list.items[i]);
    return false;
}

/* Depth is bounded by the inventory's limit, which am_image_verify holds images to. */
static bool holds(const struct am_gate_targeting *targeting,
                  const struct am_match_request *request,
                  const struct am_image_tree_node *root,
                  uint32_t at) {
    const struct am_image_tree_node *node = &root[at];
    switch ((enum am_model_targeting_kind)node->kind) {
    case AM_TARGETING_IN:
        return has_value(targeting, node);
    case AM_TARGETING_HOURS:
        return in_hours(targeting, request, node);
    case AM_TARGETING_TIMES:
        return in_times(targeting, request, node);
    case AM_TARGETING_NOT:
        return !holds(targeting, request, root, at + 1);
    default:
        break;
    }
    bool any = node->kind == AM_TARGETING_ANY;
    for (uint32_t child = at + 1; child < node->end; child = root[child].end)
        if (holds(targeting, request, root, child) == any)
            return any;
    return !any;
}

static uint32_t first_failing(const struct am_gate_targeting *targeting,
                              const struct am_match_request *request,
                              const struct am_image_tree_node *root) {
    for (uint32_t child = 1; child < root->end; child = root[child].end)
        if (!holds(targeting, request, root, child))
            return 1 + child;
    return 0;
}

uint32_t am_gate_targeting_failing(struct am_gate_targeting *targeting,
                                   const struct am_match_request *request,
                                   uint32_t tree) {
    const uint32_t *asked = am_match_idmap_find(&targeting->trees, tree);
    if (asked)
        return *asked;
    const struct am_image_tree_node *root =
        &targeting->image->tree_nodes[targeting->image->trees[tree]];
    uint64_t steps = (uint64_t)root->end * (1 + targeting->term_count / TERMS_A_STEP);
    if (!am_match_work_take(targeting->work, AM_STAGE_GATES, steps))
        return 1;
    uint32_t answer = first_failing(targeting, request, root);
    am_match_idmap_add(&targeting->trees, tree, answer);
    return answer;
}
