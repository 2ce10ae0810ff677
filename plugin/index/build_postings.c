/* SPDX-License-Identifier: Apache-2.0 */
/* Ranks and postings. All that is known before a request decides an order of keywords here, once; a
 * request then compares single integers. */
#include "build.h"

/* What ranks a keyword, best first: steps 1 to 4 of docs/DECISION.md section 4. */
struct rank_key {
    unsigned __int128 score;
    int32_t priority;
    uint8_t match;
    uint8_t word_count;
};

static struct rank_key rank_key_of(const struct am_builder *builder,
                                   const struct am_build_flat_keyword *flat,
                                   const struct am_image_keyword *record) {
    const struct am_inventory_ad *ad = &builder->inventory->ads[flat->owner];
    return (struct rank_key){
        .score = (unsigned __int128)record->ecpm * (uint64_t)ad->quality *
                 (uint64_t)builder->inventory->match_weight[record->match],
        .priority = am_build_ad_priority(ad, builder->inventory),
        .match = record->match,
        .word_count = flat->ranked_words,
    };
}

static int better_first(const struct rank_key *a, const struct rank_key *b) {
    if (a->priority != b->priority)
        return a->priority > b->priority ? -1 : 1;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    if (a->match != b->match)
        return a->match < b->match ? -1 : 1;
    return (a->word_count < b->word_count) - (a->word_count > b->word_count);
}

struct distinct_key {
    struct rank_key key;
    uint32_t id; /* in order of appearance */
};

static bool key_equal(const void *context, uint32_t id, const void *key) {
    const struct am_vector *keys = context;
    return better_first(&AM_VECTOR_AT(keys, struct distinct_key, id)->key, key) == 0;
}

static struct am_keyed_hash key_hash(const struct rank_key *key) {
    uint64_t rest =
        (uint64_t)(uint32_t)key->priority << 16 | (uint64_t)key->match << 8 | key->word_count;
    uint64_t high = am_keyed_hash_pair((uint64_t)(key->score >> 64), rest).value;
    return am_keyed_hash_pair((uint64_t)key->score, high);
}

static int distinct_better_first(const void *a, const void *b) {
    return better_first(&((const struct distinct_key *)a)->key,
                        &((const struct distinct_key *)b)->key);
}

/* A posting on its way to its place. */
struct draft {
    uint32_t terminal;
    uint32_t rank; /* id of the distinct key at first */
    uint32_t flat; /* index; of a negative: its id */
};

static struct am_image_keyword keyword_record(const struct am_builder *builder,
                                              const struct am_build_flat_keyword *flat) {
    const struct am_inventory_ad *ad = &builder->inventory->ads[flat->owner];
    int64_t bid = flat->source->bid >= 0 ? flat->source->bid : ad->bid;
    return (struct am_image_keyword){
        .bid = (uint64_t)bid,
        .ecpm = (uint64_t)am_model_ecpm((enum am_model_pricing)ad->pricing, bid, ad->ctr),
        .text = flat->text,
        .position = flat->position,
        .match = flat->source->match,
        .word_count = flat->word_count,
        .ranked_words = flat->ranked_words,
    };
}

/* Drafts of the positive keywords, each with the id of its distinct rank key. */
static bool draft_positives(struct am_builder *builder,
                            struct am_vector *drafts,
                            struct am_vector *keys,
                            struct am_error *error) {
    struct am_intern table = {0};
    bool done = false;
    const struct am_build_flat_keyword *flat = builder->flat.data;
    if (!am_vector_reserve(drafts, builder->flat.count))
        goto cleanup;
    for (size_t i = 0; i < builder->flat.count; i++) {
        if (flat[i].source->negative)
            continue;
        struct am_image_keyword record = keyword_record(builder, &flat[i]);
        struct rank_key key = rank_key_of(builder, &flat[i], &record);
        struct am_intern_slot *slot = am_intern_find(&table, key_hash(&key), key_equal, keys, &key);
        if (!slot)
            goto cleanup;
        if (slot->id == UINT32_MAX) {
            struct distinct_key distinct = {key, (uint32_t)keys->count};
            if (!am_vector_push(keys, &distinct))
                goto cleanup;
            slot->id = distinct.id;
        }
        struct draft draft = {flat[i].terminal, slot->id, (uint32_t)i};
        if (!am_vector_push(drafts, &draft))
            goto cleanup;
        builder->settings.keyword_counts[flat[i].source->match] += !flat[i].is_twin;
    }
    done = true;
cleanup:
    am_intern_free(&table);
    return done || am_build_out_of_memory(error);
}

/* Sorts the distinct keys and replaces their ids in the drafts by ranks from 1. */
static bool assign_ranks(struct am_builder *builder,
                         struct am_vector *drafts,
                         struct am_vector *keys,
                         struct am_error *error) {
    uint32_t *ranks = malloc((keys->count + 1) * sizeof *ranks);
    if (!ranks)
        return am_build_out_of_memory(error);
    struct distinct_key *distinct = keys->data;
    if (keys->count)
        qsort(distinct, keys->count, sizeof *distinct, distinct_better_first);
    for (size_t i = 0; i < keys->count; i++)
        ranks[distinct[i].id] = (uint32_t)i + 1;
    struct draft *draft = drafts->data;
    for (size_t i = 0; i < drafts->count; i++)
        draft[i].rank = ranks[draft[i].rank];
    builder->rank_count = (uint32_t)keys->count;
    free(ranks);
    return true;
}

/* The top tier has as few of the best ranks as cover one keyword in TOP_SHARE, or TOP_LEAST: of
 * fewer, a page seldom has as many as it shows ads. */
enum { TOP_SHARE = 16, TOP_LEAST = AM_BUFFER_SIZE(32768, 2), TOP_SHARE_MOST = 3 };

/* There is none when it would have more than one keyword in TOP_SHARE_MOST: because they are few,
 * or because many share a rank. */
static bool choose_top_rank(struct am_builder *builder,
                            const struct am_vector *drafts,
                            struct am_error *error) {
    const struct draft *draft = drafts->data;
    size_t wanted = drafts->count / TOP_SHARE, covered = 0;
    uint32_t rank = 0;
    if (drafts->count / TOP_SHARE_MOST < TOP_LEAST)
        return true;
    if (wanted < TOP_LEAST)
        wanted = TOP_LEAST;
    uint32_t *keywords = calloc((size_t)builder->rank_count + 1, sizeof *keywords);
    if (!keywords)
        return am_build_out_of_memory(error);
    for (size_t i = 0; i < drafts->count; i++)
        keywords[draft[i].rank]++;
    while (covered < wanted)
        covered += keywords[++rank];
    free(keywords);
    if (covered <= drafts->count / TOP_SHARE_MOST)
        builder->settings.top_rank = rank;
    return true;
}

static bool
draft_negatives(struct am_builder *builder, struct am_vector *drafts, struct am_error *error) {
    const struct am_build_negative *negatives = builder->negatives.data;
    for (size_t i = 0; i < builder->negatives.count; i++) {
        struct draft draft = {negatives[i].terminal, 0, (uint32_t)i};
        struct draft twin = {negatives[i].twin_terminal, 0, (uint32_t)i};
        if (!am_vector_push(drafts, &draft) ||
            (twin.terminal != AM_NONE && !am_vector_push(drafts, &twin)))
            return am_build_out_of_memory(error);
    }
    return true;
}

/* Negative ids first, then best rank, then order of appearance (so lists are the same in every
 * build). */
static int list_order(const void *a, const void *b) {
    const struct draft *left = a, *right = b;
    if (left->rank != right->rank)
        return left->rank < right->rank ? -1 : 1;
    return (left->flat > right->flat) - (left->flat < right->flat);
}

/* How many postings each terminal has, and the rank of its first one. */
static void count_postings(struct am_builder *builder, const struct am_vector *drafts) {
    const struct draft *draft = drafts->data;
    for (size_t i = 0; i < drafts->count; i++) {
        struct am_build_terminal *terminal =
            AM_VECTOR_AT(&builder->terminals, struct am_build_terminal, draft[i].terminal);
        if (terminal->postings++ == 0 || draft[i].rank < terminal->rank)
            terminal->rank = draft[i].rank;
    }
}

/* The drafts at their final places: a counting sort by terminal, then each list by itself. */
static struct draft *
group_drafts(struct am_builder *builder, const struct am_vector *drafts, struct am_error *error) {
    const struct am_build_terminal *terminals = builder->terminals.data;
    size_t count = builder->terminals.count;
    struct draft *grouped = am_memory_allocate((drafts->count + 1) * sizeof *grouped);
    uint32_t *next = am_memory_allocate((count + 1) * sizeof *next);
    if (!grouped || !next) {
        free(grouped);
        grouped = NULL;
        am_build_out_of_memory(error);
        goto cleanup;
    }
    for (size_t i = 0; i < count; i++)
        next[i] = terminals[i].final;
    const struct draft *draft = drafts->data;
    for (size_t i = 0; i < drafts->count; i++)
        grouped[next[draft[i].terminal]++] = draft[i];
    for (size_t i = 0; i < count; i++)
        if (terminals[i].postings > 1)
            qsort(grouped + terminals[i].final, terminals[i].postings, sizeof *grouped, list_order);
cleanup:
    free(next);
    return grouped;
}

static void lay_out_one(struct am_builder *builder,
                        const struct draft *draft,
                        struct am_image_posting *posting,
                        struct am_image_keyword *record) {
    if (draft->rank == 0) {
        const struct am_build_negative *negative =
            AM_VECTOR_AT(&builder->negatives, struct am_build_negative, draft->flat);
        *posting = (struct am_image_posting){0, draft->flat};
        *record = (struct am_image_keyword){.text = negative->text};
    } else {
        const struct am_build_flat_keyword *flat =
            AM_VECTOR_AT(&builder->flat, struct am_build_flat_keyword, draft->flat);
        *posting = (struct am_image_posting){draft->rank, flat->owner};
        *record = keyword_record(builder, flat);
    }
}

/* What the draft's keyword is made from: the nearer its turn, the more of it. */
static void fetch_sources(const struct am_builder *builder,
                          const struct draft *next,
                          const struct draft *later) {
    const struct am_build_flat_keyword *flat = builder->flat.data;
    if (later->rank)
        __builtin_prefetch(&flat[later->flat]);
    if (next->rank) {
        __builtin_prefetch(&flat[next->flat].source->match);
        __builtin_prefetch(&builder->inventory->ads[flat[next->flat].owner].bid);
    }
}

static bool lay_out(struct am_builder *builder,
                    const struct draft *grouped,
                    size_t count,
                    struct am_error *error) {
    struct am_image_posting *posting = am_vector_extend(&builder->postings, count);
    struct am_image_keyword *record = am_vector_extend(&builder->keywords, count);
    if (count && (!posting || !record))
        return am_build_out_of_memory(error);
    for (size_t i = 0; i < count; i++) {
        if (i + 2 * AM_FETCH_AHEAD < count)
            fetch_sources(builder, &grouped[i + AM_FETCH_AHEAD], &grouped[i + 2 * AM_FETCH_AHEAD]);
        lay_out_one(builder, &grouped[i], &posting[i], &record[i]);
        if (i + 1 == count || grouped[i + 1].terminal != grouped[i].terminal)
            posting[i].ad_and_last |= AM_POSTING_LAST;
    }
    return true;
}

bool am_build_postings(struct am_builder *builder, struct am_error *error) {
    struct am_vector drafts = AM_VECTOR_OF(struct draft);
    struct am_vector keys = AM_VECTOR_OF(struct distinct_key);
    struct draft *grouped = NULL;
    bool done = false;
    if (!draft_positives(builder, &drafts, &keys, error) ||
        !assign_ranks(builder, &drafts, &keys, error) ||
        !choose_top_rank(builder, &drafts, error) || !draft_negatives(builder, &drafts, error))
        goto cleanup;
    if (drafts.count >= UINT32_MAX - 1 || builder->negatives.count > AM_POSTING_MAX_AD ||
        builder->inventory->ad_count > AM_POSTING_MAX_AD) {
        am_build_too_many(error, "keywords, or half as many ads or negative keywords");
        goto cleanup;
    }
    count_postings(builder, &drafts);
    if (!am_build_number_nodes(builder, error))
        goto cleanup;
    grouped = group_drafts(builder, &drafts, error);
    done = grouped && lay_out(builder, grouped, drafts.count, error);
cleanup:
    free(grouped);
    am_vector_free(&drafts);
    am_vector_free(&keys);
    return done;
}
