/* Deep verification: the trie and its postings; and the way through all parts. */
#include "verify.h"

#include <stdlib.h>

#include "../text/stem.h"
#include "vocabulary.h"

bool am_image_verify_fail(struct am_image_verifier *verifier,
                          const char *section,
                          uint64_t record,
                          const char *reason) {
    am_error_set(verifier->error, AM_E_CORRUPT, "corrupt image: section %s, record %llu: %s",
                 section, (unsigned long long)record, reason);
    return false;
}

static bool verify_settings(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    const struct am_image_settings *settings = image->settings;
    const char *reason = NULL;
    if (!am_image_verify_string(verifier, settings->currency) ||
        !am_image_verify_string(verifier, settings->language))
        reason = "its currency or language is no string";
    else if (settings->fold_accents > 1 || settings->stem > 1)
        reason = "fold_accents and stem must be 0 or 1";
    else if (settings->broad_window < 1 || settings->broad_window > AM_BROAD_WINDOW_MAX)
        reason = "broad_window is out of range";
    else if (settings->any_terminal != AM_NONE && settings->any_terminal >= settings->first_node)
        reason = "the terminal of \"*\" is a node";
    for (int i = 0; !reason && i < AM_MATCH_TYPES; i++)
        if (settings->match_weight[i] > AM_PER_MILLE_MAX)
            reason = "a match weight is above the limit";
    return !reason || am_image_verify_fail(verifier, "settings", 0, reason);
}

static bool verify_language(struct am_image_verifier *verifier) {
    const struct am_image_settings *settings = verifier->image->settings;
    if (!settings->stem)
        return true;
    enum am_code code = am_text_stemmer_check(am_image_string(verifier->image, settings->language));
    if (code == AM_E_MEMORY)
        am_error_set(verifier->error, code, "out of memory while verifying an image");
    else if (code != AM_OK)
        am_image_verify_fail(verifier, "settings", 0,
                             "it stems in a language that Snowball does not know");
    return code == AM_OK;
}

/* ---- vocabulary -------------------------------------------------------------------------------
 */

/* The word's key as the matcher makes it, from a padded copy of its string. */
static struct am_image_word_key key_of(const struct am_image *image, uint32_t word) {
    char padded[AM_WORD_MAX_BYTES + AM_WORD_PADDING] = {0};
    struct am_view text = am_image_string(image, image->words[word].text);
    memcpy(padded, text.data, text.size);
    return am_image_word_key(padded, (uint32_t)text.size);
}

/* The flags with which a word stands in the bucket where lookups find it, or -1. */
static int flags_found(const struct am_image *image, uint32_t word) {
    struct am_image_word_key key = key_of(image, word);
    uint64_t hash = am_image_word_key_hash(key);
    uint64_t home = am_image_bucket(hash, image->vocabulary_buckets), at = home;
    do {
        const struct am_image_vocabulary_bucket *bucket = &image->vocabulary[at];
        for (int way = 0; way < AM_IMAGE_VOCABULARY_LANES; way++)
            if (bucket->word[way] == word && memcmp(bucket->key[way], &key, sizeof key) == 0)
                return bucket->flags[way];
        if (!(bucket->displaced & am_image_overflow_word(hash)))
            return -1;
        at = at + 1 < image->vocabulary_buckets ? at + 1 : 0;
    } while (at != home);
    return -1;
}

static bool terminal_fine(const struct am_image *image, uint32_t terminal, bool flag) {
    return flag ? terminal < image->settings->first_node : terminal == AM_NONE;
}

static bool verify_words(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    for (uint32_t i = 0; i < image->settings->word_count; i++) {
        const struct am_image_word *word = &image->words[i];
        if (!am_image_verify_string(verifier, word->text))
            return am_image_verify_fail(verifier, "words", i, "its text is no string");
        size_t size = am_image_string(image, word->text).size;
        if (size < 1 || size > AM_WORD_MAX_BYTES)
            return am_image_verify_fail(verifier, "words", i, "its text is empty or too long");
        int flags = flags_found(image, i);
        if (flags < 0)
            return am_image_verify_fail(verifier, "words", i, "the vocabulary does not find it");
        if (!terminal_fine(image, word->phrase_terminal, flags & AM_WORD_IS_PHRASE) ||
            !terminal_fine(image, word->broad_terminal, flags & AM_WORD_IS_BROAD))
            return am_image_verify_fail(verifier, "words", i, "its flags contradict its terminals");
    }
    return true;
}

static bool verify_vocabulary(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    uint64_t used = 0;
    uint32_t ends = 0; /* bits that some bucket has clear */
    for (uint64_t i = 0; i < image->vocabulary_buckets; i++) {
        const struct am_image_vocabulary_bucket *bucket = &image->vocabulary[i];
        ends |= ~(uint32_t)bucket->displaced;
        for (int way = 0; way < AM_IMAGE_VOCABULARY_LANES; way++) {
            static const uint8_t empty[AM_VOCABULARY_KEY];
            bool vacant = memcmp(bucket->key[way], empty, sizeof empty) == 0;
            if (vacant != (bucket->word[way] == AM_NONE) || (vacant && bucket->flags[way]))
                return am_image_verify_fail(verifier, "vocabulary", i, "a way that is half empty");
            used += !vacant;
            if (!vacant && bucket->word[way] >= image->settings->word_count)
                return am_image_verify_fail(verifier, "vocabulary", i, "no such word");
        }
    }
    if ((ends & UINT8_MAX) != UINT8_MAX)
        return am_image_verify_fail(verifier, "vocabulary", 0, "a search would never end");
    if (used != image->settings->word_count)
        return am_image_verify_fail(verifier, "vocabulary", 0, "a word stands in it twice");
    return verify_words(verifier);
}

/* ---- edges ------------------------------------------------------------------------------------
 */

/* Whether a list of postings starts here. */
static bool is_terminal(const struct am_image *image, uint32_t posting) {
    return posting == 0 || am_image_posting_is_last(&image->postings[posting - 1]);
}

static bool is_node(const struct am_image *image, uint32_t number) {
    return number >= image->settings->terminal_end || is_terminal(image, number);
}

static uint64_t count_nodes(const struct am_image *image) {
    const struct am_image_settings *settings = image->settings;
    uint64_t nodes = settings->node_end - settings->terminal_end;
    for (uint32_t i = settings->first_node; i < settings->terminal_end; i++)
        nodes += is_terminal(image, i);
    return nodes;
}

static bool passes(const struct am_image *image, uint64_t key, enum am_image_tier tier) {
    const struct am_image_filters *filters = &image->filters[tier];
    bool first = key >> 32 >= image->settings->node_end;
    return am_image_filter_has(first ? &filters->first : &filters->later, am_image_edge_hash(key));
}

static const char *
edge_problem(const struct am_image_verifier *verifier, uint64_t key, uint32_t child) {
    const struct am_image *image = verifier->image;
    const struct am_image_settings *settings = image->settings;
    uint32_t parent = (uint32_t)(key >> 32), word = (uint32_t)key;
    if (parent < settings->leaf_end || parent > AM_NODE_OF_EXACT(settings))
        return "it leaves a node that has no children";
    if (word >= settings->word_count)
        return "no such word";
    if (child < settings->first_node || child >= settings->node_end ||
        !is_node(verifier->image, child))
        return "it leads to no node";
    if (verifier->parents[child] != AM_NONE)
        return "its node has two parents";
    if (!passes(image, key, AM_TIER_ALL))
        return "the filter does not let it pass";
    if (child < settings->terminal_end && image->postings[child].rank <= settings->top_rank &&
        settings->top_rank > 0 && !passes(image, key, AM_TIER_TOP))
        return "the top tier's filter does not let it pass";
    return NULL;
}

static bool verify_edges(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    uint64_t nodes = count_nodes(image);
    uint64_t edges = 0;
    uint32_t ends = 0; /* bits that some bucket has clear */
    for (uint64_t i = 0; i < image->edge_buckets; i++) {
        const struct am_image_edge_bucket *bucket = &image->edges[i];
        ends |= ~bucket->displaced;
        for (int way = 0; way < AM_IMAGE_EDGE_LANES; way++) {
            if (bucket->key[way] == AM_EDGE_EMPTY)
                continue;
            const char *problem = edge_problem(verifier, bucket->key[way], bucket->child[way]);
            if (problem)
                return am_image_verify_fail(verifier, "edges", i, problem);
            verifier->parents[bucket->child[way]] = (uint32_t)(bucket->key[way] >> 32);
            edges++;
        }
    }
    if (ends != UINT32_MAX)
        return am_image_verify_fail(verifier, "edges", 0, "a search would never end");
    if (edges != nodes)
        return am_image_verify_fail(verifier, "edges", 0, "a node that no edge leads to");
    return true;
}

/* ---- terminals and postings -------------------------------------------------------------------
 */

/* Match type and words of a terminal's keywords, told from where it stands. */
struct place {
    enum am_model_match_type match;
    uint32_t words;
};

static bool
place_of_node(const struct am_image_verifier *verifier, uint32_t node, struct place *place) {
    const struct am_image_settings *settings = verifier->image->settings;
    uint32_t steps = 0;
    while (node < settings->node_end) {
        if (++steps > AM_KEYWORD_MAX_WORDS)
            return false;
        node = verifier->parents[node];
    }
    if (node == AM_NODE_OF_EXACT(settings))
        *place = (struct place){AM_MATCH_EXACT, steps};
    else
        *place = (struct place){
            node < AM_NODE_OF_BROAD(settings, 0) ? AM_MATCH_PHRASE : AM_MATCH_BROAD, steps + 1};
    return place->words <= AM_KEYWORD_MAX_WORDS;
}

static const char *posting_problem(const struct am_image_verifier *verifier,
                                   uint32_t index,
                                   const struct place *place) {
    const struct am_image *image = verifier->image;
    const struct am_image_posting *posting = &image->postings[index];
    const struct am_image_keyword *keyword = &image->keywords[index];
    if (!am_image_verify_string(verifier, keyword->text))
        return "its text is no string";
    if (posting->rank == 0)
        return am_image_posting_ad(posting) < image->settings->negative_count
                   ? NULL
                   : "no such negative keyword";
    if (am_image_posting_ad(posting) >= image->settings->ad_count)
        return "no such ad";
    if (keyword->match != place->match || keyword->word_count != place->words)
        return "its match type or word count is not that of its place in the trie";
    if (keyword->ecpm > INT64_MAX / 1000 || keyword->bid > (uint64_t)AM_MONEY_MAX)
        return "its bid is above the limit";
    return NULL;
}

/* The list of a terminal, which ends because the last posting of all does. */
static bool
verify_list(struct am_image_verifier *verifier, uint32_t terminal, const struct place *place) {
    const struct am_image *image = verifier->image;
    if (!is_terminal(image, terminal))
        return am_image_verify_fail(verifier, "postings", terminal, "no list starts here");
    if (place->match == AM_MATCH_BROAD) {
        verifier->broad_terminals++;
        verifier->broad_words += place->words;
    }
    for (uint32_t i = terminal;; i++) {
        const char *problem = posting_problem(verifier, i, place);
        if (!problem && i > terminal && image->postings[i].rank < image->postings[i - 1].rank)
            problem = "ranks do not ascend";
        if (problem)
            return am_image_verify_fail(verifier, "postings", i, problem);
        if (am_image_posting_is_last(&image->postings[i]))
            return true;
    }
}

static bool verify_word_terminals(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    const struct am_image_settings *settings = image->settings;
    uint32_t seen = settings->any_terminal != AM_NONE;
    const struct place phrase = {AM_MATCH_PHRASE, 1}, broad = {AM_MATCH_BROAD, 1},
                       any = {AM_MATCH_ANY, 0};
    for (uint32_t i = 0; i < settings->word_count; i++) {
        const struct am_image_word *word = &image->words[i];
        if (word->phrase_terminal != AM_NONE &&
            (++seen, !verify_list(verifier, word->phrase_terminal, &phrase)))
            return false;
        if (word->broad_terminal != AM_NONE &&
            (++seen, !verify_list(verifier, word->broad_terminal, &broad)))
            return false;
    }
    if (settings->any_terminal != AM_NONE && !verify_list(verifier, settings->any_terminal, &any))
        return false;
    uint32_t lists = 0;
    for (uint32_t i = 0; i < settings->first_node; i++)
        lists += is_terminal(image, i);
    return seen == lists ||
           am_image_verify_fail(verifier, "postings", 0, "a list that no word and no node has");
}

/* The matcher compares terminals of one class by their numbers, and looks for negative keywords
 * only where they are said to be. */
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

/* Lists may not reach from one class of terminals into the next, and stand in order. */
static bool verify_classes(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    const struct am_image_settings *settings = image->settings;
    for (unsigned class = 0; class < AM_TERMINAL_CLASSES; class ++) {
        uint32_t end = am_image_class_end(settings, class);
        if (!is_terminal(image, end))
            return am_image_verify_fail(verifier, "postings", end - 1,
                                        "its list does not end here");
    }
    uint32_t lists = 0, before = AM_NONE;
    for (uint32_t i = 0; i < settings->terminal_end; i++) {
        if (!is_terminal(image, i))
            continue;
        const char *problem = order_problem(image, i, before);
        if (problem)
            return am_image_verify_fail(verifier, "postings", i, problem);
        before = i;
        lists++;
    }
    return lists == settings->terminal_count ||
           am_image_verify_fail(verifier, "settings", 0,
                                "terminal_count is not the number of lists");
}

static bool verify_terminals(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    const struct am_image_settings *settings = image->settings;
    if (!verify_word_terminals(verifier))
        return false;
    for (uint32_t node = settings->first_node; node < settings->node_end; node++) {
        struct place place;
        if (!is_node(image, node))
            continue;
        if (!place_of_node(verifier, node, &place))
            return am_image_verify_fail(verifier, "edges", node, "a node too deep, or in a circle");
        if (node < settings->terminal_end && !verify_list(verifier, node, &place))
            return false;
    }
    return (verifier->broad_terminals == settings->broad_terminals &&
            verifier->broad_words == settings->broad_words) ||
           am_image_verify_fail(verifier, "settings", 0, "its counts of broad terminals are wrong");
}

enum am_code am_image_verify(const struct am_image *image, struct am_error *error) {
    struct am_error local;
    struct am_image_verifier verifier = {.image = image, .error = error ? error : &local};
    size_t nodes = (size_t)image->settings->node_end + 1;
    enum am_code code = AM_OK;
    verifier.string_starts = calloc(image->strings_size / 4 / 64 + 1, sizeof(uint64_t));
    verifier.set_starts = calloc(image->set_count / 64 + 1, sizeof(uint64_t));
    verifier.parents = malloc(nodes * sizeof *verifier.parents);
    if (!verifier.string_starts || !verifier.set_starts || !verifier.parents) {
        code = am_error_set(error, AM_E_MEMORY, "out of memory while verifying an image");
        goto cleanup;
    }
    memset(verifier.parents, 0xFF, nodes * sizeof *verifier.parents);
    if (!am_image_verify_records(&verifier) || !verify_settings(&verifier) ||
        !verify_language(&verifier) || !verify_classes(&verifier) ||
        !verify_vocabulary(&verifier) || !verify_edges(&verifier) || !verify_terminals(&verifier))
        code = verifier.error->code;
cleanup:
    free(verifier.string_starts);
    free(verifier.set_starts);
    free(verifier.parents);
    return code;
}
