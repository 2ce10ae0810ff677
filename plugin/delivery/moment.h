/* The counts of all records, and how much of the log they hold, of one moment: for the log's lines
 * of counters, and for a recount. */
#ifndef AM_DELIVERY_MOMENT_H
#define AM_DELIVERY_MOMENT_H

#include "../base/arena.h"
#include "ledger.h"

struct am_ledger_moment_record {
    enum am_ledger_kind kind;
    struct am_view id;
    struct am_view zone; /* of its day; empty: UTC */
    int64_t total[AM_LEDGER_UNITS];
    int64_t today[AM_LEDGER_UNITS];
    int64_t day; /* since 1970-01-01, that `today` is of */
};

struct am_ledger_moment_position {
    uint32_t slot;
    struct am_ledger_position position; /* all lines of the slot up to here are counted, no other */
};

struct am_ledger_moment {
    struct am_ledger_moment_record *records;
    struct am_ledger_moment_position *positions; /* ascending by slot; others have none */
    uint32_t record_count, position_count;
    struct am_arena arena; /* of ids and zones */
};

/* Any process that has the ledger open. AM_E_MEMORY. [lock] for the time that copying the counts
 * takes, some ten nanoseconds a record; then for batches of ids. */
enum am_code am_ledger_moment_take(struct am_ledger *ledger,
                                   struct am_ledger_moment *moment,
                                   struct am_error *error);
void am_ledger_moment_free(struct am_ledger_moment *moment);

/* The ledger's folder on the tmpfs, where other rooms keep files of the same life. Lives as long as
 * the ledger is open. */
const char *am_ledger_home(const struct am_ledger *ledger);

/* Whether a ledger's live file is there, so that am_ledger_open would not make it: for tools that
 * only look. AM_E_STATE: it is not. AM_E_INVALID, AM_E_IO: the folder is not ours, or is none. */
enum am_code am_ledger_is_live(const char *folder, const char *tmpfs, struct am_error *error);

#endif
