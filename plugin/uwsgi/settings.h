/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin's options, as uWSGI's parser leaves them. */
/* Runs in: the master, while it reads its configuration (finish). Afterwards nobody writes, and
 * any process and thread may read. */
#ifndef AM_UWSGI_SETTINGS_H
#define AM_UWSGI_SETTINGS_H

#include "../publish/account.h"
#include "host.h"

struct am_uwsgi_settings {
    char *inventory;  /* absolute path once am_uwsgi_settings_finish has run; NULL: none given */
    char *state_dir;  /* NULL: the default */
    uint64_t refresh; /* seconds between checks of the inventory; 0: only on demand */
    uint64_t limit_body;
    uint64_t limit_words;
    uint64_t limit_work;
    uint64_t limit_memory;
    uint64_t rpc;               /* callers at a time of each worker; 0: no functions */
    uint64_t gzip;              /* bytes of an answer above which it is packed; 0: never */
    const char *const *origins; /* see am_api_http_settings */
    bool skip_bad_records;
    struct {                    /* with loop = admatch; times in seconds */
        uint64_t connections;   /* of a process */
        uint64_t idle_timeout;  /* between two requests */
        uint64_t head_timeout;  /* from a head's first byte to its last */
        uint64_t body_timeout;  /* from a head's end to the body's */
        uint64_t write_timeout; /* for an answer to be taken */
        uint64_t grace;         /* for requests in progress when a process ends */
        uint64_t memory;        /* bytes for incomplete requests and unsent answers */
        uint64_t modifier;      /* another plugin whose requests never block; 256: none */
    } loop;
    char *geoip; /* FILE; NULL: no addresses are looked up */
    bool derive_geo;
    struct am_api_deriving deriving; /* am_uwsgi_settings_derive has it finished */
    int test;
    int preview;
    char *ledger;        /* DIR, likewise absolute; NULL: nothing is counted */
    bool ignores_limits; /* admatch-ledger = none */
    uint64_t cells, ring, log_keep, terms;
    uint64_t inflight, caps, reserve, reserve_bids; /* 0: the defaults */
    int click_first;
    char *keys, *robots, *click_rates, *events;
    struct am_account_options account; /* filled in by am_uwsgi_settings_finish */
    struct am_api_counting counting;
};

extern struct am_uwsgi_settings am_uwsgi_settings;
/* The table for uWSGI; ends with an empty entry. */
extern struct uwsgi_option am_uwsgi_options[];

/* What uWSGI's option `loop` calls our loop, and whether it chooses it. Any process. */
extern char am_uwsgi_loop_name[];
bool am_uwsgi_loop_is_chosen(void);

/* What is derived of visitors; NULL: nothing. Opens the file of addresses, or logs and exits. In
 * post_init. */
const struct am_api_deriving *am_uwsgi_settings_derive(void);

/* Makes paths absolute. Logs and exits when something cannot be used. Runs after uWSGI's own chdir.
 */
void am_uwsgi_settings_finish(void);

#endif
