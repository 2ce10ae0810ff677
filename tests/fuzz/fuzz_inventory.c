/* SPDX-License-Identifier: Apache-2.0 */
/* Inventory files, plain or gzip: load, build, open, verify, decide. The first byte of the input
 * chooses whether bad records are skipped. */
#include "../../plugin/match/matcher.h"
#include "image_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_report(const struct am_inventory_report *report, enum am_code code) {
    for (uint32_t i = 0; i < report->problem_count; i++) {
        fuzz_require(report->problems[i].text[0] != '\0');
        fuzz_require(report->problems[i].line <= report->lines + 1 || code != AM_OK);
    }
}

/* Enough words for the loops that are only worth while with many. */
static const char many_words[] = "a b c d e f running a c e caf\xC3\xA9 b d f a a b b c c d d e e "
                                 "f f shoes a f b e c d a b d e f a";

struct finding {
    uint32_t terminals[1 << 12], positions[1 << 12];
    uint32_t count, smallest;
};

static void
find(struct am_matcher *matcher, const struct am_search_kernel *kernel, struct finding *found) {
    struct am_match_field field = {AM_FIELD_TEXT, 0, am_view_of(many_words)};
    const struct am_match_request request = {.fields = &field, .field_count = 1};
    am_matcher_set_kernel(matcher, kernel);
    am_match_work_start(&matcher->work);
    fuzz_require(am_match_words_read(&matcher->words, &request, NULL) == AM_OK);
    am_search(&matcher->search, &request, AM_TIER_ALL);
    const struct am_search_hits *hits = &matcher->search.hits;
    fuzz_require(hits->count <= AM_COUNT_OF(found->terminals));
    memcpy(found->terminals, hits->terminals, hits->count * sizeof(uint32_t));
    memcpy(found->positions, hits->positions, hits->count * sizeof(uint32_t));
    found->count = hits->count;
    found->smallest = kernel->find_smallest(hits, 1, matcher->image->settings->terminal_end);
}

/* Every search kernel finds the same. */
static void compare_kernels(struct am_matcher *matcher) {
    static struct finding portable, other;
    find(matcher, &am_search_portable, &portable);
    for (int name = 0; name < AM_SEARCH_KERNELS; name++) {
        const struct am_search_kernel *kernel = am_search_kernel((enum am_search_kernel_name)name);
        if (!kernel)
            continue;
        find(matcher, kernel, &other);
        size_t size = other.count * sizeof(uint32_t);
        fuzz_require(other.count == portable.count && other.smallest == portable.smallest);
        fuzz_require(memcmp(other.terminals, portable.terminals, size) == 0);
        fuzz_require(memcmp(other.positions, portable.positions, size) == 0);
    }
}

/* The top tier decides as all keywords do, which explained decisions are made among. */
static void compare_tiers(struct am_matcher *matcher) {
    struct am_match_field field = {AM_FIELD_TEXT, 0, am_view_of(many_words)};
    struct am_match_slot slot = {.count = 2};
    struct am_match_request request = {.id = AM_VIEW("r"),
                                       .fields = &field,
                                       .field_count = 1,
                                       .slots = &slot,
                                       .slot_count = 1,
                                       .unique = AM_UNIQUE_AD};
    struct am_match_decision decision;
    struct am_match_winner plain[2] = {{.ad = AM_NONE}, {.ad = AM_NONE}};
    fuzz_require(am_match_decide(matcher, &request, &decision, NULL) == AM_OK);
    uint32_t count = decision.ad_count;
    memcpy(plain, decision.ads, count * sizeof *plain);
    request.explain = true;
    fuzz_require(am_match_decide(matcher, &request, &decision, NULL) == AM_OK);
    fuzz_require(decision.ad_count == count);
    for (uint32_t i = 0; i < count; i++)
        fuzz_require(plain[i].ad == decision.ads[i].ad &&
                     plain[i].keyword == decision.ads[i].keyword &&
                     plain[i].span_count == decision.ads[i].span_count);
}

static void compare_searches(const struct am_image *image) {
    static const struct am_matcher_limits limits = {1 << 12, 100, 0};
    static struct am_matcher *matcher;
    if (!matcher)
        matcher = am_matcher_new(&limits, NULL);
    fuzz_require(matcher != NULL);
    if (am_matcher_attach(matcher, image, NULL) != AM_OK)
        return;
    am_matcher_set_kernel(matcher, am_search_kernel_best());
    compare_tiers(matcher);
    compare_kernels(matcher);
}

static const struct am_timezones *fuzz_all_zones(void) {
    static struct am_timezones *zones;
    if (!zones)
        zones = am_timezones_load(NULL, NULL);
    fuzz_require(zones != NULL);
    return zones;
}

/* What the builder makes must pass its own check. */
static void use_inventory(const struct am_inventory *inventory, const struct am_timezones *zones) {
    struct am_image_bytes bytes = {0};
    struct am_image *image = NULL;
    struct am_error error = {0};
    enum am_code code = am_build_image(inventory, zones, false, &bytes, &error);
    if (code == AM_E_INVALID && !zones) /* without zones, any name is taken, and none is known */
        return;
    if (code != AM_OK) {
        fprintf(stderr, "%s\n", error.message);
        abort();
    }
    if (am_image_open_memory(bytes.data, bytes.size, "test", &image, &error) != AM_OK ||
        am_image_verify(image, &error) != AM_OK) {
        fprintf(stderr, "%s\n", error.message);
        abort();
    }
    fuzz_use_image(image);
    compare_searches(image);
    am_image_close(image);
    am_image_bytes_free(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    const struct am_inventory_load_options options = {
        .skip_bad_records = data[0] & 1, .zones = data[0] & 2 ? fuzz_all_zones() : NULL};
    struct am_view text = {(const char *)data + 1, size - 1};
    struct am_inventory *inventory = NULL;
    struct am_inventory_report report = {0};
    struct am_error error = {0};
    enum am_code code =
        am_inventory_load_memory(text, "fuzz", &options, &inventory, &report, &error);
    check_report(&report, code);
    if (code == AM_OK)
        use_inventory(inventory, options.zones);
    else
        fuzz_require(error.message[0] != '\0' && inventory == NULL);
    am_inventory_free(inventory);
    am_inventory_report_free(&report);
    return 0;
}
