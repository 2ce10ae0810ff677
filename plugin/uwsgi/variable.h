/* SPDX-License-Identifier: Apache-2.0 */
/* CGI variables of a request. */
/* Runs in: the worker's thread that serves the request. */
#ifndef AM_UWSGI_VARIABLE_H
#define AM_UWSGI_VARIABLE_H

#include "../base/bytes.h"
#include "host.h"

/* Empty when there is none. Valid as long as the request. uWSGI's function takes char *, and leaves
 * the name as it is. */
static inline struct am_view am_uwsgi_variable(struct wsgi_request *request, const char *name) {
    uint16_t size = 0;
    const char *value =
        uwsgi_get_var(request, (char *)(uintptr_t)name, (uint16_t)strlen(name), &size);
    return (struct am_view){value, value ? size : 0};
}

#endif
