/* SPDX-License-Identifier: Apache-2.0 */
/* Rates of clicks: how many one client may have counted, for one advertiser, in some periods.
 *
 * A client is an address network (/24, /48) and a user agent. Neither is kept: the table holds
 * SipHash of both and the advertiser under a salt of the day, which is in shared memory only, is
 * replaced each day (UTC), and is never written anywhere.
 *
 * The table is a fixed number of buckets of one cache line, eight entries of 64 bits each:
 *
 *      63                    29 28   27 26           10 9          0
 *      +-----------------------+-------+---------------+------------+
 *      | fingerprint 35        |rate 2 | opened 17     | count 10   |     0: free
 *      +-----------------------+-------+---------------+------------+
 *
 * `opened` is the second of the day in which the window was opened by the first click counted in
 * it; it ends a period later, or with the day's salt. Each change is one compare-and-swap, so no
 * kill leaves anything half done. In a full bucket the window that ends first is given up.
 *
 * Thread rule: any thread of any process; am_event_rates_salt by the holder. */
#ifndef AM_EVENTS_RATES_H
#define AM_EVENTS_RATES_H

#include <stdatomic.h>

#include "../base/address.h"
#include "token.h"

enum { AM_EVENT_RATES_MAX = 4, AM_EVENT_RATE_COUNT_MAX = 1023, AM_EVENT_RATE_PERIOD_MAX = 86400 };

struct am_event_rate {
    uint32_t count;  /* 1..AM_EVENT_RATE_COUNT_MAX */
    uint32_t period; /* seconds, 1..AM_EVENT_RATE_PERIOD_MAX */
};

struct am_event_rate_limits {
    struct am_event_rate items[AM_EVENT_RATES_MAX];
    uint32_t count;
};

#define AM_EVENT_RATES_DEFAULT "1/m 3/10m 10/h 25/d"

/* Reads "1/m 3/10m 10/h 25/d": up to four counts, each for a number (default 1) of s, m, h or d;
 * at most a day. "none" is no limit at all. AM_E_INVALID, AM_E_LIMIT. */
enum am_code am_event_rates_parse(struct am_view text,
                                  struct am_event_rate_limits *limits,
                                  struct am_error *error);

struct am_event_rates {
    uint64_t bucket_count;         /* a power of two */
    _Atomic uint64_t evicted;      /* windows given up before their end */
    _Atomic uint64_t salt_version; /* odd while the salt is replaced */
    _Atomic uint64_t salt[2];
    _Atomic int64_t day; /* of the salt, since 1970 */
    _Alignas(64) _Atomic uint64_t entries[];
};

/* Bytes of shared memory of a table of about `bytes`; at least 64 KiB. */
size_t am_event_rates_size(uint64_t bytes);

/* Fills in new shared memory (zeroed). AM_E_IO: the kernel has no random bytes. */
enum am_code am_event_rates_start(struct am_event_rates *rates,
                                  uint64_t bytes,
                                  int64_t now,
                                  struct am_error *error);

/* A new salt when the day (UTC) of `now` is a later one than the salt's. AM_E_IO. */
enum am_code am_event_rates_salt(struct am_event_rates *rates, int64_t now, struct am_error *error);

/* Who clicked on whose ad. */
struct am_event_client {
    struct am_address address;
    struct am_view agent;
    uint64_t advertiser; /* its stable key */
};

/* Takes one from each rate, or, when one of them has none left, from none: false. Loopback clients
 * are not limited. */
bool am_event_rates_take(struct am_event_rates *rates,
                         const struct am_event_rate_limits *limits,
                         const struct am_event_client *client,
                         int64_t now);

/* Gives back what am_event_rates_take just took: somebody else was faster with the same click. */
void am_event_rates_give_back(struct am_event_rates *rates,
                              const struct am_event_rate_limits *limits,
                              const struct am_event_client *client,
                              int64_t now);

#endif
