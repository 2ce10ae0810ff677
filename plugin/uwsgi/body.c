/* SPDX-License-Identifier: Apache-2.0 */
#include "body.h"

#include "../api/headers.h"
#include "../base/reserve.h"
#include "connection.h"
#include "host.h"
#include "variable.h"

/* Of a body above the limit, up to this many times the limit are read and dropped, so that the
 * client sees its 413. */
enum { DRAIN_TIMES = 4, DRAIN_STEP = 32 << 10 };

static size_t limit;
static char *chunk_memory; /* `limit` bytes for each core */

bool am_uwsgi_bodies_start(unsigned cores, size_t limit_bytes) {
    size_t size;
    limit = limit_bytes;
    if (!am_checked_multiply(cores, limit, &size))
        return false;
    chunk_memory = am_memory_reserve(size);
    /* uWSGI refuses single chunks above its own limit, by default 1 MiB: not less than ours, then.
     */
    if (uwsgi.chunked_input_limit < limit + (size_t)uwsgi.page_size)
        uwsgi.chunked_input_limit = limit + (size_t)uwsgi.page_size;
    return chunk_memory;
}

static void refuse(struct am_uwsgi_body *body, unsigned status, const char *reason, bool close) {
    body->bytes = (struct am_view){NULL, 0};
    body->refused = status;
    body->reason = reason;
    body->close = close;
}

/* ---- Content-Length ---------------------------------------------------------------------------
 */

/* uWSGI's own parser reads "5, 7" as 5 and lets numbers wrap: where it and a proxy disagree,
 * requests can be smuggled. */
static bool is_length(struct am_view text, size_t parsed) {
    size_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || !am_checked_multiply(value, 10, &value) ||
            !am_checked_add(value, (size_t)(text.data[i] - '0'), &value))
            return false;
    }
    return value == parsed;
}

static void drop_body(struct wsgi_request *request, struct am_uwsgi_body *body) {
    size_t most = limit * DRAIN_TIMES;
    while (request->post_pos < request->post_cl && request->post_pos < most) {
        ssize_t size = 0;
        if (!uwsgi_request_body_read(request, DRAIN_STEP, &size) || size <= 0)
            break;
    }
    body->close = request->post_pos < request->post_cl;
}

static void read_sized(struct wsgi_request *request, struct am_uwsgi_body *body) {
    ssize_t size = 0; /* uWSGI adds to it */
    char *data = uwsgi_request_body_read(request, (ssize_t)request->post_cl, &size);
    if (!data || size < 0 || (size_t)size != request->post_cl) {
        refuse(body, 400, "the body ended before its Content-Length", true);
        return;
    }
    body->bytes = (struct am_view){data, (size_t)size};
}

/* ---- chunked ----------------------------------------------------------------------------------
 */

/* The bytes after the last chunk may or may not have been read by uWSGI, so the connection is not
 * used again. What is above the limit is read and dropped, up to a point. */
static void read_chunked(struct wsgi_request *request, struct am_uwsgi_body *body) {
    char *memory = chunk_memory + (size_t)request->async_id * limit;
    size_t used = 0, size = 0;
    body->close = true;
    while (used <= limit * DRAIN_TIMES) {
        char *chunk = uwsgi_chunked_read(request, &size, 0, 0);
        if (!chunk) {
            refuse(body, 400, "cannot read the chunks of the body", true);
            return;
        }
        if (size == 0)
            break;
        if (used <= limit && size <= limit - used)
            memcpy(memory + used, chunk, size);
        else
            refuse(body, 413, "the body is longer than admatch-limit-body", true);
        used += size;
    }
    if (!body->refused)
        body->bytes = (struct am_view){memory, used};
}

/* In the uwsgi protocol only CONTENT_LENGTH frames a body. A proxy that has put the client's chunks
 * together (nginx) may leave their header among the variables. */
struct am_view am_uwsgi_body_coding(struct wsgi_request *request) {
    if (!am_uwsgi_connection_is_http(request) && am_uwsgi_variable(request, "CONTENT_LENGTH").size)
        return AM_VIEW("");
    return am_uwsgi_variable(request, "HTTP_TRANSFER_ENCODING");
}

/* Why the head alone makes the body's end doubtful, or the body too long; 0: it does not. */
static void check_head(struct wsgi_request *request,
                       struct am_uwsgi_body *body,
                       struct am_view length,
                       struct am_view coding) {
    if (coding.size && length.size)
        refuse(body, 400, "both Content-Length and Transfer-Encoding", true);
    else if (coding.size && !am_api_header_is(coding, "chunked"))
        refuse(body, 400, "Transfer-Encoding: expected chunked", true);
    else if (!coding.size && !is_length(length, length.data ? request->post_cl : 0))
        refuse(body, 400, "Content-Length: expected one whole number", true);
    else if (request->post_cl > limit)
        refuse(body, 413, "the body is longer than admatch-limit-body", true);
}

/* A client that waits with its body needs no 100 to be refused, and will not send it then. */
void am_uwsgi_body_read(struct wsgi_request *request, struct am_uwsgi_body *body) {
    struct am_view length = am_uwsgi_variable(request, "CONTENT_LENGTH");
    struct am_view coding = am_uwsgi_body_coding(request);
    *body = (struct am_uwsgi_body){.has_length = length.size || coding.size};
    check_head(request, body, length, coding);
    bool waits = (coding.size || request->post_cl) && am_uwsgi_connection_expects(request);
    if (waits && !body->refused)
        am_uwsgi_connection_continue(request);
    if (body->refused == 413 && !waits)
        drop_body(request, body);
    else if (!body->refused && coding.size)
        read_chunked(request, body);
    else if (!body->refused && request->post_cl)
        read_sized(request, body);
}

/* http11-socket closes after a head that it did not parse whole; other persistent protocols, only
 * after a write error, which is kept for clients that sent more than was read. */
void am_uwsgi_body_finish(struct wsgi_request *request, const struct am_uwsgi_body *body) {
    if (!body->close)
        return;
    am_uwsgi_connection_drain(request);
    am_uwsgi_host_close(request, body->refused);
}
