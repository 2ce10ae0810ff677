/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the reports room: the search term of each placement, for a day, since lines of events
 * do not repeat the query.
 *
 * A placement's sequence number says where its entry is: placements of a host and an epoch lie in
 * segments of 4,096 entries of 4 bytes, rows of the table `places`. */
#ifndef AM_REPORTS_PLACES_H
#define AM_REPORTS_PLACES_H

#include "../base/intern.h"
#include "../base/vector.h"
#include "store.h"

struct am_report_places {
    struct am_report_store *store;
    struct am_intern table;
    struct am_vector segments; /* of struct segment * */
};

void am_report_places_init(struct am_report_places *places, struct am_report_store *store);
void am_report_places_clear(struct am_report_places *places);

struct am_report_place {
    uint16_t host, epoch;
    uint64_t sequence; /* below 2^40 */
};

/* Entries; others are terms.h's. */
enum { AM_REPORT_PLACE_UNKNOWN = 0 };
#define AM_REPORT_PLACE_NO_QUERY UINT32_MAX

/* The entry of a placement, to read or (`change`) to write; NULL with an error. Valid until the
 * next call. `hour` is that of the present line: segments are removed by it. */
uint32_t *am_report_places_at(struct am_report_places *places,
                              struct am_report_place place,
                              bool change,
                              int64_t hour,
                              struct am_error *error);

/* Writes what was changed. */
enum am_code am_report_places_flush(struct am_report_places *places, struct am_error *error);

#endif
