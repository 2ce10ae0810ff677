/* SPDX-License-Identifier: Apache-2.0 */
#include "amounts.h"

static struct am_view inside(struct am_view value) {
    bool quoted = value.size >= 2 && value.data[0] == '"';
    return quoted ? (struct am_view){value.data + 1, value.size - 2} : (struct am_view){NULL, 0};
}

enum am_journal_kind am_journal_kind(const struct am_journal_record *record) {
    return am_journal_kind_of(inside(record->values[AM_JOURNAL_M_E]));
}

enum am_journal_kind am_journal_peek(struct am_view line) {
    /* {"t":"2026-12-01T10:31:07.123456Z","e":"impression", */
    enum { AT = sizeof "{\"t\":\"" - 1 + AM_JOURNAL_TIME_SIZE + sizeof "\",\"e\":\"" - 1 };
    if (line.size <= AT || memcmp(line.data + AT - 7, "\",\"e\":\"", 7) != 0)
        return AM_JOURNAL_KINDS;
    const char *begin = line.data + AT;
    const char *end = memchr(begin, '"', line.size - AT);
    return end ? am_journal_kind_of((struct am_view){begin, (size_t)(end - begin)})
               : AM_JOURNAL_KINDS;
}

bool am_journal_time(const struct am_journal_record *record, int64_t *time) {
    return am_journal_time_read(inside(record->values[AM_JOURNAL_M_T]), time);
}

struct am_view am_journal_id(struct am_view value, char memory[AM_JOURNAL_ID_MEMORY]) {
    struct am_view none = {NULL, 0};
    struct am_view id = value.size <= AM_JOURNAL_ID_MEMORY ? am_journal_text(value, memory) : none;
    return id.size <= AM_LEDGER_ID_MAX_BYTES ? id : none;
}

enum am_ledger_kind am_journal_ledger_kind(struct am_view value) {
    int kind = 0;
    while (kind < AM_LEDGER_KINDS && !am_view_equal(inside(value), am_view_of(am_ledger_kind_name(
                                                                       (enum am_ledger_kind)kind))))
        kind++;
    return (enum am_ledger_kind)kind;
}

enum am_event_outcome am_journal_outcome(const struct am_journal_record *record) {
    struct am_view reason = record->values[AM_JOURNAL_M_REASON];
    int outcome = AM_EVENT_COUNTED + 1;
    if (am_journal_true(record->values[AM_JOURNAL_M_BILLABLE]))
        return AM_EVENT_COUNTED;
    while (outcome < AM_EVENT_OUTCOMES &&
           !am_view_equal(inside(reason), am_event_outcome_name((enum am_event_outcome)outcome)))
        outcome++;
    return (enum am_event_outcome)outcome;
}

bool am_journal_integer(struct am_view value, int64_t *number) {
    uint64_t magnitude;
    if (!value.size)
        return false;
    bool negative = value.data[0] == '-';
    struct am_view digits = {value.data + negative, value.size - negative};
    if (!am_journal_unsigned(digits, &magnitude) || magnitude > INT64_MAX)
        return false;
    *number = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

static bool read_adjustment(const struct am_journal_record *record,
                            struct am_journal_amounts *added) {
    struct am_view spend = record->values[AM_JOURNAL_M_SPEND];
    struct am_view impressions = record->values[AM_JOURNAL_M_IMPRESSIONS];
    struct am_view clicks = record->values[AM_JOURNAL_M_CLICKS];
    return am_view_equal(record->values[AM_JOURNAL_M_CHANGE], AM_VIEW("\"adjust\"")) &&
           (!spend.size || am_journal_money(spend, &added->amounts[AM_LEDGER_MONEY])) &&
           (!impressions.size ||
            am_journal_integer(impressions, &added->amounts[AM_LEDGER_IMPRESSIONS])) &&
           (!clicks.size || am_journal_integer(clicks, &added->amounts[AM_LEDGER_CLICKS]));
}

bool am_journal_amounts(enum am_journal_kind kind,
                        const struct am_journal_record *record,
                        struct am_journal_amounts *added) {
    struct am_view spend = record->values[AM_JOURNAL_M_SPEND];
    bool impression = kind == AM_JOURNAL_IMPRESSION || kind == AM_JOURNAL_BILL;
    *added =
        (struct am_journal_amounts){.ad = am_journal_true(record->values[AM_JOURNAL_M_LIMITED])};
    if (kind == AM_JOURNAL_CONTROL)
        return read_adjustment(record, added);
    if ((!impression && kind != AM_JOURNAL_CLICK) ||
        !am_journal_true(record->values[AM_JOURNAL_M_BILLABLE]) ||
        (spend.size && !am_journal_money(spend, &added->amounts[AM_LEDGER_MONEY])))
        return false;
    added->amounts[impression ? AM_LEDGER_IMPRESSIONS : AM_LEDGER_CLICKS] = 1;
    return true;
}
