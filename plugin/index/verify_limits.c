/* SPDX-License-Identifier: Apache-2.0 */
/* Deep verification of budgets and frequency caps. */
#include "../model/week.h"
#include "verify.h"

/* ---- limits -----------------------------------------------------------------------------------
 */

static const char *amounts_problem(const struct am_image_limits *limits) {
    static const int64_t most[AM_UNITS] = {AM_BUDGET_MAX * 1000000000, AM_BUDGET_MAX,
                                           AM_BUDGET_MAX};
    bool limited = false;
    for (int unit = 0; unit < AM_UNITS; unit++) {
        if (limits->total[unit] < AM_BUDGET_NONE || limits->total[unit] > most[unit] ||
            limits->daily[unit] < AM_BUDGET_NONE || limits->daily[unit] > most[unit])
            return "an amount out of range";
        limited |= limits->total[unit] != AM_BUDGET_NONE || limits->daily[unit] != AM_BUDGET_NONE;
    }
    return limited ? NULL : "no budget";
}

static uint64_t records_of(const struct am_image *image, enum am_model_record kind) {
    return kind == AM_RECORD_ADVERTISER ? image->advertiser_count
           : kind == AM_RECORD_CAMPAIGN ? image->settings->campaign_count
                                        : image->settings->ad_count;
}

static bool is_time(int64_t time, int64_t none) {
    return time == none || (time >= AM_TIME_MIN && time <= AM_TIME_MAX);
}

/* One run without a minute says that it never runs. */
static bool are_hours(const struct am_image_verifier *verifier, am_image_list_ref ref) {
    if (!am_image_verify_list(verifier, ref))
        return false;
    struct am_image_list list = am_image_list_at(verifier->image, ref);
    for (uint32_t i = 0, before = 0; i < list.count; i++) {
        uint32_t begin = am_model_week_run_begin(list.items[i]);
        uint32_t end = am_model_week_run_end(list.items[i]);
        if (begin > end || end > AM_WEEK_MINUTES || (i > 0 && begin <= before) ||
            (begin == end && (end || list.count > 1)))
            return false;
        before = end;
    }
    return true;
}

static bool are_weights(const struct am_image_verifier *verifier,
                        const struct am_image_limits *limits) {
    if (!am_image_verify_list(verifier, limits->weights))
        return false;
    struct am_image_list list = am_image_list_at(verifier->image, limits->weights);
    if (list.count != (limits->curve == AM_CURVE_GIVEN ? AM_CURVE_HOURS : 0))
        return false;
    for (uint32_t i = 0; i < list.count; i++)
        if (list.items[i] < 1 || list.items[i] > AM_CURVE_WEIGHT_MAX)
            return false;
    return true;
}

static const char *limits_problem(const struct am_image_verifier *verifier,
                                  const struct am_image_limits *limits) {
    if (limits->kind >= AM_RECORDS || limits->pacing >= AM_PACINGS || limits->curve >= AM_CURVES ||
        limits->reserved)
        return "an unknown kind, pacing or curve";
    if (limits->record >= records_of(verifier->image, (enum am_model_record)limits->kind))
        return "no such record";
    if (!is_time(limits->start, INT64_MIN) || !is_time(limits->end, INT64_MAX))
        return "its start or end is in no year from 0 to 9999";
    if (!am_image_verify_text(verifier, limits->timezone, 0, AM_ID_MAX_BYTES) ||
        !am_image_verify_text(verifier, limits->hours_timezone, 0, AM_ID_MAX_BYTES))
        return "its time zone is no name";
    if (!are_hours(verifier, limits->hours))
        return "its hours are no ascending runs of a week";
    if (!are_weights(verifier, limits))
        return "its curve is no 168 weights";
    return amounts_problem(limits);
}

static bool is_after(const struct am_image_limits *a, const struct am_image_limits *b) {
    return a->kind != b->kind ? a->kind > b->kind : a->record > b->record;
}

static bool verify_limits(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    for (uint64_t i = 0; i < image->limits_count; i++) {
        const char *problem = limits_problem(verifier, &image->limits[i]);
        if (!problem && i > 0 && !is_after(&image->limits[i], &image->limits[i - 1]))
            problem = "its records do not ascend";
        if (problem)
            return am_image_verify_fail(verifier, "limits", i, problem);
    }
    return true;
}

/* ---- frequency caps ---------------------------------------------------------------------------
 */

static bool is_cap(uint32_t item, bool in_campaign) {
    uint32_t period = am_model_cap_period(item), maximum = am_model_cap_maximum(item);
    enum am_model_record kind = am_image_cap_kind(item);
    return (item >> 29 & 1) == 0 && kind < AM_RECORDS &&
           (kind != AM_RECORD_CAMPAIGN || in_campaign) && maximum >= 1 &&
           maximum <= AM_CAP_IMPRESSIONS_MAX && period >= 1 &&
           (period <= AM_CAP_PERIOD_MAX || period == AM_CAP_LIFETIME);
}

static const char *caps_problem(const struct am_image_verifier *verifier, uint32_t ad) {
    const struct am_image *image = verifier->image;
    uint32_t counts[AM_RECORDS] = {0};
    if (!am_image_verify_ascending(verifier, image->ad_caps[ad], UINT64_C(1) << 32))
        return "its caps are no ascending list";
    struct am_image_list list = am_image_list_at(image, image->ad_caps[ad]);
    if (list.count > AM_AD_MAX_CAPS)
        return "too many caps";
    for (uint32_t i = 0; i < list.count; i++) {
        if (!is_cap(list.items[i], image->ads[ad].campaign != AM_NONE))
            return "a cap out of range";
        if (++counts[am_image_cap_kind(list.items[i])] > AM_RECORD_CAPS_MAX)
            return "too many caps of a record";
    }
    return NULL;
}

static bool verify_caps(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    for (uint32_t ad = 0; ad < image->settings->ad_count; ad++) {
        bool capped = image->ads[ad].flags & AM_AD_CAPPED;
        const char *problem = image->ad_caps_count ? caps_problem(verifier, ad) : NULL;
        if (!problem && capped != (image->ad_caps_count && image->ad_caps[ad]))
            problem = "its flag of caps is wrong";
        if (problem)
            return am_image_verify_fail(verifier, "ad caps", ad, problem);
    }
    return true;
}

bool am_image_verify_limits(struct am_image_verifier *verifier) {
    return verify_limits(verifier) && verify_caps(verifier);
}
