/* SPDX-License-Identifier: Apache-2.0 */
/* The hash tables of an image: searches in them are short, also where many hashes lie together; and
 * where too many do, the build says so. */
#include "engine.h"

#include "../../plugin/index/terms.h"
#include "../../plugin/index/vocabulary.h"

/* An inventory's lines, put together piece by piece. */
struct lines {
    char *text;
    size_t size, capacity;
};

static void add(struct lines *lines, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct lines *lines, const char *format, ...) {
    va_list arguments;
    if (lines->capacity - lines->size < 1024) {
        lines->capacity = 2 * lines->capacity + 4096;
        lines->text = realloc(lines->text, lines->capacity);
        assert_non_null(lines->text);
    }
    va_start(arguments, format);
    lines->size += (size_t)vsnprintf(lines->text + lines->size, 1024, format, arguments);
    va_end(arguments);
}

static enum am_code
build(const struct lines *lines, struct am_image_bytes *bytes, struct am_error *error) {
    struct am_inventory *inventory = NULL;
    struct am_inventory_report report = {0};
    struct am_inventory_load_options options = {0};
    if (am_inventory_load_memory((struct am_view){lines->text, lines->size}, "test", &options,
                                 &inventory, &report, error) != AM_OK)
        fail_msg("load: %s", error->message);
    enum am_code code = am_build_image(inventory, NULL, false, bytes, error);
    am_inventory_free(inventory);
    am_inventory_report_free(&report);
    return code;
}

static struct am_image *open_verified(const struct am_image_bytes *bytes) {
    struct am_error error;
    struct am_image *image = NULL;
    if (am_image_open_memory(bytes->data, bytes->size, "test", &image, &error) != AM_OK ||
        am_image_verify(image, &error) != AM_OK)
        fail_msg("%s", error.message);
    return image;
}

/* Whether a hash is in the first `share` of all, of 2^64. */
static bool is_in(uint64_t hash, double share) {
    return (double)hash < share * 18446744073709551616.0;
}

/* Adds records that put `items` items into the table, with hashes in the first `share` of all. */
typedef void add_items(struct lines *lines, uint32_t items, double share);

struct table {
    const char *name;
    add_items *add;
    uint64_t (*buckets)(const struct am_image *image);
    uint32_t items;
    double crowded;      /* a share with which searches are too long until the table has grown */
    double overcrowded;  /* and one with which they always are */
    uint32_t together;   /* items of that share whose searches are too long only together */
    const char *message; /* begins so */
};

/* ---- words ------------------------------------------------------------------------------------
 */

static void add_words(struct lines *lines, uint32_t items, double share) {
    add(lines, "{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[");
    for (uint32_t n = 0, found = 0; found < items; n++) {
        char text[AM_WORD_MAX_BYTES + AM_WORD_PADDING] = {0};
        snprintf(text, sizeof text, "w%u", n);
        struct am_image_word_key key = am_image_word_key(text, (uint32_t)strlen(text));
        if (is_in(am_image_word_key_hash(key), share))
            add(lines, "%s\"\\\"%s\\\"\"", found++ ? "," : "", text);
    }
    add(lines, "]}\n");
}

static uint64_t vocabulary_buckets(const struct am_image *image) {
    return image->vocabulary_buckets;
}

/* ---- edges ------------------------------------------------------------------------------------
 *
 * Keywords of one word each, exact ones and phrases. The last word to appear has number 0; there
 * are as many terminals as words, and no other node; so the edge of an exact keyword, which leaves
 * the node 3 x words by its word, is known beforehand. */

enum { KEYWORDS_A_LINE = 10000 };

static bool is_edge(uint32_t word, uint32_t words, double share) {
    uint32_t hash = am_image_edge_hash(am_image_edge_key(3 * words, word));
    return is_in((uint64_t)hash << 32, share);
}

static void add_edges(struct lines *lines, uint32_t items, double share) {
    uint32_t words = (uint32_t)(1.5 * items / share), found = 0;
    for (uint32_t n = 0; n < words; n++) {
        bool exact = found < items && is_edge(words - 1 - n, words, share);
        if (n % KEYWORDS_A_LINE == 0)
            add(lines, "%s{\"id\":\"%u\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[",
                n ? "]}\n" : "", n);
        add(lines, exact ? "%s\"[w%u]\"" : "%s\"\\\"w%u\\\"\"", n % KEYWORDS_A_LINE ? "," : "", n);
        found += exact;
    }
    add(lines, "]}\n");
    assert_int_equal(found, items);
}

static uint64_t edge_buckets(const struct am_image *image) {
    return image->edge_buckets;
}

/* ---- terms ------------------------------------------------------------------------------------
 */

static void add_terms(struct lines *lines, uint32_t items, double share) {
    add(lines, "{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"*\"],\"labels\":[");
    for (uint32_t n = 0, found = 0; found < items; n++) {
        char text[16];
        snprintf(text, sizeof text, "l%u", n);
        if (is_in(am_image_term_hash(AM_TERM_LABEL, AM_NONE, am_view_of(text)), share))
            add(lines, "%s\"%s\"", found++ ? "," : "", text);
    }
    add(lines, "]}\n");
}

static uint64_t term_slots(const struct am_image *image) {
    return image->term_slots;
}

/* ---- all of them ------------------------------------------------------------------------------
 */

static const struct table tables[] = {
    {"vocabulary", add_words, vocabulary_buckets, 200, 1.0 / 3, 1.0 / 400, 120,
     "too many words with"},
    {"edges", add_edges, edge_buckets, 330, 1.0 / 3, 1.0 / 400, 200,
     "too many words in keywords with"},
    {"term table", add_terms, term_slots, 100, 1.0 / 5, 1.0 / 1200, 60,
     "too many names and targeting values with"},
};

static uint64_t buckets_with(const struct table *table, double share) {
    struct lines lines = {NULL, 0, 0};
    struct am_image_bytes bytes = {0};
    struct am_error error;
    table->add(&lines, table->items, share);
    if (build(&lines, &bytes, &error) != AM_OK)
        fail_msg("build: %s", error.message);
    struct am_image *image = open_verified(&bytes);
    uint64_t buckets = table->buckets(image);
    am_image_close(image);
    am_image_bytes_free(&bytes);
    free(lines.text);
    return buckets;
}

static void grows_where_it_is_crowded(void **state) {
    const struct table *table = *state;
    uint64_t usual = buckets_with(table, 1), crowded = buckets_with(table, table->crowded);
    assert_true(crowded > usual);
    assert_true(crowded <= 4 * usual);
}

static void assert_refused(const struct table *table, uint32_t items) {
    struct lines lines = {NULL, 0, 0};
    struct am_image_bytes bytes = {0};
    struct am_error error = {0};
    table->add(&lines, items, table->overcrowded);
    assert_int_equal(build(&lines, &bytes, &error), AM_E_LIMIT);
    if (strncmp(error.message, table->message, strlen(table->message)) != 0 ||
        !strstr(error.message, "\" among them"))
        fail_msg("%s: \"%s\"", table->name, error.message);
    free(lines.text);
}

static void does_not_grow_without_end(void **state) {
    const struct table *table = *state;
    assert_refused(table, table->items);
}

static void bounds_all_searches_together(void **state) {
    const struct table *table = *state;
    assert_refused(table, table->together);
}

int main(void) {
    enum { TABLES = AM_COUNT_OF(tables) };
    static const CMUnitTestFunction functions[] = {
        grows_where_it_is_crowded, does_not_grow_without_end, bounds_all_searches_together};
    enum { FUNCTIONS = AM_COUNT_OF(functions) };
    struct CMUnitTest tests[FUNCTIONS * TABLES];
    for (size_t i = 0; i < AM_COUNT_OF(tests); i++) {
        const struct table *table = &tables[i / FUNCTIONS];
        tests[i] = (struct CMUnitTest){.name = table->name,
                                       .test_func = functions[i % FUNCTIONS],
                                       .initial_state = (void *)(uintptr_t)table};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
