/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3339 times. */
#include <stdio.h>

#include "timezone.h"

/* `count` digits at text[*at] as a number of at most `most`. */
static bool digits(struct am_view text, size_t *at, unsigned count, int most, int *number) {
    *number = 0;
    for (unsigned i = 0; i < count; i++, (*at)++) {
        if (*at >= text.size || text.data[*at] < '0' || text.data[*at] > '9')
            return false;
        *number = *number * 10 + text.data[*at] - '0';
    }
    return *number <= most;
}

static bool one_of(struct am_view text, size_t *at, const char *allowed) {
    if (*at >= text.size || !strchr(allowed, text.data[*at]) || text.data[*at] == '\0')
        return false;
    (*at)++;
    return true;
}

static bool skip_fraction(struct am_view text, size_t *at) {
    if (!one_of(text, at, "."))
        return true;
    size_t start = *at;
    while (one_of(text, at, "0123456789"))
        continue;
    return *at > start;
}

/* "Z" or "+hh:mm", as seconds to take away. */
static bool zone(struct am_view text, size_t *at, int *seconds) {
    *seconds = 0;
    if (one_of(text, at, "Zz"))
        return true;
    int sign = *at < text.size && text.data[*at] == '-' ? -1 : 1;
    int hours, minutes;
    if (!one_of(text, at, "+-") || !digits(text, at, 2, 23, &hours) || !one_of(text, at, ":") ||
        !digits(text, at, 2, 59, &minutes))
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

static bool parse(struct am_view text, int64_t *time) {
    size_t at = 0;
    int year, month, day, hour, minute, second, offset;
    if (!digits(text, &at, 4, 9999, &year) || !one_of(text, &at, "-") ||
        !digits(text, &at, 2, 12, &month) || !one_of(text, &at, "-") ||
        !digits(text, &at, 2, 31, &day) || !one_of(text, &at, "Tt ") ||
        !digits(text, &at, 2, 23, &hour) || !one_of(text, &at, ":") ||
        !digits(text, &at, 2, 59, &minute) || !one_of(text, &at, ":") ||
        !digits(text, &at, 2, 60, &second) || !skip_fraction(text, &at) ||
        !zone(text, &at, &offset) || at != text.size || month < 1 || day < 1)
        return false;
    int64_t days = am_time_days(year, month, day), same_year;
    int same_month, same_day;
    am_time_date(days, &same_year, &same_month, &same_day);
    *time = days * 86400 + hour * 3600 + minute * 60 + second - offset;
    return same_month == month; /* 31 April is no day */
}

enum am_code am_time_parse(struct am_view text, int64_t *time, struct am_error *error) {
    if (parse(text, time))
        return AM_OK;
    return am_error_set(error, AM_E_INVALID,
                        "expected a time like 2026-11-01T00:00:00Z, found \"%.*s\"",
                        (int)(text.size < 40 ? text.size : 40), text.data);
}

void am_time_write(int64_t time, char text[AM_TIME_TEXT_SIZE]) {
    int64_t days = time / 86400 - (time % 86400 < 0), year;
    int64_t rest = time - days * 86400;
    int month, day;
    am_time_date(days, &year, &month, &day);
    snprintf(text, AM_TIME_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)year, month, day,
             (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));
}
