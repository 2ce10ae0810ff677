/* SPDX-License-Identifier: Apache-2.0 */
/* Where the publish room's log lines go: the server's log, or a test's list. */
/* Runs in: any process and thread. */
#ifndef AM_PUBLISH_SINK_H
#define AM_PUBLISH_SINK_H

#include <stdarg.h>

#include "../inventory/inventory.h"

/* `log` takes one line without a newline. Any process and thread may call it. */
struct am_publish_sink {
    void (*log)(void *context, const char *line);
    void *context;
};

/* One line; what exceeds 3,800 bytes is cut. */
void am_publish_log(const struct am_publish_sink *sink, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void am_publish_log_arguments(const struct am_publish_sink *sink,
                              const char *format,
                              va_list arguments) __attribute__((format(printf, 2, 0)));

/* Every problem that a report lists, a line each, and a summary when there are more. `path` is the
 * inventory's. */
void am_publish_log_report(const struct am_publish_sink *sink,
                           const char *path,
                           const struct am_inventory_report *report);

#endif
