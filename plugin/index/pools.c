/* SPDX-License-Identifier: Apache-2.0 */
#include "pools.h"

static uint32_t fail(struct am_build_pools *pools, enum am_code code, const char *pool) {
    if (!pools->failure) {
        pools->failure = code;
        pools->failed_pool = pool;
    }
    return 0;
}

bool am_build_pools_start(struct am_build_pools *pools, size_t ads) {
    *pools = (struct am_build_pools){
        .strings = AM_VECTOR_OF(char),
        .sets = AM_VECTOR_OF(uint32_t),
        .terms = AM_VECTOR_OF(struct am_image_term),
        .trees = AM_VECTOR_OF(uint32_t),
        .tree_nodes = AM_VECTOR_OF(struct am_image_tree_node),
        .scratch = AM_VECTOR_OF(uint32_t),
    };
    if (!am_intern_reserve(&pools->string_table, 2 * ads))
        fail(pools, AM_E_MEMORY, "strings");
    /* Reference 0 is the empty string and the empty list, by the format. */
    am_build_pools_string(pools, (struct am_view){"", 0});
    am_build_pools_list(pools, NULL, 0);
    return pools->failure == AM_OK;
}

void am_build_pools_free(struct am_build_pools *pools) {
    am_vector_free(&pools->strings);
    am_vector_free(&pools->sets);
    am_vector_free(&pools->terms);
    am_vector_free(&pools->trees);
    am_vector_free(&pools->tree_nodes);
    am_vector_free(&pools->scratch);
    am_intern_free(&pools->string_table);
    am_intern_free(&pools->set_table);
    am_intern_free(&pools->term_table);
    am_intern_free(&pools->tree_table);
}

/* ---- strings ----------------------------------------------------------------------------------
 */

static bool string_equal(const void *context, uint32_t ref, const void *key) {
    return am_view_equal(am_build_pools_string_at(context, ref), *(const struct am_view *)key);
}

am_image_string_ref am_build_pools_own_string(struct am_build_pools *pools, struct am_view text) {
    if (pools->failure)
        return 0;
    size_t ref = pools->strings.count / 4;
    if (ref >= UINT32_MAX)
        return fail(pools, AM_E_LIMIT, "string bytes / 4");
    size_t padded = (4 + text.size + 3) / 4 * 4;
    char *place = am_vector_extend(&pools->strings, padded);
    if (!place)
        return fail(pools, AM_E_MEMORY, "strings");
    uint32_t size = (uint32_t)text.size;
    memset(place + padded - 4, 0, 4);
    memcpy(place, &size, 4);
    if (size)
        memcpy(place + 4, text.data, size);
    return (uint32_t)ref;
}

am_image_string_ref am_build_pools_string(struct am_build_pools *pools, struct am_view text) {
    if (pools->failure)
        return 0;
    struct am_intern_slot *slot =
        am_intern_find(&pools->string_table, am_keyed_hash(text), string_equal, pools, &text);
    if (!slot)
        return fail(pools, AM_E_MEMORY, "strings");
    if (slot->id != UINT32_MAX)
        return slot->id;
    am_image_string_ref ref = am_build_pools_own_string(pools, text);
    if (!pools->failure)
        slot->id = ref;
    return ref;
}

void am_build_pools_prefetch_string(const struct am_build_pools *pools, struct am_view text) {
    am_intern_fetch(&pools->string_table, am_keyed_hash(text));
}

/* ---- lists ------------------------------------------------------------------------------------
 */

struct items {
    const uint32_t *data;
    uint32_t count;
};

static bool set_equal(const void *context, uint32_t ref, const void *key) {
    const struct am_build_pools *pools = context;
    const struct items *items = key;
    const uint32_t *set = AM_VECTOR_AT(&pools->sets, uint32_t, ref);
    return set[0] == items->count &&
           (items->count == 0 || memcmp(set + 1, items->data, (size_t)items->count * 4) == 0);
}

am_image_list_ref
am_build_pools_list(struct am_build_pools *pools, const uint32_t *items, uint32_t count) {
    if (pools->failure)
        return 0;
    struct items key = {items, count};
    struct am_keyed_hash hash =
        am_keyed_hash((struct am_view){(const char *)items, (size_t)count * sizeof *items});
    struct am_intern_slot *slot = am_intern_find(&pools->set_table, hash, set_equal, pools, &key);
    if (!slot)
        return fail(pools, AM_E_MEMORY, "lists");
    if (slot->id != UINT32_MAX)
        return slot->id;
    size_t ref = pools->sets.count;
    if (ref >= UINT32_MAX - 1 - count)
        return fail(pools, AM_E_LIMIT, "list items");
    uint32_t *place = am_vector_extend(&pools->sets, (size_t)count + 1);
    if (!place)
        return fail(pools, AM_E_MEMORY, "lists");
    place[0] = count;
    if (count)
        memcpy(place + 1, items, (size_t)count * 4);
    slot->id = (uint32_t)ref;
    return slot->id;
}

static int ascending(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

uint32_t am_build_pools_sort(uint32_t *items, uint32_t count) {
    if (count == 0)
        return 0;
    qsort(items, count, sizeof *items, ascending);
    uint32_t kept = 1;
    for (uint32_t i = 1; i < count; i++)
        if (items[i] != items[kept - 1])
            items[kept++] = items[i];
    return kept;
}

am_image_list_ref
am_build_pools_sorted_list(struct am_build_pools *pools, uint32_t *items, uint32_t count) {
    return count ? am_build_pools_list(pools, items, am_build_pools_sort(items, count)) : 0;
}

/* ---- terms ------------------------------------------------------------------------------------
 */

struct term_key {
    uint32_t kind, key;
    struct am_view text;
};

static bool term_equal(const void *context, uint32_t id, const void *key) {
    const struct am_build_pools *pools = context;
    const struct term_key *wanted = key;
    const struct am_image_term *term = AM_VECTOR_AT(&pools->terms, struct am_image_term, id);
    return term->kind == wanted->kind &&
           (term->kind == AM_TERM_DOMAIN || term->key == wanted->key) &&
           am_view_equal(am_build_pools_string_at(pools, term->text), wanted->text);
}

uint32_t am_build_pools_term(struct am_build_pools *pools,
                             uint32_t kind,
                             uint32_t key,
                             struct am_view text) {
    if (pools->failure)
        return 0;
    am_image_string_ref ref = am_build_pools_string(pools, text);
    struct term_key wanted = {kind, key, text};
    struct am_intern_slot *slot =
        am_intern_find(&pools->term_table,
                       am_keyed_hash_pair(am_keyed_hash(text).value, (uint64_t)kind << 32 | key),
                       term_equal, pools, &wanted);
    if (!slot)
        return fail(pools, AM_E_MEMORY, "terms");
    if (slot->id != UINT32_MAX)
        return slot->id;
    if (pools->terms.count >= UINT32_MAX - 1)
        return fail(pools, AM_E_LIMIT, "terms");
    struct am_image_term term = {ref, kind, key};
    if (!am_vector_push(&pools->terms, &term))
        return fail(pools, AM_E_MEMORY, "terms");
    slot->id = (uint32_t)(pools->terms.count - 1);
    return slot->id;
}

uint32_t am_build_pools_domain(struct am_build_pools *pools, struct am_view domain) {
    size_t known = pools->terms.count;
    uint32_t id = am_build_pools_term(pools, AM_TERM_DOMAIN, AM_NONE, domain);
    const char *dot = domain.size ? memchr(domain.data, '.', domain.size) : NULL;
    if (pools->failure || id < known || !dot)
        return id;
    struct am_view above = {dot + 1, domain.size - (size_t)(dot + 1 - domain.data)};
    uint32_t parent = am_build_pools_domain(pools, above);
    if (!pools->failure)
        AM_VECTOR_AT(&pools->terms, struct am_image_term, id)->key = parent;
    return id;
}

/* ---- targeting trees --------------------------------------------------------------------------
 */

static am_image_list_ref values_of(struct am_build_pools *pools,
                                   const struct am_inventory_targeting *targeting,
                                   uint32_t key) {
    pools->scratch.count = 0;
    uint32_t *terms = am_vector_extend(&pools->scratch, targeting->count);
    if (!terms && targeting->count)
        return fail(pools, AM_E_MEMORY, "lists");
    for (uint32_t i = 0; i < targeting->count; i++)
        terms[i] = am_build_pools_term(pools, AM_TERM_ATTRIBUTE + targeting->attribute, key,
                                       targeting->values[i]);
    return am_build_pools_sorted_list(pools, terms, targeting->count);
}

/* How they are written, the name of their time zone, then the runs. */
static am_image_list_ref times_of(struct am_build_pools *pools,
                                  const struct am_inventory_targeting *targeting,
                                  struct am_view zone) {
    struct am_vector items = AM_VECTOR_OF(uint32_t);
    uint32_t *place = am_vector_extend(&items, AM_TIMES_FIRST + targeting->count);
    am_image_list_ref list = 0;
    if (place) {
        place[AM_TIMES_WRITTEN] = am_build_pools_string(pools, targeting->written);
        place[AM_TIMES_ZONE] = am_build_pools_string(pools, zone);
        memcpy(place + AM_TIMES_FIRST, targeting->times, targeting->count * sizeof *place);
        list = am_build_pools_list(pools, place, AM_TIMES_FIRST + targeting->count);
    } else {
        pools->failure = AM_E_MEMORY;
    }
    am_vector_free(&items);
    return list;
}

static struct am_image_tree_node leaf_of(struct am_build_pools *pools,
                                         const struct am_inventory_targeting *targeting,
                                         const struct am_build_clock *clock) {
    struct am_image_tree_node node = {.kind = (uint8_t)targeting->kind,
                                      .attribute = (uint8_t)targeting->attribute,
                                      .key = AM_NONE};
    if (targeting->kind == AM_TARGETING_HOURS) {
        uint32_t hours[6];
        for (unsigned i = 0; i < 6; i++)
            hours[i] = (uint32_t)(targeting->hours[i / 2] >> (i % 2 * 32));
        node.key = clock->zone;
        node.set = am_build_pools_list(pools, hours, 6);
        return node;
    }
    if (targeting->kind == AM_TARGETING_TIMES) {
        node.key = clock->zone;
        node.set = times_of(pools, targeting, clock->name);
        return node;
    }
    if (targeting->attribute == AM_ATTRIBUTE_KV)
        node.key = am_build_pools_term(pools, AM_TERM_KEY, AM_NONE, targeting->key);
    node.set = values_of(pools, targeting, node.key);
    return node;
}

/* Appends the subtree in preorder; `start` is the index of the tree's first node. */
static void append_tree(struct am_build_pools *pools,
                        const struct am_inventory_targeting *targeting,
                        const struct am_build_clock *clock,
                        size_t start) {
    size_t at = pools->tree_nodes.count;
    bool inner = targeting->kind <= AM_TARGETING_NOT;
    struct am_image_tree_node node = {.kind = (uint8_t)targeting->kind, .key = AM_NONE};
    if (!inner)
        node = leaf_of(pools, targeting, clock);
    if (at >= UINT32_MAX - 1) {
        fail(pools, AM_E_LIMIT, "targeting nodes");
        return;
    }
    if (!am_vector_push(&pools->tree_nodes, &node)) {
        fail(pools, AM_E_MEMORY, "targeting nodes");
        return;
    }
    for (uint32_t i = 0; inner && i < targeting->count; i++)
        append_tree(pools, &targeting->children[i], clock, start);
    AM_VECTOR_AT(&pools->tree_nodes, struct am_image_tree_node, at)->end =
        (uint32_t)(pools->tree_nodes.count - start);
}

static bool tree_equal(const void *context, uint32_t id, const void *key) {
    const struct am_build_pools *pools = context;
    const struct am_image_tree_node *wanted = key;
    const struct am_image_tree_node *node = AM_VECTOR_AT(
        &pools->tree_nodes, struct am_image_tree_node, *AM_VECTOR_AT(&pools->trees, uint32_t, id));
    return node->end == wanted->end && memcmp(node, wanted, node->end * sizeof *node) == 0;
}

uint32_t am_build_pools_tree(struct am_build_pools *pools,
                             const struct am_inventory_targeting *targeting,
                             const struct am_build_clock *clock) {
    if (!targeting || pools->failure)
        return AM_NONE;
    size_t start = pools->tree_nodes.count;
    append_tree(pools, targeting, clock, start);
    if (pools->failure)
        return AM_NONE;
    struct am_image_tree_node *nodes =
        AM_VECTOR_AT(&pools->tree_nodes, struct am_image_tree_node, start);
    struct am_keyed_hash hash = am_keyed_hash(
        (struct am_view){(const char *)nodes, (pools->tree_nodes.count - start) * sizeof *nodes});
    struct am_intern_slot *slot =
        am_intern_find(&pools->tree_table, hash, tree_equal, pools, nodes);
    if (!slot)
        return fail(pools, AM_E_MEMORY, "targeting trees");
    if (slot->id != UINT32_MAX) {
        pools->tree_nodes.count = start;
        return slot->id;
    }
    uint32_t first = (uint32_t)start;
    if (!am_vector_push(&pools->trees, &first))
        return fail(pools, AM_E_MEMORY, "targeting trees");
    slot->id = (uint32_t)(pools->trees.count - 1);
    return slot->id;
}
