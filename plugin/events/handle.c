/* SPDX-License-Identifier: Apache-2.0 */
#include "handle.h"

#include "../model/keys.h"
#include "event_line.h"
#include "parts.h"
#include "scan.h"

/* ---- placements ---- */

void am_event_decide(struct am_event_worker *worker, int64_t now) {
    am_delivery_begin(worker->ledger_worker, now);
}

void am_event_user_mac(void *context, const void *bytes, size_t size, uint8_t mac[16]) {
    struct am_event_worker *worker = context;
    am_token_hash(worker->service->own_secret, "user    ", (struct am_view){bytes, size},
                  (struct am_view){NULL, 0}, mac);
}

size_t am_event_id(struct am_event_worker *worker, uint64_t sequence, char id[AM_EVENT_ID_SIZE]) {
    struct am_buffer text = am_buffer_over(id, AM_EVENT_ID_SIZE);
    am_buffer_unsigned(&text, am_ledger_host(worker->service->ledger));
    am_buffer_literal(&text, "-");
    am_buffer_unsigned(&text, am_ledger_epoch(worker->service->ledger));
    am_buffer_literal(&text, "-");
    am_buffer_unsigned(&text, sequence);
    return text.size;
}

uint64_t am_event_sequence(struct am_event_worker *worker, int64_t now) {
    uint64_t sequence = am_ledger_sequence(worker->service->ledger);
    am_event_ring_advance(worker->service->ring, sequence, 0, now);
    return sequence;
}

void am_event_seal(struct am_event_worker *worker,
                   struct am_token *token,
                   struct am_token_body *body) {
    const struct am_token_keys *keys =
        am_token_keyring_read(worker->service->keyring, &worker->keys);
    token->host = am_ledger_host(worker->service->ledger);
    token->epoch = am_ledger_epoch(worker->service->ledger);
    am_token_seal(&keys->items[0], token, body);
}

/* With the keys as am_event_seal has read them: a body has its key's tag. */
void am_event_sign(struct am_event_worker *worker,
                   enum am_token_kind kind,
                   const struct am_token_body *body,
                   struct am_view url,
                   char text[AM_TOKEN_TEXT_SIZE]) {
    am_token_sign(&worker->keys.keys.items[0], kind, body, url, text);
}

/* ---- events ---- */

/* An event on its way. */
struct handling {
    struct am_event_worker *worker;
    const struct am_event_request *request;
    struct am_token token;
    struct am_event_target target;
    struct am_event_facts facts;
    struct am_event_client client;
    enum am_event_outcome outcome;
    bool late;
    int64_t now; /* seconds */
};

static enum am_token_kind token_kind(enum am_journal_kind kind) {
    return kind == AM_JOURNAL_CLICK        ? AM_TOKEN_CLICK
           : kind == AM_JOURNAL_CONVERSION ? AM_TOKEN_CONVERSION
                                           : AM_TOKEN_SHOWN;
}

/* The bit of an event's kind; false for kinds that may be repeated. */
static bool own_bit(enum am_journal_kind kind, enum am_event_ring_bit *bit) {
    *bit = kind == AM_JOURNAL_CLICK  ? AM_EVENT_RING_CLICK
           : kind == AM_JOURNAL_VIEW ? AM_EVENT_RING_VIEW
                                     : AM_EVENT_RING_IMPRESSION;
    return kind == AM_JOURNAL_IMPRESSION || kind == AM_JOURNAL_CLICK || kind == AM_JOURNAL_VIEW;
}

/* By the names that were noted when the ad was placed; by the image, where they could not be: a
 * disk without room, or more names than a day's table has. A conversion's token has the time of the
 * click, up to a day after that. */
static bool find_target(struct handling *handling) {
    const struct am_event_request *request = handling->request;
    const struct am_token *token = &handling->token;
    struct am_event_service *service = handling->worker->service;
    struct am_event_target *target = &handling->target;
    if (am_event_find_gone(service, token->time, token->ad, token->keyword, target) ||
        (request->kind == AM_JOURNAL_CONVERSION &&
         am_event_find_gone(service, (int64_t)token->time - 86400, token->ad, token->keyword,
                            target)))
        return true;
    if (!request->resolve ||
        !request->resolve(request->context, token->ad, token->keyword, &target->memory.names))
        return false;
    am_event_find_cells(service, target);
    return true;
}

static void find_facts_of_token(struct handling *handling) {
    const struct am_event_request *request = handling->request;
    struct am_event_service *service = handling->worker->service;
    struct am_event_facts *facts = &handling->facts;
    enum am_event_ring_bit bit;
    facts->current = handling->token.host == am_ledger_host(service->ledger) &&
                     handling->token.epoch == am_ledger_epoch(service->ledger);
    facts->age = handling->now - handling->token.time;
    facts->known = facts->current && find_target(handling);
    if (facts->current && own_bit(request->kind, &bit))
        facts->own = am_event_ring_look(service->ring, handling->token.sequence, bit);
    if (facts->current && request->kind == AM_JOURNAL_CLICK)
        facts->impression =
            am_event_ring_look(service->ring, handling->token.sequence, AM_EVENT_RING_IMPRESSION);
}

static void find_facts(struct handling *handling) {
    const struct am_event_request *request = handling->request;
    struct am_event_service *service = handling->worker->service;
    const struct am_token_keys *keys =
        am_token_keyring_read(service->keyring, &handling->worker->keys);
    handling->facts = (struct am_event_facts){
        .kind = request->kind,
        .verified = am_token_open(keys, token_kind(request->kind), request->token, request->url,
                                  &handling->token),
        .own = AM_EVENT_FIRST,
        .impression = AM_EVENT_FIRST,
        .click_first = service->click_first,
        .ignored = request->headers.ignored,
        .prefetch = am_event_is_prefetch(&request->headers),
        .head = request->headers.head,
        .robot = am_event_robots_match(service->robots, request->headers.agent),
    };
    if (handling->facts.verified)
        find_facts_of_token(handling);
}

static bool take_rate(struct handling *handling) {
    struct am_event_service *service = handling->worker->service;
    handling->client = (struct am_event_client){
        handling->request->client, handling->request->headers.agent,
        am_model_key(AM_RECORD_ADVERTISER, handling->target.memory.names.advertiser)};
    return am_event_rates_take(service->rates, &service->rate_limits, &handling->client,
                               handling->now);
}

/* Its bit may have been claimed since the judgement. */
static enum am_event_outcome claim(struct handling *handling) {
    struct am_event_service *service = handling->worker->service;
    enum am_event_ring_bit bit;
    if (!own_bit(handling->request->kind, &bit))
        return AM_EVENT_COUNTED;
    enum am_event_claim claim = am_event_ring_claim(service->ring, handling->token.sequence, bit);
    if (claim == AM_EVENT_FIRST)
        return AM_EVENT_COUNTED;
    if (handling->request->kind == AM_JOURNAL_CLICK)
        am_event_rates_give_back(service->rates, &service->rate_limits, &handling->client,
                                 handling->now);
    return claim == AM_EVENT_REPEAT ? AM_EVENT_DUPLICATE : AM_EVENT_EXPIRED;
}

static struct am_event_note note_of(const struct handling *handling, int64_t time) {
    const struct am_token *token = &handling->token;
    return (struct am_event_note){
        .time = time,
        .sequence = token->sequence,
        .ad = token->ad,
        .price = (int64_t)token->price,
        .generation = handling->request->generation,
        .decided = token->time,
        .keyword = token->keyword,
        .host = token->host,
        .epoch = token->epoch,
        .kind = (uint8_t)handling->request->kind,
        .position = token->position,
        .pricing = token->pricing,
        .limited = handling->target.cells[AM_LEDGER_AD] < AM_LEDGER_CLOSED_CELL,
        .bid = token->bid,
    };
}

static bool changes_counters(enum am_journal_kind kind) {
    return kind == AM_JOURNAL_IMPRESSION || kind == AM_JOURNAL_CLICK;
}

/* Asks for room under the budgets; am_ledger_count must follow. A day that has begun since the line
 * was begun moves note and line into it, so that the line is of the day whose budget it used. */
static enum am_event_outcome
charge(struct handling *handling, struct am_event_note *note, struct am_journal_line *line) {
    bool click = note->kind == AM_JOURNAL_CLICK;
    struct am_event_worker *worker = handling->worker;
    struct am_ledger_event event = {
        .sequence = note->sequence,
        .amounts = {am_event_spend(note), !click, click},
        .time = note->time / AM_JOURNAL_SECOND,
        .holds = click ? AM_LEDGER_HOLD_CLICK : AM_LEDGER_HOLD_IMPRESSION,
    };
    memcpy(event.cells, handling->target.cells, sizeof event.cells);
    enum am_ledger_outcome outcome =
        am_delivery_charge(worker->ledger_worker, &event, note, sizeof *note, NULL);
    note->time = am_event_noted_time(note, &event);
    if (note->time != line->time)
        am_journal_retime(worker->writer, handling->request->kind, note->time, line);
    return outcome == AM_LEDGER_NO_ROOM ? AM_EVENT_BUDGET : AM_EVENT_COUNTED;
}

static struct am_event_line line_of(const struct handling *handling,
                                    const struct am_event_note *note) {
    return (struct am_event_line){
        .note = handling->facts.verified ? note : NULL,
        .names = handling->facts.known ? &handling->target.memory.names : NULL,
        .outcome = handling->outcome,
        .late = handling->late,
        .from_server = handling->request->kind == AM_JOURNAL_CONVERSION,
        .name = handling->request->name,
        .has_value = handling->request->has_value,
        .value = handling->request->value,
    };
}

static void log_and_count(struct handling *handling) {
    struct am_event_worker *worker = handling->worker;
    struct am_journal_line line;
    struct am_journal_position position;
    am_journal_begin(worker->writer, handling->request->kind, &line);
    struct am_event_note note = note_of(handling, line.time);
    if (handling->outcome == AM_EVENT_COUNTED)
        handling->outcome = claim(handling);
    bool charged =
        handling->outcome == AM_EVENT_COUNTED && changes_counters(handling->request->kind);
    if (charged) {
        handling->outcome = charge(handling, &note, &line);
        handling->late = am_event_is_late(worker->service, &note);
    }
    struct am_event_line members = line_of(handling, &note);
    am_event_put_line(line.text, &members);
    am_journal_write(worker->writer, &position);
    if (charged)
        am_ledger_count(worker->ledger_worker,
                        (struct am_ledger_position){position.number, position.offset});
    am_journal_end(worker->writer);
}

/* The token of a click's conversion has the time of the click. */
static void make_click_id(struct handling *handling, struct am_event_answer *answer) {
    struct am_token token = handling->token;
    struct am_token_body body;
    token.time = (uint32_t)handling->now;
    am_event_seal(handling->worker, &token, &body);
    am_event_sign(handling->worker, AM_TOKEN_CONVERSION, &body, (struct am_view){NULL, 0},
                  answer->click);
    answer->has_click = true;
}

void am_event_handle(struct am_event_worker *worker,
                     const struct am_event_request *request,
                     struct am_event_answer *answer) {
    struct handling handling;
    handling.worker = worker;
    handling.request = request;
    handling.late = false;
    handling.token = (struct am_token){.bid = false};
    handling.target.memory.names = (struct am_event_ad_names){.match = AM_MATCH_ANY};
    for (int kind = 0; kind < AM_LEDGER_KINDS; kind++)
        handling.target.cells[kind] = AM_LEDGER_NO_CELL;
    handling.now = worker->service->journal.clock() / AM_JOURNAL_SECOND;
    find_facts(&handling);
    handling.outcome = am_event_judge(&handling.facts);
    if (handling.outcome == AM_EVENT_COUNTED && request->kind == AM_JOURNAL_CLICK &&
        !take_rate(&handling))
        handling.outcome = AM_EVENT_RATE;
    log_and_count(&handling);
    *answer = (struct am_event_answer){
        .outcome = handling.outcome,
        .redirect = request->kind == AM_JOURNAL_CLICK && handling.facts.verified,
        .late = handling.late,
    };
    if (handling.outcome == AM_EVENT_COUNTED && request->kind == AM_JOURNAL_CLICK)
        make_click_id(&handling, answer);
}

bool am_event_value_parse(struct am_view text, int64_t *nanos) {
    return am_journal_money(text, nanos) && *nanos >= 0;
}
