/* SPDX-License-Identifier: Apache-2.0 */
/* How many buckets, or slots, the searches in a hash table of an image look at. Builder and
 * verifier hold tables to the same bounds:
 *
 * - no search, be it for what is in the table or for what is not, looks at more than AM_MAX_PROBES;
 * - the searches for all that is in the table look, together, at no more than twice as many as the
 *   table has places. */
#ifndef AM_INDEX_PROBES_H
#define AM_INDEX_PROBES_H

#include "format.h"

/* The first bound. `count` is at least 1. Linear in the table. */
bool am_image_word_probes_end(const struct am_image_vocabulary_bucket *buckets, uint64_t count);
bool am_image_edge_probes_end(const struct am_image_edge_bucket *buckets, uint64_t count);
bool am_image_term_probes_end(const uint32_t *slots, uint64_t count);

/* The second one, for a table of so many places. */
static inline bool am_image_probes_are_few(uint64_t probes, uint64_t places) {
    return probes <= 2 * places;
}

#endif
