/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the match room: hits to candidates, best first.
 *
 * Step 3 of a decision: a merge of posting lists that stops as early as its caller does. Every list
 * is in rank order, so a heap of lists gives the postings in rank order; an ad's first posting is
 * its best keyword. Only postings of equal rank have to be collected, because the request's id
 * decides among them.
 *
 * Most lists of a page are never read. Terminals of one class ascend by the rank of their first
 * posting, so the best of a class is its smallest number: lists wait, unread, among the hits until
 * their turn comes. */
#ifndef AM_MATCH_RANK_H
#define AM_MATCH_RANK_H

#include "candidate.h"
#include "search.h"

/* One terminal's postings in the merge. */
struct am_rank_list {
    uint32_t rank; /* of the next posting */
    uint32_t posting;
    uint32_t hit; /* index into the hits */
};

/* The lists of one class of terminals that have not been read yet. */
struct am_rank_waiting {
    uint32_t first, end; /* terminals that wait among the hits */
    uint32_t hits[2];    /* the best ones that the last refill found, best first */
    uint32_t found, taken;
    uint32_t refills;
    uint32_t least_rank; /* of the last one taken: none here has a better rank */
};

/* A posting whose rank others share, waiting for its turn by rotation. */
struct am_rank_tie {
    uint64_t rotation;
    uint32_t posting;
    uint32_t hit;
};

/* The negative keywords found. */
struct am_rank_negatives {
    struct am_match_idmap postings; /* negative id -> its posting */
    uint32_t *ids;                  /* the same ids, as a list */
    uint32_t count;
    bool complete; /* false: the budget ended before all were found */
};

/* What no request has filled since am_rank_start is poisoned. */
struct am_rank {
    const struct am_image *image;
    const struct am_search_kernel *kernel;
    const struct am_search_hits *hits;
    struct am_match_work *work;
    struct am_rank_waiting waiting[AM_TERMINAL_CLASSES];
    struct am_rank_list *lists; /* a heap, best rank first */
    uint32_t list_count;
    struct am_rank_tie *ties; /* a heap, best rotation first */
    uint32_t tie_count;
    uint64_t rotation_start;           /* FNV-1a over request id and the zero byte */
    struct am_match_idmap lists_taken; /* terminals that take_hit has put into the heap */
    struct am_match_idmap ads_seen;
    struct am_rank_negatives negatives;
    struct am_match_candidate *candidates; /* in rank order */
    uint32_t candidate_count;
};

void am_rank_size(struct am_rank *rank,
                  const struct am_image *image,
                  struct am_match_memory *memory);

/* Takes the hits; after it, am_rank_next gives ads in rank order, and the negative keywords are
 * known. */
void am_rank_start(struct am_rank *rank,
                   const struct am_search *search,
                   const struct am_match_request *request);
/* Appends the next ad that was not seen yet to the candidates; false when there is none left, or
 * the budget has ended. */
bool am_rank_next(struct am_rank *rank);

#endif
