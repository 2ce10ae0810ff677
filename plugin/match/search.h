/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the match room: words to hits.
 *
 * Step 2 of a decision. A page is not walked word by word: each step (hash, probe, filter, follow
 * an edge) is done for many words at once, so that the memory reads of a step overlap. With many
 * keywords the time goes into these reads. */
#ifndef AM_MATCH_SEARCH_H
#define AM_MATCH_SEARCH_H

#include "words.h"
#include "work.h"

/* The words of a window in all their readings. */
enum { AM_SEARCH_NEAR_MOST = 2 * AM_BROAD_WINDOW_MAX * (1 + AM_READINGS_MOST) };

struct am_search_trie_near;

/* What no search has filled since its start is poisoned. */
struct am_search {
    const struct am_image *image;
    const struct am_search_kernel *kernel;
    const struct am_match_words *words;
    struct am_match_work *work;
    const struct am_image_filters *filters; /* of the tier that is being searched */
    struct am_search_hits hits;
    uint32_t *paths; /* of each broad keyword found: the index of its rarest word in the text, then
                        its word ids */
    uint32_t path_count;
    struct am_match_idmap broad_found; /* terminals of broad hits */
    struct am_search_trie_near *near;  /* scratch; NULL where no word has several readings */
};

void am_search_size(struct am_search *search,
                    const struct am_match_words *words,
                    const struct am_image *image,
                    struct am_match_memory *memory);

/* Fills the hits with the keywords of a tier that the words contain, as far as the budget goes.
 * Exact keywords are found in any tier; of the top tier, other keywords may be found besides. */
void am_search(struct am_search *search,
               const struct am_match_request *request,
               enum am_image_tier tier);

/* Its steps. */
void am_search_start(struct am_search *search, enum am_image_tier tier);
void am_search_exact(struct am_search *search, const struct am_match_request *request);
/* Appends every occurrence of every phrase keyword. */
void am_search_phrases(struct am_search *search);
/* Appends broad keywords, each once. */
void am_search_broad(struct am_search *search);

static inline bool am_search_takes(const struct am_search *search, uint64_t steps) {
    return am_match_work_take(search->work, AM_STAGE_SEARCH, steps);
}

/* For this many hits, prefetch what ranking reads first: all hits of a query, and too few of a
 * page's to matter. */
enum { AM_PREFETCHED_HITS = 8 };

/* Prefetches the records of a posting's ad: its own takes one cache line, its details up to two. */
static inline void am_search_prefetch_ad(const struct am_image *image, uint32_t posting) {
    uint32_t ad = am_image_posting_ad(&image->postings[posting]);
    if (image->postings[posting].rank == 0)
        return; /* a negative keyword */
    __builtin_prefetch(&image->ads[ad]);
    __builtin_prefetch(&image->keywords[posting]);
    __builtin_prefetch(&image->details[ad].id);
    __builtin_prefetch(&image->details[ad].creative);
}

/* Prefetches the ads of the hits, if the hits are few. */
static inline void am_search_prefetch_ads(const struct am_search *search) {
    const struct am_search_hits *hits = &search->hits;
    if (hits->count <= AM_PREFETCHED_HITS)
        for (uint32_t i = 0; i < hits->count; i++)
            am_search_prefetch_ad(search->image, hits->terminals[i]);
}

static inline void am_search_emit(struct am_search *search, uint32_t terminal, uint32_t position) {
    uint32_t at = search->hits.count++;
    if (at < AM_PREFETCHED_HITS) {
        __builtin_prefetch(&search->image->postings[terminal]);
        __builtin_prefetch(&search->image->keywords[terminal]);
    }
    AM_UNPOISON_ITEMS(search->hits.terminals, at, 1);
    AM_UNPOISON_ITEMS(search->hits.positions, at, 1);
    search->hits.terminals[at] = terminal;
    search->hits.positions[at] = position;
}

#endif
