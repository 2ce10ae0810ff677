/* SPDX-License-Identifier: Apache-2.0 */
#include "rank.h"

/* Each refill of a class goes through all hits; after so many of them, the rest of the class is put
 * into the heap. */
enum { MOST_REFILLS = 8 };

/* A posting's list is a read of its own, and a tie's ad three, before either is sorted in. The id
 * of a tie's ad is hashed byte by byte. */
enum { STEPS_A_LIST = 2, STEPS_A_TIE = 4, ID_BYTES_A_STEP = 16 };

void am_rank_size(struct am_rank *rank,
                  const struct am_image *image,
                  struct am_match_memory *memory) {
    const struct am_image_settings *settings = image->settings;
    rank->image = image;
    rank->list_count = rank->tie_count = rank->candidate_count = rank->negatives.count = 0;
    rank->lists =
        am_match_memory_take(memory, (size_t)settings->terminal_count + 1, sizeof *rank->lists);
    rank->ties = am_match_memory_take(memory, image->posting_count + 1, sizeof *rank->ties);
    rank->candidates =
        am_match_memory_take(memory, (size_t)settings->ad_count + 1, sizeof *rank->candidates);
    rank->negatives.ids =
        am_match_memory_take(memory, (size_t)settings->negative_count + 1, sizeof(uint32_t));
    am_match_memory_take_map(memory, &rank->lists_taken, settings->terminal_count);
    am_match_memory_take_map(memory, &rank->negatives.postings, settings->negative_count);
    am_match_memory_take_map(memory, &rank->ads_seen, settings->ad_count);
}

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

static void push_list(struct am_rank *rank, struct am_rank_list added) {
    struct am_rank_list *lists = rank->lists;
    uint32_t at = rank->list_count++;
    AM_UNPOISON_ITEMS(lists, at, 1);
    for (; at > 0 && lists[(at - 1) / 2].rank > added.rank; at = (at - 1) / 2)
        lists[at] = lists[(at - 1) / 2];
    lists[at] = added;
}

static bool takes(const struct am_rank *rank, uint64_t steps) {
    return am_match_work_take(rank->work, AM_STAGE_RANK, steps);
}

/* Puts a terminal's list into the heap and notes the negative keywords at its front. */
static void add_list(struct am_rank *rank, uint32_t terminal, uint32_t hit) {
    const struct am_image_posting *postings = rank->image->postings;
    uint32_t index = terminal;
    for (; postings[index].rank == 0; index++) {
        uint32_t id = am_image_posting_ad(&postings[index]);
        if (!takes(rank, 1))
            return;
        if (am_match_idmap_add(&rank->negatives.postings, id, index)) {
            AM_UNPOISON_ITEMS(rank->negatives.ids, rank->negatives.count, 1);
            rank->negatives.ids[rank->negatives.count++] = id;
        }
        if (am_image_posting_is_last(&postings[index]))
            return;
    }
    push_list(rank, (struct am_rank_list){postings[index].rank, index, hit});
}

/* The same for a hit whose keyword may have been added already: of a keyword found several times,
 * the first place counts, and hits of one terminal stand in text order. Broad ones are there once.
 */
static void add_hit(struct am_rank *rank, uint32_t hit) {
    uint32_t terminal = rank->hits->terminals[hit];
    if (rank->hits->positions[hit] & AM_HIT_IS_BROAD ||
        am_match_idmap_add(&rank->lists_taken, terminal, 0))
        add_list(rank, terminal, hit);
}

/* Lists with negative keywords cannot wait. */
static void add_negatives(struct am_rank *rank) {
    const struct am_image_settings *settings = rank->image->settings;
    if (settings->negative_count == 0)
        return;
    if (!takes(rank, rank->hits->count / 4))
        return;
    for (uint32_t i = 0; i < rank->hits->count; i++) {
        uint32_t terminal = rank->hits->terminals[i];
        if (terminal < settings->negatives_end[am_image_class_of(settings, terminal)])
            add_hit(rank, i);
    }
}

/* ---- lists that wait --------------------------------------------------------------------------
 */

/* Finds the two best lists that still wait: two, so that their reads overlap. */
static void refill(const struct am_rank *rank, struct am_rank_waiting *waiting) {
    const struct am_search_hits *hits = rank->hits;
    waiting->found = waiting->taken = 0;
    waiting->refills++;
    if (!takes(rank, 1 + hits->count / 8))
        waiting->first = waiting->end;
    while (waiting->found < AM_COUNT_OF(waiting->hits)) {
        uint32_t hit = rank->kernel->find_smallest(hits, waiting->first, waiting->end);
        if (hit == hits->count) {
            waiting->first = waiting->end;
            return;
        }
        waiting->first = hits->terminals[hit] + 1;
        waiting->hits[waiting->found++] = hit;
        __builtin_prefetch(&rank->image->postings[hits->terminals[hit]]);
    }
}

static bool is_empty(const struct am_rank_waiting *waiting) {
    return waiting->taken == waiting->found && waiting->first == waiting->end;
}

static void prefetch_ad(const struct am_rank *rank, uint32_t posting) {
    __builtin_prefetch(&rank->image->ads[am_image_posting_ad(&rank->image->postings[posting])]);
}

/* Puts what is left of a class into the heap. A decision that comes here looks at most of it, so
 * the lists' ads are prefetched. Distances of terminals before its first one wrap, and are out of
 * range, too. */
AM_WRAPS static void wake_rest(struct am_rank *rank, struct am_rank_waiting *waiting) {
    const struct am_search_hits *hits = rank->hits;
    uint32_t range = waiting->end - waiting->first;
    if (!takes(rank, (uint64_t)hits->count * STEPS_A_LIST)) {
        waiting->first = waiting->end;
        return;
    }
    for (uint32_t i = 0; i < hits->count; i++)
        if (hits->terminals[i] - waiting->first < range)
            __builtin_prefetch(&rank->image->postings[hits->terminals[i]]);
    for (uint32_t i = 0; i < hits->count; i++)
        if (hits->terminals[i] - waiting->first < range)
            add_hit(rank, i);
    for (uint32_t i = 0; i < rank->list_count; i++)
        prefetch_ad(rank, rank->lists[i].posting);
    waiting->first = waiting->end;
}

/* Puts the best list of the class into the heap; or all, after many refills. */
static void wake(struct am_rank *rank, struct am_rank_waiting *waiting) {
    if (waiting->taken == waiting->found) {
        if (waiting->refills == MOST_REFILLS) {
            wake_rest(rank, waiting);
            return;
        }
        refill(rank, waiting);
        if (waiting->found == 0)
            return;
    }
    uint32_t hit = waiting->hits[waiting->taken++];
    uint32_t terminal = rank->hits->terminals[hit];
    waiting->least_rank = rank->image->postings[terminal].rank;
    add_list(rank, terminal, hit);
}

static void wake_first(struct am_rank *rank) {
    const struct am_image_settings *settings = rank->image->settings;
    for (unsigned class = 0; class < AM_TERMINAL_CLASSES; class ++) {
        rank->waiting[class] = (struct am_rank_waiting){.first = settings->negatives_end[class],
                                                        .end = am_image_class_end(settings, class)};
        refill(rank, &rank->waiting[class]);
    }
    for (int class = 0; class < AM_TERMINAL_CLASSES; class ++)
        for (uint32_t found = rank->waiting[class].found; found; found--)
            wake(rank, &rank->waiting[class]);
}

/* Until no list that waits can have the rank that is best in the heap, or a better one. */
static void wake_best(struct am_rank *rank) {
    for (int class = 0; class < AM_TERMINAL_CLASSES; class ++) {
        struct am_rank_waiting *waiting = &rank->waiting[class];
        while (!is_empty(waiting) &&
               (rank->list_count == 0 || waiting->least_rank <= rank->lists[0].rank))
            wake(rank, waiting);
    }
}

/* ---- starting ---------------------------------------------------------------------------------
 */

/* Prefetches the records of the ads that will most likely win. The best lists are at the top of the
 * heap. */
static void prefetch_best(const struct am_rank *rank) {
    enum { PREFETCHED = 4 };
    for (uint32_t i = 0; i < rank->list_count && i < PREFETCHED; i++)
        am_search_prefetch_ad(rank->image, rank->lists[i].posting);
}

static void forget(const struct am_rank *rank) {
    AM_POISON_ITEMS(rank->lists, 0, rank->list_count);
    AM_POISON_ITEMS(rank->ties, 0, rank->tie_count);
    AM_POISON_ITEMS(rank->candidates, 0, rank->candidate_count);
    AM_POISON_ITEMS(rank->negatives.ids, 0, rank->negatives.count);
}

void am_rank_start(struct am_rank *rank,
                   const struct am_search *search,
                   const struct am_match_request *request) {
    forget(rank);
    rank->hits = &search->hits;
    rank->list_count = rank->tie_count = rank->candidate_count = 0;
    rank->negatives.count = 0;
    am_match_idmap_clear(&rank->negatives.postings);
    am_match_idmap_clear(&rank->lists_taken);
    am_match_idmap_clear(&rank->ads_seen);
    add_negatives(rank);
    rank->negatives.complete = !am_match_work_is_cut(rank->work);
    if (rank->image->settings->any_terminal != AM_NONE)
        add_list(rank, rank->image->settings->any_terminal, AM_NONE);
    am_search_prefetch_ads(search);
    wake_first(rank);
    prefetch_best(rank);
    rank->rotation_start =
        am_hash_fnv1a(am_hash_fnv1a(AM_FNV1A_START, request->id.data, request->id.size), "", 1);
}

/* ---- ties -------------------------------------------------------------------------------------
 */

static struct am_view ad_id(const struct am_image *image, uint32_t posting) {
    return am_image_string(image,
                           image->details[am_image_posting_ad(&image->postings[posting])].id);
}

/* The last step: a keyword may have been found twice, with its accents and without, and the place
 * that comes first counts. */
static bool
tie_before(const struct am_rank *rank, const struct am_rank_tie *a, const struct am_rank_tie *b) {
    const struct am_image *image = rank->image;
    if (a->rotation != b->rotation)
        return a->rotation < b->rotation;
    int order = am_view_compare(ad_id(image, a->posting), ad_id(image, b->posting));
    if (order)
        return order < 0;
    uint32_t left = image->keywords[a->posting].position;
    uint32_t right = image->keywords[b->posting].position;
    if (left != right || a->hit == AM_NONE || b->hit == AM_NONE)
        return left < right;
    return rank->hits->positions[a->hit] < rank->hits->positions[b->hit];
}

static void sift_tie(const struct am_rank *rank, uint32_t at) {
    struct am_rank_tie *ties = rank->ties;
    struct am_rank_tie moved = ties[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= rank->tie_count)
            break;
        if (child + 1 < rank->tie_count && tie_before(rank, &ties[child + 1], &ties[child]))
            child++;
        if (!tie_before(rank, &ties[child], &moved))
            break;
        ties[at] = ties[child];
        at = child;
    }
    ties[at] = moved;
}

/* Moves the list's first posting, and all of the same rank that follow, to the ties. False: that
 * was its end, or the budget's. */
static bool take_rank(struct am_rank *rank, struct am_rank_list *list) {
    const struct am_image_posting *postings = rank->image->postings;
    for (uint32_t taken = list->rank; list->rank == taken;) {
        if (!takes(rank, STEPS_A_TIE))
            return false;
        AM_UNPOISON_ITEMS(rank->ties, rank->tie_count, 1);
        rank->ties[rank->tie_count++] = (struct am_rank_tie){0, list->posting, list->hit};
        if (am_image_posting_is_last(&postings[list->posting]))
            return false;
        list->rank = postings[++list->posting].rank;
    }
    return true;
}

/* Prefetches the ids of the ties' ads, and the ads. */
static void prefetch_ids(const struct am_rank *rank) {
    const struct am_image *image = rank->image;
    for (uint32_t i = 0; i < rank->tie_count; i++) {
        uint32_t ad = am_image_posting_ad(&image->postings[rank->ties[i].posting]);
        __builtin_prefetch(&image->details[ad].id);
        __builtin_prefetch(&image->ads[ad]);
    }
    for (uint32_t i = 0; i < rank->tie_count; i++) {
        uint32_t ad = am_image_posting_ad(&image->postings[rank->ties[i].posting]);
        am_image_prefetch_string(image, image->details[ad].id);
    }
}

/* Moves every posting of the best rank from the lists to the ties. */
static void collect_ties(struct am_rank *rank) {
    const struct am_image *image = rank->image;
    uint32_t best = rank->lists[0].rank;
    while (rank->list_count && rank->lists[0].rank == best) {
        if (!take_rank(rank, &rank->lists[0])) {
            rank->lists[0] = rank->lists[--rank->list_count];
            AM_POISON_ITEMS(rank->lists, rank->list_count, 1);
        }
        if (rank->list_count)
            sift_list(rank->lists, rank->list_count, 0);
    }
    if (rank->tie_count <= 1)
        return;
    prefetch_ids(rank);
    for (uint32_t i = 0; i < rank->tie_count; i++) {
        struct am_view id = ad_id(image, rank->ties[i].posting);
        if (!takes(rank, id.size / ID_BYTES_A_STEP)) {
            AM_POISON_ITEMS(rank->ties, i, rank->tie_count - i);
            rank->tie_count = i;
            break;
        }
        rank->ties[i].rotation = am_hash_fnv1a(rank->rotation_start, id.data, id.size);
    }
    for (uint32_t i = rank->tie_count / 2; i > 0; i--)
        sift_tie(rank, i - 1);
}

/* ---- ads --------------------------------------------------------------------------------------
 */

bool am_rank_next(struct am_rank *rank) {
    for (;;) {
        if (rank->tie_count == 0) {
            wake_best(rank);
            if (rank->list_count == 0)
                return false;
            collect_ties(rank);
            if (rank->tie_count == 0)
                return false;
        }
        struct am_rank_tie best = rank->ties[0];
        rank->ties[0] = rank->ties[--rank->tie_count];
        AM_POISON_ITEMS(rank->ties, rank->tie_count, 1);
        if (rank->tie_count)
            sift_tie(rank, 0);
        uint32_t ad = am_image_posting_ad(&rank->image->postings[best.posting]);
        if (!am_match_idmap_add(&rank->ads_seen, ad, 0))
            continue;
        AM_UNPOISON_ITEMS(rank->candidates, rank->candidate_count, 1);
        rank->candidates[rank->candidate_count++] = (struct am_match_candidate){
            .ad = ad, .posting = best.posting, .hit = best.hit, .gate = AM_GATES};
        return true;
    }
}
