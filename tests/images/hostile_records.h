/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile images whose postings, ads, strings, lists or trees are large; see hostile.h. */
#ifndef AM_TESTS_IMAGES_HOSTILE_RECORDS_H
#define AM_TESTS_IMAGES_HOSTILE_RECORDS_H

#include "hostile_tables.h"
#include "sample.h"

/* ---- postings ---------------------------------------------------------------------------------
 */

enum { HOSTILE_POSTING_BYTES = sizeof(struct am_image_posting) + sizeof(struct am_image_keyword) };

/* One list of "*", whose keywords have their texts all over the pool. */
static inline struct am_image_bytes hostile_one_list(size_t size) {
    enum { TEXT = 380, PLACE = (4 + TEXT) / 4 }; /* in units of references */
    struct image_writer writer;
    char text[TEXT];
    uint64_t state = 1;
    image_writer_start(&writer);
    uint32_t texts = (uint32_t)(size / 4 / 4 / PLACE);
    uint32_t postings = (uint32_t)(size * 3 / 4 / HOSTILE_POSTING_BYTES);
    memset(text, 'x', sizeof text);
    am_image_string_ref first = image_writer_string(&writer, (struct am_view){text, sizeof text});
    for (uint32_t i = 1; i < texts; i++)
        image_writer_string(&writer, (struct am_view){text, sizeof text});
    uint32_t advertiser = image_writer_term(&writer, AM_TERM_ADVERTISER, AM_NONE, AM_VIEW("a"));
    uint32_t ad = image_writer_ad(&writer, AM_VIEW("ad"), advertiser);
    for (uint32_t i = 0; i < postings; i++) {
        image_writer_posting(&writer, 1, ad, AM_MATCH_ANY, 0,
                             first + PLACE * hostile_below(&state, texts));
        if (i + 1 < postings)
            image_writer_at(&writer, AM_SECTION_POSTINGS, struct am_image_posting, i)->ad_and_last =
                ad;
    }
    struct am_image_settings *settings = &writer.settings;
    settings->first_node = settings->leaf_end = settings->terminal_end = settings->node_end =
        postings;
    settings->negatives_end[1] = settings->negatives_end[2] = postings;
    settings->any_terminal = 0;
    settings->terminal_count = 1;
    settings->keyword_counts[AM_MATCH_ANY] = postings;
    return image_writer_finish(&writer);
}

/* Phrases of two words, each with a list of one posting; their numbers are spread. `hidden`: of so
 * many no edge tells. */
static inline struct am_image_bytes hostile_lists_of_one(size_t size, uint32_t hidden) {
    struct image_writer writer;
    image_writer_start(&writer);
    hostile_words(&writer);
    uint32_t advertiser = image_writer_term(&writer, AM_TERM_ADVERTISER, AM_NONE, AM_VIEW("a"));
    uint32_t ad = image_writer_ad(&writer, AM_VIEW("ad"), advertiser);
    am_image_string_ref text = image_writer_string(&writer, AM_VIEW("two words"));
    uint32_t postings = (uint32_t)(size / (HOSTILE_POSTING_BYTES + 24));
    writer.edge_buckets = postings * 3 / 8; /* 24 bytes an edge */
    for (uint32_t i = 0; i < postings; i++) {
        image_writer_posting(&writer, 1, ad, AM_MATCH_PHRASE, 2, text);
        if (i + hidden < postings)
            image_writer_edge(&writer, FROM_PHRASE, i % HOSTILE_WORDS, i / HOSTILE_WORDS,
                              hostile_scatter(i, postings));
    }
    struct am_image_settings *settings = &writer.settings;
    settings->leaf_end = settings->terminal_end = settings->node_end = postings;
    settings->negatives_end[2] = postings;
    settings->terminal_count = postings;
    settings->longest_phrase = 2;
    settings->keyword_counts[AM_MATCH_PHRASE] = postings;
    return image_writer_finish(&writer);
}

static inline struct am_image_bytes hostile_lists(size_t size) {
    return hostile_lists_of_one(size, 0);
}

static inline struct am_image_bytes hostile_hidden_list(size_t size) {
    return hostile_lists_of_one(size, 1);
}

/* ---- what ads share ---------------------------------------------------------------------------
 */

enum { HOSTILE_AD_BYTES = sizeof(struct am_image_ad) + sizeof(struct am_image_ad_details) };

/* Half of the image, or as long as a list may be, is a list of sizes; the rest are ads that have
 * it. `swapped`: its last two items are. */
static inline struct am_image_bytes hostile_shared_list_of(size_t size, bool swapped) {
    struct image_writer writer;
    size_t half = size / 2 / sizeof(uint32_t);
    uint32_t count = half < AM_LIST_MAX_ITEMS ? (uint32_t)half : AM_LIST_MAX_ITEMS;
    uint32_t *items = malloc(count * sizeof *items);
    image_writer_require(items != NULL);
    for (uint32_t i = 0; i < count; i++)
        items[i] = swapped && i + 2 >= count ? 2 * count - 3 - i : i;
    image_writer_start(&writer);
    image_writer_term(&writer, AM_TERM_ADVERTISER, AM_NONE, AM_VIEW("a"));
    am_image_list_ref list = image_writer_list(&writer, items, count);
    free(items);
    for (uint32_t i = 0; i < (size - count * sizeof(uint32_t)) / (HOSTILE_AD_BYTES + 8); i++) {
        image_writer_ad(&writer, AM_VIEW("ad"), 0);
        image_writer_at(&writer, AM_SECTION_ADS, struct am_image_ad, i)->sizes = list;
    }
    return image_writer_finish(&writer);
}

static inline struct am_image_bytes hostile_shared_list(size_t size) {
    return hostile_shared_list_of(size, false);
}

static inline struct am_image_bytes hostile_shared_list_that_descends(size_t size) {
    return hostile_shared_list_of(size, true);
}

/* Lists of one item each, all over the pool. */
static inline struct am_image_bytes hostile_short_lists(size_t size) {
    struct image_writer writer;
    image_writer_start(&writer);
    image_writer_term(&writer, AM_TERM_ADVERTISER, AM_NONE, AM_VIEW("a"));
    uint32_t lists = (uint32_t)(size / 2 / 8), ads = (uint32_t)(size / 2 / HOSTILE_AD_BYTES);
    for (uint32_t i = 0; i < lists; i++)
        sample_list_of(&writer, 0);
    for (uint32_t i = 0; i < ads; i++) {
        image_writer_ad(&writer, AM_VIEW("an ad"), 0);
        struct am_image_ad *ad = image_writer_at(&writer, AM_SECTION_ADS, struct am_image_ad, i);
        am_image_list_ref *const refs[] = {&ad->sizes, &ad->labels, &ad->exclude_labels,
                                           &ad->categories};
        for (uint32_t k = 0; k < AM_COUNT_OF(refs); k++)
            *refs[k] = 1 + 2 * hostile_scatter(4 * i + k, lists);
    }
    return image_writer_finish(&writer);
}

/* As large as may be, and with as many values as fit, in each ad the same hundred. */
static inline struct am_image_bytes hostile_creatives_of(size_t size, const char *unit) {
    struct image_writer writer;
    char *text = malloc(AM_CREATIVE_MAX_BYTES);
    size_t begin = 6, unit_size = strlen(unit), end = begin;
    image_writer_require(text != NULL);
    memcpy(text, "{\"a\":[", begin);
    for (; end + unit_size + 2 < AM_CREATIVE_MAX_BYTES; end += unit_size)
        memcpy(text + end, unit, unit_size);
    memcpy(text + end - 1, "]}", 2); /* instead of the last comma */
    image_writer_start(&writer);
    image_writer_term(&writer, AM_TERM_ADVERTISER, AM_NONE, AM_VIEW("a"));
    for (uint32_t i = 0; i < size / AM_CREATIVE_MAX_BYTES; i++) {
        image_writer_ad(&writer, AM_VIEW("ad"), 0);
        image_writer_at(&writer, AM_SECTION_AD_DETAILS, struct am_image_ad_details, i)->creative =
            image_writer_string(&writer, (struct am_view){text, end + 1});
    }
    free(text);
    return image_writer_finish(&writer);
}

static inline struct am_image_bytes hostile_creatives(size_t size) {
    return hostile_creatives_of(size, "0,");
}

static inline struct am_image_bytes hostile_escaped_creatives(size_t size) {
    return hostile_creatives_of(size, "\"\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\\n\",");
}

/* One creative of the largest size in all ads. */
static inline struct am_image_bytes hostile_shared_creative(size_t size) {
    struct image_writer writer;
    char *text = malloc(AM_CREATIVE_MAX_BYTES);
    image_writer_require(text != NULL);
    memset(text, ' ', AM_CREATIVE_MAX_BYTES);
    text[0] = '{';
    text[AM_CREATIVE_MAX_BYTES - 1] = '}';
    image_writer_start(&writer);
    am_image_string_ref creative =
        image_writer_string(&writer, (struct am_view){text, AM_CREATIVE_MAX_BYTES});
    free(text);
    image_writer_term(&writer, AM_TERM_ADVERTISER, AM_NONE, AM_VIEW("a"));
    for (uint32_t i = 0; i < size / (HOSTILE_AD_BYTES + 8); i++) {
        image_writer_ad(&writer, AM_VIEW("ad"), 0);
        image_writer_at(&writer, AM_SECTION_AD_DETAILS, struct am_image_ad_details, i)->creative =
            creative;
    }
    return image_writer_finish(&writer);
}

static inline struct am_image_bytes
hostile_strings_of(size_t size, const char *unit, size_t units) {
    struct image_writer writer;
    size_t unit_size = strlen(unit);
    char *text = malloc(unit_size * units + 1);
    image_writer_require(text != NULL);
    for (size_t i = 0; i < units; i++)
        memcpy(text + i * unit_size, unit, unit_size);
    image_writer_start(&writer);
    while (image_writer_count(&writer, AM_SECTION_STRINGS) < size)
        image_writer_string(&writer, (struct am_view){text, unit_size * units});
    free(text);
    return image_writer_finish(&writer);
}

static inline struct am_image_bytes hostile_empty_strings(size_t size) {
    return hostile_strings_of(size, "", 0);
}

static inline struct am_image_bytes hostile_strings_beyond_ascii(size_t size) {
    return hostile_strings_of(size, "\xC3\xA9", 1000);
}

static inline struct am_image_bytes hostile_mixed_strings(size_t size) {
    return hostile_strings_of(size, "abcdefg\xC3\xA9", 1000);
}

/* ---- trees ------------------------------------------------------------------------------------
 */

/* Trees of `nodes` nodes, each below the other; `named`: times that each is listed. */
static inline struct am_image_bytes hostile_trees_of(size_t size, uint32_t nodes, uint32_t named) {
    struct image_writer writer;
    image_writer_start(&writer);
    size_t bytes = nodes * sizeof(struct am_image_tree_node) + named * sizeof(uint32_t);
    for (size_t i = 0; i < size / bytes; i++) {
        uint32_t first = (uint32_t)image_writer_count(&writer, AM_SECTION_TREE_NODES);
        for (uint32_t n = 0; n < named; n++)
            image_writer_add(&writer, AM_SECTION_TREES, &first);
        for (uint32_t n = 0; n < nodes; n++)
            image_writer_add(&writer, AM_SECTION_TREE_NODES,
                             &(struct am_image_tree_node){.kind = AM_TARGETING_ALL, .end = nodes});
    }
    return image_writer_finish(&writer);
}

static inline struct am_image_bytes hostile_deep_trees(size_t size) {
    return hostile_trees_of(size, 2 * AM_TARGETING_MAX_DEPTH + 3, 1);
}

static inline struct am_image_bytes hostile_too_deep_trees(size_t size) {
    return hostile_trees_of(size, 1000, 1);
}

/* In a quarter of the image a tree, in the rest its number. */
static inline struct am_image_bytes hostile_shared_trees(size_t size) {
    struct image_writer writer;
    size_t quarter = size / 4 / sizeof(struct am_image_tree_node);
    uint32_t nodes = quarter < AM_TREE_MAX_NODES ? (uint32_t)quarter : AM_TREE_MAX_NODES;
    image_writer_start(&writer);
    image_writer_add(&writer, AM_SECTION_TREE_NODES,
                     &(struct am_image_tree_node){.kind = AM_TARGETING_ALL, .end = nodes});
    for (uint32_t i = 1; i < nodes; i++)
        image_writer_add(&writer, AM_SECTION_TREE_NODES,
                         &(struct am_image_tree_node){.kind = AM_TARGETING_ANY, .end = i + 1});
    for (size_t i = 0; i < size * 3 / 4 / sizeof(uint32_t); i++)
        image_writer_add(&writer, AM_SECTION_TREES, &(uint32_t){0});
    return image_writer_finish(&writer);
}

/* Leaves of many hours in many zones. */
static inline struct am_image_bytes hostile_hours(size_t size) {
    static const uint32_t hours[6] = {UINT32_MAX, 0, UINT32_MAX, 0, 0, 0};
    struct image_writer writer;
    image_writer_start(&writer);
    uint32_t leaves = (uint32_t)(size / 2 / sizeof(struct am_image_tree_node));
    uint32_t lists = (uint32_t)(size / 2 / sizeof(uint32_t) / 7);
    for (uint32_t i = 0; i < lists; i++)
        image_writer_list(&writer, hours, 6);
    for (uint32_t i = 0; i < leaves; i += 8) {
        uint32_t first = (uint32_t)image_writer_count(&writer, AM_SECTION_TREE_NODES);
        image_writer_add(&writer, AM_SECTION_TREES, &first);
        for (uint32_t n = 0; n < 8; n++)
            image_writer_add(
                &writer, AM_SECTION_TREE_NODES,
                &(struct am_image_tree_node){.kind = n ? AM_TARGETING_HOURS : AM_TARGETING_ALL,
                                             .attribute = n ? AM_ATTRIBUTE_HOUR : 0,
                                             .end = n ? n + 1 : 8,
                                             .key = 0,
                                             .set = 1 + 7 * hostile_scatter(i + n, lists)});
    }
    return image_writer_finish(&writer);
}

#endif
