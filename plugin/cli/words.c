/* SPDX-License-Identifier: Apache-2.0 */
/* `admatch words`: how a text splits into words, for people who write keywords. */
#include "../text/words.h"
#include "../text/stem.h"
#include "command.h"
#include "input.h"

#include <stdio.h>
#include <stdlib.h>

enum { OPTION_KEEP_ACCENTS = 256, OPTION_LANGUAGE };

static const struct option options[] = {
    {"keep-accents", no_argument, NULL, OPTION_KEEP_ACCENTS},
    {"language", required_argument, NULL, OPTION_LANGUAGE},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

enum { TEXT_MAX_BYTES = 64 << 20 };

struct position {
    uint32_t bytes, utf16;
};

/* Begins of words never go back, as ends may, so the UTF-16 count goes on from the last begin.
 * Spans stand on character borders. */
static uint32_t utf16_at(struct position *known, struct am_view text, uint32_t bytes) {
    known->utf16 += am_text_utf16_length(text.data + known->bytes, bytes - known->bytes);
    known->bytes = bytes;
    return known->utf16;
}

static void print_word(const struct am_text_splitter *splitter,
                       const struct am_text_word *word,
                       struct position *known,
                       struct am_text_stemmer *stemmer) {
    struct am_view text = splitter->text;
    struct am_view normal = {am_text_word_text(splitter, word), word->size};
    uint32_t begin = utf16_at(known, text, word->begin);
    struct am_view original = {text.data + word->begin, word->end - word->begin};
    uint32_t end = begin + am_text_utf16_length(original.data, original.size);
    printf("%.*s\t%u-%u\t%u-%u\t%.*s", AM_VIEW_ARGUMENTS(normal), word->begin, word->end, begin,
           end, AM_VIEW_ARGUMENTS(original));
    if (stemmer) {
        struct am_view stem = am_text_stem(stemmer, normal);
        printf("\t%.*s", AM_VIEW_ARGUMENTS(stem));
    }
    putchar('\n');
}

static enum am_code print_words(struct am_view text,
                                bool fold_accents,
                                struct am_text_stemmer *stemmer,
                                struct am_error *error) {
    struct am_text_splitter_memory memory = {NULL, am_text_splitter_memory_size(text.size)};
    memory.memory = malloc(memory.size);
    if (!memory.memory)
        return am_error_set(error, AM_E_MEMORY, "not enough memory for a text of %zu bytes",
                            text.size);
    struct am_text_splitter splitter;
    struct am_text_word words[64];
    struct position known = {0, 0};
    am_text_splitter_start(&splitter, text, fold_accents, memory);
    for (size_t count; (count = am_text_splitter_next(&splitter, words, AM_COUNT_OF(words))) > 0;)
        for (size_t i = 0; i < count; i++)
            print_word(&splitter, &words[i], &known, stemmer);
    free(memory.memory);
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

static int show_words(const char *operand, bool fold_accents, const char *language) {
    struct am_error error;
    struct am_cli_input *input = NULL;
    struct am_text_stemmer *stemmer = NULL;
    struct am_view text;
    enum am_code code = read_text(operand, &input, &text, &error);
    if (code == AM_OK && language && !(stemmer = am_text_stemmer_new(am_view_of(language), &error)))
        code = error.code;
    if (code == AM_OK)
        code = print_words(text, fold_accents, stemmer, &error);
    if (code == AM_OK && stemmer && am_text_stemmer_failed(stemmer))
        code = am_error_set(&error, AM_E_MEMORY, "not enough memory for stems");
    am_text_stemmer_free(stemmer);
    am_cli_input_close(input);
    return am_cli_finish(code == AM_OK ? AM_EXIT_OK : am_cli_fail(&error));
}

static int run(int argc, char **argv) {
    struct am_cli_arguments arguments = {&am_cli_command_words, argc, argv, AM_EXIT_UNDECIDED};
    const char *language = NULL;
    bool fold_accents = true;
    for (int option; (option = am_cli_option(&arguments)) != -1;) {
        if (option == OPTION_LANGUAGE)
            language = optarg;
        else
            fold_accents = false;
    }
    const char *operand = am_cli_operand(&arguments, "TEXT");
    if (!operand)
        return arguments.status;
    if (language && am_text_stemmer_check(am_view_of(language)) == AM_E_INVALID)
        return am_cli_usage(&arguments, "there are no stems for the language '%s'", language);
    return show_words(operand, fold_accents, language);
}

const struct am_cli_command am_cli_command_words = {
    .name = "words",
    .synopsis = "[--language LANGUAGE] [--keep-accents] TEXT|-",
    .summary = "Shows how a text splits into words",
    .details =
        "      --language LANGUAGE  also show the stems that broad keywords are compared by\n"
        "      --keep-accents       as in an inventory with \"fold_accents\": false\n"
        "  -h, --help               show this help\n\n"
        "A line a word, its columns parted by tabs: the word as it is compared, its span in "
        "bytes,\n"
        "its span in UTF-16 units, what the text has there, and the stem. - reads standard input;\n"
        "write -- before a text that begins with a dash.\n",
    .letters = ":h",
    .options = options,
    .run = run,
};
