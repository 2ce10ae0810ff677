/* SPDX-License-Identifier: Apache-2.0 */
/* Words to temporary ids. */
#include "build.h"

struct am_view am_build_word_text(const struct am_builder *builder, uint32_t id) {
    am_image_string_ref ref = AM_VECTOR_AT(&builder->words, struct am_build_word, id)->text;
    const char *at = AM_VECTOR_AT(&builder->pools.strings, char, (size_t)ref * 4);
    return (struct am_view){at + 4, am_bytes_load_u32(at)};
}

static bool word_equal(const void *context, uint32_t id, const void *key) {
    return am_view_equal(am_build_word_text(context, id), *(const struct am_view *)key);
}

uint32_t am_build_find_word(const struct am_builder *builder, struct am_view text) {
    return am_intern_get(&builder->word_table, am_keyed_hash(text), word_equal, builder, &text);
}

bool am_build_intern_word(struct am_builder *builder,
                          struct am_view text,
                          uint32_t *id,
                          struct am_error *error) {
    struct am_intern_slot *slot =
        am_intern_find(&builder->word_table, am_keyed_hash(text), word_equal, builder, &text);
    if (!slot)
        return am_build_out_of_memory(error);
    if (slot->id == UINT32_MAX) {
        /* A word may need three node numbers, see AM_NODE_OF_*. */
        if (builder->words.count >= UINT32_MAX / 4)
            return am_build_too_many(error, "distinct words (times four)");
        struct am_build_word word = {.text = am_build_pools_string(&builder->pools, text),
                                     .phrase_terminal = AM_NONE,
                                     .broad_terminal = AM_NONE};
        if (!am_vector_push(&builder->words, &word))
            return am_build_out_of_memory(error);
        slot->id = (uint32_t)(builder->words.count - 1);
    }
    *id = slot->id;
    return true;
}
