/* SPDX-License-Identifier: Apache-2.0 */
#include "line.h"

#include "../base/timezone.h"

static const struct am_view kind_names[AM_JOURNAL_KINDS] = {
    [AM_JOURNAL_DECISION] = {"decision", 8}, [AM_JOURNAL_IMPRESSION] = {"impression", 10},
    [AM_JOURNAL_CLICK] = {"click", 5},       [AM_JOURNAL_VIEW] = {"view", 4},
    [AM_JOURNAL_EVENT] = {"event", 5},       [AM_JOURNAL_CONVERSION] = {"conversion", 10},
    [AM_JOURNAL_WIN] = {"win", 3},           [AM_JOURNAL_BILL] = {"bill", 4},
    [AM_JOURNAL_LOSS] = {"loss", 4},         [AM_JOURNAL_EXPIRE] = {"expire", 6},
    [AM_JOURNAL_CONTROL] = {"control", 7},   [AM_JOURNAL_COUNTERS] = {"counters", 8},
    [AM_JOURNAL_CELL] = {"cell", 4},         [AM_JOURNAL_GAP] = {"gap", 3},
};

struct am_view am_journal_kind_name(enum am_journal_kind kind) {
    return kind_names[kind];
}

enum am_journal_kind am_journal_kind_of(struct am_view name) {
    int kind = 0;
    while (kind < AM_JOURNAL_KINDS && !am_view_equal(kind_names[kind], name))
        kind++;
    return (enum am_journal_kind)kind;
}

/* ---- times ---- */

enum { SECOND = 1000000, HOUR_SECONDS = 3600, DAY_SECONDS = 86400 };
#define TIME_MIN (INT64_C(-62167219200) * SECOND)     /* 0000-01-01T00:00:00.000000Z */
#define TIME_MAX (INT64_C(253402300800) * SECOND - 1) /* 9999-12-31T23:59:59.999999Z */

static char *put_digits(char *at, unsigned count, uint64_t value) {
    for (unsigned i = count; i > 0; i--, value /= 10)
        at[i - 1] = (char)('0' + value % 10);
    return at + count;
}

static char *put_date(char *at, int64_t days, const char *separator) {
    int64_t year;
    int month, day;
    am_time_date(days, &year, &month, &day);
    at = put_digits(at, 4, (uint64_t)year);
    at = stpcpy(at, separator);
    at = put_digits(at, 2, (uint64_t)month);
    at = stpcpy(at, separator);
    return put_digits(at, 2, (uint64_t)day);
}

void am_journal_time_write(int64_t time, char text[AM_JOURNAL_TIME_SIZE]) {
    time = time < TIME_MIN ? TIME_MIN : time > TIME_MAX ? TIME_MAX : time;
    int64_t seconds = (time - TIME_MIN) / SECOND; /* since the year 0: never negative */
    int64_t days = seconds / DAY_SECONDS, rest = seconds % DAY_SECONDS;
    char *at = put_date(text, days + TIME_MIN / SECOND / DAY_SECONDS, "-");
    *at++ = 'T';
    at = put_digits(at, 2, (uint64_t)rest / HOUR_SECONDS);
    *at++ = ':';
    at = put_digits(at, 2, (uint64_t)rest / 60 % 60);
    *at++ = ':';
    at = put_digits(at, 2, (uint64_t)rest % 60);
    *at++ = '.';
    at = put_digits(at, 6, (uint64_t)(time - TIME_MIN) % SECOND);
    *at = 'Z';
}

/* `count` digits; false when one is none. */
static bool get_digits(const char **at, unsigned count, uint64_t *value) {
    *value = 0;
    for (; count; count--, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *value = *value * 10 + (uint64_t)(**at - '0');
    }
    return true;
}

static bool get_literal(const char **at, char literal) {
    return *(*at)++ == literal;
}

bool am_journal_time_read(struct am_view text, int64_t *time) {
    uint64_t year, month, day, hour, minute, second, micros;
    const char *at = text.data;
    if (text.size != AM_JOURNAL_TIME_SIZE || !get_digits(&at, 4, &year) || !get_literal(&at, '-') ||
        !get_digits(&at, 2, &month) || !get_literal(&at, '-') || !get_digits(&at, 2, &day) ||
        !get_literal(&at, 'T') || !get_digits(&at, 2, &hour) || !get_literal(&at, ':') ||
        !get_digits(&at, 2, &minute) || !get_literal(&at, ':') || !get_digits(&at, 2, &second) ||
        !get_literal(&at, '.') || !get_digits(&at, 6, &micros) || *at != 'Z' || month < 1 ||
        month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59)
        return false;
    int64_t days = am_time_days((int64_t)year, (int)month, (int)day);
    int64_t seconds = days * DAY_SECONDS + (int64_t)(hour * HOUR_SECONDS + minute * 60 + second);
    *time = seconds * SECOND + (int64_t)micros;
    return true;
}

/* ---- names of files ---- */

/* A decimal without a needless zero in front, as the writer writes it. */
static bool get_unsigned(const char **at, const char *end, uint64_t most, uint64_t *value) {
    const char *begin = *at;
    *value = 0;
    for (; *at < end && **at >= '0' && **at <= '9'; (*at)++) {
        uint64_t digit = (uint64_t)(**at - '0');
        if (*value > (most - digit) / 10)
            return false;
        *value = *value * 10 + digit;
    }
    return *at > begin && (*begin != '0' || *at == begin + 1);
}

size_t am_journal_name_write(uint32_t lane, uint64_t number, char name[AM_JOURNAL_NAME_SIZE]) {
    struct am_buffer text = am_buffer_over(name, AM_JOURNAL_NAME_SIZE - 1);
    uint64_t hour = am_journal_number_hour(number);
    uint64_t part = number & ((1U << AM_JOURNAL_PART_BITS) - 1);
    char date[16];
    char *end = put_date(date, (int64_t)(hour / 24), "");
    end = put_digits(end, 2, hour % 24);
    am_buffer_literal(&text, "w");
    am_buffer_unsigned(&text, lane);
    am_buffer_literal(&text, "-");
    am_buffer_append(&text, date, (size_t)(end - date));
    if (part) {
        am_buffer_literal(&text, ".");
        am_buffer_unsigned(&text, part);
    }
    name[text.size] = '\0';
    return text.size;
}

static bool get_hour(const char **at, const char *end, uint64_t *hours) {
    uint64_t year, month, day, hour;
    if (end - *at < 10 || !get_digits(at, 4, &year) || !get_digits(at, 2, &month) ||
        !get_digits(at, 2, &day) || !get_digits(at, 2, &hour) || year < 1970 || month < 1 ||
        month > 12 || day < 1 || day > 31 || hour > 23)
        return false;
    *hours = (uint64_t)am_time_days((int64_t)year, (int)month, (int)day) * 24 + hour;
    return true;
}

static bool get_name(const char **at, const char *end, uint32_t *lane, uint64_t *number) {
    uint64_t wide_lane, hour, part = 0;
    if (*at == end || !get_literal(at, 'w') ||
        !get_unsigned(at, end, AM_JOURNAL_MAX_LANES - 1, &wide_lane) || *at == end ||
        !get_literal(at, '-') || !get_hour(at, end, &hour))
        return false;
    if (*at < end && **at == '.') {
        ++*at;
        if (!get_unsigned(at, end, (1U << AM_JOURNAL_PART_BITS) - 1, &part) || part == 0)
            return false;
    }
    *lane = (uint32_t)wide_lane;
    *number = am_journal_number(hour, part);
    return true;
}

bool am_journal_name_read(struct am_view name, uint32_t *lane, uint64_t *number) {
    if (!name.size)
        return false;
    const char *at = name.data, *end = at + name.size;
    return get_name(&at, end, lane, number) && at == end;
}

bool am_journal_place_read(struct am_view n, uint32_t *lane, uint64_t *number, uint64_t *offset) {
    if (!n.size)
        return false;
    const char *at = n.data, *end = at + n.size;
    return get_name(&at, end, lane, number) && at < end && get_literal(&at, ':') &&
           get_unsigned(&at, end, INT64_MAX, offset) && at == end;
}

/* ---- members ---- */

void am_journal_put_id(struct am_buffer *line, uint16_t host, uint16_t epoch, uint64_t sequence) {
    am_journal_put_name(line, "id");
    am_buffer_literal(line, "\"");
    am_buffer_unsigned(line, host);
    am_buffer_literal(line, "-");
    am_buffer_unsigned(line, epoch);
    am_buffer_literal(line, "-");
    am_buffer_unsigned(line, sequence);
    am_buffer_literal(line, "\"");
}

bool am_journal_id_read(struct am_view id, uint16_t *host, uint16_t *epoch, uint64_t *sequence) {
    uint64_t wide_host, wide_epoch;
    if (!id.size)
        return false;
    const char *at = id.data, *end = at + id.size;
    if (!get_unsigned(&at, end, UINT16_MAX, &wide_host) || at == end || !get_literal(&at, '-') ||
        !get_unsigned(&at, end, UINT16_MAX, &wide_epoch) || at == end || !get_literal(&at, '-') ||
        !get_unsigned(&at, end, (UINT64_C(1) << 40) - 1, sequence))
        return false;
    *host = (uint16_t)wide_host;
    *epoch = (uint16_t)wide_epoch;
    return at == end;
}

size_t am_journal_put_head(struct am_buffer *line,
                           int64_t time,
                           enum am_journal_kind kind,
                           struct am_view n) {
    char text[AM_JOURNAL_TIME_SIZE];
    am_journal_time_write(time, text);
    am_buffer_literal(line, "{\"t\":\"");
    am_buffer_append(line, text, sizeof text);
    am_buffer_literal(line, "\",\"e\":\"");
    am_buffer_view_append(line, kind_names[kind]);
    am_buffer_literal(line, "\",\"n\":\"");
    size_t place = line->size;
    am_buffer_view_append(line, n);
    am_buffer_literal(line, "\"");
    return place;
}
