/* Which image this process serves from, and how it moves to a new one while requests run.
 *
 * A process has one current generation. Each core (a thread's or a coroutine's seat, `async_id`)
 * has working memory of its own, attached to a generation. A request pins its core; on entering it
 * attaches the core to the current generation, so the next request after a move is answered from
 * the new image. A mover, one thread in each worker, sleeps until something is published, opens it
 * beside the old one, makes it current, attaches the idle cores, and closes the old image when no
 * core is left on it. No request waits for any of this.
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

struct am_core {
    _Alignas(64) _Atomic int seat;          /* private */
    struct am_generation *_Atomic attached; /* NULL: none. Fixed between enter and leave */
    struct am_api *api;
};

/* Makes the cores of every worker, before the first fork: address space only, pages come with use.
 * All pointers live as long as the process. Once. */
enum am_code am_generations_start(struct am_control *control,
                                  const struct am_state *state,
                                  const struct am_timezones *zones,
                                  const struct am_api_limits *limits,
                                  unsigned cores,
                                  struct am_error *error);

/* Moves this process to what is published, when it is not there yet. Opens an image, so not for
 * requests: for a worker, before it serves. False: it could not be opened; the reason has been
 * logged once. Not while a mover runs. */
bool am_generations_move(void);

/* Starts the mover of this worker. */
void am_generations_follow(void);

/* Pins a core and attaches it to the current generation. Always succeeds; when the core cannot be
 * attached it stays where it was. */
struct am_core *am_core_enter(unsigned index);
void am_core_leave(struct am_core *core);

/* The number of the generation that is current in this process; 0: none. */
uint32_t am_generations_number(void);

#endif
