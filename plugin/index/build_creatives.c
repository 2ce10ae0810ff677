/* SPDX-License-Identifier: Apache-2.0 */
/* What exchanges may ask of creatives, beside the ads. */
#include "../model/creative.h"
#include "build.h"

/* Longer names block nothing, and are none of a store's. */
static uint32_t bundle_term(struct am_builder *builder, struct am_view bundle, char *memory) {
    if (bundle.size == 0 || bundle.size > AM_ID_MAX_BYTES)
        return AM_NONE;
    struct am_view folded = am_model_attribute_fold(AM_ATTRIBUTE_SITE, bundle, memory);
    return am_build_pools_term(&builder->pools, AM_TERM_APP, AM_NONE, folded);
}

static am_image_list_ref
store(struct am_builder *builder, const struct am_model_creative *creative, char *memory) {
    const uint32_t items[AM_CREATIVE_ITEMS] = {
        [AM_CREATIVE_ATTRIBUTES_LOW] = (uint32_t)creative->attributes,
        [AM_CREATIVE_ATTRIBUTES_HIGH] = (uint32_t)(creative->attributes >> 32),
        [AM_CREATIVE_APIS] = creative->apis,
        [AM_CREATIVE_MIMES] = creative->mimes,
        [AM_CREATIVE_OTHERS] = (uint32_t)creative->types | (uint32_t)creative->positions << 8 |
                               (uint32_t)creative->taxonomy << 16 | (uint32_t)creative->flags << 24,
        [AM_CREATIVE_SHOWN] = (uint32_t)creative->kinds | creative->duration << 8,
        [AM_CREATIVE_ASSETS] = (uint32_t)creative->assets | (uint32_t)creative->title_size << 8 |
                               (uint32_t)creative->text_size << 20,
        [AM_CREATIVE_APP] = bundle_term(builder, creative->bundle, memory),
    };
    return am_build_pools_list(&builder->pools, items, AM_CREATIVE_ITEMS);
}

bool am_build_creatives(struct am_builder *builder, struct am_error *error) {
    const struct am_inventory *inventory = builder->inventory;
    struct am_json_node *nodes = malloc(AM_CREATIVE_NODES * sizeof *nodes);
    char *memory = malloc(AM_CREATIVE_MAX_BYTES);
    bool done = nodes && memory && am_vector_reserve(&builder->creatives, inventory->ad_count);
    for (uint32_t i = 0; done && i < inventory->ad_count; i++) {
        am_image_list_ref ref = 0;
        struct am_model_creative creative;
        if (inventory->ads[i].creative.size) {
            am_model_creative_read(inventory->ads[i].creative, nodes, memory, &creative);
            if (inventory->ads[i].url.size == 0) /* a native ad leads somewhere */
                creative.kinds &= (uint8_t) ~(1 << AM_CREATIVE_NATIVE);
            ref = store(builder, &creative, memory);
        }
        done = am_vector_push(&builder->creatives, &ref);
    }
    free(nodes);
    free(memory);
    return done || am_build_out_of_memory(error);
}
