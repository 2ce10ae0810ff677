/* SPDX-License-Identifier: Apache-2.0 */
#include "rates.h"

#include <sys/random.h>

enum {
    ENTRIES = 8, /* of a bucket */
    COUNT_BITS = 10,
    OPENED_BITS = 17,
    RATE_BITS = 2,
    FINGERPRINT_BITS = 64 - COUNT_BITS - OPENED_BITS - RATE_BITS,
    DAY_SECONDS = 86400,
};

_Static_assert(AM_EVENT_RATE_COUNT_MAX == (1 << COUNT_BITS) - 1, "a count fits its bits");
_Static_assert(DAY_SECONDS < 1 << OPENED_BITS, "a second of the day fits its bits");
_Static_assert(AM_EVENT_RATES_MAX <= 1 << RATE_BITS, "a rate's number fits its bits");

/* ---- options ---- */

static bool parse_number(struct am_view *text, uint32_t most, uint32_t *number) {
    size_t at = 0;
    uint32_t value = 0;
    for (; at < text->size && text->data[at] >= '0' && text->data[at] <= '9'; at++)
        if ((value = value * 10 + (uint32_t)(text->data[at] - '0')) > most)
            return false;
    *number = value;
    *text = (struct am_view){text->data + at, text->size - at};
    return at > 0;
}

static uint32_t unit_seconds(struct am_view unit) {
    static const struct {
        char name;
        uint32_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', DAY_SECONDS}};
    for (size_t i = 0; i < AM_COUNT_OF(units); i++)
        if (unit.size == 1 && unit.data[0] == units[i].name)
            return units[i].seconds;
    return 0;
}

static bool parse_rate(struct am_view text, struct am_event_rate *rate) {
    uint32_t periods = 1;
    if (!parse_number(&text, AM_EVENT_RATE_COUNT_MAX, &rate->count) || rate->count == 0 ||
        text.size == 0 || text.data[0] != '/')
        return false;
    text = (struct am_view){text.data + 1, text.size - 1};
    if (text.size > 1 && !parse_number(&text, AM_EVENT_RATE_PERIOD_MAX, &periods))
        return false;
    uint64_t period = (uint64_t)periods * unit_seconds(text);
    rate->period = (uint32_t)period;
    return period >= 1 && period <= AM_EVENT_RATE_PERIOD_MAX;
}

enum am_code am_event_rates_parse(struct am_view text,
                                  struct am_event_rate_limits *limits,
                                  struct am_error *error) {
    *limits = (struct am_event_rate_limits){.count = 0};
    if (am_view_equal(text, AM_VIEW("none")))
        return AM_OK;
    for (size_t at = 0; at < text.size;) {
        size_t begin = at;
        while (at < text.size && text.data[at] != ' ')
            at++;
        struct am_view item = {text.data + begin, at - begin};
        at += at < text.size;
        if (item.size == 0)
            continue;
        if (limits->count == AM_EVENT_RATES_MAX)
            return am_error_set(error, AM_E_LIMIT, "more than %d rates of clicks",
                                AM_EVENT_RATES_MAX);
        if (!parse_rate(item, &limits->items[limits->count++]))
            return am_error_set(error, AM_E_INVALID,
                                "expected a rate of clicks like 3/10m (1 to %d for up to a day, "
                                "in s, m, h or d), found \"%.*s\"",
                                AM_EVENT_RATE_COUNT_MAX, (int)(item.size < 40 ? item.size : 40),
                                item.data);
    }
    if (limits->count)
        return AM_OK;
    return am_error_set(error, AM_E_INVALID,
                        "expected rates of clicks like " AM_EVENT_RATES_DEFAULT ", or none");
}

/* ---- the table ---- */

static uint64_t buckets_of(uint64_t bytes) {
    uint64_t buckets = 1 << 10;
    while (buckets < UINT64_C(1) << 32 && 2 * buckets * ENTRIES * sizeof(uint64_t) <= bytes)
        buckets *= 2;
    return buckets;
}

size_t am_event_rates_size(uint64_t bytes) {
    return sizeof(struct am_event_rates) + buckets_of(bytes) * ENTRIES * sizeof(uint64_t);
}

enum am_code am_event_rates_start(struct am_event_rates *rates,
                                  uint64_t bytes,
                                  int64_t now,
                                  struct am_error *error) {
    rates->bucket_count = buckets_of(bytes);
    atomic_store(&rates->day, INT64_MIN);
    return am_event_rates_salt(rates, now, error);
}

static int64_t day_of(int64_t now) {
    return now / DAY_SECONDS - (now % DAY_SECONDS < 0);
}

enum am_code
am_event_rates_salt(struct am_event_rates *rates, int64_t now, struct am_error *error) {
    uint64_t salt[2], version = atomic_load(&rates->salt_version) | 1;
    if (day_of(now) <= atomic_load(&rates->day))
        return AM_OK;
    if (getrandom(salt, sizeof salt, 0) != (ssize_t)sizeof salt)
        return am_error_set_errno(error, AM_E_IO, "no random bytes for the salt of click rates");
    atomic_store(&rates->salt_version, version);
    atomic_store(&rates->salt[0], salt[0]);
    atomic_store(&rates->salt[1], salt[1]);
    atomic_store(&rates->day, day_of(now));
    atomic_store(&rates->salt_version, version + 1);
    return AM_OK;
}

/* Between two days a salt may be half replaced: then the click is hashed with a mixture, whose
 * window nobody finds again. */
static void read_salt(const struct am_event_rates *rates, uint8_t secret[16]) {
    uint64_t salt[2];
    uint64_t version = atomic_load(&rates->salt_version);
    for (int tries = 0; tries < 100; tries++) {
        salt[0] = atomic_load(&rates->salt[0]);
        salt[1] = atomic_load(&rates->salt[1]);
        uint64_t after = atomic_load(&rates->salt_version);
        if (after == version && !(version & 1))
            break;
        version = after;
    }
    memcpy(secret, salt, sizeof salt);
}

/* One client's window of one rate. */
struct window {
    _Atomic uint64_t *bucket;
    uint64_t tag; /* fingerprint and rate, in their places */
    uint32_t period;
    uint32_t second; /* of the day: now */
};

/* A clock that steps back behind the salt's day is at its first second. */
static uint32_t second_of_day(const struct am_event_rates *rates, int64_t now) {
    int64_t second = now - atomic_load(&rates->day) * DAY_SECONDS;
    return second < 0 ? 0 : second >= DAY_SECONDS ? DAY_SECONDS - 1 : (uint32_t)second;
}

static void find_windows(struct am_event_rates *rates,
                         const struct am_event_rate_limits *limits,
                         const struct am_event_client *client,
                         int64_t now,
                         struct window windows[AM_EVENT_RATES_MAX]) {
    struct am_address network = am_address_network(&client->address);
    uint8_t secret[16], hash[AM_TOKEN_HASH_SIZE], prefix[sizeof network + sizeof(uint64_t)];
    uint64_t halves[2];
    memcpy(prefix, &network, sizeof network);
    memcpy(prefix + sizeof network, &client->advertiser, sizeof client->advertiser);
    read_salt(rates, secret);
    am_token_hash(secret, "rate    ", (struct am_view){(const char *)prefix, sizeof prefix},
                  client->agent, hash);
    memcpy(halves, hash, sizeof halves);
    for (uint32_t i = 0; i < limits->count; i++) {
        uint64_t fingerprint = halves[1] >> (64 - FINGERPRINT_BITS) << (RATE_BITS) | i;
        uint64_t bucket = (halves[0] + i) & (rates->bucket_count - 1);
        windows[i] = (struct window){rates->entries + bucket * ENTRIES,
                                     fingerprint << (COUNT_BITS + OPENED_BITS),
                                     limits->items[i].period, second_of_day(rates, now)};
    }
}

static uint32_t count_of(uint64_t entry) {
    return (uint32_t)entry & AM_EVENT_RATE_COUNT_MAX;
}

static uint32_t opened_of(uint64_t entry) {
    return (uint32_t)(entry >> COUNT_BITS) & ((1U << OPENED_BITS) - 1);
}

static bool is_of(uint64_t entry, const struct window *window) {
    return count_of(entry) &&
           entry >> (COUNT_BITS + OPENED_BITS) == window->tag >> (COUNT_BITS + OPENED_BITS);
}

/* When an entry's window ends; 0 for one that is free. */
static uint32_t end_of(uint64_t entry, const struct am_event_rate_limits *limits) {
    uint32_t rate = (uint32_t)(entry >> (COUNT_BITS + OPENED_BITS)) & ((1U << RATE_BITS) - 1);
    if (!count_of(entry) || rate >= limits->count)
        return 0;
    return opened_of(entry) + limits->items[rate].period;
}

/* The window's entry, or the one that it should take: free, over, or the first to end. */
static _Atomic uint64_t *find_entry(const struct window *window,
                                    const struct am_event_rate_limits *limits,
                                    uint64_t *value) {
    _Atomic uint64_t *best = NULL;
    uint32_t best_end = UINT32_MAX;
    for (int i = 0; i < ENTRIES; i++) {
        uint64_t entry = atomic_load(&window->bucket[i]);
        bool own = is_of(entry, window);
        uint32_t end = end_of(entry, limits);
        if (own || end < best_end) {
            best = &window->bucket[i];
            best_end = end;
            *value = entry;
        }
        if (own)
            return best;
    }
    return best;
}

static bool take(struct am_event_rates *rates,
                 const struct am_event_rate_limits *limits,
                 const struct window *window,
                 uint32_t most) {
    for (;;) {
        uint64_t entry = 0, opened = window->tag | (uint64_t)window->second << COUNT_BITS | 1;
        _Atomic uint64_t *place = find_entry(window, limits, &entry);
        bool open = is_of(entry, window) && window->second < end_of(entry, limits);
        if (open && count_of(entry) >= most)
            return false;
        if (!atomic_compare_exchange_strong(place, &entry, open ? entry + 1 : opened))
            continue;
        if (!open && !is_of(entry, window) && end_of(entry, limits) > window->second)
            atomic_fetch_add_explicit(&rates->evicted, 1, memory_order_relaxed);
        return true;
    }
}

static void give_back(const struct am_event_rate_limits *limits, const struct window *window) {
    uint64_t entry = 0;
    _Atomic uint64_t *place;
    do
        place = find_entry(window, limits, &entry);
    while (is_of(entry, window) && !atomic_compare_exchange_strong(place, &entry, entry - 1));
}

bool am_event_rates_take(struct am_event_rates *rates,
                         const struct am_event_rate_limits *limits,
                         const struct am_event_client *client,
                         int64_t now) {
    struct window windows[AM_EVENT_RATES_MAX];
    if (limits->count == 0 || am_address_is_loopback(&client->address))
        return true;
    find_windows(rates, limits, client, now, windows);
    for (uint32_t i = 0; i < limits->count; i++)
        if (!take(rates, limits, &windows[i], limits->items[i].count)) {
            for (; i > 0; i--)
                give_back(limits, &windows[i - 1]);
            return false;
        }
    return true;
}

void am_event_rates_give_back(struct am_event_rates *rates,
                              const struct am_event_rate_limits *limits,
                              const struct am_event_client *client,
                              int64_t now) {
    struct window windows[AM_EVENT_RATES_MAX];
    if (limits->count == 0 || am_address_is_loopback(&client->address))
        return;
    find_windows(rates, limits, client, now, windows);
    for (uint32_t i = 0; i < limits->count; i++)
        give_back(limits, &windows[i]);
}
