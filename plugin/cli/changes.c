/* SPDX-License-Identifier: Apache-2.0 */
#include "changes.h"

#include <stdio.h>
#include <stdlib.h>

#include "../base/decimal.h"
#include "../base/vector.h"
#include "interner.h"

/* ---- one record -------------------------------------------------------------------------------
 */

/* A line being printed: it begins when the first difference is found. */
struct line {
    const char *kind;  /* "ad", "campaign" or "inventory" */
    struct am_view id; /* empty: there is one of the kind */
    bool begun;
};

static void begin(struct line *line) {
    if (line->begun) {
        fputs(", ", stdout);
        return;
    }
    printf("~ %s%s%.*s: ", line->kind, line->id.size ? " " : "", AM_VIEW_ARGUMENTS(line->id));
    line->begun = true;
}

static void say_text(struct line *line, const char *what, struct am_view a, struct am_view b) {
    if (am_view_equal(a, b))
        return;
    begin(line);
    printf("%s \"%.*s\" -> \"%.*s\"", what, AM_VIEW_ARGUMENTS(a), AM_VIEW_ARGUMENTS(b));
}

static void say_number(struct line *line, const char *what, int64_t a, int64_t b, unsigned places) {
    char texts[2][AM_DECIMAL_TEXT_SIZE];
    if (a == b)
        return;
    begin(line);
    int sizes[2] = {(int)am_decimal_write(a, places, texts[0]),
                    (int)am_decimal_write(b, places, texts[1])};
    printf("%s %.*s -> %.*s", what, sizes[0], texts[0], sizes[1], texts[1]);
}

static void say_time(struct line *line, const char *what, int64_t a, int64_t b) {
    char texts[2][AM_TIME_TEXT_SIZE] = {"none", "none"};
    if (a == b)
        return;
    if (a != INT64_MIN && a != INT64_MAX)
        am_time_write(a, texts[0]);
    if (b != INT64_MIN && b != INT64_MAX)
        am_time_write(b, texts[1]);
    begin(line);
    printf("%s %s -> %s", what, texts[0], texts[1]);
}

static void say_that(struct line *line, const char *what, bool differs) {
    if (!differs)
        return;
    begin(line);
    fputs(what, stdout);
}

static bool same_strings(struct am_inventory_strings a, struct am_inventory_strings b) {
    bool same = a.count == b.count;
    for (uint32_t i = 0; same && i < a.count; i++)
        same = am_view_equal(a.items[i], b.items[i]);
    return same;
}

static bool same_numbers(const uint32_t *a, uint32_t a_count, const uint32_t *b, uint32_t b_count) {
    return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * sizeof *a) == 0);
}

/* Depth is bounded by the inventory's limit. */
static bool same_targeting(const struct am_inventory_targeting *a,
                           const struct am_inventory_targeting *b) {
    if (!a || !b)
        return a == b;
    if (a->kind != b->kind || a->count != b->count || a->attribute != b->attribute)
        return false;
    switch (a->kind) {
    case AM_TARGETING_IN:
        return am_view_equal(a->key, b->key) &&
               same_strings((struct am_inventory_strings){a->values, a->count},
                            (struct am_inventory_strings){b->values, b->count});
    case AM_TARGETING_HOURS:
        return memcmp(a->hours, b->hours, sizeof a->hours) == 0;
    case AM_TARGETING_TIMES:
        return same_numbers(a->times, a->count, b->times, b->count);
    default:
        break;
    }
    for (uint32_t i = 0; i < a->count; i++)
        if (!same_targeting(&a->children[i], &b->children[i]))
            return false;
    return true;
}

static void say_curve(struct line *line,
                      const struct am_inventory_delivery *a,
                      const struct am_inventory_delivery *b) {
    bool same = a->has_curve == b->has_curve && a->curve == b->curve;
    if (same && a->weights && b->weights)
        same = memcmp(a->weights, b->weights, AM_CURVE_HOURS * sizeof *a->weights) == 0;
    say_that(line, "pacing_curve", !same);
}

static void say_delivery(struct line *line,
                         const struct am_inventory_delivery *a,
                         const struct am_inventory_delivery *b) {
    say_that(line, "budget",
             memcmp(a->total, b->total, sizeof a->total) != 0 ||
                 memcmp(a->daily, b->daily, sizeof a->daily) != 0);
    say_text(line, "pacing", am_view_of(am_model_pacing_name((enum am_model_pacing)a->pacing)),
             am_view_of(am_model_pacing_name((enum am_model_pacing)b->pacing)));
    say_curve(line, a, b);
    say_that(line, "frequency_caps", !same_numbers(a->caps, a->cap_count, b->caps, b->cap_count));
    say_that(line, "without_user", a->skips_without_user != b->skips_without_user);
}

static void say_rules(struct line *line,
                      const struct am_inventory_rules *a,
                      const struct am_inventory_rules *b) {
    const struct am_view statuses[] = {{"active", 6}, {"paused", 6}};
    say_text(line, "status", statuses[a->paused], statuses[b->paused]);
    say_time(line, "start", a->start, b->start);
    say_time(line, "end", a->end, b->end);
    say_number(line, "priority", a->priority, b->priority, 0);
    say_that(line, "targeting", !same_targeting(a->targeting, b->targeting));
    say_text(line, "timezone", a->timezone, b->timezone);
    say_that(line, "labels", !same_strings(a->labels, b->labels));
    say_that(line, "exclude_labels", !same_strings(a->exclude_labels, b->exclude_labels));
    say_that(line, "categories", !same_strings(a->categories, b->categories));
    say_text(line, "domain", a->domain, b->domain);
    say_delivery(line, &a->delivery, &b->delivery);
}

/* ---- keywords ---------------------------------------------------------------------------------
 */

static int compare_keywords(const struct am_inventory_keyword *a,
                            const struct am_inventory_keyword *b) {
    if (a->negative != b->negative)
        return a->negative ? 1 : -1;
    if (a->match != b->match)
        return a->match < b->match ? -1 : 1;
    return am_view_compare(a->text, b->text);
}

static int by_keyword(const void *a, const void *b) {
    return compare_keywords(*(const struct am_inventory_keyword *const *)a,
                            *(const struct am_inventory_keyword *const *)b);
}

/* The keywords of a record, in order. */
static bool
list_keywords(struct am_vector *list, const struct am_inventory_keyword *keywords, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const struct am_inventory_keyword *keyword = &keywords[i];
        if (!am_vector_push(list, &keyword))
            return false;
    }
    if (list->count)
        qsort(list->data, list->count, sizeof keywords, by_keyword);
    return true;
}

static void say_keyword(struct line *line, char sign, const struct am_inventory_keyword *keyword) {
    static const char *const marks[AM_MATCH_TYPES][2] = {[AM_MATCH_EXACT] = {"[", "]"},
                                                         [AM_MATCH_PHRASE] = {"\"", "\""},
                                                         [AM_MATCH_BROAD] = {"", ""},
                                                         [AM_MATCH_ANY] = {"", ""}};
    begin(line);
    printf("%c keyword %s%s%.*s%s", sign, keyword->negative ? "-" : "", marks[keyword->match][0],
           AM_VIEW_ARGUMENTS(keyword->text), marks[keyword->match][1]);
}

/* Behind a keyword: -1 is the ad's bid. */
static void say_bids(int64_t a, int64_t b) {
    char texts[2][AM_DECIMAL_TEXT_SIZE] = {"the ad's", "the ad's"};
    int sizes[2] = {8, 8};
    if (a >= 0)
        sizes[0] = (int)am_decimal_write(a, 6, texts[0]);
    if (b >= 0)
        sizes[1] = (int)am_decimal_write(b, 6, texts[1]);
    printf(" bid %.*s -> %.*s", sizes[0], texts[0], sizes[1], texts[1]);
}

static void say_lists(struct line *line,
                      const struct am_vector *before,
                      const struct am_vector *after,
                      struct am_cli_change_counts *counts) {
    const struct am_inventory_keyword *const *a = before->data, *const *b = after->data;
    for (size_t i = 0, j = 0; i < before->count || j < after->count;) {
        int order = i == before->count ? 1 : j == after->count ? -1 : compare_keywords(a[i], b[j]);
        if (order < 0) {
            say_keyword(line, '-', a[i++]);
            counts->removed++;
        } else if (order > 0) {
            say_keyword(line, '+', b[j++]);
            counts->added++;
        } else {
            if (a[i]->bid != b[j]->bid) {
                say_keyword(line, '~', b[j]);
                say_bids(a[i]->bid, b[j]->bid);
                counts->changed++;
            }
            i++, j++;
        }
    }
}

/* The keywords of both lists that are not in both. False when memory runs out. */
static bool say_keywords(struct line *line,
                         const struct am_inventory_keyword *before,
                         uint32_t before_count,
                         const struct am_inventory_keyword *after,
                         uint32_t after_count,
                         struct am_cli_change_counts *counts) {
    struct am_vector lists[] = {AM_VECTOR_OF(const struct am_inventory_keyword *),
                                AM_VECTOR_OF(const struct am_inventory_keyword *)};
    bool listed = list_keywords(&lists[0], before, before_count) &&
                  list_keywords(&lists[1], after, after_count);
    if (listed)
        say_lists(line, &lists[0], &lists[1], counts);
    am_vector_free(&lists[0]);
    am_vector_free(&lists[1]);
    return listed;
}

/* ---- records ----------------------------------------------------------------------------------
 */

static void end(struct line *line, struct am_cli_change_counts *counts) {
    counts->changed += line->begun;
    if (line->begun)
        putchar('\n');
}

static struct am_view campaign_of(const struct am_inventory *inventory,
                                  const struct am_inventory_ad *ad) {
    return ad->campaign == AM_NONE ? (struct am_view){"", 0}
                                   : inventory->campaigns[ad->campaign].id;
}

static bool compare_ads(const struct am_inventory *before,
                        const struct am_inventory_ad *a,
                        const struct am_inventory *after,
                        const struct am_inventory_ad *b,
                        struct am_cli_changes *changes) {
    static const struct am_view pricings[] = {
        [AM_PRICING_CPM] = {"cpm", 3}, [AM_PRICING_CPC] = {"cpc", 3}};
    struct line line = {"ad", a->id, false};
    say_text(&line, "campaign", campaign_of(before, a), campaign_of(after, b));
    say_text(&line, "advertiser", a->advertiser, b->advertiser);
    say_number(&line, "bid", a->bid, b->bid, 6);
    say_text(&line, "pricing", pricings[a->pricing], pricings[b->pricing]);
    say_number(&line, "ctr", a->ctr, b->ctr, 6);
    say_number(&line, "quality", a->quality, b->quality, 3);
    say_that(&line, "sizes", !same_numbers(a->sizes, a->size_count, b->sizes, b->size_count));
    say_rules(&line, &a->rules, &b->rules);
    say_text(&line, "url", a->url, b->url);
    say_that(&line, "creative", !am_view_equal(a->creative, b->creative));
    bool said = say_keywords(&line, a->keywords, a->keyword_count, b->keywords, b->keyword_count,
                             &changes->keywords) &&
                say_keywords(&line, a->rules.negatives, a->rules.negative_count, b->rules.negatives,
                             b->rules.negative_count, &changes->keywords);
    end(&line, &changes->ads);
    return said;
}

static bool compare_campaigns(const struct am_inventory_campaign *a,
                              const struct am_inventory_campaign *b,
                              struct am_cli_changes *changes) {
    struct line line = {"campaign", a->id, false};
    say_text(&line, "advertiser", a->advertiser, b->advertiser);
    say_rules(&line, &a->rules, &b->rules);
    bool said = say_keywords(&line, a->rules.negatives, a->rules.negative_count, b->rules.negatives,
                             b->rules.negative_count, &changes->keywords);
    end(&line, &changes->campaigns);
    return said;
}

/* What the line of type "inventory" says, or leaves to its default. */
static void compare_settings(const struct am_inventory *a, const struct am_inventory *b) {
    static const struct am_view truths[] = {{"false", 5}, {"true", 4}};
    static const struct {
        const char *name;
        enum am_model_match_type type;
    } weights[] = {{"match_weight.exact", AM_MATCH_EXACT},
                   {"match_weight.phrase", AM_MATCH_PHRASE},
                   {"match_weight.broad", AM_MATCH_BROAD}};
    struct line line = {"inventory", {"", 0}, false};
    say_text(&line, "currency", a->currency, b->currency);
    say_text(&line, "language", a->language, b->language);
    say_text(&line, "fold_accents", truths[a->fold_accents], truths[b->fold_accents]);
    say_text(&line, "stem", truths[a->stem], truths[b->stem]);
    say_text(&line, "spelling", truths[a->spelling], truths[b->spelling]);
    say_number(&line, "broad_window", a->broad_window, b->broad_window, 0);
    say_text(&line, "timezone", a->timezone, b->timezone);
    say_text(&line, "unique", am_view_of(am_model_unique_name((enum am_model_unique)a->unique)),
             am_view_of(am_model_unique_name((enum am_model_unique)b->unique)));
    say_curve(&line, &a->delivery, &b->delivery);
    for (size_t i = 0; i < AM_COUNT_OF(weights); i++)
        say_number(&line, weights[i].name, a->match_weight[weights[i].type],
                   b->match_weight[weights[i].type], 3);
    if (line.begun)
        putchar('\n');
}

static void say_whole(char sign, const char *kind, struct am_view id, uint64_t *count) {
    printf("%c %s %.*s\n", sign, kind, AM_VIEW_ARGUMENTS(id));
    ++*count;
}

static uint64_t keywords_of(const struct am_inventory_ad *ad) {
    return (uint64_t)ad->keyword_count + ad->rules.negative_count;
}

/* Numbers the ids of one inventory in order. False when memory runs out. */
static bool
number_ids(struct am_cli_interner *ids, const void *records, size_t size, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const struct am_view *id = (const void *)((const char *)records + i * size);
        if (am_cli_interner_number(ids, *id) != i)
            return false;
    }
    return true;
}
_Static_assert(offsetof(struct am_inventory_ad, id) == 0, "as number_ids takes it");
_Static_assert(offsetof(struct am_inventory_campaign, id) == 0, "as number_ids takes it");
_Static_assert(offsetof(struct am_inventory_advertiser, id) == 0, "as number_ids takes it");

static bool print_campaigns(const struct am_inventory *before,
                            const struct am_inventory *after,
                            struct am_cli_interner *ids,
                            struct am_cli_changes *changes) {
    uint32_t count = after->campaign_count;
    bool *met = calloc((size_t)count + 1, sizeof *met);
    bool fine = met && number_ids(ids, after->campaigns, sizeof *after->campaigns, count);
    for (uint32_t i = 0; fine && i < before->campaign_count; i++) {
        const struct am_inventory_campaign *campaign = &before->campaigns[i];
        uint32_t number = am_cli_interner_number(ids, campaign->id);
        fine = number != UINT32_MAX;
        if (fine && number < count) {
            met[number] = true;
            fine = compare_campaigns(campaign, &after->campaigns[number], changes);
        } else if (fine) {
            say_whole('-', "campaign", campaign->id, &changes->campaigns.removed);
            changes->keywords.removed += campaign->rules.negative_count;
        }
    }
    for (uint32_t i = 0; fine && i < count; i++)
        if (!met[i]) {
            say_whole('+', "campaign", after->campaigns[i].id, &changes->campaigns.added);
            changes->keywords.added += after->campaigns[i].rules.negative_count;
        }
    free(met);
    return fine;
}

static void compare_advertisers(const struct am_inventory_advertiser *a,
                                const struct am_inventory_advertiser *b,
                                struct am_cli_changes *changes) {
    struct line line = {"advertiser", a->id, false};
    say_text(&line, "timezone", a->timezone, b->timezone);
    say_delivery(&line, &a->delivery, &b->delivery);
    end(&line, &changes->advertisers);
}

static bool print_advertisers(const struct am_inventory *before,
                              const struct am_inventory *after,
                              struct am_cli_interner *ids,
                              struct am_cli_changes *changes) {
    uint32_t count = after->advertiser_count;
    bool *met = calloc((size_t)count + 1, sizeof *met);
    bool fine = met && number_ids(ids, after->advertisers, sizeof *after->advertisers, count);
    for (uint32_t i = 0; fine && i < before->advertiser_count; i++) {
        const struct am_inventory_advertiser *advertiser = &before->advertisers[i];
        uint32_t number = am_cli_interner_number(ids, advertiser->id);
        fine = number != UINT32_MAX;
        if (fine && number < count) {
            met[number] = true;
            compare_advertisers(advertiser, &after->advertisers[number], changes);
        } else if (fine) {
            say_whole('-', "advertiser", advertiser->id, &changes->advertisers.removed);
        }
    }
    for (uint32_t i = 0; fine && i < count; i++)
        if (!met[i])
            say_whole('+', "advertiser", after->advertisers[i].id, &changes->advertisers.added);
    free(met);
    return fine;
}

static bool print_ads(const struct am_inventory *before,
                      const struct am_inventory *after,
                      struct am_cli_interner *ids,
                      struct am_cli_changes *changes) {
    uint32_t count = after->ad_count;
    bool *met = calloc((size_t)count + 1, sizeof *met);
    bool fine = met && number_ids(ids, after->ads, sizeof *after->ads, count);
    for (uint32_t i = 0; fine && i < before->ad_count; i++) {
        const struct am_inventory_ad *ad = &before->ads[i];
        uint32_t number = am_cli_interner_number(ids, ad->id);
        fine = number != UINT32_MAX;
        if (fine && number < count) {
            met[number] = true;
            fine = compare_ads(before, ad, after, &after->ads[number], changes);
        } else if (fine) {
            say_whole('-', "ad", ad->id, &changes->ads.removed);
            changes->keywords.removed += keywords_of(ad);
        }
    }
    for (uint32_t i = 0; fine && i < count; i++)
        if (!met[i]) {
            say_whole('+', "ad", after->ads[i].id, &changes->ads.added);
            changes->keywords.added += keywords_of(&after->ads[i]);
        }
    free(met);
    return fine;
}

enum am_code am_cli_changes_print(const struct am_inventory *before,
                                  const struct am_inventory *after,
                                  struct am_cli_changes *changes,
                                  struct am_error *error) {
    struct am_cli_interner advertisers = {.arena = AM_ARENA_EMPTY};
    struct am_cli_interner campaigns = {.arena = AM_ARENA_EMPTY}, ads = {.arena = AM_ARENA_EMPTY};
    *changes = (struct am_cli_changes){0};
    compare_settings(before, after);
    bool fine = print_advertisers(before, after, &advertisers, changes) &&
                print_campaigns(before, after, &campaigns, changes) &&
                print_ads(before, after, &ads, changes);
    am_cli_interner_free(&advertisers);
    am_cli_interner_free(&campaigns);
    am_cli_interner_free(&ads);
    return fine ? AM_OK : am_error_set(error, AM_E_MEMORY, "not enough memory to compare");
}
