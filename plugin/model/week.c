/* SPDX-License-Identifier: Apache-2.0 */
#include "week.h"

#include <strings.h>

static const char days[][4] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

uint32_t am_model_week_day(struct am_view name) {
    uint32_t day = 0;
    while (day < AM_COUNT_OF(days) &&
           !(name.size == 3 && strncasecmp(name.data, days[day], 3) == 0))
        day++;
    return day;
}

static void write_two(struct am_buffer *text, uint32_t number) {
    const char digits[] = {(char)('0' + number / 10), (char)('0' + number % 10)};
    am_buffer_append(text, digits, sizeof digits);
}

void am_model_week_write(struct am_buffer *text, uint32_t minute) {
    am_buffer_append(text, days[minute / AM_DAY_MINUTES], 3);
    am_buffer_literal(text, " ");
    write_two(text, minute % AM_DAY_MINUTES / 60);
    am_buffer_literal(text, ":");
    write_two(text, minute % 60);
}
