/* SPDX-License-Identifier: Apache-2.0 */
/* Deep verification of the lists of postings, once the terminals are settled; and of what the
 * settings count. */
#include "verify.h"

/* Counts of the lists, to be compared with the settings. */
struct tally {
    uint64_t terminals, broad_terminals, broad_words, negatives;
    uint64_t positives[AM_MATCH_TYPES]; /* postings of ads */
    uint64_t longest[AM_MATCH_TYPES];   /* words */
};

static const char *negative_problem(struct am_image_verifier *verifier,
                                    const struct am_image_posting *posting,
                                    struct tally *tally) {
    uint32_t id = am_image_posting_ad(posting);
    if (id >= verifier->image->settings->negative_count)
        return "no such negative keyword";
    if (!am_image_verify_take_bit(verifier->seen_negatives, id) &&
        !(verifier->twins && am_image_verify_take_bit(verifier->seen_twins, id)))
        return "another posting has its negative keyword, too";
    tally->negatives++;
    return NULL;
}

static const char *positive_problem(const struct am_image *image,
                                    uint32_t index,
                                    uint32_t place,
                                    struct tally *tally) {
    const struct am_image_keyword *keyword = &image->keywords[index];
    if (am_image_posting_ad(&image->postings[index]) >= image->settings->ad_count)
        return "no such ad";
    if (am_image_verify_place(keyword->match, keyword->word_count) != place)
        return "its match type or word count is not that of its place in the trie";
    if (keyword->ecpm > INT64_MAX / 1000 || keyword->bid > (uint64_t)AM_MONEY_MAX)
        return "its bid is above the limit";
    tally->positives[keyword->match]++;
    return NULL;
}

static const char *posting_problem(struct am_image_verifier *verifier,
                                   uint32_t index,
                                   uint32_t place,
                                   struct tally *tally) {
    const struct am_image *image = verifier->image;
    const struct am_image_posting *posting = &image->postings[index];
    if (!am_image_verify_text(verifier, image->keywords[index].text, 1, AM_KEYWORD_MAX_BYTES))
        return "its keyword has no text, or a wrong one";
    if (!am_image_verify_is_terminal(image, index) &&
        posting->rank < image->postings[index - 1].rank)
        return "ranks do not ascend";
    return posting->rank == 0 ? negative_problem(verifier, posting, tally)
                              : positive_problem(image, index, place, tally);
}

/* The matcher compares terminals of one class by their numbers, and looks for negative keywords
 * only where they are said to be. `before`: the terminal before this one, or AM_NONE. */
static const char *order_problem(const struct am_image *image, uint32_t terminal, uint32_t before) {
    const struct am_image_settings *settings = image->settings;
    unsigned class = am_image_class_of(settings, terminal);
    uint32_t rank = image->postings[terminal].rank;
    if ((rank == 0) != (terminal < settings->negatives_end[class]))
        return "its list begins with a negative keyword, or not, against the settings";
    if (before != AM_NONE && class == am_image_class_of(settings, before) &&
        rank < image->postings[before].rank)
        return "its list begins with a better rank than the one before it";
    return NULL;
}

static const char *terminal_problem(const struct am_image_verifier *verifier,
                                    uint32_t terminal,
                                    uint32_t before,
                                    struct tally *tally) {
    const struct am_image_verify_node *node = &verifier->nodes[terminal];
    uint32_t match = node->above >> 8, words = node->above & 0xFF;
    if (node->state != AM_VERIFY_SETTLED)
        return "a list that nothing leads to";
    tally->terminals++;
    tally->broad_terminals += match == AM_MATCH_BROAD;
    tally->broad_words += match == AM_MATCH_BROAD ? words : 0;
    if (words > tally->longest[match])
        tally->longest[match] = words;
    return order_problem(verifier->image, terminal, before);
}

/* Lists may not reach from one class of terminals into the next. */
static bool verify_class_ends(struct am_image_verifier *verifier) {
    for (unsigned class = 0; class < AM_TERMINAL_CLASSES; class ++) {
        uint32_t end = am_image_class_end(verifier->image->settings, class);
        if (!am_image_verify_is_terminal(verifier->image, end))
            return am_image_verify_fail(verifier, "postings", end - 1,
                                        "its list does not end here");
    }
    return true;
}

static bool verify_lists(struct am_image_verifier *verifier, struct tally *tally) {
    const struct am_image *image = verifier->image;
    uint32_t terminal = AM_NONE; /* of the list at hand */
    for (uint32_t i = 0; i < image->settings->terminal_end; i++) {
        const char *problem = NULL;
        if (am_image_verify_is_terminal(image, i)) {
            problem = terminal_problem(verifier, i, terminal, tally);
            terminal = i;
        }
        if (!problem)
            problem = posting_problem(verifier, i, verifier->nodes[terminal].above, tally);
        if (problem)
            return am_image_verify_fail(verifier, "postings", i, problem);
    }
    return true;
}

/* Of twins, both are there. */
static const char *tally_problem(const struct am_image_verifier *verifier,
                                 const struct tally *tally) {
    const struct am_image_settings *settings = verifier->image->settings;
    uint64_t times = verifier->twins ? 2 : 1;
    if (tally->terminals != settings->terminal_count)
        return "terminal_count is not the number of lists";
    if (tally->broad_terminals != settings->broad_terminals ||
        tally->broad_words != settings->broad_words)
        return "its counts of broad terminals are wrong";
    if (tally->longest[AM_MATCH_PHRASE] != settings->longest_phrase ||
        tally->longest[AM_MATCH_EXACT] != settings->longest_exact)
        return "its longest keywords are not the longest";
    if (tally->negatives != times * settings->negative_count ||
        settings->negative_count > settings->negative_keywords)
        return "its counts of negative keywords are wrong";
    for (unsigned match = 0; match < AM_MATCH_TYPES; match++)
        if (tally->positives[match] !=
            (match == AM_MATCH_ANY ? 1 : times) * settings->keyword_counts[match])
            return "its counts of keywords are wrong";
    return settings->keyword_counts[AM_MATCH_EXACT] <= settings->exact_keywords
               ? NULL
               : "its count of exact keywords is wrong";
}

bool am_image_verify_postings(struct am_image_verifier *verifier) {
    struct tally tally = {0};
    if (!verify_class_ends(verifier) || !verify_lists(verifier, &tally))
        return false;
    const char *problem = tally_problem(verifier, &tally);
    return !problem || am_image_verify_fail(verifier, "settings", 0, problem);
}
