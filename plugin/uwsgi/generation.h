/* Which image this process serves from, and how it moves to a new one while requests run.
 *
 * A process has one current generation, and as many seats as it has uWSGI cores (threads or
 * coroutines), each with working memory that is attached to a generation. A request takes the first
 * free seat and pins it; on entering it attaches the seat to the current generation, so the next
 * request after a move is answered from the new image. A mover, one thread in each worker, sleeps
 * until something is published, opens it beside the old one, makes it current, attaches the idle
 * seats, and closes the old image when none is left on it. No request waits for any of this.
 *
 * The master maps no image. Whatever it mapped, its gateways, spoolers and other mules would
 * inherit and never let go, so that the first image would stay in memory for ever. A worker that is
 * forked later opens what is published then. */
#ifndef AM_UWSGI_GENERATION_H
#define AM_UWSGI_GENERATION_H

#include "../api/api.h"
#include "../base/reserve.h"
#include "control.h"
#include "state.h"

struct am_generation {
    struct am_image *image;
    uint32_t number; /* of its publication */
    int64_t published_at;
    struct am_generation *older; /* retired ones that some core may still read; the mover's */
};

struct am_generation_context {
    _Alignas(64) _Atomic int taken; /* private */
    unsigned index;
    struct am_generation *_Atomic attached; /* NULL: none. Fixed between enter and leave */
    struct am_api *api;
};

/* Makes the seats of every worker, before the first fork: address space only, pages come with use.
 * All pointers live as long as the process. Once. */
enum am_code am_generation_start(struct am_publish_channel *control,
                                 const struct am_store *state,
                                 const struct am_timezones *zones,
                                 const struct am_api_limits *limits,
                                 unsigned seats,
                                 struct am_error *error);

/* Moves this process to what is published, when it is not there yet. Opens an image, so not for
 * requests: for a worker, before it serves. False: it could not be opened; the reason has been
 * logged once. Not while a mover runs. */
bool am_generation_move(void);

/* Starts the mover of this worker. */
void am_generation_follow(void);

/* Pins the first free seat and attaches it to the current generation. Always succeeds, since there
 * are as many as requests at a time; when the seat cannot be attached it stays where it was. The
 * first free one, so that the memory that was used last, and is still in the processor's caches, is
 * used again: eight threads do not need eight working memories while two of them compute. */
struct am_generation_context *am_generation_enter(void);
void am_generation_leave(struct am_generation_context *seat);

/* The number of the generation that is current in this process; 0: none. */
uint32_t am_generation_number(void);

#endif
