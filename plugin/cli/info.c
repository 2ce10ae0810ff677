/* SPDX-License-Identifier: Apache-2.0 */
/* `admatch info`: what an image says about itself. */
#include "../base/decimal.h"
#include "../index/image.h"
#include "command.h"

#include <stdio.h>

static const struct option options[] = {
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char *const section_names[AM_SECTIONS + 1] = {
    [AM_SECTION_SETTINGS] = "settings",
    [AM_SECTION_VOCABULARY] = "vocabulary",
    [AM_SECTION_WORDS] = "words",
    [AM_SECTION_EDGES] = "edges",
    [AM_SECTION_FILTER] = "filter",
    [AM_SECTION_POSTINGS] = "postings",
    [AM_SECTION_KEYWORDS] = "keywords",
    [AM_SECTION_ADS] = "ads",
    [AM_SECTION_AD_DETAILS] = "ad details",
    [AM_SECTION_CAMPAIGNS] = "campaigns",
    [AM_SECTION_TERMS] = "terms",
    [AM_SECTION_TERM_TABLE] = "term table",
    [AM_SECTION_TREES] = "trees",
    [AM_SECTION_TREE_NODES] = "tree nodes",
    [AM_SECTION_SETS] = "sets",
    [AM_SECTION_STRINGS] = "strings",
    [AM_SECTION_ADVERTISERS] = "advertisers",
    [AM_SECTION_KEYS] = "keys",
    [AM_SECTION_ZONE_NAMES] = "zone names",
    [AM_SECTION_ZONES] = "zones",
    [AM_SECTION_TRANSITIONS] = "transitions",
    [AM_SECTION_FORMS] = "forms",
    [AM_SECTION_SPELLINGS] = "spellings",
    [AM_SECTION_LIMITS] = "limits",
    [AM_SECTION_AD_CAPS] = "ad caps",
    [AM_SECTION_CREATIVES] = "creatives",
};

static void print_number(const char *label, uint64_t value) {
    char number[AM_CLI_NUMBER_SIZE];
    printf("%-20s %s\n", label, am_cli_number(value, number));
}

static void print_header(const struct am_image *image) {
    const struct am_image_header *header = image->header;
    printf("%-20s %u.%u\n", "format version", header->format_version, header->minor_version);
    printf("%-20s %u\n", "word rules version", header->word_rules_version);
    printf("%-20s %s\n", "generation", image->generation);
    print_number("bytes", header->total_size);
    printf("%-20s ", "source digest");
    for (size_t i = 0; i < sizeof header->source_digest; i++)
        printf("%02x", header->source_digest[i]);
    putchar('\n');
    print_number("source bytes", header->source_size);
    printf("%-20s %016llx\n", "time zones digest", (unsigned long long)header->zones_digest);
    printf("%-20s %s\n", "bad records", header->lenient ? "dropped" : "refused");
    if (header->lenient)
        print_number("records dropped", header->skipped_records);
}

static void print_sections(const struct am_image *image) {
    printf("\n%-12s %8s %14s %16s %7s\n", "section", "record", "records", "bytes", "share");
    for (int id = 1; id <= AM_SECTIONS; id++) {
        const struct am_image_section_entry *entry = image->entries[id];
        uint64_t bytes = entry->count * entry->record_size;
        char records[AM_CLI_NUMBER_SIZE], size[AM_CLI_NUMBER_SIZE];
        printf("%-12s %8u %14s %16s %6.1f%%\n", section_names[id], entry->record_size,
               am_cli_number(entry->count, records), am_cli_number(bytes, size),
               100.0 * (double)bytes / (double)image->size);
    }
}

/* The keyword index is what matching walks; the sections after it hold what ads and answers need.
 */
static void print_index_size(const struct am_image *image, uint64_t keywords) {
    uint64_t bytes = 0;
    for (int id = AM_SECTION_VOCABULARY; id <= AM_SECTION_POSTINGS; id++)
        bytes += image->entries[id]->count * image->entries[id]->record_size;
    print_number("index bytes", bytes);
    if (keywords)
        printf("%-20s %.1f\n", "index bytes/keyword", (double)bytes / (double)keywords);
}

static void print_counts(const struct am_image *image) {
    const struct am_image_settings *settings = image->settings;
    uint64_t keywords = settings->negative_keywords;
    putchar('\n');
    print_number("ads", settings->ad_count);
    print_number("campaigns", settings->campaign_count);
    print_number("records with budgets", image->limits_count);
    for (int type = 0; type < AM_MATCH_TYPES; type++) {
        char label[32];
        snprintf(label, sizeof label, "keywords, %s",
                 am_model_match_type_name((enum am_model_match_type)type));
        print_number(label, settings->keyword_counts[type]);
        keywords += settings->keyword_counts[type];
    }
    print_number("keywords, negative", settings->negative_keywords);
    print_number("words", settings->word_count);
    print_number("trie nodes",
                 (uint64_t)settings->node_end - settings->terminal_end + settings->terminal_count);
    print_number("trie terminals", settings->terminal_count);
    print_number("top tier, last rank", settings->top_rank);
    print_number("longest phrase", settings->longest_phrase);
    print_number("longest exact", settings->longest_exact);
    print_number("targeting trees", image->tree_count);
    print_index_size(image, keywords);
}

static void print_settings(const struct am_image *image) {
    const struct am_image_settings *settings = image->settings;
    struct am_view currency = am_image_string(image, settings->currency);
    struct am_view language = am_image_string(image, settings->language);
    putchar('\n');
    am_cli_print_line(stdout, "%-20s %.*s", "currency", AM_VIEW_ARGUMENTS(currency));
    am_cli_print_line(stdout, "%-20s %.*s", "language", AM_VIEW_ARGUMENTS(language));
    printf("%-20s %s\n", "fold_accents", settings->fold_accents ? "true" : "false");
    printf("%-20s %s\n", "stem", settings->stem ? "true" : "false");
    printf("%-20s %u\n", "broad_window", settings->broad_window);
    for (int type = 0; type < AM_MATCH_ANY; type++) {
        char label[32], weight[AM_DECIMAL_TEXT_SIZE];
        size_t size = am_decimal_write(settings->match_weight[type], 3, weight);
        snprintf(label, sizeof label, "match_weight, %s",
                 am_model_match_type_name((enum am_model_match_type)type));
        printf("%-20s %.*s\n", label, (int)size, weight);
    }
}

/* Strings of the settings are read here, so the references must have been walked first. */
static int print_image(const char *path) {
    struct am_error error;
    struct am_image *image = NULL;
    enum am_code code = am_image_open(path, &image, &error);
    if (code == AM_OK)
        code = am_image_verify(image, &error);
    if (code == AM_OK) {
        print_header(image);
        print_settings(image);
        print_counts(image);
        print_sections(image);
    }
    am_image_close(image);
    return am_cli_finish(code == AM_OK ? AM_EXIT_OK : am_cli_fail(&error));
}

static int run(int argc, char **argv) {
    struct am_cli_arguments arguments = {&am_cli_command_info, argc, argv, AM_EXIT_UNDECIDED};
    while (am_cli_option(&arguments) != -1)
        continue;
    const char *path = am_cli_operand(&arguments, "IMAGE");
    return path ? print_image(path) : arguments.status;
}

const struct am_cli_command am_cli_command_info = {
    .name = "info",
    .synopsis = "IMAGE",
    .summary = "Shows an image's header, settings, counts and sections",
    .details = "  -h, --help  show this help\n\n"
               "The index consists of the sections vocabulary, words, edges, filter and\n"
               "postings; its bytes per keyword count positive and negative keywords.\n",
    .letters = ":h",
    .options = options,
    .run = run,
};
