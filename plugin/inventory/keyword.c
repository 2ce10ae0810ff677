/* SPDX-License-Identifier: Apache-2.0 */
/* Keyword notation, and keywords to words. */
#include <stdio.h>

#include "../base/keyed.h"
#include "../text/characters.h"
#include "../text/words.h"
#include "hints.h"
#include "reader.h"

/* 27": an inch. */
static bool ends_with_inch(struct am_view text) {
    return text.size > 1 && text.data[text.size - 1] == '"' && text.data[text.size - 2] >= '0' &&
           text.data[text.size - 2] <= '9';
}

/* Strips one pair of marks, "..." or [...]; false when one of the two is missing. */
static bool unwrap(struct am_view *text, char open, char close) {
    bool opens = text->size && text->data[0] == open;
    bool closes = text->size > (size_t)opens && text->data[text->size - 1] == close;
    if (!opens && ends_with_inch(*text))
        return true;
    if (opens != closes)
        return false;
    if (opens)
        *text = am_text_trimmed((struct am_view){text->data + 1, text->size - 2});
    return true;
}

/* "-[a b]" and so on. */
static bool read_notation(struct am_inventory_reader *reader,
                          struct am_view written,
                          struct am_inventory_keyword *keyword) {
    struct am_view text = am_text_trimmed(written);
    if (text.size && text.data[0] == '-') {
        keyword->negative = true;
        text = am_text_trimmed((struct am_view){text.data + 1, text.size - 1});
    }
    char first = text.size ? text.data[0] : '\0';
    keyword->match = first == '"'   ? AM_MATCH_PHRASE
                     : first == '[' ? AM_MATCH_EXACT
                                    : AM_MATCH_BROAD;
    if (am_view_equal(text, AM_VIEW("*")))
        keyword->match = AM_MATCH_ANY;
    if (!unwrap(&text, '"', '"') || !unwrap(&text, '[', ']')) {
        am_inventory_reader_error(reader,
                                  "keyword " AM_QUOTED
                                  ": expected word, \"phrase\" or [exact], with both "
                                  "quotes or brackets",
                                  AM_QUOTED_ARGUMENTS(written));
        return false;
    }
    if (text.size == 0 && !keyword->negative) {
        am_inventory_reader_error(reader, "keyword " AM_QUOTED ": expected at least one word in it",
                                  AM_QUOTED_ARGUMENTS(written));
        return false;
    }
    keyword->text = text;
    return true;
}

static bool read_match(struct am_inventory_reader *reader,
                       const struct am_json_node *value,
                       struct am_inventory_keyword *keyword) {
    for (int type = AM_MATCH_EXACT; type <= AM_MATCH_BROAD; type++)
        if (am_json_string_is(&reader->json, value,
                              am_model_match_type_name((enum am_model_match_type)type))) {
            keyword->match = (uint8_t)type;
            return true;
        }
    am_inventory_reader_expected(reader, "keywords.match", "\"exact\", \"phrase\" or \"broad\"",
                                 value);
    return false;
}

static bool read_object_member(struct am_inventory_reader *reader,
                               const struct am_json_node *key,
                               const struct am_json_node *value,
                               struct am_inventory_keyword *keyword) {
    static const char *const names[] = {"text", "match", "negative", "bid", NULL};
    if (am_json_string_is(&reader->json, key, "text")) {
        if (!am_inventory_read_text(reader, "keywords.text", value, AM_KEYWORD_MAX_BYTES,
                                    &keyword->text))
            return false;
        keyword->text = am_text_trimmed(keyword->text);
        return true;
    }
    if (am_json_string_is(&reader->json, key, "match"))
        return read_match(reader, value, keyword);
    if (am_json_string_is(&reader->json, key, "negative"))
        return am_inventory_read_boolean(reader, "keywords.negative", value, &keyword->negative);
    if (am_json_string_is(&reader->json, key, "bid"))
        return am_inventory_read_number(reader, "keywords.bid", value, 6, 0, AM_MONEY_MAX,
                                        "a decimal from 0 to 1000000 with at most 6 decimals",
                                        &keyword->bid);
    struct am_view name = am_inventory_reader_string(reader, key);
    char hint[AM_HINT_SIZE];
    am_inventory_reader_warning(reader, "keywords: unknown member \"" AM_QUOTED "\"%s",
                                AM_QUOTED_ARGUMENTS(name),
                                am_inventory_hint_member(AM_OBJECT_KEYWORD, name, names, hint));
    return true;
}

static bool read_object(struct am_inventory_reader *reader,
                        const struct am_json_node *value,
                        struct am_inventory_keyword *keyword) {
    const struct am_json_node *key = am_json_first(value);
    for (uint32_t i = 0; i < value->children; i++) {
        const struct am_json_node *member = am_json_after(&reader->json, key);
        if (!read_object_member(reader, key, member, keyword))
            return false;
        key = am_json_after(&reader->json, member);
    }
    if (!keyword->text.data) {
        am_inventory_reader_expected(reader, "keywords", "an object with a \"text\"", value);
        return false;
    }
    if (am_view_equal(keyword->text, AM_VIEW("*")))
        keyword->match = AM_MATCH_ANY;
    return true;
}

void am_inventory_read_keyword(struct am_inventory_reader *reader,
                               const struct am_json_node *value,
                               bool always_negative) {
    struct am_inventory_keyword keyword = {.bid = -1, .match = AM_MATCH_BROAD};
    struct am_view written;
    bool fine;
    if (value->type == AM_JSON_OBJECT)
        fine = read_object(reader, value, &keyword);
    else
        fine = am_inventory_read_text(reader, "keywords", value, AM_KEYWORD_MAX_BYTES, &written) &&
               read_notation(reader, written, &keyword);
    if (!fine)
        return;
    keyword.negative |= always_negative;
    if (keyword.negative && keyword.match == AM_MATCH_ANY) {
        am_inventory_reader_error(
            reader, "keywords: a negative \"*\" would stop the ad always; use status");
        return;
    }
    if (keyword.negative && keyword.bid >= 0) {
        am_inventory_reader_error(reader, "keywords: a negative keyword has no bid");
        return;
    }
    am_inventory_hint_keyword(reader, &keyword, value->type == AM_JSON_OBJECT);
    if (!am_vector_push(&reader->keywords, &keyword))
        reader->out_of_memory = true;
}

/* ---- words ------------------------------------------------------------------------------------
 */

struct normaliser {
    struct am_inventory_reader *reader;
    struct am_text_splitter_memory memory;
    struct am_text_word_rules rules;
    struct am_vector joined, written; /* char: the words, and the same before accents were folded */
};

static bool add_word(struct am_vector *joined, const char *text, uint32_t size) {
    char *place = am_vector_extend(joined, size + 1);
    if (!place)
        return false;
    memcpy(place, text, size);
    place[size] = ' ';
    return true;
}

/* Adds the words that the splitter has just given in both forms. */
static bool add_words(struct normaliser *normaliser,
                      const struct am_text_splitter *splitter,
                      const struct am_text_word *words,
                      size_t count) {
    size_t next = 0;
    for (size_t i = 0; i < count; i++) {
        const char *text = am_text_word_text(splitter, &words[i]);
        const struct am_text_written_form *form = &splitter->written[next];
        bool differs = next < splitter->written_count && form->word == i;
        next += differs;
        if (!add_word(&normaliser->joined, text, words[i].size) ||
            !add_word(&normaliser->written, differs ? splitter->texts + form->text : text,
                      differs ? form->size : words[i].size))
            return false;
    }
    return true;
}

/* Joins the keyword's words; false after an error was reported. */
static bool join_words(struct normaliser *normaliser,
                       struct am_inventory_keyword *keyword,
                       uint32_t *word_count) {
    struct am_inventory_reader *reader = normaliser->reader;
    struct am_text_word words[AM_WORDS_LEAST];
    struct am_text_splitter splitter;
    size_t split;
    *word_count = 0;
    normaliser->joined.count = normaliser->written.count = 0;
    am_text_splitter_start(&splitter, keyword->text, &normaliser->rules, normaliser->memory);
    splitter.wants_written = true;
    while ((split = am_text_splitter_next(&splitter, words, AM_COUNT_OF(words))) > 0) {
        for (size_t i = 0; i < split; i++)
            if (words[i].size == 0) {
                am_inventory_reader_error(reader,
                                          "keyword \"" AM_QUOTED "\": a word of more than %d bytes",
                                          AM_QUOTED_ARGUMENTS(keyword->text), AM_WORD_MAX_BYTES);
                return false;
            }
        if (!add_words(normaliser, &splitter, words, split))
            return !(reader->out_of_memory = true);
        *word_count += (uint32_t)split;
    }
    return true;
}

static void normalise(struct normaliser *normaliser, struct am_inventory_keyword *keyword) {
    struct am_inventory_reader *reader = normaliser->reader;
    uint32_t count;
    if (keyword->match == AM_MATCH_ANY || !join_words(normaliser, keyword, &count))
        return;
    if (count == 0 && keyword->negative) {
        am_inventory_reader_warning(
            reader, "negative keyword \"" AM_QUOTED "\": no word is left, so it stops nothing",
            AM_QUOTED_ARGUMENTS(keyword->text));
        return;
    }
    if (count == 0) {
        am_inventory_reader_error(reader,
                                  "keyword \"" AM_QUOTED
                                  "\": no word is left; expected at least one letter "
                                  "or digit",
                                  AM_QUOTED_ARGUMENTS(keyword->text));
        return;
    }
    uint32_t written = am_text_count_written_words(keyword->text);
    if (written > AM_KEYWORD_MAX_WRITTEN_WORDS) {
        am_inventory_reader_error(
            reader, "keyword \"" AM_QUOTED "\": %u words, expected at most %d",
            AM_QUOTED_ARGUMENTS(keyword->text), written, AM_KEYWORD_MAX_WRITTEN_WORDS);
        return;
    }
    if (count > AM_KEYWORD_MAX_WORDS) {
        am_inventory_reader_error(
            reader, "keyword \"" AM_QUOTED "\": splits into %u words, expected at most %d",
            AM_QUOTED_ARGUMENTS(keyword->text), count, AM_KEYWORD_MAX_WORDS);
        return;
    }
    if (keyword->match == AM_MATCH_BROAD && count > 1 && written == 1)
        keyword->match = AM_MATCH_PHRASE;
    const struct am_vector *words =
        keyword->match == AM_MATCH_BROAD ? &normaliser->written : &normaliser->joined;
    keyword->words =
        am_inventory_reader_keep_text(reader, (struct am_view){words->data, words->count - 1});
    keyword->word_count = (uint8_t)count;
}

/* ---- duplicates -------------------------------------------------------------------------------
 */

struct keyed {
    uint64_t hash;
    uint32_t position;
};

uint32_t am_inventory_keyword_words(const struct am_inventory_keyword *keyword,
                                    struct am_view words[AM_KEYWORD_MAX_WORDS]) {
    struct am_view rest = keyword->words;
    uint32_t count = 0;
    while (rest.size && count < AM_KEYWORD_MAX_WORDS) {
        const char *space = memchr(rest.data, ' ', rest.size);
        size_t size = space ? (size_t)(space - rest.data) : rest.size;
        words[count++] = (struct am_view){rest.data, size};
        rest.data += size + (space != NULL);
        rest.size -= size + (space != NULL);
    }
    return count;
}

/* The words that keywords are compared by: of a broad keyword the set, else the sequence. */
static struct am_view words_key(const struct am_inventory_keyword *keyword, char *memory) {
    if (keyword->match != AM_MATCH_BROAD)
        return keyword->words;
    struct am_view words[AM_KEYWORD_MAX_WORDS];
    uint32_t count = am_inventory_sort_views(words, am_inventory_keyword_words(keyword, words));
    size_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(memory + used, words[i].data, words[i].size);
        used += words[i].size;
        memory[used++] = ' ';
    }
    return (struct am_view){memory, used};
}

static int by_hash(const void *a, const void *b) {
    const struct keyed *left = a, *right = b;
    if (left->hash != right->hash)
        return left->hash < right->hash ? -1 : 1;
    return (left->position > right->position) - (left->position < right->position);
}

/* Of keywords with the same match type and words the highest bid stays, the first on a tie. Texts
 * are compared, too, since a collision of 64-bit hashes would lose a keyword. */
static void drop_duplicates(struct normaliser *normaliser, struct am_inventory_ad *ad) {
    struct am_inventory_reader *reader = normaliser->reader;
    struct am_inventory_keyword *keywords = (struct am_inventory_keyword *)(uintptr_t)ad->keywords;
    struct am_vector keyed = AM_VECTOR_OF(struct keyed);
    /* A word of n bytes is at most 18 times as long as its source; see AM_WORD_MAX_BYTES. */
    char *memory = malloc(2 * (size_t)(AM_WORD_MAX_BYTES + 1) * AM_KEYWORD_MAX_WORDS);
    struct keyed *items = am_vector_extend(&keyed, ad->keyword_count);
    if (!items || !memory) {
        reader->out_of_memory = true;
        goto cleanup;
    }
    char *other = memory + (size_t)(AM_WORD_MAX_BYTES + 1) * AM_KEYWORD_MAX_WORDS;
    for (uint32_t i = 0; i < ad->keyword_count; i++) {
        struct am_view key = words_key(&keywords[i], memory);
        items[i] = (struct keyed){
            am_keyed_hash_pair(am_keyed_hash(key).value, keywords[i].match).value, i};
    }
    qsort(items, ad->keyword_count, sizeof *items, by_hash);
    for (uint32_t i = 1, best = 0; i < ad->keyword_count; i++) {
        struct am_inventory_keyword *kept = &keywords[items[best].position];
        struct am_inventory_keyword *next = &keywords[items[i].position];
        if (items[i].hash != items[best].hash || kept->match != next->match ||
            !am_view_equal(words_key(kept, memory), words_key(next, other))) {
            best = i;
            continue;
        }
        int64_t kept_bid = kept->bid >= 0 ? kept->bid : ad->bid;
        int64_t next_bid = next->bid >= 0 ? next->bid : ad->bid;
        if (next_bid > kept_bid) {
            kept->word_count = UINT8_MAX;
            best = i;
        } else {
            next->word_count = UINT8_MAX;
        }
        reader->report->duplicate_keywords++;
    }
    uint32_t left = 0;
    for (uint32_t i = 0; i < ad->keyword_count; i++)
        if (keywords[i].word_count != UINT8_MAX)
            keywords[left++] = keywords[i];
    ad->keyword_count = left;
cleanup:
    free(memory);
    am_vector_free(&keyed);
}

static void normalise_all(struct normaliser *normaliser,
                          const struct am_inventory_keyword *keywords,
                          uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        normalise(normaliser, (struct am_inventory_keyword *)(uintptr_t)&keywords[i]);
}

/* Negative keywords without a word are left out, after a warning. */
static void normalise_negatives(struct normaliser *normaliser, struct am_inventory_rules *rules) {
    struct am_inventory_keyword *negatives =
        (struct am_inventory_keyword *)(uintptr_t)rules->negatives;
    uint32_t kept = 0;
    normalise_all(normaliser, negatives, rules->negative_count);
    for (uint32_t i = 0; i < rules->negative_count; i++)
        if (negatives[i].word_count)
            negatives[kept++] = negatives[i];
    rules->negative_count = kept;
}

static void start_record(struct am_inventory_reader *reader,
                         const char *kind,
                         struct am_view id,
                         uint32_t line) {
    am_inventory_reader_label(reader, kind, id);
    reader->line = line;
    reader->bad = false;
}

void am_inventory_normalise_keywords(struct am_inventory_reader *reader) {
    size_t size = am_text_splitter_memory_size(AM_KEYWORD_MAX_BYTES);
    struct normaliser normaliser = {.reader = reader,
                                    .memory = {malloc(size), size},
                                    .rules = am_text_word_rules_of(reader->inventory->language,
                                                                   reader->inventory->fold_accents),
                                    .joined = AM_VECTOR_OF(char),
                                    .written = AM_VECTOR_OF(char)};
    if (!normaliser.memory.memory) {
        reader->out_of_memory = true;
        return;
    }
    for (size_t i = 0; i < reader->campaigns.count && !reader->out_of_memory; i++) {
        struct am_inventory_campaign *campaign =
            AM_VECTOR_AT(&reader->campaigns, struct am_inventory_campaign, i);
        start_record(reader, "campaign", campaign->id, campaign->rules.line);
        normalise_negatives(&normaliser, &campaign->rules);
        AM_VECTOR_AT(&reader->campaign_drafts, struct am_inventory_draft, i)->bad |= reader->bad;
    }
    for (size_t i = 0; i < reader->ads.count && !reader->out_of_memory; i++) {
        struct am_inventory_ad *ad = AM_VECTOR_AT(&reader->ads, struct am_inventory_ad, i);
        start_record(reader, "ad", ad->id, ad->rules.line);
        normalise_negatives(&normaliser, &ad->rules);
        normalise_all(&normaliser, ad->keywords, ad->keyword_count);
        if (!reader->bad && ad->keyword_count > 1)
            drop_duplicates(&normaliser, ad);
        AM_VECTOR_AT(&reader->ad_drafts, struct am_inventory_draft, i)->bad |= reader->bad;
    }
    am_vector_free(&normaliser.joined);
    am_vector_free(&normaliser.written);
    free(normaliser.memory.memory);
}
