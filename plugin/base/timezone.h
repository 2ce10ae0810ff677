/* SPDX-License-Identifier: Apache-2.0 */
/* IANA time zones from the system's zoneinfo files, loaded once, read by any thread without a lock.
 * glibc's own functions keep one zone per process and take a lock, so they cannot serve requests of
 * several zones. */
#ifndef AM_BASE_TIMEZONE_H
#define AM_BASE_TIMEZONE_H

#include "bytes.h"
#include "error.h"

/* When daylight saving begins or ends each year: "M3.2.0/2", or a day of the year. */
struct am_timezone_change {
    /* 'M': month, week, day; 'J': day 1-365, 29 February never counted; '0': day 0-365 */
    uint8_t kind;
    uint8_t month, week; /* week 5: the last */
    uint8_t reserved;
    int32_t day;  /* with a month, of the week; 0: Sunday */
    int32_t time; /* seconds of local wall-clock time */
};

/* A POSIX TZ rule. */
struct am_timezone_rule {
    int32_t standard, saving; /* seconds east of UTC */
    struct am_timezone_change begin, end;
    uint32_t saves; /* 1: has daylight saving time */
};

struct am_timezone_transition {
    int64_t time;
    int32_t offset; /* seconds east of UTC, from `time` on */
    uint32_t reserved;
};

/* One zone. Zeroed, it is UTC. The transitions belong to whoever made it: a table of zones, or an
 * image, whose records have these layouts. */
struct am_timezone {
    const struct am_timezone_transition *transitions; /* ascending, from 2000 on */
    uint32_t count;
    int32_t first_offset;         /* before the first transition */
    struct am_timezone_rule rule; /* after the last one */
};

struct am_timezones; /* the system's zones; immutable after loading */

/* The folder that am_timezones_load reads without another: $TZDIR or /usr/share/zoneinfo. */
const char *am_timezones_folder(void);

/* Loads every zone of `directory` (NULL: am_timezones_folder). Files that are no TZif are
 * passed over, and those that are not readable. AM_E_IO with a table that knows only "UTC" when
 * there is no such directory: callers may go on without zones. NULL when memory or descriptors run
 * out or a disk fails, so that a table never misses a zone by chance. RFC 8536 (TZif), with the
 * footer's POSIX TZ rule for times after the last transition. */
struct am_timezones *am_timezones_load(const char *directory, struct am_error *error);
/* A table of zones that the caller has: an empty one, and one more, which is copied; names ascend
 * (am_view_compare). NULL, false: out of memory. */
struct am_timezones *am_timezones_new(void);
bool am_timezones_add(struct am_timezones *zones,
                      struct am_view name,
                      const struct am_timezone *zone);
void am_timezones_free(struct am_timezones *zones);

/* The zone of that name, case-sensitive, "America/New_York"; NULL when unknown. "UTC" is always
 * known. Lives as long as the table. */
const struct am_timezone *am_timezone_find(const struct am_timezones *zones, struct am_view name);

/* All of them, by name (am_view_compare). */
uint32_t am_timezones_count(const struct am_timezones *zones);
struct am_view am_timezones_name(const struct am_timezones *zones, uint32_t index);
const struct am_timezone *am_timezones_at(const struct am_timezones *zones, uint32_t index);
/* A digest of names and zones: equal where all of them are. NULL: of UTC alone. */
uint64_t am_timezones_digest(const struct am_timezones *zones);

/* Seconds east of UTC at that instant; NULL is UTC, here and below (seconds since the epoch),
 * daylight saving included. Times, here and below, are of the years 0 to 9999, as am_time_parse
 * yields them. */
int32_t am_timezone_offset(const struct am_timezone *zone, int64_t time);

/* The first instant after `time` at which the offset changes; INT64_MAX where it never does again.
 */
int64_t am_timezone_next_change(const struct am_timezone *zone, int64_t time);

/* Minute of the local week, 0-10079, 0 = Monday 00:00. */
unsigned am_timezone_week_minute(const struct am_timezone *zone, int64_t time);
/* "2026-11-01T00:00:00Z", with Z or +hh:mm, optional fraction of a second (dropped): seconds since
 * the epoch (RFC 3339). AM_E_INVALID says what was expected. */
enum am_code am_time_parse(struct am_view text, int64_t *time, struct am_error *error);

enum { AM_TIME_TEXT_SIZE = 32 };
/* The years 0 to 9999, and a day more at either end: times may be written with an offset. */
#define AM_TIME_MIN INT64_C(-62167305600)
#define AM_TIME_MAX INT64_C(253402387200)
/* Writes "2026-11-01T00:00:00Z" with a NUL. `time` is one of AM_TIME_MIN to AM_TIME_MAX. */
void am_time_write(int64_t time, char text[AM_TIME_TEXT_SIZE]);

/* Days from 1970-01-01 to a date of the proleptic Gregorian calendar, and back to the year. */
int64_t am_time_days(int64_t year, int month, int day);
void am_time_date(int64_t days, int64_t *year, int *month, int *day);

#endif
