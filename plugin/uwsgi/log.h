/* Log lines, all of them prefixed "admatch: " and short enough for uWSGI's line buffer. */
#ifndef AM_UWSGI_LOG_H
#define AM_UWSGI_LOG_H

#include "../base/error.h"
#include "../inventory/inventory.h"

/* One line; a newline is added. Longer lines are cut. */
void am_uwsgi_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Every problem that a report lists, a line each, and a summary when there are more. `path` is the
 * inventory's. */
void am_uwsgi_log_report(const char *path, const struct am_inventory_report *report);

/* Logs why the configuration cannot be used and what to do, and ends the process with status 1.
 * Only at start. */
void am_uwsgi_log_and_exit(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
