/* uWSGI has one deadline a worker for requests that hang, and whoever begins or ends a request sets
 * or clears it for all. The loop keeps one for each core, and sets the worker's to the nearest. */
#ifndef AM_UWSGI_LOOP_HARAKIRI_H
#define AM_UWSGI_LOOP_HARAKIRI_H

#include <stdbool.h>

/* Makes room for each core. False: out of memory. */
bool am_loop_harakiri_start(unsigned cores);

/* Around a request of a core; `end` after uWSGI has closed it. The core's thread. */
void am_loop_harakiri_begin(unsigned core);
void am_loop_harakiri_end(unsigned core);

#endif
