/* SPDX-License-Identifier: Apache-2.0 */
#include "sink.h"

#include <stdio.h>

/* uWSGI reads past its own buffer when a line with its date comes near 4,096 bytes. */
enum { LINE_SIZE = 3800 };

void am_publish_log_arguments(const struct am_publish_sink *sink,
                              const char *format,
                              va_list arguments) {
    char line[LINE_SIZE];
    am_error_format(line, sizeof line, format, arguments);
    sink->log(sink->context, line);
}

void am_publish_log(const struct am_publish_sink *sink, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    am_publish_log_arguments(sink, format, arguments);
    va_end(arguments);
}

void am_publish_log_report(const struct am_publish_sink *sink,
                           const char *path,
                           const struct am_inventory_report *report) {
    uint64_t listed = report->problem_count;
    for (uint32_t i = 0; i < report->problem_count; i++) {
        const struct am_inventory_problem *problem = &report->problems[i];
        const char *kind = problem->warning ? "warning: " : "";
        if (problem->line)
            am_publish_log(sink, "%s:%u: %s%s", path, problem->line, kind, problem->text);
        else
            am_publish_log(sink, "%s: %s%s", path, kind, problem->text);
    }
    if (report->errors + report->warnings > listed)
        am_publish_log(sink, "%s: and %llu more errors and warnings, not listed", path,
                       (unsigned long long)(report->errors + report->warnings - listed));
}
