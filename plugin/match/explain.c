/* SPDX-License-Identifier: Apache-2.0 */
#include "explain.h"

#include "../base/decimal.h"
#include "sides.h"

/* Room for AM_MAX_REJECTED_LISTED details: the longest names sixteen values and a key, or a list of
 * times and a time zone. */
enum { DETAIL_BYTES = 20 * AM_ID_MAX_BYTES, DETAILS_BYTES = 1 << 20 };
static_assert(AM_MAX_REJECTED_LISTED * DETAIL_BYTES < DETAILS_BYTES, "all of them fit");
static_assert(AM_HOURS_MAX_BYTES + 2 * AM_ID_MAX_BYTES < DETAIL_BYTES, "a list of times fits");

void am_explain_size(struct am_explain *explain, struct am_match_memory *memory) {
    explain->rejected =
        am_match_memory_take(memory, AM_MAX_REJECTED_LISTED, sizeof *explain->rejected);
    explain->details =
        am_buffer_guard(am_match_memory_take(memory, DETAILS_BYTES, 1), DETAILS_BYTES);
}

void am_explain_start(struct am_explain *explain) {
    am_buffer_cut(&explain->details, 0);
    AM_POISON_ITEMS(explain->rejected, 0, AM_MAX_REJECTED_LISTED);
}

#define SCORE_UNIT UINT64_C(1000000000000) /* micros x per mille x per mille */

static unsigned __int128 score_of(const struct am_image *image,
                                  const struct am_match_candidate *candidate) {
    const struct am_image_keyword *keyword = &image->keywords[candidate->posting];
    return (unsigned __int128)keyword->ecpm * image->details[candidate->ad].quality *
           image->settings->match_weight[keyword->match];
}

static void append_score(struct am_buffer *text, unsigned __int128 score) {
    uint64_t fraction = (uint64_t)(score % SCORE_UNIT);
    am_buffer_unsigned(text, (uint64_t)(score / SCORE_UNIT));
    if (fraction == 0)
        return;
    char digits[12];
    size_t size = sizeof digits;
    for (size_t i = sizeof digits; i > 0; i--, fraction /= 10)
        digits[i - 1] = (char)('0' + fraction % 10);
    while (digits[size - 1] == '0')
        size--;
    am_buffer_literal(text, ".");
    am_buffer_append(text, digits, size);
}

static void append_signed(struct am_buffer *text, int32_t value) {
    char digits[AM_DECIMAL_TEXT_SIZE];
    am_buffer_append(text, digits, am_decimal_write(value, 0, digits));
}

static void append_text(struct am_buffer *text, const char *words) {
    am_buffer_append(text, words, strlen(words));
}

/* Why `winner` ranks before `candidate`: the first step of docs/DECISION.md section 4 in which they
 * differ. */
static void append_advantage(const struct am_image *image,
                             struct am_buffer *text,
                             const struct am_match_candidate *winner,
                             const struct am_match_candidate *candidate) {
    int32_t priorities[] = {image->details[winner->ad].priority,
                            image->details[candidate->ad].priority};
    unsigned __int128 scores[] = {score_of(image, winner), score_of(image, candidate)};
    const struct am_image_keyword *keywords[] = {&image->keywords[winner->posting],
                                                 &image->keywords[candidate->posting]};
    if (priorities[0] != priorities[1]) {
        am_buffer_literal(text, "priority (");
        append_signed(text, priorities[0]);
        am_buffer_literal(text, " over ");
        append_signed(text, priorities[1]);
    } else if (scores[0] != scores[1]) {
        am_buffer_literal(text, "score (");
        append_score(text, scores[0]);
        am_buffer_literal(text, " over ");
        append_score(text, scores[1]);
    } else if (keywords[0]->match != keywords[1]->match) {
        am_buffer_literal(text, "match type (");
        append_text(text, am_model_match_type_name((enum am_model_match_type)keywords[0]->match));
        am_buffer_literal(text, " over ");
        append_text(text, am_model_match_type_name((enum am_model_match_type)keywords[1]->match));
    } else if (keywords[0]->ranked_words != keywords[1]->ranked_words) {
        am_buffer_literal(text, "words (");
        am_buffer_unsigned(text, keywords[0]->ranked_words);
        am_buffer_literal(text, " over ");
        am_buffer_unsigned(text, keywords[1]->ranked_words);
    } else {
        am_buffer_literal(text, "rotation");
        return;
    }
    am_buffer_literal(text, ")");
}

/* Details are made of what the budget has left, too: an ad may have more sizes, or categories, than
 * all else costs. */
static bool takes(const struct am_explain *explain, uint64_t steps) {
    return am_match_work_take(explain->gates->work, AM_STAGE_GATES, steps);
}

enum { FEW_SIZES = 64, SIZES_A_STEP = 2 };

/* Where the budget ends, the category that the gate found: one of the ad's, or one above it. */
static struct am_view blocked_category(const struct am_explain *explain,
                                       const struct am_match_candidate *candidate) {
    const struct am_image *image = explain->image;
    struct am_image_list categories =
        am_image_list_at(image, image->details[candidate->ad].categories);
    struct am_view smallest = {NULL, 0};
    for (uint32_t i = 0; i < categories.count; i++) {
        struct am_view text = am_image_string(image, image->terms[categories.items[i]].text);
        if (am_gate_category_in(explain->gates, &explain->gates->blocked, categories.items[i]) &&
            (!smallest.data || am_view_compare(text, smallest) < 0))
            smallest = text;
        if (explain->gates->work->cut[AM_STAGE_GATES])
            return am_image_string(image, image->terms[candidate->detail].text);
    }
    return smallest;
}

static void append_time(struct am_buffer *text, int64_t time) {
    char written[AM_TIME_TEXT_SIZE];
    am_time_write(time, written);
    append_text(text, written);
}

/* ---- a detail for each gate -------------------------------------------------------------------
 */

/* One candidate and the gate that stopped it. */
struct stopped {
    const struct am_explain *explain;
    const struct am_image *image;
    const struct am_match_request *request;
    const struct am_match_candidate *candidate;
    const struct am_image_ad *ad;
    struct am_buffer *text; /* the detail is appended here */
};
typedef void append_detail(const struct stopped *stopped);

static void append_term(const struct stopped *stopped) {
    uint32_t term = stopped->candidate->detail;
    am_buffer_view_append(stopped->text,
                          am_image_string(stopped->image, stopped->image->terms[term].text));
}

static void append_ad(const struct stopped *stopped, uint32_t ad) {
    am_buffer_view_append(stopped->text,
                          am_image_string(stopped->image, stopped->image->details[ad].id));
}

static void detail_paused(const struct stopped *stopped) {
    am_buffer_literal(stopped->text, "status");
}

static void append_now(const struct stopped *stopped) {
    am_buffer_literal(stopped->text, "; it is ");
    append_time(stopped->text, stopped->request->now);
}

static void detail_not_started(const struct stopped *stopped) {
    am_buffer_literal(stopped->text, "starts ");
    append_time(stopped->text, stopped->ad->start);
    append_now(stopped);
}

static void detail_ended(const struct stopped *stopped) {
    am_buffer_literal(stopped->text, "ended ");
    append_time(stopped->text, stopped->ad->end);
    append_now(stopped);
}

static void detail_negative_keyword(const struct stopped *stopped) {
    am_image_string_ref text = stopped->image->keywords[stopped->candidate->detail].text;
    am_buffer_view_append(stopped->text, am_image_string(stopped->image, text));
}

static void detail_negatives_unknown(const struct stopped *stopped) {
    am_buffer_literal(stopped->text, "work limit");
}

static void detail_targeting(const struct stopped *stopped) {
    am_match_sides_member(stopped->image, stopped->request,
                          &stopped->image->tree_nodes[stopped->candidate->detail], stopped->text);
}

static void detail_placement(const struct stopped *stopped) {
    detail_targeting(stopped);
}

static void detail_size(const struct stopped *stopped) {
    struct am_image_list sizes = am_image_list_at(stopped->image, stopped->ad->sizes);
    if (sizes.count > FEW_SIZES && !takes(stopped->explain, sizes.count / SIZES_A_STEP)) {
        am_buffer_literal(stopped->text, "work limit");
        return;
    }
    am_match_sides_sizes(stopped->image, stopped->ad->sizes,
                         &stopped->request->slots[stopped->candidate->detail], stopped->text);
}

static void append_floor(const struct stopped *stopped, const struct am_match_slot *slot) {
    const struct am_image_keyword *keyword = &stopped->image->keywords[stopped->candidate->posting];
    am_buffer_literal(stopped->text, "eCPM ");
    am_buffer_decimal(stopped->text, (int64_t)keyword->ecpm, 6);
    am_buffer_literal(stopped->text, "; the floor is ");
    am_buffer_decimal(stopped->text, slot->floor, 6);
}

static void detail_floor(const struct stopped *stopped) {
    append_floor(stopped, &stopped->request->slots[stopped->candidate->detail]);
}

static void detail_blocked_advertiser(const struct stopped *stopped) {
    append_term(stopped);
}

static void detail_blocked_category(const struct stopped *stopped) {
    am_buffer_view_append(stopped->text, blocked_category(stopped->explain, stopped->candidate));
}

static void detail_allowed_category(const struct stopped *stopped) {
    if (stopped->candidate->detail == AM_NONE)
        am_buffer_literal(stopped->text, "it has none");
    else
        append_term(stopped);
}

static void detail_seat(const struct stopped *stopped) {
    append_term(stopped);
}

static void detail_creative(const struct stopped *stopped) {
    static const char *const missed[AM_GATE_CREATIVE_MISSES] = {
        [AM_GATE_CREATIVE_SUITS] = "",
        [AM_GATE_CREATIVE_MARKUP] = "it has none",
        [AM_GATE_CREATIVE_KIND] = "it is of another kind",
        [AM_GATE_CREATIVE_MISSING_ASSETS] = "an asset is missing, or too long",
        [AM_GATE_CREATIVE_DURATION] = "its duration",
        [AM_GATE_CREATIVE_BUNDLE] = "its app is blocked",
        [AM_GATE_CREATIVE_INSECURE] = "it loads from http://",
        [AM_GATE_CREATIVE_ATTRIBUTE] = "an attribute is blocked",
        [AM_GATE_CREATIVE_TYPE] = "its type is blocked",
        [AM_GATE_CREATIVE_MIME] = "its media type is not among those asked for",
        [AM_GATE_CREATIVE_API] = "it needs an API that is not there",
        [AM_GATE_CREATIVE_INTERSTITIAL] = "interstitial, or not",
        [AM_GATE_CREATIVE_POSITION] = "its position",
        [AM_GATE_CREATIVE_TAXONOMY] = "its categories are of another taxonomy",
        [AM_GATE_CREATIVE_TRANSPARENCY] = "ext.dsa is missing",
    };
    append_text(stopped->text, missed[stopped->candidate->detail]);
}

static const struct am_gate_note *note_of(const struct stopped *stopped) {
    return &stopped->explain->gates->notes[stopped->candidate->detail];
}

static void detail_frequency_cap(const struct stopped *stopped) {
    const struct am_gate_note *note = note_of(stopped);
    if (!note->cap) {
        am_buffer_literal(stopped->text, "no user");
        return;
    }
    const struct am_caps_cap cap = {.period = am_model_cap_period(note->cap),
                                    .maximum = am_model_cap_maximum(note->cap)};
    am_caps_detail_write((enum am_ledger_kind)am_image_cap_kind(note->cap), &cap, note->answer,
                         stopped->text);
}

static void detail_budget(const struct stopped *stopped) {
    am_delivery_detail_write(&note_of(stopped)->delivery, stopped->text);
}

static void detail_pacing(const struct stopped *stopped) {
    am_delivery_detail_write(&note_of(stopped)->delivery, stopped->text);
}

static void detail_duplicate_advertiser(const struct stopped *stopped) {
    append_ad(stopped, stopped->candidate->detail);
}

static void detail_excluded_label(const struct stopped *stopped) {
    append_term(stopped);
}

static void detail_outranked(const struct stopped *stopped) {
    uint32_t detail = stopped->candidate->detail;
    const struct am_match_candidate *winner =
        &stopped->explain->candidates[detail & ~AM_GATE_BY_PACE];
    append_ad(stopped, winner->ad);
    am_buffer_literal(stopped->text, " by ");
    if (detail & AM_GATE_BY_PACE) {
        am_buffer_literal(stopped->text, "pace (line over lead)");
        return;
    }
    append_advantage(stopped->image, stopped->text, winner, stopped->candidate);
}

/* ---- gates that do not stop -------------------------------------------------------------------
 */

static void passed_not_started(const struct stopped *stopped) {
    if (stopped->ad->start >= AM_TIME_MIN)
        detail_not_started(stopped);
}

static void passed_ended(const struct stopped *stopped) {
    if (stopped->ad->end > AM_TIME_MAX)
        return;
    am_buffer_literal(stopped->text, "ends ");
    append_time(stopped->text, stopped->ad->end);
    append_now(stopped);
}

static void passed_size(const struct stopped *stopped) {
    if (stopped->ad->sizes && stopped->request->slots->size_count)
        am_match_sides_sizes(stopped->image, stopped->ad->sizes, stopped->request->slots,
                             stopped->text);
}

static void passed_floor(const struct stopped *stopped) {
    if (stopped->request->slots->floor > 0 && stopped->candidate->posting != AM_NONE)
        append_floor(stopped, stopped->request->slots);
}

static void passed_budget(const struct stopped *stopped) {
    struct am_delivery_use use;
    am_gate_use(stopped->explain->gates, stopped->candidate, &use);
    am_delivery_detail_write(&use.budget, stopped->text);
}

static void passed_pacing(const struct stopped *stopped) {
    struct am_delivery_use use;
    am_gate_use(stopped->explain->gates, stopped->candidate, &use);
    am_delivery_detail_write(&use.pacing, stopped->text);
}

static append_detail *const passed[AM_GATES] = {
    [AM_GATE_NOT_STARTED] = passed_not_started,
    [AM_GATE_ENDED] = passed_ended,
    [AM_GATE_SIZE] = passed_size,
    [AM_GATE_FLOOR] = passed_floor,
    [AM_GATE_BUDGET] = passed_budget,
    [AM_GATE_PACING] = passed_pacing,
};

/* ---- all --------------------------------------------------------------------------------------
 */

#define DETAIL(ID, name, kind, meaning) [AM_GATE_##ID] = detail_##name,
static append_detail *const details[AM_GATES] = {AM_GATE_TABLE(DETAIL)};
#undef DETAIL

static struct am_view detail_by(append_detail *const *table,
                                struct am_explain *explain,
                                const struct am_match_request *request,
                                const struct am_match_candidate *candidate) {
    struct am_buffer *text = &explain->details;
    size_t start = text->size;
    const struct stopped stopped = {
        explain, explain->image, request, candidate, &explain->image->ads[candidate->ad], text};
    if (table[candidate->gate])
        table[candidate->gate](&stopped);
    return (struct am_view){text->data + start, text->size - start};
}

struct am_view am_explain_detail(struct am_explain *explain,
                                 const struct am_match_request *request,
                                 const struct am_match_candidate *candidate) {
    return detail_by(details, explain, request, candidate);
}

struct am_view am_explain_passed(struct am_explain *explain,
                                 const struct am_match_request *request,
                                 const struct am_match_candidate *candidate) {
    return detail_by(passed, explain, request, candidate);
}
