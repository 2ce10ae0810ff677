#include "generation.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host.h"
#include "log.h"
#include "metrics.h"
#include "priority.h"

enum { SEAT_FREE, SEAT_TAKEN_BY_REQUEST, SEAT_TAKEN_BY_MOVER };

enum {
    IDLE_WAIT = 60000, /* milliseconds that the mover sleeps when nothing is published */
    RETIRE_WAIT = 20,  /* between looks at seats that still read a retired image */
    START_WAIT = 100,  /* of a worker that starts while its image is being replaced */
    START_WAITS = 100,
    RETRY_WAIT = 1000,     /* after a published image could not be opened */
    ADVICE_STEP = 1 << 20, /* bytes of an image mapped or unmapped at once */
};

static struct {
    struct am_publish_channel *control;
    const struct am_store *state;
    const struct am_timezones *zones;
    struct am_generation_context *seats;
    unsigned seat_count;
    struct am_generation *_Atomic current;
    struct am_generation *retired; /* newest first */
    atomic_uint failed_number;     /* the publication whose failure has been logged */
    atomic_bool mover_runs;
} here;

enum am_code am_generation_start(struct am_publish_channel *control,
                                 const struct am_store *state,
                                 const struct am_timezones *zones,
                                 const struct am_api_limits *limits,
                                 unsigned seats,
                                 struct am_error *error) {
    here.control = control;
    here.state = state;
    here.zones = zones;
    here.seat_count = seats;
    here.seats = am_memory_reserve(seats * sizeof *here.seats);
    if (!here.seats)
        return am_error_set(error, AM_E_MEMORY, "out of memory for %u cores", seats);
    for (unsigned i = 0; i < seats; i++) {
        here.seats[i].index = i;
        here.seats[i].api = am_api_new(limits, error);
        if (!here.seats[i].api)
            return error->code;
    }
    return AM_OK;
}

uint32_t am_generation_number(void) {
    const struct am_generation *current = atomic_load(&here.current);
    return current ? current->number : 0;
}

/* ---- one generation after the other -----------------------------------------------------------
 */

static struct am_generation *generation_new(struct am_image *image,
                                            const struct am_publish_publication *publication) {
    struct am_generation *generation = malloc(sizeof *generation);
    if (generation)
        *generation =
            (struct am_generation){image, publication->number, publication->published_at, NULL};
    return generation;
}

static void make_current(struct am_generation *generation) {
    struct am_generation *old = atomic_exchange(&here.current, generation);
    if (!old)
        return;
    old->older = here.retired;
    here.retired = old;
}

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

/* Advises about an image in small steps, with room for requests in between: one long step would
 * keep the processor. */
static void advise(const struct am_image *image, int advice) {
    for (size_t at = 0; at < image->size; at += ADVICE_STEP) {
        size_t rest = image->size - at;
        char *step = (char *)(uintptr_t)image->data + at;
        if (madvise(step, rest < ADVICE_STEP ? rest : ADVICE_STEP, advice) != 0)
            return; /* a kernel before 5.14: requests take the faults */
        sched_yield();
    }
}

static void close_retired(void) {
    while (here.retired) {
        struct am_generation *generation = here.retired;
        here.retired = generation->older;
        advise(generation->image, MADV_DONTNEED);
        am_image_close(generation->image);
        free(generation);
    }
}

static void log_failure(uint32_t number, const char *generation, const char *reason) {
    if (atomic_exchange(&here.failed_number, number) != number)
        am_uwsgi_log("process %ld cannot move to %s and stays on the generation before it: %s",
                     (long)getpid(), generation, reason);
}

/* The caller holds the seat. */
static bool attach(struct am_generation_context *seat, struct am_generation *generation) {
    struct am_error error;
    if (am_api_attach(seat->api, generation->image, here.zones, &error) != AM_OK) {
        log_failure(generation->number, generation->image->generation, error.message);
        return false;
    }
    atomic_store(&seat->attached, generation);
    return true;
}

/* Attaches a seat to the current generation when no request holds it. A seat that was never used is
 * left alone: its memory stays untouched. True when the seat no longer reads, and will never again
 * read, a retired generation. */
static bool bring_along(unsigned index, struct am_generation *current) {
    struct am_generation_context *seat = &here.seats[index];
    struct am_metrics_counters *row = am_metrics_row((unsigned)uwsgi.mywid, index);
    int expected = SEAT_FREE;
    if (!atomic_compare_exchange_strong(&seat->taken, &expected, SEAT_TAKEN_BY_MOVER))
        return atomic_load(&seat->attached) == current;
    struct am_generation *attached = atomic_load(&seat->attached);
    bool moved = !attached || attached == current || attach(seat, current);
    if (moved && row->generation)
        am_metrics_gauge_set(&row->generation, current->number);
    atomic_store(&seat->taken, SEAT_FREE);
    return moved;
}

/* Closes what is retired once every seat is on the current generation. A seat that a request holds,
 * and that is not attached to the current generation, may be about to attach to one that it looked
 * up before the last move: it counts as a reader of what is retired. */
static void retire(void) {
    struct am_generation *current = atomic_load(&here.current);
    bool all = true;
    if (!here.retired)
        return;
    for (unsigned i = 0; i < here.seat_count; i++)
        all = bring_along(i, current) && all;
    if (all)
        close_retired();
}

static bool move_to(const struct am_publish_publication *publication, struct am_error *error) {
    struct am_image *image = NULL;
    if (am_store_open_image(here.state, publication->path, true, &image, error) != AM_OK)
        return false;
    advise(image, MADV_POPULATE_READ); /* else requests would take a fault for each page */
    struct am_generation *generation = generation_new(image, publication);
    if (!generation) {
        am_image_close(image);
        am_error_set(error, AM_E_MEMORY, "out of memory");
        return false;
    }
    make_current(generation);
    retire();
    return true;
}

bool am_generation_move(void) {
    struct am_publish_publication publication;
    struct am_error error = {0};
    unsigned waits = 0;
    while (am_publish_channel_number(here.control) != am_generation_number()) {
        am_publish_channel_read(here.control, &publication);
        if (move_to(&publication, &error))
            continue;
        /* The publisher removes the old file just before it publishes the next one: a worker that
         * starts in between has nothing to serve from, and waits. */
        if (error.code == AM_E_STATE && !atomic_load(&here.current) && waits++ < START_WAITS) {
            am_publish_channel_wait(here.control, publication.number, START_WAIT);
            continue;
        }
        /* When the next one has been published meanwhile, the file may be gone by right. */
        if (am_publish_channel_number(here.control) == publication.number) {
            log_failure(publication.number, publication.path, error.message);
            return false;
        }
    }
    return true;
}

/* ---- the mover --------------------------------------------------------------------------------
 */

static void *mover(void *unused) {
    (void)unused;
    am_publish_priority_background();
    for (;;) {
        bool moved = am_generation_move();
        retire();
        unsigned wait = !moved ? RETRY_WAIT : here.retired ? RETIRE_WAIT : IDLE_WAIT;
        am_publish_channel_wait(
            here.control, moved ? am_generation_number() : am_publish_channel_number(here.control),
            wait);
    }
    return NULL;
}

/* Rows outlive the worker that had them before. */
static void forget_rows(void) {
    for (unsigned i = 0; i < here.seat_count; i++)
        am_metrics_gauge_set(&am_metrics_row((unsigned)uwsgi.mywid, i)->generation, 0);
}

void am_generation_follow(void) {
    pthread_t thread;
    sigset_t all, before;
    forget_rows();
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int status = pthread_create(&thread, NULL, mover, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    atomic_store(&here.mover_runs, status == 0);
    if (status == 0)
        pthread_detach(thread);
    else
        am_uwsgi_log(
            "worker %ld has no thread to follow new generations (%s): its requests will do it",
            (long)getpid(), strerror(status));
}

/* ---- seats ------------------------------------------------------------------------------------
 */

/* Stands in for a mover that could not be started. Other requests do not wait for the one that
 * moves.
 */
static void move_without_mover(void) {
    static atomic_flag moving = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set(&moving))
        return;
    if (am_publish_channel_number(here.control) != am_generation_number())
        am_generation_move();
    retire();
    atomic_flag_clear(&moving);
}

static bool take_seat(struct am_generation_context *seat) {
    int expected = SEAT_FREE;
    return atomic_load_explicit(&seat->taken, memory_order_relaxed) == SEAT_FREE &&
           atomic_compare_exchange_strong(&seat->taken, &expected, SEAT_TAKEN_BY_REQUEST);
}

/* When none is free, the mover holds the last one, while it attaches it: about as long as the
 * request would need to do so itself. */
static struct am_generation_context *first_free_seat(void) {
    for (;;) {
        for (unsigned i = 0; i < here.seat_count; i++)
            if (take_seat(&here.seats[i]))
                return &here.seats[i];
        sched_yield();
    }
}

struct am_generation_context *am_generation_enter(void) {
    if (!atomic_load_explicit(&here.mover_runs, memory_order_relaxed))
        move_without_mover();
    struct am_generation_context *seat = first_free_seat();
    struct am_generation *current = atomic_load(&here.current);
    if (atomic_load(&seat->attached) != current)
        attach(seat, current);
    return seat;
}

void am_generation_leave(struct am_generation_context *seat) {
    atomic_store_explicit(&seat->taken, SEAT_FREE, memory_order_release);
}
