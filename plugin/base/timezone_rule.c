/* SPDX-License-Identifier: Apache-2.0 */
#include "timezone_rule.h"

#include <ctype.h>

#include "timezone.h"

enum { DAY = 86400 };

/* ---- calendar ---------------------------------------------------------------------------------
 */

/* Both after Howard Hinnant, "chrono-compatible low-level date algorithms": years that begin in
 * March, eras of 400 years. */
int64_t am_time_days(int64_t year, int month, int day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void am_time_date(int64_t days, int64_t *year, int *month, int *day) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

static bool is_leap(int64_t year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* ---- reading ----------------------------------------------------------------------------------
 */

struct cursor {
    const char *at, *end;
};

static bool take(struct cursor *cursor, char wanted) {
    if (cursor->at == cursor->end || *cursor->at != wanted)
        return false;
    cursor->at++;
    return true;
}

static bool take_number(struct cursor *cursor, int most, int32_t *number) {
    const char *start = cursor->at;
    *number = 0;
    while (cursor->at < cursor->end && isdigit((unsigned char)*cursor->at) && *number <= most)
        *number = *number * 10 + *cursor->at++ - '0';
    return cursor->at > start && *number <= most;
}

/* "CEST" or "<-03>". */
static bool take_name(struct cursor *cursor) {
    bool quoted = take(cursor, '<');
    const char *start = cursor->at;
    while (cursor->at < cursor->end &&
           (quoted ? *cursor->at != '>' : isalpha((unsigned char)*cursor->at)))
        cursor->at++;
    bool named = cursor->at > start;
    return named && (!quoted || take(cursor, '>'));
}

/* "[+-]hh[:mm[:ss]]" as seconds. */
static bool take_time(struct cursor *cursor, int32_t *seconds) {
    int sign = take(cursor, '-') ? -1 : (take(cursor, '+'), 1);
    int hours, minutes = 0, rest = 0;
    if (!take_number(cursor, 167, &hours))
        return false;
    if (take(cursor, ':') && !take_number(cursor, 59, &minutes))
        return false;
    if (minutes >= 0 && take(cursor, ':') && !take_number(cursor, 59, &rest))
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60 + rest);
    return true;
}

/* "M3.2.0". */
static bool take_month(struct cursor *cursor, struct am_timezone_change *change) {
    int32_t month, week;
    if (!take_number(cursor, 12, &month) || !take(cursor, '.') || !take_number(cursor, 5, &week) ||
        !take(cursor, '.') || !take_number(cursor, 6, &change->day) || month < 1 || week < 1)
        return false;
    change->kind = 'M';
    change->month = (uint8_t)month;
    change->week = (uint8_t)week;
    return true;
}

static bool take_change(struct cursor *cursor, struct am_timezone_change *change) {
    *change = (struct am_timezone_change){.kind = '0', .time = 2 * 3600};
    if (!take(cursor, ','))
        return false;
    if (take(cursor, 'M')) {
        if (!take_month(cursor, change))
            return false;
    } else {
        if (take(cursor, 'J'))
            change->kind = 'J';
        if (!take_number(cursor, 365, &change->day))
            return false;
    }
    return !take(cursor, '/') || take_time(cursor, &change->time);
}

static bool parse(struct am_view text, struct am_timezone_rule *rule) {
    struct cursor cursor = {text.data, am_view_end(text)};
    int32_t west;
    if (!take_name(&cursor) || !take_time(&cursor, &west))
        return false;
    rule->standard = -west;
    if (cursor.at == cursor.end)
        return true;
    rule->saving = rule->standard + 3600;
    if (!take_name(&cursor))
        return false;
    if (cursor.at < cursor.end && *cursor.at != ',') {
        if (!take_time(&cursor, &west))
            return false;
        rule->saving = -west;
    }
    rule->saves = 1;
    return take_change(&cursor, &rule->begin) && take_change(&cursor, &rule->end) &&
           cursor.at == cursor.end;
}

void am_timezone_rule_parse(struct am_view text, int32_t fallback, struct am_timezone_rule *rule) {
    *rule = (struct am_timezone_rule){0};
    if (!parse(text, rule))
        *rule = (struct am_timezone_rule){.standard = fallback};
}

/* ---- asking -----------------------------------------------------------------------------------
 */

/* Local wall-clock seconds since the epoch at which the change of that year happens. */
static int64_t change_in(const struct am_timezone_change *change, int64_t year) {
    int64_t first = am_time_days(year, 1, 1);
    if (change->kind == 'J')
        first += change->day - 1 + (is_leap(year) && change->day >= 60);
    else if (change->kind == '0')
        first += change->day;
    else {
        int64_t month = am_time_days(year, change->month, 1);
        int64_t next = change->month == 12 ? am_time_days(year + 1, 1, 1)
                                           : am_time_days(year, change->month + 1, 1);
        int weekday = (int)(((month + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
        first = month + (change->day - weekday + 7) % 7 + (int64_t)(change->week - 1) * 7;
        while (first >= next)
            first -= 7;
    }
    return first * DAY + change->time;
}

static int64_t year_of(const struct am_timezone_rule *rule, int64_t time) {
    int64_t local = time + rule->standard, year;
    int month, day;
    am_time_date(local / DAY - (local % DAY < 0), &year, &month, &day);
    return year;
}

int32_t am_timezone_rule_offset(const struct am_timezone_rule *rule, int64_t time) {
    if (!rule->saves)
        return rule->standard;
    int64_t year = year_of(rule, time);
    int64_t begin = change_in(&rule->begin, year) - rule->standard;
    int64_t end = change_in(&rule->end, year) - rule->saving;
    bool saving = begin < end ? time >= begin && time < end : time >= begin || time < end;
    return saving ? rule->saving : rule->standard;
}

int64_t am_timezone_rule_next(const struct am_timezone_rule *rule, int64_t time) {
    if (!rule->saves)
        return INT64_MAX;
    int32_t offset = am_timezone_rule_offset(rule, time);
    int64_t next = INT64_MAX;
    /* Daylight saving may last all year: then no candidate changes the offset. */
    for (int64_t year = year_of(rule, time) - 1, last = year + 3; year <= last; year++) {
        int64_t changes[] = {change_in(&rule->begin, year) - rule->standard,
                             change_in(&rule->end, year) - rule->saving};
        for (unsigned i = 0; i < 2; i++)
            if (changes[i] > time && changes[i] < next &&
                am_timezone_rule_offset(rule, changes[i]) != offset)
                next = changes[i];
    }
    return next;
}
