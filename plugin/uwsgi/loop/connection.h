/* SPDX-License-Identifier: Apache-2.0 */
/* The connections of a process, in a table whose pages are backed only once they are used.
 *
 *    accept            the request is complete              all of the answer is sent
 *   --------> IDLE ----------------------------> run --------------------------------> IDLE
 *              | part of a head         ^  ^  ^   |
 *              +------> HEAD -----------+  |  |   | the client reads slowly
 *              |         | part of a body  |  |   +------> WRITING -----> as when it is sent
 *              +---------+-----> BODY -----+  |   |
 *              |         |        |           |   | the client still sends
 *              +---------+--------+-> BLOCKING+   +------> LINGERING ---> closed
 *                           it may block */
/* Runs in: a worker, the loop's thread, except that a blocking thread owns a BLOCKING connection
 * until it returns it. */
#ifndef AM_UWSGI_LOOP_CONNECTION_H
#define AM_UWSGI_LOOP_CONNECTION_H

#include <netinet/in.h>
#include <sys/queue.h>

#include "../../api/chunked.h"
#include "pending.h"
#include "wheel.h"

enum am_loop_state {
    AM_LOOP_FREE,
    AM_LOOP_IDLE,      /* waits for a request */
    AM_LOOP_HEAD,      /* has part of a head */
    AM_LOOP_BODY,      /* has a parsed head, and part of a body */
    AM_LOOP_BLOCKING,  /* a blocking thread has it; no timer, not in the epoll set */
    AM_LOOP_WRITING,   /* part of an answer is unsent */
    AM_LOOP_LINGERING, /* answered and half closed; input is dropped */
};

struct am_loop_connection {
    struct am_loop_timer timer; /* first: cast back from the wheel */
    int fd;
    uint32_t generation;  /* counts the users of this entry; part of its key */
    uint8_t state;        /* enum am_loop_state */
    uint8_t listener;     /* index of the socket that accepted it */
    uint8_t address_size; /* 0: unknown */
    bool persistent;      /* the protocol has keep-alive */
    bool registered;      /* in the epoll set, with `events` */
    uint32_t events;
    uint64_t began;    /* first byte of the request, microseconds since the epoch; 0: none yet */
    uint64_t requests; /* parsed so far */
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;

    struct am_loop_pending head;   /* HEAD: its bytes; BODY, BLOCKING: uWSGI's packet of it */
    int64_t head_status;           /* HEAD: the parser's state */
    struct am_loop_pending input;  /* received after the head: the body, further requests */
    struct am_loop_pending output; /* WRITING: unsent */
    size_t dropped;                /* LINGERING: bytes */

    size_t body;  /* its size, framing included; of a chunked one, so far */
    bool coded;   /* it has a Transfer-Encoding, or a plugin may read its head otherwise */
    bool chunked; /* it is collected chunk by chunk */
    bool heavy;   /* its answer is a blocking thread's */
    struct am_api_chunked chunks;

    /* The outcome of a request (hooks.c). */
    bool last;       /* the answer announced the end of the connection, or there was none */
    bool closed;     /* the descriptor has another owner, such as an offload thread */
    bool keep;       /* another request may follow */
    bool unread;     /* the client may still be sending */
    bool broken;     /* the client is gone, or the answer exceeded the bound of buffered bytes */
    size_t consumed; /* bytes of `input` that belonged to the request */

    bool ready; /* IDLE with its next request in `input`, and in the dispatcher's list */
    TAILQ_ENTRY(am_loop_connection) ready_link;
    struct am_loop_connection *queued; /* FREE, BLOCKING: the next one in its list */
};

TAILQ_HEAD(am_loop_connections, am_loop_connection);

/* Reserves the table. False: out of memory. Once in each process. */
bool am_loop_connections_start(uint32_t capacity);

uint32_t am_loop_connections_count(void);
bool am_loop_connections_full(void);

/* An IDLE connection; NULL: the table is full. */
struct am_loop_connection *am_loop_connection_new(int fd);

/* Frees everything but the descriptor. It must be in no list. */
void am_loop_connection_free(struct am_loop_connection *connection);

/* IDLE, and no request is buffered. */
bool am_loop_connection_is_idle(const struct am_loop_connection *connection);

/* For epoll_event.data.u64: a key below 1 << 63, and the connection of a key; NULL when it has been
 * freed. */
uint64_t am_loop_connection_key(const struct am_loop_connection *connection);
struct am_loop_connection *am_loop_connection_of_key(uint64_t key);

/* Of a sample of the table, the idle connection with the earliest deadline, at most `deadline`;
 * NULL: none. Each call samples the next entries, so that calls in a row see all of them. (Redis
 * evicts keys so: approximated LRU.) */
struct am_loop_connection *am_loop_connection_least_recent(int64_t deadline);

/* The next connection in the table, the first one after NULL; NULL at the end. */
struct am_loop_connection *am_loop_connection_next(struct am_loop_connection *connection);

#endif
