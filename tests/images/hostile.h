/* SPDX-License-Identifier: Apache-2.0 */
/* Images of any size whose content is as bad as can be for who checks or searches them. Most keep
 * to all rules, so that a check has to look at everything; the others break one, where they can at
 * the end.
 *
 * `size` is about what the finished image has, in bytes: 1 MB at least. */
#ifndef AM_TESTS_IMAGES_HOSTILE_H
#define AM_TESTS_IMAGES_HOSTILE_H

#include "hostile_records.h"
#include "hostile_tables.h"

struct hostile {
    const char *name;
    struct am_image_bytes (*make)(size_t size);
    const char *reason; /* for which it is refused; "": it is sound */
};

static const struct hostile hostile_images[] = {
    {"long paths of edges", hostile_long_paths, ""},
    {"edges from home as far as may be", hostile_edges_from_home, ""},
    {"words from home as far as may be", hostile_words_from_home, ""},
    {"long words", hostile_long_words, ""},
    {"terms from home as far as may be", hostile_terms_from_home, ""},
    {"domains of many labels", hostile_domains, ""},
    {"one list of postings", hostile_one_list, ""},
    {"lists of one posting", hostile_lists, ""},
    {"a long list in all ads", hostile_shared_list, ""},
    {"short lists all over the pool", hostile_short_lists, ""},
    {"creatives of many values", hostile_creatives, ""},
    {"creatives of escapes", hostile_escaped_creatives, ""},
    {"a creative in all ads", hostile_shared_creative, ""},
    {"empty strings", hostile_empty_strings, ""},
    {"strings beyond ASCII", hostile_strings_beyond_ascii, ""},
    {"strings of mixed characters", hostile_mixed_strings, ""},
    {"deep trees", hostile_deep_trees, ""},
    {"trees of hours", hostile_hours, ""},

    {"a doubled edge", hostile_doubled_edge, "no search finds it, or another one with it"},
    {"circles of edges", hostile_circles, "a node too deep, or in a circle"},
    {"one path of all edges", hostile_one_path, "a node too deep"},
    {"two edges to all nodes", hostile_two_ways_to_all_nodes,
     "another edge leads to its node, too"},
    {"a hidden list", hostile_hidden_list, "a node that no edge leads to"},
    {"all overflow bits of edges", hostile_edge_bits_all_set, "a search in it is too long"},
    {"all overflow bits of words", hostile_word_bits_all_set, "a search in it is too long"},
    {"a full table of terms", hostile_full_term_table, "a search in it is too long"},
    {"edges too far from home", hostile_edges_too_far_from_home,
     "too many searches in it are long"},
    {"words too far from home", hostile_words_too_far_from_home,
     "too many searches in it are long"},
    {"terms too far from home", hostile_terms_too_far_from_home,
     "too many searches in it are long"},
    {"a tree named millions of times", hostile_shared_trees,
     "it does not begin where the last one ends"},
    {"trees too deep", hostile_too_deep_trees, "nested too deep"},
    {"a long list that descends", hostile_shared_list_that_descends, "no ascending list"},
};

#endif
