/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of decisions, events, records and gaps. */
#include "event_line.h"

#include "parts.h"

enum { QUERY_MAX = 1000 };

int64_t am_event_spend(const struct am_event_note *note) {
    bool billed = note->pricing == AM_PRICING_CPC ? note->kind == AM_JOURNAL_CLICK
                                                  : note->kind == AM_JOURNAL_IMPRESSION;
    return billed ? note->price : 0;
}

int64_t am_event_noted_time(const struct am_event_note *note, const struct am_ledger_event *event) {
    int64_t raised = event->time * AM_JOURNAL_SECOND;
    return note->time < raised ? raised : note->time;
}

bool am_event_is_late(const struct am_event_service *service, const struct am_event_note *note) {
    uint32_t reserve = note->bid ? service->reserve_bids : service->reserve;
    return note->time / AM_JOURNAL_SECOND - note->decided > reserve;
}

static void put_generation(struct am_buffer *text, uint64_t generation) {
    char digits[16];
    if (!generation)
        return;
    for (int i = 0; i < 16; i++)
        digits[i] = "0123456789abcdef"[generation >> (60 - 4 * i) & 15];
    am_journal_put_name(text, "generation");
    am_buffer_literal(text, "\"");
    am_buffer_append(text, digits, sizeof digits);
    am_buffer_literal(text, "\"");
}

static void put_names(struct am_buffer *text, const struct am_event_ad_names *names) {
    am_journal_put_text(text, "ad", names->ad);
    am_journal_put_text(text, "campaign", names->campaign);
    am_journal_put_text(text, "advertiser", names->advertiser);
    if (!names->keyword.size)
        return;
    am_journal_put_text(text, "keyword", names->keyword);
    am_journal_put_text(text, "match", am_view_of(am_model_match_type_name(names->match)));
}

/* ---- events ---- */

/* What changes counters, or would have. */
static void put_counts(struct am_buffer *text,
                       const struct am_event_note *note,
                       enum am_event_outcome outcome) {
    if (outcome == AM_EVENT_COUNTED)
        am_journal_put_money(text, "spend", am_event_spend(note));
    else if (outcome == AM_EVENT_BUDGET)
        am_journal_put_money(text, "price", am_event_spend(note));
    if (note->limited)
        am_journal_put_flag(text, "limited", true);
}

static void put_note(struct am_buffer *text,
                     const struct am_event_note *note,
                     const struct am_event_line *line) {
    am_journal_put_id(text, note->host, note->epoch, note->sequence);
    if (line->names)
        put_names(text, line->names);
    if (note->kind == AM_JOURNAL_IMPRESSION || note->kind == AM_JOURNAL_CLICK)
        put_counts(text, note, line->outcome);
    am_journal_put_number(text, "position", note->position);
    put_generation(text, note->generation);
}

void am_event_put_line(struct am_buffer *text, const struct am_event_line *line) {
    if (line->note)
        put_note(text, line->note, line);
    if (line->name.size)
        am_journal_put_text(text, "name", line->name);
    if (line->has_value)
        am_journal_put_money(text, "value", line->value);
    am_journal_put_flag(text, "billable", line->outcome == AM_EVENT_COUNTED);
    if (line->outcome != AM_EVENT_COUNTED)
        am_journal_put_text(text, "reason", am_event_outcome_name(line->outcome));
    if (line->late)
        am_journal_put_flag(text, "late", true);
    am_journal_put_text(text, "side", line->from_server ? AM_VIEW("server") : AM_VIEW("client"));
}

void am_event_find_cells(const struct am_event_service *service, struct am_event_target *target) {
    const struct am_event_ad_names *names = &target->memory.names;
    const struct am_view ids[AM_LEDGER_KINDS] = {[AM_LEDGER_ADVERTISER] = names->advertiser,
                                                 [AM_LEDGER_CAMPAIGN] = names->campaign,
                                                 [AM_LEDGER_AD] = names->ad};
    for (int kind = 0; kind < AM_LEDGER_KINDS; kind++)
        target->cells[kind] =
            am_ledger_find(service->ledger, am_model_key((enum am_model_record)kind, ids[kind]));
}

bool am_event_find_gone(struct am_event_service *service,
                        int64_t time,
                        uint64_t ad,
                        uint32_t keyword,
                        struct am_event_target *target) {
    if (!am_event_names_find(service->names, time, ad, keyword, &target->memory))
        return false;
    am_event_find_cells(service, target);
    return true;
}

/* ---- decisions ---- */

static void put_decided_ad(struct am_buffer *text,
                           const struct am_event_decided_ad *ad,
                           uint16_t host,
                           uint16_t epoch,
                           bool first) {
    if (!first)
        am_buffer_literal(text, ",");
    am_buffer_literal(text, "{\"position\":");
    am_buffer_unsigned(text, ad->position);
    am_journal_put_id(text, host, epoch, ad->sequence);
    if (ad->slot.size)
        am_journal_put_text(text, "slot", ad->slot);
    put_names(text, &ad->names);
    if (ad->field.size)
        am_journal_put_text(text, "field", ad->field);
    am_journal_put_money(text, "price", ad->price);
    am_journal_put_text(text, "pricing",
                        ad->pricing == AM_PRICING_CPC ? AM_VIEW("cpc") : AM_VIEW("cpm"));
    if (ad->pace.size)
        am_journal_put_text(text, "pace", ad->pace);
    am_buffer_literal(text, "}");
}

static void put_slots(struct am_buffer *text, const struct am_event_decision *decision) {
    am_buffer_literal(text, ",\"slots\":[");
    for (uint32_t i = 0; i < decision->slot_count; i++) {
        const struct am_event_decided_slot *slot = &decision->slots[i];
        if (i)
            am_buffer_literal(text, ",");
        am_buffer_literal(text, "{\"count\":");
        am_buffer_unsigned(text, slot->count);
        am_journal_put_number(text, "filled", slot->filled);
        if (slot->id.size)
            am_journal_put_text(text, "id", slot->id);
        am_buffer_literal(text, "}");
    }
    am_buffer_literal(text, "]");
}

/* The longest beginning of at most QUERY_MAX bytes that ends with a whole character. */
static struct am_view cut_query(struct am_view query) {
    if (query.size <= QUERY_MAX)
        return query;
    query.size = QUERY_MAX;
    while (query.size && ((unsigned char)query.data[query.size] & 0xC0) == 0x80)
        query.size--;
    return query;
}

void am_event_prefetch(struct am_event_worker *worker, int64_t now, uint64_t ad, uint32_t keyword) {
    am_event_names_prefetch(worker->service->names, now, ad, keyword);
}

void am_event_log_decision(struct am_event_worker *worker,
                           const struct am_event_decision *decision) {
    struct am_event_service *service = worker->service;
    uint16_t host = am_ledger_host(service->ledger), epoch = am_ledger_epoch(service->ledger);
    struct am_journal_line line;
    am_journal_batch_begin(worker->writer, AM_JOURNAL_DECISION, &line);
    if (decision->request.size)
        am_journal_put_text(line.text, "request", decision->request);
    if (decision->query.size)
        am_journal_put_text(line.text, "query", cut_query(decision->query));
    put_slots(line.text, decision);
    am_buffer_literal(line.text, ",\"ads\":[");
    for (uint32_t i = 0; i < decision->ad_count; i++)
        put_decided_ad(line.text, &decision->ads[i], host, epoch, i == 0);
    am_buffer_literal(line.text, "]");
    put_generation(line.text, decision->generation);
    am_journal_batch_end(worker->writer);
    bool new_names = false;
    for (uint32_t i = 0; i < decision->ad_count; i++)
        new_names |=
            am_event_names_note(service->names, line.time / AM_JOURNAL_SECOND, decision->ads[i].ad,
                                decision->ads[i].keyword, &decision->ads[i].names);
    if (new_names)
        am_event_names_flush(service->names);
}

/* ---- other lines ---- */

static bool write_line(struct am_event_worker *worker) {
    struct am_journal_position position;
    bool written = am_journal_write(worker->writer, &position);
    am_journal_end(worker->writer);
    return written;
}

void am_event_log_record(struct am_event_worker *worker, const struct am_ledger_notice *notice) {
    struct am_journal_line line;
    am_journal_begin(worker->writer, AM_JOURNAL_CELL, &line);
    am_journal_put_text(line.text, "kind", am_view_of(am_ledger_kind_name(notice->kind)));
    am_journal_put_text(line.text, "id", notice->id);
    am_journal_put_text(line.text, "change",
                        notice->what == AM_LEDGER_MADE ? AM_VIEW("made") : AM_VIEW("freed"));
    write_line(worker);
}

bool am_event_log_gap(struct am_event_worker *worker,
                      const char *reason,
                      int64_t from,
                      uint64_t lines) {
    struct am_journal_line line;
    char text[AM_JOURNAL_TIME_SIZE];
    am_journal_begin(worker->writer, AM_JOURNAL_GAP, &line);
    am_journal_put_text(line.text, "reason", am_view_of(reason));
    if (from) {
        am_journal_time_write(from, text);
        am_journal_put_text(line.text, "from", ((struct am_view){text, sizeof text}));
    }
    if (lines)
        am_journal_put_number(line.text, "lines", lines);
    return write_line(worker);
}

void am_event_log_control(struct am_event_worker *worker, const struct am_event_control *control) {
    struct am_journal_line line;
    char text[AM_JOURNAL_TIME_SIZE];
    am_journal_begin(worker->writer, AM_JOURNAL_CONTROL, &line);
    am_journal_put_text(line.text, "change", control->change);
    am_journal_put_text(line.text, "kind", am_view_of(am_ledger_kind_name(control->kind)));
    am_journal_put_text(line.text, "id", control->id);
    am_journal_put_text(line.text, "before", control->before);
    am_journal_put_text(line.text, "after", control->after);
    am_journal_put_text(line.text, "who", control->who);
    if (control->until != INT64_MAX) {
        am_journal_time_write(control->until * AM_JOURNAL_SECOND, text);
        am_journal_put_text(line.text, "until", ((struct am_view){text, sizeof text}));
    }
    if (control->reason.size)
        am_journal_put_text(line.text, "reason", control->reason);
    write_line(worker);
}
