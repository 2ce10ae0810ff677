/* SPDX-License-Identifier: Apache-2.0 */
/* Why an ad was stopped, in words. */
#include "delivery.h"

/* Money in the currency, impressions whole, clicks in millionths: as many decimals as needed. */
static void put_amount(struct am_buffer *buffer, enum am_ledger_unit unit, int64_t amount) {
    static const unsigned places[] = {
        [AM_LEDGER_MONEY] = 9, [AM_LEDGER_IMPRESSIONS] = 0, [AM_LEDGER_CLICKS] = 6};
    am_buffer_decimal(buffer, amount, places[unit]);
}

static void put_text(struct am_buffer *buffer, const char *text) {
    am_buffer_view_append(buffer, am_view_of(text));
}

/* " clicks"; money goes without saying. */
static void put_unit(struct am_buffer *buffer, enum am_ledger_unit unit) {
    if (unit == AM_LEDGER_MONEY)
        return;
    am_buffer_literal(buffer, " ");
    put_text(buffer, am_ledger_unit_name(unit));
}

static void put_limit(struct am_buffer *buffer, const struct am_delivery_detail *detail) {
    put_text(buffer, am_ledger_kind_name(detail->kind));
    put_text(buffer, detail->daily ? " daily" : " total");
    put_unit(buffer, detail->unit);
    am_buffer_literal(buffer, " ");
    put_amount(buffer, detail->unit, detail->used);
    am_buffer_literal(buffer, " of ");
    put_amount(buffer, detail->unit, detail->limit);
}

static void put_clock(struct am_buffer *buffer, int64_t time) {
    char text[AM_TIME_TEXT_SIZE];
    am_time_write(time, text);
    am_buffer_append(buffer, text + sizeof "2026-12-01T" - 1, sizeof "10:31:07" - 1);
}

static void put_line(struct am_buffer *buffer, const struct am_delivery_detail *detail) {
    put_text(buffer, am_ledger_kind_name(detail->kind));
    put_unit(buffer, detail->unit);
    am_buffer_literal(buffer, " ");
    put_amount(buffer, detail->unit, detail->used);
    am_buffer_literal(buffer, " used, ");
    put_amount(buffer, detail->unit, detail->allowed);
    am_buffer_literal(buffer, " allowed by ");
    put_clock(buffer, detail->at);
}

void am_delivery_detail_write(const struct am_delivery_detail *detail, struct am_buffer *buffer) {
    switch (detail->reason) {
    case AM_DELIVERY_FREE:
        return;
    case AM_DELIVERY_ABOVE_LIMIT:
        put_limit(buffer, detail);
        return;
    case AM_DELIVERY_ABOVE_LINE:
        put_line(buffer, detail);
        return;
    case AM_DELIVERY_NO_CELL:
        am_buffer_literal(buffer, "no room in the ledger");
        return;
    case AM_DELIVERY_STALE:
        am_buffer_literal(buffer, "the ledger is not up to date");
        return;
    case AM_DELIVERY_FULL:
        am_buffer_literal(buffer, "too many placements in flight");
        return;
    case AM_DELIVERY_UNBILLED:
        am_buffer_literal(buffer, "bids are not billed");
        return;
    case AM_DELIVERY_UNCONFIRMED:
        am_buffer_literal(buffer, "unconfirmed");
        return;
    }
}

/* The largest unit that gives a whole number. */
static void put_period(struct am_buffer *buffer, uint32_t minutes) {
    if (minutes == AM_CAPS_LIFETIME) {
        am_buffer_literal(buffer, "lifetime");
        return;
    }
    uint32_t unit = minutes % 1440 == 0 ? 1440 : minutes % 60 == 0 ? 60 : 1;
    am_buffer_unsigned(buffer, minutes / unit);
    put_text(buffer, unit == 1440 ? "d" : unit == 60 ? "h" : "m");
}

void am_caps_detail_write(enum am_ledger_kind kind,
                          const struct am_caps_cap *cap,
                          enum am_caps_answer answer,
                          struct am_buffer *buffer) {
    if (answer == AM_CAPS_NO_ROOM) {
        am_buffer_literal(buffer, "no room");
        return;
    }
    put_text(buffer, am_ledger_kind_name(kind));
    am_buffer_literal(buffer, " ");
    am_buffer_unsigned(buffer, cap->maximum);
    am_buffer_literal(buffer, " in ");
    put_period(buffer, cap->period);
}
