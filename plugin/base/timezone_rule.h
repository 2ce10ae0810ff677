/* Private to base: the POSIX TZ rule at the end of a TZif file. */
#ifndef AM_BASE_TIMEZONE_RULE_H
#define AM_BASE_TIMEZONE_RULE_H

#include "bytes.h"

/* When daylight saving begins or ends each year: "M3.2.0/2", or a day of the year. */
struct am_timezone_change {
    char
        kind; /* 'M': month, week, day; 'J': day 1-365, 29 February never counted; '0': day 0-365 */
    int month, week, day; /* week 5: the last; day 0: Sunday */
    int32_t time;         /* seconds of local wall-clock time */
};

struct am_timezone_rule {
    bool known;
    bool saves;               /* has daylight saving time */
    int32_t standard, saving; /* seconds east of UTC */
    struct am_timezone_change begin, end;
};

/* Reads "EST5EDT,M3.2.0,M11.1.0"; what cannot be read leaves the rule with the constant `fallback`
 * offset. */
void am_timezone_rule_parse(struct am_view text, int32_t fallback, struct am_timezone_rule *rule);
int32_t am_timezone_rule_offset(const struct am_timezone_rule *rule, int64_t time);
/* The first instant after `time` at which the rule changes the offset, or INT64_MAX. */
int64_t am_timezone_rule_next(const struct am_timezone_rule *rule, int64_t time);

#endif
