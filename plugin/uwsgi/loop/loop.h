/* `loop = admatch`: one epoll loop a process in place of uWSGI's thread for each connection.
 *
 * uWSGI goes on to own processes, sockets, parsers, logs, statistics and signals; the loop calls
 * its functions in the order in which uWSGI's own loop does, and never waits in them. Of the
 * process's cores, core 0 is the loop, and the others are blocking threads (threads.h). */
#ifndef AM_UWSGI_LOOP_LOOP_H
#define AM_UWSGI_LOOP_LOOP_H

#include "../../publish/metrics.h"

/* Makes the loop known to uWSGI, which runs it where its option asks for it. In on_load. */
void am_loop_register(void);

/* Whether that option is set. */
bool am_loop_wanted(void);

/* Counts there, and has its metrics listed. In the master, before the first fork. */
void am_loop_count_in(struct am_metrics *metrics);

/* Logs and exits when the loop cannot serve what uWSGI has been configured for. In the master, with
 * the sockets bound. */
void am_loop_check(void);

#endif
