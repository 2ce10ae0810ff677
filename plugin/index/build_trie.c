/* SPDX-License-Identifier: Apache-2.0 */
/* Word ids to nodes and terminals. */
#include "build.h"

/* Temporary parents: depth-one nodes are named by their word, deeper ones by the edge that made
 * them. */
static uint32_t phrase_root(uint32_t word) {
    return word;
}
static uint32_t broad_root(const struct am_builder *builder, uint32_t word) {
    return (uint32_t)builder->words.count + word;
}
static uint32_t exact_root(const struct am_builder *builder) {
    return 2 * (uint32_t)builder->words.count;
}
static uint32_t node_of_edge(const struct am_builder *builder, uint32_t edge) {
    return exact_root(builder) + 1 + edge;
}

static bool edge_equal(const void *context, uint32_t id, const void *key) {
    const struct am_builder *builder = context;
    return AM_VECTOR_AT(&builder->edges, struct am_build_edge, id)->key == *(const uint64_t *)key;
}

/* The edge from `parent` by `word`, made when new. */
static bool follow(struct am_builder *builder,
                   uint32_t parent,
                   uint32_t word,
                   uint32_t *edge,
                   struct am_error *error) {
    uint64_t key = am_image_edge_key(parent, word);
    struct am_intern_slot *slot =
        am_intern_find(&builder->edge_table, am_keyed_hash_pair(key, 0), edge_equal, builder, &key);
    if (!slot)
        return am_build_out_of_memory(error);
    if (slot->id == UINT32_MAX) {
        if (node_of_edge(builder, 0) + builder->edges.count >= UINT32_MAX - 1)
            return am_build_too_many(error, "nodes and words");
        struct am_build_edge made = {.key = key, .terminal = AM_NONE, .best_rank = UINT32_MAX};
        if (!am_vector_push(&builder->edges, &made))
            return am_build_out_of_memory(error);
        slot->id = (uint32_t)(builder->edges.count - 1);
        if (parent > exact_root(builder))
            AM_VECTOR_AT(&builder->edges, struct am_build_edge, parent - node_of_edge(builder, 0))
                ->has_children = true;
    }
    *edge = slot->id;
    return true;
}

static bool make_terminal(struct am_builder *builder,
                          uint32_t edge,
                          uint32_t *terminal,
                          struct am_error *error) {
    if (*terminal != AM_NONE)
        return true;
    struct am_build_terminal made = {.edge = edge, .final = AM_NONE};
    if (!am_vector_push(&builder->terminals, &made))
        return am_build_out_of_memory(error);
    *terminal = (uint32_t)(builder->terminals.count - 1);
    return true;
}

static void flag_words(struct am_builder *builder,
                       const uint32_t *ids,
                       uint32_t count,
                       uint8_t alone,
                       uint8_t first,
                       uint8_t later) {
    struct am_build_word *words = builder->words.data;
    words[ids[0]].flags |= count == 1 ? alone : first;
    for (uint32_t i = 1; i < count; i++)
        words[ids[i]].flags |= later;
}

/* Follows ids[from..count) from `parent` and makes the last node a terminal. */
static bool insert_path(struct am_builder *builder,
                        uint32_t parent,
                        const uint32_t *ids,
                        uint32_t from,
                        uint32_t count,
                        uint32_t *terminal,
                        struct am_error *error) {
    uint32_t edge = AM_NONE;
    for (uint32_t i = from; i < count; i++) {
        if (!follow(builder, parent, ids[i], &edge, error))
            return false;
        parent = node_of_edge(builder, edge);
    }
    struct am_build_edge *last = AM_VECTOR_AT(&builder->edges, struct am_build_edge, edge);
    if (!make_terminal(builder, edge, &last->terminal, error))
        return false;
    *terminal = last->terminal;
    return true;
}

static bool insert_phrase(struct am_builder *builder,
                          struct am_build_flat_keyword *flat,
                          const uint32_t *ids,
                          struct am_error *error) {
    uint32_t count = flat->word_count;
    flag_words(builder, ids, count, AM_WORD_IS_PHRASE, AM_WORD_BEGINS_PHRASE,
               AM_WORD_CONTINUES_PHRASE);
    if (count > builder->settings.longest_phrase)
        builder->settings.longest_phrase = count;
    if (count > 1)
        return insert_path(builder, phrase_root(ids[0]), ids, 1, count, &flat->terminal, error);
    struct am_build_word *word = AM_VECTOR_AT(&builder->words, struct am_build_word, ids[0]);
    if (!make_terminal(builder, AM_NONE, &word->phrase_terminal, error))
        return false;
    flat->terminal = word->phrase_terminal;
    return true;
}

static bool insert_broad_path(struct am_builder *builder,
                              struct am_build_flat_keyword *flat,
                              const uint32_t *ids,
                              struct am_error *error) {
    if (flat->word_count > 1)
        return insert_path(builder, broad_root(builder, ids[0]), ids, 1, flat->word_count,
                           &flat->terminal, error);
    struct am_build_word *word = AM_VECTOR_AT(&builder->words, struct am_build_word, ids[0]);
    if (!make_terminal(builder, AM_NONE, &word->broad_terminal, error))
        return false;
    flat->terminal = word->broad_terminal;
    return true;
}

static bool insert_broad(struct am_builder *builder,
                         struct am_build_flat_keyword *flat,
                         const uint32_t *ids,
                         struct am_error *error) {
    flag_words(builder, ids, flat->word_count, AM_WORD_IS_BROAD, AM_WORD_BEGINS_BROAD,
               AM_WORD_CONTINUES_BROAD);
    size_t terminals = builder->terminals.count;
    if (!insert_broad_path(builder, flat, ids, error))
        return false;
    if (builder->terminals.count > terminals) {
        builder->settings.broad_terminals++;
        builder->settings.broad_words += flat->word_count;
    }
    return true;
}

static bool insert_exact(struct am_builder *builder,
                         struct am_build_flat_keyword *flat,
                         const uint32_t *ids,
                         struct am_error *error) {
    uint32_t count = flat->word_count;
    flag_words(builder, ids, count, AM_WORD_IN_EXACT, AM_WORD_IN_EXACT, AM_WORD_IN_EXACT);
    builder->settings.exact_keywords += !flat->is_twin;
    if (count > builder->settings.longest_exact)
        builder->settings.longest_exact = count;
    return insert_path(builder, exact_root(builder), ids, 0, count, &flat->terminal, error);
}

static bool insert_keyword(struct am_builder *builder,
                           struct am_build_flat_keyword *flat,
                           struct am_error *error) {
    if (flat->source->match == AM_MATCH_ANY) {
        bool done = make_terminal(builder, AM_NONE, &builder->settings.any_terminal, error);
        flat->terminal = builder->settings.any_terminal;
        return done;
    }
    const uint32_t *ids = AM_VECTOR_AT(&builder->flat_words, uint32_t, flat->first_word);
    switch ((enum am_model_match_type)flat->source->match) {
    case AM_MATCH_EXACT:
        return insert_exact(builder, flat, ids, error);
    case AM_MATCH_PHRASE:
        return insert_phrase(builder, flat, ids, error);
    default:
        return insert_broad(builder, flat, ids, error);
    }
}

/* The first edge of a phrase or broad keyword. Exact ones share theirs, from one root. */
static void fetch_first_edge(const struct am_builder *builder,
                             const struct am_build_flat_keyword *flat) {
    if (flat->source->match == AM_MATCH_EXACT || flat->word_count < 2)
        return;
    const uint32_t *ids = AM_VECTOR_AT(&builder->flat_words, uint32_t, flat->first_word);
    bool broad = flat->source->match == AM_MATCH_BROAD;
    uint32_t root = broad ? broad_root(builder, ids[0]) : phrase_root(ids[0]);
    am_intern_fetch(&builder->edge_table, am_keyed_hash_pair(am_image_edge_key(root, ids[1]), 0));
}

static bool insert_keywords(struct am_builder *builder, struct am_error *error) {
    struct am_build_flat_keyword *flat = builder->flat.data;
    for (size_t i = 0; i < builder->flat.count; i++) {
        if (i + AM_FETCH_AHEAD < builder->flat.count)
            fetch_first_edge(builder, &flat[i + AM_FETCH_AHEAD]);
        if (!insert_keyword(builder, &flat[i], error))
            return false;
    }
    return true;
}

static struct am_build_edge *edge_of(const struct am_builder *builder, uint32_t terminal) {
    uint32_t edge = AM_VECTOR_AT(&builder->terminals, struct am_build_terminal, terminal)->edge;
    return edge == AM_NONE ? NULL : AM_VECTOR_AT(&builder->edges, struct am_build_edge, edge);
}

static unsigned class_of(const struct am_builder *builder, uint32_t terminal) {
    const struct am_build_edge *edge = edge_of(builder, terminal);
    return edge ? 1 + (unsigned)edge->has_children : 0;
}

/* A terminal's place in the final order: by class, then by the rank of its first posting. */
static size_t place_of(const struct am_builder *builder, uint32_t terminal) {
    return (size_t)class_of(builder, terminal) * (builder->rank_count + 1) +
           AM_VECTOR_AT(&builder->terminals, struct am_build_terminal, terminal)->rank;
}

/* The terminals in that order, equal ones in order of appearance: a counting sort. NULL: out of
 * memory. */
static uint32_t *order_terminals(const struct am_builder *builder) {
    size_t count = builder->terminals.count;
    size_t places = AM_TERMINAL_CLASSES * ((size_t)builder->rank_count + 1);
    uint32_t *order = am_memory_allocate((count + 1) * sizeof *order);
    uint32_t *next = calloc(places + 1, sizeof *next);
    if (!order || !next) {
        free(order);
        free(next);
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++)
        next[place_of(builder, i) + 1]++;
    for (size_t place = 0; place < places; place++)
        next[place + 1] += next[place];
    for (uint32_t i = 0; i < count; i++)
        order[next[place_of(builder, i)]++] = i;
    free(next);
    return order;
}

static void fetch_terminal(const struct am_builder *builder, uint32_t later, uint32_t next) {
    __builtin_prefetch(AM_VECTOR_AT(&builder->terminals, struct am_build_terminal, later), 1);
    if (edge_of(builder, next))
        __builtin_prefetch(edge_of(builder, next), 1);
}

static void number_terminal(struct am_builder *builder, uint32_t index, uint32_t *next) {
    struct am_build_terminal *terminal =
        AM_VECTOR_AT(&builder->terminals, struct am_build_terminal, index);
    struct am_build_edge *edge = edge_of(builder, index);
    terminal->final = *next;
    if (edge)
        edge->final = *next;
    *next += terminal->postings;
    if (terminal->rank == 0)
        builder->settings.negatives_end[class_of(builder, index)] = *next;
}

/* Final numbers by class: terminals that are no nodes, leaves, terminals with children; then inner
 * nodes. So a walk needs nothing but a node's number. */
static bool number_terminals(struct am_builder *builder, uint32_t *next, struct am_error *error) {
    struct am_image_settings *settings = &builder->settings;
    uint32_t *const ends[AM_TERMINAL_CLASSES] = {&settings->first_node, &settings->leaf_end,
                                                 &settings->terminal_end};
    size_t count = builder->terminals.count, at = 0;
    uint32_t *order = order_terminals(builder);
    if (!order)
        return am_build_out_of_memory(error);
    for (unsigned class = 0; class < AM_TERMINAL_CLASSES; class ++) {
        settings->negatives_end[class] = *next;
        for (; at < count && class_of(builder, order[at]) == class; at++) {
            if (at + 2 * AM_FETCH_AHEAD < count)
                fetch_terminal(builder, order[at + 2 * AM_FETCH_AHEAD], order[at + AM_FETCH_AHEAD]);
            number_terminal(builder, order[at], next);
        }
        *ends[class] = *next;
    }
    free(order);
    return true;
}

static bool number_all(struct am_builder *builder, struct am_error *error) {
    struct am_image_settings *settings = &builder->settings;
    uint32_t next = 0;
    if (!number_terminals(builder, &next, error))
        return false;
    settings->terminal_count = (uint32_t)builder->terminals.count;
    settings->word_count = (uint32_t)builder->words.count;
    /* The exact root is the largest parent number. */
    uint64_t largest =
        (uint64_t)next + builder->edges.count + 2 * (uint64_t)settings->word_count + 1;
    if (largest >= UINT32_MAX)
        return am_build_too_many(error, "keywords, nodes and words");
    struct am_build_edge *edges = builder->edges.data;
    for (size_t i = 0; i < builder->edges.count; i++)
        if (edges[i].terminal == AM_NONE)
            edges[i].final = next++;
    settings->node_end = next;
    return true;
}

/* An edge's parent was made before it. */
static void find_best_ranks(struct am_builder *builder) {
    struct am_build_edge *edges = builder->edges.data;
    const struct am_build_terminal *terminals = builder->terminals.data;
    for (size_t i = builder->edges.count; i > 0; i--) {
        struct am_build_edge *edge = &edges[i - 1];
        if (edge->terminal != AM_NONE && terminals[edge->terminal].rank < edge->best_rank)
            edge->best_rank = terminals[edge->terminal].rank;
        uint32_t parent = (uint32_t)(edge->key >> 32);
        if (parent <= exact_root(builder))
            continue;
        struct am_build_edge *above = &edges[parent - node_of_edge(builder, 0)];
        if (edge->best_rank < above->best_rank)
            above->best_rank = edge->best_rank;
    }
}

static uint32_t final_parent(const struct am_builder *builder, uint32_t parent) {
    const struct am_image_settings *settings = &builder->settings;
    uint32_t words = settings->word_count;
    if (parent < words)
        return AM_NODE_OF_PHRASE(settings, parent);
    if (parent < 2 * words)
        return AM_NODE_OF_BROAD(settings, parent - words);
    if (parent == 2 * words)
        return AM_NODE_OF_EXACT(settings);
    return AM_VECTOR_AT(&builder->edges, struct am_build_edge, parent - 2 * words - 1)->final;
}

static void finish_edges(struct am_builder *builder) {
    struct am_build_edge *edges = builder->edges.data;
    for (size_t i = 0; i < builder->edges.count; i++)
        edges[i].key = am_image_edge_key(final_parent(builder, (uint32_t)(edges[i].key >> 32)),
                                         (uint32_t)edges[i].key);
}

static uint32_t final_terminal(const struct am_builder *builder, uint32_t terminal) {
    if (terminal == AM_NONE)
        return AM_NONE;
    return AM_VECTOR_AT(&builder->terminals, struct am_build_terminal, terminal)->final;
}

static void finish_words(struct am_builder *builder) {
    struct am_build_word *words = builder->words.data;
    for (size_t i = 0; i < builder->words.count; i++) {
        words[i].phrase_terminal = final_terminal(builder, words[i].phrase_terminal);
        words[i].broad_terminal = final_terminal(builder, words[i].broad_terminal);
    }
    builder->settings.any_terminal = final_terminal(builder, builder->settings.any_terminal);
}

bool am_build_number_nodes(struct am_builder *builder, struct am_error *error) {
    if (!number_all(builder, error))
        return false;
    find_best_ranks(builder);
    finish_edges(builder);
    finish_words(builder);
    return true;
}

bool am_build_trie(struct am_builder *builder, struct am_error *error) {
    builder->settings.any_terminal = AM_NONE;
    if (!am_intern_reserve(&builder->edge_table, builder->flat_words.count / 2))
        return am_build_out_of_memory(error);
    bool done = insert_keywords(builder, error);
    am_intern_free(&builder->edge_table);
    return done;
}
