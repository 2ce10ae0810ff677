/* SPDX-License-Identifier: Apache-2.0 */
/* Private to base: calendar arithmetic, and the POSIX TZ rule at the end of a TZif file. */
#ifndef AM_BASE_TIMEZONE_RULE_H
#define AM_BASE_TIMEZONE_RULE_H

#include "timezone.h"

/* Reads "EST5EDT,M3.2.0,M11.1.0"; what cannot be read leaves the rule with the constant `fallback`
 * offset. */
void am_timezone_rule_parse(struct am_view text, int32_t fallback, struct am_timezone_rule *rule);
int32_t am_timezone_rule_offset(const struct am_timezone_rule *rule, int64_t time);
/* The first instant after `time` at which the rule changes the offset, or INT64_MAX. */
int64_t am_timezone_rule_next(const struct am_timezone_rule *rule, int64_t time);

#endif
