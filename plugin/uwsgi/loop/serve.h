/* From bytes that have come in to a request that has been answered, by uWSGI's parsers and
 * functions, without ever waiting. The loop's thread. */
#ifndef AM_UWSGI_LOOP_SERVE_H
#define AM_UWSGI_LOOP_SERVE_H

#include "connection.h"

/* What a connection waits for next. Its state says the same. */
enum am_loop_next {
    AM_LOOP_READ,    /* more bytes (IDLE, HEAD, BODY) */
    AM_LOOP_SERVE,   /* its turn: the next request has come already (IDLE) */
    AM_LOOP_WRITE,   /* room for the rest of the answer (WRITING) */
    AM_LOOP_GIVE,    /* a blocking thread (AWAY) */
    AM_LOOP_LINGER,  /* the client to notice that it has been answered (LINGERING) */
    AM_LOOP_CLOSE,   /* nothing */
    AM_LOOP_STARVED, /* nothing: the bound of kept bytes is reached */
    AM_LOOP_FORGET,  /* nothing, and somebody else has its descriptor */
};

/* Whether uWSGI's configuration lets any request block: routes, static files, a cache, buffered
 * bodies. Any process. */
bool am_loop_serve_may_block(void);

/* Finds out which requests may run in the loop, and makes what parsing needs. False: out of
 * descriptors. */
bool am_loop_serve_start(void);

/* A connection in IDLE, HEAD or BODY that can be read or has input left: reads, and answers one
 * request when it is whole. */
enum am_loop_next am_loop_serve(struct am_loop_connection *connection);

/* BODY: what is missing will not come. The request runs, and finds that its body is too short. */
enum am_loop_next am_loop_serve_cut(struct am_loop_connection *connection);

/* AWAY: a blocking thread has run its request. */
enum am_loop_next am_loop_serve_back(struct am_loop_connection *connection);

/* WRITING: the client may take more. */
enum am_loop_next am_loop_serve_flush(struct am_loop_connection *connection);

#endif
