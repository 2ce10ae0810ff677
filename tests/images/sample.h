/* SPDX-License-Identifier: Apache-2.0 */
/* A small image with one of everything, to be spoilt by tests.
 *
 *   number  keyword               postings (rank, ad)        words: a 0, b 1, c 2, x 3
 *   0       -"x"                  negative keyword 0
 *   1       "a"                   (1, 0)
 *   2       *                     (2, 1)
 *   3       "a b c"               (1, 0)                     S = 3
 *   4       [a b]                 (2, 1)
 *   5, 6    a b (broad)           (2, 0) (3, 1)
 *   7       "a b"                 (1, 0)                     L = 7
 *   8       leads to [a b]                                   T = 8, N = 9
 *
 * Ad 0 is in campaign 0, which has negative keyword 0 and tree 0; ad 1 has tree 1, a domain, a
 * creative. */
#ifndef AM_TESTS_IMAGES_SAMPLE_H
#define AM_TESTS_IMAGES_SAMPLE_H

#include "image_writer.h"

enum { SAMPLE_A, SAMPLE_B, SAMPLE_C, SAMPLE_X, SAMPLE_WORDS };

enum {
    SAMPLE_NEGATIVE_X = 0,
    SAMPLE_PHRASE_A = 1,
    SAMPLE_ANY = 2,
    SAMPLE_PHRASE_ABC = 3,
    SAMPLE_EXACT_AB = 4,
    SAMPLE_BROAD_AB = 5,
    SAMPLE_PHRASE_AB = 7,
    SAMPLE_INNER = 8,
    SAMPLE_NODES = 9,
};

/* In the order in which the terms are added. */
enum {
    SAMPLE_ADVERTISER,
    SAMPLE_EXAMPLE, /* the domain above */
    SAMPLE_DOMAIN,
    SAMPLE_KEY,
    SAMPLE_VALUE,
    SAMPLE_COUNTRY,
    SAMPLE_CATEGORY,
    SAMPLE_LABEL,
    SAMPLE_TERMS,
};

static inline void sample_terms(struct image_writer *writer) {
    image_writer_term(writer, AM_TERM_ADVERTISER, AM_NONE, AM_VIEW("advertiser"));
    image_writer_term(writer, AM_TERM_DOMAIN, AM_NONE, AM_VIEW("example"));
    image_writer_term(writer, AM_TERM_DOMAIN, SAMPLE_EXAMPLE, AM_VIEW("shop.example"));
    image_writer_term(writer, AM_TERM_KEY, AM_NONE, AM_VIEW("key"));
    image_writer_term(writer, AM_TERM_ATTRIBUTE + AM_ATTRIBUTE_KV, SAMPLE_KEY, AM_VIEW("value"));
    image_writer_term(writer, AM_TERM_ATTRIBUTE + AM_ATTRIBUTE_COUNTRY, AM_NONE, AM_VIEW("us"));
    image_writer_term(writer, AM_TERM_CATEGORY, AM_NONE, AM_VIEW("IAB1"));
    image_writer_term(writer, AM_TERM_LABEL, AM_NONE, AM_VIEW("label"));
}

static inline am_image_list_ref sample_list_of(struct image_writer *writer, uint32_t item) {
    return image_writer_list(writer, &item, 1);
}

static inline void sample_trees(struct image_writer *writer) {
    static const uint32_t hours[6] = {UINT32_MAX, 0, UINT32_MAX};
    const struct am_image_tree_node nodes[] = {
        {.kind = AM_TARGETING_ALL, .end = 3},
        {.kind = AM_TARGETING_IN,
         .attribute = AM_ATTRIBUTE_COUNTRY,
         .end = 2,
         .set = sample_list_of(writer, SAMPLE_COUNTRY)},
        {.kind = AM_TARGETING_HOURS,
         .attribute = AM_ATTRIBUTE_HOUR,
         .end = 3,
         .set = image_writer_list(writer, hours, 6)},
        {.kind = AM_TARGETING_ALL, .end = 3},
        {.kind = AM_TARGETING_NOT, .end = 3},
        {.kind = AM_TARGETING_IN,
         .attribute = AM_ATTRIBUTE_KV,
         .end = 3,
         .key = SAMPLE_KEY,
         .set = sample_list_of(writer, SAMPLE_VALUE)},
    };
    for (size_t i = 0; i < AM_COUNT_OF(nodes); i++)
        image_writer_add(writer, AM_SECTION_TREE_NODES, &nodes[i]);
    image_writer_add(writer, AM_SECTION_TREES, &(uint32_t){0});
    image_writer_add(writer, AM_SECTION_TREES, &(uint32_t){3});
}

static inline void sample_ads(struct image_writer *writer) {
    image_writer_ad(writer, AM_VIEW("ad 0"), SAMPLE_ADVERTISER);
    image_writer_ad(writer, AM_VIEW("ad 1"), SAMPLE_ADVERTISER);
    image_writer_add(
        writer, AM_SECTION_CAMPAIGNS,
        &(struct am_image_campaign){.id = image_writer_string(writer, AM_VIEW("campaign 0")),
                                    .advertiser = SAMPLE_ADVERTISER});
    struct am_image_ad *ads = image_writer_at(writer, AM_SECTION_ADS, struct am_image_ad, 0);
    ads[0].campaign = 0;
    ads[0].campaign_tree = 0;
    ads[0].campaign_negatives = sample_list_of(writer, 0);
    ads[1].tree = 1;
    ads[1].domain = SAMPLE_DOMAIN;
    ads[1].labels = sample_list_of(writer, SAMPLE_LABEL);
    ads[1].categories = sample_list_of(writer, SAMPLE_CATEGORY);
    struct am_image_ad_details *details =
        image_writer_at(writer, AM_SECTION_AD_DETAILS, struct am_image_ad_details, 1);
    details->url = image_writer_string(writer, AM_VIEW("https://shop.example/"));
    details->creative = image_writer_string(writer, AM_VIEW("{\"title\": \"t\"}"));
    details->categories = ads[1].categories;
}

static inline void sample_words(struct image_writer *writer) {
    image_writer_word(writer, AM_VIEW("a"),
                      AM_WORD_IS_PHRASE | AM_WORD_BEGINS_PHRASE | AM_WORD_BEGINS_BROAD |
                          AM_WORD_IN_EXACT);
    image_writer_word(writer, AM_VIEW("b"),
                      AM_WORD_CONTINUES_PHRASE | AM_WORD_CONTINUES_BROAD | AM_WORD_IN_EXACT);
    image_writer_word(writer, AM_VIEW("c"), AM_WORD_CONTINUES_PHRASE);
    image_writer_word(writer, AM_VIEW("x"), AM_WORD_IS_PHRASE);
    struct am_image_word *words =
        image_writer_at(writer, AM_SECTION_WORDS, struct am_image_word, 0);
    words[SAMPLE_A].phrase_terminal = SAMPLE_PHRASE_A;
    words[SAMPLE_X].phrase_terminal = SAMPLE_NEGATIVE_X;
}

static inline void sample_postings(struct image_writer *writer) {
    am_image_string_ref text = image_writer_string(writer, AM_VIEW("keyword"));
    image_writer_posting(writer, 0, 0, AM_MATCH_PHRASE, 1, text);
    image_writer_posting(writer, 1, 0, AM_MATCH_PHRASE, 1, text);
    image_writer_posting(writer, 2, 1, AM_MATCH_ANY, 0, text);
    image_writer_posting(writer, 1, 0, AM_MATCH_PHRASE, 3, text);
    image_writer_posting(writer, 2, 1, AM_MATCH_EXACT, 2, text);
    image_writer_posting(writer, 2, 0, AM_MATCH_BROAD, 2, text);
    image_writer_posting(writer, 3, 1, AM_MATCH_BROAD, 2, text);
    image_writer_posting(writer, 1, 0, AM_MATCH_PHRASE, 2, text);
    image_writer_at(writer, AM_SECTION_POSTINGS, struct am_image_posting, SAMPLE_BROAD_AB)
        ->ad_and_last &= ~AM_POSTING_LAST;
}

static inline void sample_edges(struct image_writer *writer) {
    image_writer_edge(writer, FROM_PHRASE, SAMPLE_A, SAMPLE_B, SAMPLE_PHRASE_AB);
    image_writer_edge(writer, FROM_NODE, SAMPLE_PHRASE_AB, SAMPLE_C, SAMPLE_PHRASE_ABC);
    image_writer_edge(writer, FROM_BROAD, SAMPLE_A, SAMPLE_B, SAMPLE_BROAD_AB);
    image_writer_edge(writer, FROM_EXACT, 0, SAMPLE_A, SAMPLE_INNER);
    image_writer_edge(writer, FROM_NODE, SAMPLE_INNER, SAMPLE_B, SAMPLE_EXACT_AB);
}

static inline void sample_settings(struct am_image_settings *settings) {
    settings->first_node = SAMPLE_PHRASE_ABC;
    settings->leaf_end = SAMPLE_PHRASE_AB;
    settings->terminal_end = SAMPLE_INNER;
    settings->node_end = SAMPLE_NODES;
    settings->any_terminal = SAMPLE_ANY;
    settings->negative_count = settings->negative_keywords = 1;
    settings->broad_terminals = 1;
    settings->broad_words = 2;
    settings->exact_keywords = 1;
    settings->longest_phrase = 3;
    settings->longest_exact = 2;
    settings->terminal_count = 7;
    settings->keyword_counts[AM_MATCH_EXACT] = 1;
    settings->keyword_counts[AM_MATCH_PHRASE] = 3;
    settings->keyword_counts[AM_MATCH_BROAD] = 2;
    settings->keyword_counts[AM_MATCH_ANY] = 1;
    settings->negatives_end[0] = SAMPLE_NEGATIVE_X + 1;
    settings->negatives_end[1] = SAMPLE_PHRASE_ABC;
    settings->negatives_end[2] = SAMPLE_PHRASE_AB;
}

static inline void sample_start(struct image_writer *writer) {
    image_writer_start(writer);
    sample_settings(&writer->settings);
    sample_terms(writer);
    sample_trees(writer);
    sample_ads(writer);
    sample_words(writer);
    sample_postings(writer);
    sample_edges(writer);
}

#endif
