/* SPDX-License-Identifier: Apache-2.0 */
/* Records, their limits, and ids, and the directory that finds them. All writing is done with
 * the lock; see layout.h. */
#include "live.h"

const char *am_ledger_kind_name(enum am_ledger_kind kind) {
    static const char *const names[] = {"advertiser", "campaign", "ad"};
    return names[kind];
}

const char *am_ledger_unit_name(enum am_ledger_unit unit) {
    static const char *const names[] = {"spend", "impressions", "clicks"};
    return names[unit];
}

/* ---- ids --------------------------------------------------------------------------------------
 *
 *     0   1                      16 x n
 *    +---+------------------+---+
 *    | n | n bytes          |   |
 *    +---+------------------+---+
 */

static unsigned char *text_at(const struct am_ledger *ledger, uint32_t text) {
    return ledger->texts + (size_t)text * AM_LEDGER_LIVE_TEXT_UNIT;
}

/* The class of texts of that size; class c has c + 1 units. */
static uint32_t text_class(size_t size) {
    return (uint32_t)(size / AM_LEDGER_LIVE_TEXT_UNIT);
}

struct am_view am_ledger_record_id(const struct am_ledger *ledger,
                                   const struct am_ledger_record *record) {
    const unsigned char *text = text_at(ledger, record->text);
    return (struct am_view){(const char *)text + 1, text[0]};
}

static uint32_t text_make(struct am_ledger *ledger, struct am_view id, struct am_error *error) {
    struct am_ledger_live_header *header = ledger->header;
    uint32_t size_class = text_class(id.size), units = size_class + 1;
    uint32_t text = header->texts_free[size_class];
    if (text != AM_LEDGER_NO_INDEX) {
        am_ledger_redo(ledger, header->texts_free[size_class],
                       am_bytes_load_u32(text_at(ledger, text)));
    } else {
        text = header->texts_used;
        if (header->geometry.texts - text < units) {
            am_error_set(error, AM_E_LIMIT,
                         "the ledger has no room for more ids: set a larger admatch-cells, stop "
                         "all instances, remove %s, and start them",
                         ledger->home);
            return AM_LEDGER_NO_INDEX;
        }
        uint64_t bytes = (uint64_t)(text + units) * AM_LEDGER_LIVE_TEXT_UNIT;
        if (am_ledger_live_grow(ledger, AM_LEDGER_SECTION_TEXTS, bytes, error) != AM_OK)
            return AM_LEDGER_NO_INDEX;
        am_ledger_redo(ledger, header->texts_used, text + units);
    }
    return text;
}

/* ---- the directory ----------------------------------------------------------------------------
 */

static uint32_t *head_of(const struct am_ledger *ledger, uint64_t key) {
    return &ledger->directory[key & ledger->directory_mask];
}

static uint32_t search(const struct am_ledger *ledger, uint64_t key) {
    uint32_t cells = ledger->header->geometry.cells;
    uint32_t at = AM_LEDGER_GET_ACQUIRE(*head_of(ledger, key));
    /* A chain may change under the search, so its steps are counted. */
    for (uint32_t steps = 0; at < cells && steps < cells; steps++) {
        const struct am_ledger_record *record = &ledger->records[at];
        if (AM_LEDGER_GET(record->key) == key)
            return at;
        at = AM_LEDGER_GET_ACQUIRE(record->next);
    }
    return AM_LEDGER_NO_CELL;
}

uint32_t am_ledger_find(const struct am_ledger *ledger, uint64_t key) {
    for (;;) {
        uint32_t removals = AM_LEDGER_GET_ACQUIRE(ledger->header->removals);
        uint32_t cell = search(ledger, key);
        if (cell != AM_LEDGER_NO_CELL ||
            AM_LEDGER_GET_ACQUIRE(ledger->header->removals) == removals)
            return cell;
    }
}

uint32_t am_ledger_cells(const struct am_ledger *ledger) {
    return AM_LEDGER_GET_ACQUIRE(ledger->header->records_used);
}

/* ---- records ----------------------------------------------------------------------------------
 */

static uint32_t cell_take(struct am_ledger *ledger, struct am_error *error) {
    struct am_ledger_live_header *header = ledger->header;
    if (header->records_free != AM_LEDGER_NO_INDEX) {
        uint32_t cell = header->records_free;
        am_ledger_redo(ledger, header->records_free, ledger->records[cell].next);
        return cell;
    }
    uint32_t cell = header->records_used;
    if (cell == header->geometry.cells) {
        am_error_set(error, AM_E_LIMIT,
                     "the ledger's %u cells are all in use: set a larger admatch-cells, stop all "
                     "instances, remove %s, and start them",
                     cell, ledger->home);
        return AM_LEDGER_NO_CELL;
    }
    uint64_t bytes = (uint64_t)(cell + 1) * sizeof(struct am_ledger_record);
    if (am_ledger_live_grow(ledger, AM_LEDGER_SECTION_RECORDS, bytes, error) != AM_OK)
        return AM_LEDGER_NO_CELL;
    am_ledger_redo(ledger, header->records_used, cell + 1);
    return cell;
}

static void record_fill(struct am_ledger_record *record,
                        enum am_ledger_kind kind,
                        uint64_t key,
                        uint32_t text,
                        uint32_t next,
                        int32_t day,
                        int64_t day_start) {
    uint32_t version = record->version;
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++) {
        AM_LEDGER_SET(record->total[unit], 0);
        AM_LEDGER_SET(record->before[unit], 0);
        AM_LEDGER_SET(record->limits[unit], AM_LEDGER_NO_INDEX);
    }
    record->day = day;
    AM_LEDGER_SET(record->day_start, day_start);
    record->gone = day ? day : 1; /* until it is published */
    record->mark = 0;
    record->version = (uint32_t)((uint64_t)version + 1);
    record->above = 0;
    record->start = INT64_MIN;
    record->end = INT64_MAX;
    record->text = text;
    record->zone = 0;
    record->kind = (uint8_t)kind;
    AM_LEDGER_SET(record->flags, AM_LEDGER_RECORD_USED);
    AM_LEDGER_SET(record->next, next);
    AM_LEDGER_SET(record->key, key);
}

uint32_t am_ledger_record_make(struct am_ledger *ledger,
                               enum am_ledger_kind kind,
                               struct am_view id,
                               uint64_t key,
                               int64_t now,
                               struct am_error *error) {
    struct am_ledger_live_header *header = ledger->header;
    uint32_t cell = cell_take(ledger, error);
    uint32_t text = cell == AM_LEDGER_NO_CELL ? AM_LEDGER_NO_INDEX : text_make(ledger, id, error);
    if (text == AM_LEDGER_NO_INDEX) {
        header->redo.count = 0; /* takes nothing */
        return AM_LEDGER_NO_CELL;
    }
    text_at(ledger, text)[0] = (unsigned char)id.size;
    memcpy(text_at(ledger, text) + 1, id.data, id.size);
    uint32_t *head = head_of(ledger, key);
    int32_t day = am_ledger_zone_day(ledger, 0, now);
    record_fill(&ledger->records[cell], kind, key, text, *head, day,
                am_ledger_zone_day_start(ledger, 0, day));
    am_ledger_redo(ledger, header->records_live, header->records_live + 1);
    am_ledger_redo(ledger, *head, cell);
    am_ledger_redo_commit(ledger);
    return cell;
}

static void text_free(struct am_ledger *ledger, uint32_t text) {
    uint32_t size_class = text_class(text_at(ledger, text)[0]);
    am_ledger_redo_put(ledger, text_at(ledger, text), sizeof(uint32_t),
                       ledger->header->texts_free[size_class]);
    am_ledger_redo(ledger, ledger->header->texts_free[size_class], text);
}

static void limits_free(struct am_ledger *ledger, const struct am_ledger_record *record) {
    uint32_t first = ledger->header->limits_free;
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++) {
        if (record->limits[unit] == AM_LEDGER_NO_INDEX)
            continue;
        struct am_ledger_limit *limit = &ledger->limits[record->limits[unit]];
        am_ledger_redo(ledger, limit->record, AM_LEDGER_NO_INDEX);
        am_ledger_redo(ledger, limit->flags, 0);
        am_ledger_redo(ledger, limit->schedule, first);
        first = record->limits[unit];
    }
    am_ledger_redo(ledger, ledger->header->limits_free, first);
}

void am_ledger_record_free(struct am_ledger *ledger, uint32_t cell) {
    struct am_ledger_live_header *header = ledger->header;
    struct am_ledger_record *record = &ledger->records[cell];
    uint32_t *link = head_of(ledger, record->key);
    while (*link != cell)
        link = &ledger->records[*link].next;
    am_ledger_redo(ledger, *link, record->next);
    am_ledger_redo(ledger, record->next, header->records_free);
    am_ledger_redo(ledger, record->key, 0);
    am_ledger_redo_put(ledger, &record->zone, sizeof(uint32_t), 0); /* zone, kind and flags */
    am_ledger_redo(ledger, header->records_free, cell);
    am_ledger_redo(ledger, header->records_live, header->records_live - 1);
    am_ledger_redo(ledger, header->removals, (uint64_t)header->removals + 1);
    limits_free(ledger, record);
    text_free(ledger, record->text);
    am_ledger_redo_commit(ledger);
}
_Static_assert(offsetof(struct am_ledger_record, zone) % 4 == 0,
               "zone, kind and flags are one word");

/* ---- limits -----------------------------------------------------------------------------------
 */

static uint32_t limit_take(struct am_ledger *ledger, struct am_error *error) {
    struct am_ledger_live_header *header = ledger->header;
    if (header->limits_free != AM_LEDGER_NO_INDEX) {
        uint32_t index = header->limits_free;
        am_ledger_redo(ledger, header->limits_free, ledger->limits[index].schedule);
        return index;
    }
    uint32_t index = header->limits_used; /* there are three for each cell */
    uint64_t bytes = (uint64_t)(index + 1) * sizeof(struct am_ledger_limit);
    if (am_ledger_live_grow(ledger, AM_LEDGER_SECTION_LIMITS, bytes, error) != AM_OK)
        return AM_LEDGER_NO_INDEX;
    am_ledger_redo(ledger, header->limits_used, index + 1);
    return index;
}

/* Events that are charged and not folded are missing in `counted` and in the guard: folding adds
 * them to both. */
static void limit_fill(struct am_ledger_limit *limit,
                       uint32_t cell,
                       const struct am_ledger_record *record,
                       enum am_ledger_unit unit) {
    int64_t counted = am_ledger_scaled(unit, record->total[unit]);
    AM_LEDGER_SET(limit->committed, counted);
    AM_LEDGER_SET(limit->expected, 0);
    AM_LEDGER_SET(limit->counted, counted);
    AM_LEDGER_SET(limit->base, 0);
    AM_LEDGER_SET(limit->ceiling, INT64_MAX);
    AM_LEDGER_SET(limit->line, INT64_MAX);
    AM_LEDGER_SET(limit->lead, INT64_MAX);
    AM_LEDGER_SET(limit->day, record->day);
    AM_LEDGER_SET(limit->flags, record->kind | (uint32_t)unit << AM_LEDGER_LIMIT_UNIT_SHIFT);
    limit->total = limit->daily = AM_LEDGER_UNLIMITED;
    limit->u0 = 0;
    limit->w0 = limit->b_weight = 0;
    limit->t0 = limit->b = 0;
    limit->schedule = AM_LEDGER_NO_INDEX;
    limit->record = cell;
}

uint32_t am_ledger_limit_make(struct am_ledger *ledger,
                              uint32_t cell,
                              enum am_ledger_unit unit,
                              struct am_error *error) {
    struct am_ledger_record *record = &ledger->records[cell];
    if (record->limits[unit] != AM_LEDGER_NO_INDEX)
        return record->limits[unit];
    uint32_t index = limit_take(ledger, error);
    if (index == AM_LEDGER_NO_INDEX)
        return index;
    limit_fill(&ledger->limits[index], cell, record, unit);
    am_ledger_redo(ledger, record->limits[unit], index);
    am_ledger_redo_commit(ledger);
    return index;
}
