/* SPDX-License-Identifier: Apache-2.0 */
/* The shared pools of an image under construction: equal strings, lists, terms and targeting trees
 * are stored once.
 *
 * Errors are sticky: after a failure every call returns 0 and `failure` tells why, so that callers
 * check once per phase. */
#ifndef AM_INDEX_POOLS_H
#define AM_INDEX_POOLS_H

#include "../base/intern.h"
#include "../base/vector.h"
#include "../inventory/inventory.h"
#include "format.h"

struct am_build_pools {
    enum am_code failure;
    const char *failed_pool;     /* which pool, for the message */
    struct am_vector strings;    /* char: AM_SECTION_STRINGS */
    struct am_vector sets;       /* uint32_t: AM_SECTION_SETS */
    struct am_vector terms;      /* struct am_image_term */
    struct am_vector trees;      /* uint32_t: first node of each tree */
    struct am_vector tree_nodes; /* struct am_image_tree_node */
    struct am_intern string_table, set_table, term_table, tree_table;
    struct am_vector scratch; /* uint32_t */
};

/* `ads`: about how many ads there will be, each with a few strings of its own. */
bool am_build_pools_start(struct am_build_pools *pools, size_t ads);
void am_build_pools_free(struct am_build_pools *pools);

am_image_string_ref am_build_pools_string(struct am_build_pools *pools, struct am_view text);
/* The same for a string that is known to be the only one of its kind: it is not looked for, nor
 * found by the above. */
am_image_string_ref am_build_pools_own_string(struct am_build_pools *pools, struct am_view text);
/* A string of that reference; valid until the next string is stored. */
static inline struct am_view am_build_pools_string_at(const struct am_build_pools *pools,
                                                      am_image_string_ref ref) {
    return am_image_string_in(pools->strings.data, ref);
}
/* Prefetches the slot of a string that is about to be stored. */
void am_build_pools_prefetch_string(const struct am_build_pools *pools, struct am_view text);
/* The items as they are; sort them first where the format wants them ascending. */
am_image_list_ref
am_build_pools_list(struct am_build_pools *pools, const uint32_t *items, uint32_t count);
/* Sorts `items` in place and drops duplicates; returns how many remain. */
uint32_t am_build_pools_sort(uint32_t *items, uint32_t count);
/* The same, and stores what remains. */
am_image_list_ref
am_build_pools_sorted_list(struct am_build_pools *pools, uint32_t *items, uint32_t count);
uint32_t
am_build_pools_term(struct am_build_pools *pools, uint32_t kind, uint32_t key, struct am_view text);
/* The DOMAIN term, with those of every domain above it. */
uint32_t am_build_pools_domain(struct am_build_pools *pools, struct am_view domain);
/* What the hours of a tree go by. */
struct am_build_clock {
    uint32_t zone;       /* index into ZONES, or AM_NONE: UTC */
    struct am_view name; /* as the inventory has it; empty: UTC */
};

/* The id of the tree; AM_NONE for NULL. */
uint32_t am_build_pools_tree(struct am_build_pools *pools,
                             const struct am_inventory_targeting *targeting,
                             const struct am_build_clock *clock);

#endif
