#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "host.h"

/* uWSGI reads past its own buffer when a line with its date comes near 4,096 bytes. */
enum { LINE_SIZE = 3800 };

static void write_line(const char *format, va_list arguments) {
    char line[LINE_SIZE];
    vsnprintf(line, sizeof line, format, arguments);
    uwsgi_log("admatch: %s\n", line);
}

void am_uwsgi_log(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    write_line(format, arguments);
    va_end(arguments);
}

void am_uwsgi_log_and_exit(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    write_line(format, arguments);
    va_end(arguments);
    exit(1);
}

void am_uwsgi_log_report(const char *path, const struct am_inventory_report *report) {
    uint64_t listed = report->problem_count;
    for (uint32_t i = 0; i < report->problem_count; i++) {
        const struct am_inventory_problem *problem = &report->problems[i];
        const char *kind = problem->warning ? "warning: " : "";
        if (problem->line)
            am_uwsgi_log("%s:%u: %s%s", path, problem->line, kind, problem->text);
        else
            am_uwsgi_log("%s: %s%s", path, kind, problem->text);
    }
    if (report->errors + report->warnings > listed)
        am_uwsgi_log("%s: and %llu more errors and warnings, not listed", path,
                     (unsigned long long)(report->errors + report->warnings - listed));
}
