/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "host.h"

static void log_line(void *unused, const char *line) {
    (void)unused;
    uwsgi_log("admatch: %s\n", line);
}

const struct am_publish_sink am_uwsgi_log = {.log = log_line};

void am_uwsgi_log_and_exit(const char *format, ...) {
    char *line = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&line, format, arguments) >= 0)
        am_publish_log(&am_uwsgi_log, "%s", line);
    va_end(arguments);
    exit(1);
}
