/* SPDX-License-Identifier: Apache-2.0 */
/* The search kernels against one another: every kernel of this machine finds the very same, in the
 * same order, in random texts with random keywords. Seeds are fixed; a failure names its own. */
#include "../../plugin/match/matcher.h"
#include "engine.h"
#include "random_text.h"

enum { KEYWORDS = 4000, TEXT_BYTES = 64 << 10, INVENTORIES = 4, TEXTS = 60 };

/* Keywords of all match types, of one word to six, out of `words` words. */
static char *random_inventory(uint32_t words) {
    static const char *const quotes[][2] = {{"[", "]"}, {"\\\"", "\\\""}, {"", ""}};
    char *lines = malloc((size_t)KEYWORDS * 400);
    size_t at = 0;
    assert_non_null(lines);
    for (uint32_t i = 0; i < KEYWORDS; i++) {
        const char *const *quote = quotes[below(3)];
        at += (size_t)sprintf(lines + at,
                              "{\"id\":\"a%u\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"%s",
                              i, quote[0]);
        at += put_words(lines + at, 1 + below(6), words);
        at += (size_t)sprintf(lines + at, "%s\"]}\n", quote[1]);
    }
    return lines;
}

struct finding {
    struct am_search_hits hits;
    uint32_t *paths;
    uint32_t path_count;
};

static void *copy_of(const void *items, size_t size) {
    void *copy = malloc(size + 1);
    assert_non_null(copy);
    return memcpy(copy, items, size);
}

static struct finding find(struct engine *engine,
                           const struct am_search_kernel *kernel,
                           const struct am_match_request *request) {
    struct am_matcher *matcher = engine->matcher;
    struct am_error error;
    am_matcher_set_kernel(matcher, kernel);
    am_match_work_start(&matcher->work);
    assert_int_equal(am_match_words_read(&matcher->words, request, &error), AM_OK);
    am_search(&matcher->search, request, AM_TIER_ALL);
    const struct am_search_hits *hits = &matcher->search.hits;
    return (struct finding){
        {copy_of(hits->terminals, hits->count * sizeof(uint32_t)),
         copy_of(hits->positions, hits->count * sizeof(uint32_t)), hits->count},
        copy_of(matcher->search.paths, matcher->search.path_count * sizeof(uint32_t)),
        matcher->search.path_count};
}

static bool is_same(const struct finding *a, const struct finding *b) {
    size_t hits = a->hits.count * sizeof(uint32_t), paths = a->path_count * sizeof(uint32_t);
    return a->hits.count == b->hits.count && a->path_count == b->path_count &&
           memcmp(a->hits.terminals, b->hits.terminals, hits) == 0 &&
           memcmp(a->hits.positions, b->hits.positions, hits) == 0 &&
           memcmp(a->paths, b->paths, paths) == 0;
}

static void free_finding(struct finding *finding) {
    free(finding->hits.terminals);
    free(finding->hits.positions);
    free(finding->paths);
}

static void
compare_kernels(struct engine *engine, const struct am_match_request *request, uint64_t start) {
    struct finding expected = find(engine, &am_search_portable, request);
    for (int name = 0; name < AM_SEARCH_KERNELS; name++) {
        const struct am_search_kernel *kernel = am_search_kernel((enum am_search_kernel_name)name);
        if (!kernel)
            continue;
        struct finding found = find(engine, kernel, request);
        if (!is_same(&found, &expected))
            fail_msg("kernel %d differs from the portable one, seed %llu", name,
                     (unsigned long long)start);
        free_finding(&found);
    }
    free_finding(&expected);
}

/* One to three fields of up to some thousand words, some of them unknown, one of them too long. */
static size_t compare_in_random_text(struct engine *engine, uint32_t words) {
    static char text[TEXT_BYTES];
    struct am_match_field fields[3];
    struct am_match_request request = {.fields = fields, .field_count = 1 + below(3)};
    uint64_t start = seed;
    size_t at = 0;
    for (uint32_t field = 0; field < request.field_count; field++) {
        size_t size = put_words(text + at, 1 + below(below(5) ? 30 : 700), words + words / 3);
        fields[field] = (struct am_match_field){AM_FIELD_TEXT, 0, {text + at, size}};
        at += size;
    }
    compare_kernels(engine, &request, start);
    return engine->matcher->search.hits.count;
}

static void every_kernel_finds_the_same(void **state) {
    (void)state;
    static const uint32_t vocabularies[INVENTORIES] = {3, 40, 400, 4000};
    for (int i = 0; i < INVENTORIES; i++) {
        struct engine engine;
        size_t hits = 0;
        seed = UINT64_C(0x9E3779B97F4A7C15) + (uint64_t)i;
        char *lines = random_inventory(vocabularies[i]);
        engine_start(&engine, lines);
        for (int text = 0; text < TEXTS; text++)
            hits += compare_in_random_text(&engine, vocabularies[i]);
        assert_true(hits > TEXTS);
        engine_stop(&engine);
        free(lines);
    }
}

static void the_best_kernel_is_one_that_this_machine_has(void **state) {
    (void)state;
    assert_non_null(am_search_kernel(AM_SEARCH_PORTABLE));
    assert_null(am_search_kernel(AM_SEARCH_KERNELS));
    bool known = false;
    for (int name = 0; name < AM_SEARCH_KERNELS; name++)
        known |= am_search_kernel_best() == am_search_kernel((enum am_search_kernel_name)name);
    assert_true(known);
}

/* As the name says; of equal ones the first. */
static uint32_t smallest_by_hand(const struct am_search_hits *hits, uint32_t first, uint32_t end) {
    uint32_t best = hits->count;
    for (uint32_t i = 0; i < hits->count; i++)
        if (hits->terminals[i] >= first && hits->terminals[i] < end &&
            (best == hits->count || hits->terminals[i] < hits->terminals[best]))
            best = i;
    return best;
}

static void every_kernel_finds_the_smallest_terminal(void **state) {
    (void)state;
    static uint32_t terminals[100];
    seed = 7;
    for (int round = 0; round < 20000; round++) {
        struct am_search_hits hits = {.terminals = terminals, .count = below(100)};
        uint32_t most = 1 + below(below(2) ? 20 : 1000);
        uint32_t first = below(most + 1), end = first + below(most + 1 - first);
        for (uint32_t i = 0; i < hits.count; i++)
            terminals[i] = below(most);
        for (int name = 0; name < AM_SEARCH_KERNELS; name++) {
            const struct am_search_kernel *kernel =
                am_search_kernel((enum am_search_kernel_name)name);
            if (kernel)
                assert_int_equal(kernel->find_smallest(&hits, first, end),
                                 smallest_by_hand(&hits, first, end));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_finds_the_same),
        cmocka_unit_test(every_kernel_finds_the_smallest_terminal),
        cmocka_unit_test(the_best_kernel_is_one_that_this_machine_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
