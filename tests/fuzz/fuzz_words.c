/* SPDX-License-Identifier: Apache-2.0 */
/* The splitter: every way gives the same words; spans lie in the text, in order. The first byte
 * chooses the rules. */
#include <stdio.h>
#include <stdlib.h>

#include "../../plugin/text/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_WORDS = 1 << 14, BATCH = AM_WORDS_LEAST };

struct found {
    struct am_text_word words[MOST_WORDS];
    char texts[1 << 20];
    size_t count, used;
};

static void require(bool holds) {
    if (!holds)
        abort();
}

static struct am_text_splitter_memory new_memory(size_t text_size) {
    struct am_text_splitter_memory memory = {NULL, am_text_splitter_memory_size(text_size)};
    memory.memory = malloc(memory.size);
    require(memory.memory != NULL);
    return memory;
}

static void keep(struct found *found,
                 const struct am_text_splitter *splitter,
                 const struct am_text_word *word) {
    require(found->count < MOST_WORDS && found->used + word->size <= sizeof found->texts);
    found->words[found->count++] = *word;
    memcpy(found->texts + found->used, am_text_word_text(splitter, word), word->size);
    found->used += word->size;
}

/* Every written form belongs to a word of the batch. */
static void check_written(const struct am_text_splitter *splitter, size_t count) {
    for (size_t i = 0; i < splitter->written_count; i++) {
        const struct am_text_written_form *form = &splitter->written[i];
        require(form->word < count && form->size > 0 && form->size <= AM_WORD_MAX_BYTES);
        require(i == 0 || splitter->written[i - 1].word < form->word);
    }
}

static void split(struct am_view text,
                  struct am_text_word_rules rules,
                  const struct am_text_block_kernel *way,
                  struct found *found) {
    struct am_text_word batch[BATCH];
    struct am_text_splitter splitter;
    struct am_text_splitter_memory memory = new_memory(text.size);
    size_t count;
    found->count = found->used = 0;
    am_text_splitter_start(&splitter, text, &rules, memory);
    splitter.kernel = rules.turkish ? NULL : way;
    splitter.wants_written = true;
    while ((count = am_text_splitter_next(&splitter, batch, BATCH)) > 0) {
        for (size_t i = 0; i < count; i++)
            keep(found, &splitter, &batch[i]);
        check_written(&splitter, count);
    }
    require(splitter.at == text.size);
    free(memory.memory);
}

static void check_spans(const struct found *found, struct am_view text) {
    for (size_t i = 0; i < found->count; i++) {
        const struct am_text_word *word = &found->words[i];
        require(word->begin < word->end && word->end <= text.size);
        require(word->size <= AM_WORD_MAX_BYTES);
        require(i == 0 || found->words[i - 1].begin <= word->begin);
        uint32_t units = am_text_utf16_length(text.data + word->begin, word->end - word->begin);
        require(units >= 1 && units <= word->end - word->begin);
    }
}

static void check_same(const struct found *a, const struct found *b) {
    require(a->count == b->count && a->used == b->used);
    require(memcmp(a->texts, b->texts, a->used) == 0);
    for (size_t i = 0; i < a->count; i++)
        require(a->words[i].size == b->words[i].size && a->words[i].begin == b->words[i].begin &&
                a->words[i].end == b->words[i].end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct found machine, other;
    if (size == 0 || size > 4096)
        return 0;
    static const char *const languages[] = {"", "fr", "it", "ca", "tr", "az", "da", "vi"};
    struct am_text_word_rules rules = am_text_word_rules_of(
        am_view_of(languages[(data[0] >> 1) % AM_COUNT_OF(languages)]), data[0] & 1);
    struct am_view text = {(const char *)data + 1, size - 1};
    split(text, rules, NULL, &machine);
    check_spans(&machine, text);
    for (int name = 0; name < AM_TEXT_BLOCK_KERNELS; name++) {
        const struct am_text_block_kernel *way =
            am_text_block_kernel((enum am_text_block_kernel_name)name);
        if (!way)
            continue;
        split(text, rules, way, &other);
        check_same(&machine, &other);
    }
    return 0;
}
