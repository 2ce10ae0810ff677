/* The hash tables of the image. */
#include "build.h"
#include "vocabulary.h"

/* Items to buckets of `ways`, filled to this many percent on average: fuller saves memory, emptier
 * saves second looks. */
enum { VOCABULARY_FILL = 75, EDGE_FILL = 80, TERM_FILL = 60 };

/* Few edges are in the top tier, so that what wrongly passes its filters would outnumber them: they
 * are given more bits. */
enum { FILTER_BITS_PER_EDGE = 8, TOP_FILTER_BITS_PER_EDGE = 16 };

static size_t buckets_for(size_t items, size_t ways, size_t fill) {
    return items * 100 / (ways * fill) + 1;
}

/* `count` items of the vector, all bytes set to `byte`. */
static bool make_table(struct am_vector *table, size_t count, int byte, struct am_error *error) {
    void *items = am_vector_extend(table, count);
    if (!items)
        return am_build_out_of_memory(error);
    memset(items, byte, count * table->item_size);
    return true;
}

static struct am_image_word_key key_of_word(const struct am_builder *builder, uint32_t word) {
    am_image_string_ref ref = AM_VECTOR_AT(&builder->words, struct am_build_word, word)->text;
    const char *at = AM_VECTOR_AT(&builder->pools.strings, char, (size_t)ref * 4);
    uint32_t size = am_bytes_load_u32(at);
    char padded[AM_WORD_MAX_BYTES + AM_WORD_PADDING] = {0};
    memcpy(padded, at + 4, size);
    return am_image_word_key(padded, size);
}

static void put_word(struct am_image_vocabulary_bucket *buckets,
                     size_t count,
                     struct am_image_word_key key,
                     uint32_t word,
                     uint8_t flags) {
    uint64_t hash = am_image_word_key_hash(key);
    size_t at = am_image_bucket(hash, count);
    for (;;) {
        struct am_image_vocabulary_bucket *bucket = &buckets[at];
        for (int way = 0; way < AM_IMAGE_VOCABULARY_LANES; way++)
            if (bucket->word[way] == AM_NONE) {
                memcpy(bucket->key[way], &key, AM_VOCABULARY_KEY);
                bucket->word[way] = word;
                bucket->flags[way] = flags;
                return;
            }
        bucket->displaced |= am_image_overflow_word(hash);
        at = at + 1 < count ? at + 1 : 0;
    }
}

static bool build_vocabulary(struct am_builder *builder, struct am_error *error) {
    size_t words = builder->words.count;
    size_t count = buckets_for(words, AM_IMAGE_VOCABULARY_LANES, VOCABULARY_FILL);
    if (!make_table(&builder->vocabulary, count, 0, error))
        return false;
    struct am_image_vocabulary_bucket *buckets = builder->vocabulary.data;
    for (size_t i = 0; i < count; i++)
        memset(buckets[i].word, 0xFF, sizeof buckets[i].word);
    for (uint32_t i = 0; i < words; i++) {
        const struct am_build_word *word = AM_VECTOR_AT(&builder->words, struct am_build_word, i);
        struct am_image_word record = {word->text, word->phrase_terminal, word->broad_terminal};
        if (!am_vector_push(&builder->word_records, &record))
            return am_build_out_of_memory(error);
    }
    /* The most frequent words come last in number and are put first, since who comes first finds
     * room in its own bucket. */
    for (uint32_t i = (uint32_t)words; i-- > 0;) {
        const struct am_build_word *word = AM_VECTOR_AT(&builder->words, struct am_build_word, i);
        put_word(buckets, count, key_of_word(builder, i), i, word->flags);
    }
    return true;
}

static void
put_edge(struct am_image_edge_bucket *buckets, size_t count, uint64_t key, uint32_t child) {
    uint32_t hash = am_image_edge_hash(key);
    size_t at = am_image_bucket32(hash, count);
    for (;;) {
        struct am_image_edge_bucket *bucket = &buckets[at];
        for (int way = 0; way < AM_IMAGE_EDGE_LANES; way++)
            if (bucket->key[way] == AM_EDGE_EMPTY) {
                bucket->key[way] = key;
                bucket->child[way] = child;
                return;
            }
        bucket->displaced |= am_image_overflow_edge(hash);
        at = at + 1 < count ? at + 1 : 0;
    }
}

static enum am_image_filter_kind kind_of(const struct am_builder *builder,
                                         const struct am_build_edge *edge) {
    bool first = edge->key >> 32 >= builder->settings.node_end;
    return first ? AM_FILTER_FIRST : AM_FILTER_LATER;
}

/* Whether a tier has keywords that the edge leads to. */
static bool leads_to(const struct am_builder *builder,
                     const struct am_build_edge *edge,
                     enum am_image_tier tier) {
    uint32_t top_rank = builder->settings.top_rank;
    return tier == AM_TIER_ALL || (top_rank > 0 && edge->best_rank <= top_rank);
}

static void count_blocks(struct am_builder *builder, enum am_image_tier tier, uint32_t *blocks) {
    static const size_t bits_per_edge[AM_TIERS] = {FILTER_BITS_PER_EDGE, TOP_FILTER_BITS_PER_EDGE};
    const struct am_build_edge *edge = builder->edges.data;
    size_t edges[AM_FILTER_KINDS] = {0};
    for (size_t i = 0; i < builder->edges.count; i++)
        edges[kind_of(builder, &edge[i])] += leads_to(builder, &edge[i], tier);
    for (unsigned kind = 0; kind < AM_FILTER_KINDS; kind++)
        blocks[kind] = (uint32_t)(edges[kind] * bits_per_edge[tier] / 32 + 1);
}

static bool
build_filters(struct am_builder *builder, enum am_image_tier tier, struct am_error *error) {
    uint32_t *blocks = builder->settings.filter_blocks[tier];
    count_blocks(builder, tier, blocks);
    size_t start = builder->filter.count;
    if (!make_table(&builder->filter, (size_t)blocks[AM_FILTER_FIRST] + blocks[AM_FILTER_LATER], 0,
                    error))
        return false;
    uint32_t *filters[AM_FILTER_KINDS];
    filters[AM_FILTER_FIRST] = AM_VECTOR_AT(&builder->filter, uint32_t, start);
    filters[AM_FILTER_LATER] = filters[AM_FILTER_FIRST] + blocks[AM_FILTER_FIRST];
    const struct am_build_edge *edge = builder->edges.data;
    for (size_t i = 0; i < builder->edges.count; i++) {
        if (!leads_to(builder, &edge[i], tier))
            continue;
        enum am_image_filter_kind kind = kind_of(builder, &edge[i]);
        uint32_t hash = am_image_edge_hash(edge[i].key);
        filters[kind][am_image_bucket32(hash, blocks[kind])] |= am_image_filter_mask(hash);
    }
    return true;
}

static bool build_edges(struct am_builder *builder, struct am_error *error) {
    size_t count = buckets_for(builder->edges.count, AM_IMAGE_EDGE_LANES, EDGE_FILL);
    if (!make_table(&builder->edge_buckets, count, 0xFF, error))
        return false;
    struct am_image_edge_bucket *buckets = builder->edge_buckets.data;
    for (size_t i = 0; i < count; i++)
        buckets[i].displaced = 0;
    const struct am_build_edge *edge = builder->edges.data;
    for (size_t i = 0; i < builder->edges.count; i++) {
        if (i + AM_FETCH_AHEAD < builder->edges.count) {
            uint32_t hash = am_image_edge_hash(edge[i + AM_FETCH_AHEAD].key);
            __builtin_prefetch(&buckets[am_image_bucket32(hash, count)], 1);
        }
        put_edge(buckets, count, edge[i].key, edge[i].final);
    }
    return true;
}

static bool build_term_table(struct am_builder *builder, struct am_error *error) {
    size_t terms = builder->pools.terms.count;
    size_t count = buckets_for(terms, 1, TERM_FILL) + 1; /* one more, so that it is never full */
    if (!make_table(&builder->term_table, count, 0xFF, error))
        return false;
    uint32_t *slots = builder->term_table.data;
    const struct am_image_term *term = builder->pools.terms.data;
    for (uint32_t i = 0; i < terms; i++) {
        const char *at = AM_VECTOR_AT(&builder->pools.strings, char, (size_t)term[i].text * 4);
        uint32_t key = term[i].kind == AM_TERM_DOMAIN ? AM_NONE : term[i].key;
        uint64_t hash =
            am_image_term_hash(term[i].kind, key, (struct am_view){at + 4, am_bytes_load_u32(at)});
        size_t slot = am_image_bucket(hash, count);
        while (slots[slot] != AM_NONE)
            slot = slot + 1 < count ? slot + 1 : 0;
        slots[slot] = i;
    }
    return true;
}

bool am_build_tables(struct am_builder *builder, struct am_error *error) {
    return build_vocabulary(builder, error) && build_edges(builder, error) &&
           build_filters(builder, AM_TIER_ALL, error) &&
           build_filters(builder, AM_TIER_TOP, error) && build_term_table(builder, error);
}
