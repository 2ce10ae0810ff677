/* SPDX-License-Identifier: Apache-2.0 */
/* The table of frequency caps.
 *
 *     header, 128 bytes      then buckets of eight entries, 16 bytes each
 *
 *     63                      18          0      63        42            10      0
 *    +--------------------------+----------+    +----------+--------------+-------+
 *    | tag                      | period   |    | version  | opened       | count |
 *    +--------------------------+----------+    +----------+--------------+-------+
 *      key: which user, record and period         window
 *
 * An entry of a user, record and period lies in one of two buckets by its hash. Its window is
 * changed by compare-and-swap. Its key changes only while the window says RECLAIM, which one thread
 * has put there by compare-and-swap; who is killed then leaves an entry that is dead after ten
 * seconds (who is stopped there for longer, and goes on, spoils one window). `version` goes up with
 * each RECLAIM, so that a window of another key is never taken for this one's.
 *
 * Two threads may each reclaim an entry for the same new key. Each writes its key, then looks for
 * the key elsewhere (all sequentially consistent): one of the two, at least, sees the other, gives
 * its entry back and starts again. So a key has one entry, and no window counts above its maximum.
 */
#include "caps.h"

#include "../base/hash.h"
#include "caps_table.h"

enum {
    ENTRIES = 8, /* of a bucket */
    PERIOD_BITS = 18,
    COUNT_BITS = 10,
    OPENED_BITS = 32,
    RECLAIM = (1 << COUNT_BITS) - 1,
    RECLAIM_SECONDS = 10,
    TRIES = 64,
    SPINS = 4096, /* for another thread that writes a key: some ten instructions */
};

struct entry {
    uint64_t key, window;
};

struct am_caps {
    char magic[8];
    uint32_t version;
    uint32_t buckets;
    uint64_t evicted, refused;
    uint8_t padding[96];
    struct entry entries[];
};
_Static_assert(sizeof(struct am_caps) == 128, "the header of the table");
_Static_assert((1 << PERIOD_BITS) - 1 == AM_CAPS_LIFETIME, "a lifetime is the longest period");

#define MAGIC "AMCAPS\x1A"

/* ---- the memory -------------------------------------------------------------------------------
 */

struct am_caps *am_caps_start(void *memory, size_t size) {
    struct am_caps *caps = memory;
    uint64_t buckets = (size - sizeof *caps) / (ENTRIES * sizeof(struct entry));
    caps->version = AM_CAPS_FORMAT_VERSION;
    caps->buckets = buckets > UINT32_MAX ? UINT32_MAX : (uint32_t)buckets;
    memcpy(caps->magic, MAGIC, sizeof caps->magic);
    return caps;
}

struct am_caps *am_caps_over(void *memory, size_t size) {
    struct am_caps *caps = memory;
    if (size < sizeof *caps || memcmp(caps->magic, MAGIC, sizeof caps->magic) != 0 ||
        caps->version != AM_CAPS_FORMAT_VERSION || !caps->buckets ||
        (size - sizeof *caps) / (ENTRIES * sizeof(struct entry)) < caps->buckets)
        return NULL;
    return caps;
}

void am_caps_read_counters(const struct am_caps *caps, struct am_caps_counters *counters) {
    counters->evicted = __atomic_load_n(&caps->evicted, __ATOMIC_RELAXED);
    counters->refused = __atomic_load_n(&caps->refused, __ATOMIC_RELAXED);
}

/* ---- windows ----------------------------------------------------------------------------------
 */

static uint32_t count_of(uint64_t window) {
    return window & RECLAIM;
}

static int64_t opened_of(uint64_t window) {
    return (uint32_t)(window >> COUNT_BITS);
}

static uint64_t window_of(uint64_t version, int64_t opened, uint32_t count) {
    return version << (COUNT_BITS + OPENED_BITS) | (uint64_t)(uint32_t)opened << COUNT_BITS | count;
}

static uint64_t version_of(uint64_t window) {
    return window >> (COUNT_BITS + OPENED_BITS);
}

static uint32_t period_of(uint64_t key) {
    return key & AM_CAPS_LIFETIME;
}

static int64_t end_of(uint64_t key, uint64_t window, int64_t now) {
    uint32_t period = period_of(key);
    return period == AM_CAPS_LIFETIME
               ? INT64_MAX
               : am_caps_opened(opened_of(window), now) + (int64_t)period * 60;
}

/* Being reclaimed, and not left behind by a thread that was killed. */
static bool is_busy(uint64_t window, int64_t now) {
    int64_t since = now - opened_of(window);
    return count_of(window) == RECLAIM && since < RECLAIM_SECONDS && since > -RECLAIM_SECONDS;
}

static bool is_open(uint64_t key, uint64_t window, int64_t now) {
    uint32_t count = count_of(window);
    return count && count != RECLAIM && end_of(key, window, now) > now;
}

/* ---- places -----------------------------------------------------------------------------------
 */

/* The 16 places of a key. */
struct places {
    uint64_t key;
    struct entry *buckets[2];
};

static struct entry *entry_at(const struct places *places, unsigned i) {
    return &places->buckets[i / ENTRIES][i % ENTRIES];
}

static struct places
places_of(const struct am_caps *caps, uint64_t user, uint64_t key, uint32_t period) {
    uint64_t tag = am_hash_mix(user, am_hash_mix(key, period)), where = am_hash_mix(tag, user);
    struct entry *entries = (struct entry *)(uintptr_t)caps->entries;
    uint64_t first = (where >> 32) * caps->buckets >> 32;
    uint64_t second = (where & UINT32_MAX) * caps->buckets >> 32;
    tag >>= PERIOD_BITS;
    return (struct places){(tag ? tag : 1) << PERIOD_BITS | period,
                           {entries + first * ENTRIES, entries + second * ENTRIES}};
}

static uint64_t load(const uint64_t *word) {
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static bool swap(uint64_t *word, uint64_t from, uint64_t to) {
    return __atomic_compare_exchange_n(word, &from, to, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/* The entry of the key and its window; NULL: there is none. A thread that was killed may have left
 * a dead one beside it. */
static struct entry *look_for(const struct places *places, int64_t now, uint64_t *window) {
    struct entry *dead = NULL;
    for (unsigned i = 0; i < 2 * ENTRIES; i++) {
        struct entry *entry = entry_at(places, i);
        uint64_t state = load(&entry->window); /* before the key: while it stays, the key does */
        if (load(&entry->key) != places->key || (dead && !is_open(places->key, state, now)))
            continue;
        *window = state;
        if (is_open(places->key, state, now))
            return entry;
        dead = entry;
    }
    return dead;
}

/* Likewise. A window that is ahead of the clock is written again as opened now: it would be open
 * until the clock has caught up, and longer. */
static struct entry *find(const struct places *places, int64_t now, uint64_t *window) {
    struct entry *entry = look_for(places, now, window);
    if (!entry || !is_open(places->key, *window, now))
        return entry;
    int64_t opened = am_caps_opened(opened_of(*window), now);
    uint64_t mended = window_of(version_of(*window), opened, count_of(*window));
    if (mended != *window && swap(&entry->window, *window, mended))
        *window = mended;
    return entry;
}

/* ---- counting ---------------------------------------------------------------------------------
 */

/* A place in one bucket, and how much its loss is worth. */
struct choice {
    struct entry *entry; /* NULL: none */
    uint64_t window;     /* as it was seen */
    int64_t end;         /* of the window; INT64_MIN: it is dead */
    unsigned dead;       /* entries of the bucket that are */
};

static struct choice choose_in(struct entry *bucket, int64_t now) {
    struct choice choice = {.end = INT64_MAX};
    for (unsigned i = 0; i < ENTRIES; i++) {
        struct entry *entry = &bucket[i];
        uint64_t state = load(&entry->window), key = load(&entry->key);
        if (is_busy(state, now))
            continue;
        int64_t end = key && is_open(key, state, now) ? end_of(key, state, now) : INT64_MIN;
        choice.dead += end == INT64_MIN;
        if (end >= choice.end)
            continue;
        choice.entry = entry;
        choice.window = state;
        choice.end = end;
    }
    return choice;
}

/* The entry that gives way: a dead one of the bucket that has more of them, else the one whose
 * window ends first; never a lifetime's. */
static struct choice choose_victim(const struct places *places, int64_t now) {
    struct choice first = choose_in(places->buckets[0], now);
    struct choice second = choose_in(places->buckets[1], now);
    bool take_first =
        first.dead != second.dead ? first.dead > second.dead : first.end <= second.end;
    return take_first ? first : second;
}

enum am_caps_answer am_caps_ask(struct am_caps *caps,
                                uint64_t user,
                                const struct am_caps_cap *cap,
                                int64_t now,
                                struct am_caps_window *window) {
    struct places places = places_of(caps, user, cap->key, cap->period);
    uint64_t state;
    const struct entry *entry = find(&places, now, &state);
    bool open = entry && is_open(places.key, state, now);
    if (window)
        *window = open ? (struct am_caps_window){count_of(state), opened_of(state)}
                       : (struct am_caps_window){0, 0};
    if (open && count_of(state) >= cap->maximum)
        return AM_CAPS_FULL;
    return entry || choose_victim(&places, now).entry ? AM_CAPS_OPEN : AM_CAPS_NO_ROOM;
}

static bool is_elsewhere(const struct places *places, const struct entry *mine) {
    for (unsigned i = 0; i < 2 * ENTRIES; i++) {
        const struct entry *entry = entry_at(places, i);
        if (entry != mine && load(&entry->key) == places->key)
            return true;
    }
    return false;
}

enum step { DONE, AGAIN, NO_ROOM };

/* Opens a window for a key that has no entry. */
static enum step insert(struct am_caps *caps, const struct places *places, int64_t now) {
    struct choice choice = choose_victim(places, now);
    struct entry *entry = choice.entry;
    if (!entry)
        return NO_ROOM;
    uint64_t version = version_of(choice.window) + 1;
    if (!swap(&entry->window, choice.window, window_of(version, now, RECLAIM)))
        return AGAIN;
    __atomic_store_n(&entry->key, places->key, __ATOMIC_SEQ_CST);
    bool twice = is_elsewhere(places, entry);
    if (twice)
        __atomic_store_n(&entry->key, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&entry->window, window_of(version, now, twice ? 0 : 1), __ATOMIC_SEQ_CST);
    if (choice.end != INT64_MIN)
        __atomic_fetch_add(&caps->evicted, 1, __ATOMIC_RELAXED);
    return twice ? AGAIN : DONE;
}

/* Waits for a thread that reclaims the entry; false: it takes too long. */
static bool wait_for(const struct entry *entry, uint64_t window) {
    for (unsigned i = 0; i < SPINS; i++) {
        if (load(&entry->window) != window)
            return true;
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#endif
    }
    return false;
}

static enum am_caps_answer refuse(struct am_caps *caps) {
    __atomic_fetch_add(&caps->refused, 1, __ATOMIC_RELAXED);
    return AM_CAPS_NO_ROOM;
}

enum am_caps_answer
am_caps_count(struct am_caps *caps, uint64_t user, const struct am_caps_cap *cap, int64_t now) {
    struct places places = places_of(caps, user, cap->key, cap->period);
    for (unsigned i = 0; i < TRIES; i++) {
        uint64_t window;
        struct entry *entry = find(&places, now, &window);
        if (!entry) {
            enum step step = insert(caps, &places, now);
            if (step == AGAIN)
                continue;
            return step == DONE ? AM_CAPS_OPEN : refuse(caps);
        }
        if (is_busy(window, now)) {
            if (!wait_for(entry, window))
                return refuse(caps);
            continue;
        }
        bool open = is_open(places.key, window, now);
        if (open && count_of(window) >= cap->maximum)
            return AM_CAPS_FULL;
        uint64_t next = open ? window + 1 : window_of(version_of(window), now, 1);
        if (swap(&entry->window, window, next))
            return AM_CAPS_OPEN;
    }
    return refuse(caps);
}

void am_caps_undo(struct am_caps *caps,
                  uint64_t user,
                  uint64_t key,
                  uint32_t period,
                  int64_t counted_at,
                  int64_t now) {
    struct places places = places_of(caps, user, key, period);
    for (unsigned i = 0; i < TRIES; i++) {
        uint64_t window;
        struct entry *entry = find(&places, now, &window);
        if (!entry || !is_open(places.key, window, now) || opened_of(window) > counted_at)
            return;
        if (swap(&entry->window, window, window - 1))
            return;
    }
}

uint64_t am_caps_user(am_caps_mac *mac, void *context, struct am_view key) {
    uint8_t hash[16];
    mac(context, key.data, key.size, hash);
    uint64_t user = am_bytes_load_u64(hash);
    return user ? user : 1;
}

/* ---- keeping it -------------------------------------------------------------------------------
 */

uint64_t am_caps_places(const struct am_caps *caps) {
    return (uint64_t)caps->buckets * ENTRIES;
}

bool am_caps_get(
    const struct am_caps *caps, uint64_t place, int64_t now, uint64_t *key, uint64_t *window) {
    const struct entry *entry = &caps->entries[place];
    *window = load(&entry->window);
    *key = load(&entry->key);
    return *key && is_open(*key, *window, now) && load(&entry->window) == *window;
}

void am_caps_put(struct am_caps *caps, uint64_t place, uint64_t key, uint64_t window) {
    __atomic_store_n(&caps->entries[place].window, window, __ATOMIC_SEQ_CST);
    __atomic_store_n(&caps->entries[place].key, key, __ATOMIC_SEQ_CST);
}
