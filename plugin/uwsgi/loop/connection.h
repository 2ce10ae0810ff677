/* The connections of a process: a table of them, made once, that costs pages only where it is used.
 *
 *    accept             a request is whole             answered, and taken by the client
 *   --------> IDLE ----------------------------> run ----------------------------------> IDLE
 *              | part of a head         ^  ^  ^   |
 *              +-----> HEAD ------------+  |  |   | the client reads slowly
 *              |        | part of a body   |  |   +-----> WRITING ----> as if it had been taken
 *              +--------+----> BODY -------+  |   |
 *              |        |       |             |   | the client sends what nobody reads
 *              +--------+-------+--> AWAY ----+   +-----> LINGERING --> closed
 *                         a blocking thread runs it
 *
 * The loop's thread owns all of it, but for connections that are AWAY: those are the blocking
 * thread's until it gives them back. */
#ifndef AM_UWSGI_LOOP_CONNECTION_H
#define AM_UWSGI_LOOP_CONNECTION_H

#include <netinet/in.h>

#include "bytes.h"
#include "chunks.h"
#include "wheel.h"

enum am_loop_state {
    AM_LOOP_FREE,
    AM_LOOP_IDLE,      /* between requests; its timer is the idle timeout */
    AM_LOOP_HEAD,      /* part of a head is here */
    AM_LOOP_BODY,      /* the head is parsed, part of the body is here */
    AM_LOOP_AWAY,      /* with a blocking thread; no timer, not in the epoll set */
    AM_LOOP_WRITING,   /* part of an answer waits to be taken */
    AM_LOOP_LINGERING, /* answered and half closed; what still comes is dropped */
};

struct am_loop_connection {
    struct am_loop_timer timer; /* first: the wheel gives timers back */
    int fd;
    uint32_t generation;  /* of the table's entry: tells events of its last user from ours */
    uint8_t state;        /* enum am_loop_state */
    uint8_t listener;     /* which socket it came from */
    uint8_t address_size; /* 0: unknown */
    bool persistent;      /* its protocol keeps connections */
    bool registered;      /* in the epoll set */
    uint32_t events;      /* what epoll waits for */
    uint64_t began;       /* microseconds since the epoch, of a request's first byte; 0: none */
    uint64_t requests;    /* read so far */
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;

    /* HEAD: what has come of it; BODY, AWAY: the packet that uWSGI has made of it. */
    struct am_loop_bytes head;
    int64_t head_status; /* the parser's state */
    /* What came after the head: body and further requests. */
    struct am_loop_bytes input;
    size_t body; /* BODY: its size; of chunks, 0 until they end */
    bool chunked;
    struct am_loop_chunks chunks;
    struct am_loop_bytes output; /* WRITING: what the client has not taken */
    size_t dropped;              /* LINGERING: bytes */

    /* How the last request ended (exchange.h). */
    bool last;       /* its answer says so, or there is none */
    bool closed;     /* by somebody else, such as an offload thread */
    bool keep;       /* another request may follow */
    bool unread;     /* the client may still be sending what nobody reads */
    bool broken;     /* the client is gone, or the answer could not be kept */
    size_t consumed; /* bytes of `input` that belonged to it */

    struct am_loop_connection *queued; /* in whichever list it waits */
};

/* Makes the table. Once in each process. False: out of memory. */
bool am_loop_connections_start(uint32_t capacity);

uint32_t am_loop_connections_count(void);
bool am_loop_connections_full(void);

/* A new one, IDLE; NULL: the table is full. `fd` is the connection's from now on. */
struct am_loop_connection *am_loop_connection_new(int fd);

/* Frees everything but the descriptor. */
void am_loop_connection_free(struct am_loop_connection *connection);

/* Whether nothing has been begun on it: IDLE, and no further request is here. */
bool am_loop_connection_rests(const struct am_loop_connection *connection);

/* A number for epoll_event.data.u64, below 1 << 63, and back; NULL when that connection is gone. */
uint64_t am_loop_connection_key(const struct am_loop_connection *connection);
struct am_loop_connection *am_loop_connection_of_key(uint64_t key);

/* Of the next few of the table, the one that rests and has the nearest deadline, which is `before`
 * or sooner; NULL: none. Walks on with each call, so that in the end it sees all (as Redis evicts
 * keys: the least recently used of a sample). */
struct am_loop_connection *am_loop_connection_idlest(int64_t before);

/* The entry after `connection` that is in use, or the first (NULL); NULL at the end. */
struct am_loop_connection *am_loop_connection_next(struct am_loop_connection *connection);

#endif
