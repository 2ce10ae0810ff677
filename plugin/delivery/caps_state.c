/* SPDX-License-Identifier: Apache-2.0 */
/* Frequency caps that the caller carries.
 *
 *     0         1                    12 n + 1         12 n + 11
 *    +---------+--------------------+----------------+
 *    | version | n entries          | MAC, 10 bytes  |        base64url, without padding
 *    +---------+--------------------+----------------+
 *
 *     an entry, 96 bits, the highest first:  key 36, period 18, opened 32, count 10
 */
#include "../base/base64url.h"
#include "../base/hash.h"
#include "../base/siphash.h"
#include "caps.h"

enum {
    VERSION = 1,
    ENTRY_BYTES = 12,
    MAC_BYTES = 10,
    KEY_BITS = 36,
    PERIOD_BITS = 18,
    COUNT_BITS = 10,
    RAW_BYTES = 1 + AM_CAPS_STATE_ENTRIES * ENTRY_BYTES + MAC_BYTES,
};
_Static_assert(KEY_BITS + PERIOD_BITS + 32 + COUNT_BITS == ENTRY_BYTES * 8, "an entry");
_Static_assert((RAW_BYTES * 4 + 2) / 3 <= AM_CAPS_STATE_TEXT, "a full state fits its text");

/* So that the key's other uses never sign these bytes. */
static const char purpose[] = "admatch caps";

/* ---- entries ----------------------------------------------------------------------------------
 */

static void put_entry(const struct am_caps_entry *entry, uint8_t *bytes) {
    unsigned __int128 packed = (unsigned __int128)entry->key << (PERIOD_BITS + 32 + COUNT_BITS) |
                               (unsigned __int128)entry->period << (32 + COUNT_BITS) |
                               (unsigned __int128)entry->opened << COUNT_BITS | entry->count;
    for (unsigned i = 0; i < ENTRY_BYTES; i++)
        bytes[i] = (uint8_t)(packed >> (8 * (ENTRY_BYTES - 1 - i)));
}

static struct am_caps_entry get_entry(const uint8_t *bytes) {
    unsigned __int128 packed = 0;
    for (unsigned i = 0; i < ENTRY_BYTES; i++)
        packed = packed << 8 | bytes[i];
    return (struct am_caps_entry){
        .key = (uint64_t)(packed >> (PERIOD_BITS + 32 + COUNT_BITS)),
        .period = (uint32_t)(packed >> (32 + COUNT_BITS)) & AM_CAPS_LIFETIME,
        .opened = (uint32_t)(packed >> COUNT_BITS),
        .count = (uint32_t)packed & ((1U << COUNT_BITS) - 1),
    };
}

static uint64_t key_of(const struct am_caps_cap *cap) {
    return am_hash_mix(cap->key, cap->period) >> (64 - KEY_BITS);
}

static int64_t end_of(const struct am_caps_entry *entry, int64_t now) {
    return entry->period == AM_CAPS_LIFETIME
               ? INT64_MAX
               : am_caps_opened(entry->opened, now) + (int64_t)entry->period * 60;
}

static bool is_open(const struct am_caps_entry *entry, int64_t now) {
    return entry->count && end_of(entry, now) > now;
}

/* ---- reading and writing ----------------------------------------------------------------------
 */

/* The MAC of the first `size` bytes; there is room for the purpose in front of them. */
static void sign(am_caps_mac *mac, void *context, const uint8_t *raw, size_t size, uint8_t *to) {
    uint8_t signed_bytes[sizeof purpose + RAW_BYTES], whole[16];
    memcpy(signed_bytes, purpose, sizeof purpose);
    memcpy(signed_bytes + sizeof purpose, raw, size);
    mac(context, signed_bytes, sizeof purpose + size, whole);
    memcpy(to, whole, MAC_BYTES);
}

bool am_caps_state_read(struct am_caps_state *state,
                        struct am_view text,
                        am_caps_mac *mac,
                        void *context) {
    uint8_t raw[RAW_BYTES], wanted[MAC_BYTES];
    state->count = 0;
    size_t size = am_base64url_decode(text, raw, sizeof raw);
    if (size < 1 + MAC_BYTES || (size - 1 - MAC_BYTES) % ENTRY_BYTES || raw[0] != VERSION)
        return false;
    sign(mac, context, raw, size - MAC_BYTES, wanted);
    if (!am_siphash_is_mac(wanted, raw + size - MAC_BYTES, MAC_BYTES))
        return false;
    for (size_t at = 1; at + MAC_BYTES < size; at += ENTRY_BYTES)
        state->entries[state->count++] = get_entry(raw + at);
    return true;
}

size_t am_caps_state_write(const struct am_caps_state *state,
                           int64_t now,
                           am_caps_mac *mac,
                           void *context,
                           char text[AM_CAPS_STATE_TEXT]) {
    uint8_t raw[RAW_BYTES] = {VERSION};
    size_t size = 1;
    for (uint32_t i = 0; i < state->count; i++) {
        if (!is_open(&state->entries[i], now))
            continue;
        struct am_caps_entry entry = state->entries[i];
        entry.opened = (uint32_t)am_caps_opened(entry.opened, now);
        put_entry(&entry, raw + size);
        size += ENTRY_BYTES;
    }
    sign(mac, context, raw, size, raw + size);
    return am_base64url_encode(raw, size + MAC_BYTES, text);
}

/* ---- asking and counting ----------------------------------------------------------------------
 */

static uint32_t find(const struct am_caps_state *state, const struct am_caps_cap *cap) {
    uint64_t key = key_of(cap);
    for (uint32_t i = 0; i < state->count; i++)
        if (state->entries[i].key == key && state->entries[i].period == cap->period)
            return i;
    return state->count;
}

enum am_caps_answer am_caps_state_ask(const struct am_caps_state *state,
                                      const struct am_caps_cap *cap,
                                      int64_t now,
                                      struct am_caps_window *window) {
    uint32_t at = find(state, cap);
    bool open = at < state->count && is_open(&state->entries[at], now);
    const struct am_caps_entry *entry = &state->entries[open ? at : 0];
    if (window)
        *window = open ? (struct am_caps_window){entry->count, am_caps_opened(entry->opened, now)}
                       : (struct am_caps_window){0, 0};
    return open && entry->count >= cap->maximum ? AM_CAPS_FULL : AM_CAPS_OPEN;
}

/* A place for a new entry: behind the others, or that of a window that has ended or ends first. */
static struct am_caps_entry *make_room(struct am_caps_state *state, int64_t now) {
    if (state->count < AM_CAPS_STATE_ENTRIES)
        return &state->entries[state->count++];
    struct am_caps_entry *victim = NULL;
    int64_t first_end = INT64_MAX;
    for (uint32_t i = 0; i < state->count; i++) {
        struct am_caps_entry *entry = &state->entries[i];
        int64_t end = is_open(entry, now) ? end_of(entry, now) : INT64_MIN;
        if (end < first_end) {
            victim = entry;
            first_end = end;
        }
    }
    return victim;
}

enum am_caps_answer
am_caps_state_count(struct am_caps_state *state, const struct am_caps_cap *cap, int64_t now) {
    uint32_t at = find(state, cap);
    if (at < state->count && is_open(&state->entries[at], now)) {
        if (state->entries[at].count >= cap->maximum)
            return AM_CAPS_FULL;
        state->entries[at].count++;
        return AM_CAPS_OPEN;
    }
    struct am_caps_entry *entry = at < state->count ? &state->entries[at] : make_room(state, now);
    if (!entry)
        return AM_CAPS_NO_ROOM;
    *entry = (struct am_caps_entry){key_of(cap), cap->period, (uint32_t)now, 1};
    return AM_CAPS_OPEN;
}
