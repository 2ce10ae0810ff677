/* SPDX-License-Identifier: Apache-2.0 */
/* The hash tables of the image. */
#include "build.h"
#include "probes.h"
#include "terms.h"
#include "vocabulary.h"

/* The first fill of each table in percent: fuller tables save memory, emptier ones save second
 * probes. */
enum { VOCABULARY_FILL = 75, EDGE_FILL = 80, TERM_FILL = 40 };

/* Few edges are in the top tier, so false positives of its filters would outnumber them: they get
 * more bits. */
enum { FILTER_BITS_PER_EDGE = 8, TOP_FILTER_BITS_PER_EDGE = 16 };

/* `count` more items, all bytes set to `byte`. */
static bool extend_table(struct am_vector *table, size_t count, int byte, struct am_error *error) {
    void *items = am_vector_extend(table, count);
    if (!items)
        return am_build_out_of_memory(error);
    memset(items, byte, count * table->item_size);
    return true;
}

/* ---- growth -----------------------------------------------------------------------------------
 *
 * A large table has a long search somewhere: with ten million random edges in buckets that are four
 * fifths full, the longest one looks at some seventy buckets. A little growth cures that. Hashes
 * that were made to collide are beyond cure, and the build fails. */

/* An eighth at a time, to four times the first size. */
enum { GROWTH_STEP = 8, MOST_GROWTH = 4 };

/* The searches for the items put into a table so far. */
struct searches {
    uint64_t probes;  /* buckets that they look at, together */
    unsigned longest; /* that one of them looks at */
    uint32_t culprit; /* the item of the longest search; AM_NONE: there is no item */
};

/* `probes`: what the search for `item` looks at; 0: no slot was in reach, and the result is false.
 */
static bool count_search(struct searches *searches, uint32_t item, unsigned probes) {
    if (probes == 0 || probes > searches->longest) {
        searches->culprit = item;
        searches->longest = probes;
    }
    searches->probes += probes;
    return probes > 0;
}

struct table_plan {
    struct am_vector *table; /* of buckets */
    size_t items, lanes, fill_percent;
    /* Puts all items into `count` buckets whose bytes are 0xFF. False: searches would be too long.
     */
    bool (*fill)(const struct am_builder *builder, size_t count, struct searches *searches);
    const char *what; /* the items, and the text of one, for the message */
    struct am_view (*text_of)(const struct am_builder *builder, uint32_t item);
};

static bool collide(const struct am_builder *builder,
                    const struct table_plan *plan,
                    uint32_t culprit,
                    struct am_error *error) {
    struct am_view text = culprit == AM_NONE ? AM_VIEW("") : plan->text_of(builder, culprit);
    am_error_set(error, AM_E_LIMIT,
                 "too many %s with nearly the same hash, as words or values made for that purpose "
                 "have%s%.*s%s: a search in an index looks at no more than %d buckets",
                 plan->what, text.size ? ", \"" : "", AM_VIEW_ARGUMENTS(text),
                 text.size ? "\" among them" : "", AM_MAX_PROBES);
    return false;
}

static bool build_table(const struct am_builder *builder,
                        const struct table_plan *plan,
                        struct am_error *error) {
    size_t first = plan->items * 100 / (plan->lanes * plan->fill_percent) + 1;
    struct searches searches = {0};
    for (size_t count = first; count / MOST_GROWTH <= first; count += count / GROWTH_STEP + 1) {
        searches = (struct searches){.culprit = AM_NONE};
        plan->table->count = 0;
        if (!extend_table(plan->table, count, 0xFF, error))
            return false;
        if (plan->fill(builder, count, &searches))
            return true;
    }
    return collide(builder, plan, searches.culprit, error);
}

/* ---- vocabulary -------------------------------------------------------------------------------
 */

static struct am_image_word_key key_of_word(const struct am_builder *builder, uint32_t word) {
    struct am_view text = am_build_word_text(builder, word);
    char padded[AM_IMAGE_WORD_MAX_BYTES + AM_WORD_PADDING] = {0};
    memcpy(padded, text.data, text.size);
    return am_image_word_key(padded, (uint32_t)text.size);
}

/* The buckets that a search for the word will probe; 0: no slot is in reach, or another word has
 * the same key (for long words, a hash). */
static unsigned put_word(struct am_image_vocabulary_bucket *buckets,
                         size_t count,
                         struct am_image_word_key key,
                         uint32_t word,
                         uint8_t flags) {
    uint64_t hash = am_image_word_key_hash(key);
    size_t at = am_image_bucket(hash, count);
    for (unsigned probe = 0; probe < AM_MAX_PROBES; probe++) {
        struct am_image_vocabulary_bucket *bucket = &buckets[at];
        for (int lane = 0; lane < AM_IMAGE_VOCABULARY_LANES; lane++) {
            if (am_image_word_key_is_in(bucket, lane, key))
                return 0;
            if (bucket->word[lane] != AM_NONE)
                continue;
            memcpy(bucket->key[lane], &key, AM_VOCABULARY_KEY);
            bucket->word[lane] = word;
            bucket->flags[lane] = flags;
            return probe + 1;
        }
        bucket->displaced |= am_image_overflow_word(hash);
        at = at + 1 < count ? at + 1 : 0;
    }
    return 0;
}

/* The most frequent words have the highest ids and are inserted first, since early ones find room
 * in their home bucket. */
static bool
fill_vocabulary(const struct am_builder *builder, size_t count, struct searches *searches) {
    struct am_image_vocabulary_bucket *buckets = builder->vocabulary.data;
    const struct am_build_word *words = builder->words.data;
    for (size_t i = 0; i < count; i++) {
        memset(buckets[i].key, 0, sizeof buckets[i].key);
        memset(buckets[i].flags, 0, sizeof buckets[i].flags);
        buckets[i].displaced = 0;
    }
    for (uint32_t left = (uint32_t)builder->words.count; left > 0; left--) {
        uint32_t word = left - 1;
        unsigned probes =
            put_word(buckets, count, key_of_word(builder, word), word, words[word].flags);
        if (!count_search(searches, word, probes))
            return false;
    }
    return am_image_word_probes_end(buckets, count) &&
           am_image_probes_are_few(searches->probes, count * AM_IMAGE_VOCABULARY_LANES);
}

static bool build_word_records(struct am_builder *builder, struct am_error *error) {
    const struct am_build_word *words = builder->words.data;
    for (size_t i = 0; i < builder->words.count; i++) {
        struct am_image_word record = {words[i].text, words[i].phrase_terminal,
                                       words[i].broad_terminal};
        if (!am_vector_push(&builder->word_records, &record))
            return am_build_out_of_memory(error);
    }
    return true;
}

static bool build_vocabulary(struct am_builder *builder, struct am_error *error) {
    const struct table_plan plan = {&builder->vocabulary,      builder->words.count,
                                    AM_IMAGE_VOCABULARY_LANES, VOCABULARY_FILL,
                                    fill_vocabulary,           "words",
                                    am_build_word_text};
    return build_table(builder, &plan, error) && build_word_records(builder, error);
}

/* ---- edges ------------------------------------------------------------------------------------
 */

/* Its word stands for an edge. */
static struct am_view text_of_edge(const struct am_builder *builder, uint32_t edge) {
    return am_build_word_text(
        builder, (uint32_t)AM_VECTOR_AT(&builder->edges, struct am_build_edge, edge)->key);
}

/* The buckets that a search for the edge will probe; 0: no slot is in reach. */
static unsigned
put_edge(struct am_image_edge_bucket *buckets, size_t count, uint64_t key, uint32_t child) {
    uint32_t hash = am_image_edge_hash(key);
    size_t at = am_image_bucket32(hash, count);
    for (unsigned probe = 0; probe < AM_MAX_PROBES; probe++) {
        struct am_image_edge_bucket *bucket = &buckets[at];
        for (int lane = 0; lane < AM_IMAGE_EDGE_LANES; lane++)
            if (bucket->key[lane] == AM_EDGE_EMPTY) {
                bucket->key[lane] = key;
                bucket->child[lane] = child;
                return probe + 1;
            }
        bucket->displaced |= am_image_overflow_edge(hash);
        at = at + 1 < count ? at + 1 : 0;
    }
    return 0;
}

static bool fill_edges(const struct am_builder *builder, size_t count, struct searches *searches) {
    struct am_image_edge_bucket *buckets = builder->edge_buckets.data;
    const struct am_build_edge *edge = builder->edges.data;
    for (size_t i = 0; i < count; i++)
        buckets[i].displaced = 0;
    for (size_t i = 0; i < builder->edges.count; i++) {
        if (i + AM_FETCH_AHEAD < builder->edges.count) {
            uint32_t hash = am_image_edge_hash(edge[i + AM_FETCH_AHEAD].key);
            __builtin_prefetch(&buckets[am_image_bucket32(hash, count)], 1);
        }
        unsigned probes = put_edge(buckets, count, edge[i].key, edge[i].final);
        if (!count_search(searches, (uint32_t)i, probes))
            return false;
    }
    return am_image_edge_probes_end(buckets, count) &&
           am_image_probes_are_few(searches->probes, count * AM_IMAGE_EDGE_LANES);
}

static bool build_edges(struct am_builder *builder, struct am_error *error) {
    const struct table_plan plan = {
        &builder->edge_buckets, builder->edges.count, AM_IMAGE_EDGE_LANES, EDGE_FILL, fill_edges,
        "words in keywords",    text_of_edge};
    return build_table(builder, &plan, error);
}

/* ---- filters ----------------------------------------------------------------------------------
 */

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
    size_t count = (size_t)blocks[AM_FILTER_FIRST] + blocks[AM_FILTER_LATER];
    if (!extend_table(&builder->filter, count, 0, error))
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

/* ---- terms ------------------------------------------------------------------------------------
 */

static struct am_view text_of_term(const struct am_builder *builder, uint32_t term) {
    return am_build_string(builder,
                           AM_VECTOR_AT(&builder->pools.terms, struct am_image_term, term)->text);
}

static uint64_t hash_of_term(const struct am_builder *builder, uint32_t id) {
    const struct am_image_term *term =
        AM_VECTOR_AT(&builder->pools.terms, struct am_image_term, id);
    uint32_t key = term->kind == AM_TERM_DOMAIN ? AM_NONE : term->key;
    return am_image_term_hash(term->kind, key, am_build_string(builder, term->text));
}

/* The slots that a search for the term will probe; 0: no slot is in reach, or another term has the
 * same hash. */
static unsigned
put_term(const struct am_builder *builder, uint32_t *slots, size_t count, uint32_t term) {
    uint64_t hash = hash_of_term(builder, term);
    size_t at = am_image_bucket(hash, count);
    for (unsigned probe = 0; probe < AM_MAX_PROBES; probe++) {
        if (slots[at] == AM_NONE) {
            slots[at] = term;
            return probe + 1;
        }
        if (hash_of_term(builder, slots[at]) == hash)
            return 0;
        at = at + 1 < count ? at + 1 : 0;
    }
    return 0;
}

static bool fill_terms(const struct am_builder *builder, size_t count, struct searches *searches) {
    uint32_t *slots = builder->term_table.data;
    for (uint32_t i = 0; i < builder->pools.terms.count; i++)
        if (!count_search(searches, i, put_term(builder, slots, count, i)))
            return false;
    return am_image_term_probes_end(slots, count) &&
           am_image_probes_are_few(searches->probes, count);
}

static bool build_term_table(struct am_builder *builder, struct am_error *error) {
    const struct table_plan plan = {
        &builder->term_table, builder->pools.terms.count,   1,           TERM_FILL,
        fill_terms,           "names and targeting values", text_of_term};
    return build_table(builder, &plan, error);
}

bool am_build_tables(struct am_builder *builder, struct am_error *error) {
    return build_vocabulary(builder, error) && build_edges(builder, error) &&
           build_filters(builder, AM_TIER_ALL, error) &&
           build_filters(builder, AM_TIER_TOP, error) && build_term_table(builder, error);
}
