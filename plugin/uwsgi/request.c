/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <arpa/inet.h>
#include <ctype.h>

#include "../base/clock.h"
#include "../base/reserve.h"
#include "connection.h"
#include "exchange.h"
#include "host.h"
#include "respond.h"
#include "sockets.h"
#include "variable.h"

enum {
    CPU_SAMPLE = 64, /* requests between readings of the CPU clock, which costs a system call */
    VARIABLE_SIZE = 64,
};

#define IDLE "{\"error\":{\"status\":503,\"reason\":\"admatch-inventory is not set\"}}"

static struct am_server *server;
static struct am_uwsgi_exchange *exchanges; /* one for each core; NULL: nothing is served */

enum am_code
am_uwsgi_requests_start(struct am_server *served, unsigned cores, struct am_error *error) {
    am_uwsgi_log_variables_start();
    server = served;
    exchanges = am_memory_reserve(cores * sizeof *exchanges);
    return exchanges ? AM_OK
                     : am_error_set(error, AM_E_MEMORY, "out of memory for %u cores", cores);
}

/* ---- from uWSGI's request ---------------------------------------------------------------------
 */

/* Of "http://host/path", as proxies may ask (RFC 9112, section 3.2.2), the path. */
static struct am_view origin_form(struct am_view path) {
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < AM_COUNT_OF(schemes); i++) {
        size_t size = strlen(schemes[i]);
        if (path.size < size || strncasecmp(path.data, schemes[i], size) != 0)
            continue;
        const char *slash = memchr(path.data + size, '/', path.size - size);
        return slash ? (struct am_view){slash, path.size - (size_t)(slash - path.data)}
                     : AM_VIEW("/");
    }
    return path;
}

/* Where a proxy or `mount` has put admatch below a prefix, SCRIPT_NAME says which, and the path may
 * begin with it: nginx sends both whole. */
struct am_view am_uwsgi_request_path(const struct wsgi_request *request) {
    struct am_view path = origin_form((struct am_view){request->path_info, request->path_info_len});
    struct am_view prefix = {request->script_name, request->script_name_len};
    bool slash = prefix.size && prefix.data[prefix.size - 1] == '/';
    if (slash && path.size && path.data[0] != '/' && path.data[-1] == '/')
        return (struct am_view){path.data - 1,
                                path.size + 1}; /* manage-script-name has cut it off */
    if (am_uwsgi_host_has_cut(request))
        return path;
    prefix.size -= slash;
    bool below = prefix.size && path.size >= prefix.size &&
                 memcmp(path.data, prefix.data, prefix.size) == 0 &&
                 (path.size == prefix.size || path.data[prefix.size] == '/');
    return below ? (struct am_view){path.data + prefix.size, path.size - prefix.size} : path;
}

/* "Content-Encoding" is HTTP_CONTENT_ENCODING, as in CGI (RFC 3875 section 4.1.18). */
static struct am_view header(const void *context, const char *name) {
    struct wsgi_request *request = (struct wsgi_request *)(uintptr_t)context;
    char key[VARIABLE_SIZE] = "HTTP_";
    size_t size = strlen(key);
    if (strcmp(name, "Content-Type") == 0)
        return (struct am_view){request->content_type, request->content_type_len};
    for (; *name && size + 1 < sizeof key; name++)
        key[size++] = *name == '-' ? '_' : (char)toupper((unsigned char)*name);
    key[size] = '\0';
    return am_uwsgi_variable(request, key);
}

/* uWSGI keeps the client's address for a connection's first request alone; the same connection has
 * the same client. */
static struct am_view peer_of(struct wsgi_request *request, char text[INET6_ADDRSTRLEN]) {
    struct am_view peer = am_uwsgi_variable(request, "REMOTE_ADDR");
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    bool forgotten = am_view_equal(peer, AM_VIEW("0.0.0.0")) || am_view_equal(peer, AM_VIEW("::"));
    if (!forgotten || getpeername(request->fd, (struct sockaddr *)&address, &size) != 0)
        return peer;
    const void *bytes = address.ss_family == AF_INET6
                            ? (const void *)&((struct sockaddr_in6 *)&address)->sin6_addr
                            : (const void *)&((struct sockaddr_in *)&address)->sin_addr;
    return inet_ntop(address.ss_family, bytes, text, INET6_ADDRSTRLEN) ? am_view_of(text) : peer;
}

/* uWSGI leaves out a query string for which its buffer has no room, and serves on: what was to be
 * blocked would then be shown. */
static bool has_lost_query(const struct wsgi_request *request) {
    const char *query = request->uri_len ? memchr(request->uri, '?', request->uri_len) : NULL;
    return query && query + 1 < request->uri + request->uri_len && !request->query_string_len &&
           request->socket && request->socket->proto_name &&
           strncmp(request->socket->proto_name, "http", 4) == 0;
}

static struct am_api_http_request http_of(struct wsgi_request *request,
                                          const struct am_uwsgi_body *body,
                                          char peer[INET6_ADDRSTRLEN]) {
    bool lost = has_lost_query(request);
    return (struct am_api_http_request){
        .method = {request->method, request->method_len},
        .path = am_uwsgi_request_path(request),
        .query = {request->query_string, request->query_string_len},
        .body = body->bytes,
        .has_length = body->has_length,
        .refused = lost ? 400 : body->refused,
        .reason = lost ? "the query string is longer than uWSGI's buffer-size" : body->reason,
        .now = am_clock_seconds(),
        .peer = server->http.events || server->http.deriving ? peer_of(request, peer) : AM_VIEW(""),
        .is_public = request->socket && am_uwsgi_socket_is_public(request->socket),
        .ignored = server->http.events && am_uwsgi_variable(request, "ADMATCH_IGNORE").size > 0,
        .transformed = am_uwsgi_host_may_transform(request),
        .header = header,
        .header_context = request,
    };
}

/* ---- serving ----------------------------------------------------------------------------------
 */

/* There is no admatch-inventory. */
static int answer_idle(struct wsgi_request *request) {
    static const struct am_api_http_response response = {
        .status = 503, .type = "application/json", .body = {IDLE, sizeof IDLE - 1}};
    am_uwsgi_respond(request, &response, true);
    return UWSGI_OK;
}

/* A context is pinned only once the body has arrived, so that slow clients keep no old generation
 * open. */
int am_uwsgi_request_serve(struct wsgi_request *request) {
    if (uwsgi_parse_vars(request))
        return -1;
    if (!exchanges)
        return answer_idle(request);
    struct am_uwsgi_exchange *exchange = &exchanges[request->async_id];
    exchange->request = request;
    am_uwsgi_body_read(request, &exchange->body);
    exchange->body.close |= am_uwsgi_connection_ends(request);
    char peer[INET6_ADDRSTRLEN];
    const struct am_api_http_request http = http_of(request, &exchange->body, peer);
    am_server_answer(server, (unsigned)uwsgi.mywid, (unsigned)request->async_id, &http,
                     &exchange->server);
    if (am_uwsgi_log_variables_wanted)
        am_uwsgi_log_variables_add(exchange);
    am_uwsgi_respond(request, &exchange->server.response, exchange->body.close);
    am_server_release(&exchange->server);
    am_uwsgi_body_finish(request, &exchange->body);
    return UWSGI_OK;
}

/* ---- after the request ------------------------------------------------------------------------
 */

static _Thread_local uint64_t cpu_before;  /* CPU time of this thread when last read */
static _Thread_local unsigned cpu_pending; /* requests since then */

void am_uwsgi_requests_forked(void) {
    cpu_before = 0;
    cpu_pending = 0;
}

static void count_cpu(struct am_metrics_counters *row) {
    if (++cpu_pending < CPU_SAMPLE)
        return;
    uint64_t nanoseconds = am_clock(CLOCK_THREAD_CPUTIME_ID);
    am_metrics_count(&row->cpu_nanoseconds, nanoseconds - cpu_before);
    am_metrics_count(&row->cpu_requests, cpu_pending);
    cpu_before = nanoseconds;
    cpu_pending = 0;
}

/* uWSGI also calls this for requests that its own routes have answered, which are not counted here.
 */
void am_uwsgi_request_finished(struct wsgi_request *request) {
    log_request(request);
    if (!exchanges || exchanges[request->async_id].request != request)
        return;
    struct am_uwsgi_exchange *exchange = &exchanges[request->async_id];
    struct am_metrics_counters *row = exchange->server.row;
    uint64_t began = request->start_of_request, ended = request->end_of_request;
    am_server_count(&exchange->server, (unsigned)request->status,
                    ended > began ? (ended - began) * 1000 : 0);
    count_cpu(row);
    exchange->request = NULL;
}
