/* SPDX-License-Identifier: Apache-2.0 */
/* Labels and categories of an ad and its campaign, as one list of terms.
 *
 * What a campaign adds is interned and sorted once, when its first ad needs it; otherwise a
 * campaign's labels would cost as much as if each of its ads had them. */
#include "build.h"

static const struct am_inventory_strings *strings_of(const struct am_inventory_rules *rules,
                                                     enum am_build_term_list list) {
    switch (list) {
    case AM_BUILD_LABELS:
        return &rules->labels;
    case AM_BUILD_EXCLUDE_LABELS:
        return &rules->exclude_labels;
    default:
        return &rules->categories;
    }
}

static bool
add_term(struct am_builder *builder, struct am_vector *ids, uint32_t kind, struct am_view text) {
    uint32_t term = am_build_pools_term(&builder->pools, kind, AM_NONE, text);
    return am_vector_push(ids, &term);
}

/* A category, and each above it: "IAB7" of "iab7-39". */
static bool add_folded(struct am_builder *builder, struct am_vector *ids, struct am_view category) {
    char memory[AM_ID_MAX_BYTES];
    struct am_view folded = am_model_category_fold(category, memory);
    for (size_t i = 1; i <= folded.size; i++)
        if ((i == folded.size || folded.data[i] == '-') &&
            !add_term(builder, ids, AM_TERM_CATEGORY, (struct am_view){folded.data, i}))
            return false;
    return true;
}

/* Of one record: ascending and distinct. False when memory runs out. */
static bool add_terms(struct am_builder *builder,
                      struct am_vector *ids,
                      const struct am_inventory_rules *rules,
                      enum am_build_term_list list) {
    const struct am_inventory_strings *strings = strings_of(rules, list);
    uint32_t kind = list >= AM_BUILD_CATEGORIES ? AM_TERM_CATEGORY : AM_TERM_LABEL;
    for (uint32_t i = 0; i < strings->count; i++)
        if (list == AM_BUILD_CATEGORIES_ABOVE ? !add_folded(builder, ids, strings->items[i])
                                              : !add_term(builder, ids, kind, strings->items[i]))
            return false;
    ids->count = am_build_pools_sort(ids->data, (uint32_t)ids->count);
    return true;
}

static am_image_list_ref store(struct am_builder *builder, const struct am_vector *ids) {
    return ids->count ? am_build_pools_list(&builder->pools, ids->data, (uint32_t)ids->count) : 0;
}

/* The union of two ascending lists, both with items. */
static bool merge(const struct am_vector *a, const struct am_vector *b, struct am_vector *merged) {
    const uint32_t *left = a->data, *left_end = left + a->count;
    const uint32_t *right = b->data, *right_end = right + b->count;
    uint32_t *to = am_vector_extend(merged, a->count + b->count);
    if (!to)
        return false;
    uint32_t count = 0;
    while (left < left_end || right < right_end) {
        bool takes_left = right == right_end || (left < left_end && *left <= *right);
        uint32_t id = takes_left ? *left++ : *right++;
        if (count == 0 || to[count - 1] != id)
            to[count++] = id;
    }
    merged->count = count;
    return true;
}

/* An ad's own terms with those of its campaign. False when memory runs out. */
static bool store_merged(struct am_builder *builder,
                         const struct am_vector *own,
                         struct am_build_shared_terms *shared,
                         am_image_list_ref *ref) {
    if (own->count == 0) {
        if (!shared->ref)
            shared->ref = store(builder, &shared->ids);
        *ref = shared->ref;
        return true;
    }
    struct am_vector merged = AM_VECTOR_OF(uint32_t);
    bool done = merge(own, &shared->ids, &merged);
    if (done)
        *ref = store(builder, &merged);
    am_vector_free(&merged);
    return done;
}

/* A campaign's terms, when its first ad needs them. */
static bool share(struct am_builder *builder,
                  const struct am_inventory_rules *above,
                  enum am_build_term_list list,
                  struct am_build_shared_terms *shared) {
    if (shared->ids.data || strings_of(above, list)->count == 0)
        return true;
    shared->ids = AM_VECTOR_OF(uint32_t);
    return add_terms(builder, &shared->ids, above, list);
}

am_image_list_ref am_build_terms(struct am_builder *builder,
                                 const struct am_inventory_rules *own,
                                 const struct am_inventory_rules *above,
                                 struct am_build_shared_terms *shared,
                                 enum am_build_term_list list) {
    struct am_vector ids = AM_VECTOR_OF(uint32_t);
    am_image_list_ref ref = 0;
    bool done = add_terms(builder, &ids, own, list) &&
                (!above || share(builder, above, list, &shared[list]));
    if (done && above && shared[list].ids.count)
        done = store_merged(builder, &ids, &shared[list], &ref);
    else if (done)
        ref = store(builder, &ids);
    if (!done)
        builder->pools.failure = AM_E_MEMORY;
    am_vector_free(&ids);
    return ref;
}

void am_build_free_shared_terms(struct am_build_shared_terms *shared) {
    for (unsigned list = 0; list < AM_BUILD_TERM_LISTS; list++)
        am_vector_free(&shared[list].ids);
}
