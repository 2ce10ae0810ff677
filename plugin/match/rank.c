/* Hits to ads, best first: a merge of posting lists that stops as early as its caller does.
 *
 * Every list is in rank order, so a heap of lists gives the postings in rank order; an ad's first
 * posting is its best keyword. Only postings of equal rank have to be collected, because the
 * request's id decides among them.
 *
 * Most lists of a page are never looked at. Terminals of one class ascend by the rank of their
 * first posting, so the best of a class is its smallest number: lists wait, unread, until their
 * turn comes. With a million phrases that takes a tenth off a page's decision. */
#include "matcher.h"

enum {
    FIRST_WOKEN = 2, /* of each class, at once, so that memory is waited for once */
    /* Each look for the smallest goes through all that wait; after so many of them in a class, the
     * rest of it is put into the heap. */
    MOST_LOOKS = 16,
};

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

static void push_list(struct am_matcher *matcher, struct am_list added) {
    struct am_list *lists = matcher->lists;
    uint32_t at = matcher->list_count++;
    for (; at > 0 && lists[(at - 1) / 2].rank > added.rank; at = (at - 1) / 2)
        lists[at] = lists[(at - 1) / 2];
    lists[at] = added;
}

/* Puts a terminal's list into the heap and notes the negative keywords at its front. */
static void add_list(struct am_matcher *matcher, struct am_waiting_list waiting) {
    const struct am_posting *postings = matcher->image->postings;
    uint32_t index = waiting.terminal;
    for (; postings[index].rank == 0; index++) {
        uint32_t id = am_posting_ad(&postings[index]);
        if (am_idmap_add(&matcher->negatives_hit, id, index))
            matcher->negative_ids[matcher->negative_count++] = id;
        if (am_posting_is_last(&postings[index]))
            return;
    }
    push_list(matcher, (struct am_list){postings[index].rank, index, waiting.hit});
}

/* ---- lists that wait --------------------------------------------------------------------------
 */

/* The smallest terminal, that is the best one, leaves the class. */
static struct am_waiting_list take_smallest(struct am_waiting *waiting) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < waiting->count; i++)
        best = waiting->lists[i].terminal < waiting->lists[best].terminal ? i : best;
    struct am_waiting_list smallest = waiting->lists[best];
    waiting->lists[best] = waiting->lists[--waiting->count];
    waiting->looks++;
    return smallest;
}

/* Puts a list that was the best of its class into the heap. */
static void
wake_list(struct am_matcher *matcher, struct am_waiting *waiting, struct am_waiting_list best) {
    waiting->least_rank = matcher->image->postings[best.terminal].rank;
    add_list(matcher, best);
}

/* Puts the best list of the class into the heap; or all, when it has been looked through often. */
static void wake(struct am_matcher *matcher, struct am_waiting *waiting) {
    if (waiting->looks < MOST_LOOKS) {
        wake_list(matcher, waiting, take_smallest(waiting));
        return;
    }
    for (uint32_t i = 0; i < waiting->count; i++)
        __builtin_prefetch(&matcher->image->postings[waiting->lists[i].terminal]);
    for (uint32_t i = 0; i < waiting->count; i++)
        add_list(matcher, waiting->lists[i]);
    waiting->count = 0;
}

static void wake_first(struct am_matcher *matcher) {
    struct am_waiting_list woken[AM_TERMINAL_CLASSES][FIRST_WOKEN];
    uint32_t counts[AM_TERMINAL_CLASSES] = {0};
    for (int class = 0; class < AM_TERMINAL_CLASSES; class ++)
        while (counts[class] < FIRST_WOKEN && matcher->waiting[class].count) {
            struct am_waiting_list best = take_smallest(&matcher->waiting[class]);
            __builtin_prefetch(&matcher->image->postings[best.terminal]);
            woken[class][counts[class]++] = best;
        }
    for (int class = 0; class < AM_TERMINAL_CLASSES; class ++)
        for (uint32_t i = 0; i < counts[class]; i++)
            wake_list(matcher, &matcher->waiting[class], woken[class][i]);
}

/* Until no list that waits can have the rank that is best in the heap, or a better one. */
static void wake_best(struct am_matcher *matcher) {
    for (int class = 0; class < AM_TERMINAL_CLASSES; class ++) {
        struct am_waiting *waiting = &matcher->waiting[class];
        while (waiting->count &&
               (matcher->list_count == 0 || waiting->least_rank <= matcher->lists[0].rank))
            wake(matcher, waiting);
    }
}

/* ---- hits -------------------------------------------------------------------------------------
 */

/* Of a keyword found several times, the first place counts: hits of one terminal stand in text
 * order. */
static void distinct_hits(struct am_matcher *matcher) {
    size_t kept = 0;
    for (size_t i = 0; i < matcher->hit_count; i++) {
        struct am_hit hit = matcher->hits[i];
        if (hit.word != AM_NONE && !am_idmap_add(&matcher->terminals_hit, hit.terminal, 0))
            continue;
        matcher->hits[kept++] = hit;
    }
    matcher->hit_count = kept;
}

/* Gives each class room for the hits that it has. */
static void start_waiting(struct am_matcher *matcher) {
    const struct am_image_settings *settings = matcher->image->settings;
    uint32_t hits[AM_TERMINAL_CLASSES] = {0};
    for (size_t i = 0; i < matcher->hit_count; i++)
        hits[am_class_of(settings, matcher->hits[i].terminal)]++;
    struct am_waiting_list *lists = matcher->waiting_lists;
    for (int class = 0; class < AM_TERMINAL_CLASSES; lists += hits[class ++])
        matcher->waiting[class] = (struct am_waiting){.lists = lists};
}

/* Lists with negative keywords cannot wait. */
static void list_hits(struct am_matcher *matcher) {
    const struct am_image_settings *settings = matcher->image->settings;
    start_waiting(matcher);
    for (size_t i = 0; i < matcher->hit_count; i++) {
        struct am_waiting_list list = {matcher->hits[i].terminal, (uint32_t)i};
        unsigned class = am_class_of(settings, list.terminal);
        if (list.terminal < settings->negatives_end[class])
            add_list(matcher, list);
        else
            matcher->waiting[class].lists[matcher->waiting[class].count++] = list;
    }
    if (settings->any_terminal != AM_NONE)
        add_list(matcher, (struct am_waiting_list){settings->any_terminal, AM_NONE});
}

/* Has the records of the ads that will most likely win on their way from memory, all at once. The
 * best lists are at the top of the heap. */
static void fetch_best(const struct am_matcher *matcher) {
    enum { FETCHED = 4 };
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
    list_hits(matcher);
    wake_first(matcher);
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
            wake_best(matcher);
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
