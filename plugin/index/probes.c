/* SPDX-License-Identifier: Apache-2.0 */
/* A search leaves its home bucket, and each bucket after it, while the bit of its hash is set
 * there. So the longest search takes one bucket more than the longest run of buckets, around the
 * end of the table, that have one bit set. Runs of all 32 bits are counted at once, by bit-sliced
 * counters: plane i holds the digits of weight 2^i of all 32 counters. */
#include "probes.h"

enum { PLANES = 6 };
_Static_assert(1 << PLANES == AM_MAX_PROBES, "a counter overflows when its run is too long");

struct runs {
    uint32_t planes[PLANES];
};

/* Advances to a bucket with those bits set. False: a run has become too long. */
static inline bool extend_runs(struct runs *runs, uint32_t set) {
    uint32_t carry = set;
    for (unsigned i = 0; i < PLANES; i++) {
        uint32_t plane = runs->planes[i] & set; /* the counters of clear bits begin anew */
        runs->planes[i] = plane ^ carry;
        carry &= plane;
    }
    return carry == 0;
}

/* Once around the table, and as far beyond as a run across its end may reach. */
static uint64_t steps_around(uint64_t count) {
    return count + AM_MAX_PROBES - 1;
}

static uint64_t next_of(uint64_t at, uint64_t count) {
    return at + 1 < count ? at + 1 : 0;
}

bool am_image_word_probes_end(const struct am_image_vocabulary_bucket *buckets, uint64_t count) {
    struct runs runs = {{0}};
    bool end = true;
    for (uint64_t i = 0, at = 0; i < steps_around(count); i++, at = next_of(at, count))
        end &= extend_runs(&runs, buckets[at].displaced);
    return end;
}

bool am_image_edge_probes_end(const struct am_image_edge_bucket *buckets, uint64_t count) {
    struct runs runs = {{0}};
    bool end = true;
    for (uint64_t i = 0, at = 0; i < steps_around(count); i++, at = next_of(at, count))
        end &= extend_runs(&runs, buckets[at].displaced);
    return end;
}

/* A search for a term continues at every occupied slot. */
bool am_image_term_probes_end(const uint32_t *slots, uint64_t count) {
    uint32_t run = 0;
    bool end = true;
    for (uint64_t i = 0, at = 0; i < steps_around(count); i++, at = next_of(at, count)) {
        run = slots[at] == AM_NONE ? 0 : run + 1;
        end &= run < AM_MAX_PROBES;
    }
    return end;
}
