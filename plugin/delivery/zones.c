/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones of records and their running days. Written with the lock; see layout.h. */
#include "live.h"

const struct am_timezone *am_ledger_zone_database(const struct am_ledger *ledger, uint32_t zone) {
    const char *name = ledger->zones[zone].name;
    return *name ? am_timezone_find(ledger->database, am_view_of(name)) : NULL;
}

uint32_t
am_ledger_zone_intern(struct am_ledger *ledger, struct am_view name, struct am_error *error) {
    struct am_ledger_live_header *header = ledger->header;
    if (name.size == 0 || am_view_equal(name, AM_VIEW("UTC")))
        return 0;
    for (uint32_t zone = 1; zone < header->zones_used; zone++)
        if (am_view_equal(am_view_of(ledger->zones[zone].name), name))
            return zone;
    if (header->zones_used == AM_LEDGER_LIVE_ZONES || name.size >= AM_LEDGER_LIVE_ZONE_NAME) {
        am_error_set(error, AM_E_LIMIT, "the ledger has no room for time zone \"%.*s\"",
                     AM_VIEW_ARGUMENTS(name));
        return AM_LEDGER_NO_INDEX;
    }
    uint32_t zone = header->zones_used;
    memset(&ledger->zones[zone], 0, sizeof ledger->zones[zone]);
    memcpy(ledger->zones[zone].name, name.data, name.size);
    am_ledger_redo(ledger, header->zones_used, zone + 1);
    am_ledger_redo_commit(ledger);
    am_ledger_zone_look(ledger, zone, ledger->now);
    return zone;
}

int32_t am_ledger_zone_day(const struct am_ledger *ledger, uint32_t zone, int64_t time) {
    const struct am_ledger_zone *known = &ledger->zones[zone];
    if (time >= known->start && time < known->end)
        return known->day;
    time = time < AM_TIME_MIN ? AM_TIME_MIN : time > AM_TIME_MAX ? AM_TIME_MAX : time;
    if (time >= known->end && time < known->next_end)
        return known->next_day;
    if (ledger->database || zone == 0)
        return (int32_t)am_pace_day(am_ledger_zone_database(ledger, zone), time);
    return time < known->start ? known->day - 1 : known->next_day;
}

int64_t am_ledger_zone_day_start(const struct am_ledger *ledger, uint32_t zone, int32_t day) {
    const struct am_ledger_zone *known = &ledger->zones[zone];
    if (day == known->day)
        return known->start;
    if (day == known->next_day)
        return known->end;
    return am_pace_day_start(am_ledger_zone_database(ledger, zone), day);
}

void am_ledger_zone_look(struct am_ledger *ledger, uint32_t index, int64_t now) {
    const struct am_timezone *zone = am_ledger_zone_database(ledger, index);
    struct am_ledger_zone *known = &ledger->zones[index];
    am_ledger_redo(ledger, known->offset, (uint32_t)am_timezone_offset(zone, now));
    if (now < known->start || now >= known->end) {
        int64_t day = am_pace_day(zone, now);
        int64_t end = am_pace_day_start(zone, day + 1);
        int64_t next = am_pace_day(zone, end);
        am_ledger_redo(ledger, known->start, am_pace_day_start(zone, day));
        am_ledger_redo(ledger, known->end, end);
        am_ledger_redo(ledger, known->next_end, am_pace_day_start(zone, next + 1));
        am_ledger_redo(ledger, known->day, (uint32_t)day);
        am_ledger_redo(ledger, known->next_day, (uint32_t)next);
    }
    am_ledger_redo_commit(ledger);
}

void am_ledger_zones_look(struct am_ledger *ledger, int64_t now) {
    for (uint32_t zone = 0; zone < ledger->header->zones_used; zone++)
        am_ledger_zone_look(ledger, zone, now);
}
