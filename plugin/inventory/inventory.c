/* SPDX-License-Identifier: Apache-2.0 */
/* Lines to records, records to an inventory. */
#include <stdio.h>
#include <stdlib.h>

#include "../base/intern.h"
#include "../text/stem.h"
#include "guess.h"
#include "hints.h"
#include "lines.h"
#include "reader.h"

enum { NODES_AT_FIRST = 256, PROGRESS_LINES = 4096 };

static bool start(struct am_inventory_reader *reader,
                  const struct am_inventory_load_options *options,
                  struct am_inventory_report *report) {
    *reader = (struct am_inventory_reader){
        .options = options,
        .report = report,
        .nodes = AM_VECTOR_OF(struct am_json_node),
        .advertisers = AM_VECTOR_OF(struct am_inventory_advertiser),
        .advertiser_drafts = AM_VECTOR_OF(struct am_inventory_draft),
        .campaigns = AM_VECTOR_OF(struct am_inventory_campaign),
        .campaign_drafts = AM_VECTOR_OF(struct am_inventory_draft),
        .ads = AM_VECTOR_OF(struct am_inventory_ad),
        .ad_drafts = AM_VECTOR_OF(struct am_inventory_draft),
        .keywords = AM_VECTOR_OF(struct am_inventory_keyword),
    };
    reader->inventory = calloc(1, sizeof *reader->inventory);
    reader->decoded = malloc(AM_LINE_MAX_BYTES);
    if (!reader->inventory || !reader->decoded || !am_vector_extend(&reader->nodes, NODES_AT_FIRST))
        return false;
    am_poison_region(reader->decoded, AM_LINE_MAX_BYTES);
    reader->inventory->currency = AM_VIEW("USD");
    reader->inventory->fold_accents = true;
    reader->inventory->stem = true;
    reader->inventory->broad_window = 16;
    for (int i = 0; i < AM_MATCH_TYPES; i++)
        reader->inventory->match_weight[i] = 1000;
    return true;
}

static void finish(struct am_inventory_reader *reader) {
    am_vector_free(&reader->nodes);
    am_vector_free(&reader->advertisers);
    am_vector_free(&reader->advertiser_drafts);
    am_vector_free(&reader->campaigns);
    am_vector_free(&reader->campaign_drafts);
    am_vector_free(&reader->ads);
    am_vector_free(&reader->ad_drafts);
    am_vector_free(&reader->keywords);
    free(reader->decoded);
    am_inventory_free(reader->inventory);
}

void am_inventory_free(struct am_inventory *inventory) {
    if (!inventory)
        return;
    free(inventory->advertisers);
    free(inventory->campaigns);
    free(inventory->ads);
    am_arena_free(&inventory->arena);
    free(inventory);
}

/* ---- lines ------------------------------------------------------------------------------------
 */

static bool is_blank(struct am_view line) {
    for (size_t i = 0; i < line.size; i++)
        if (line.data[i] != ' ' && line.data[i] != '\t')
            return false;
    return true;
}

/* Parses, and grows the array of nodes as needed. */
static enum am_code
parse(struct am_inventory_reader *reader, struct am_view line, struct am_error *error) {
    for (;;) {
        enum am_code code = am_json_parse_guarded(
            line, reader->nodes.data, (uint32_t)reader->nodes.count, &reader->json, error);
        if (code != AM_E_LIMIT || reader->nodes.count > line.size)
            return code;
        if (!am_vector_extend(&reader->nodes, reader->nodes.count))
            return am_error_set(error, AM_E_MEMORY, "out of memory");
    }
}

static size_t drafts_of(const struct am_inventory_reader *reader) {
    return reader->advertisers.count + reader->campaigns.count + reader->ads.count;
}

static void read_line(struct am_inventory_reader *reader, struct am_view line) {
    struct am_error error = {0};
    size_t drafts = drafts_of(reader);
    reader->label_size = 0;
    reader->bad = false;
    if (!line.data) {
        am_inventory_reader_error(reader, "a line of more than %d bytes", AM_LINE_MAX_BYTES);
    } else if (!is_blank(line)) {
        enum am_code code = parse(reader, line, &error);
        if (code == AM_E_MEMORY)
            reader->out_of_memory = true;
        else if (code != AM_OK)
            am_inventory_reader_error(reader, "%s%s", error.message,
                                      am_inventory_hint_syntax(line));
        else if (reader->json.nodes[0].type != AM_JSON_OBJECT)
            am_inventory_reader_error(
                reader, "expected a JSON object, found %s",
                am_json_type_name((enum am_json_type)reader->json.nodes[0].type));
        else
            am_inventory_read_record(reader);
    }
    /* Bad records that came as far as a draft are counted when the drafts are sorted out. */
    if (reader->bad && drafts_of(reader) == drafts)
        reader->report->skipped++;
}

static enum am_code read_lines(struct am_inventory_reader *reader,
                               struct am_inventory_lines *lines,
                               struct am_error *error) {
    struct am_view line;
    bool more;
    for (;;) {
        enum am_code code = am_inventory_lines_next(lines, &line, &more, error);
        if (code != AM_OK)
            return code;
        if (!more)
            return AM_OK;
        if (reader->line == UINT32_MAX - 1)
            return am_error_set(error, AM_E_LIMIT, "more than 4,294,967,294 lines");
        reader->line++;
        read_line(reader, line);
        if (reader->out_of_memory)
            return am_error_set(error, AM_E_MEMORY, "out of memory while reading line %u",
                                reader->line);
        const struct am_inventory_load_options *options = reader->options;
        if (options->progress && reader->line % PROGRESS_LINES == 0)
            options->progress(options->progress_context, am_inventory_lines_done(lines),
                              am_inventory_lines_total(lines), reader->line);
    }
}

/* ---- records that name one another ------------------------------------------------------------
 */

struct id_table {
    struct am_intern table;
    const struct am_vector *records;
    size_t id_offset;
};

static struct am_view id_of(const struct id_table *ids, uint32_t index) {
    const char *record = (const char *)ids->records->data + (size_t)index * ids->records->item_size;
    return *(const struct am_view *)(const void *)(record + ids->id_offset);
}

static bool id_equal(const void *context, uint32_t id, const void *key) {
    return am_view_equal(id_of(context, id), *(const struct am_view *)key);
}

static struct am_intern_slot *
find_id(struct am_inventory_reader *reader, struct id_table *ids, struct am_view id) {
    struct am_intern_slot *slot =
        am_intern_find(&ids->table, am_keyed_hash(id), id_equal, ids, &id);
    reader->out_of_memory |= slot == NULL;
    return slot;
}

/* Prefetches for an id whose turn comes later: a large table is not in cache. */
static void fetch_id(const struct id_table *ids, struct am_view id) {
    am_intern_fetch(&ids->table, am_keyed_hash(id));
}

/* Enters the id; reports a duplicate. False: a duplicate, or out of memory. */
static bool enter_id(struct am_inventory_reader *reader,
                     struct id_table *ids,
                     const char *kind,
                     uint32_t index,
                     struct am_view id,
                     uint32_t line,
                     uint32_t *first) {
    if (id.size == 0)
        return true;
    struct am_intern_slot *slot = find_id(reader, ids, id);
    if (!slot)
        return false;
    if (slot->id == UINT32_MAX) {
        slot->id = index;
        return true;
    }
    *first = slot->id;
    am_inventory_reader_label(reader, kind, id);
    reader->line = line;
    return false;
}

static void enter_campaigns(struct am_inventory_reader *reader, struct id_table *ids) {
    struct am_inventory_campaign *campaigns = reader->campaigns.data;
    struct am_inventory_draft *drafts = reader->campaign_drafts.data;
    for (uint32_t i = 0; i < reader->campaigns.count && !reader->out_of_memory; i++) {
        uint32_t first = 0;
        if (enter_id(reader, ids, "campaign", i, campaigns[i].id, campaigns[i].rules.line,
                     &first) ||
            reader->out_of_memory)
            continue;
        am_inventory_reader_error(reader, "id: line %u has the same; ids of campaigns must differ",
                                  campaigns[first].rules.line);
        drafts[i].bad = true;
    }
}

static void enter_advertisers(struct am_inventory_reader *reader, struct id_table *ids) {
    struct am_inventory_advertiser *advertisers = reader->advertisers.data;
    struct am_inventory_draft *drafts = reader->advertiser_drafts.data;
    for (uint32_t i = 0; i < reader->advertisers.count && !reader->out_of_memory; i++) {
        uint32_t first = 0;
        if (enter_id(reader, ids, "advertiser", i, advertisers[i].id, advertisers[i].line,
                     &first) ||
            reader->out_of_memory)
            continue;
        am_inventory_reader_error(reader,
                                  "id: line %u has the same; ids of advertisers must differ",
                                  advertisers[first].line);
        drafts[i].bad = true;
    }
}

static void resolve_ad(struct am_inventory_reader *reader,
                       struct id_table *campaign_ids,
                       struct am_inventory_ad *ad,
                       struct am_inventory_draft *draft) {
    if (draft->campaign_id.size == 0)
        return;
    struct am_intern_slot *slot = find_id(reader, campaign_ids, draft->campaign_id);
    if (!slot)
        return;
    am_inventory_reader_label(reader, "ad", ad->id);
    reader->line = ad->rules.line;
    if (slot->id == UINT32_MAX) {
        campaign_ids->table.count--; /* the place stays empty */
        am_inventory_reader_error(reader,
                                  "campaign: \"" AM_QUOTED "\" is nowhere in this inventory",
                                  AM_QUOTED_ARGUMENTS(draft->campaign_id));
        draft->bad = true;
        return;
    }
    const struct am_inventory_campaign *campaign =
        AM_VECTOR_AT(&reader->campaigns, struct am_inventory_campaign, slot->id);
    struct am_inventory_draft *campaign_draft =
        AM_VECTOR_AT(&reader->campaign_drafts, struct am_inventory_draft, slot->id);
    campaign_draft->has_ads = true;
    if (campaign_draft->bad) {
        /* Reported once: errors of thousands of ads would hide that of their campaign. */
        if (!campaign_draft->reported)
            am_inventory_reader_error(
                reader, "campaign: \"" AM_QUOTED "\" has errors itself (line %u)",
                AM_QUOTED_ARGUMENTS(draft->campaign_id), campaign->rules.line);
        campaign_draft->reported = draft->bad = true;
    } else if (ad->advertiser.size && !am_view_equal(ad->advertiser, campaign->advertiser)) {
        am_inventory_reader_error(
            reader,
            "advertiser: expected \"" AM_QUOTED "\", that of its campaign, found "
            "\"" AM_QUOTED "\"",
            AM_QUOTED_ARGUMENTS(campaign->advertiser), AM_QUOTED_ARGUMENTS(ad->advertiser));
        draft->bad = true;
    }
    ad->campaign = slot->id;
    ad->advertiser = campaign->advertiser;
}

static void resolve_ads(struct am_inventory_reader *reader,
                        struct id_table *campaign_ids,
                        struct id_table *ad_ids) {
    struct am_inventory_ad *ads = reader->ads.data;
    struct am_inventory_draft *drafts = reader->ad_drafts.data;
    for (uint32_t i = 0; i < reader->ads.count && !reader->out_of_memory; i++) {
        uint32_t first = 0;
        if (i + AM_FETCH_AHEAD < reader->ads.count)
            fetch_id(ad_ids, ads[i + AM_FETCH_AHEAD].id);
        if (!enter_id(reader, ad_ids, "ad", i, ads[i].id, ads[i].rules.line, &first) &&
            !reader->out_of_memory) {
            am_inventory_reader_error(reader, "id: line %u has the same; ids of ads must differ",
                                      ads[first].rules.line);
            drafts[i].bad = true;
        }
        resolve_ad(reader, campaign_ids, &ads[i], &drafts[i]);
    }
}

/* ---- what is below a record: prices, for budgets ----------------------------------------------
 */

/* Of one impression or click, in nanos. */
static int64_t highest_price(const struct am_inventory_ad *ad) {
    enum { NANOS_A_MICRO = 1000 };
    int64_t highest = ad->keyword_count ? 0 : ad->bid;
    for (uint32_t i = 0; i < ad->keyword_count; i++) {
        int64_t bid = ad->keywords[i].bid < 0 ? ad->bid : ad->keywords[i].bid;
        highest = bid > highest ? bid : highest;
    }
    return ad->pricing == AM_PRICING_CPC ? highest * NANOS_A_MICRO : highest;
}

/* The draft of the record of an advertiser, or NULL. */
static struct am_inventory_draft *
advertiser_draft(struct am_inventory_reader *reader, struct id_table *ids, struct am_view id) {
    struct am_intern_slot *slot = id.size ? find_id(reader, ids, id) : NULL;
    if (!slot)
        return NULL;
    if (slot->id != UINT32_MAX)
        return AM_VECTOR_AT(&reader->advertiser_drafts, struct am_inventory_draft, slot->id);
    ids->table.count--; /* the place stays empty */
    return NULL;
}

static void raise_price(struct am_inventory_draft *draft, int64_t price) {
    if (!draft)
        return;
    draft->has_ads = true;
    if (price > draft->price)
        draft->price = price;
}

static void resolve_advertisers(struct am_inventory_reader *reader, struct id_table *ids) {
    struct am_inventory_draft *ads = reader->ad_drafts.data;
    struct am_inventory_draft *campaigns = reader->campaign_drafts.data;
    if (!reader->has_delivery && reader->advertisers.count == 0)
        return;
    reader->has_delivery = true;
    for (uint32_t i = 0; i < reader->ads.count && !reader->out_of_memory; i++) {
        const struct am_inventory_ad *ad = AM_VECTOR_AT(&reader->ads, struct am_inventory_ad, i);
        ads[i].price = highest_price(ad);
        if (ad->campaign != AM_NONE)
            raise_price(&campaigns[ad->campaign], ads[i].price);
        else
            raise_price(advertiser_draft(reader, ids, ad->advertiser), ads[i].price);
    }
    for (uint32_t i = 0; i < reader->campaigns.count && !reader->out_of_memory; i++)
        raise_price(
            advertiser_draft(
                reader, ids,
                AM_VECTOR_AT(&reader->campaigns, struct am_inventory_campaign, i)->advertiser),
            campaigns[i].price);
}

static void resolve(struct am_inventory_reader *reader) {
    struct id_table advertiser_ids = {
        {0}, &reader->advertisers, offsetof(struct am_inventory_advertiser, id)};
    struct id_table campaign_ids = {
        {0}, &reader->campaigns, offsetof(struct am_inventory_campaign, id)};
    struct id_table ad_ids = {{0}, &reader->ads, offsetof(struct am_inventory_ad, id)};
    if (!am_intern_reserve(&campaign_ids.table, reader->campaigns.count) ||
        !am_intern_reserve(&ad_ids.table, reader->ads.count) ||
        !am_intern_reserve(&advertiser_ids.table, reader->advertisers.count)) {
        reader->out_of_memory = true;
        goto cleanup;
    }
    enter_campaigns(reader, &campaign_ids);
    resolve_ads(reader, &campaign_ids, &ad_ids);
    enter_advertisers(reader, &advertiser_ids);
    resolve_advertisers(reader, &advertiser_ids);
cleanup:
    am_intern_free(&advertiser_ids.table);
    am_intern_free(&campaign_ids.table);
    am_intern_free(&ad_ids.table);
}

/* ---- what remains -----------------------------------------------------------------------------
 */

static void drop_bad_advertisers(struct am_inventory_reader *reader) {
    struct am_inventory_advertiser *advertisers = reader->advertisers.data;
    const struct am_inventory_draft *drafts = reader->advertiser_drafts.data;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < reader->advertisers.count; i++)
        if (!drafts[i].bad)
            advertisers[kept++] = advertisers[i];
    reader->advertisers.count = kept;
}

/* Drops bad campaigns and ads; ads follow their campaign's new number. */
static bool drop_bad(struct am_inventory_reader *reader) {
    if (reader->report->errors == 0)
        return true;
    uint32_t *numbers = malloc((reader->campaigns.count + 1) * sizeof *numbers);
    if (!numbers)
        return false;
    struct am_inventory_campaign *campaigns = reader->campaigns.data;
    const struct am_inventory_draft *drafts = reader->campaign_drafts.data;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < reader->campaigns.count; i++) {
        numbers[i] = kept;
        if (!drafts[i].bad)
            campaigns[kept++] = campaigns[i];
    }
    reader->campaigns.count = kept;
    struct am_inventory_ad *ads = reader->ads.data;
    drafts = reader->ad_drafts.data;
    kept = 0;
    for (uint32_t i = 0; i < reader->ads.count; i++) {
        if (drafts[i].bad)
            continue;
        if (ads[i].campaign != AM_NONE)
            ads[i].campaign = numbers[ads[i].campaign];
        ads[kept++] = ads[i];
    }
    reader->ads.count = kept;
    drop_bad_advertisers(reader);
    free(numbers);
    return true;
}

/* Who wrote `stem` as false knows. */
static void check_stems(struct am_inventory_reader *reader) {
    const struct am_view language = reader->inventory->language;
    if (!reader->language_line || reader->settings_bad ||
        (reader->has_stem && !reader->inventory->stem) ||
        am_text_stemmer_check(language) != AM_E_INVALID)
        return;
    am_inventory_reader_label(reader, "inventory", AM_VIEW(""));
    reader->line = reader->language_line;
    am_inventory_reader_warning(reader,
                                "language: there are no stems for \"" AM_QUOTED
                                "\": broad keywords match words as they are written; "
                                "\"stem\":false says that this is known",
                                AM_QUOTED_ARGUMENTS(language));
}

/* Without a language there are no stems: broad keywords find less than their writers think. */
static void check_language(struct am_inventory_reader *reader) {
    uint32_t count;
    if (reader->language_line || reader->settings_bad || reader->has_stem)
        return;
    const char *language = am_inventory_guess_language(&reader->ads, &count);
    if (!language)
        return;
    am_inventory_reader_label(reader, "inventory", AM_VIEW(""));
    reader->line = 1;
    am_inventory_reader_warning(
        reader,
        "no language, so broad keywords have no stems; %u of them look like "
        "\"%s\", did you mean {\"type\":\"inventory\",\"language\":\"%s\"}?",
        count, language, language);
}

/* Where an error is, the missing ads may be in its line. */
static void check_campaigns(struct am_inventory_reader *reader) {
    if (reader->ads.count == 0 || (reader->report->errors && !reader->options->skip_bad_records))
        return;
    for (uint32_t i = 0; i < reader->campaigns.count; i++) {
        const struct am_inventory_campaign *campaign =
            AM_VECTOR_AT(&reader->campaigns, struct am_inventory_campaign, i);
        const struct am_inventory_draft *draft =
            AM_VECTOR_AT(&reader->campaign_drafts, struct am_inventory_draft, i);
        if (draft->bad || draft->has_ads)
            continue;
        am_inventory_reader_label(reader, "campaign", campaign->id);
        reader->line = campaign->rules.line;
        am_inventory_reader_warning(reader, "no ad names it as its campaign");
    }
}

static enum am_code
refuse(const struct am_inventory_report *report, const char *name, struct am_error *error) {
    for (uint32_t i = 0; i < report->problem_count; i++)
        if (!report->problems[i].warning)
            return am_error_set(error, AM_E_INVALID, "%s: %llu error%s; the first: line %u: %s",
                                name, (unsigned long long)report->errors,
                                report->errors == 1 ? "" : "s", report->problems[i].line,
                                report->problems[i].text);
    return am_error_set(error, AM_E_INVALID, "%s: %llu errors", name,
                        (unsigned long long)report->errors);
}

static enum am_code
conclude(struct am_inventory_reader *reader, const char *name, struct am_error *error) {
    struct am_inventory_report *report = reader->report;
    uint64_t records = drafts_of(reader);
    if (!drop_bad(reader))
        return am_error_set(error, AM_E_MEMORY, "%s: out of memory", name);
    report->records = drafts_of(reader);
    report->skipped += records - report->records;
    /* A setting of all records cannot be skipped: a wrong currency is worse than keeping the old
     * inventory. */
    if (report->errors && (!reader->options->skip_bad_records || reader->settings_bad))
        return refuse(report, name, error);
    if (reader->ads.count == 0)
        return am_error_set(error, AM_E_INVALID, "%s: no ad in it: expected at least one", name);
    struct am_inventory *inventory = reader->inventory;
    enum am_code stems = am_text_stemmer_check(inventory->language);
    if (stems == AM_E_MEMORY)
        return am_error_set(error, AM_E_MEMORY, "%s: out of memory", name);
    inventory->stem = inventory->stem && stems == AM_OK;
    inventory->advertisers = reader->advertisers.data;
    inventory->advertiser_count = (uint32_t)reader->advertisers.count;
    inventory->campaigns = reader->campaigns.data;
    inventory->campaign_count = (uint32_t)reader->campaigns.count;
    inventory->ads = reader->ads.data;
    inventory->ad_count = (uint32_t)reader->ads.count;
    inventory->match_weight[AM_MATCH_ANY] = 1000;
    inventory->skipped_records = report->skipped;
    reader->advertisers.data = reader->campaigns.data = reader->ads.data = NULL;
    return AM_OK;
}

static enum am_code load(struct am_inventory_lines *lines,
                         const char *name,
                         const struct am_inventory_load_options *options,
                         struct am_inventory **inventory,
                         struct am_inventory_report *report,
                         struct am_error *error) {
    struct am_inventory_reader reader;
    enum am_code code;
    if (!start(&reader, options, report)) {
        code = am_error_set(error, AM_E_MEMORY, "%s: out of memory", name);
        goto cleanup;
    }
    code = read_lines(&reader, lines, error);
    if (code != AM_OK)
        goto cleanup;
    report->lines = reader.line;
    am_inventory_lines_digest(lines, reader.inventory->digest);
    reader.inventory->source_size = am_inventory_lines_done(lines);
    if (!reader.has_fold_accents)
        reader.inventory->fold_accents = !am_text_keeps_accents(reader.inventory->language);
    am_inventory_normalise_keywords(&reader);
    resolve(&reader); /* after all that can be wrong with a campaign: its ads fall with it */
    check_stems(&reader);
    check_language(&reader);
    check_campaigns(&reader);
    am_inventory_check_budgets(&reader);
    am_inventory_report_finish(report);
    code = reader.out_of_memory ? am_error_set(error, AM_E_MEMORY, "%s: out of memory", name)
                                : conclude(&reader, name, error);
    if (code == AM_OK) {
        *inventory = reader.inventory;
        reader.inventory = NULL;
    }
cleanup:
    finish(&reader);
    return code;
}

enum am_code am_inventory_load(const char *path,
                               const struct am_inventory_load_options *options,
                               struct am_inventory **inventory,
                               struct am_inventory_report *report,
                               struct am_error *error) {
    struct am_inventory_lines *lines = NULL;
    enum am_code code = am_inventory_lines_open(path, &lines, error);
    if (code == AM_OK)
        code = load(lines, path, options, inventory, report, error);
    am_inventory_lines_close(lines);
    return code;
}

enum am_code am_inventory_load_fd(int fd,
                                  const char *name,
                                  const struct am_inventory_load_options *options,
                                  struct am_inventory **inventory,
                                  struct am_inventory_report *report,
                                  struct am_error *error) {
    struct am_inventory_lines *lines = NULL;
    enum am_code code = am_inventory_lines_open_fd(fd, name, &lines, error);
    if (code == AM_OK)
        code = load(lines, name, options, inventory, report, error);
    am_inventory_lines_close(lines);
    return code;
}

enum am_code am_inventory_load_memory(struct am_view text,
                                      const char *name,
                                      const struct am_inventory_load_options *options,
                                      struct am_inventory **inventory,
                                      struct am_inventory_report *report,
                                      struct am_error *error) {
    struct am_inventory_lines *lines = NULL;
    enum am_code code = am_inventory_lines_over(text, name, &lines, error);
    if (code == AM_OK)
        code = load(lines, name, options, inventory, report, error);
    am_inventory_lines_close(lines);
    return code;
}
