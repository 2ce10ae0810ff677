/* SPDX-License-Identifier: Apache-2.0 */
/* A request made of command-line options: the JSON body that POST /v1/decide takes. */
#ifndef AM_CLI_REQUEST_H
#define AM_CLI_REQUEST_H

#include "../base/buffer.h"
#include "../base/error.h"

/* Strings of the command line, as often as the option was given. */
struct am_cli_options {
    const char **items;
    size_t count;
};

struct am_cli_request_options {
    const char *id, *query, *title, *url; /* NULL: not given */
    const char *text_member;              /* "text" or "html"; NULL: not given */
    struct am_view text;
    struct am_cli_options keywords;
    struct am_cli_options context; /* each "KEY=VALUE"; "kv.KEY=VALUE" for free keys */
    struct am_cli_options sizes;
    struct am_cli_options blocked; /* each "KIND=NAME"; kinds advertiser, category and domain */
    const char *floor, *unique;    /* NULL: not given */
    unsigned long count;           /* 0: not given */
    bool explain;
    const char *why; /* NULL: not given */
};

/* Writes the body. *body is set on success; free(body->data). AM_E_MEMORY. */
enum am_code am_cli_request_body(const struct am_cli_request_options *options,
                                 struct am_buffer *body,
                                 struct am_error *error);

#endif
