/* SPDX-License-Identifier: Apache-2.0 */
/* `loop = admatch`: one epoll loop a process, in place of a thread for each connection.
 *
 * uWSGI still owns processes, sockets, parsers, logs, statistics and signals. The loop calls its
 * functions in the order in which uWSGI's own loop does, and never blocks in them. Core 0 of a
 * process is the loop; the others are blocking threads (threads.h). */
/* Runs in: the master before its first fork. The loop itself is the main thread of each worker. */
#ifndef AM_UWSGI_LOOP_LOOP_H
#define AM_UWSGI_LOOP_LOOP_H

#include "../../publish/metrics.h"

/* Registers the loop with uWSGI, whose option `loop` chooses it. In on_load. */
void am_loop_register(void);

/* Counts in these metrics, and lists the loop's among them. In the master, before the first fork.
 */
void am_loop_count_in(struct am_metrics *metrics);

/* Logs and exits when the loop cannot serve the configuration. In the master, once the sockets are
 * bound. */
void am_loop_check(void);

#endif
