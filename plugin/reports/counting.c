/* SPDX-License-Identifier: Apache-2.0 */
#include "counting.h"

#include <stdlib.h>

/* Conversions are logged for 30 days after the click, custom events for an hour. */
enum { HOUR_SECONDS = 3600, DAY_HOURS = 24, CONVERSION_HOURS = 31 * DAY_HOURS, EVENT_HOURS = 2 };

static int64_t floor_divide(int64_t number, int64_t divisor) {
    return number / divisor - (number % divisor < 0);
}

/* Since 1970. */
static int64_t hour_of(int64_t time) {
    return floor_divide(time, HOUR_SECONDS * AM_JOURNAL_SECOND);
}

void am_report_counting_init(struct am_report_counting *counting,
                             struct am_report_store *store,
                             uint64_t terms) {
    *counting = (struct am_report_counting){
        .store = store, .scratch = AM_VECTOR_OF(char), .newest = INT64_MIN};
    am_report_subjects_init(&counting->subjects, store);
    am_report_sums_init(&counting->sums, store);
    am_report_terms_init(&counting->terms, store, terms);
    am_report_places_init(&counting->places, store);
}

void am_report_counting_clear(struct am_report_counting *counting) {
    am_report_subjects_clear(&counting->subjects);
    am_report_sums_clear(&counting->sums);
    am_report_terms_clear(&counting->terms);
    am_report_places_clear(&counting->places);
    counting->newest = INT64_MIN;
    counting->unreadable = 0;
    counting->code = AM_OK;
}

void am_report_counting_free(struct am_report_counting *counting) {
    am_report_counting_clear(counting);
    am_report_subjects_free(&counting->subjects);
    am_report_terms_free(&counting->terms);
    am_vector_free(&counting->scratch);
}

enum am_code am_report_counting_flush(struct am_report_counting *counting, struct am_error *error) {
    enum am_code code = am_report_sums_flush(&counting->sums, error);
    if (code == AM_OK)
        code = am_report_terms_flush(&counting->terms, error);
    return code == AM_OK ? am_report_places_flush(&counting->places, error) : code;
}

static void end(struct am_report_counting *counting, enum am_code code) {
    if (code != AM_OK && counting->code == AM_OK)
        counting->code = code;
}

/* A string, decoded into `scratch` until the next call where anything in it is escaped. */
static struct am_view text_of(struct am_report_counting *counting, struct am_view value) {
    if (!memchr(value.size ? value.data : "", '\\', value.size))
        return am_journal_text(value, NULL);
    counting->scratch.count = 0;
    char *memory = am_vector_extend(&counting->scratch, value.size);
    if (!memory)
        end(counting, am_error_set(&counting->error, AM_E_MEMORY, "no memory for the reports"));
    return memory ? am_journal_text(value, memory) : AM_VIEW("");
}

static bool subject_of(struct am_report_counting *counting,
                       const struct am_journal_record *record,
                       int64_t *id) {
    const struct am_view parts[AM_REPORT_SUBJECT_PARTS] = {
        [AM_REPORT_ADVERTISER] = record->values[AM_JOURNAL_M_ADVERTISER],
        [AM_REPORT_CAMPAIGN] = record->values[AM_JOURNAL_M_CAMPAIGN],
        [AM_REPORT_AD] = record->values[AM_JOURNAL_M_AD],
        [AM_REPORT_KEYWORD] = record->values[AM_JOURNAL_M_KEYWORD],
        [AM_REPORT_MATCH] = record->values[AM_JOURNAL_M_MATCH],
    };
    end(counting, am_report_subjects_find(&counting->subjects, parts, id, &counting->error));
    return counting->code == AM_OK;
}

static bool place_of(const struct am_journal_record *record, struct am_report_place *place) {
    char memory[AM_JOURNAL_ID_MEMORY];
    return am_journal_id_read(am_journal_id(record->values[AM_JOURNAL_M_ID], memory), &place->host,
                              &place->epoch, &place->sequence);
}

/* The time of any line is where its writer puts it. */
static void note_time(struct am_report_counting *counting, struct am_view line) {
    enum { AT = sizeof "{\"t\":\"" - 1 };
    int64_t time;
    if (line.size > AT + AM_JOURNAL_TIME_SIZE &&
        am_journal_time_read((struct am_view){line.data + AT, AM_JOURNAL_TIME_SIZE}, &time) &&
        time > counting->newest)
        counting->newest = time;
}

/* ---- decisions ---- */

/* The entry of a winner, whose term is counted. */
static uint32_t count_term(struct am_report_counting *counting,
                           const struct am_journal_record *ad,
                           struct am_view term,
                           int64_t hour,
                           int64_t subject) {
    static const int64_t added[AM_REPORT_TERM_SUMS] = {[AM_REPORT_TERM_DECISIONS] = 1};
    int64_t id;
    if (!term.size)
        return AM_REPORT_PLACE_NO_QUERY;
    const struct am_report_term wanted = {floor_divide(hour, DAY_HOURS), subject, term,
                                          text_of(counting, ad->values[AM_JOURNAL_M_FIELD])};
    enum am_code code = am_report_terms_find(&counting->terms, &wanted, &id, &counting->error);
    if (code == AM_OK && id)
        code = am_report_terms_add(&counting->terms, id, added, &counting->error);
    end(counting, code);
    return code == AM_OK ? am_report_terms_entry(id) : AM_REPORT_PLACE_UNKNOWN;
}

static void count_ad(struct am_report_counting *counting,
                     const struct am_journal_record *ad,
                     struct am_view term,
                     int64_t hour) {
    int64_t subject;
    struct am_report_place place;
    if (!subject_of(counting, ad, &subject))
        return;
    int64_t *sums = am_report_sums_of(&counting->sums, hour, subject, &counting->error);
    if (!sums) {
        end(counting, AM_E_IO);
        return;
    }
    sums[AM_REPORT_DECISIONS]++;
    uint32_t entry = count_term(counting, ad, term, hour, subject);
    if (counting->code != AM_OK || !place_of(ad, &place))
        return;
    uint32_t *noted = am_report_places_at(&counting->places, place, true, hour, &counting->error);
    if (noted)
        *noted = entry;
    else
        end(counting, AM_E_IO);
}

bool am_report_count_decision(void *context, const struct am_journal_walked *line) {
    struct am_report_counting *counting = context;
    struct am_journal_record record, ad;
    struct am_view item, term = AM_VIEW("");
    int64_t time;
    size_t at = 0;
    note_time(counting, line->text);
    if (am_journal_peek(line->text) != AM_JOURNAL_DECISION)
        return true;
    if (!am_journal_scan(line->text, &record) || !am_journal_time(&record, &time)) {
        counting->unreadable++;
        return true;
    }
    struct am_view query = text_of(counting, record.values[AM_JOURNAL_M_QUERY]);
    if (query.size && !(term = am_report_terms_fold(&counting->terms, query)).data)
        end(counting, am_error_set(&counting->error, AM_E_MEMORY, "no memory for the reports"));
    while (counting->code == AM_OK && am_journal_item(record.values[AM_JOURNAL_M_ADS], &at, &item))
        if (am_journal_scan(item, &ad))
            count_ad(counting, &ad, term, hour_of(time));
    return counting->code == AM_OK;
}

/* ---- events ---- */

struct event {
    const struct am_journal_record *record;
    enum am_journal_kind kind;
    int64_t hour, subject;
    int64_t *sums; /* of them; valid until an outcome is noted, so that comes last */
};

static void note_outcome(struct am_report_counting *counting,
                         const struct event *event,
                         enum am_event_outcome outcome) {
    const struct am_report_outcome what = {
        .hour = event->hour,
        .subject = event->subject,
        .kind = event->kind,
        .outcome = outcome,
        .name = text_of(counting, event->record->values[AM_JOURNAL_M_NAME]),
    };
    end(counting, am_report_sums_outcome(&counting->sums, &what, &counting->error));
}

/* Whether no event of that placement and name was counted before. */
static bool is_first(struct am_report_counting *counting, const struct event *event) {
    char memory[AM_JOURNAL_ID_MEMORY];
    bool row;
    struct am_view id = am_journal_id(event->record->values[AM_JOURNAL_M_ID], memory);
    struct am_view name = event->kind == AM_JOURNAL_CONVERSION
                              ? AM_VIEW("")
                              : text_of(counting, event->record->values[AM_JOURNAL_M_NAME]);
    int64_t until =
        event->hour + (event->kind == AM_JOURNAL_CONVERSION ? CONVERSION_HOURS : EVENT_HOURS);
    sqlite3_stmt *statement =
        am_report_store_get(counting->store, AM_REPORT_SEEN_PUT, &counting->error);
    if (!statement) {
        end(counting, AM_E_IO);
        return false;
    }
    sqlite3_bind_int64(statement, 1, until);
    am_report_store_bind(statement, 2, id);
    am_report_store_bind(statement, 3, name);
    end(counting, am_report_store_step(counting->store, statement, &row, &counting->error));
    return sqlite3_changes(counting->store->database) == 1;
}

static void count_once(struct am_report_counting *counting, const struct event *event) {
    bool conversion = event->kind == AM_JOURNAL_CONVERSION;
    int64_t value;
    if (!is_first(counting, event)) {
        note_outcome(counting, event, AM_EVENT_DUPLICATE);
        return;
    }
    event->sums[conversion ? AM_REPORT_CONVERSIONS : AM_REPORT_EVENTS]++;
    if (conversion && am_journal_money(event->record->values[AM_JOURNAL_M_VALUE], &value))
        event->sums[AM_REPORT_VALUE] += value;
    if (!conversion)
        note_outcome(counting, event, AM_EVENT_COUNTED);
}

/* What changes the ledger's counters, and the search term's. */
static void count_amounts(struct am_report_counting *counting,
                          const struct event *event,
                          const int64_t amounts[AM_LEDGER_UNITS]) {
    const int64_t added[AM_REPORT_TERM_SUMS] = {
        [AM_REPORT_TERM_IMPRESSIONS] = amounts[AM_LEDGER_IMPRESSIONS],
        [AM_REPORT_TERM_CLICKS] = amounts[AM_LEDGER_CLICKS],
        [AM_REPORT_TERM_SPEND] = amounts[AM_LEDGER_MONEY],
    };
    struct am_report_place place;
    int64_t id = 0;
    event->sums[AM_REPORT_SPEND] += amounts[AM_LEDGER_MONEY];
    event->sums[AM_REPORT_IMPRESSIONS] += amounts[AM_LEDGER_IMPRESSIONS];
    event->sums[AM_REPORT_CLICKS] += amounts[AM_LEDGER_CLICKS];
    if (event->kind == AM_JOURNAL_CONTROL || !place_of(event->record, &place))
        return;
    const uint32_t *entry =
        am_report_places_at(&counting->places, place, false, event->hour, &counting->error);
    if (!entry) {
        end(counting, AM_E_IO);
        return;
    }
    enum am_code code =
        am_report_terms_of_entry(&counting->terms, *entry, floor_divide(event->hour, DAY_HOURS),
                                 event->subject, &id, &counting->error);
    if (code == AM_OK && id)
        code = am_report_terms_add(&counting->terms, id, added, &counting->error);
    end(counting, code);
}

static void count_invalid(struct am_report_counting *counting, const struct event *event) {
    enum am_event_outcome outcome = am_journal_outcome(event->record);
    if (outcome == AM_EVENT_OUTCOMES)
        return;
    if (outcome == AM_EVENT_BUDGET)
        event->sums[AM_REPORT_UNBILLED]++;
    else if (event->kind == AM_JOURNAL_IMPRESSION)
        event->sums[AM_REPORT_INVALID_IMPRESSIONS]++;
    else if (event->kind == AM_JOURNAL_CLICK)
        event->sums[AM_REPORT_INVALID_CLICKS]++;
    note_outcome(counting, event, outcome);
}

static void count_one(struct am_report_counting *counting, const struct event *event) {
    struct am_journal_amounts added;
    const struct am_view *values = event->record->values;
    bool counted = am_journal_true(values[AM_JOURNAL_M_BILLABLE]);
    if (counted && am_journal_true(values[AM_JOURNAL_M_LATE]))
        event->sums[AM_REPORT_LATE]++;
    if (am_journal_amounts(event->kind, event->record, &added))
        count_amounts(counting, event, added.amounts);
    else if (counted && event->kind == AM_JOURNAL_VIEW)
        event->sums[AM_REPORT_VIEWS]++;
    else if (counted && (event->kind == AM_JOURNAL_EVENT || event->kind == AM_JOURNAL_CONVERSION))
        count_once(counting, event);
    else if (!counted && event->kind != AM_JOURNAL_CONTROL)
        count_invalid(counting, event);
}

static bool is_counted_by_events(enum am_journal_kind kind) {
    return (kind >= AM_JOURNAL_IMPRESSION && kind <= AM_JOURNAL_LOSS) || kind == AM_JOURNAL_CONTROL;
}

bool am_report_count_event(void *context, const struct am_journal_walked *line) {
    struct am_report_counting *counting = context;
    struct am_journal_record record;
    struct event event = {.record = &record};
    struct am_journal_amounts added;
    int64_t time;
    event.kind = am_journal_peek(line->text);
    if (event.kind != AM_JOURNAL_KINDS && !is_counted_by_events(event.kind))
        return true;
    if (!am_journal_scan(line->text, &record) || !am_journal_time(&record, &time)) {
        counting->unreadable++;
        return true;
    }
    event.kind = am_journal_kind(&record);
    event.hour = hour_of(time);
    if (event.kind == AM_JOURNAL_CONTROL && !am_journal_amounts(event.kind, &record, &added))
        return true; /* a change that counts nothing */
    if (!is_counted_by_events(event.kind) || !subject_of(counting, &record, &event.subject))
        return counting->code == AM_OK;
    event.sums = am_report_sums_of(&counting->sums, event.hour, event.subject, &counting->error);
    if (event.sums)
        count_one(counting, &event);
    else
        end(counting, AM_E_IO);
    return counting->code == AM_OK;
}
