/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <stdarg.h>
#include <stdlib.h>

#include "host.h"

static void log_line(void *unused, const char *line) {
    (void)unused;
    uwsgi_log("admatch: %s\n", line);
}

const struct am_publish_sink am_uwsgi_log = {.log = log_line};

void am_uwsgi_log_and_exit(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    am_publish_log_arguments(&am_uwsgi_log, format, arguments);
    va_end(arguments);
    exit(1);
}
