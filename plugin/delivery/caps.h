/* SPDX-License-Identifier: Apache-2.0 */
/* Frequency caps: how many placements of a record a user has seen in a window that opens at the
 * first one. Two stores with the same rules: a table in shared memory by hashed user key, and a
 * signed state that the caller carries.
 *
 * A window opens at the first placement counted in it and ends a period later, whatever comes in
 * between; a clock that is put back ends none, and makes none longer than a period from then.
 * Counted by user, record and period, so that a changed maximum goes on with the same count. */
#ifndef AM_DELIVERY_CAPS_H
#define AM_DELIVERY_CAPS_H

#include "../base/bytes.h"

enum {
    AM_CAPS_LIFETIME = (1 << 18) - 1, /* a period that never ends */
    AM_CAPS_PERIOD_MAX = 180 * 1440,  /* minutes */
    AM_CAPS_COUNT_MAX = 1000,
    AM_CAPS_AHEAD_SECONDS = 60, /* by which the clocks of two requests may differ */
};

/* When a window opened that says `opened`. Where that is ahead of the clock, the clock was put
 * back since: the window counts as opened now, and keeps its count. */
static inline int64_t am_caps_opened(int64_t opened, int64_t now) {
    return opened > now + AM_CAPS_AHEAD_SECONDS ? now : opened;
}

/* One cap of a record. */
struct am_caps_cap {
    uint64_t key;     /* of the record, am_model_key */
    uint32_t period;  /* minutes, or AM_CAPS_LIFETIME */
    uint32_t maximum; /* 1 to AM_CAPS_COUNT_MAX */
};

struct am_caps_window {
    uint32_t count; /* 0: no window is open */
    int64_t opened; /* seconds since the epoch */
};

enum am_caps_answer {
    AM_CAPS_OPEN,    /* below the maximum */
    AM_CAPS_FULL,    /* at it */
    AM_CAPS_NO_ROOM, /* nothing is known of the user, and there is no room to count: counts as full
                      */
};

/* A keyed hash: SipHash-2-4 with 128 bits, in practice. */
typedef void am_caps_mac(void *context, const void *bytes, size_t size, uint8_t mac[16]);

/* The hash of a user's key by the ledger's own key; never 0. */
uint64_t am_caps_user(am_caps_mac *mac, void *context, struct am_view key);

/* ---- the table ----------------------------------------------------------------------------------
 */

struct am_caps; /* over shared memory; any thread and process, no lock */

struct am_caps_counters {
    uint64_t evicted; /* windows that were open and gave way */
    uint64_t refused; /* no room */
};

/* Whether one more placement is allowed. `window` (may be NULL) is what is counted so far. Writes
 * only after the clock was put back: when the window opened. */
enum am_caps_answer am_caps_ask(struct am_caps *caps,
                                uint64_t user,
                                const struct am_caps_cap *cap,
                                int64_t now,
                                struct am_caps_window *window);

/* Counts one placement, or refuses. Exact: no more than the maximum are counted in a window, for
 * any number of processes. */
enum am_caps_answer
am_caps_count(struct am_caps *caps, uint64_t user, const struct am_caps_cap *cap, int64_t now);

/* Takes back a placement counted at `counted_at`, while its window is open. */
void am_caps_undo(struct am_caps *caps,
                  uint64_t user,
                  uint64_t key,
                  uint32_t period,
                  int64_t counted_at,
                  int64_t now);

void am_caps_read_counters(const struct am_caps *caps, struct am_caps_counters *counters);

/* ---- the signed state ---------------------------------------------------------------------------
 */

enum {
    AM_CAPS_STATE_ENTRIES = 62,
    AM_CAPS_STATE_TEXT = 1024, /* at most, without a NUL */
};

struct am_caps_entry {
    uint64_t key;    /* 36 bits of a record's key and period, hashed */
    uint32_t period; /* minutes */
    uint32_t opened; /* seconds since the epoch */
    uint32_t count;
};

/* What a caller carries. Zeroed is a new user's. One thread. */
struct am_caps_state {
    uint32_t count;
    struct am_caps_entry entries[AM_CAPS_STATE_ENTRIES];
};

/* Reads what am_caps_state_write wrote. False: forged, damaged or of another version; the state is
 * then empty. */
bool am_caps_state_read(struct am_caps_state *state,
                        struct am_view text,
                        am_caps_mac *mac,
                        void *context);

/* Writes the open windows, base64url without padding; returns the length. */
size_t am_caps_state_write(const struct am_caps_state *state,
                           int64_t now,
                           am_caps_mac *mac,
                           void *context,
                           char text[AM_CAPS_STATE_TEXT]);

enum am_caps_answer am_caps_state_ask(const struct am_caps_state *state,
                                      const struct am_caps_cap *cap,
                                      int64_t now,
                                      struct am_caps_window *window);

/* Counts; where the state is full, the window that ends first gives way, lifetime ones last of
 * all: then there is no room. */
enum am_caps_answer
am_caps_state_count(struct am_caps_state *state, const struct am_caps_cap *cap, int64_t now);

#endif
