/* SPDX-License-Identifier: Apache-2.0 */
/* Who an ad was: for events of ads that a newer inventory has no more.
 *
 * A token names its ad by a stable key, and its keyword by a hash. While the ad is in the image the
 * image knows both. For the others, the first placement of an ad by a keyword on each day (UTC)
 * writes a line with their ids:
 *
 *     DIR/names/2026-12-01.jsonl   {"ad":..,"campaign":..,"advertiser":..,"keyword":..,"match":..}
 *     DIR/names/2026-12-01.index   made by the holder when the day is over: where each line begins,
 *                                  sorted by key
 *     TMPFS/names-2026-12-01       the day's hash table: what was written already, and where; of
 *                                  today and yesterday
 *
 * So a day's names are dropped by removing its files, AM_EVENT_NAMES_DAYS later.
 *
 * The table is open addressing over entries of 16 bytes. `place` is 0, or the offset of the line.
 * Two workers that place a new ad at once both write its line, and either one is found.
 *
 * Thread rule: am_event_names_note and am_event_names_find by any thread of any process, after
 * am_event_names_open in it or in its parent; am_event_names_flush by any thread of the process;
 * am_event_names_tidy by the ledger's holder. */
#ifndef AM_EVENTS_NAMES_H
#define AM_EVENTS_NAMES_H

#include "../base/error.h"
#include "../model/limits.h"
#include "../model/names.h"

struct am_event_names; /* a process's view */

enum {
    AM_EVENT_NAMES_DAYS = 35,
    AM_EVENT_NAMES_MIN_CAPACITY = 1 << 16, /* entries of a day's table */
    AM_EVENT_NAMES_MAX_CAPACITY = 1 << 22,
};

/* What a placement's names are. Views are the caller's. */
struct am_event_ad_names {
    struct am_view ad, campaign, advertiser, keyword;
    enum am_model_match_type match;
};

/* Names read back, with the memory that they are in. */
struct am_event_ad_memory {
    struct am_event_ad_names names;
    char bytes[16 << 10];
};

/* A keyword's hash in tokens: of its match type and its text as the inventory has it. */
uint32_t am_event_keyword_hash(enum am_model_match_type match, struct am_view keyword);

/* `folder` is DIR, `tmpfs` the ledger's folder on the tmpfs. `ads` sizes the tables of days: four
 * times as many entries, within the bounds above. AM_E_IO, AM_E_MEMORY. */
enum am_code am_event_names_open(const char *folder,
                                 const char *tmpfs,
                                 uint32_t ads,
                                 struct am_event_names **names,
                                 struct am_error *error);
void am_event_names_close(struct am_event_names *names); /* NULL is fine */

/* Notes a placement at `time` (seconds since 1970): one look into the day's table when the ad and
 * keyword are noted already. Otherwise a line waits for am_event_names_flush: true. `ad` is the
 * ad's key, `keyword` am_event_keyword_hash of `what`. Never fails: where there is no room, the
 * names are missing, and counted. */
bool am_event_names_note(struct am_event_names *names,
                         int64_t time,
                         uint64_t ad,
                         uint32_t keyword,
                         const struct am_event_ad_names *what);

/* Prefetches what am_event_names_note looks at. */
void am_event_names_prefetch(struct am_event_names *names,
                             int64_t time,
                             uint64_t ad,
                             uint32_t keyword);

/* Writes lines that wait. */
void am_event_names_flush(struct am_event_names *names);

/* The names of an ad that was placed at `time`. Without the keyword, where only another one of the
 * ad was noted on that day. False: nothing is known. */
bool am_event_names_find(struct am_event_names *names,
                         int64_t time,
                         uint64_t ad,
                         uint32_t keyword,
                         struct am_event_ad_memory *memory);

/* Fills the day's table from its lines, after a reboot. AM_E_IO. */
enum am_code
am_event_names_restore(struct am_event_names *names, int64_t time, struct am_error *error);

/* Indexes days that are over, removes tables that are no more used, and with `steady` (the clock
 * has not jumped of late) what is older than AM_EVENT_NAMES_DAYS. In a thread that may wait for a
 * disk. AM_E_IO, AM_E_MEMORY. */
enum am_code
am_event_names_tidy(struct am_event_names *names, int64_t now, bool steady, struct am_error *error);

/* Names that could not be kept, since the process began. */
uint64_t am_event_names_lost(const struct am_event_names *names);

#endif
