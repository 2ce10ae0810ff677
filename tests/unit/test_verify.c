/* SPDX-License-Identifier: Apache-2.0 */
/* The deep check of what is searched (edges, nodes, lists of postings, words): images made by hand,
 * each with one fault, are refused with the reason; what is unusual but sound is not. */
#include "faults.h"

/* ---- edges ------------------------------------------------------------------------------------
 */

/* Another edge with the key of that from the exact root by `a`. */
static void add_double(struct image_writer *writer) {
    image_writer_edge(writer, FROM_EXACT, 0, SAMPLE_A, image_writer_inner_node(writer));
}

static void edge_twice_in_a_bucket(struct image_writer *writer) {
    add_double(writer);
}

/* The bucket of the edge that leads to `child`. */
static struct am_image_edge_bucket *
bucket_of_edge(const struct am_image_bytes *bytes, uint32_t child, int *lane) {
    size_t count;
    struct am_image_edge_bucket *buckets = image_writer_section(bytes, AM_SECTION_EDGES, &count);
    for (size_t i = 0; i < count; i++)
        for (*lane = 0; *lane < AM_IMAGE_EDGE_LANES; ++*lane)
            if (buckets[i].child[*lane] == child && buckets[i].key[*lane] != AM_EDGE_EMPTY)
                return &buckets[i];
    fail_msg("no edge leads to %u", child);
    return NULL;
}

static struct am_image_edge_bucket *next_bucket(const struct am_image_bytes *bytes,
                                                struct am_image_edge_bucket *bucket) {
    size_t count;
    struct am_image_edge_bucket *buckets = image_writer_section(bytes, AM_SECTION_EDGES, &count);
    return bucket + 1 < buckets + count ? bucket + 1 : buckets;
}

static void room_in_edges(struct image_writer *writer) {
    writer->edge_buckets = AM_MAX_PROBES + 64;
}

static void room_and_a_node(struct image_writer *writer) {
    room_in_edges(writer);
    image_writer_inner_node(writer);
}

/* The edge to SAMPLE_INNER once more, in the bucket after its own, and leading elsewhere. */
static void double_in_the_next_bucket(const struct am_image_bytes *bytes) {
    int lane = 0;
    struct am_image_edge_bucket *bucket = bucket_of_edge(bytes, SAMPLE_INNER, &lane);
    struct am_image_edge_bucket *next = next_bucket(bytes, bucket);
    assert_true(next->key[0] == AM_EDGE_EMPTY);
    next->key[0] = bucket->key[lane];
    next->child[0] = SAMPLE_NODES;
    bucket->displaced |= am_image_overflow_edge(am_image_edge_hash(bucket->key[lane]));
}

static void edge_in_the_wrong_bucket(const struct am_image_bytes *bytes) {
    int lane = 0;
    struct am_image_edge_bucket *bucket = bucket_of_edge(bytes, SAMPLE_INNER, &lane);
    struct am_image_edge_bucket *next = next_bucket(bytes, bucket);
    assert_true(next->key[0] == AM_EDGE_EMPTY);
    next->key[0] = bucket->key[lane];
    next->child[0] = bucket->child[lane];
    bucket->key[lane] = AM_EDGE_EMPTY;
}

static void edge_in_the_next_bucket(const struct am_image_bytes *bytes) {
    int lane = 0;
    struct am_image_edge_bucket *bucket = bucket_of_edge(bytes, SAMPLE_INNER, &lane);
    bucket->displaced |= am_image_overflow_edge(am_image_edge_hash(bucket->key[lane]));
    edge_in_the_wrong_bucket(bytes);
}

/* Overflow bit 0 in the first `run` buckets. */
static void set_edge_run(const struct am_image_bytes *bytes, size_t run) {
    size_t count;
    struct am_image_edge_bucket *buckets = image_writer_section(bytes, AM_SECTION_EDGES, &count);
    for (size_t i = 0; i < run; i++)
        buckets[(count - 3 + i) % count].displaced |= 1;
}

static void longest_edge_search(const struct am_image_bytes *bytes) {
    set_edge_run(bytes, AM_MAX_PROBES - 1);
}

static void too_long_edge_search(const struct am_image_bytes *bytes) {
    set_edge_run(bytes, AM_MAX_PROBES);
}

static void endless_edge_search(const struct am_image_bytes *bytes) {
    size_t count;
    struct am_image_edge_bucket *buckets = image_writer_section(bytes, AM_SECTION_EDGES, &count);
    for (size_t i = 0; i < count; i++)
        buckets[i].displaced = UINT32_MAX;
}

static void two_edges_to_a_node(struct image_writer *writer) {
    image_writer_edge(writer, FROM_PHRASE, SAMPLE_A, SAMPLE_C, SAMPLE_PHRASE_AB);
}

static void edge_from_a_leaf(struct image_writer *writer) {
    image_writer_edge(writer, FROM_NODE, SAMPLE_PHRASE_ABC, SAMPLE_B,
                      image_writer_inner_node(writer));
}

static void edge_beyond_the_exact_root(struct image_writer *writer) {
    uint32_t node = image_writer_inner_node(writer);
    image_writer_edge(writer, FROM_NODE, SAMPLE_NODES + 1 + 2 * SAMPLE_WORDS + 1, SAMPLE_B, node);
}

static void edge_by_no_word(struct image_writer *writer) {
    image_writer_edge(writer, FROM_EXACT, 0, SAMPLE_WORDS, image_writer_inner_node(writer));
}

static void edge_into_a_list(struct image_writer *writer) {
    image_writer_edge(writer, FROM_BROAD, SAMPLE_A, SAMPLE_X, SAMPLE_BROAD_AB + 1);
}

static void edge_to_a_single_word(struct image_writer *writer) {
    image_writer_edge(writer, FROM_PHRASE, SAMPLE_A, SAMPLE_C, SAMPLE_PHRASE_A);
}

static void edge_lost(struct image_writer *writer) {
    writer->edges.count--;
}

/* All filters let everything pass, but for one that lets nothing. */
static void close_filter(struct image_writer *writer, int tier, int kind) {
    for (int i = 0; i < AM_TIERS * AM_FILTER_KINDS; i++) {
        uint32_t block = i == tier * AM_FILTER_KINDS + kind ? 0 : UINT32_MAX;
        image_writer_add(writer, AM_SECTION_FILTER, &block);
        (&writer->settings.filter_blocks[0][0])[i] = 1;
    }
}

static void closed_filter(struct image_writer *writer) {
    close_filter(writer, AM_TIER_ALL, AM_FILTER_LATER);
}

/* ---- nodes ------------------------------------------------------------------------------------
 */

static void circle(struct image_writer *writer) {
    uint32_t first = image_writer_inner_node(writer), second = image_writer_inner_node(writer);
    image_writer_edge(writer, FROM_NODE, first, SAMPLE_B, second);
    image_writer_edge(writer, FROM_NODE, second, SAMPLE_B, first);
}

static void circle_of_one(struct image_writer *writer) {
    uint32_t node = image_writer_inner_node(writer);
    image_writer_edge(writer, FROM_NODE, node, SAMPLE_B, node);
}

static void node_on_nothing(struct image_writer *writer) {
    image_writer_edge(writer, FROM_NODE, SAMPLE_PHRASE_AB - 1, SAMPLE_C,
                      image_writer_inner_node(writer));
    writer->settings.leaf_end = SAMPLE_PHRASE_AB - 1; /* a number inside a list */
}

/* A phrase of that many words, with its numbers downwards. */
static void add_path(struct image_writer *writer, uint32_t words) {
    uint32_t first = writer->settings.node_end, number = first + words - 1;
    writer->settings.node_end += words - 1;
    image_writer_edge(writer, FROM_PHRASE, SAMPLE_A, SAMPLE_C, --number);
    for (; number > first; number--)
        image_writer_edge(writer, FROM_NODE, number, SAMPLE_B, number - 1);
}

static void longest_path(struct image_writer *writer) {
    add_path(writer, AM_KEYWORD_MAX_WORDS);
}

static void too_long_path(struct image_writer *writer) {
    add_path(writer, AM_KEYWORD_MAX_WORDS + 1);
}

static void path_of_hundreds(struct image_writer *writer) {
    add_path(writer, 5 * AM_KEYWORD_MAX_WORDS);
}

static void no_flag_for_the_first_word(struct image_writer *writer) {
    *flags_of(writer, SAMPLE_A) &= (uint8_t)~AM_WORD_BEGINS_PHRASE;
}

static void no_flag_for_a_later_word(struct image_writer *writer) {
    *flags_of(writer, SAMPLE_C) &= (uint8_t)~AM_WORD_CONTINUES_PHRASE;
}

static void no_flag_for_the_rarest_word(struct image_writer *writer) {
    *flags_of(writer, SAMPLE_A) &= (uint8_t)~AM_WORD_BEGINS_BROAD;
}

static void no_flag_for_a_broad_word(struct image_writer *writer) {
    *flags_of(writer, SAMPLE_B) &= (uint8_t)~AM_WORD_CONTINUES_BROAD;
}

static void no_flag_for_an_exact_word(struct image_writer *writer) {
    *flags_of(writer, SAMPLE_B) &= (uint8_t)~AM_WORD_IN_EXACT;
}

static void broad_words_descend(struct image_writer *writer) {
    *flags_of(writer, SAMPLE_B) |= AM_WORD_BEGINS_BROAD;
    *flags_of(writer, SAMPLE_A) |= AM_WORD_CONTINUES_BROAD;
    image_writer_edge(writer, FROM_BROAD, SAMPLE_B, SAMPLE_A, image_writer_inner_node(writer));
}

static void broad_word_twice(struct image_writer *writer) {
    *flags_of(writer, SAMPLE_A) |= AM_WORD_CONTINUES_BROAD;
    image_writer_edge(writer, FROM_BROAD, SAMPLE_A, SAMPLE_A, image_writer_inner_node(writer));
}

/* Of the top tier is "a b c", whose second step passes, and whose first does not. */
static void top_filter_closed_above(struct image_writer *writer) {
    close_filter(writer, AM_TIER_TOP, AM_FILTER_FIRST);
    writer->settings.top_rank = 1;
    AT(writer, POSTINGS, posting, SAMPLE_PHRASE_AB)->rank = 2; /* it is not */
}

static void top_tier(struct image_writer *writer) {
    writer->settings.top_rank = 1;
}

/* ---- lists of postings ------------------------------------------------------------------------
 */

static void hidden_list(struct image_writer *writer) {
    AT(writer, WORDS, word, SAMPLE_X)->phrase_terminal = AM_NONE;
    *flags_of(writer, SAMPLE_X) = 0;
}

/* As many lists as references, but one is reached twice, and one not at all. */
static void list_twice(struct image_writer *writer) {
    AT(writer, WORDS, word, SAMPLE_X)->phrase_terminal = SAMPLE_PHRASE_A;
}

static void list_of_a_word_and_of_any(struct image_writer *writer) {
    writer->settings.any_terminal = SAMPLE_PHRASE_A;
}

static void list_for_phrase_and_broad(struct image_writer *writer) {
    AT(writer, WORDS, word, SAMPLE_A)->broad_terminal = SAMPLE_PHRASE_A;
    *flags_of(writer, SAMPLE_A) |= AM_WORD_IS_BROAD;
}

static void any_is_a_node(struct image_writer *writer) {
    writer->settings.any_terminal = SAMPLE_PHRASE_AB;
}

static void list_into_the_next_class(struct image_writer *writer) {
    writer->settings.leaf_end = SAMPLE_BROAD_AB + 1;
}

static void list_without_end(struct image_writer *writer) {
    AT(writer, POSTINGS, posting, SAMPLE_PHRASE_AB)->ad_and_last = 0;
}

static void ranks_descend(struct image_writer *writer) {
    AT(writer, POSTINGS, posting, SAMPLE_BROAD_AB + 1)->rank = 1;
}

static void lists_descend(struct image_writer *writer) {
    AT(writer, POSTINGS, posting, SAMPLE_PHRASE_ABC)->rank = 3;
}

static void negative_out_of_place(struct image_writer *writer) {
    writer->settings.negatives_end[0] = 2;
}

static void no_such_ad(struct image_writer *writer) {
    AT(writer, POSTINGS, posting, SAMPLE_ANY)->ad_and_last = 2 | AM_POSTING_LAST;
}

static void no_such_negative(struct image_writer *writer) {
    AT(writer, POSTINGS, posting, SAMPLE_NEGATIVE_X)->ad_and_last = 1 | AM_POSTING_LAST;
}

/* "-a", with the id of "-x". */
static void negative_twice(struct image_writer *writer) {
    AT(writer, POSTINGS, posting, SAMPLE_PHRASE_A)->rank = 0;
    writer->settings.negatives_end[0] = 2;
}

static void negative_missing(struct image_writer *writer) {
    writer->settings.negative_count = writer->settings.negative_keywords = 2;
}

static void wrong_match_type(struct image_writer *writer) {
    AT(writer, KEYWORDS, keyword, SAMPLE_PHRASE_A)->match = AM_MATCH_BROAD;
}

static void wrong_word_count(struct image_writer *writer) {
    AT(writer, KEYWORDS, keyword, SAMPLE_PHRASE_ABC)->word_count = 4;
}

static void unknown_match_type(struct image_writer *writer) {
    AT(writer, KEYWORDS, keyword, SAMPLE_PHRASE_A)->match = AM_MATCH_TYPES;
}

static void bid_above_the_limit(struct image_writer *writer) {
    AT(writer, KEYWORDS, keyword, SAMPLE_ANY)->bid = (uint64_t)AM_MONEY_MAX + 1;
}

static void keyword_without_text(struct image_writer *writer) {
    AT(writer, KEYWORDS, keyword, SAMPLE_ANY)->text = 0;
}

static void keyword_too_long(struct image_writer *writer) {
    AT(writer, KEYWORDS, keyword, SAMPLE_ANY)->text =
        string_of_size(writer, AM_KEYWORD_MAX_BYTES + 1);
}

/* ---- what the settings count ------------------------------------------------------------------
 */

static void too_few_broad_terminals(struct image_writer *writer) {
    writer->settings.broad_terminals = 0;
}

static void too_few_broad_words(struct image_writer *writer) {
    writer->settings.broad_words = 1;
}

static void too_few_terminals(struct image_writer *writer) {
    writer->settings.terminal_count--;
}

static void shorter_longest_phrase(struct image_writer *writer) {
    writer->settings.longest_phrase = 2;
}

static void longer_longest_exact(struct image_writer *writer) {
    writer->settings.longest_exact = 3;
}

static void fewer_keywords(struct image_writer *writer) {
    writer->settings.keyword_counts[AM_MATCH_PHRASE]--;
}

static void fewer_exact_keywords(struct image_writer *writer) {
    writer->settings.exact_keywords = 0;
}

static void more_negatives_than_postings(struct image_writer *writer) {
    writer->settings.negative_count = 9;
}

static void more_broad_terminals_than_terminals(struct image_writer *writer) {
    writer->settings.broad_terminals = 8;
}

static void more_nodes_than_edges(struct image_writer *writer) {
    writer->edge_buckets = 2;
    writer->settings.node_end += 2 * AM_IMAGE_EDGE_LANES;
}

static void unknown_language(struct image_writer *writer) {
    writer->settings.stem = 1;
    writer->settings.language = image_writer_string(writer, AM_VIEW("klingon"));
}

/* ---- words ------------------------------------------------------------------------------------
 */

static void same_word_twice(struct image_writer *writer) {
    image_writer_word(writer, AM_VIEW("x"), 0);
}

static void same_long_word_twice(struct image_writer *writer) {
    image_writer_word(writer, AM_VIEW("a word of more than sixteen bytes"), 0);
    image_writer_word(writer, AM_VIEW("a word of more than sixteen bytes"), 0);
}

static void long_word(struct image_writer *writer) {
    image_writer_word(writer, AM_VIEW("a word of more than sixteen bytes"), 0);
}

static void empty_word(struct image_writer *writer) {
    AT(writer, WORDS, word, SAMPLE_X)->text = 0;
}

static void too_long_word(struct image_writer *writer) {
    AT(writer, WORDS, word, SAMPLE_X)->text = string_of_size(writer, AM_IMAGE_WORD_MAX_BYTES + 1);
}

static void ill_formed_word(struct image_writer *writer) {
    AT(writer, WORDS, word, SAMPLE_X)->text = image_writer_string(writer, AM_VIEW("\xFFx"));
}

static struct am_image_vocabulary_bucket *
bucket_of_word(const struct am_image_bytes *bytes, uint32_t word, int *lane) {
    size_t count;
    struct am_image_vocabulary_bucket *buckets =
        image_writer_section(bytes, AM_SECTION_VOCABULARY, &count);
    for (size_t i = 0; i < count; i++)
        for (*lane = 0; *lane < AM_IMAGE_VOCABULARY_LANES; ++*lane)
            if (buckets[i].word[*lane] == word)
                return &buckets[i];
    fail_msg("word %u is not in the vocabulary", word);
    return NULL;
}

static void key_of_another_word(const struct am_image_bytes *bytes) {
    int lane = 0;
    bucket_of_word(bytes, SAMPLE_X, &lane)->key[lane][0] = 'y';
}

static void id_of_another_word(const struct am_image_bytes *bytes) {
    int lane = 0;
    bucket_of_word(bytes, SAMPLE_X, &lane)->word[lane] = SAMPLE_A;
}

static void id_of_no_word(const struct am_image_bytes *bytes) {
    int lane = 0;
    bucket_of_word(bytes, SAMPLE_X, &lane)->word[lane] = SAMPLE_WORDS;
}

static void word_lost(const struct am_image_bytes *bytes) {
    int lane = 0;
    struct am_image_vocabulary_bucket *bucket = bucket_of_word(bytes, SAMPLE_C, &lane);
    memset(bucket->key[lane], 0, sizeof bucket->key[lane]);
    bucket->word[lane] = AM_NONE;
    bucket->flags[lane] = 0;
}

static void empty_place_with_flags(const struct am_image_bytes *bytes) {
    int lane = 0;
    bucket_of_word(bytes, AM_NONE, &lane)->flags[lane] = AM_WORD_IS_PHRASE;
}

static void flag_without_terminal(struct image_writer *writer) {
    *flags_of(writer, SAMPLE_C) |= AM_WORD_IS_BROAD;
}

static void terminal_without_flag(struct image_writer *writer) {
    *flags_of(writer, SAMPLE_X) = 0;
}

static void terminal_is_a_node(struct image_writer *writer) {
    AT(writer, WORDS, word, SAMPLE_X)->phrase_terminal = SAMPLE_EXACT_AB;
}

static void room_in_vocabulary(struct image_writer *writer) {
    writer->vocabulary_buckets = AM_MAX_PROBES + 64;
}

static void word_in_the_wrong_bucket(const struct am_image_bytes *bytes) {
    int lane = 0;
    size_t count;
    struct am_image_vocabulary_bucket *buckets = image_writer_section(bytes, AM_SECTION_VOCABULARY,
                                                                      &count),
                                      *bucket = bucket_of_word(bytes, SAMPLE_X, &lane);
    buckets[(bucket - buckets + 1) % count] = *bucket;
    *bucket = (struct am_image_vocabulary_bucket){.word = {AM_NONE, AM_NONE, AM_NONE}};
}

static void set_word_run(const struct am_image_bytes *bytes, size_t run) {
    size_t count;
    struct am_image_vocabulary_bucket *buckets =
        image_writer_section(bytes, AM_SECTION_VOCABULARY, &count);
    for (size_t i = 0; i < run; i++)
        buckets[(count - 3 + i) % count].displaced |= 128;
}

static void longest_word_search(const struct am_image_bytes *bytes) {
    set_word_run(bytes, AM_MAX_PROBES - 1);
}

static void too_long_word_search(const struct am_image_bytes *bytes) {
    set_word_run(bytes, AM_MAX_PROBES);
}

static void endless_word_search(const struct am_image_bytes *bytes) {
    size_t count;
    struct am_image_vocabulary_bucket *buckets =
        image_writer_section(bytes, AM_SECTION_VOCABULARY, &count);
    for (size_t i = 0; i < count; i++)
        buckets[i].displaced = UINT8_MAX;
}

/* ---- all of them ------------------------------------------------------------------------------
 */

static void nothing(struct image_writer *writer) {
    (void)writer;
}

static const struct fault faults[] = {
    WRITER(nothing, SOUND),

    WRITER(edge_twice_in_a_bucket, "no search finds it, or another one with it"),
    BOTH(room_and_a_node, double_in_the_next_bucket, "no search finds it, or another one with it"),
    BOTH(room_in_edges, edge_in_the_wrong_bucket, "no search finds it"),
    BOTH(room_in_edges, edge_in_the_next_bucket, SOUND),
    BOTH(room_in_edges, longest_edge_search, SOUND),
    BOTH(
        room_in_edges, too_long_edge_search, "section edges, record 0: a search in it is too long"),
    BYTES(endless_edge_search, "section edges, record 0: a search in it is too long"),
    WRITER(two_edges_to_a_node, "another edge leads to its node, too"),
    WRITER(edge_from_a_leaf, "it leaves a node that has no children"),
    WRITER(edge_beyond_the_exact_root, "it leaves a node that has no children"),
    WRITER(edge_by_no_word, "no such word"),
    WRITER(edge_into_a_list, "it leads to no node"),
    WRITER(edge_to_a_single_word, "it leads to no node"),
    WRITER(edge_lost, "a node that no edge leads to"),
    WRITER(closed_filter, "the filter does not let it pass"),

    WRITER(circle, "a node too deep, or in a circle"),
    WRITER(circle_of_one, "a node too deep, or in a circle"),
    WRITER(node_on_nothing, "it hangs on a node that no edge leads to"),
    WRITER(longest_path, SOUND),
    WRITER(too_long_path, "a node too deep"),
    WRITER(path_of_hundreds, "a node too deep"),
    WRITER(no_flag_for_the_first_word, "the flags of its words do not let a search pass"),
    WRITER(no_flag_for_a_later_word, "the flags of its words do not let a search pass"),
    WRITER(no_flag_for_the_rarest_word, "the flags of its words do not let a search pass"),
    WRITER(no_flag_for_a_broad_word, "the flags of its words do not let a search pass"),
    WRITER(no_flag_for_an_exact_word, "the flags of its words do not let a search pass"),
    WRITER(broad_words_descend, "the words of a broad keyword do not ascend"),
    WRITER(broad_word_twice, "the words of a broad keyword do not ascend"),
    WRITER(top_tier, SOUND),
    WRITER(top_filter_closed_above, "the top tier's filter does not let it pass"),

    WRITER(hidden_list, "a list that nothing leads to"),
    WRITER(list_twice, "its word's terminals are not its own"),
    WRITER(list_of_a_word_and_of_any, "the terminal of \"*\" is not its own"),
    WRITER(list_for_phrase_and_broad, "its word's terminals are not its own"),
    WRITER(any_is_a_node, "the terminal of \"*\" is not its own"),
    WRITER(list_into_the_next_class, "its list does not end here"),
    WRITER(list_without_end, "its list does not end here"),
    WRITER(ranks_descend, "ranks do not ascend"),
    WRITER(lists_descend, "a better rank than the one before it"),
    WRITER(negative_out_of_place, "against the settings"),
    WRITER(no_such_ad, "no such ad"),
    WRITER(no_such_negative, "no such negative keyword"),
    WRITER(negative_twice, "another posting has its negative keyword, too"),
    WRITER(negative_missing, "its counts of negative keywords are wrong"),
    WRITER(wrong_match_type, "is not that of its place in the trie"),
    WRITER(wrong_word_count, "is not that of its place in the trie"),
    WRITER(unknown_match_type, "is not that of its place in the trie"),
    WRITER(bid_above_the_limit, "its bid is above the limit"),
    WRITER(keyword_without_text, "its keyword has no text, or a wrong one"),
    WRITER(keyword_too_long, "its keyword has no text, or a wrong one"),

    WRITER(too_few_broad_terminals, "its counts of broad terminals are wrong"),
    WRITER(too_few_broad_words, "its counts of broad terminals are wrong"),
    WRITER(too_few_terminals, "terminal_count is not the number of lists"),
    WRITER(shorter_longest_phrase, "its longest keywords are not the longest"),
    WRITER(longer_longest_exact, "its longest keywords are not the longest"),
    WRITER(fewer_keywords, "its counts of keywords are wrong"),
    WRITER(fewer_exact_keywords, "its count of exact keywords is wrong"),
    WRITER(more_negatives_than_postings, "more nodes than edges, or keywords than postings"),
    WRITER(more_broad_terminals_than_terminals, "more nodes than edges, or keywords than postings"),
    WRITER(more_nodes_than_edges, "more nodes than edges, or keywords than postings"),
    WRITER(unknown_language, "a language that Snowball does not know"),

    WRITER(same_word_twice, "no search finds its word"),
    WRITER(same_long_word_twice, "no search finds its word"),
    WRITER(long_word, SOUND),
    WRITER(empty_word, "its word has no text, or a wrong one"),
    WRITER(too_long_word, "its word has no text, or a wrong one"),
    WRITER(ill_formed_word, "its word has no text, or a wrong one"),
    BYTES(key_of_another_word, "its key is not that of its word"),
    BYTES(id_of_another_word, "vocabulary"),
    BYTES(id_of_no_word, "no such word"),
    BYTES(word_lost, "it lacks a word"),
    BYTES(empty_place_with_flags, "no such word"),
    WRITER(flag_without_terminal, "its word's terminals are not its own, or contradict its flags"),
    WRITER(terminal_without_flag, "its word's terminals are not its own, or contradict its flags"),
    WRITER(terminal_is_a_node, "its word's terminals are not its own, or contradict its flags"),
    BOTH(room_in_vocabulary, word_in_the_wrong_bucket, "no search finds its word"),
    BOTH(room_in_vocabulary, longest_word_search, SOUND),
    BOTH(room_in_vocabulary,
         too_long_word_search,
         "section vocabulary, record 0: a search in it is too long"),
    BYTES(endless_word_search, "section vocabulary, record 0: a search in it is too long"),
};

int main(void) {
    struct CMUnitTest tests[AM_COUNT_OF(faults)];
    list_tests(faults, AM_COUNT_OF(faults), tests);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
