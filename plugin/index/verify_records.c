/* SPDX-License-Identifier: Apache-2.0 */
/* Deep verification of targeting trees, ads and campaigns. */
#include "../base/timezone.h"
#include "../model/week.h"
#include "verify.h"

/* ---- trees ------------------------------------------------------------------------------------
 */

/* Objects, not, any and all nested to the inventory's limit make at most two nodes each. */
enum { TREE_MAX_DEPTH = 2 * AM_TARGETING_MAX_DEPTH + 2 };

static const char *times_problem(const struct am_image_verifier *verifier,
                                 const struct am_image_tree_node *node) {
    const struct am_image *image = verifier->image;
    if (node->attribute != AM_ATTRIBUTE_HOURS)
        return "times of another attribute";
    if (!am_image_verify_list(verifier, node->set))
        return "times need a list";
    struct am_image_list list = am_image_list_at(image, node->set);
    if (list.count <= AM_TIMES_FIRST || list.count > AM_TIMES_FIRST + AM_HOURS_MAX_RUNS ||
        !am_image_verify_text(verifier, list.items[AM_TIMES_WRITTEN], 1, AM_HOURS_MAX_BYTES) ||
        !am_image_verify_text(verifier, list.items[AM_TIMES_ZONE], 0, AM_ID_MAX_BYTES))
        return "times need their texts and a run";
    for (uint32_t i = AM_TIMES_FIRST, before = 0; i < list.count; i++) {
        uint32_t begin = am_model_week_run_begin(list.items[i]);
        uint32_t end = am_model_week_run_end(list.items[i]);
        if (begin >= end || end > AM_WEEK_MINUTES || (i > AM_TIMES_FIRST && begin <= before))
            return "its times are no ascending runs of a week";
        before = end;
    }
    return node->key == AM_NONE || node->key < image->zone_count ? NULL : "no such time zone";
}

static const char *leaf_problem(const struct am_image_verifier *verifier,
                                const struct am_image_tree_node *node) {
    const struct am_image *image = verifier->image;
    if (node->kind == AM_TARGETING_HOURS) {
        if (node->attribute != AM_ATTRIBUTE_HOUR)
            return "hours of another attribute";
        if (!am_image_verify_list(verifier, node->set) ||
            am_image_list_at(image, node->set).count != 6)
            return "hours need a list of six";
        return node->key == AM_NONE || node->key < image->zone_count ? NULL : "no such time zone";
    }
    if (node->kind == AM_TARGETING_TIMES)
        return times_problem(verifier, node);
    if (node->attribute >= AM_ATTRIBUTES || node->attribute == AM_ATTRIBUTE_HOUR ||
        node->attribute == AM_ATTRIBUTE_HOURS)
        return "unknown attribute";
    if (node->attribute == AM_ATTRIBUTE_KV &&
        !am_image_verify_is_term(image, node->key, AM_TERM_KEY))
        return "its key is no key term";
    return am_image_verify_ascending(verifier, node->set, image->term_count)
               ? NULL
               : "its values are no ascending list of terms";
}

/* Checks the subtree at root[at], which must end at or before `end`; NULL when fine. */
static const char *subtree_problem(const struct am_image_verifier *verifier,
                                   const struct am_image_tree_node *root,
                                   uint32_t at,
                                   uint32_t end,
                                   unsigned depth) {
    const struct am_image_tree_node *node = &root[at];
    if (depth > TREE_MAX_DEPTH)
        return "nested too deep";
    if (node->end <= at || node->end > end)
        return "its end is out of place";
    if (node->kind > AM_TARGETING_TIMES)
        return "unknown kind";
    if (node->kind > AM_TARGETING_NOT)
        return node->end == at + 1 ? leaf_problem(verifier, node) : "a leaf with children";
    uint32_t children = 0;
    for (uint32_t child = at + 1; child < node->end; child = root[child].end, children++) {
        const char *problem = subtree_problem(verifier, root, child, node->end, depth + 1);
        if (problem)
            return problem;
    }
    return node->kind == AM_TARGETING_NOT && children != 1 ? "not needs one child" : NULL;
}

/* The tree that begins at the node `first`. */
static const char *tree_problem(const struct am_image_verifier *verifier, uint64_t first) {
    const struct am_image *image = verifier->image;
    uint64_t left = image->tree_node_count - first;
    if (left == 0)
        return "no such node";
    const struct am_image_tree_node *root = &image->tree_nodes[first];
    if (root->kind != AM_TARGETING_ALL)
        return "its root must be of kind all";
    return subtree_problem(verifier, root, 0,
                           left < AM_TREE_MAX_NODES ? (uint32_t)left : AM_TREE_MAX_NODES, 0);
}

/* One after the other: each node is in one tree. */
static bool verify_trees(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    uint64_t next = 0;
    for (uint64_t i = 0; i < image->tree_count; i++) {
        const char *problem = image->trees[i] == next ? tree_problem(verifier, next)
                                                      : "it does not begin where the last one ends";
        if (problem)
            return am_image_verify_fail(verifier, "trees", i, problem);
        next += image->tree_nodes[next].end;
    }
    return next == image->tree_node_count ||
           am_image_verify_fail(verifier, "tree nodes", next, "a node of no tree");
}

/* ---- ads and campaigns ------------------------------------------------------------------------
 */

static bool is_tree(const struct am_image *image, uint32_t tree) {
    return tree == AM_NONE || tree < image->tree_count;
}

/* Explain writes times as dates. `none`: there is no such time. */
static bool is_time(int64_t time, int64_t none) {
    return time == none || (time >= AM_TIME_MIN && time <= AM_TIME_MAX);
}

/* Campaigns have the same part in all of their ads: the matcher makes room for one list of negative
 * keywords by campaign. */
static const char *campaign_problem(struct am_image_verifier *verifier, uint32_t index) {
    const struct am_image *image = verifier->image;
    const struct am_image_ad *ad = &image->ads[index];
    if (ad->campaign == AM_NONE)
        return ad->campaign_negatives == 0 && ad->campaign_tree == AM_NONE
                   ? NULL
                   : "it has a campaign's rules and no campaign";
    if (ad->campaign >= image->settings->campaign_count)
        return "no such campaign";
    uint32_t *first = &verifier->first_ads[ad->campaign];
    if (*first == AM_NONE)
        *first = index;
    return ad->campaign_negatives == image->ads[*first].campaign_negatives &&
                   ad->campaign_tree == image->ads[*first].campaign_tree
               ? NULL
               : "its campaign has other rules in another ad";
}

static const char *ad_problem(const struct am_image_verifier *verifier,
                              const struct am_image_ad *ad) {
    const struct am_image *image = verifier->image;
    uint64_t terms = image->term_count, negatives = image->settings->negative_count;
    if (!is_time(ad->start, INT64_MIN) || !is_time(ad->end, INT64_MAX))
        return "its start or end is in no year from 0 to 9999";
    if (!am_image_verify_is_term(image, ad->advertiser, AM_TERM_ADVERTISER))
        return "its advertiser is no advertiser term";
    if (ad->domain != AM_NONE && !am_image_verify_is_term(image, ad->domain, AM_TERM_DOMAIN))
        return "its domain is no domain term";
    if (!is_tree(image, ad->tree) || !is_tree(image, ad->campaign_tree))
        return "no such targeting tree";
    if (!am_image_verify_ascending(verifier, ad->negatives, negatives) ||
        !am_image_verify_ascending(verifier, ad->campaign_negatives, negatives))
        return "its negatives are no ascending list of negative ids";
    if (!am_image_verify_ascending(verifier, ad->sizes, UINT64_C(1) << 32))
        return "its sizes are no ascending list";
    if (!am_image_verify_ascending(verifier, ad->labels, terms) ||
        !am_image_verify_ascending(verifier, ad->exclude_labels, terms) ||
        !am_image_verify_ascending(verifier, ad->categories, terms))
        return "its labels or categories are no ascending lists of terms";
    return NULL;
}

/* Each macro is where its item says, after the previous one. */
static bool macros_fine(const struct am_image_verifier *verifier,
                        const struct am_image_ad_details *details) {
    const struct am_image *image = verifier->image;
    size_t ends[2] = {0, 0};
    if (!am_image_verify_ascending(verifier, details->macros, UINT64_C(1) << 32))
        return false;
    struct am_image_list list = am_image_list_at(image, details->macros);
    if (list.count > AM_AD_MAX_MACROS)
        return false;
    for (uint32_t i = 0; i < list.count; i++) {
        bool creative = am_image_macro_is_in_creative(list.items[i]);
        struct am_view text = am_image_string(image, creative ? details->creative : details->url);
        enum am_model_macro macro = am_image_macro(list.items[i]);
        size_t at = am_image_macro_at(list.items[i]), found = at;
        if (at < ends[creative] || at > text.size ||
            am_model_macro_find(text, creative, &found) != macro || found != at)
            return false;
        ends[creative] = at + am_model_macro_text(macro).size;
    }
    return true;
}

static const char *details_problem(struct am_image_verifier *verifier,
                                   const struct am_image_ad_details *details) {
    if (!am_image_verify_text(verifier, details->id, 1, AM_ID_MAX_BYTES))
        return "its id is no name";
    if (!am_image_verify_text(verifier, details->url, 0, AM_URL_MAX_BYTES))
        return "its url is no text, or too long";
    if (!am_image_verify_creative(verifier, details->creative))
        return "its creative is no JSON object, or too large";
    if (details->quality > AM_PER_MILLE_MAX)
        return "its quality is above the limit";
    if (!am_image_verify_ascending(verifier, details->categories, verifier->image->term_count))
        return "its categories are no ascending list of terms";
    return macros_fine(verifier, details) ? NULL : "its macros are not where its list has them";
}

/* A matcher reads the items of a list that is not empty. */
static const char *creative_problem(const struct am_image_verifier *verifier, uint32_t ad) {
    const struct am_image *image = verifier->image;
    if (!am_image_verify_list(verifier, image->creatives[ad]))
        return "its creative has no list";
    struct am_image_list list = am_image_list_at(image, image->creatives[ad]);
    if (list.count == 0)
        return NULL;
    if (list.count != AM_CREATIVE_ITEMS)
        return "its creative has a list of another length";
    uint32_t app = list.items[AM_CREATIVE_APP];
    return app == AM_NONE || am_image_verify_is_term(image, app, AM_TERM_APP)
               ? NULL
               : "its app is no app term";
}

static bool verify_ads(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    for (uint32_t i = 0; i < image->settings->ad_count; i++) {
        const char *problem = ad_problem(verifier, &image->ads[i]);
        if (!problem)
            problem = campaign_problem(verifier, i);
        if (problem)
            return am_image_verify_fail(verifier, "ads", i, problem);
        problem = details_problem(verifier, &image->details[i]);
        if (problem)
            return am_image_verify_fail(verifier, "ad details", i, problem);
        problem = creative_problem(verifier, i);
        if (problem)
            return am_image_verify_fail(verifier, "creatives", i, problem);
    }
    return true;
}

static bool verify_campaigns(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    for (uint32_t i = 0; i < image->settings->campaign_count; i++)
        if (!am_image_verify_text(verifier, image->campaigns[i].id, 1, AM_ID_MAX_BYTES) ||
            !am_image_verify_text(verifier, image->campaigns[i].timezone, 0, AM_ID_MAX_BYTES) ||
            image->campaigns[i].flags > AM_CAMPAIGN_PAUSED ||
            !am_image_verify_is_term(image, image->campaigns[i].advertiser, AM_TERM_ADVERTISER))
            return am_image_verify_fail(verifier, "campaigns", i,
                                        "its id, advertiser, time zone or flags are wrong");
    return true;
}

bool am_image_verify_records(struct am_image_verifier *verifier) {
    return verify_trees(verifier) && verify_ads(verifier) && verify_campaigns(verifier);
}
