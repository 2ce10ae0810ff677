/* SPDX-License-Identifier: Apache-2.0 */
/* What operators have changed against the inventory: pauses of campaigns and advertisers, kept in
 * DIR/overrides.json. The ledger's holder writes the file; whoever publishes reads it. */
#ifndef AM_CONTROL_OVERRIDES_H
#define AM_CONTROL_OVERRIDES_H

#include "../base/vector.h"
#include "../delivery/ledger.h"

enum { AM_CONTROL_REASON_MAX = 500 };
#define AM_CONTROL_FOREVER INT64_MAX

/* A pause. Texts are NUL-terminated UTF-8. */
struct am_control_override {
    enum am_ledger_kind kind; /* advertiser or campaign */
    char id[AM_LEDGER_ID_MAX_BYTES + 1];
    char reason[AM_CONTROL_REASON_MAX + 1];
    char who[32];
    int64_t since; /* seconds */
    int64_t until; /* seconds; AM_CONTROL_FOREVER: until it is lifted */
};

struct am_control_overrides {
    struct am_vector items; /* of struct am_control_override */
};

/* None where there is no file. AM_E_IO; AM_E_CORRUPT, with what is wrong; AM_E_MEMORY. Free in
 * either case. */
enum am_code am_control_overrides_read(const char *folder,
                                       struct am_control_overrides *overrides,
                                       struct am_error *error);
/* Durable when it returns AM_OK; else the last file stays. AM_E_IO, AM_E_MEMORY. */
enum am_code am_control_overrides_write(const char *folder,
                                        const struct am_control_overrides *overrides,
                                        struct am_error *error);
void am_control_overrides_free(struct am_control_overrides *overrides);

/* NULL: the record has none. */
struct am_control_override *am_control_overrides_find(const struct am_control_overrides *overrides,
                                                      enum am_ledger_kind kind,
                                                      struct am_view id);
/* Replaces the record's override. False when memory runs out. */
bool am_control_overrides_put(struct am_control_overrides *overrides,
                              const struct am_control_override *override);
void am_control_overrides_remove(struct am_control_overrides *overrides,
                                 struct am_control_override *override);

/* Whoever changes the file and the ledger's pauses, or makes the one follow the other, has this
 * lock meanwhile: else a stale copy of the file would pause what was just resumed. Close the
 * descriptor to unlock. -1: AM_E_IO, after five seconds at most. */
int am_control_overrides_lock(const struct am_ledger *ledger, struct am_error *error);

/* Pauses every record that has an override and is not paused: after a start, and after a
 * publication that brought a record back. *changed is set when there was one. With the lock. The
 * errors of am_ledger_halt. */
enum am_code am_control_overrides_apply(const struct am_control_overrides *overrides,
                                        struct am_ledger *ledger,
                                        int64_t now,
                                        bool *changed,
                                        struct am_error *error);

/* The other direction: lifts each pause by am_ledger_halt that has no override, as a `resume` that
 * was killed between the file and the ledger leaves it. Reads every cell. */
enum am_code am_control_overrides_lift_others(const struct am_control_overrides *overrides,
                                              struct am_ledger *ledger,
                                              int64_t now,
                                              bool *changed,
                                              struct am_error *error);

#endif
