/* SPDX-License-Identifier: Apache-2.0 */
/* Where the climbs begin, how they go on, and what was found, in words. */
#include "cost.h"

static void put(struct am_buffer *out, const char *text) {
    am_buffer_view_append(out, am_view_of(text));
}

/* ---- mutations -------------------------------------------------------------------------------
 */

static uint32_t scale(uint32_t value, uint32_t most, uint64_t *random) {
    static const uint32_t eighths[] = {1, 4, 7, 9, 16, 64};
    uint64_t scaled = (uint64_t)value * eighths[cost_random(random, AM_COUNT_OF(eighths))] / 8;
    if (cost_random(random, 8) == 0)
        scaled = most;
    return scaled < 1 ? 1 : scaled > most ? most : (uint32_t)scaled;
}

static void mutate_text(struct cost_text *text, uint64_t *random) {
    switch (cost_random(random, 4)) {
    case 0:
        text->pattern = (enum cost_pattern)cost_random(random, COST_PATTERNS);
        break;
    case 1:
        text->bytes = scale(text->bytes ? text->bytes : 4096, 1 << 20, random);
        break;
    case 2:
        text->words = scale(text->words ? text->words : 512, 1 << 20, random);
        break;
    default:
        text->variety = scale(text->variety ? text->variety : 8, 20000, random);
    }
    if (text->words == 0)
        *text = (struct cost_text){text->pattern, 1 << 19, 10000, 20};
}

static void mutate_counts(struct cost_request *request, uint64_t *random) {
    struct {
        uint32_t *count, most;
    } counts[] = {
        {&request->keywords, 252}, {&request->slots, 64},        {&request->count, 256},
        {&request->sizes, 32},     {&request->categories, 2000}, {&request->domains, 4000},
        {&request->seats, 256},    {&request->values, 1000},     {&request->keys, 1000}};
    uint32_t which = cost_random(random, AM_COUNT_OF(counts));
    *counts[which].count =
        cost_random(random, 4)
            ? scale(*counts[which].count ? *counts[which].count : 4, counts[which].most, random)
            : 0;
    while (request->slots * request->count > 256)
        request->count /= 2;
}

static void mutate_switch(struct cost_request *request, uint64_t *random) {
    bool *const switches[] = {&request->gzip,
                              &request->windows_1252,
                              &request->html,
                              &request->explain,
                              &request->high_floor,
                              &request->secure,
                              &request->ends_in_keywords,
                              &request->long_keys};
    bool *turned = switches[cost_random(random, AM_COUNT_OF(switches))];
    *turned = !*turned;
}

static void mutate_once(struct cost_request *request, uint64_t *random) {
    switch (cost_random(random, 8)) {
    case 0:
        request->kind = (enum cost_kind)cost_random(random, COST_KINDS);
        break;
    case 1:
        request->unique = cost_random(random, 4);
        break;
    case 2:
        request->seed = cost_mix(*random);
        break;
    case 3:
        mutate_switch(request, random);
        break;
    case 4:
    case 5:
        mutate_counts(request, random);
        break;
    default:
        mutate_text(&request->texts[cost_random(random, COST_FIELDS)], random);
    }
}

void cost_request_mutate(struct cost_request *request, uint64_t *random) {
    uint32_t times = 1 + cost_random(random, 3);
    for (uint32_t i = 0; i < times; i++)
        mutate_once(request, random);
}

/* ---- in words --------------------------------------------------------------------------------
 */

static const char *const pattern_names[COST_PATTERNS] = {
    "nothing",   "cycle",      "drawn",        "distinct", "misspelt", "letter",
    "ligatures", "fractions",  "cyrillic",     "thai",     "hangul",   "marks",
    "markup",    "references", "superscripts", "script",   "percent"};

static void describe_texts(const struct cost_request *request, struct am_buffer *out) {
    static const char *const names[COST_FIELDS] = {"query", "keywords", "title", "text", "url"};
    for (uint32_t i = 0; i < COST_FIELDS; i++) {
        const struct cost_text *text = &request->texts[i];
        bool alone = request->kind == COST_TEXT || request->kind == COST_HTML;
        if (text->pattern == COST_NOTHING || (alone && i != COST_CONTENT))
            continue;
        put(out, " ");
        put(out, i == COST_CONTENT && request->html ? "html" : names[i]);
        put(out, "=");
        put(out, pattern_names[text->pattern]);
        put(out, "/");
        am_buffer_unsigned(out, text->variety);
    }
}

void cost_request_describe(const struct cost_request *request, char *text, size_t size) {
    static const char *const kinds[COST_KINDS] = {"json", "text", "html", "GET", "bids", "preview"};
    const struct {
        const char *name;
        uint32_t value;
    } parts[] = {{"slots", request->slots},
                 {"count", request->count},
                 {"sizes", request->sizes},
                 {"keyword items", request->keywords},
                 {"blocked categories", request->categories},
                 {"blocked domains", request->domains},
                 {"seats", request->kind == COST_BIDS ? request->seats : 0},
                 {"values", request->values},
                 {"keys", request->keys},
                 {"explain", request->explain},
                 {"unreachable floors", request->high_floor},
                 {"gzip", request->gzip},
                 {"ends in references", request->ends_in_keywords},
                 {"long keys", request->long_keys && request->keys}};
    struct am_buffer out = am_buffer_over(text, size - 1);
    put(&out, kinds[request->kind]);
    describe_texts(request, &out);
    for (size_t i = 0; i < AM_COUNT_OF(parts); i++) {
        if (parts[i].value == 0)
            continue;
        put(&out, ", ");
        if (parts[i].value > 1) {
            am_buffer_unsigned(&out, parts[i].value);
            put(&out, " ");
        }
        put(&out, parts[i].name);
    }
    put(&out, ", unique ");
    put(&out, cost_unique_names[request->unique % 4]);
    text[out.size] = '\0';
}

/* ---- where the climbs begin -------------------------------------------------------------------
 */

enum { ALL = 1 << 20, MANY = 100000 };
#define TEXT(pattern, bytes, words, variety)                                                       \
    { pattern, bytes, words, variety }
#define ONLY_CONTENT(...) .texts = {[COST_CONTENT] = TEXT(__VA_ARGS__)}

const char *const cost_known_inventories[COST_KNOWN] = {"stars", "generator", "generator-64",
                                                        "subsets", "subsets"};

const struct cost_request cost_seeds[] = {
    /* The five by which the bound of work was asked for. */
    {.kind = COST_JSON, .explain = true, .slots = 64, .count = 4},
    {.kind = COST_BIDS,
     .slots = 1,
     .count = 1,
     .seats = 1,
     ONLY_CONTENT(COST_DRAWN, 379000, MANY, 158)},
    {.kind = COST_JSON,
     .explain = true,
     .high_floor = true,
     .slots = 1,
     .count = 1,
     ONLY_CONTENT(COST_DRAWN, 379000, MANY, 158)},
    {.kind = COST_JSON, .slots = 1, .count = 1, ONLY_CONTENT(COST_CYCLE, 6600, MANY, 20)},
    {.kind = COST_BIDS,
     .slots = 1,
     .count = 1,
     .seats = 1,
     ONLY_CONTENT(COST_CYCLE, 6400, MANY, 20)},

    {.kind = COST_JSON,
     .slots = 64,
     .count = 4,
     .unique = 3,
     .ends_in_keywords = true,
     ONLY_CONTENT(COST_THAI, ALL - 70000, 20000, 1)},
    {.kind = COST_JSON,
     .slots = 64,
     .count = 4,
     .unique = 3,
     .ends_in_keywords = true,
     ONLY_CONTENT(COST_DRAWN, ALL - 70000, MANY, 20000)},
    {.kind = COST_JSON,
     .slots = 1,
     .count = 256,
     .unique = 3,
     .explain = true,
     ONLY_CONTENT(COST_DRAWN, ALL - 70000, MANY, 20000)},
    {.kind = COST_TEXT, ONLY_CONTENT(COST_DISTINCT, ALL, MANY - 300, 1)},
    {.kind = COST_TEXT,
     .texts =
         {[COST_TITLE] = {.variety = 1}, [COST_CONTENT] = TEXT(COST_DISTINCT, ALL, MANY - 300, 1)}},
    {.kind = COST_JSON,
     .slots = 1,
     .count = 1,
     .texts = {[COST_QUERY] = TEXT(COST_MISSPELT, ALL - 9999, 50000, 1)}},
    {.kind = COST_JSON, .explain = true, .slots = 64, .count = 4, .sizes = 32, .unique = 3},
    {.kind = COST_JSON, .explain = true, .slots = 64, .count = 4, .categories = 1000, .unique = 3},
    {.kind = COST_JSON, .explain = true, .slots = 1, .count = 1, .values = 1000, .unique = 3},
    {.kind = COST_JSON, .slots = 1, .count = 1, .keys = 1000, .long_keys = true},
    {.kind = COST_JSON, .slots = 1, .count = 1, .keys = 32, .long_keys = true},
    {.kind = COST_JSON, .slots = 64, .count = 4, .unique = 3},
    {.kind = COST_BIDS, .slots = 64, .count = 1, .unique = 3, .secure = true},
    {.kind = COST_PREVIEW,
     .slots = 64,
     .count = 4,
     .unique = 3,
     .texts = {[COST_QUERY] = TEXT(COST_DRAWN, 400, 100, 20)}},
    {.kind = COST_TEXT, ONLY_CONTENT(COST_LETTER, 200000, MANY - 300, 1)},
    {.kind = COST_TEXT, ONLY_CONTENT(COST_LIGATURES, ALL, 24900, 0)},
    {.kind = COST_TEXT, ONLY_CONTENT(COST_FRACTIONS, ALL, 49900, 0)},
    {.kind = COST_TEXT, ONLY_CONTENT(COST_CYRILLIC, ALL, MANY - 300, 0)},
    {.kind = COST_TEXT, ONLY_CONTENT(COST_HANGUL, ALL, MANY - 300, 0)},
    {.kind = COST_TEXT, ONLY_CONTENT(COST_MARKS, ALL, ALL, 0)},
    {.kind = COST_HTML, ONLY_CONTENT(COST_MARKUP, ALL, ALL, 0)},
    {.kind = COST_HTML, ONLY_CONTENT(COST_REFERENCES, ALL, ALL, 4)},
    {.kind = COST_HTML, ONLY_CONTENT(COST_SUPERSCRIPTS, ALL, ALL, 0)},
    {.kind = COST_HTML, ONLY_CONTENT(COST_SCRIPT, ALL, ALL, 0)},
    {.kind = COST_JSON,
     .slots = 64,
     .count = 4,
     .unique = 3,
     .explain = true,
     .texts = {[COST_TITLE] = TEXT(COST_HANGUL, 700000, MANY / 2, 0),
               [COST_CONTENT] = TEXT(COST_DRAWN, 340000, MANY / 2, 20000)}},
    {.kind = COST_JSON,
     .slots = 64,
     .count = 4,
     .unique = 3,
     .explain = true,
     .texts = {[COST_TITLE] = TEXT(COST_CYRILLIC, 700000, MANY / 2, 0),
               [COST_CONTENT] = TEXT(COST_DRAWN, 340000, MANY / 2, 158)}},
    {.kind = COST_TEXT, .windows_1252 = true, ONLY_CONTENT(COST_CYRILLIC, ALL, ALL, 0)},
    {.kind = COST_JSON,
     .slots = 1,
     .count = 256,
     .unique = 3,
     .keywords = 252,
     .texts = {[COST_KEYWORDS] = TEXT(COST_DRAWN, 3000, 390, 200)}},
    {.kind = COST_QUERY_STRING, .texts = {[COST_URL] = TEXT(COST_PERCENT, 400000, MANY, 1)}},
};
const size_t cost_seed_count = AM_COUNT_OF(cost_seeds);
