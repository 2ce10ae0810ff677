/* Private to the match room: the working memory of one core, and the steps of a decision. */
#ifndef AM_MATCH_MATCHER_H
#define AM_MATCH_MATCHER_H

#include "../base/buffer.h"
#include "../base/decimal.h"
#include "../text/stem.h"
#include "../text/words.h"
#include "idmap.h"
#include "match.h"
#include "search_ways.h"

/* The words of all fields of a request, field after field, each followed by one empty word that no
 * keyword can cross. */
struct am_match_words {
    uint32_t *ids;        /* word id, or AM_NONE */
    uint8_t *flags;       /* enum am_image_word_flags of the word; 0 when unknown */
    uint32_t *broad_ids;  /* of the stem; the same array as ids without stemming */
    uint8_t *broad_flags; /* likewise */
    struct am_text_word
        *split;          /* with its span in the field's bytes; its text is no longer there */
    uint32_t count;      /* empty words included */
    uint32_t real_count; /* without them */
    uint32_t field_first[AM_MAX_FIELDS + 1]; /* field f: [field_first[f], field_first[f + 1] - 1) */
};

/* One terminal's postings on their way through the merge. */
struct am_rank_list {
    uint32_t rank; /* of the next posting */
    uint32_t posting;
    uint32_t hit; /* index into hits */
};

/* The lists of one class of terminals that have not been read yet, see rank.c. */
struct am_rank_waiting {
    uint32_t first, end; /* terminals that wait among the hits */
    uint32_t hits[2];    /* the best ones found by the last look, best first; index into hits */
    uint32_t found, taken;
    uint32_t looks;
    uint32_t least_rank; /* of the last one taken: none here has a better rank */
};

/* A posting whose rank others share, waiting for its turn by rotation. */
struct am_rank_tie {
    uint64_t rotation;
    uint32_t posting;
    uint32_t hit;
};

/* An ad that was looked at. */
struct am_match_candidate {
    uint32_t ad;
    uint32_t posting; /* the keyword that ranks best */
    uint32_t hit;
    uint8_t gate;       /* furthest gate that stopped it; AM_GATES: none yet */
    uint8_t fixed_gate; /* of the gates that no slot changes, before size: the one that stops it, or
                           AM_GATES */
    uint8_t placed;     /* in any slot */
    uint32_t detail;    /* by gate: see explain.c */
};

struct am_match_request_term {
    uint32_t attribute;
    uint32_t term; /* never AM_NONE */
};

/* Of every array here, what no step has filled since the step's last start is poisoned (poison.h).
 */
struct am_matcher {
    struct am_matcher_limits limits;
    const struct am_image *image;
    const struct am_timezones *zones;
    const struct am_search_kernel *way; /* the best of this machine; a test may set another */
    struct am_text_stemmer *stemmer;    /* NULL: no stemming, or no broad keyword to stem for */

    void *fixed_memory; /* sized by the limits */
    size_t fixed_size;
    void *image_memory; /* sized by the image */
    size_t image_size;

    struct am_text_word_rules word_rules; /* of the image */
    struct am_text_splitter_memory splitter_memory;
    struct am_match_words words;
    struct am_image_vocabulary_bucket *stem_cache; /* see search_stems.c; NULL: no stemming */
    struct am_search_hits hits;
    uint32_t *paths; /* word ids of the broad keywords found, one after the other */
    uint32_t path_count;
    const struct am_image_filters *filters; /* of the tier that is being searched */
    uint32_t top_passes; /* requests that do without the top tier before it is tried again */
    uint32_t top_misses; /* times that it did not do, one after the other */

    struct am_rank_waiting waiting[AM_TERMINAL_CLASSES];
    struct am_rank_list *lists; /* a heap, best rank first */
    uint32_t list_count;
    struct am_rank_tie *ties; /* a heap, best rotation first */
    uint32_t tie_count;
    uint64_t rotation_start; /* FNV-1a over request id and the zero byte */
    struct am_match_candidate *candidates;
    uint32_t candidate_count;
    struct am_match_idmap
        terminals_hit; /* of broad hits; later, of all whose lists add_hit added */
    struct am_match_idmap negatives_hit; /* negative id -> its posting */
    uint32_t *negative_ids;              /* the same ids, as a list */
    uint32_t negative_count;
    struct am_match_idmap ads_seen;
    struct am_match_idmap
        trees_asked; /* tree -> 0 holds, else 1 + index of the member that does not */
    struct am_match_idmap
        vetoes_asked;              /* set of negatives -> posting of the one that hit, or AM_NONE */
    struct am_match_idmap blocked; /* terms of blocked advertisers and categories and domains */

    struct am_match_request_term *terms;
    uint32_t term_count;
    struct am_match_winner *placed;
    uint32_t *placed_candidates; /* beside `placed` */
    uint32_t placed_count;
    struct am_match_rejected *rejected;
    struct am_buffer details;
};

/* ---- search.c, search_broad.c: words to hits --------------------------------------------------
 */

/* Splits and looks up all fields. AM_E_LIMIT when they are too large. */
enum am_code am_search_words(struct am_matcher *matcher,
                             const struct am_match_request *request,
                             struct am_error *error);
/* Fills matcher->hits with the keywords of a tier, and whatever else is found by the way. */
void am_search(struct am_matcher *matcher,
               const struct am_match_request *request,
               enum am_image_tier tier);

/* Its steps. Exact keywords are always searched for in all tiers. */
void am_search_start(struct am_matcher *matcher, enum am_image_tier tier);
/* Appends every occurrence of every phrase keyword to matcher->hits. */
void am_search_phrases(struct am_matcher *matcher);
void am_search_exact(struct am_matcher *matcher, const struct am_match_request *request);
/* Appends broad keywords, each at least once. */
void am_search_broad(struct am_matcher *matcher);

/* The id of a word's stem, or AM_NONE; *flags gets its flags, or 0. `text` and `size` as
 * am_text_splitter gives them. */
uint32_t
am_search_stem(struct am_matcher *matcher, const char *text, uint32_t size, uint8_t *flags);

/* The child by the edge of that key, or AM_NONE. `hash` is am_image_edge_hash(key). Like words, the
 * ways of a bucket are compared without a branch. */
static inline uint32_t am_search_edge(const struct am_image *image, uint64_t key, uint32_t hash) {
    uint64_t at = am_image_bucket32(hash, image->edge_buckets);
    for (;;) {
        const struct am_image_edge_bucket *bucket = &image->edges[at];
        uint32_t missing = 0; /* ~child */
#pragma GCC unroll 5
        for (int way = 0; way < AM_IMAGE_EDGE_LANES; way++)
            missing |= ~bucket->child[way] & -(uint32_t)(bucket->key[way] == key);
        if (__builtin_expect(missing || !(bucket->displaced & am_image_overflow_edge(hash)), 1))
            return ~missing;
        at = at + 1 < image->edge_buckets ? at + 1 : 0;
    }
}

/* 1 when word i can follow, in a broad keyword, the word of id `least`; else 0. */
static inline uint32_t
am_search_follows(const struct am_match_words *words, uint32_t i, uint32_t least) {
    return (words->broad_flags[i] / AM_WORD_CONTINUES_BROAD) & (words->broad_ids[i] > least);
}

/* Of so many hits, what the ranking reads first is fetched as they are found: all of a query's, and
 * too few of a page's to matter. */
enum { AM_FETCHED_HITS = 8 };

/* Has the bucket of an edge on its way from memory. */
static inline void am_search_prefetch_edge(const struct am_image *image, uint32_t hash) {
    __builtin_prefetch(&image->edges[am_image_bucket32(hash, image->edge_buckets)]);
}

static inline void am_search_emit(struct am_matcher *matcher, uint32_t terminal, uint32_t place) {
    uint32_t at = matcher->hits.count++;
    if (at < AM_FETCHED_HITS) {
        __builtin_prefetch(&matcher->image->postings[terminal]);
        __builtin_prefetch(&matcher->image->keywords[terminal]);
    }
    AM_UNPOISON_ITEMS(matcher->hits.terminals, at, 1);
    AM_UNPOISON_ITEMS(matcher->hits.places, at, 1);
    matcher->hits.terminals[at] = terminal;
    matcher->hits.places[at] = place;
}

/* ---- rank.c: hits to candidates, best first ---------------------------------------------------
 */

/* Takes the hits; after it, am_rank_next gives ads in rank order. */
void am_rank_start(struct am_matcher *matcher, const struct am_match_request *request);
/* Has the ads of the hits on their way from memory, if the hits are few. May be called as soon as
 * there are some. */
void am_rank_prefetch_few(const struct am_matcher *matcher);
/* Appends the next ad that was not seen yet to the candidates; false when there is none left. */
bool am_rank_next(struct am_matcher *matcher);

/* ---- gates.c ----------------------------------------------------------------------------------
 */

void am_gate_start(struct am_matcher *matcher, const struct am_match_request *request);
/* Fills fixed_gate, and with it gate and detail, of a new candidate. */
void am_gate_fixed(struct am_matcher *matcher,
                   const struct am_match_request *request,
                   struct am_match_candidate *candidate);
/* The gate that stops the candidate in this slot, or AM_GATES; *detail as explain.c reads it. */
enum am_gate am_gate_slot(struct am_matcher *matcher,
                          const struct am_match_request *request,
                          const struct am_match_slot *slot,
                          const struct am_match_candidate *candidate,
                          uint32_t *detail);

/* ---- targeting.c ------------------------------------------------------------------------------
 */

void am_gate_targeting_start(struct am_matcher *matcher, const struct am_match_request *request);
/* 0 when the tree holds, else 1 + the index, in the tree, of the first member of its root that does
 * not. Evaluated once a request. */
uint32_t am_gate_targeting_ask(struct am_matcher *matcher,
                               const struct am_match_request *request,
                               uint32_t tree);

/* ---- spans.c, explain.c -----------------------------------------------------------------------
 */

/* Fills field and spans of a placed ad. */
void am_match_spans_fill(struct am_matcher *matcher,
                         const struct am_match_request *request,
                         const struct am_match_candidate *candidate,
                         struct am_match_winner *placed);
/* The text of what stopped a candidate. */
struct am_view am_explain_detail(struct am_matcher *matcher,
                                 const struct am_match_candidate *candidate);

#endif
