/* SPDX-License-Identifier: Apache-2.0 */
/* Which image a process serves from, and how it moves to a new one while requests run.
 *
 * A process has one current generation, and as many contexts as requests at a time. A context is
 * working memory attached to a generation. A request takes the first free context and, when that is
 * still on an older generation, attaches it to the current one, so the next request after a move is
 * answered from the new image. A mover, one thread in each worker, sleeps until something is
 * published, opens it beside the old image, makes it current, attaches the free contexts, and
 * closes each old image as soon as no context reads it. No request waits for any of this.
 *
 * The master maps no image: gateways, spoolers and other mules would inherit the mapping and keep
 * it, so that the first image would stay in memory forever. A worker that is forked later opens
 * what is published then.
 *
 * How an image is kept while it is read. A context protects two generations: the one that it is
 * attached to, and, while a request attaches it, the one named in `entering`. A request stores
 * `entering` and then reads the current generation again; the mover replaces the current generation
 * and then reads `entering`. Both are sequentially consistent, so either the request sees that it
 * must take the newer one, or the mover sees that the old one is about to be read (hazard pointers:
 * Michael, IEEE TPDS 15(6), 2004). */
/* Runs in: the master before its first fork (new, prepare); a worker's main thread after its fork
 * (start); its request threads (enter, leave); any of its threads (the rest). The mover is one more
 * thread of the worker. */
#ifndef AM_PUBLISH_GENERATIONS_H
#define AM_PUBLISH_GENERATIONS_H

#include "../api/api.h"
#include "account.h"
#include "channel.h"
#include "metrics.h"
#include "sink.h"

struct am_generation {
    struct am_image *image;
    struct am_delivery_map *map; /* of its ads to their budgets; NULL: nothing is counted */
    struct am_store_hold hold;
    uint32_t publication; /* number of */
    int64_t published_at;
    struct am_generation *older; /* the next retired one; the mover's */
};

/* Invariant: between enter and leave only the request that entered uses `api` and writes
 * `attached`. */
struct am_generation_context {
    _Alignas(64) _Atomic int taken; /* private */
    unsigned index;
    struct am_generation *_Atomic attached; /* NULL: none yet */
    struct am_generation *_Atomic entering; /* private; see above */
    struct am_api *api;
};

struct am_generations_options {
    struct am_publish_channel *channel;
    const char *store_folder;
    struct am_metrics *metrics;
    const struct am_publish_sink *sink;
    struct am_api_limits limits;
    unsigned contexts; /* requests at a time in one process */
};

struct am_generations;

/* Makes the contexts of every worker, in the process that forks them, before it does: address space
 * only, pages come with use. What the options point to must outlive it. NULL: AM_E_MEMORY. */
struct am_generations *am_generations_new(const struct am_generations_options *options,
                                          struct am_error *error);
/* Closes the images and frees the contexts. No request, no mover may be running. NULL is fine. */
void am_generations_free(struct am_generations *generations);

/* In a worker, after the fork and before its first request: moves it to what is published and
 * starts its mover. `worker` is its number in the metrics. */
void am_generations_start(struct am_generations *generations, unsigned worker);
/* Ends the mover and waits for it: for tests and libraries; a worker just exits. */
void am_generations_stop(struct am_generations *generations);

/* Has every context ready for what is derived of visitors (am_api_prepare); NULL: nothing. After
 * am_generations_new, in the same process. */
void am_generations_prepare(struct am_generations *generations,
                            const struct am_api_deriving *deriving);

/* Has the requests of every context count in an account, by a worker of its own from `workers` (as
 * many as contexts). Without workers (NULL), they are answered that the ledger is not ready. While
 * no request runs. */
void am_generations_count(struct am_generations *generations,
                          struct am_account *account,
                          const struct am_api_counting *counting,
                          const struct am_account_worker *workers);

/* Pins the first free context and attaches it to the current generation. Always succeeds, since
 * there are as many as requests at a time; when the context cannot be attached it stays on its
 * older generation. Taking the first free context reuses memory that is still in the processor's
 * caches: eight threads need no eight working memories while two of them compute. Any thread of a
 * worker. */
struct am_generation_context *am_generations_enter(struct am_generations *generations);
void am_generations_leave(struct am_generation_context *context);

/* The publication that this process serves; 0: none. Any thread. */
uint32_t am_generations_publication(const struct am_generations *generations);
/* Images that this process has open, the current one included. Any thread. */
unsigned am_generations_open_images(const struct am_generations *generations);

#endif
