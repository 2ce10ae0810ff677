/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines, all of them prefixed "admatch: ". */
/* Runs in: any process and thread (the sink); the master's main thread at start (log_and_exit). */
#ifndef AM_UWSGI_LOG_H
#define AM_UWSGI_LOG_H

#include "../publish/sink.h"

/* uWSGI's log as a sink. Any process and thread. */
extern const struct am_publish_sink am_uwsgi_log;

/* Logs why the configuration cannot be used and what to do, and ends the process with status 1.
 * Only in the master, at start. */
void am_uwsgi_log_and_exit(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
