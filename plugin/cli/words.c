/* SPDX-License-Identifier: Apache-2.0 */
/* `admatch words`: how a text splits into words, for people who write keywords. */
#include "../text/words.h"
#include "../text/markup.h"
#include "../text/stem.h"
#include "command.h"
#include "input.h"

#include <stdio.h>
#include <stdlib.h>

enum { OPTION_KEEP_ACCENTS = 256, OPTION_LANGUAGE, OPTION_HTML };

static const struct option options[] = {
    {"keep-accents", no_argument, NULL, OPTION_KEEP_ACCENTS},
    {"html", no_argument, NULL, OPTION_HTML},
    {"language", required_argument, NULL, OPTION_LANGUAGE},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

enum { TEXT_MAX_BYTES = 64 << 20 };

struct position {
    uint32_t bytes, utf16;
};

/* Words' begins ascend, while their ends may not, so the UTF-16 count continues from the last
 * begin. Spans end on character boundaries. */
static uint32_t utf16_at(struct position *known, struct am_view text, uint32_t bytes) {
    known->utf16 += am_text_utf16_length(text.data + known->bytes, bytes - known->bytes);
    known->bytes = bytes;
    return known->utf16;
}

/* What is printed, and its sources. */
struct shown {
    struct am_view source;
    enum am_text_markup markup;
    struct am_text_markup_places places;
    struct position known;
    struct am_text_word_rules rules;
    struct am_text_stemmer *stemmer; /* NULL: no stems */
};

/* What broad keywords compare of a word; `written`: before its accents were folded. */
static void print_keys(struct shown *shown, struct am_view written, struct am_view folded) {
    struct am_text_keys keys = am_text_keys_of(shown->stemmer, &shown->rules, written, folded);
    printf("\t%.*s", AM_VIEW_ARGUMENTS(keys.first));
    printf("\t%.*s", AM_VIEW_ARGUMENTS(keys.second));
}

static void print_word(struct shown *shown,
                       const struct am_text_splitter *splitter,
                       const struct am_text_word *word) {
    struct am_view normal = {am_text_word_text(splitter, word), word->size};
    uint32_t begin, end;
    am_text_markup_place(&shown->places, word->begin, word->end, &begin, &end);
    struct am_view original = {shown->source.data + begin, end - begin};
    uint32_t utf16_begin = utf16_at(&shown->known, shown->source, begin);
    uint32_t utf16_end = utf16_begin + am_text_utf16_length(original.data, original.size);
    printf("%.*s\t%u-%u\t%u-%u\t%.*s", AM_VIEW_ARGUMENTS(normal), begin, end, utf16_begin,
           utf16_end, AM_VIEW_ARGUMENTS(original));
}

static void print_batch(struct shown *shown,
                        const struct am_text_splitter *splitter,
                        const struct am_text_word *words,
                        size_t count) {
    size_t next = 0;
    for (size_t i = 0; i < count; i++) {
        struct am_view folded = {am_text_word_text(splitter, &words[i]), words[i].size};
        struct am_view written = folded;
        if (next < splitter->written_count && splitter->written[next].word == i) {
            const struct am_text_written_form *form = &splitter->written[next++];
            written = (struct am_view){splitter->texts + form->text, form->size};
        }
        print_word(shown, splitter, &words[i]);
        if (shown->stemmer)
            print_keys(shown, written, folded);
        putchar('\n');
    }
}

static enum am_code print_words(struct shown *shown, struct am_error *error) {
    struct am_text_splitter_memory memory = {NULL,
                                             am_text_splitter_memory_size(shown->source.size)};
    char *decoded = malloc(am_text_markup_size(shown->source.size, shown->markup) + 1);
    memory.memory = malloc(memory.size);
    if (!memory.memory || !decoded) {
        free(memory.memory);
        free(decoded);
        return am_error_set(error, AM_E_MEMORY, "not enough memory for a text of %zu bytes",
                            shown->source.size);
    }
    struct am_view text = am_text_markup_text(shown->source, shown->markup, decoded, NULL);
    struct am_text_splitter splitter;
    struct am_text_word words[64];
    am_text_markup_places_start(&shown->places, shown->source, shown->markup);
    am_text_splitter_start(&splitter, text, &shown->rules, memory);
    splitter.wants_written = shown->stemmer != NULL;
    for (size_t count; (count = am_text_splitter_next(&splitter, words, AM_COUNT_OF(words))) > 0;)
        print_batch(shown, &splitter, words, count);
    free(memory.memory);
    free(decoded);
    return AM_OK;
}

static enum am_code read_text(const char *operand,
                              struct am_cli_input **input,
                              struct am_view *text,
                              struct am_error *error) {
    *text = am_view_of(operand);
    if (strcmp(operand, "-") != 0)
        return AM_OK;
    enum am_code code = am_cli_input_open(operand, TEXT_MAX_BYTES, input, error);
    if (code == AM_OK)
        code = am_cli_input_whole(*input, text, error);
    if (code == AM_OK && text->size > TEXT_MAX_BYTES)
        code = am_error_set(error, AM_E_LIMIT, "the text is longer than %d bytes", TEXT_MAX_BYTES);
    return code;
}

static int show_words(const char *operand, const char *language, struct shown *shown) {
    struct am_error error;
    struct am_cli_input *input = NULL;
    enum am_code code = read_text(operand, &input, &shown->source, &error);
    bool stems = language && am_text_stemmer_check(am_view_of(language)) != AM_E_INVALID;
    if (code == AM_OK && stems &&
        !(shown->stemmer = am_text_stemmer_new(am_view_of(language), &error)))
        code = error.code;
    if (code == AM_OK)
        code = print_words(shown, &error);
    if (code == AM_OK && shown->stemmer && am_text_stemmer_failures(shown->stemmer))
        code = am_error_set(&error, AM_E_MEMORY, "not enough memory for stems");
    am_text_stemmer_free(shown->stemmer);
    am_cli_input_close(input);
    return am_cli_finish(code == AM_OK ? AM_EXIT_OK : am_cli_fail(&error));
}

static int run(int argc, char **argv) {
    struct am_cli_arguments arguments = {&am_cli_command_words, argc, argv, AM_EXIT_UNDECIDED};
    const char *language = NULL;
    bool fold_accents = true;
    struct shown shown = {.markup = AM_MARKUP_NONE};
    for (int option; (option = am_cli_option(&arguments)) != -1;) {
        if (option == OPTION_LANGUAGE)
            language = optarg;
        else if (option == OPTION_HTML)
            shown.markup = AM_MARKUP_HTML;
        else
            fold_accents = false;
    }
    const char *operand = am_cli_operand(&arguments, "TEXT");
    if (!operand)
        return arguments.status;
    if (language && am_text_language_check(am_view_of(language)) == AM_E_INVALID)
        return am_cli_usage(&arguments, "unknown language '%s'; expected a code of ISO 639-1",
                            language);
    shown.rules = am_text_word_rules_of(am_view_of(language), fold_accents);
    return show_words(operand, language, &shown);
}

const struct am_cli_command am_cli_command_words = {
    .name = "words",
    .synopsis = "[--language LANGUAGE] [--keep-accents] [--html] TEXT|-",
    .summary = "Shows how a text splits into words",
    .details =
        "      --language LANGUAGE  by the rules of a language, and with the two keys that\n"
        "                           broad keywords are compared by\n"
        "      --keep-accents       as in an inventory with \"fold_accents\": false\n"
        "      --html               the text is a page in HTML, or a part of one\n"
        "  -h, --help               show this help\n\n"
        "A line a word, its columns parted by tabs: the word as it is compared, its span in "
        "bytes,\n"
        "its span in UTF-16 units, what the text has there, and the keys. - reads standard input;\n"
        "write -- before a text that begins with a dash.\n",
    .letters = ":h",
    .options = options,
    .run = run,
};
