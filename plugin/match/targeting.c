/* Targeting trees against a request's attributes. */
#include "matcher.h"

void am_gate_targeting_start(struct am_matcher *matcher, const struct am_match_request *request) {
    const struct am_image *image = matcher->image;
    am_match_idmap_clear(&matcher->trees_asked);
    AM_POISON_ITEMS(matcher->terms, 0, matcher->term_count);
    matcher->term_count = 0;
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
        AM_UNPOISON_ITEMS(matcher->terms, matcher->term_count, 1);
        matcher->terms[matcher->term_count++] =
            (struct am_match_request_term){attribute->attribute, term};
    }
}

static bool has_value(const struct am_matcher *matcher, const struct am_image_tree_node *node) {
    struct am_image_list set = am_image_list_at(matcher->image, node->set);
    for (uint32_t i = 0; i < matcher->term_count; i++)
        if (matcher->terms[i].attribute == node->attribute &&
            am_image_list_has(set, matcher->terms[i].term))
            return true;
    return false;
}

static bool in_hours(const struct am_matcher *matcher,
                     const struct am_match_request *request,
                     const struct am_image_tree_node *node) {
    /* Reference 0, the empty string, is UTC, and so is NULL. */
    const struct am_timezone *zone = request->timezone;
    if (!zone && node->key)
        zone = am_timezone_find(matcher->zones, am_image_string(matcher->image, node->key));
    unsigned hour = am_timezone_week_hour(zone, request->now);
    struct am_image_list bits = am_image_list_at(matcher->image, node->set);
    return bits.items[hour / 32] >> hour % 32 & 1;
}

/* Depth is bounded by the inventory's limit, which am_image_verify holds images to. */
static bool holds(const struct am_matcher *matcher,
                  const struct am_match_request *request,
                  const struct am_image_tree_node *root,
                  uint32_t at) {
    const struct am_image_tree_node *node = &root[at];
    switch ((enum am_model_targeting_kind)node->kind) {
    case AM_TARGETING_IN:
        return has_value(matcher, node);
    case AM_TARGETING_HOURS:
        return in_hours(matcher, request, node);
    case AM_TARGETING_NOT:
        return !holds(matcher, request, root, at + 1);
    default:
        break;
    }
    bool any = node->kind == AM_TARGETING_ANY;
    for (uint32_t child = at + 1; child < node->end; child = root[child].end)
        if (holds(matcher, request, root, child) == any)
            return any;
    return !any;
}

static uint32_t first_failing(const struct am_matcher *matcher,
                              const struct am_match_request *request,
                              const struct am_image_tree_node *root) {
    for (uint32_t child = 1; child < root->end; child = root[child].end)
        if (!holds(matcher, request, root, child))
            return 1 + child;
    return 0;
}

uint32_t am_gate_targeting_ask(struct am_matcher *matcher,
                               const struct am_match_request *request,
                               uint32_t tree) {
    const uint32_t *asked = am_match_idmap_find(&matcher->trees_asked, tree);
    if (asked)
        return *asked;
    uint32_t answer =
        first_failing(matcher, request, &matcher->image->tree_nodes[matcher->image->trees[tree]]);
    am_match_idmap_add(&matcher->trees_asked, tree, answer);
    return answer;
}
