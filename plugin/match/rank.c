/* Hits to ads, best first: a merge of posting lists that stops as early as its caller does.
 *
 * Every list is in rank order, so a heap of lists gives the postings in rank order; an ad's first
 * posting is its best keyword. Only postings of equal rank have to be collected, because the
 * request's id decides among them. */
#include "matcher.h"

enum { FETCHED = 4 };

/* ---- the heap of lists ------------------------------------------------------------------------
 */

static void sift_list(struct am_list *lists, uint32_t count, uint32_t at) {
    struct am_list moved = lists[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= count)
            break;
        if (child + 1 < count && lists[child + 1].rank < lists[child].rank)
            child++;
        if (lists[child].rank >= moved.rank)
            break;
        lists[at] = lists[child];
        at = child;
    }
    lists[at] = moved;
}

/* Adds the postings of a terminal as a list; notes the negative keywords at its front. */
static void add_list(struct am_matcher *matcher, uint32_t terminal, uint32_t hit) {
    const struct am_posting *posting = &matcher->image->postings[terminal];
    for (; posting->rank == 0; posting++) {
        uint32_t id = am_posting_ad(posting);
        uint32_t index = (uint32_t)(posting - matcher->image->postings);
        if (am_idmap_add(&matcher->negatives_hit, id, index))
            matcher->negative_ids[matcher->negative_count++] = id;
        if (am_posting_is_last(posting))
            return;
    }
    matcher->lists[matcher->list_count++] =
        (struct am_list){posting->rank, (uint32_t)(posting - matcher->image->postings), hit};
}

/* Of a keyword found several times, the first place counts: hits of one terminal stand in text
 * order. */
static void distinct_hits(struct am_matcher *matcher) {
    size_t kept = 0;
    for (size_t i = 0; i < matcher->hit_count; i++) {
        struct am_hit hit = matcher->hits[i];
        if (hit.word != AM_NONE && !am_idmap_add(&matcher->terminals_hit, hit.terminal, 0))
            continue;
        matcher->hits[kept++] = hit;
        __builtin_prefetch(&matcher->image->postings[hit.terminal]);
    }
    matcher->hit_count = kept;
}

/* Has the records of the ads that will most likely win on their way from memory, all at once. The
 * best lists are at the top of the heap. */
static void fetch_best(const struct am_matcher *matcher) {
    const struct am_image *image = matcher->image;
    for (uint32_t i = 0; i < matcher->list_count && i < FETCHED; i++) {
        uint32_t posting = matcher->lists[i].posting;
        uint32_t ad = am_posting_ad(&image->postings[posting]);
        __builtin_prefetch(&image->ads[ad]);
        __builtin_prefetch(&image->keywords[posting]);
        __builtin_prefetch(&image->details[ad]);
    }
}

void am_rank_start(struct am_matcher *matcher, const struct am_request *request) {
    matcher->list_count = matcher->tie_count = matcher->candidate_count = 0;
    matcher->negative_count = 0;
    am_idmap_clear(&matcher->negatives_hit);
    am_idmap_clear(&matcher->ads_seen);
    distinct_hits(matcher);
    for (size_t i = 0; i < matcher->hit_count; i++)
        add_list(matcher, matcher->hits[i].terminal, (uint32_t)i);
    if (matcher->image->settings->any_terminal != AM_NONE)
        add_list(matcher, matcher->image->settings->any_terminal, AM_NONE);
    for (uint32_t i = matcher->list_count / 2; i-- > 0;)
        sift_list(matcher->lists, matcher->list_count, i);
    fetch_best(matcher);
    matcher->rotation_start =
        am_fnv1a(am_fnv1a(AM_FNV1A_START, request->id.data, request->id.size), "", 1);
}

/* ---- ties -------------------------------------------------------------------------------------
 */

static struct am_view ad_id(const struct am_image *image, uint32_t posting) {
    return am_image_string(image, image->details[am_posting_ad(&image->postings[posting])].id);
}

static bool
tie_before(const struct am_image *image, const struct am_tie *a, const struct am_tie *b) {
    if (a->rotation != b->rotation)
        return a->rotation < b->rotation;
    int order = am_view_compare(ad_id(image, a->posting), ad_id(image, b->posting));
    if (order)
        return order < 0;
    return image->keywords[a->posting].position < image->keywords[b->posting].position;
}

static void sift_tie(const struct am_matcher *matcher, uint32_t at) {
    struct am_tie *ties = matcher->ties;
    struct am_tie moved = ties[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= matcher->tie_count)
            break;
        if (child + 1 < matcher->tie_count &&
            tie_before(matcher->image, &ties[child + 1], &ties[child]))
            child++;
        if (!tie_before(matcher->image, &ties[child], &moved))
            break;
        ties[at] = ties[child];
        at = child;
    }
    ties[at] = moved;
}

/* Moves the list's first posting, and all of the same rank that follow, to the ties. False: that
 * was its end. */
static bool take_rank(struct am_matcher *matcher, struct am_list *list) {
    const struct am_posting *postings = matcher->image->postings;
    for (uint32_t rank = list->rank; list->rank == rank;) {
        matcher->ties[matcher->tie_count++] = (struct am_tie){0, list->posting, list->hit};
        if (am_posting_is_last(&postings[list->posting]))
            return false;
        list->rank = postings[++list->posting].rank;
    }
    return true;
}

/* Moves every posting of the best rank from the lists to the ties. */
static void collect_ties(struct am_matcher *matcher) {
    const struct am_image *image = matcher->image;
    uint32_t rank = matcher->lists[0].rank;
    while (matcher->list_count && matcher->lists[0].rank == rank) {
        if (!take_rank(matcher, &matcher->lists[0]))
            matcher->lists[0] = matcher->lists[--matcher->list_count];
        if (matcher->list_count)
            sift_list(matcher->lists, matcher->list_count, 0);
    }
    if (matcher->tie_count == 1)
        return;
    for (uint32_t i = 0; i < matcher->tie_count; i++) {
        struct am_view id = ad_id(image, matcher->ties[i].posting);
        matcher->ties[i].rotation = am_fnv1a(matcher->rotation_start, id.data, id.size);
    }
    for (uint32_t i = matcher->tie_count / 2; i-- > 0;)
        sift_tie(matcher, i);
}

/* ---- ads --------------------------------------------------------------------------------------
 */

bool am_rank_next(struct am_matcher *matcher) {
    for (;;) {
        if (matcher->tie_count == 0) {
            if (matcher->list_count == 0)
                return false;
            collect_ties(matcher);
        }
        struct am_tie best = matcher->ties[0];
        matcher->ties[0] = matcher->ties[--matcher->tie_count];
        if (matcher->tie_count)
            sift_tie(matcher, 0);
        uint32_t ad = am_posting_ad(&matcher->image->postings[best.posting]);
        if (!am_idmap_add(&matcher->ads_seen, ad, 0))
            continue;
        matcher->candidates[matcher->candidate_count++] = (struct am_candidate){
            .ad = ad, .posting = best.posting, .hit = best.hit, .gate = AM_GATES};
        return true;
    }
}
