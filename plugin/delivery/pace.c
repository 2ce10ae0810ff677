/* SPDX-License-Identifier: Apache-2.0 */
#include "pace.h"

enum { HOUR = 3600, DAY = 86400, WEEK = 604800, EPOCH_WEEK_SECOND = 3 * DAY /* a Thursday */ };
/* Weeks before 1970 that keep all sums above zero: more than 2,000 years of them. */
enum { WEEKS_BEFORE = 110000 };
/* More than any offset from UTC. */
enum { OFFSET_MAX = 26 * HOUR };

/* ---- prices, holds, lines ---------------------------------------------------------------------
 */

int64_t am_pace_price(bool per_click, int64_t bid) {
    return per_click ? bid * 1000 : bid;
}

int64_t am_pace_hold(bool per_click, int64_t price, uint32_t ctr) {
    if (!per_click)
        return price;
    unsigned __int128 expected = (unsigned __int128)(uint64_t)price * ctr;
    return (int64_t)((expected + AM_PACE_MILLION - 1) / AM_PACE_MILLION);
}

int64_t am_pace_line(enum am_pace_kind kind, int64_t limit, int64_t u0, uint64_t a, uint64_t b) {
    if (kind == AM_PACE_ASAP || a >= b || u0 >= limit)
        return limit;
    uint64_t rest = (uint64_t)((__int128)limit - u0);
    uint64_t earned = (uint64_t)((unsigned __int128)rest * a / b);
    if (kind == AM_PACE_FRONTLOADED)
        earned += (uint64_t)((unsigned __int128)earned * (b - a) / ((unsigned __int128)b * 2));
    return (int64_t)((__int128)u0 + earned);
}

int64_t am_pace_slack(int64_t price, int64_t limit) {
    int64_t part = limit / AM_PACE_SLACK_PART;
    return price > part / 2 ? price * 2 : part;
}

int64_t am_pace_lead(int64_t limit) {
    return limit / AM_PACE_LEAD_PART;
}

/* ---- weights ----------------------------------------------------------------------------------
 */

static int64_t floor_divide(int64_t value, int64_t by) {
    return value / by - (value % by < 0);
}

static bool runs(const struct am_pace_hours *hours, int64_t minute) {
    return hours->bits[minute / 64] >> (minute % 64) & 1;
}

/* Seconds of the local week in which the record can run, from local second `from` on. */
static uint32_t running_seconds(const struct am_pace_hours *hours, int64_t from, uint32_t count) {
    if (!hours)
        return count;
    uint32_t running = 0;
    int64_t second = (from % WEEK + WEEK) % WEEK;
    while (count) {
        uint32_t part = 60 - (uint32_t)(second % 60);
        if (part > count)
            part = count;
        if (runs(hours, second / 60))
            running += part;
        count -= part;
        second = second + part == WEEK ? 0 : second + part;
    }
    return running;
}

/* A week while both offsets stay: what has been weighed when each hour of the weights begins. */
struct week {
    int32_t shift; /* the hours' offset less the weights' offset */
    bool known;
    uint64_t until[AM_PACE_HOURS + 1];
};

static uint32_t weight_of(const struct am_pace_schedule *schedule, int64_t hour) {
    return schedule->weights ? schedule->weights[hour] : 1;
}

static void fill_week(const struct am_pace_schedule *schedule, int32_t shift, struct week *week) {
    *week = (struct week){.shift = shift, .known = true};
    for (int64_t hour = 0; hour < AM_PACE_HOURS; hour++)
        week->until[hour + 1] =
            week->until[hour] + (uint64_t)weight_of(schedule, hour) *
                                    running_seconds(schedule->hours, hour * HOUR + shift, HOUR);
}

/* The weighed seconds before a second of the weights' local time, from WEEKS_BEFORE 1970 on. */
static uint64_t
weighed_before(const struct am_pace_schedule *schedule, const struct week *week, int64_t local) {
    int64_t second = local + EPOCH_WEEK_SECOND + (int64_t)WEEKS_BEFORE * WEEK;
    int64_t weeks = second / WEEK;
    second -= weeks * WEEK;
    int64_t hour = second / HOUR;
    uint32_t running =
        running_seconds(schedule->hours, hour * HOUR + week->shift, (uint32_t)(second % HOUR));
    return (uint64_t)weeks * week->until[AM_PACE_HOURS] + week->until[hour] +
           (uint64_t)weight_of(schedule, hour) * running;
}

static int64_t earlier(int64_t a, int64_t b) {
    return a < b ? a : b;
}

uint64_t am_pace_weigh(const struct am_pace_schedule *schedule, int64_t from, int64_t to) {
    if (!schedule->weights && !schedule->hours)
        return to > from ? (uint64_t)(to - from) : 0;
    struct week weeks[2] = {{0}}; /* daylight saving goes to and fro between two */
    const struct am_timezone *hours_zone = schedule->hours ? schedule->hours_zone : NULL;
    uint64_t sum = 0;
    while (from < to) {
        int32_t offset = am_timezone_offset(schedule->zone, from);
        int32_t shift = schedule->hours ? am_timezone_offset(hours_zone, from) - offset : 0;
        int64_t end = earlier(to, earlier(am_timezone_next_change(schedule->zone, from),
                                          am_timezone_next_change(hours_zone, from)));
        struct week *week = &weeks[weeks[0].known && weeks[0].shift != shift];
        if (!week->known || week->shift != shift)
            fill_week(schedule, shift, week);
        sum += weighed_before(schedule, week, end + offset) -
               weighed_before(schedule, week, from + offset);
        from = end;
    }
    return sum;
}

uint32_t am_pace_weight(const struct am_pace_schedule *schedule, int64_t time, int64_t *end) {
    int32_t offset = am_timezone_offset(schedule->zone, time);
    int64_t second = time + offset + EPOCH_WEEK_SECOND;
    int64_t hour = floor_divide(second, HOUR);
    int64_t until = time + (hour + 1) * HOUR - second;
    until = earlier(until, am_timezone_next_change(schedule->zone, time));
    uint32_t weight = weight_of(schedule, (hour % AM_PACE_HOURS + AM_PACE_HOURS) % AM_PACE_HOURS);
    if (schedule->hours) {
        until = earlier(until, am_timezone_next_change(schedule->hours_zone, time));
        int64_t local = time + am_timezone_offset(schedule->hours_zone, time) + EPOCH_WEEK_SECOND;
        int64_t minute = floor_divide(local, 60), first = minute * 60 - local + time;
        int64_t week_minute =
            (minute % AM_PACE_WEEK_MINUTES + AM_PACE_WEEK_MINUTES) % AM_PACE_WEEK_MINUTES;
        bool running = runs(schedule->hours, week_minute);
        int64_t next = first + 60;
        for (int64_t i = 1; next < until; i++, next += 60)
            if (runs(schedule->hours, (week_minute + i) % AM_PACE_WEEK_MINUTES) != running)
                break;
        until = earlier(until, next);
        weight = running ? weight : 0;
    }
    *end = until;
    return weight;
}

void am_pace_fit(uint32_t weights[AM_PACE_HOURS]) {
    uint32_t highest = 0;
    for (unsigned i = 0; i < AM_PACE_HOURS; i++)
        highest = weights[i] > highest ? weights[i] : highest;
    unsigned shift = 0;
    while (highest >> shift > AM_PACE_WEIGHT_MAX)
        shift++;
    for (unsigned i = 0; i < AM_PACE_HOURS; i++)
        weights[i] = (weights[i] >> shift) ? weights[i] >> shift : 1;
}

/* ---- days -------------------------------------------------------------------------------------
 */

static int64_t date(const struct am_timezone *zone, int64_t time) {
    return floor_divide(time + am_timezone_offset(zone, time), DAY);
}

int64_t am_pace_day_start(const struct am_timezone *zone, int64_t day) {
    int64_t midnight = day * DAY;
    for (int64_t time = midnight - OFFSET_MAX;;) {
        int32_t offset = am_timezone_offset(zone, time);
        int64_t end = am_timezone_next_change(zone, time);
        if (end == INT64_MAX || end + offset > midnight)
            return midnight - offset > time ? midnight - offset : time;
        time = end;
    }
}

int64_t am_pace_day(const struct am_timezone *zone, int64_t time) {
    int64_t day = date(zone, time);
    /* A clock that is put back across midnight shows the old date again; skipped dates begin
     * together with the next one. */
    while (am_pace_day_start(zone, day + 1) <= time)
        day++;
    return day;
}
