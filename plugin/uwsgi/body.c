/* SPDX-License-Identifier: Apache-2.0 */
#include "body.h"

#include <errno.h>

#include "../api/chunked.h"
#include "../base/reserve.h"
#include "connection.h"
#include "framing.h"
#include "host.h"

/* Of a body above the limit, up to this many times the limit are read and dropped, so that the
 * client sees its 413. */
enum { DRAIN_TIMES = 4, DRAIN_STEP = 32 << 10, CHUNKS_STEP = 16 << 10, KEPT_CHUNKS = 64 << 10 };

static size_t limit;
static char *chunk_memory; /* `limit` bytes for each core */

bool am_uwsgi_bodies_start(unsigned cores, size_t limit_bytes) {
    size_t size;
    limit = limit_bytes;
    if (!am_checked_multiply(cores, limit, &size))
        return false;
    chunk_memory = am_memory_reserve(size);
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

/* uWSGI's own reader takes broken chunks for sound ones, and refuses extensions (core/chunked.c).
 * Bytes received; 0 or less: no more will come. */
static ssize_t receive(struct wsgi_request *request, char *to, size_t room) {
    for (;;) {
        ssize_t size = request->socket->proto_read_body(request, to, room);
        bool waits = size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
        if (!waits)
            return size;
        int ready = uwsgi_wait_read_req(request);
        if (ready <= 0)
            return ready;
    }
}

/* Of a body above the limit, what comes is decoded on and dropped. */
static enum am_api_chunked_end decode(struct am_uwsgi_body *body,
                                      struct am_api_chunked *chunks,
                                      struct am_view bytes,
                                      char *memory) {
    enum am_api_chunked_end end = AM_API_CHUNKED_LARGE;
    if (!body->refused)
        end = am_api_chunked_decode(chunks, limit, &bytes, memory);
    if (end != AM_API_CHUNKED_LARGE)
        return end;
    refuse(body, 413, "the body is longer than admatch-limit-body", true);
    return am_api_chunked_decode(chunks, limit * DRAIN_TIMES, &bytes, NULL);
}

/* The next request may have been received with the end of the body, so the connection is not used
 * again. */
static void read_chunked(struct wsgi_request *request, struct am_uwsgi_body *body) {
    char block[CHUNKS_STEP];
    char *memory = chunk_memory + (size_t)request->async_id * limit;
    struct am_api_chunked chunks = {0};
    enum am_api_chunked_end end = AM_API_CHUNKED_MORE;
    ssize_t size = 1;
    body->close = true;
    while (end == AM_API_CHUNKED_MORE && (size = receive(request, block, sizeof block)) > 0)
        end = decode(body, &chunks, (struct am_view){block, (size_t)size}, memory);
    body->unchunked = chunks.size < limit ? chunks.size : limit;
    if (body->refused)
        return;
    if (end == AM_API_CHUNKED_WHOLE)
        body->bytes = (struct am_view){memory, chunks.size};
    else
        refuse(body, 400,
               end == AM_API_CHUNKED_MORE ? "the body ended before its last chunk"
                                          : "expected chunks as in RFC 9112, section 7.1",
               true);
}

/* A client that waits with its body needs no 100 to be refused, and will not send it then. */
void am_uwsgi_body_read(struct wsgi_request *request, struct am_uwsgi_body *body) {
    struct am_uwsgi_framing framing = am_uwsgi_framing_of(request);
    *body = (struct am_uwsgi_body){.has_length = framing.has_length};
    if (framing.reason ||
        (am_uwsgi_connection_is_http(request) && !am_uwsgi_connection_is_http10(request)))
        am_uwsgi_host_name_version(request);
    if (framing.reason)
        refuse(body, 400, framing.reason, true);
    else if (request->post_cl > limit)
        refuse(body, 413, "the body is longer than admatch-limit-body", true);
    bool waits = (framing.chunked || request->post_cl) && am_uwsgi_connection_expects(request);
    if (waits && !body->refused)
        am_uwsgi_connection_continue(request);
    if (body->refused == 413 && !waits)
        drop_body(request, body);
    else if (!body->refused && framing.chunked)
        read_chunked(request, body);
    else if (!body->refused && request->post_cl)
        read_sized(request, body);
}

/* Gives back what a large body used. http11-socket closes after a head that it did not parse whole;
 * other persistent protocols, only after a write error, which is kept for clients that sent more
 * than was read. */
void am_uwsgi_body_finish(struct wsgi_request *request, const struct am_uwsgi_body *body) {
    if (body->unchunked > KEPT_CHUNKS)
        am_memory_trim(chunk_memory + (size_t)request->async_id * limit, body->unchunked);
    if (!body->close)
        return;
    am_uwsgi_connection_drain(request);
    am_uwsgi_host_close(request, body->refused);
}
