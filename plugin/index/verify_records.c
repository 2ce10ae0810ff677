/* Deep verification of all that hangs on ads: strings, lists, terms, targeting trees. */
#include "../base/timezone.h"
#include "verify.h"

/* Objects, not, any and all nested to the inventory's limit make at most two nodes each. */
enum { TREE_MAX_DEPTH = 2 * AM_TARGETING_MAX_DEPTH + 2 };

bool am_image_verify_string(const struct am_image_verifier *verifier, am_image_string_ref ref) {
    return ref < verifier->image->strings_size / 4 &&
           am_build_bit_get(verifier->string_starts, ref);
}

static bool verify_set(const struct am_image_verifier *verifier, am_image_list_ref ref) {
    return ref < verifier->image->set_count && am_build_bit_get(verifier->set_starts, ref);
}

/* A list that ascends strictly, all items below `limit`. */
static bool
verify_ascending(const struct am_image_verifier *verifier, am_image_list_ref ref, uint64_t limit) {
    if (!verify_set(verifier, ref))
        return false;
    struct am_image_list set = am_image_list_at(verifier->image, ref);
    for (uint32_t i = 0; i < set.count; i++)
        if (set.items[i] >= limit || (i && set.items[i] <= set.items[i - 1]))
            return false;
    return true;
}

static bool verify_strings(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    uint64_t at = 0;
    while (at < image->strings_size) {
        uint64_t size = am_bytes_load_u32(image->strings + at);
        if (size > image->strings_size - at - 4)
            return am_image_verify_fail(verifier, "strings", at / 4, "reaches past the end");
        if (at == 0 && size != 0)
            return am_image_verify_fail(verifier, "strings", 0, "the first must be empty");
        am_build_bit_set(verifier->string_starts, at / 4);
        at += (4 + size + 3) / 4 * 4;
    }
    return true;
}

static bool verify_sets(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    for (uint64_t at = 0; at < image->set_count; at += 1 + (uint64_t)image->sets[at]) {
        if (image->sets[at] > image->set_count - at - 1)
            return am_image_verify_fail(verifier, "sets", at, "reaches past the end");
        if (at == 0 && image->sets[0] != 0)
            return am_image_verify_fail(verifier, "sets", 0, "the first must be empty");
        am_build_bit_set(verifier->set_starts, at);
    }
    return true;
}

/* ---- terms ------------------------------------------------------------------------------------
 */

static bool is_term(const struct am_image *image, uint32_t term, uint32_t kind) {
    return term < image->term_count && image->terms[term].kind == kind;
}

/* A parent is a shorter domain, so that the way up ends. */
static bool domain_parent_fine(const struct am_image *image, const struct am_image_term *term) {
    if (term->key == AM_NONE)
        return true;
    return is_term(image, term->key, AM_TERM_DOMAIN) &&
           am_image_string(image, image->terms[term->key].text).size <
               am_image_string(image, term->text).size;
}

static bool key_fine(const struct am_image *image, const struct am_image_term *term) {
    if (term->kind == AM_TERM_ATTRIBUTE + AM_ATTRIBUTE_KV)
        return is_term(image, term->key, AM_TERM_KEY);
    if (term->kind == AM_TERM_DOMAIN)
        return domain_parent_fine(image, term);
    return term->key == AM_NONE;
}

static bool verify_terms(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    for (uint64_t i = 0; i < image->term_count; i++)
        if (!am_image_verify_string(verifier, image->terms[i].text))
            return am_image_verify_fail(verifier, "terms", i, "its text is no string");
    for (uint64_t i = 0; i < image->term_count; i++) {
        const struct am_image_term *term = &image->terms[i];
        if (term->kind > AM_TERM_LABEL ||
            (term->kind >= AM_TERM_ATTRIBUTE + AM_ATTRIBUTES && term->kind < AM_TERM_KEY))
            return am_image_verify_fail(verifier, "terms", i, "unknown kind");
        if (!key_fine(image, term))
            return am_image_verify_fail(verifier, "terms", i, "its key does not fit its kind");
    }
    return true;
}

static bool verify_term_table(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    uint64_t used = 0;
    for (uint64_t i = 0; i < image->term_slots; i++) {
        if (image->term_table[i] == AM_NONE)
            continue;
        if (image->term_table[i] >= image->term_count)
            return am_image_verify_fail(verifier, "term table", i, "no such term");
        used++;
    }
    if (used == image->term_slots)
        return am_image_verify_fail(verifier, "term table", 0, "it is full");
    for (uint32_t i = 0; i < image->term_count; i++) {
        const struct am_image_term *term = &image->terms[i];
        uint32_t key = term->kind == AM_TERM_DOMAIN ? AM_NONE : term->key;
        if (am_image_find_term(image, term->kind, key, am_image_string(image, term->text)) != i)
            return am_image_verify_fail(verifier, "term table", i,
                                        "a term is not found by its text");
    }
    return true;
}

/* ---- trees ------------------------------------------------------------------------------------
 */

static const char *leaf_problem(const struct am_image_verifier *verifier,
                                const struct am_image_tree_node *node) {
    const struct am_image *image = verifier->image;
    if (node->kind == AM_TARGETING_HOURS) {
        if (node->attribute != AM_ATTRIBUTE_HOUR)
            return "hours of another attribute";
        if (!verify_set(verifier, node->set) || am_image_list_at(image, node->set).count != 6)
            return "hours need a list of six";
        return am_image_verify_string(verifier, node->key) ? NULL : "its time zone is no string";
    }
    if (node->attribute >= AM_ATTRIBUTES || node->attribute == AM_ATTRIBUTE_HOUR)
        return "unknown attribute";
    if (node->attribute == AM_ATTRIBUTE_KV && !is_term(image, node->key, AM_TERM_KEY))
        return "its key is no key term";
    return verify_ascending(verifier, node->set, image->term_count)
               ? NULL
               : "its values are no ascending list of terms";
}

/* Checks the subtree at root[at], which must end at or before `end`; NULL when fine. */
static const char *tree_problem(const struct am_image_verifier *verifier,
                                const struct am_image_tree_node *root,
                                uint32_t at,
                                uint32_t end,
                                unsigned depth) {
    const struct am_image_tree_node *node = &root[at];
    if (depth > TREE_MAX_DEPTH)
        return "nested too deep";
    if (node->end <= at || node->end > end)
        return "its end is out of place";
    if (node->kind > AM_TARGETING_HOURS)
        return "unknown kind";
    if (node->kind > AM_TARGETING_NOT)
        return node->end == at + 1 ? leaf_problem(verifier, node) : "a leaf with children";
    uint32_t children = 0;
    for (uint32_t child = at + 1; child < node->end; child = root[child].end, children++) {
        const char *problem = tree_problem(verifier, root, child, node->end, depth + 1);
        if (problem)
            return problem;
    }
    return node->kind == AM_TARGETING_NOT && children != 1 ? "not needs one child" : NULL;
}

static bool verify_trees(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    for (uint64_t i = 0; i < image->tree_count; i++) {
        uint32_t first = image->trees[i];
        if (first >= image->tree_node_count)
            return am_image_verify_fail(verifier, "trees", i, "no such node");
        const struct am_image_tree_node *root = &image->tree_nodes[first];
        uint64_t left = image->tree_node_count - first;
        uint32_t end = left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
        if (root->kind != AM_TARGETING_ALL)
            return am_image_verify_fail(verifier, "trees", i, "its root must be of kind all");
        const char *problem = tree_problem(verifier, root, 0, end, 0);
        if (problem)
            return am_image_verify_fail(verifier, "trees", i, problem);
    }
    /* am_matcher_attach reads the time zones of all nodes, of trees or not. */
    for (uint64_t i = 0; i < image->tree_node_count; i++)
        if (image->tree_nodes[i].kind == AM_TARGETING_HOURS &&
            !am_image_verify_string(verifier, image->tree_nodes[i].key))
            return am_image_verify_fail(verifier, "tree nodes", i, "its time zone is no string");
    return true;
}

/* ---- ads and campaigns ------------------------------------------------------------------------
 */

static bool tree_fine(const struct am_image *image, uint32_t tree) {
    return tree == AM_NONE || tree < image->tree_count;
}

/* Explain writes times as dates. `none`: there is no such time. */
static bool time_fine(int64_t time, int64_t none) {
    return time == none || (time >= AM_TIME_MIN && time <= AM_TIME_MAX);
}

static const char *ad_problem(const struct am_image_verifier *verifier,
                              const struct am_image_ad *ad) {
    const struct am_image *image = verifier->image;
    uint64_t terms = image->term_count, negatives = image->settings->negative_count;
    if (!time_fine(ad->start, INT64_MIN) || !time_fine(ad->end, INT64_MAX))
        return "its start or end is in no year from 0 to 9999";
    if (ad->campaign != AM_NONE && ad->campaign >= image->settings->campaign_count)
        return "no such campaign";
    if (!is_term(image, ad->advertiser, AM_TERM_ADVERTISER))
        return "its advertiser is no advertiser term";
    if (ad->domain != AM_NONE && !is_term(image, ad->domain, AM_TERM_DOMAIN))
        return "its domain is no domain term";
    if (!tree_fine(image, ad->tree) || !tree_fine(image, ad->campaign_tree))
        return "no such targeting tree";
    if (!verify_ascending(verifier, ad->negatives, negatives) ||
        !verify_ascending(verifier, ad->campaign_negatives, negatives))
        return "its negatives are no ascending list of negative ids";
    if (!verify_ascending(verifier, ad->sizes, UINT64_C(1) << 32))
        return "its sizes are no ascending list";
    if (!verify_ascending(verifier, ad->labels, terms) ||
        !verify_ascending(verifier, ad->exclude_labels, terms) ||
        !verify_ascending(verifier, ad->categories, terms))
        return "its labels or categories are no ascending lists of terms";
    return NULL;
}

static const char *details_problem(const struct am_image_verifier *verifier,
                                   const struct am_image_ad_details *details) {
    if (!am_image_verify_string(verifier, details->id) ||
        !am_image_verify_string(verifier, details->url) ||
        !am_image_verify_string(verifier, details->creative))
        return "its id, url or creative is no string";
    if (am_image_string(verifier->image, details->creative).size > AM_CREATIVE_MAX_BYTES)
        return "its creative is too large";
    if (details->quality > AM_PER_MILLE_MAX)
        return "its quality is above the limit";
    return verify_ascending(verifier, details->categories, verifier->image->term_count)
               ? NULL
               : "its categories are no ascending list of terms";
}

static bool verify_ads(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    for (uint32_t i = 0; i < image->settings->ad_count; i++) {
        const char *problem = ad_problem(verifier, &image->ads[i]);
        if (problem)
            return am_image_verify_fail(verifier, "ads", i, problem);
        problem = details_problem(verifier, &image->details[i]);
        if (problem)
            return am_image_verify_fail(verifier, "ad details", i, problem);
    }
    for (uint32_t i = 0; i < image->settings->campaign_count; i++)
        if (!am_image_verify_string(verifier, image->campaigns[i].id) ||
            !is_term(image, image->campaigns[i].advertiser, AM_TERM_ADVERTISER))
            return am_image_verify_fail(verifier, "campaigns", i, "its id or advertiser is wrong");
    return true;
}

bool am_image_verify_records(struct am_image_verifier *verifier) {
    return verify_strings(verifier) && verify_sets(verifier) && verify_terms(verifier) &&
           verify_term_table(verifier) && verify_trees(verifier) && verify_ads(verifier);
}
