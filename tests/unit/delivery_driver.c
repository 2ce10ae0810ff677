/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger in private memory that obeys lines of standard input and answers on standard output, for
 * tests/model/run_delivery.py. One command a line, fields separated by spaces; "-" is none.
 *
 *     publish NOW                         then records and "end"
 *     record KIND ID ABOVE PAUSED START END ZONE CURVE WEIGHTS HOURS HOURS_ZONE, then TOTAL DAILY
 *            PACING for each unit         CURVE 0 traffic, 1 flat, 2 given; WEIGHTS 168 joined by
 *                                         commas; HOURS minutes of the week as FROM:TO joined by
 *                                         commas
 *     map ADS                             then one line for each ad
 *     ad ADVERTISER CAMPAIGN AD PERIODS PERIODS PERIODS
 *     traffic WEIGHTS
 *     step NOW                            -> in flight, expired, freed
 *     gate AD PRICE CTR PER_CLICK         -> verdict, detail
 *     place AD PRICE CTR PER_CLICK SEQUENCE NOW SECONDS LEAD USER CALLER
 * [KIND/ID/PERIOD/MAXIMUM]... event AD SEQUENCE HOLDS FORCE TIME SPEND IMPRESSIONS CLICKS  ->
 * outcome, late, time release SEQUENCE NOW read KIND ID                        -> totals, todays,
 * limits cap USER KIND/ID/PERIOD/MAXIMUM NOW -> answer, count, opened
 */
#include <inttypes.h>

#include "delivery.h"

static struct test_ledger test;
static char line[1 << 20];

static void die(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static char *rest; /* of the line */

static char *next_line(void) {
    rest = line;
    return fgets(line, sizeof line, stdin);
}

static char *field(void) {
    char *token = strtok_r(rest, " \n", &rest);
    if (!token)
        die("a field is missing");
    return token;
}

static int64_t number(void) {
    const char *digits = field();
    return strcmp(digits, "-") == 0 ? NONE : strtoll(digits, NULL, 10);
}

static struct am_view text(void) {
    char *token = field();
    return strcmp(token, "-") == 0 ? (struct am_view){NULL, 0} : am_view_of(token);
}

static uint64_t key(enum am_ledger_kind kind, struct am_view id) {
    return id.size ? am_model_key((enum am_model_record)kind, id) : 0;
}

static void numbers(char *list, uint32_t *values, uint32_t count) {
    for (uint32_t i = 0; i < count; i++, list++)
        values[i] = (uint32_t)strtoul(list, &list, 10);
}

/* ---- publishing -------------------------------------------------------------------------------
 */

static void read_hours(char *list, struct am_pace_hours *hours) {
    memset(hours, 0, sizeof *hours);
    while (*list) {
        unsigned long from = strtoul(list, &list, 10), to = strtoul(list + 1, &list, 10);
        for (unsigned long minute = from; minute < to; minute++)
            hours->bits[minute / 64] |= UINT64_C(1) << (minute % 64);
        list += *list == ',';
    }
}

static void put_record(void) {
    static uint32_t wide[AM_PACE_HOURS];
    static uint16_t weights[AM_PACE_HOURS];
    static struct am_pace_hours hours;
    struct am_ledger_terms terms = {.kind = (enum am_ledger_kind)number()};
    struct am_error error = {.code = AM_OK};
    terms.id = text();
    terms.above = key(terms.kind ? terms.kind - 1 : terms.kind, text());
    terms.paused = number();
    int64_t start = number(), end = number();
    terms.start = start == NONE ? INT64_MIN : start;
    terms.end = end == NONE ? INT64_MAX : end;
    terms.zone = text();
    terms.curve.kind = (uint8_t)number();
    char *list = field();
    if (terms.curve.kind == AM_PACE_GIVEN) {
        numbers(list, wide, AM_PACE_HOURS);
        for (unsigned i = 0; i < AM_PACE_HOURS; i++)
            weights[i] = (uint16_t)wide[i];
        terms.curve.weights = weights;
    }
    list = field();
    if (strcmp(list, "-") != 0) {
        read_hours(list, &hours);
        terms.curve.hours = &hours;
    }
    terms.curve.hours_zone = text();
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++) {
        terms.budgets[unit].total = number();
        terms.budgets[unit].daily = number();
        terms.budgets[unit].pacing = (uint8_t)number();
    }
    if (am_ledger_put(test.ledger, &terms, NULL, &error) != AM_OK)
        die(error.message);
}

static void publish(void) {
    struct am_error error = {.code = AM_OK};
    struct am_ledger_publication publication = {.time = ++test.published, .currency = "EUR"};
    if (am_ledger_publish_begin(test.ledger, &publication, number(), &error) != AM_OK)
        die(error.message);
    while (next_line() && strcmp(field(), "end") != 0)
        put_record();
    am_ledger_publish_end(test.ledger);
    puts("ok");
}

static void put_ad(uint32_t ad) {
    static uint32_t periods[AM_LEDGER_KINDS][AM_LEDGER_CAPS_MAX];
    struct am_delivery_map_ad what = {
        .least_price = 1, .least_hold = 1, .highest_price = INT32_MAX};
    struct am_error error = {.code = AM_OK};
    next_line();
    field();
    for (unsigned kind = 0; kind < AM_LEDGER_KINDS; kind++)
        what.keys[kind] = key((enum am_ledger_kind)kind, text());
    for (unsigned kind = 0; kind < AM_LEDGER_KINDS; kind++) {
        char *list = field();
        uint32_t count = strcmp(list, "-") != 0;
        for (const char *c = list; *c; c++)
            count += *c == ',';
        numbers(list, periods[kind], count);
        what.periods[kind] = periods[kind];
        what.period_counts[kind] = count;
    }
    if (am_delivery_map_put(test.map, ad, &what, &error) != AM_OK)
        die(error.message);
}

static void make_map(void) {
    struct am_error error = {.code = AM_OK};
    uint32_t ads = (uint32_t)number();
    am_delivery_map_close(test.map);
    if (am_delivery_map_begin(test.ledger, (uint64_t)test.published, ads, &test.map, &error) !=
        AM_OK)
        die(error.message);
    for (uint32_t ad = 0; ad < ads; ad++)
        put_ad(ad);
    if (am_delivery_map_commit(test.map, &error) != AM_OK)
        die(error.message);
    puts("ok");
}

/* ---- decisions and events ---------------------------------------------------------------------
 */

static struct am_delivery_ask ask(void) {
    struct am_delivery_ask asked = {.price = number()};
    asked.ctr = (uint32_t)number();
    asked.per_click = number();
    return asked;
}

static void gate(void) {
    struct am_delivery_detail detail = {.reason = AM_DELIVERY_FREE};
    char memory[256];
    struct am_buffer buffer = am_buffer_over(memory, sizeof memory);
    uint32_t ad = (uint32_t)number();
    struct am_delivery_ask asked = ask();
    enum am_delivery_verdict verdict = am_delivery_gate(test.worker, test.map, ad, &asked, &detail);
    am_delivery_detail_write(&detail, &buffer);
    printf("%d %.*s\n", verdict, (int)buffer.size, buffer.data);
}

/* KIND/ID/PERIOD/MAXIMUM */
static struct am_caps_cap read_cap(char *token) {
    char *kind = strtok_r(token, "/", &token), *id = strtok_r(token, "/", &token);
    char *period = strtok_r(token, "/", &token), *maximum = strtok_r(token, "/", &token);
    return (struct am_caps_cap){key((enum am_ledger_kind)atoi(kind), am_view_of(id)),
                                (uint32_t)atoi(period), (uint32_t)atoi(maximum)};
}

static void place(void) {
    struct am_caps_cap caps[AM_LEDGER_KINDS * AM_LEDGER_CAPS_MAX];
    uint32_t ad = (uint32_t)number();
    struct am_delivery_ask asked = ask();
    struct am_delivery_placement placement = {.sequence = (uint64_t)number(), .caps = caps};
    placement.now = number();
    placement.seconds = (uint32_t)number();
    placement.lead = number();
    placement.user = (uint64_t)number();
    placement.caller = (uint32_t)number();
    placement.ad_key = key(AM_LEDGER_AD, text());
    for (uint32_t count = (uint32_t)number(); placement.cap_count < count; placement.cap_count++)
        caps[placement.cap_count] = read_cap(field());
    printf("%d\n", am_delivery_reserve(test.worker, test.map, ad, &asked, &placement, NULL));
}

static void event(void) {
    uint32_t ad = (uint32_t)number();
    struct am_ledger_event what = {.sequence = (uint64_t)number()};
    bool late;
    what.holds = (uint8_t)number();
    what.force = number();
    what.time = number();
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++)
        what.amounts[unit] = strtoll(field(), NULL, 10);
    am_delivery_cells(test.map, ad, what.cells);
    int outcome = am_delivery_charge(test.worker, &what, "", 0, &late);
    am_ledger_count(test.worker, (struct am_ledger_position){0, 0});
    printf("%d %d %" PRId64 "\n", outcome, late, what.time);
}

/* ---- reading ----------------------------------------------------------------------------------
 */

static void put_limit(const struct am_ledger_limit_state *limit) {
    if (!limit->limited)
        printf(" -");
    else
        printf(" %" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64, limit->counted,
               limit->reserved, limit->expected, limit->limit, limit->line);
}

static void read_record(void) {
    struct am_ledger_record_state state;
    enum am_ledger_kind kind = (enum am_ledger_kind)number();
    uint32_t cell = am_ledger_find(test.ledger, key(kind, text()));
    if (am_ledger_read(test.ledger, cell, &state, NULL) != AM_OK) {
        puts("none");
        return;
    }
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++)
        printf("%" PRId64 " %" PRId64 " ", state.total[unit], state.today[unit]);
    printf("%d", state.gone);
    for (unsigned unit = 0; unit < AM_LEDGER_UNITS; unit++)
        put_limit(&state.limits[unit]);
    puts("");
}

static void cap(void) {
    struct am_caps_window window = {0, 0};
    uint64_t user = (uint64_t)number();
    struct am_caps_cap asked = read_cap(field());
    int answer = am_caps_ask(am_ledger_caps(test.ledger), user, &asked, number(), &window);
    printf("%d %u %" PRId64 "\n", answer, window.count, window.opened);
}

static void obey(const char *command) {
    if (strcmp(command, "publish") == 0) {
        publish();
    } else if (strcmp(command, "map") == 0) {
        make_map();
    } else if (strcmp(command, "traffic") == 0) {
        uint32_t weights[AM_PACE_HOURS];
        numbers(field(), weights, AM_PACE_HOURS);
        am_ledger_traffic_set(test.ledger, weights);
        puts("ok");
    } else if (strcmp(command, "step") == 0) {
        struct am_ledger_step_report report = test_step(&test, number());
        printf("%u %u %u\n", report.in_flight, report.expired, report.freed);
    } else if (strcmp(command, "gate") == 0) {
        gate();
    } else if (strcmp(command, "place") == 0) {
        place();
    } else if (strcmp(command, "event") == 0) {
        event();
    } else if (strcmp(command, "release") == 0) {
        uint64_t sequence = (uint64_t)number();
        printf("%d\n", am_delivery_release(test.worker, sequence, number()));
    } else if (strcmp(command, "read") == 0) {
        read_record();
    } else if (strcmp(command, "cap") == 0) {
        cap();
    } else {
        die(command);
    }
}

int main(int count, char **arguments) {
    setvbuf(stdout, NULL, _IOLBF, 0); /* whoever asks waits for each answer */
    test_start(&test, count > 1 ? strtoll(arguments[1], NULL, 10) : 0);
    while (next_line())
        obey(field());
    test_stop(&test);
    return 0;
}
