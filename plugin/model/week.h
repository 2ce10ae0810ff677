/* SPDX-License-Identifier: Apache-2.0 */
/* Days and minutes of a week, from Monday 00:00. */
#ifndef AM_MODEL_WEEK_H
#define AM_MODEL_WEEK_H

#include "../base/buffer.h"
#include "../base/bytes.h"

enum { AM_DAY_MINUTES = 24 * 60, AM_WEEK_MINUTES = 7 * AM_DAY_MINUTES };

/* A run of minutes, [begin, end), in one number: runs ascend as their numbers do. */
static inline uint32_t am_model_week_run(uint32_t begin, uint32_t end) {
    return begin << 16 | end;
}

static inline uint32_t am_model_week_run_begin(uint32_t run) {
    return run >> 16;
}

static inline uint32_t am_model_week_run_end(uint32_t run) {
    return run & 0xFFFF;
}

/* "mon" to "sun"; 7: none of them. Without regard to ASCII case. */
uint32_t am_model_week_day(struct am_view name);

/* Appends a minute of the week, such as "sat 11:02". */
void am_model_week_write(struct am_buffer *text, uint32_t minute);

#endif
