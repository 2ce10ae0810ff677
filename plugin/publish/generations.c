/* SPDX-License-Identifier: Apache-2.0 */
#include "generations.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../base/reserve.h"
#include "../delivery/map.h"
#include "priority.h"

enum { CONTEXT_FREE, CONTEXT_TAKEN_BY_REQUEST, CONTEXT_TAKEN_BY_MOVER };

enum {
    IDLE_WAIT = 60000, /* milliseconds that the mover sleeps when nothing is published */
    RETIRE_WAIT = 20,  /* between checks of contexts that still read a retired image */
    START_WAIT = 100,  /* of a worker that starts while its image is gone */
    START_WAITS = 100,
    RETRY_WAIT = 1000,     /* after a published image could not be opened */
    ADVICE_STEP = 2 << 20, /* bytes of an image mapped or unmapped at once: a huge page */
};

struct am_generations {
    struct am_generations_options options;
    struct am_account *account; /* NULL: nothing is counted */
    unsigned worker;
    struct am_generation_context *contexts; /* options.contexts of them */
    struct am_generation *_Atomic current;
    atomic_uint publication;       /* of `current`, which only a context may read */
    struct am_generation *retired; /* newest first; the mover's */
    atomic_uint open_images;
    atomic_uint failed; /* the publication whose failure has been logged */
    pthread_t mover;
    atomic_bool mover_runs;
    atomic_bool stopping;
    atomic_flag moving; /* held by the request that does the mover's work */
};

/* ---- making and freeing -----------------------------------------------------------------------
 */

static enum am_code make_contexts(struct am_generations *generations, struct am_error *error) {
    unsigned count = generations->options.contexts;
    generations->contexts = am_memory_reserve(count * sizeof *generations->contexts);
    if (!generations->contexts)
        return am_error_set(error, AM_E_MEMORY, "out of memory for %u contexts", count);
    for (unsigned i = 0; i < count; i++) {
        struct am_generation_context *context = &generations->contexts[i];
        context->index = i;
        context->api = am_api_new(&generations->options.limits, error);
        if (!context->api)
            return AM_E_MEMORY;
    }
    return AM_OK;
}

struct am_generations *am_generations_new(const struct am_generations_options *options,
                                          struct am_error *error) {
    struct am_generations *generations = calloc(1, sizeof *generations);
    if (!generations) {
        am_error_set(error, AM_E_MEMORY, "out of memory");
        return NULL;
    }
    generations->options = *options;
    atomic_flag_clear(&generations->moving);
    if (make_contexts(generations, error) == AM_OK)
        return generations;
    am_generations_free(generations);
    return NULL;
}

static void close_generation(struct am_generations *generations, struct am_generation *generation) {
    am_delivery_map_close(generation->map);
    am_image_close(generation->image);
    am_store_release(&generation->hold);
    free(generation);
    atomic_fetch_sub(&generations->open_images, 1);
}

void am_generations_free(struct am_generations *generations) {
    if (!generations)
        return;
    for (unsigned i = 0; generations->contexts && i < generations->options.contexts; i++)
        am_api_free(generations->contexts[i].api);
    while (generations->retired) {
        struct am_generation *generation = generations->retired;
        generations->retired = generation->older;
        close_generation(generations, generation);
    }
    struct am_generation *current = atomic_load(&generations->current);
    if (current)
        close_generation(generations, current);
    am_memory_release(generations->contexts,
                      generations->options.contexts * sizeof *generations->contexts);
    free(generations);
}

uint32_t am_generations_publication(const struct am_generations *generations) {
    return atomic_load(&generations->publication);
}

unsigned am_generations_open_images(const struct am_generations *generations) {
    return atomic_load(&generations->open_images);
}

void am_generations_prepare(struct am_generations *generations,
                            const struct am_api_deriving *deriving) {
    for (unsigned i = 0; i < generations->options.contexts; i++)
        am_api_prepare(generations->contexts[i].api, deriving);
}

void am_generations_count(struct am_generations *generations,
                          struct am_account *account,
                          const struct am_api_counting *counting,
                          const struct am_account_worker *workers) {
    generations->account = account;
    for (unsigned i = 0; i < generations->options.contexts; i++)
        am_api_count(generations->contexts[i].api, counting, workers ? workers[i].events : NULL);
}

/* ---- one generation after the other -----------------------------------------------------------
 */

static void make_current(struct am_generations *generations, struct am_generation *generation) {
    atomic_fetch_add(&generations->open_images, 1);
    struct am_generation *old = atomic_exchange(&generations->current, generation);
    atomic_store(&generations->publication, generation->publication);
    if (!old)
        return;
    old->older = generations->retired;
    generations->retired = old;
}

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

/* Advises in small steps, so that requests run in between: one long call would occupy the
 * processor. */
static void advise(const struct am_image *image, int advice) {
    for (size_t at = 0; at < image->size; at += ADVICE_STEP) {
        size_t rest = image->size - at;
        char *step = (char *)(uintptr_t)image->data + at;
        if (madvise(step, rest < ADVICE_STEP ? rest : ADVICE_STEP, advice) != 0)
            return; /* a kernel before 5.14: requests take the faults */
        sched_yield();
    }
}

static void log_failure(struct am_generations *generations,
                        uint32_t publication,
                        const char *generation,
                        const char *reason) {
    bool serves = atomic_load(&generations->current);
    if (atomic_exchange(&generations->failed, publication) != publication)
        am_publish_log(generations->options.sink, "process %ld cannot move to %s and %s: %s",
                       (long)getpid(), generation,
                       serves ? "stays on the generation before it" : "has none to serve", reason);
}

/* The caller holds the context. */
static bool attach(struct am_generations *generations,
                   struct am_generation_context *context,
                   struct am_generation *generation) {
    struct am_error error;
    if (am_api_attach(context->api, generation->image, &error) != AM_OK) {
        log_failure(generations, generation->publication, generation->image->generation,
                    error.message);
        return false;
    }
    am_api_deliver(context->api, generation->map);
    atomic_store(&context->attached, generation);
    return true;
}

/* ---- retiring: the mover ----------------------------------------------------------------------
 */

/* Attaches a free context to the current generation. A context that was never used is left alone:
 * its memory stays untouched. */
static void bring_along(struct am_generations *generations,
                        struct am_generation_context *context,
                        struct am_generation *current) {
    int expected = CONTEXT_FREE;
    const struct am_generation *attached = atomic_load(&context->attached);
    if (!attached || attached == current ||
        !atomic_compare_exchange_strong(&context->taken, &expected, CONTEXT_TAKEN_BY_MOVER))
        return;
    if (atomic_load(&context->attached) != current && attach(generations, context, current)) {
        uint64_t *answered = am_metrics_publication(generations->options.metrics,
                                                    generations->worker, context->index);
        if (__atomic_load_n(answered, __ATOMIC_RELAXED))
            am_metrics_set(answered, current->publication);
    }
    atomic_store(&context->taken, CONTEXT_FREE);
}

static bool is_read(const struct am_generations *generations,
                    const struct am_generation *generation) {
    for (unsigned i = 0; i < generations->options.contexts; i++) {
        const struct am_generation_context *context = &generations->contexts[i];
        if (atomic_load(&context->entering) == generation ||
            atomic_load(&context->attached) == generation)
            return true;
    }
    return false;
}

/* Closes each retired image that no context reads; at most one per slow reader stays open. */
static void retire(struct am_generations *generations) {
    struct am_generation *current = atomic_load(&generations->current);
    if (!generations->retired)
        return;
    for (unsigned i = 0; i < generations->options.contexts; i++)
        bring_along(generations, &generations->contexts[i], current);
    for (struct am_generation **at = &generations->retired; *at;) {
        struct am_generation *generation = *at;
        if (is_read(generations, generation)) {
            at = &generation->older;
            continue;
        }
        *at = generation->older;
        advise(generation->image, MADV_DONTNEED);
        close_generation(generations, generation);
    }
}

static enum am_code open_published(const struct am_generations *generations,
                                   const struct am_publish_publication *publication,
                                   struct am_generation *generation,
                                   struct am_error *error) {
    struct am_store store;
    *generation = (struct am_generation){.publication = publication->number,
                                         .published_at = publication->published_at};
    enum am_code code = am_store_open(&store, generations->options.store_folder, error);
    if (code != AM_OK)
        return code;
    code = am_store_open_image(&store, publication->image, true, &generation->image,
                               &generation->hold, error);
    am_store_close(&store);
    if (code != AM_OK || !generations->account)
        return code;
    code = am_account_open_map(generations->account, generation->image, &generation->map, error);
    if (code != AM_OK) {
        am_image_close(generation->image);
        am_store_release(&generation->hold);
    }
    return code;
}

/* In the metrics, which outlive a worker's predecessor. */
static void set_publications(struct am_generations *generations, uint64_t publication) {
    for (unsigned i = 0; i < generations->options.contexts; i++)
        am_metrics_set(am_metrics_publication(generations->options.metrics, generations->worker, i),
                       publication);
}

/* A process that had nothing to serve has something now. */
static void recover(struct am_generations *generations, const struct am_generation *generation) {
    set_publications(generations, 0);
    if (atomic_load(&generations->failed))
        am_publish_log(generations->options.sink, "process %ld serves generation %s now",
                       (long)getpid(), generation->image->generation);
}

static bool move_to(struct am_generations *generations,
                    const struct am_publish_publication *publication,
                    struct am_error *error) {
    struct am_generation *generation = malloc(sizeof *generation);
    if (!generation) {
        am_error_set(error, AM_E_MEMORY, "out of memory");
        return false;
    }
    if (open_published(generations, publication, generation, error) != AM_OK) {
        free(generation);
        return false;
    }
    advise(generation->image, MADV_POPULATE_READ); /* else requests would take a fault a page */
    if (!atomic_load(&generations->current))
        recover(generations, generation);
    make_current(generations, generation);
    retire(generations);
    return true;
}

/* A worker that starts while the image (or its folder) is missing has nothing to serve, and waits
 * until the publisher has restored it. */
static bool waits_for_next(const struct am_generations *generations,
                           const struct am_error *error,
                           unsigned waits) {
    bool gone = error->code == AM_E_NOT_FOUND || error->code == AM_E_CHANGED;
    return gone && !atomic_load(&generations->current) && waits < START_WAITS;
}

/* Moves this process to what is published, when it is not there yet. False: it could not be opened;
 * the reason has been logged once. */
static bool catch_up(struct am_generations *generations) {
    struct am_publish_channel *channel = generations->options.channel;
    struct am_publish_publication publication;
    struct am_error error = {0};
    for (unsigned waits = 0;
         am_publish_channel_number(channel) != am_generations_publication(generations);) {
        am_publish_channel_read(channel, &publication);
        if (move_to(generations, &publication, &error))
            continue;
        if (waits_for_next(generations, &error, waits++)) {
            am_publish_channel_wait(channel, publication.number, START_WAIT);
            continue;
        }
        /* If the next image has been published meanwhile, the file is rightly gone. */
        if (am_publish_channel_number(channel) == publication.number) {
            log_failure(generations, publication.number, publication.image, error.message);
            if (!atomic_load(&generations->current))
                set_publications(generations, AM_METRICS_NOTHING);
            return false;
        }
    }
    return true;
}

static void *mover(void *context) {
    struct am_generations *generations = context;
    struct am_publish_channel *channel = generations->options.channel;
    am_publish_priority_background();
    while (!atomic_load(&generations->stopping)) {
        bool moved = catch_up(generations);
        retire(generations);
        unsigned wait = !moved ? RETRY_WAIT : generations->retired ? RETIRE_WAIT : IDLE_WAIT;
        uint32_t seen =
            moved ? am_generations_publication(generations) : am_publish_channel_number(channel);
        if (!atomic_load(&generations->stopping))
            am_publish_channel_wait(channel, seen, wait);
    }
    return NULL;
}

/* ---- workers ----------------------------------------------------------------------------------
 */

void am_generations_start(struct am_generations *generations, unsigned worker) {
    sigset_t all, before;
    generations->worker = worker;
    set_publications(generations, 0);
    catch_up(generations);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int status = pthread_create(&generations->mover, NULL, mover, generations);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    atomic_store(&generations->mover_runs, status == 0);
    if (status != 0)
        am_publish_log(
            generations->options.sink,
            "worker %ld has no thread to follow new generations (%s): its requests will do it",
            (long)getpid(), strerror(status));
}

void am_generations_stop(struct am_generations *generations) {
    if (!atomic_exchange(&generations->mover_runs, false))
        return;
    const struct timespec pause = {0, 1000000};
    atomic_store(&generations->stopping, true);
    /* Repeats until the mover has ended: a wake-up between its check and its sleep is lost. */
    while (pthread_tryjoin_np(generations->mover, NULL) == EBUSY) {
        am_publish_channel_wake(generations->options.channel);
        nanosleep(&pause, NULL);
    }
    atomic_store(&generations->stopping, false);
}

/* ---- requests ---------------------------------------------------------------------------------
 */

/* Moves in place of a mover that could not be started. Only one request moves; others do not wait
 * for it. */
static void move_without_mover(struct am_generations *generations) {
    if (atomic_flag_test_and_set(&generations->moving))
        return;
    catch_up(generations);
    retire(generations);
    atomic_flag_clear(&generations->moving);
}

static bool take(struct am_generation_context *context) {
    int expected = CONTEXT_FREE;
    return atomic_load_explicit(&context->taken, memory_order_relaxed) == CONTEXT_FREE &&
           atomic_compare_exchange_strong(&context->taken, &expected, CONTEXT_TAKEN_BY_REQUEST);
}

/* When none is free, the mover holds the last one while it attaches it: about as long as the
 * request would need to do so itself. */
static struct am_generation_context *first_free(struct am_generations *generations) {
    for (;;) {
        for (unsigned i = 0; i < generations->options.contexts; i++)
            if (take(&generations->contexts[i]))
                return &generations->contexts[i];
        sched_yield();
    }
}

/* Protects the current generation from being closed, and returns it. */
static struct am_generation *protect_current(struct am_generations *generations,
                                             struct am_generation_context *context) {
    struct am_generation *current = atomic_load(&generations->current), *seen;
    do {
        seen = current;
        atomic_store(&context->entering, seen);
        current = atomic_load(&generations->current);
    } while (current != seen);
    return current;
}

struct am_generation_context *am_generations_enter(struct am_generations *generations) {
    if (!atomic_load_explicit(&generations->mover_runs, memory_order_relaxed))
        move_without_mover(generations);
    struct am_generation_context *context = first_free(generations);
    if (atomic_load_explicit(&context->attached, memory_order_relaxed) ==
        atomic_load_explicit(&generations->current, memory_order_acquire))
        return context;
    struct am_generation *current = protect_current(generations, context);
    if (current)
        attach(generations, context, current);
    atomic_store(&context->entering, NULL);
    return context;
}

void am_generations_leave(struct am_generation_context *context) {
    atomic_store_explicit(&context->taken, CONTEXT_FREE, memory_order_release);
}
