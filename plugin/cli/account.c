/* SPDX-License-Identifier: Apache-2.0 */
#include "account.h"

#include <stdlib.h>

struct am_cli_account am_cli_account_new(void) {
    return (struct am_cli_account){.arena = AM_ARENA_EMPTY,
                                   .campaign_names = {.arena = AM_ARENA_EMPTY},
                                   .group_names = {.arena = AM_ARENA_EMPTY},
                                   .campaigns = AM_VECTOR_OF(struct am_cli_campaign),
                                   .groups = AM_VECTOR_OF(struct am_cli_group)};
}

static void free_campaign(struct am_cli_campaign *campaign) {
    am_vector_free(&campaign->labels);
    am_vector_free(&campaign->negatives);
}

static void free_group(struct am_cli_group *group) {
    am_vector_free(&group->keywords);
    am_vector_free(&group->negatives);
    am_vector_free(&group->creatives);
    am_vector_free(&group->countries);
    am_vector_free(&group->labels);
    am_vector_free(&group->sizes);
}

void am_cli_account_free(struct am_cli_account *account) {
    for (size_t i = 0; i < account->campaigns.count; i++)
        free_campaign(AM_VECTOR_AT(&account->campaigns, struct am_cli_campaign, i));
    for (size_t i = 0; i < account->groups.count; i++)
        free_group(AM_VECTOR_AT(&account->groups, struct am_cli_group, i));
    am_vector_free(&account->campaigns);
    am_vector_free(&account->groups);
    am_cli_interner_free(&account->campaign_names);
    am_cli_interner_free(&account->group_names);
    am_arena_free(&account->arena);
}

struct am_cli_campaign *am_cli_account_campaign(struct am_cli_account *account,
                                                struct am_view name) {
    uint32_t number = am_cli_interner_number(&account->campaign_names, name);
    if (number == UINT32_MAX)
        return NULL;
    if (number == account->campaigns.count) {
        struct am_cli_campaign campaign = {.name = am_arena_copy(&account->arena, name),
                                           .labels = AM_VECTOR_OF(struct am_view),
                                           .negatives = AM_VECTOR_OF(struct am_cli_keyword)};
        if (!campaign.name.data || !am_vector_push(&account->campaigns, &campaign))
            return NULL;
    }
    return AM_VECTOR_AT(&account->campaigns, struct am_cli_campaign, number);
}

static uint32_t number_group(struct am_cli_account *account,
                             struct am_view campaign,
                             struct am_view name,
                             struct am_view variant) {
    size_t room = campaign.size + name.size + variant.size + 2 * sizeof(size_t);
    char *memory = malloc(room);
    if (!memory)
        return UINT32_MAX;
    struct am_buffer key = am_buffer_over(memory, room);
    am_buffer_append(&key, (const char *)&campaign.size, sizeof campaign.size);
    am_buffer_view_append(&key, campaign);
    am_buffer_append(&key, (const char *)&name.size, sizeof name.size);
    am_buffer_view_append(&key, name);
    am_buffer_view_append(&key, variant);
    uint32_t number = am_cli_interner_number(&account->group_names, am_buffer_view(&key));
    free(memory);
    return number;
}

struct am_cli_group *am_cli_account_group(struct am_cli_account *account,
                                          struct am_view campaign,
                                          struct am_view name,
                                          struct am_view variant) {
    uint32_t number = number_group(account, campaign, name, variant);
    if (number == UINT32_MAX)
        return NULL;
    if (number == account->groups.count) {
        struct am_cli_group group = {.name = am_arena_copy(&account->arena, name),
                                     .campaign = UINT32_MAX,
                                     .bid = -1,
                                     .keywords = AM_VECTOR_OF(struct am_cli_keyword),
                                     .negatives = AM_VECTOR_OF(struct am_cli_keyword),
                                     .creatives = AM_VECTOR_OF(struct am_cli_creative),
                                     .countries = AM_VECTOR_OF(struct am_view),
                                     .labels = AM_VECTOR_OF(struct am_view),
                                     .sizes = AM_VECTOR_OF(struct am_view)};
        if (campaign.size) {
            if (!am_cli_account_campaign(account, campaign))
                return NULL;
            group.campaign = am_cli_interner_number(&account->campaign_names, campaign);
        }
        if (!group.name.data || !am_vector_push(&account->groups, &group))
            return NULL;
    }
    return AM_VECTOR_AT(&account->groups, struct am_cli_group, number);
}

/* ---- lines ------------------------------------------------------------------------------------
 */

/* One line being written; it is written again with more room when it does not fit. */
struct writer {
    const struct am_cli_account *account;
    const struct am_cli_account_options *options;
    bool (*put)(void *context, struct am_view line);
    void *context;
    struct am_cli_account_totals *totals;
    struct am_buffer line;
    struct am_cli_interner ids; /* of ads */
    struct am_vector taken;     /* uint32_t: how often, by number of the id */
    bool out_of_memory;
};

static void put_name(struct am_buffer *line, const char *name) {
    am_buffer_literal(line, ",\"");
    am_buffer_view_append(line, am_view_of(name));
    am_buffer_literal(line, "\":");
}

static void put_text(struct am_buffer *line, const char *name, struct am_view text) {
    if (text.size == 0)
        return;
    put_name(line, name);
    am_buffer_json_string(line, text);
}

static void
put_texts(struct am_buffer *line, const char *name, const struct am_view *texts, size_t count) {
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (texts[i].size == 0)
            continue;
        if (!any)
            put_name(line, name);
        am_buffer_append(line, any ? "," : "[", 1);
        am_buffer_json_string(line, texts[i]);
        any = true;
    }
    if (any)
        am_buffer_literal(line, "]");
}

static void
put_keywords(struct am_buffer *line, const char *name, const struct am_vector *keywords) {
    if (keywords->count == 0)
        return;
    put_name(line, name);
    for (size_t i = 0; i < keywords->count; i++) {
        const struct am_cli_keyword *keyword = AM_VECTOR_AT(keywords, struct am_cli_keyword, i);
        am_buffer_append(line, i ? "," : "[", 1);
        am_buffer_literal(line, "{\"text\":");
        am_buffer_json_string(line, keyword->text);
        put_text(line, "match",
                 am_view_of(am_model_match_type_name((enum am_model_match_type)keyword->match)));
        if (keyword->bid >= 0) {
            put_name(line, "bid");
            am_buffer_decimal(line, keyword->bid, 6);
        }
        am_buffer_literal(line, "}");
    }
    am_buffer_literal(line, "]");
}

static void put_status(struct am_buffer *line, bool paused) {
    if (paused)
        put_text(line, "status", AM_VIEW("paused"));
}

static bool end_line(struct writer *to) {
    am_buffer_literal(&to->line, "}");
    return !to->line.overflowed && to->put(to->context, am_buffer_view(&to->line));
}

static struct am_view advertiser_of(const struct writer *to, struct am_view own) {
    return own.size ? own : to->options->advertiser;
}

static bool write_campaign(struct writer *to, const struct am_cli_campaign *campaign) {
    if (campaign->status == AM_STATUS_REMOVED)
        return true;
    am_buffer_cut(&to->line, 0);
    am_buffer_literal(&to->line, "{\"type\":\"campaign\"");
    put_text(&to->line, "id", campaign->name);
    put_text(&to->line, "advertiser", advertiser_of(to, campaign->advertiser));
    put_status(&to->line, campaign->status == AM_STATUS_PAUSED || campaign->is_uncertain);
    put_text(&to->line, "start", campaign->start);
    put_text(&to->line, "end", campaign->end);
    put_texts(&to->line, "labels", campaign->labels.data, campaign->labels.count);
    put_keywords(&to->line, "negative_keywords", &campaign->negatives);
    to->totals->campaigns++;
    to->totals->negatives += campaign->negatives.count;
    return end_line(to);
}

/* How often an id was taken so far, this time counted; 0 when memory runs out. */
static uint32_t times_taken(struct writer *to, struct am_view id) {
    static const uint32_t none = 0;
    uint32_t number = am_cli_interner_number(&to->ids, id);
    if (number == UINT32_MAX || (number == to->taken.count && !am_vector_push(&to->taken, &none)))
        return 0;
    return ++*AM_VECTOR_AT(&to->taken, uint32_t, number);
}

/* "campaign/group", and "/2" for the second ad of that. False when memory runs out. */
static bool put_id(struct writer *to,
                   const struct am_cli_campaign *campaign,
                   const struct am_cli_group *group) {
    char memory[1024];
    struct am_buffer id = am_buffer_over(memory, sizeof memory);
    uint32_t times;
    if (campaign) {
        am_buffer_view_append(&id, campaign->name);
        am_buffer_literal(&id, "/");
    }
    am_buffer_view_append(&id, group->name);
    size_t size = am_buffer_view(&id).size;
    times = times_taken(to, am_buffer_view(&id));
    for (uint32_t number = times; number > 1; number++) {
        am_buffer_cut(&id, size);
        am_buffer_literal(&id, "/");
        am_buffer_unsigned(&id, number);
        if ((times = times_taken(to, am_buffer_view(&id))) <= 1)
            break;
    }
    am_buffer_literal(&to->line, "{\"id\":");
    am_buffer_json_string(&to->line, am_buffer_view(&id));
    return times > 0;
}

static void put_creative(struct am_buffer *line, const struct am_cli_creative *creative) {
    struct am_view title = creative->headlines[0];
    if (title.size == 0 && creative->descriptions[0].size == 0)
        return;
    put_name(line, "creative");
    am_buffer_literal(line, "{\"title\":");
    am_buffer_json_string(line, title.size ? title : creative->descriptions[0]);
    put_texts(line, "headlines", creative->headlines, AM_CLI_HEADLINES);
    put_texts(line, "descriptions", creative->descriptions, AM_CLI_DESCRIPTIONS);
    put_texts(line, "paths", creative->paths, AM_CLI_PATHS);
    am_buffer_literal(line, "}");
}

static void put_countries(struct am_buffer *line, const struct am_cli_group *group) {
    if (group->countries.count == 0)
        return;
    am_buffer_literal(line, ",\"targeting\":{\"country\":[");
    for (size_t i = 0; i < group->countries.count; i++) {
        am_buffer_append(line, ",", i ? 1 : 0);
        am_buffer_json_string(line, *AM_VECTOR_AT(&group->countries, struct am_view, i));
    }
    am_buffer_literal(line, "]}");
}

/* Of keywords that have none of their own: the group's bid, else the lowest of its keywords', else
 * that of the command. -1: there is none. `lacking`: keywords that have none. */
static int64_t bid_of(const struct writer *to, const struct am_cli_group *group, size_t *lacking) {
    int64_t lowest = -1;
    *lacking = 0;
    for (size_t i = 0; i < group->keywords.count; i++) {
        int64_t bid = AM_VECTOR_AT(&group->keywords, struct am_cli_keyword, i)->bid;
        *lacking += bid < 0;
        lowest = bid >= 0 && (lowest < 0 || bid < lowest) ? bid : lowest;
    }
    if (group->bid >= 0)
        return group->bid;
    return to->options->bid >= 0 && (*lacking || lowest < 0) ? to->options->bid : lowest;
}

static void remark(struct writer *to, const struct am_cli_group *group, const char *what) {
    to->options->remark(to->context, group, what);
}

/* What is not in the table, and was settled without a word of it. */
static void remark_group(struct writer *to, const struct am_cli_group *group) {
    size_t lacking;
    int64_t bid = bid_of(to, group, &lacking);
    if (group->keywords.count == 0)
        remark(to, group, "has no keyword, so it finds no request");
    if (group->creatives.count == 0)
        remark(to, group, "has no landing page and no text");
    if (bid < 0)
        remark(to, group, "has no bid, so it is paused; --bid AMOUNT sets one");
    else if (group->bid < 0 && lacking && to->options->bid < 0)
        remark(to, group,
               "has keywords without a bid, which take its lowest; --bid AMOUNT sets one");
}

static bool write_ad(struct writer *to,
                     const struct am_cli_campaign *campaign,
                     const struct am_cli_group *group,
                     const struct am_cli_creative *creative) {
    struct am_buffer *line = &to->line;
    size_t lacking;
    int64_t bid = bid_of(to, group, &lacking);
    am_buffer_cut(line, 0);
    if (!put_id(to, campaign, group)) {
        to->out_of_memory = true;
        return false;
    }
    put_text(line, campaign ? "campaign" : "advertiser",
             campaign ? campaign->name : advertiser_of(to, group->advertiser));
    put_status(line, bid < 0 || group->is_uncertain || group->status == AM_STATUS_PAUSED ||
                         creative->status == AM_STATUS_PAUSED);
    put_name(line, "bid");
    am_buffer_decimal(line, bid < 0 ? 0 : bid, 6);
    put_text(line, "pricing", group->is_cpm ? AM_VIEW("cpm") : AM_VIEW("cpc"));
    if (!group->is_cpm) {
        put_name(line, "ctr");
        am_buffer_view_append(line, to->options->ctr);
    }
    put_text(line, "start", group->start);
    put_text(line, "end", group->end);
    put_texts(line, "labels", group->labels.data, group->labels.count);
    put_texts(line, "sizes", group->sizes.data, group->sizes.count);
    put_countries(line, group);
    put_keywords(line, "keywords", &group->keywords);
    put_keywords(line, "negative_keywords", &group->negatives);
    put_text(line, "url", creative->url);
    put_creative(line, creative);
    to->totals->ads++;
    to->totals->keywords += group->keywords.count;
    to->totals->negatives += group->negatives.count;
    return end_line(to);
}

static bool write_group(struct writer *to, const struct am_cli_group *group) {
    static const struct am_cli_creative none = {.url = {"", 0}};
    const struct am_cli_campaign *campaign =
        group->campaign == UINT32_MAX
            ? NULL
            : AM_VECTOR_AT(&to->account->campaigns, struct am_cli_campaign, group->campaign);
    bool any = false;
    if (group->status == AM_STATUS_REMOVED || (campaign && campaign->status == AM_STATUS_REMOVED))
        return true;
    remark_group(to, group);
    for (size_t i = 0; i < group->creatives.count; i++) {
        const struct am_cli_creative *creative =
            AM_VECTOR_AT(&group->creatives, struct am_cli_creative, i);
        if (creative->status == AM_STATUS_REMOVED)
            continue;
        any = true;
        if (!write_ad(to, campaign, group, creative))
            return false;
    }
    return any || group->creatives.count || write_ad(to, campaign, group, &none);
}

/* The inventory's own line, where there is something to say. */
static bool write_head(struct writer *to) {
    const struct am_cli_account_options *options = to->options;
    if (options->currency.size + options->language.size == 0)
        return true;
    am_buffer_cut(&to->line, 0);
    am_buffer_literal(&to->line, "{\"type\":\"inventory\"");
    put_text(&to->line, "currency", options->currency);
    put_text(&to->line, "language", options->language);
    return end_line(to);
}

static enum am_code failure_of(const struct writer *to, struct am_error *error) {
    if (!to->line.data || to->out_of_memory)
        return am_error_set(error, AM_E_MEMORY, "not enough memory for the inventory");
    if (to->line.overflowed)
        return am_error_set(error, AM_E_LIMIT,
                            "a campaign or ad group makes a line of more than %d bytes",
                            AM_LINE_MAX_BYTES);
    return AM_E_IO;
}

static uint64_t keyword_bytes(const struct am_vector *keywords) {
    enum { AROUND = 32 }; /* {"text":"","match":"broad"}, */
    uint64_t bytes = 0;
    for (size_t i = 0; i < keywords->count; i++)
        bytes += AM_VECTOR_AT(keywords, struct am_cli_keyword, i)->text.size + AROUND;
    return bytes;
}

enum am_code am_cli_account_check(const struct am_cli_account *account,
                                  uint64_t most_bytes,
                                  struct am_error *error) {
    uint64_t left = most_bytes;
    for (size_t i = 0; i < account->groups.count; i++) {
        const struct am_cli_group *group = AM_VECTOR_AT(&account->groups, struct am_cli_group, i);
        uint64_t each = keyword_bytes(&group->keywords) + keyword_bytes(&group->negatives), all;
        if (__builtin_mul_overflow(each, group->creatives.count, &all) || all > left)
            return am_error_set(error, AM_E_LIMIT,
                                "\"%.*s\": %zu ads with %zu keywords each: the inventory would be "
                                "too large; expected fewer ads in an ad group",
                                AM_VIEW_ARGUMENTS(group->name), group->creatives.count,
                                group->keywords.count + group->negatives.count);
        left -= all;
    }
    return AM_OK;
}

enum am_code am_cli_account_write(const struct am_cli_account *account,
                                  const struct am_cli_account_options *options,
                                  bool (*put)(void *context, struct am_view line),
                                  void *context,
                                  struct am_cli_account_totals *totals,
                                  struct am_error *error) {
    char *memory = malloc(AM_LINE_MAX_BYTES);
    struct writer to = {.account = account,
                        .options = options,
                        .put = put,
                        .context = context,
                        .totals = totals,
                        .line = am_buffer_over(memory, memory ? AM_LINE_MAX_BYTES : 0),
                        .ids = {.arena = AM_ARENA_EMPTY},
                        .taken = AM_VECTOR_OF(uint32_t)};
    *totals = (struct am_cli_account_totals){0};
    bool written = memory != NULL && write_head(&to);
    for (size_t i = 0; written && i < account->campaigns.count; i++)
        written = write_campaign(&to, AM_VECTOR_AT(&account->campaigns, struct am_cli_campaign, i));
    for (size_t i = 0; written && i < account->groups.count; i++)
        written = write_group(&to, AM_VECTOR_AT(&account->groups, struct am_cli_group, i));
    enum am_code code = written ? AM_OK : failure_of(&to, error);
    am_cli_interner_free(&to.ids);
    am_vector_free(&to.taken);
    free(memory);
    return code;
}
