/* Hits to ads, best first: a merge of posting lists that stops as early as its caller does.
 *
 * Every list is in rank order, so a heap of lists gives the postings in rank order; an ad's first
 * posting is its best keyword. Only postings of equal rank have to be collected, because the
 * request's id decides among them.
 *
 * Most lists of a page are never looked at. Terminals of one class ascend by the rank of their
 * first posting, so the best of a class is its smallest number: lists wait, unread, among the hits
 * until their turn comes. */
#include "matcher.h"

/* Each look for the best lists of a class goes through all hits; after so many of them, the rest of
 * the class is put into the heap. */
enum { MOST_LOOKS = 8 };

/* ---- the heap of lists ------------------------------------------------------------------------
 */

static void sift_list(struct am_rank_list *lists, uint32_t count, uint32_t at) {
    struct am_rank_list moved = lists[at];
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

static void push_list(struct am_matcher *matcher, struct am_rank_list added) {
    struct am_rank_list *lists = matcher->lists;
    uint32_t at = matcher->list_count++;
    AM_UNPOISON_ITEMS(lists, at, 1);
    for (; at > 0 && lists[(at - 1) / 2].rank > added.rank; at = (at - 1) / 2)
        lists[at] = lists[(at - 1) / 2];
    lists[at] = added;
}

/* Puts a terminal's list into the heap and notes the negative keywords at its front. */
static void add_list(struct am_matcher *matcher, uint32_t terminal, uint32_t hit) {
    const struct am_image_posting *postings = matcher->image->postings;
    uint32_t index = terminal;
    for (; postings[index].rank == 0; index++) {
        uint32_t id = am_image_posting_ad(&postings[index]);
        if (am_match_idmap_add(&matcher->negatives_hit, id, index)) {
            AM_UNPOISON_ITEMS(matcher->negative_ids, matcher->negative_count, 1);
            matcher->negative_ids[matcher->negative_count++] = id;
        }
        if (am_image_posting_is_last(&postings[index]))
            return;
    }
    push_list(matcher, (struct am_rank_list){postings[index].rank, index, hit});
}

/* The same for a hit whose keyword may have been added already: of a keyword found several times,
 * the first place counts, and hits of one terminal stand in text order. Broad ones are there once.
 */
static void add_hit(struct am_matcher *matcher, uint32_t hit) {
    uint32_t terminal = matcher->hits.terminals[hit];
    if (matcher->hits.places[hit] & AM_HIT_IS_BROAD ||
        am_match_idmap_add(&matcher->terminals_hit, terminal, 0))
        add_list(matcher, terminal, hit);
}

/* Lists with negative keywords cannot wait. */
static void add_negatives(struct am_matcher *matcher) {
    const struct am_image_settings *settings = matcher->image->settings;
    if (settings->negative_count == 0)
        return;
    for (uint32_t i = 0; i < matcher->hits.count; i++) {
        uint32_t terminal = matcher->hits.terminals[i];
        if (terminal < settings->negatives_end[am_image_class_of(settings, terminal)])
            add_hit(matcher, i);
    }
}

/* ---- lists that wait --------------------------------------------------------------------------
 */

/* Finds the two best lists of the class that have not left it: two, so that memory is waited for
 * once. */
static void look(const struct am_matcher *matcher, struct am_rank_waiting *waiting) {
    const struct am_search_hits *hits = &matcher->hits;
    waiting->found = waiting->taken = 0;
    waiting->looks++;
    while (waiting->found < AM_COUNT_OF(waiting->hits)) {
        uint32_t hit = matcher->way->find_smallest(hits, waiting->first, waiting->end);
        if (hit == hits->count) {
            waiting->first = waiting->end;
            return;
        }
        waiting->first = hits->terminals[hit] + 1;
        waiting->hits[waiting->found++] = hit;
        __builtin_prefetch(&matcher->image->postings[hits->terminals[hit]]);
    }
}

static bool is_empty(const struct am_rank_waiting *waiting) {
    return waiting->taken == waiting->found && waiting->first == waiting->end;
}

/* Puts what is left of a class into the heap. */
static void wake_rest(struct am_matcher *matcher, struct am_rank_waiting *waiting) {
    const struct am_search_hits *hits = &matcher->hits;
    uint32_t range = waiting->end - waiting->first;
    for (uint32_t i = 0; i < hits->count; i++)
        if (hits->terminals[i] - waiting->first < range)
            __builtin_prefetch(&matcher->image->postings[hits->terminals[i]]);
    for (uint32_t i = 0; i < hits->count; i++)
        if (hits->terminals[i] - waiting->first < range)
            add_hit(matcher, i);
    waiting->first = waiting->end;
}

/* Puts the best list of the class into the heap; or all, when it has been looked through often. */
static void wake(struct am_matcher *matcher, struct am_rank_waiting *waiting) {
    if (waiting->taken == waiting->found) {
        if (waiting->looks == MOST_LOOKS) {
            wake_rest(matcher, waiting);
            return;
        }
        look(matcher, waiting);
        if (waiting->found == 0)
            return;
    }
    uint32_t hit = waiting->hits[waiting->taken++];
    uint32_t terminal = matcher->hits.terminals[hit];
    waiting->least_rank = matcher->image->postings[terminal].rank;
    add_list(matcher, terminal, hit);
}

static void wake_first(struct am_matcher *matcher) {
    const struct am_image_settings *settings = matcher->image->settings;
    for (unsigned class = 0; class < AM_TERMINAL_CLASSES; class ++) {
        matcher->waiting[class] = (struct am_rank_waiting){
            .first = settings->negatives_end[class], .end = am_image_class_end(settings, class)};
        look(matcher, &matcher->waiting[class]);
    }
    for (int class = 0; class < AM_TERMINAL_CLASSES; class ++)
        for (uint32_t found = matcher->waiting[class].found; found; found--)
            wake(matcher, &matcher->waiting[class]);
}

/* Until no list that waits can have the rank that is best in the heap, or a better one. */
static void wake_best(struct am_matcher *matcher) {
    for (int class = 0; class < AM_TERMINAL_CLASSES; class ++) {
        struct am_rank_waiting *waiting = &matcher->waiting[class];
        while (!is_empty(waiting) &&
               (matcher->list_count == 0 || waiting->least_rank <= matcher->lists[0].rank))
            wake(matcher, waiting);
    }
}

/* ---- fetching ahead ---------------------------------------------------------------------------
 */

/* The record of an ad lies in one cache line, its details in up to two. */
static void fetch_ad(const struct am_image *image, uint32_t posting) {
    uint32_t ad = am_image_posting_ad(&image->postings[posting]);
    if (image->postings[posting].rank == 0)
        return; /* a negative keyword */
    __builtin_prefetch(&image->ads[ad]);
    __builtin_prefetch(&image->keywords[posting]);
    __builtin_prefetch(&image->details[ad].id);
    __builtin_prefetch(&image->details[ad].creative);
}

void am_rank_prefetch_few(const struct am_matcher *matcher) {
    const struct am_search_hits *hits = &matcher->hits;
    if (hits->count <= AM_FETCHED_HITS)
        for (uint32_t i = 0; i < hits->count; i++)
            fetch_ad(matcher->image, hits->terminals[i]);
}

/* Has the records of the ads that will most likely win on their way from memory, all at once. The
 * best lists are at the top of the heap. */
static void fetch_best(const struct am_matcher *matcher) {
    enum { FETCHED = 4 };
    for (uint32_t i = 0; i < matcher->list_count && i < FETCHED; i++)
        fetch_ad(matcher->image, matcher->lists[i].posting);
}

static void forget(const struct am_matcher *matcher) {
    AM_POISON_ITEMS(matcher->lists, 0, matcher->list_count);
    AM_POISON_ITEMS(matcher->ties, 0, matcher->tie_count);
    AM_POISON_ITEMS(matcher->candidates, 0, matcher->candidate_count);
    AM_POISON_ITEMS(matcher->negative_ids, 0, matcher->negative_count);
}

void am_rank_start(struct am_matcher *matcher, const struct am_match_request *request) {
    forget(matcher);
    matcher->list_count = matcher->tie_count = matcher->candidate_count = 0;
    matcher->negative_count = 0;
    am_match_idmap_clear(&matcher->negatives_hit);
    am_match_idmap_clear(&matcher->ads_seen);
    add_negatives(matcher);
    if (matcher->image->settings->any_terminal != AM_NONE)
        add_list(matcher, matcher->image->settings->any_terminal, AM_NONE);
    am_rank_prefetch_few(matcher);
    wake_first(matcher);
    fetch_best(matcher);
    matcher->rotation_start =
        am_hash_fnv1a(am_hash_fnv1a(AM_FNV1A_START, request->id.data, request->id.size), "", 1);
}

/* ---- ties -------------------------------------------------------------------------------------
 */

static struct am_view ad_id(const struct am_image *image, uint32_t posting) {
    return am_image_string(image,
                           image->details[am_image_posting_ad(&image->postings[posting])].id);
}

static bool
tie_before(const struct am_image *image, const struct am_rank_tie *a, const struct am_rank_tie *b) {
    if (a->rotation != b->rotation)
        return a->rotation < b->rotation;
    int order = am_view_compare(ad_id(image, a->posting), ad_id(image, b->posting));
    if (order)
        return order < 0;
    return image->keywords[a->posting].position < image->keywords[b->posting].position;
}

static void sift_tie(const struct am_matcher *matcher, uint32_t at) {
    struct am_rank_tie *ties = matcher->ties;
    struct am_rank_tie moved = ties[at];
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
static bool take_rank(struct am_matcher *matcher, struct am_rank_list *list) {
    const struct am_image_posting *postings = matcher->image->postings;
    for (uint32_t rank = list->rank; list->rank == rank;) {
        AM_UNPOISON_ITEMS(matcher->ties, matcher->tie_count, 1);
        matcher->ties[matcher->tie_count++] = (struct am_rank_tie){0, list->posting, list->hit};
        if (am_image_posting_is_last(&postings[list->posting]))
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
        if (!take_rank(matcher, &matcher->lists[0])) {
            matcher->lists[0] = matcher->lists[--matcher->list_count];
            AM_POISON_ITEMS(matcher->lists, matcher->list_count, 1);
        }
        if (matcher->list_count)
            sift_list(matcher->lists, matcher->list_count, 0);
    }
    if (matcher->tie_count == 1)
        return;
    for (uint32_t i = 0; i < matcher->tie_count; i++) {
        struct am_view id = ad_id(image, matcher->ties[i].posting);
        matcher->ties[i].rotation = am_hash_fnv1a(matcher->rotation_start, id.data, id.size);
    }
    for (uint32_t i = matcher->tie_count / 2; i-- > 0;)
        sift_tie(matcher, i);
}

/* ---- ads --------------------------------------------------------------------------------------
 */

bool am_rank_next(struct am_matcher *matcher) {
    for (;;) {
        if (matcher->tie_count == 0) {
            wake_best(matcher);
            if (matcher->list_count == 0)
                return false;
            collect_ties(matcher);
        }
        struct am_rank_tie best = matcher->ties[0];
        matcher->ties[0] = matcher->ties[--matcher->tie_count];
        AM_POISON_ITEMS(matcher->ties, matcher->tie_count, 1);
        if (matcher->tie_count)
            sift_tie(matcher, 0);
        uint32_t ad = am_image_posting_ad(&matcher->image->postings[best.posting]);
        if (!am_match_idmap_add(&matcher->ads_seen, ad, 0))
            continue;
        AM_UNPOISON_ITEMS(matcher->candidates, matcher->candidate_count, 1);
        matcher->candidates[matcher->candidate_count++] = (struct am_match_candidate){
            .ad = ad, .posting = best.posting, .hit = best.hit, .gate = AM_GATES};
        return true;
    }
}
