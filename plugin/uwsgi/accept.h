/* SPDX-License-Identifier: Apache-2.0 */
/* Accepts connections so that the end of the worker loses none. */
/* Runs in: the worker's threads that accept (the shims); its main thread after its fork (start). */
#ifndef AM_UWSGI_ACCEPT_H
#define AM_UWSGI_ACCEPT_H

/* In a worker that serves in uWSGI's own loop, after its fork: takes the place of uWSGI's accept
 * functions. */
void am_uwsgi_accept_start(void);

#endif
