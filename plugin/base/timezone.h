/* IANA time zones from the system's zoneinfo files, loaded once, read by any thread without a lock.
 * glibc's own functions keep one zone per process and take a lock, so they cannot serve requests of
 * several zones. */
#ifndef AM_BASE_TIMEZONE_H
#define AM_BASE_TIMEZONE_H

#include "bytes.h"
#include "error.h"

struct am_timezones; /* immutable after loading */
struct am_timezone;  /* one zone; lives as long as its table */

/* Loads every zone of `directory` (NULL: $TZDIR or /usr/share/zoneinfo). Files that are no TZif are
 * passed over. AM_E_IO when the directory cannot be read (the table then knows only "UTC"): callers
 * may go on without zones. NULL only when memory runs out. RFC 8536 (TZif), with the footer's POSIX
 * TZ rule for times after the last transition. */
struct am_timezones *am_timezones_load(const char *directory, struct am_error *error);
void am_timezones_free(struct am_timezones *zones);

/* The zone of that name, case-sensitive, "America/New_York"; NULL when unknown. "UTC" is always
 * known. */
const struct am_timezone *am_timezone_find(const struct am_timezones *zones, struct am_view name);

/* Seconds east of UTC at that instant; NULL is UTC, here and below (seconds since the epoch),
 * daylight saving included. Times, here and below, are of the years 0 to 9999, as am_time_parse
 * yields them. */
int32_t am_timezone_offset(const struct am_timezone *zone, int64_t time);

/* The first instant after `time` at which the offset changes; INT64_MAX where it never does again.
 */
int64_t am_timezone_next_change(const struct am_timezone *zone, int64_t time);

/* Hour of the local week, 0-167, 0 = Monday 00:00-00:59. */
unsigned am_timezone_week_hour(const struct am_timezone *zone, int64_t time);

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
