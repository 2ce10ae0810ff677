/* SPDX-License-Identifier: Apache-2.0 */
#include "hours.h"

#include "cursor.h"

static bool take_day(struct am_inventory_cursor *rest, uint32_t *day) {
    if (rest->end - rest->at < 3)
        return false;
    *day = am_model_week_day((struct am_view){rest->at, 3});
    rest->at += 3;
    return *day < 7;
}

static bool take_two(struct am_inventory_cursor *rest, uint32_t *number) {
    *number = 0;
    for (int i = 0; i < 2; i++) {
        if (rest->at == rest->end || *rest->at < '0' || *rest->at > '9')
            return false;
        *number = *number * 10 + (uint32_t)(*rest->at++ - '0');
    }
    return true;
}

/* "09:00" to "24:00". */
static bool take_time(struct am_inventory_cursor *rest, uint32_t *minute) {
    uint32_t hour, minutes;
    if (!take_two(rest, &hour) || !am_inventory_skip(rest, ":") || !take_two(rest, &minutes))
        return false;
    *minute = hour * 60 + minutes;
    return minutes < 60 && *minute <= AM_DAY_MINUTES;
}

static void add_minutes(struct am_inventory_week *week, uint32_t begin, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t minute = (begin + i) % AM_WEEK_MINUTES;
        week->minutes[minute / 64] |= UINT64_C(1) << minute % 64;
    }
}

bool am_inventory_week_add(struct am_inventory_week *week, struct am_view text) {
    struct am_inventory_cursor rest = am_inventory_cursor_of(text);
    uint32_t first, last, begin, end;
    if (!take_day(&rest, &first))
        return false;
    last = first;
    if (am_inventory_skip(&rest, "-") && !take_day(&rest, &last))
        return false;
    if (!am_inventory_skip(&rest, " ") || !take_time(&rest, &begin) ||
        !am_inventory_skip(&rest, "-") || !take_time(&rest, &end) || rest.at != rest.end ||
        begin == AM_DAY_MINUTES)
        return false;
    uint32_t length = end > begin ? end - begin : end + AM_DAY_MINUTES - begin;
    for (uint32_t day = first;; day = (day + 1) % 7) {
        add_minutes(week, day * AM_DAY_MINUTES + begin, length);
        if (day == last)
            return true;
    }
}

static bool has(const struct am_inventory_week *week, uint32_t minute) {
    return minute < AM_WEEK_MINUTES && week->minutes[minute / 64] >> minute % 64 & 1;
}

uint32_t am_inventory_week_runs(const struct am_inventory_week *week,
                                uint32_t runs[AM_INVENTORY_WEEK_RUNS]) {
    uint32_t count = 0;
    for (uint32_t minute = 0; minute < AM_WEEK_MINUTES; minute++) {
        uint32_t begin = minute;
        while (has(week, minute))
            minute++;
        if (minute > begin)
            runs[count++] = am_model_week_run(begin, minute);
    }
    return count;
}
