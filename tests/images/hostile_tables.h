/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile images whose hash tables, words, tries or terms are large; see hostile.h. */
#ifndef AM_TESTS_IMAGES_HOSTILE_TABLES_H
#define AM_TESTS_IMAGES_HOSTILE_TABLES_H

#include "image_writer.h"

/* Numbers that look random, the same in every run. */
AM_WRAPS static inline uint64_t hostile_random(uint64_t *state) {
    *state += UINT64_C(0x9E3779B97F4A7C15);
    return am_hash_mix(*state, UINT64_C(0xD1B54A32D192ED03));
}

static inline uint32_t hostile_below(uint64_t *state, uint32_t limit) {
    return (uint32_t)am_image_bucket(hostile_random(state), limit);
}

/* Which number the i-th of `count` things has, so that neighbours are far from each other: a
 * permutation of the next power of two, again and again until the number is small enough. */
AM_WRAPS static inline uint32_t hostile_scatter(uint32_t i, uint32_t count) {
    unsigned bits = count > 2 ? 32 - (unsigned)__builtin_clz(count - 1) : 1;
    uint32_t mask = (uint32_t)((UINT64_C(1) << bits) - 1);
    do
        for (int round = 0; round < 2; round++) {
            i = i * UINT32_C(0x9E3779B1) & mask;
            i ^= i >> (bits + 1) / 2;
        }
    while (i >= count);
    return i;
}

/* ---- hash tables with long searches -----------------------------------------------------------
 *
 * A table falls into groups of buckets. Whatever is put into a group has its first bucket for a
 * home, and is found after as many looks as there are full buckets before. */

struct hostile_groups {
    uint16_t *taken; /* by group */
    size_t length;   /* of a group, in buckets */
    size_t buckets;  /* a multiple of that */
    uint16_t room;   /* of a group */
};

static inline struct hostile_groups
hostile_groups_of(size_t buckets, size_t length, uint16_t room) {
    size_t groups = buckets / length + 1;
    struct hostile_groups made = {calloc(groups, sizeof(uint16_t)), length, groups * length, room};
    image_writer_require(made.taken != NULL);
    return made;
}

/* Takes a place for a thing whose home that is; false: it cannot be put there. */
static inline bool hostile_take(struct hostile_groups *groups, uint64_t home) {
    uint16_t *taken = &groups->taken[home / groups->length];
    if (home % groups->length || *taken == groups->room)
        return false;
    ++*taken;
    return true;
}

/* ---- tries ------------------------------------------------------------------------------------
 *
 * Nodes that only lead on, one after the other as far as a keyword may reach, their numbers spread
 * over all of memory. There is no keyword, so that nothing but edges takes up the image. */

enum { HOSTILE_WORDS = 1 << 16, HOSTILE_STEPS = AM_KEYWORD_MAX_WORDS - 1 };

static inline void hostile_words(struct image_writer *writer) {
    for (uint32_t i = 0; i < HOSTILE_WORDS; i++) {
        char text[16];
        snprintf(text, sizeof text, "w%u", i);
        image_writer_word(writer, am_view_of(text),
                          AM_WORD_BEGINS_PHRASE | AM_WORD_CONTINUES_PHRASE);
    }
}

/* The edge to the i-th node by `word`: from the node before it, or, as the first of a path, from a
 * word. */
static inline struct image_writer_edge
hostile_step(const struct image_writer *writer, uint32_t i, uint32_t word) {
    uint32_t nodes = writer->settings.node_end, child = hostile_scatter(i, nodes);
    if (i % HOSTILE_STEPS == 0)
        return (struct image_writer_edge){FROM_PHRASE, i / HOSTILE_STEPS % HOSTILE_WORDS, word,
                                          child};
    return (struct image_writer_edge){FROM_NODE, hostile_scatter(i - 1, nodes), word, child};
}

static inline void hostile_trie_start(struct image_writer *writer, size_t size, unsigned percent) {
    image_writer_start(writer);
    hostile_words(writer);
    writer->settings.word_count = HOSTILE_WORDS; /* parents are computed while edges are made */
    writer->edge_buckets = size / sizeof(struct am_image_edge_bucket);
    writer->settings.node_end =
        (uint32_t)(writer->edge_buckets * AM_IMAGE_EDGE_LANES * percent / 100);
}

static inline void hostile_long_paths_start(struct image_writer *writer, size_t size) {
    hostile_trie_start(writer, size, 55);
    for (uint32_t i = 0; i < writer->settings.node_end; i++) {
        struct image_writer_edge edge =
            hostile_step(writer, i, i / HOSTILE_STEPS / HOSTILE_WORDS + i % HOSTILE_STEPS);
        image_writer_require(am_vector_push(&writer->edges, &edge));
    }
}

static inline struct am_image_bytes hostile_long_paths(size_t size) {
    struct image_writer writer;
    hostile_long_paths_start(&writer, size);
    return image_writer_finish(&writer);
}

/* In groups of so many buckets. */
static inline struct am_image_bytes hostile_displaced_edges(size_t size, uint16_t length) {
    struct image_writer writer;
    uint64_t state = 1;
    hostile_trie_start(&writer, size, 85);
    struct hostile_groups groups =
        hostile_groups_of(writer.edge_buckets, length, length * AM_IMAGE_EDGE_LANES);
    writer.edge_buckets = groups.buckets;
    for (uint32_t i = 0; i < writer.settings.node_end; i++) {
        struct image_writer_edge edge;
        uint64_t home;
        do {
            uint32_t word = hostile_below(&state, HOSTILE_WORDS);
            if (i % HOSTILE_STEPS == 0) /* no word begins two paths by the same one */
                word = word / 8 * 8 + i / HOSTILE_STEPS / HOSTILE_WORDS % 8;
            edge = hostile_step(&writer, i, word);
            home = am_image_bucket32(am_image_edge_hash(image_writer_key(&writer, &edge)),
                                     groups.buckets);
        } while (!hostile_take(&groups, home));
        image_writer_require(am_vector_push(&writer.edges, &edge));
    }
    free(groups.taken);
    return image_writer_finish(&writer);
}

/* As far from home as all edges may be on average, and as one may be. */
static inline struct am_image_bytes hostile_edges_from_home(size_t size) {
    return hostile_displaced_edges(size, 3);
}

static inline struct am_image_bytes hostile_edges_too_far_from_home(size_t size) {
    return hostile_displaced_edges(size, AM_MAX_PROBES);
}

/* One more edge with the key of the last one. */
static inline struct am_image_bytes hostile_doubled_edge(size_t size) {
    struct image_writer writer;
    hostile_trie_start(&writer, size, 55);
    writer.settings.node_end++;
    for (uint32_t i = 0; i + 1 < writer.settings.node_end; i++) {
        struct image_writer_edge edge =
            hostile_step(&writer, i, i / HOSTILE_STEPS / HOSTILE_WORDS + i % HOSTILE_STEPS);
        image_writer_require(am_vector_push(&writer.edges, &edge));
    }
    struct image_writer_edge doubled =
        ((struct image_writer_edge *)writer.edges.data)[writer.edges.count - 1];
    doubled.child = hostile_scatter(writer.settings.node_end - 1, writer.settings.node_end);
    image_writer_require(am_vector_push(&writer.edges, &doubled));
    return image_writer_finish(&writer);
}

/* Each path's first node hangs on its last one. */
static inline struct am_image_bytes hostile_circles(size_t size) {
    struct image_writer writer;
    hostile_long_paths_start(&writer, size);
    struct image_writer_edge *edges = writer.edges.data;
    for (size_t i = 0; i + HOSTILE_STEPS <= writer.edges.count; i += HOSTILE_STEPS) {
        edges[i].from = FROM_NODE;
        edges[i].parent = edges[i + HOSTILE_STEPS - 1].child;
    }
    return image_writer_finish(&writer);
}

/* One path of all nodes. */
static inline struct am_image_bytes hostile_one_path(size_t size) {
    struct image_writer writer;
    hostile_long_paths_start(&writer, size);
    struct image_writer_edge *edges = writer.edges.data;
    for (size_t i = 1; i < writer.edges.count; i++) {
        edges[i].from = FROM_NODE;
        edges[i].parent = edges[i - 1].child;
    }
    return image_writer_finish(&writer);
}

/* Two edges lead to each node. */
static inline struct am_image_bytes hostile_two_ways_to_all_nodes(size_t size) {
    struct image_writer writer;
    hostile_long_paths_start(&writer, size);
    struct image_writer_edge *edges = writer.edges.data;
    for (size_t i = writer.edges.count / 2; i < writer.edges.count; i++)
        edges[i].child = edges[i - writer.edges.count / 2].child;
    return image_writer_finish(&writer);
}

static inline struct am_image_bytes hostile_edge_bits_all_set(size_t size) {
    size_t count;
    struct am_image_bytes bytes = hostile_long_paths(size);
    struct am_image_edge_bucket *buckets = image_writer_section(&bytes, AM_SECTION_EDGES, &count);
    for (size_t i = 0; i < count; i++)
        buckets[i].displaced = UINT32_MAX;
    image_writer_seal(&bytes);
    return bytes;
}

/* ---- words ------------------------------------------------------------------------------------
 */

enum {
    /* Of a word of eight bytes: a third of a bucket, its record, its string. */
    HOSTILE_WORD_BYTES = sizeof(struct am_image_vocabulary_bucket) / AM_IMAGE_VOCABULARY_LANES +
                         sizeof(struct am_image_word) + 12
};

AM_WRAPS static inline struct am_image_bytes hostile_displaced_words(size_t size, uint16_t length) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
    struct image_writer writer;
    uint64_t drawn = 0;
    image_writer_start(&writer);
    size_t words = size / HOSTILE_WORD_BYTES;
    struct hostile_groups groups = hostile_groups_of(words * 10 / 9 / AM_IMAGE_VOCABULARY_LANES,
                                                     length, length * AM_IMAGE_VOCABULARY_LANES);
    writer.vocabulary_buckets = groups.buckets;
    for (size_t i = 0; i < words; i++) {
        char text[8 + AM_WORD_PADDING] = {0};
        uint64_t home;
        do {
            drawn += UINT64_C(0x9E3779B97F4A7C15); /* no two have the same lowest 40 bits */
            for (int n = 0; n < 8; n++)
                text[n] = letters[drawn >> 5 * n & 31];
            home =
                am_image_bucket(am_image_word_key_hash(am_image_word_key(text, 8)), groups.buckets);
        } while (!hostile_take(&groups, home));
        image_writer_word(&writer, (struct am_view){text, 8}, 0);
    }
    free(groups.taken);
    return image_writer_finish(&writer);
}

static inline struct am_image_bytes hostile_words_from_home(size_t size) {
    return hostile_displaced_words(size, 3);
}

static inline struct am_image_bytes hostile_words_too_far_from_home(size_t size) {
    return hostile_displaced_words(size, AM_MAX_PROBES);
}

static inline struct am_image_bytes hostile_long_words(size_t size) {
    struct image_writer writer;
    char text[AM_WORD_MAX_BYTES];
    memset(text, 'x', sizeof text);
    image_writer_start(&writer);
    for (uint32_t i = 0; i < size / (sizeof text + 64); i++) {
        snprintf(text + sizeof text - 9, 9, "%08x", i);
        text[sizeof text - 1] = 'x';
        image_writer_word(&writer, (struct am_view){text, sizeof text}, 0);
    }
    return image_writer_finish(&writer);
}

static inline struct am_image_bytes hostile_word_bits_all_set(size_t size) {
    size_t count;
    struct am_image_bytes bytes = hostile_words_from_home(size);
    struct am_image_vocabulary_bucket *buckets =
        image_writer_section(&bytes, AM_SECTION_VOCABULARY, &count);
    for (size_t i = 0; i < count; i++)
        buckets[i].displaced = UINT8_MAX;
    image_writer_seal(&bytes);
    return bytes;
}

/* ---- terms ------------------------------------------------------------------------------------
 */

enum { HOSTILE_TERM_BYTES = sizeof(struct am_image_term) + sizeof(uint32_t), HOSTILE_NAMES = 4096 };

/* Names of the longest size, with their hashes. */
struct hostile_names {
    am_image_string_ref refs[HOSTILE_NAMES];
    uint64_t hashes[HOSTILE_NAMES];
};

static inline void hostile_make_names(struct image_writer *writer, struct hostile_names *names) {
    char name[AM_ID_MAX_BYTES];
    memset(name, 'x', sizeof name);
    for (uint32_t i = 0; i < HOSTILE_NAMES; i++) {
        snprintf(name, sizeof name, "%08u", i);
        name[8] = 'x';
        names->refs[i] = image_writer_string(writer, (struct am_view){name, sizeof name});
        names->hashes[i] = XXH3_64bits(name, sizeof name);
    }
}

/* The key "n", for the next n with which it fits into the groups. */
static inline uint32_t
hostile_key(struct image_writer *writer, struct hostile_groups *groups, uint32_t *n) {
    char text[16];
    uint64_t home;
    do {
        snprintf(text, sizeof text, "%u", ++*n);
        uint64_t hash = am_image_term_hash(AM_TERM_KEY, AM_NONE, am_view_of(text));
        home = am_image_bucket(hash, groups->buckets);
    } while (!hostile_take(groups, home));
    return image_writer_term(writer, AM_TERM_KEY, AM_NONE, am_view_of(text));
}

/* The longest names, each a value of many keys; one slot of a group stays empty. */
static inline struct am_image_bytes hostile_displaced_terms(size_t size, uint16_t length) {
    static struct hostile_names names;
    const uint32_t kind = AM_TERM_ATTRIBUTE + AM_ATTRIBUTE_KV;
    struct image_writer writer;
    uint32_t n = 0;
    image_writer_start(&writer);
    hostile_make_names(&writer, &names);
    size_t slots = size / HOSTILE_TERM_BYTES, terms = slots * 9 / 10 * (length - 1U) / length;
    struct hostile_groups groups = hostile_groups_of(slots, length, length - 1);
    writer.term_slots = groups.buckets;
    while (image_writer_count(&writer, AM_SECTION_TERMS) < terms) {
        uint32_t key = hostile_key(&writer, &groups, &n);
        for (uint32_t i = 0; i < HOSTILE_NAMES; i++) {
            uint64_t hash = am_hash_mix(names.hashes[i], (uint64_t)kind << 32 | key);
            if (hostile_take(&groups, am_image_bucket(hash, groups.buckets)))
                image_writer_term_of(&writer, kind, key, names.refs[i]);
        }
    }
    free(groups.taken);
    return image_writer_finish(&writer);
}

static inline struct am_image_bytes hostile_terms_from_home(size_t size) {
    return hostile_displaced_terms(size, 4);
}

static inline struct am_image_bytes hostile_terms_too_far_from_home(size_t size) {
    return hostile_displaced_terms(size, AM_MAX_PROBES);
}

static inline struct am_image_bytes hostile_full_term_table(size_t size) {
    size_t count;
    struct am_image_bytes bytes = hostile_terms_from_home(size);
    uint32_t *slots = image_writer_section(&bytes, AM_SECTION_TERM_TABLE, &count);
    for (size_t i = 0; i < count; i++)
        slots[i] = slots[i] == AM_NONE ? 0 : slots[i];
    image_writer_seal(&bytes);
    return bytes;
}

/* Domains of a hundred labels, each with all domains above it. */
static inline struct am_image_bytes hostile_domains(size_t size) {
    enum { LABELS = 100 };
    struct image_writer writer;
    image_writer_start(&writer);
    for (uint32_t i = 0; image_writer_count(&writer, AM_SECTION_STRINGS) < size * 9 / 10; i++) {
        char text[AM_ID_MAX_BYTES];
        size_t begin = sizeof text - 9;
        snprintf(text + begin, 9, "%08x", i);
        uint32_t above = AM_NONE;
        for (int label = 0; label < LABELS; label++) {
            above = image_writer_term(&writer, AM_TERM_DOMAIN, above,
                                      (struct am_view){text + begin, sizeof text - 1 - begin});
            begin -= 2;
            memcpy(text + begin, "x.", 2);
        }
    }
    return image_writer_finish(&writer);
}

#endif
