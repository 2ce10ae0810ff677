/* SPDX-License-Identifier: Apache-2.0 */
/* The ads placed so far, as later ads are held against them. */
#include "gate.h"

void am_gate_placed_size(struct am_gate_placed *placed,
                         const struct am_image *image,
                         struct am_match_memory *memory) {
    am_match_memory_take_map(memory, &placed->owners, AM_MAX_ADS_PER_REQUEST);
    am_match_memory_take_map(memory, &placed->labels, image->term_count);
    am_match_memory_take_map(memory, &placed->excluded, image->term_count);
}

void am_gate_placed_start(struct am_gate_placed *placed) {
    AM_POISON_ITEMS(placed->winners, 0, placed->count);
    AM_POISON_ITEMS(placed->candidates, 0, placed->count);
    placed->count = 0;
    am_match_idmap_clear(&placed->owners);
    am_match_idmap_clear(&placed->labels);
    am_match_idmap_clear(&placed->excluded);
}

/* What two ads must not share. An ad without a campaign has one of its own. */
static uint32_t
owner_of(const struct am_image *image, enum am_model_unique unique, uint32_t index) {
    const struct am_image_ad *ad = &image->ads[index];
    switch (unique) {
    case AM_UNIQUE_ADVERTISER:
        return ad->advertiser;
    case AM_UNIQUE_CAMPAIGN:
        return ad->campaign != AM_NONE ? ad->campaign : image->settings->campaign_count + index;
    case AM_UNIQUE_AD:
    case AM_UNIQUE_NONE:
    case AM_UNIQUES:
        break;
    }
    return index;
}

static void add_labels(const struct am_image *image,
                       struct am_match_idmap *labels,
                       am_image_list_ref ref,
                       uint32_t position) {
    struct am_image_list list = am_image_list_at(image, ref);
    for (uint32_t i = 0; i < list.count; i++)
        am_match_idmap_add(labels, list.items[i], position);
}

void am_gate_placed_add(struct am_gate_placed *placed,
                        const struct am_image *image,
                        enum am_model_unique unique,
                        const struct am_match_candidate *candidate,
                        uint32_t index) {
    const struct am_image_ad *ad = &image->ads[candidate->ad];
    AM_UNPOISON_ITEMS(placed->winners, placed->count, 1);
    AM_UNPOISON_ITEMS(placed->candidates, placed->count, 1);
    am_match_idmap_add(&placed->owners, owner_of(image, unique, candidate->ad), placed->count);
    add_labels(image, &placed->labels, ad->labels, placed->count);
    add_labels(image, &placed->excluded, ad->exclude_labels, placed->count);
    placed->candidates[placed->count] = index;
    /* Its spans are large, and are filled in only where the answer shows them. */
    struct am_match_winner *winner = &placed->winners[placed->count++];
    winner->ad = candidate->ad;
    winner->keyword = candidate->posting;
    winner->field = AM_NONE;
    winner->span_count = 0;
    winner->pace = AM_MATCH_PACE_NONE;
    winner->sequence = 0;
}

uint32_t am_gate_placed_same(const struct am_gate_placed *placed,
                             const struct am_image *image,
                             enum am_model_unique unique,
                             uint32_t ad) {
    if (unique == AM_UNIQUE_NONE || placed->count == 0)
        return AM_NONE;
    const uint32_t *position = am_match_idmap_find(&placed->owners, owner_of(image, unique, ad));
    return position ? placed->winners[*position].ad : AM_NONE;
}

/* The first position, before `best`, of the labels in the list. */
static uint32_t first_position(const struct am_image *image,
                               const struct am_match_idmap *labels,
                               am_image_list_ref ref,
                               uint32_t best) {
    struct am_image_list list = am_image_list_at(image, ref);
    for (uint32_t i = 0; i < list.count && labels->count; i++) {
        const uint32_t *position = am_match_idmap_find(labels, list.items[i]);
        if (position && *position < best)
            best = *position;
    }
    return best;
}

/* The smallest label, by its text, that both lists have, or `best` when that is smaller. */
static uint32_t smallest_shared(const struct am_image *image,
                                am_image_list_ref a,
                                am_image_list_ref b,
                                uint32_t best) {
    struct am_image_list left = am_image_list_at(image, a), right = am_image_list_at(image, b);
    for (uint32_t i = 0; i < left.count && right.count; i++) {
        uint32_t label = left.items[i];
        if (!am_image_list_has(right, label))
            continue;
        if (best == AM_NONE || am_view_compare(am_image_string(image, image->terms[label].text),
                                               am_image_string(image, image->terms[best].text)) < 0)
            best = label;
    }
    return best;
}

uint32_t am_gate_placed_excluding(const struct am_gate_placed *placed,
                                  const struct am_image *image,
                                  const struct am_image_ad *ad) {
    uint32_t first = first_position(image, &placed->labels, ad->exclude_labels, AM_NONE);
    return first_position(image, &placed->excluded, ad->labels, first);
}

uint32_t am_gate_label(const struct am_image *image,
                       const struct am_image_ad *ad,
                       const struct am_image_ad *other) {
    uint32_t label = smallest_shared(image, ad->exclude_labels, other->labels, AM_NONE);
    return smallest_shared(image, other->exclude_labels, ad->labels, label);
}

/* Each label of one list is sought in the other; those that both have are compared by their texts.
 */
static uint64_t
steps_of_sharing(const struct am_image *image, am_image_list_ref a, am_image_list_ref b) {
    uint32_t left = am_image_list_at(image, a).count, right = am_image_list_at(image, b).count;
    return am_match_work_of_seeking(left, right) + (left < right ? left : right) / 2;
}

uint64_t am_gate_label_steps(const struct am_image *image,
                             const struct am_image_ad *ad,
                             const struct am_image_ad *other) {
    return steps_of_sharing(image, ad->exclude_labels, other->labels) +
           steps_of_sharing(image, other->exclude_labels, ad->labels);
}
