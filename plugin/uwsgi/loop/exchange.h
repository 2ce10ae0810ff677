/* What uWSGI's functions read and write while the loop, or a blocking thread, runs a request.
 *
 * uWSGI reaches a socket through functions that it looks up in struct uwsgi_socket. The loop gives
 * its requests a copy of that structure in which they read the body from memory and never block:
 * what the client does not take at once is kept. A blocking thread gets a copy in which only the
 * end of a request is ours, so that the connection comes back. */
#ifndef AM_UWSGI_LOOP_EXCHANGE_H
#define AM_UWSGI_LOOP_EXCHANGE_H

#include "../host.h"
#include "connection.h"

/* wsgi_request.proto_parser_status when the HTTP parser has found the end of a head. uWSGI keeps a
 * connection only then, and am_uwsgi_body_finish takes it back. */
enum { AM_LOOP_HEAD_WHOLE = 3 };

/* Makes room for each core. False: out of memory. */
bool am_loop_exchanges_start(unsigned cores);

/* Before a core runs a request: whose it is, and, in the loop, what came after it. */
void am_loop_exchange_begin(const struct wsgi_request *request,
                            struct am_loop_connection *connection,
                            struct am_view rest);

/* Turns a copy of a socket's structure into the loop's. */
void am_loop_exchange_hook(struct uwsgi_socket *socket);

/* Turns one into the blocking threads'. */
void am_loop_exchange_hook_blocking(struct uwsgi_socket *socket);

/* Sends what is kept. False: the client is gone. */
bool am_loop_exchange_flush(struct am_loop_connection *connection);

#endif
