/* SPDX-License-Identifier: Apache-2.0 */
/* Writes images record by record, sound or not: for tests of what must be refused. Written from
 * docs/FORMAT.md, and shares nothing with the builder but the layouts of format.h.
 *
 *     struct image_writer writer;
 *     image_writer_start(&writer);
 *     ... strings, terms, ads, words, postings, edges ...
 *     struct am_image_bytes bytes = image_writer_finish(&writer);
 *
 * A test adds what it wants, changes what is there through image_writer_at, and lets the writer do
 * the rest: hash tables and filters (unless the test has filled them), counts of records, layout,
 * checksum. What is wrong in finished bytes only is put there through image_writer_section, and
 * sealed. Memory running out aborts. */
#ifndef AM_TESTS_IMAGES_IMAGE_WRITER_H
#define AM_TESTS_IMAGES_IMAGE_WRITER_H

#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "../../plugin/base/vector.h"
#include "../../plugin/index/builder.h"
#include "../../plugin/index/terms.h"
#include "../../plugin/index/vocabulary.h"

/* What an edge leaves: a node, or the node that a word names. */
enum image_writer_parent { FROM_NODE, FROM_PHRASE, FROM_BROAD, FROM_EXACT };

struct image_writer_edge {
    enum image_writer_parent from;
    uint32_t parent; /* node or word; of FROM_EXACT nothing */
    uint32_t word;
    uint32_t child;
};

struct image_writer {
    struct am_image_settings settings;
    struct am_vector sections[AM_SECTIONS + 1]; /* records; of SETTINGS none */
    struct am_vector word_flags;                /* uint8_t, by word */
    struct am_vector edges;                     /* struct image_writer_edge */
    /* Sizes of the hash tables; 0: as the writer likes it. */
    size_t vocabulary_buckets, edge_buckets, term_slots;
};

static inline void image_writer_require(bool holds) {
    if (!holds)
        abort();
}

/* A record of a section, to be read or changed. */
#define image_writer_at(writer, section, type, index)                                              \
    AM_VECTOR_AT(&(writer)->sections[section], type, index)

static inline size_t image_writer_count(const struct image_writer *writer,
                                        enum am_image_section section) {
    return writer->sections[section].count;
}

/* Appends a record; returns its index. */
static inline uint32_t
image_writer_add(struct image_writer *writer, enum am_image_section section, const void *record) {
    image_writer_require(am_vector_push(&writer->sections[section], record));
    return (uint32_t)(writer->sections[section].count - 1);
}

/* ---- pools ------------------------------------------------------------------------------------
 */

static inline am_image_string_ref image_writer_string(struct image_writer *writer,
                                                      struct am_view text) {
    struct am_vector *strings = &writer->sections[AM_SECTION_STRINGS];
    size_t begin = strings->count, padded = (4 + text.size + 3) / 4 * 4;
    uint32_t size = (uint32_t)text.size;
    char *place = am_vector_extend(strings, padded);
    image_writer_require(place != NULL);
    memset(place + padded - 4, 0, 4);
    memcpy(place, &size, 4);
    if (size)
        memcpy(place + 4, text.data, size);
    return (uint32_t)(begin / 4);
}

static inline am_image_list_ref
image_writer_list(struct image_writer *writer, const uint32_t *items, uint32_t count) {
    struct am_vector *sets = &writer->sections[AM_SECTION_SETS];
    size_t begin = sets->count;
    uint32_t *place = am_vector_extend(sets, (size_t)count + 1);
    image_writer_require(place != NULL);
    place[0] = count;
    if (count)
        memcpy(place + 1, items, (size_t)count * 4);
    return (uint32_t)begin;
}

/* ---- records ----------------------------------------------------------------------------------
 */

static inline uint32_t image_writer_term_of(struct image_writer *writer,
                                            uint32_t kind,
                                            uint32_t key,
                                            am_image_string_ref text) {
    return image_writer_add(writer, AM_SECTION_TERMS, &(struct am_image_term){text, kind, key});
}

static inline uint32_t
image_writer_term(struct image_writer *writer, uint32_t kind, uint32_t key, struct am_view text) {
    return image_writer_term_of(writer, kind, key, image_writer_string(writer, text));
}

/* A word without terminals of its own. */
static inline uint32_t
image_writer_word(struct image_writer *writer, struct am_view text, uint8_t flags) {
    image_writer_require(am_vector_push(&writer->word_flags, &flags));
    return image_writer_add(
        writer, AM_SECTION_WORDS,
        &(struct am_image_word){image_writer_string(writer, text), AM_NONE, AM_NONE});
}

/* An ad without rules, of the advertiser `advertiser`, a term. */
static inline uint32_t
image_writer_ad(struct image_writer *writer, struct am_view id, uint32_t advertiser) {
    image_writer_add(writer, AM_SECTION_CREATIVES, &(am_image_list_ref){0});
    image_writer_add(writer, AM_SECTION_AD_DETAILS,
                     &(struct am_image_ad_details){
                         .bid = 1000000, .id = image_writer_string(writer, id), .quality = 1000});
    return image_writer_add(writer, AM_SECTION_ADS,
                            &(struct am_image_ad){.start = INT64_MIN,
                                                  .end = INT64_MAX,
                                                  .campaign = AM_NONE,
                                                  .advertiser = advertiser,
                                                  .tree = AM_NONE,
                                                  .campaign_tree = AM_NONE,
                                                  .domain = AM_NONE});
}

/* A posting with its keyword, the last one of its list unless the test changes that. Rank 0: `ad`
 * is a negative id. Returns its number. */
static inline uint32_t image_writer_posting(struct image_writer *writer,
                                            uint32_t rank,
                                            uint32_t ad,
                                            enum am_model_match_type match,
                                            uint8_t words,
                                            am_image_string_ref text) {
    image_writer_add(writer, AM_SECTION_KEYWORDS,
                     &(struct am_image_keyword){.bid = 1000000,
                                                .ecpm = 1000000,
                                                .text = text,
                                                .match = rank ? (uint8_t)match : 0,
                                                .word_count = rank ? words : 0});
    return image_writer_add(writer, AM_SECTION_POSTINGS,
                            &(struct am_image_posting){rank, ad | AM_POSTING_LAST});
}

/* The numbers of words' nodes depend on how many nodes and words there are in the end. */
static inline void image_writer_edge(struct image_writer *writer,
                                     enum image_writer_parent from,
                                     uint32_t parent,
                                     uint32_t word,
                                     uint32_t child) {
    struct image_writer_edge edge = {from, parent, word, child};
    image_writer_require(am_vector_push(&writer->edges, &edge));
}

/* A node from T on, after all others; returns its number. */
static inline uint32_t image_writer_inner_node(struct image_writer *writer) {
    return writer->settings.node_end++;
}

/* ---- hash tables ------------------------------------------------------------------------------
 */

static inline struct am_view image_writer_text(const struct image_writer *writer,
                                               am_image_string_ref ref) {
    const char *at = image_writer_at(writer, AM_SECTION_STRINGS, char, (size_t)ref * 4);
    return (struct am_view){at + 4, am_bytes_load_u32(at)};
}

static inline void *image_writer_table(struct am_vector *table, size_t count, int byte) {
    void *items = am_vector_extend(table, count);
    image_writer_require(items != NULL);
    return memset(items, byte, count * table->item_size);
}

static inline void image_writer_put_words(struct image_writer *writer) {
    size_t words = image_writer_count(writer, AM_SECTION_WORDS);
    size_t count = writer->vocabulary_buckets ? writer->vocabulary_buckets : words / 2 + 1;
    struct am_image_vocabulary_bucket *buckets =
        image_writer_table(&writer->sections[AM_SECTION_VOCABULARY], count, 0);
    for (size_t i = 0; i < count; i++)
        memset(buckets[i].word, 0xFF, sizeof buckets[i].word);
    for (uint32_t i = 0; i < words; i++) {
        char padded[AM_IMAGE_WORD_MAX_BYTES + 1 + AM_WORD_PADDING] = {0};
        struct am_view text = image_writer_text(
            writer, image_writer_at(writer, AM_SECTION_WORDS, struct am_image_word, i)->text);
        memcpy(padded, text.data, text.size);
        struct am_image_word_key key = am_image_word_key(padded, (uint32_t)text.size);
        uint64_t hash = am_image_word_key_hash(key), at = am_image_bucket(hash, count);
        int lane = 0;
        while (buckets[at].word[lane] != AM_NONE)
            if (++lane == AM_IMAGE_VOCABULARY_LANES) {
                buckets[at].displaced |= am_image_overflow_word(hash);
                at = (at + 1) % count;
                lane = 0;
            }
        memcpy(buckets[at].key[lane], &key, sizeof key);
        buckets[at].word[lane] = i;
        buckets[at].flags[lane] = *AM_VECTOR_AT(&writer->word_flags, uint8_t, i);
    }
}

static inline uint64_t image_writer_key(const struct image_writer *writer,
                                        const struct image_writer_edge *edge) {
    const struct am_image_settings *settings = &writer->settings;
    const uint32_t parents[] = {[FROM_NODE] = edge->parent,
                                [FROM_PHRASE] = AM_NODE_OF_PHRASE(settings, edge->parent),
                                [FROM_BROAD] = AM_NODE_OF_BROAD(settings, edge->parent),
                                [FROM_EXACT] = AM_NODE_OF_EXACT(settings)};
    return am_image_edge_key(parents[edge->from], edge->word);
}

static inline void image_writer_put_edges(struct image_writer *writer) {
    const struct image_writer_edge *edges = writer->edges.data;
    size_t count = writer->edge_buckets ? writer->edge_buckets : writer->edges.count / 3 + 1;
    struct am_image_edge_bucket *buckets =
        image_writer_table(&writer->sections[AM_SECTION_EDGES], count, 0xFF);
    for (size_t i = 0; i < count; i++)
        buckets[i].displaced = 0;
    for (size_t i = 0; i < writer->edges.count; i++) {
        uint64_t key = image_writer_key(writer, &edges[i]);
        uint32_t hash = am_image_edge_hash(key);
        uint64_t at = am_image_bucket32(hash, count);
        int lane = 0;
        while (buckets[at].key[lane] != AM_EDGE_EMPTY)
            if (++lane == AM_IMAGE_EDGE_LANES) {
                buckets[at].displaced |= am_image_overflow_edge(hash);
                at = (at + 1) % count;
                lane = 0;
            }
        buckets[at].key[lane] = key;
        buckets[at].child[lane] = edges[i].child;
    }
}

static inline void image_writer_put_terms(struct image_writer *writer) {
    size_t terms = image_writer_count(writer, AM_SECTION_TERMS);
    size_t count = writer->term_slots ? writer->term_slots : terms * 3 + 1;
    uint32_t *slots = image_writer_table(&writer->sections[AM_SECTION_TERM_TABLE], count, 0xFF);
    for (uint32_t i = 0; i < terms; i++) {
        const struct am_image_term *term =
            image_writer_at(writer, AM_SECTION_TERMS, struct am_image_term, i);
        uint32_t key = term->kind == AM_TERM_DOMAIN ? AM_NONE : term->key;
        uint64_t hash = am_image_term_hash(term->kind, key, image_writer_text(writer, term->text));
        uint64_t slot = am_image_bucket(hash, count);
        while (slots[slot] != AM_NONE)
            slot = (slot + 1) % count;
        slots[slot] = i;
    }
}

/* Filters that let every edge pass, one number each. */
static inline void image_writer_put_filters(struct image_writer *writer) {
    enum { FILTERS = AM_TIERS * AM_FILTER_KINDS };
    uint32_t *blocks = &writer->settings.filter_blocks[0][0];
    for (int i = 0; i < FILTERS; i++)
        blocks[i] = 1;
    image_writer_table(&writer->sections[AM_SECTION_FILTER], FILTERS, 0xFF);
}

AM_WRAPS static inline void
image_writer_put_key(struct image_writer *writer, unsigned kind, am_image_string_ref id) {
    struct am_view text = image_writer_text(writer, id);
    uint64_t key =
        XXH3_64bits_withSeed(text.data, text.size, UINT64_C(0x9E3779B97F4A7C15) * (kind + 1));
    image_writer_add(writer, AM_SECTION_KEYS, &key);
}

/* Advertisers, and the keys of ads (2), campaigns (1) and advertisers (0). */
static inline void image_writer_put_keys(struct image_writer *writer) {
    for (size_t i = 0; i < image_writer_count(writer, AM_SECTION_AD_DETAILS); i++)
        image_writer_put_key(
            writer, 2,
            image_writer_at(writer, AM_SECTION_AD_DETAILS, struct am_image_ad_details, i)->id);
    for (size_t i = 0; i < image_writer_count(writer, AM_SECTION_CAMPAIGNS); i++)
        image_writer_put_key(
            writer, 1,
            image_writer_at(writer, AM_SECTION_CAMPAIGNS, struct am_image_campaign, i)->id);
    for (uint32_t i = 0; i < image_writer_count(writer, AM_SECTION_TERMS); i++) {
        const struct am_image_term *term =
            image_writer_at(writer, AM_SECTION_TERMS, struct am_image_term, i);
        if (term->kind != AM_TERM_ADVERTISER)
            continue;
        image_writer_add(writer, AM_SECTION_ADVERTISERS, &i);
        image_writer_put_key(writer, 0, term->text);
    }
}

/* ---- the whole --------------------------------------------------------------------------------
 */

static inline void image_writer_start(struct image_writer *writer) {
    static const size_t sizes[AM_SECTIONS + 1] = {
        [AM_SECTION_VOCABULARY] = sizeof(struct am_image_vocabulary_bucket),
        [AM_SECTION_WORDS] = sizeof(struct am_image_word),
        [AM_SECTION_EDGES] = sizeof(struct am_image_edge_bucket),
        [AM_SECTION_FILTER] = sizeof(uint32_t),
        [AM_SECTION_POSTINGS] = sizeof(struct am_image_posting),
        [AM_SECTION_KEYWORDS] = sizeof(struct am_image_keyword),
        [AM_SECTION_ADS] = sizeof(struct am_image_ad),
        [AM_SECTION_AD_DETAILS] = sizeof(struct am_image_ad_details),
        [AM_SECTION_CAMPAIGNS] = sizeof(struct am_image_campaign),
        [AM_SECTION_TERMS] = sizeof(struct am_image_term),
        [AM_SECTION_TERM_TABLE] = sizeof(uint32_t),
        [AM_SECTION_TREES] = sizeof(uint32_t),
        [AM_SECTION_TREE_NODES] = sizeof(struct am_image_tree_node),
        [AM_SECTION_SETS] = sizeof(uint32_t),
        [AM_SECTION_STRINGS] = 1,
        [AM_SECTION_ADVERTISERS] = sizeof(uint32_t),
        [AM_SECTION_KEYS] = sizeof(uint64_t),
        [AM_SECTION_ZONE_NAMES] = sizeof(struct am_image_zone_name),
        [AM_SECTION_ZONES] = sizeof(struct am_image_zone),
        [AM_SECTION_TRANSITIONS] = sizeof(struct am_timezone_transition),
        [AM_SECTION_FORMS] = sizeof(struct am_image_forms),
        [AM_SECTION_SPELLINGS] = sizeof(struct am_image_spelling),
        [AM_SECTION_LIMITS] = sizeof(struct am_image_limits),
        [AM_SECTION_AD_CAPS] = sizeof(am_image_list_ref),
        [AM_SECTION_CREATIVES] = sizeof(am_image_list_ref),
    };
    *writer = (struct image_writer){
        .settings = {.broad_window = 16, .any_terminal = AM_NONE},
        .word_flags = AM_VECTOR_OF(uint8_t),
        .edges = AM_VECTOR_OF(struct image_writer_edge),
    };
    for (int i = 0; i < AM_MATCH_TYPES; i++)
        writer->settings.match_weight[i] = 1000;
    for (int id = 1; id <= AM_SECTIONS; id++)
        writer->sections[id].item_size = sizes[id];
    image_writer_string(writer, AM_VIEW(""));
    image_writer_list(writer, NULL, 0);
    const struct am_image_zone utc = {0};
    const struct am_image_zone_name name = {
        image_writer_string(writer, AM_VIEW("UTC")),
        image_writer_add(writer, AM_SECTION_ZONES, &utc),
    };
    image_writer_add(writer, AM_SECTION_ZONE_NAMES, &name);
}

static inline void image_writer_discard(struct image_writer *writer) {
    for (int id = 1; id <= AM_SECTIONS; id++)
        am_vector_free(&writer->sections[id]);
    am_vector_free(&writer->word_flags);
    am_vector_free(&writer->edges);
}

/* What the settings say of sections. The rest of them (classes of terminals, counts of keywords) is
 * the test's. */
static inline void image_writer_count_records(struct image_writer *writer) {
    struct am_image_settings *settings = &writer->settings;
    settings->word_count = (uint32_t)image_writer_count(writer, AM_SECTION_WORDS);
    settings->ad_count = (uint32_t)image_writer_count(writer, AM_SECTION_ADS);
    settings->campaign_count = (uint32_t)image_writer_count(writer, AM_SECTION_CAMPAIGNS);
}

static inline size_t image_writer_aligned(size_t offset) {
    return (offset + AM_IMAGE_ALIGNMENT - 1) / AM_IMAGE_ALIGNMENT * AM_IMAGE_ALIGNMENT;
}

/* Makes the checksum that of the bytes, so that all the other checks have to judge. */
static inline void image_writer_seal(const struct am_image_bytes *bytes) {
    struct am_image_header *header = bytes->data;
    const size_t checked = offsetof(struct am_image_header, total_size);
    header->checksum = XXH3_64bits((const char *)bytes->data + checked, bytes->size - checked);
}

static inline struct am_image_bytes image_writer_lay_out(const struct image_writer *writer) {
    struct am_image_section_entry table[AM_SECTIONS];
    size_t size = sizeof(struct am_image_header) + sizeof table;
    for (uint32_t id = 1; id <= AM_SECTIONS; id++) {
        const struct am_vector *section = &writer->sections[id];
        bool settings = id == AM_SECTION_SETTINGS;
        size = image_writer_aligned(size);
        table[id - 1] = (struct am_image_section_entry){
            .id = (uint16_t)id,
            .record_size =
                settings ? (uint32_t)sizeof writer->settings : (uint32_t)section->item_size,
            .offset = size,
            .count = settings ? 1 : section->count,
        };
        size += table[id - 1].record_size * table[id - 1].count;
    }
    size = image_writer_aligned(size);
    char *data = aligned_alloc(AM_IMAGE_ALIGNMENT, size);
    image_writer_require(data != NULL);
    memset(data, 0, size);
    const struct am_image_header header = {.magic = AM_IMAGE_MAGIC,
                                           .format_version = AM_IMAGE_FORMAT_VERSION,
                                           .word_rules_version = AM_WORD_RULES_VERSION,
                                           .total_size = size,
                                           .section_count = AM_SECTIONS};
    memcpy(data, &header, sizeof header);
    memcpy(data + sizeof header, table, sizeof table);
    memcpy(data + table[AM_SECTION_SETTINGS - 1].offset, &writer->settings,
           sizeof writer->settings);
    for (uint32_t id = AM_SECTION_VOCABULARY; id <= AM_SECTIONS; id++)
        if (table[id - 1].count)
            memcpy(data + table[id - 1].offset, writer->sections[id].data,
                   table[id - 1].record_size * table[id - 1].count);
    const struct am_image_bytes bytes = {data, size};
    image_writer_seal(&bytes);
    return bytes;
}

/* The records of a section of finished bytes; *count (may be NULL) gets how many. */
static inline void *image_writer_section(const struct am_image_bytes *bytes,
                                         enum am_image_section section,
                                         size_t *count) {
    char *data = bytes->data;
    const struct am_image_section_entry *entry =
        (const void *)(data + sizeof(struct am_image_header));
    entry += section - 1;
    if (count)
        *count = entry->count;
    return data + entry->offset;
}

/* Fills the tables that the test has not filled, counts, lays out, and frees the writer. */
static inline struct am_image_bytes image_writer_finish(struct image_writer *writer) {
    image_writer_count_records(writer);
    if (image_writer_count(writer, AM_SECTION_VOCABULARY) == 0)
        image_writer_put_words(writer);
    if (image_writer_count(writer, AM_SECTION_EDGES) == 0)
        image_writer_put_edges(writer);
    if (image_writer_count(writer, AM_SECTION_TERM_TABLE) == 0)
        image_writer_put_terms(writer);
    if (image_writer_count(writer, AM_SECTION_FILTER) == 0)
        image_writer_put_filters(writer);
    if (image_writer_count(writer, AM_SECTION_KEYS) == 0)
        image_writer_put_keys(writer);
    struct am_image_bytes bytes = image_writer_lay_out(writer);
    image_writer_discard(writer);
    return bytes;
}

#endif
