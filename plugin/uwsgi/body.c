/* SPDX-License-Identifier: Apache-2.0 */
#include "body.h"

#include "../base/reserve.h"
#include "host.h"

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
static bool is_length(const char *text, uint16_t size, size_t parsed) {
    size_t value = 0;
    for (uint16_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9' || !am_checked_multiply(value, 10, &value) ||
            !am_checked_add(value, (size_t)(text[i] - '0'), &value))
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

static bool is_chunked(const char *coding, uint16_t size) {
    return size == strlen("chunked") && strncasecmp(coding, "chunked", size) == 0;
}

void am_uwsgi_body_read(struct wsgi_request *request, struct am_uwsgi_body *body) {
    uint16_t length_size = 0, coding_size = 0;
    char *length = uwsgi_get_var(request, "CONTENT_LENGTH", 14, &length_size);
    char *coding = uwsgi_get_var(request, "HTTP_TRANSFER_ENCODING", 22, &coding_size);
    *body = (struct am_uwsgi_body){.has_length = length_size || coding_size};
    if (coding && coding_size && length && length_size)
        refuse(body, 400, "both Content-Length and Transfer-Encoding", true);
    else if (coding && coding_size && !is_chunked(coding, coding_size))
        refuse(body, 400, "Transfer-Encoding: expected chunked", true);
    else if (coding && coding_size)
        read_chunked(request, body);
    else if (length && !is_length(length, length_size, request->post_cl))
        refuse(body, 400, "Content-Length: expected one whole number", true);
    else if (request->post_cl > limit)
        refuse(body, 413, "the body is longer than admatch-limit-body", true);
    else if (request->post_cl)
        read_sized(request, body);
    if (body->refused == 413 && request->post_cl)
        drop_body(request, body);
}

/* http11-socket closes after a head that it did not parse whole; other persistent protocols, only
 * after a write error, which is kept for clients that sent more than was read. */
void am_uwsgi_body_finish(struct wsgi_request *request, const struct am_uwsgi_body *body) {
    if (body->close)
        am_uwsgi_host_close(request, body->refused);
}
