/* SPDX-License-Identifier: Apache-2.0 */
/* An instance: everything from an inventory's path to answers in memory, without an HTTP server. A
 * process tree has one (plugin/uwsgi); a test may have several.
 *
 *   master, before the first fork     am_server_new
 *   a child of the master             am_publisher_start, with the rights of the workers
 *   mule                              am_publisher_resume, am_publisher_check, again and again
 *   master, after that                am_server_open_account
 *   each worker, after its fork       am_server_work, then am_server_answer in any thread */
/* Runs in: the master before its first fork (new, open_account); a worker after its fork (work); a
 * worker's thread that serves the request (answer, release, count). */
#ifndef AM_PUBLISH_SERVER_H
#define AM_PUBLISH_SERVER_H

#include "../api/http.h"
#include "generations.h"
#include "publisher.h"

struct am_server_options {
    const char *inventory;    /* absolute path; lives as long as the server */
    const char *store_folder; /* absolute path; likewise */
    bool lenient;             /* leave bad records out */
    bool ignores_limits;      /* serve inventories with budgets and caps without any ledger */
    bool test, preview;
    size_t gzip;                            /* see am_api_http_settings */
    const char *const *origins;             /* likewise; lives as long as the server */
    const struct am_api_deriving *deriving; /* NULL: nothing is derived; outlives the server */
    struct am_api_limits limits;
    unsigned workers, cores; /* requests at a time: cores in each of the workers */
    struct am_publish_sink sink;
    const struct am_account_options *account; /* NULL: nothing is counted; outlives the server */
};

struct am_server {
    struct am_publish_sink sink;
    struct am_publish_channel *channel;
    struct am_metrics *metrics;
    struct am_publisher publisher;
    struct am_generations *generations;
    struct am_api_http_settings http;
    struct am_account *account; /* NULL: nothing is counted */
    const struct am_api_counting *counting;
    struct am_account_worker *workers; /* of this process, one a context */
    unsigned contexts;
};

/* In the process that forks the others. NULL with an error when something cannot be used. */
struct am_server *am_server_new(const struct am_server_options *options, struct am_error *error);
/* For tests and libraries: no request, no mover may be running. NULL is fine. */
void am_server_free(struct am_server *server);

/* Opens the account that the child has made or found, before workers are forked. Nothing where
 * there is none. */
enum am_code am_server_open_account(struct am_server *server, struct am_error *error);

/* In a worker, after its fork and before its first request; `worker` is its number. */
void am_server_work(struct am_server *server, unsigned worker);

/* One request at a core of a worker. */
struct am_server_exchange {
    struct am_generation_context *context; /* pinned while the answer is made and written */
    struct am_metrics_counters *row;
    struct am_api_http_response response;
};

/* Answers from the current generation and counts the decision. The response is valid until
 * am_server_release. One thread at a time for each core. */
void am_server_answer(struct am_server *server,
                      unsigned worker,
                      unsigned core,
                      const struct am_api_http_request *request,
                      struct am_server_exchange *exchange);
/* Once the response has been written. */
void am_server_release(struct am_server_exchange *exchange);
/* Counts the request as a whole, with the status that was sent. After am_server_release. */
void am_server_count(struct am_server_exchange *exchange, unsigned status, uint64_t nanoseconds);

#endif
