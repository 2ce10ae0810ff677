/* SPDX-License-Identifier: Apache-2.0 */
/* How a veto is proved. A negative keyword N always vetoes a positive keyword P of the same ad or
 * campaign when every text that P hits is hit by N, too:
 *
 *            P exact                  P phrase                 P broad
 * N exact    the same words           never                    never
 * N phrase   N's words stand side     the same                 N is one word, P has it, and
 *            by side, in order, in P                           words count as themselves only
 * N broad    N's second keys stand    the same                 N's keys, both of each word, are
 *            within broad_window                               all among P's
 *            words in P
 *
 * ("never": some text is hit by P and not by N.) Exact and phrase keywords do not tell with which
 * accents a text has their words, so that only second keys are certain. In each case N's first
 * word, or its second key for a broad N, is among P's. So negatives are found by their owner and
 * that word, and each pair that could be a veto is looked at, but no more. */
#include "idle.h"
#include "../base/keyed.h"
#include "../text/folding.h"
#include "../text/stem.h"
#include "interner.h"

#include <stdlib.h>

const char *am_cli_idle_reason_name(enum am_cli_idle_reason reason) {
    static const char *const names[AM_IDLE_REASONS] = {
        [AM_IDLE_PAUSED] = "paused",          [AM_IDLE_ENDED] = "ended",
        [AM_IDLE_NO_TIME] = "no common time", [AM_IDLE_TOO_WIDE] = "wider than window",
        [AM_IDLE_VETOED] = "always vetoed",
    };
    return names[reason];
}

/* A keyword as numbers. */
struct pattern {
    const struct am_inventory_keyword *keyword;
    uint32_t count;
    uint32_t words[AM_KEYWORD_MAX_WORDS];   /* without accents, where these fold */
    uint32_t seconds[AM_KEYWORD_MAX_WORDS]; /* second keys; the words where nothing is stemmed */
    uint32_t keys[AM_KEYWORD_MAX_WORDS];    /* of a broad keyword: both keys together */
};

/* A negative keyword that waits to be found by owner and first word; chained by bucket. */
struct negative {
    const struct am_inventory_keyword *keyword;
    uint64_t key;
    uint32_t next;
};

struct finder {
    const struct am_inventory *inventory;
    int64_t now;
    struct am_cli_interner words, keys;
    struct am_text_word_rules rules;
    struct am_text_fold_memory *fold;
    struct am_text_stemmer *stemmer; /* NULL: words are compared as they are */
    uint32_t *second_of;             /* by word number; AM_NONE: not yet known */
    uint32_t second_capacity;
    struct negative *negatives;
    uint32_t *buckets; /* first of each chain, or AM_NONE */
    uint32_t negative_count, bucket_mask;
    struct am_cli_idle_summary *summary;
};

static bool grow_seconds(struct finder *finder, uint32_t word) {
    if (word < finder->second_capacity)
        return true;
    size_t capacity = (size_t)word * 2 + 1024;
    uint32_t *second_of = realloc(finder->second_of, capacity * sizeof *second_of);
    if (!second_of)
        return false;
    memset(second_of + finder->second_capacity, 0xFF,
           (capacity - finder->second_capacity) * sizeof *second_of);
    finder->second_of = second_of;
    finder->second_capacity = (uint32_t)capacity;
    return true;
}

/* Number of the word's second key, AM_NONE when memory runs out. */
static uint32_t second_number(struct finder *finder, uint32_t word) {
    if (!finder->stemmer)
        return word;
    if (!grow_seconds(finder, word))
        return AM_NONE;
    if (finder->second_of[word] == AM_NONE)
        finder->second_of[word] = am_cli_interner_number(
            &finder->keys, am_text_stem(finder->stemmer, finder->words.texts[word]));
    return finder->second_of[word];
}

/* Number of both keys, that of the second where they are the same: a key has no space. */
static uint32_t
keys_number(struct finder *finder, struct am_view written, struct am_view folded, uint32_t second) {
    char joined[2 * AM_WORD_MAX_BYTES + 1];
    if (!finder->stemmer)
        return second;
    struct am_text_keys keys = am_text_keys_of(finder->stemmer, &finder->rules, written, folded);
    if (am_view_equal(keys.first, keys.second))
        return second;
    memcpy(joined, keys.first.data, keys.first.size);
    joined[keys.first.size] = ' ';
    memcpy(joined + keys.first.size + 1, keys.second.data, keys.second.size);
    return am_cli_interner_number(&finder->keys,
                                  (struct am_view){joined, keys.first.size + 1 + keys.second.size});
}

static bool read_word(struct finder *finder, struct am_view written, struct pattern *pattern) {
    struct am_view folded = am_text_fold_word(&finder->rules, written, finder->fold);
    uint32_t word = am_cli_interner_number(&finder->words, folded);
    uint32_t second = word == AM_NONE ? AM_NONE : second_number(finder, word);
    uint32_t keys = second;
    if (second != AM_NONE && pattern->keyword->match == AM_MATCH_BROAD)
        keys = keys_number(finder, written, folded, second);
    pattern->words[pattern->count] = word;
    pattern->seconds[pattern->count] = second;
    pattern->keys[pattern->count++] = keys;
    return keys != AM_NONE;
}

static bool read_pattern(struct finder *finder,
                         const struct am_inventory_keyword *keyword,
                         struct pattern *pattern) {
    struct am_view words[AM_KEYWORD_MAX_WORDS];
    uint32_t count = am_inventory_keyword_words(keyword, words);
    pattern->keyword = keyword;
    pattern->count = 0;
    for (uint32_t i = 0; i < count; i++)
        if (!read_word(finder, words[i], pattern))
            return false;
    return true;
}

static bool contains(const uint32_t *items, uint32_t count, uint32_t wanted) {
    for (uint32_t i = 0; i < count; i++)
        if (items[i] == wanted)
            return true;
    return false;
}

static bool has_run(const struct pattern *pattern, const struct pattern *run) {
    for (uint32_t i = 0; i + run->count <= pattern->count; i++)
        if (memcmp(pattern->words + i, run->words, run->count * sizeof *run->words) == 0)
            return true;
    return false;
}

static bool
has_all(const uint32_t *items, uint32_t count, const uint32_t *wanted, uint32_t wanted_count) {
    for (uint32_t i = 0; i < wanted_count; i++)
        if (!contains(items, count, wanted[i]))
            return false;
    return true;
}

static bool
has_seconds_within(const struct pattern *pattern, const struct pattern *wanted, uint32_t window) {
    for (uint32_t end = 1; end <= pattern->count; end++) {
        uint32_t begin = end > window ? end - window : 0;
        if (has_all(pattern->seconds + begin, end - begin, wanted->seconds, wanted->count))
            return true;
    }
    return false;
}

/* No word of a text counts as another word of a broad keyword. */
static bool words_are_themselves(const struct finder *finder) {
    return !finder->stemmer && !finder->rules.korean;
}

static bool always_vetoes(const struct finder *finder,
                          const struct pattern *negative,
                          const struct pattern *positive) {
    enum am_model_match_type type = (enum am_model_match_type)positive->keyword->match;
    bool is_broad = type == AM_MATCH_BROAD;
    switch ((enum am_model_match_type)negative->keyword->match) {
    case AM_MATCH_EXACT:
        return type == AM_MATCH_EXACT && negative->count == positive->count &&
               has_run(positive, negative);
    case AM_MATCH_PHRASE:
        if (is_broad)
            return words_are_themselves(finder) && negative->count == 1 &&
                   has_run(positive, negative);
        return has_run(positive, negative);
    case AM_MATCH_BROAD:
        if (is_broad)
            return has_all(positive->keys, positive->count, negative->keys, negative->count);
        return has_seconds_within(positive, negative, finder->inventory->broad_window);
    default:
        return false;
    }
}

/* The lowest bit distinguishes ads and campaigns. */
static uint64_t owner_of_ad(uint32_t ad) {
    return (uint64_t)ad << 1;
}

static uint64_t owner_of_campaign(uint32_t campaign) {
    return (uint64_t)campaign << 1 | 1;
}

static uint64_t negative_key(uint64_t owner, bool by_key, uint32_t number) {
    return am_keyed_hash_pair(owner, (uint64_t)number << 1 | by_key).value;
}

static bool
add_negatives(struct finder *finder, uint64_t owner, const struct am_inventory_rules *rules) {
    for (uint32_t i = 0; i < rules->negative_count; i++) {
        struct pattern pattern;
        if (!read_pattern(finder, &rules->negatives[i], &pattern))
            return false;
        if (pattern.count == 0)
            continue;
        bool by_key = pattern.keyword->match == AM_MATCH_BROAD;
        struct negative *negative = &finder->negatives[finder->negative_count];
        negative->keyword = pattern.keyword;
        negative->key = negative_key(owner, by_key, by_key ? pattern.seconds[0] : pattern.words[0]);
        uint32_t *bucket = &finder->buckets[negative->key & finder->bucket_mask];
        negative->next = *bucket;
        *bucket = finder->negative_count++;
    }
    return true;
}

static bool index_negatives(struct finder *finder) {
    const struct am_inventory *inventory = finder->inventory;
    uint64_t total = 0;
    for (uint32_t i = 0; i < inventory->ad_count; i++)
        total += inventory->ads[i].rules.negative_count;
    for (uint32_t i = 0; i < inventory->campaign_count; i++)
        total += inventory->campaigns[i].rules.negative_count;
    uint64_t buckets = 1;
    while (buckets < total)
        buckets *= 2;
    if (total >= AM_NONE)
        return false;
    finder->bucket_mask = (uint32_t)(buckets - 1);
    finder->negatives = malloc((total + 1) * sizeof *finder->negatives);
    finder->buckets = malloc(buckets * sizeof *finder->buckets);
    if (!finder->negatives || !finder->buckets)
        return false;
    memset(finder->buckets, 0xFF, buckets * sizeof *finder->buckets);
    for (uint32_t i = 0; i < inventory->ad_count; i++)
        if (!add_negatives(finder, owner_of_ad(i), &inventory->ads[i].rules))
            return false;
    for (uint32_t i = 0; i < inventory->campaign_count; i++)
        if (!add_negatives(finder, owner_of_campaign(i), &inventory->campaigns[i].rules))
            return false;
    return true;
}

/* The veto in one chain. Words of a negative that has been indexed are all numbered already, so
 * reading it again cannot fail. */
static const struct am_inventory_keyword *
veto_by(struct finder *finder, uint64_t key, const struct pattern *positive) {
    for (uint32_t at = finder->buckets[key & finder->bucket_mask]; at != AM_NONE;
         at = finder->negatives[at].next) {
        struct pattern negative;
        if (finder->negatives[at].key == key &&
            read_pattern(finder, finder->negatives[at].keyword, &negative) &&
            always_vetoes(finder, &negative, positive))
            return finder->negatives[at].keyword;
    }
    return NULL;
}

static const struct am_inventory_keyword *
veto_of(struct finder *finder, uint64_t owner, const struct pattern *positive) {
    const struct am_inventory_keyword *veto = NULL;
    for (uint32_t i = 0; i < positive->count && !veto; i++) {
        veto = veto_by(finder, negative_key(owner, false, positive->words[i]), positive);
        if (!veto)
            veto = veto_by(finder, negative_key(owner, true, positive->seconds[i]), positive);
    }
    return veto;
}

/* Whether the words of a broad keyword cannot all be in one window. Where words are compared by
 * two keys, one word of a text may count as two of them, of different second keys; a Korean word as
 * several. */
static bool is_too_wide(const struct finder *finder, const struct pattern *pattern) {
    uint32_t window = finder->inventory->broad_window, count = 0;
    for (uint32_t i = 0; i < pattern->count; i++)
        count += !contains(pattern->seconds, i, pattern->seconds[i]);
    if (finder->stemmer && finder->rules.fold_accents)
        window *= 2;
    return count > window && !finder->rules.korean;
}

/* The reason that all keywords of an ad share, or AM_IDLE_REASONS. */
static enum am_cli_idle_reason reason_of_ad(const struct finder *finder,
                                            const struct am_inventory_ad *ad) {
    const struct am_inventory_rules always = {.start = INT64_MIN, .end = INT64_MAX};
    const struct am_inventory_rules *campaign = &always;
    if (ad->campaign != AM_NONE)
        campaign = &finder->inventory->campaigns[ad->campaign].rules;
    int64_t start = ad->rules.start > campaign->start ? ad->rules.start : campaign->start;
    int64_t end = ad->rules.end < campaign->end ? ad->rules.end : campaign->end;
    if (ad->rules.paused || campaign->paused)
        return AM_IDLE_PAUSED;
    if (end <= finder->now)
        return AM_IDLE_ENDED;
    return start >= end ? AM_IDLE_NO_TIME : AM_IDLE_REASONS;
}

static enum am_cli_idle_reason reason_of_keyword(struct finder *finder,
                                                 uint32_t ad,
                                                 const struct pattern *pattern,
                                                 const struct am_inventory_keyword **veto) {
    const struct am_inventory *inventory = finder->inventory;
    uint32_t campaign = inventory->ads[ad].campaign;
    if (pattern->keyword->match == AM_MATCH_BROAD && is_too_wide(finder, pattern))
        return AM_IDLE_TOO_WIDE;
    *veto = NULL;
    if (inventory->ads[ad].rules.negative_count)
        *veto = veto_of(finder, owner_of_ad(ad), pattern);
    if (!*veto && campaign != AM_NONE && inventory->campaigns[campaign].rules.negative_count)
        *veto = veto_of(finder, owner_of_campaign(campaign), pattern);
    return *veto ? AM_IDLE_VETOED : AM_IDLE_REASONS;
}

static bool look_at_ad(struct finder *finder, uint32_t index) {
    struct am_cli_idle_summary *summary = finder->summary;
    const struct am_inventory_ad *ad = &finder->inventory->ads[index];
    enum am_cli_idle_reason whole = reason_of_ad(finder, ad);
    for (uint32_t i = 0; i < ad->keyword_count; i++) {
        struct am_cli_idle_keyword found = {ad, &ad->keywords[i], NULL, whole};
        struct pattern pattern;
        if (!read_pattern(finder, found.keyword, &pattern))
            return false;
        if (whole == AM_IDLE_REASONS)
            found.reason = reason_of_keyword(finder, index, &pattern, &found.negative);
        if (found.reason == AM_IDLE_REASONS)
            continue;
        summary->counts[found.reason]++;
        if (found.reason >= AM_IDLE_TOO_WIDE && summary->listed_count < AM_IDLE_MAX_LISTED)
            summary->listed[summary->listed_count++] = found;
    }
    return true;
}

static bool look_at_all(struct finder *finder) {
    if (!index_negatives(finder))
        return false;
    for (uint32_t i = 0; i < finder->inventory->ad_count; i++)
        if (!look_at_ad(finder, i))
            return false;
    finder->summary->distinct_words = finder->words.count;
    return true;
}

enum am_code am_cli_idle_find(const struct am_inventory *inventory,
                              int64_t now,
                              struct am_cli_idle_summary *summary,
                              struct am_error *error) {
    struct finder finder = {.inventory = inventory,
                            .now = now,
                            .rules =
                                am_text_word_rules_of(inventory->language, inventory->fold_accents),
                            .fold = malloc(sizeof *finder.fold),
                            .summary = summary};
    enum am_code code = AM_OK;
    *summary = (struct am_cli_idle_summary){0};
    if (finder.fold && inventory->stem &&
        !(finder.stemmer = am_text_stemmer_new(inventory->language, error)))
        code = error->code;
    else if (!finder.fold || !look_at_all(&finder) ||
             (finder.stemmer && am_text_stemmer_failures(finder.stemmer)))
        code = am_error_set(error, AM_E_MEMORY, "not enough memory to look through the keywords");
    am_text_stemmer_free(finder.stemmer);
    free(finder.fold);
    am_cli_interner_free(&finder.words);
    am_cli_interner_free(&finder.keys);
    free(finder.second_of);
    free(finder.negatives);
    free(finder.buckets);
    return code;
}
