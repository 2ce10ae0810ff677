/* The gates that an ad has to pass, in the order of enum am_gate (docs/DECISION.md section 5). */
#include "matcher.h"

const char *am_gate_name(enum am_gate gate) {
    static const char *const names[AM_GATES] = {
        "paused",
        "not_started",
        "ended",
        "negative_keyword",
        "targeting",
        "size",
        "floor",
        "blocked_advertiser",
        "blocked_category",
        "duplicate_advertiser",
        "excluded_label",
        "outranked",
    };
    return names[gate];
}

static void
block_terms(struct am_matcher *matcher, const struct am_match_views *texts, uint32_t kind) {
    for (uint32_t i = 0; i < texts->count; i++) {
        uint32_t term = am_image_find_term(matcher->image, kind, AM_NONE, texts->items[i]);
        if (term != AM_NONE)
            am_match_idmap_add(&matcher->blocked, term, 0);
    }
}

void am_gate_start(struct am_matcher *matcher, const struct am_match_request *request) {
    am_match_idmap_clear(&matcher->vetoes_asked);
    am_match_idmap_clear(&matcher->blocked);
    AM_POISON_ITEMS(matcher->placed, 0, matcher->placed_count);
    AM_POISON_ITEMS(matcher->placed_candidates, 0, matcher->placed_count);
    matcher->placed_count = 0;
    block_terms(matcher, &request->blocked_advertisers, AM_TERM_ADVERTISER);
    block_terms(matcher, &request->blocked_categories, AM_TERM_CATEGORY);
    block_terms(matcher, &request->blocked_domains, AM_TERM_DOMAIN);
}

/* ---- the gates before size: no slot changes their answer ----------------------------------------
 */

/* Of two postings of negative keywords, either may be AM_NONE, the one whose text is smaller. */
static uint32_t smaller_text(const struct am_image *image, uint32_t a, uint32_t b) {
    if (a == AM_NONE || b == AM_NONE)
        return a == AM_NONE ? b : a;
    int order = am_view_compare(am_image_string(image, image->keywords[a].text),
                                am_image_string(image, image->keywords[b].text));
    return order <= 0 ? a : b;
}

/* The negative keyword of the list that matched, as a posting, or AM_NONE. Lists are shared, and
 * are asked once a request. */
static uint32_t veto_of(struct am_matcher *matcher, am_image_list_ref ref) {
    if (ref == 0)
        return AM_NONE;
    const uint32_t *asked = am_match_idmap_find(&matcher->vetoes_asked, ref);
    if (asked)
        return *asked;
    struct am_image_list set = am_image_list_at(matcher->image, ref);
    uint32_t veto = AM_NONE;
    bool by_hits = matcher->negative_count <= set.count;
    const uint32_t *ids = by_hits ? matcher->negative_ids : set.items;
    uint32_t count = by_hits ? matcher->negative_count : set.count;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t *posting = am_match_idmap_find(&matcher->negatives_hit, ids[i]);
        if (posting && (!by_hits || am_image_list_has(set, ids[i])))
            veto = smaller_text(matcher->image, veto, *posting);
    }
    am_match_idmap_add(&matcher->vetoes_asked, ref, veto);
    return veto;
}

static uint32_t veto(struct am_matcher *matcher, const struct am_image_ad *ad) {
    if (matcher->negative_count == 0)
        return AM_NONE;
    return smaller_text(matcher->image, veto_of(matcher, ad->negatives),
                        veto_of(matcher, ad->campaign_negatives));
}

/* The index, among all tree nodes, of the member that does not hold, or AM_NONE. */
static uint32_t failing_member(struct am_matcher *matcher,
                               const struct am_match_request *request,
                               const struct am_image_ad *ad) {
    const uint32_t trees[] = {ad->tree, ad->campaign_tree};
    for (size_t i = 0; i < AM_COUNT_OF(trees); i++) {
        if (trees[i] == AM_NONE)
            continue;
        uint32_t failing = am_gate_targeting_ask(matcher, request, trees[i]);
        if (failing)
            return matcher->image->trees[trees[i]] + failing - 1;
    }
    return AM_NONE;
}

static enum am_gate fixed_gate(struct am_matcher *matcher,
                               const struct am_match_request *request,
                               const struct am_image_ad *ad,
                               uint32_t *detail) {
    if (ad->flags & AM_AD_PAUSED)
        return AM_GATE_PAUSED;
    if (request->now < ad->start)
        return AM_GATE_NOT_STARTED;
    if (request->now >= ad->end)
        return AM_GATE_ENDED;
    *detail = veto(matcher, ad);
    if (*detail != AM_NONE)
        return AM_GATE_NEGATIVE_KEYWORD;
    *detail = failing_member(matcher, request, ad);
    if (*detail != AM_NONE)
        return AM_GATE_TARGETING;
    return AM_GATES;
}

void am_gate_fixed(struct am_matcher *matcher,
                   const struct am_match_request *request,
                   struct am_match_candidate *candidate) {
    enum am_gate gate =
        fixed_gate(matcher, request, &matcher->image->ads[candidate->ad], &candidate->detail);
    candidate->fixed_gate = candidate->gate = (uint8_t)gate;
}

/* ---- the gates from size on -------------------------------------------------------------------
 */

static bool
fits(const struct am_image *image, const struct am_image_ad *ad, const struct am_match_slot *slot) {
    struct am_image_list sizes = am_image_list_at(image, ad->sizes);
    if (slot->size_count == 0 || sizes.count == 0)
        return true;
    for (uint32_t i = 0; i < slot->size_count; i++)
        if (am_image_list_has(sizes, slot->sizes[i]))
            return true;
    return false;
}

/* Whether the domain, or one above it, is blocked. */
static bool domain_blocked(const struct am_matcher *matcher, uint32_t domain) {
    for (; domain != AM_NONE; domain = matcher->image->terms[domain].key)
        if (am_match_idmap_find(&matcher->blocked, domain))
            return true;
    return false;
}

static enum am_gate
block_gate(const struct am_matcher *matcher, const struct am_image_ad *ad, uint32_t *detail) {
    if (matcher->blocked.count == 0)
        return AM_GATES;
    bool advertiser = am_match_idmap_find(&matcher->blocked, ad->advertiser) != NULL;
    if (advertiser || domain_blocked(matcher, ad->domain)) {
        *detail = advertiser ? ad->advertiser : ad->domain;
        return AM_GATE_BLOCKED_ADVERTISER;
    }
    struct am_image_list categories = am_image_list_at(matcher->image, ad->categories);
    for (uint32_t i = 0; i < categories.count; i++)
        if (am_match_idmap_find(&matcher->blocked, categories.items[i]))
            return AM_GATE_BLOCKED_CATEGORY;
    return AM_GATES;
}

static bool
same_for_unique(const struct am_image *image, enum am_match_unique unique, uint32_t a, uint32_t b) {
    const struct am_image_ad *left = &image->ads[a], *right = &image->ads[b];
    switch (unique) {
    case AM_UNIQUE_ADVERTISER:
        return left->advertiser == right->advertiser;
    case AM_UNIQUE_CAMPAIGN:
        return a == b || (left->campaign != AM_NONE && left->campaign == right->campaign);
    case AM_UNIQUE_AD:
        return a == b;
    default:
        return false;
    }
}

/* The smallest label, by its text, that both lists have, or `best` when that is smaller. */
static uint32_t smallest_shared(const struct am_image *image,
                                am_image_list_ref a,
                                am_image_list_ref b,
                                uint32_t best) {
    struct am_image_list left = am_image_list_at(image, a), right = am_image_list_at(image, b);
    for (uint32_t i = 0; i < left.count && right.count; i++) {
        uint32_t label = left.items[i];
        if (!am_image_list_has(right, label))
            continue;
        if (best == AM_NONE || am_view_compare(am_image_string(image, image->terms[label].text),
                                               am_image_string(image, image->terms[best].text)) < 0)
            best = label;
    }
    return best;
}

static enum am_gate company_gate(const struct am_matcher *matcher,
                                 const struct am_match_request *request,
                                 uint32_t ad,
                                 uint32_t *detail) {
    const struct am_image *image = matcher->image;
    for (uint32_t i = 0; i < matcher->placed_count; i++)
        if (same_for_unique(image, request->unique, ad, matcher->placed[i].ad)) {
            *detail = matcher->placed[i].ad;
            return AM_GATE_DUPLICATE_ADVERTISER;
        }
    const struct am_image_ad *record = &image->ads[ad];
    if (record->labels == 0 && record->exclude_labels == 0)
        return AM_GATES;
    for (uint32_t i = 0; i < matcher->placed_count; i++) {
        const struct am_image_ad *other = &image->ads[matcher->placed[i].ad];
        uint32_t label = smallest_shared(image, record->exclude_labels, other->labels, AM_NONE);
        label = smallest_shared(image, other->exclude_labels, record->labels, label);
        if (label != AM_NONE) {
            *detail = label;
            return AM_GATE_EXCLUDED_LABEL;
        }
    }
    return AM_GATES;
}

enum am_gate am_gate_slot(struct am_matcher *matcher,
                          const struct am_match_request *request,
                          const struct am_match_slot *slot,
                          const struct am_match_candidate *candidate,
                          uint32_t *detail) {
    const struct am_image *image = matcher->image;
    const struct am_image_ad *ad = &image->ads[candidate->ad];
    if (!fits(image, ad, slot))
        return AM_GATE_SIZE;
    if (slot->floor > 0 && image->keywords[candidate->posting].ecpm < (uint64_t)slot->floor)
        return AM_GATE_FLOOR;
    enum am_gate gate = block_gate(matcher, ad, detail);
    return gate != AM_GATES ? gate : company_gate(matcher, request, candidate->ad, detail);
}
