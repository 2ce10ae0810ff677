#include "request.h"

#include <stdlib.h>

#include "../base/reserve.h"
#include "clock.h"
#include "exchange.h"
#include "host.h"
#include "settings.h"

enum {
    METRICS_SIZE = 256 << 10,
    CPU_SAMPLE = 64, /* requests between looks at the CPU clock, which costs a system call */
};

#define IDLE "{\"error\":{\"status\":503,\"reason\":\"admatch-inventory is not set\"}}"

static struct am_uwsgi_exchange *exchanges; /* one for each core */

struct endpoint {
    const char *path;
    enum am_metrics_endpoint endpoint;
    const char *allow; /* the methods, as the header says them */
    bool reads, posts; /* GET and HEAD, POST */
    void (*answer)(struct am_uwsgi_exchange *exchange, struct am_uwsgi_answer *answer);
};

static void answer_health(struct am_uwsgi_exchange *exchange, struct am_uwsgi_answer *answer);
static void answer_readiness(struct am_uwsgi_exchange *exchange, struct am_uwsgi_answer *answer);
static void answer_metrics(struct am_uwsgi_exchange *exchange, struct am_uwsgi_answer *answer);

static const struct endpoint endpoints[] = {
    {"/v1/decide", AM_ENDPOINT_DECIDE, "GET, HEAD, POST", true, true, am_uwsgi_decide_answer},
    {"/openrtb2/bid", AM_ENDPOINT_OPENRTB, "POST", false, true, am_uwsgi_openrtb_answer},
    {"/preview", AM_ENDPOINT_PREVIEW, "GET, HEAD, POST", true, true, am_uwsgi_preview_answer},
    {"/healthz", AM_ENDPOINT_HEALTHZ, "GET, HEAD", true, false, answer_health},
    {"/readyz", AM_ENDPOINT_READYZ, "GET, HEAD", true, false, answer_readiness},
    {"/metrics", AM_ENDPOINT_METRICS, "GET, HEAD", true, false, answer_metrics},
};

enum am_code am_uwsgi_requests_start(unsigned cores, struct am_error *error) {
    am_uwsgi_log_variables_start();
    exchanges = am_memory_reserve(cores * sizeof *exchanges);
    return exchanges ? AM_OK
                     : am_error_set(error, AM_E_MEMORY, "out of memory for %u cores", cores);
}

/* ---- endpoints --------------------------------------------------------------------------------
 */

void am_uwsgi_error_answer(struct am_uwsgi_exchange *exchange,
                           unsigned status,
                           const char *reason,
                           struct am_uwsgi_answer *answer) {
    struct am_api_response response;
    am_api_error(exchange->seat->api, status, am_view_of(reason), AM_VIEW(""), &response);
    answer->status = response.status;
    answer->body = response.body;
}

static void answer_health(struct am_uwsgi_exchange *exchange, struct am_uwsgi_answer *answer) {
    (void)exchange;
    answer->status = 200;
    answer->body = AM_VIEW("{\"ok\":true}");
}

static void answer_readiness(struct am_uwsgi_exchange *exchange, struct am_uwsgi_answer *answer) {
    if (!am_api_image(exchange->seat->api)) {
        am_uwsgi_error_answer(exchange, 503, "no inventory is loaded yet", answer);
        return;
    }
    answer->status = 200;
    answer->body = AM_VIEW("{\"ready\":true}");
}

/* The body is freed when it has been written. */
static void answer_metrics(struct am_uwsgi_exchange *exchange, struct am_uwsgi_answer *answer) {
    struct am_buffer buffer = am_buffer_over(malloc(METRICS_SIZE), METRICS_SIZE);
    if (!buffer.data) {
        am_uwsgi_error_answer(exchange, 503, "out of memory", answer);
        return;
    }
    am_metrics_write(&buffer, (int64_t)time(NULL));
    answer->status = 200;
    answer->type = "text/plain; version=0.0.4; charset=utf-8";
    answer->body = am_buffer_view(&buffer);
}

/* ---- routing ----------------------------------------------------------------------------------
 */

static const struct endpoint *find_endpoint(const struct wsgi_request *request) {
    for (size_t i = 0; i < AM_COUNT_OF(endpoints); i++)
        if (strlen(endpoints[i].path) == request->path_info_len &&
            memcmp(endpoints[i].path, request->path_info, request->path_info_len) == 0)
            return endpoints[i].endpoint == AM_ENDPOINT_PREVIEW && !am_uwsgi_settings.preview
                       ? NULL
                       : &endpoints[i];
    return NULL;
}

static bool is_allowed(const struct wsgi_request *request, const struct endpoint *endpoint) {
    bool reads = am_uwsgi_method_is(request, "GET") || am_uwsgi_method_is(request, "HEAD");
    return (endpoint->reads && reads) || (endpoint->posts && am_uwsgi_method_is(request, "POST"));
}

static bool lacks_length(struct wsgi_request *request) {
    static char length[] = "CONTENT_LENGTH", coding[] = "HTTP_TRANSFER_ENCODING";
    uint16_t length_size = 0, coding_size = 0;
    if (!am_uwsgi_method_is(request, "POST"))
        return false;
    uwsgi_get_var(request, length, sizeof length - 1, &length_size);
    uwsgi_get_var(request, coding, sizeof coding - 1, &coding_size);
    return !length_size && !coding_size;
}

static void answer_request(struct am_uwsgi_exchange *exchange,
                           const struct endpoint *endpoint,
                           struct am_uwsgi_answer *answer) {
    struct wsgi_request *request = exchange->request;
    const struct am_uwsgi_body *body = &exchange->body;
    if (body->refused) {
        am_uwsgi_error_answer(exchange, body->refused, body->reason, answer);
    } else if (!endpoint) {
        am_uwsgi_error_answer(exchange, 404, "there is nothing at this path", answer);
    } else if (!is_allowed(request, endpoint)) {
        am_uwsgi_error_answer(exchange, 405, "this path does not know this method", answer);
        answer->allow = endpoint->allow;
    } else if (lacks_length(request)) {
        am_uwsgi_error_answer(exchange, 411, "expected a Content-Length, or a chunked body",
                              answer);
    } else {
        endpoint->answer(exchange, answer);
    }
}

static struct am_uwsgi_exchange *start(struct wsgi_request *request) {
    unsigned index = (unsigned)request->async_id;
    struct am_uwsgi_exchange *exchange = &exchanges[index];
    exchange->request = request;
    exchange->row = am_metrics_row((unsigned)uwsgi.mywid, index);
    am_uwsgi_body_read(request, &exchange->body);
    am_metrics_count(&exchange->row->body_bytes, exchange->body.bytes.size);
    return exchange;
}

/* There is no admatch-inventory. */
static int answer_idle(struct wsgi_request *request) {
    static const struct am_uwsgi_answer answer = {
        .status = 503,
        .type = "application/json",
        .body = {IDLE, sizeof IDLE - 1},
        .close = true,
    };
    am_uwsgi_respond(request, &answer);
    return UWSGI_OK;
}

/* A seat is pinned only once the body is here, so that slow clients hold back no old generation
 * while they send. */
int am_uwsgi_request_serve(struct wsgi_request *request) {
    if (uwsgi_parse_vars(request))
        return -1;
    if (!exchanges)
        return answer_idle(request);
    struct am_uwsgi_exchange *exchange = start(request);
    const struct endpoint *endpoint = find_endpoint(request);
    struct am_uwsgi_answer answer = {.type = "application/json", .close = exchange->body.close};
    exchange->endpoint = endpoint ? endpoint->endpoint : AM_ENDPOINT_OTHER;
    exchange->seat = am_generation_enter();
    const struct am_generation *generation = exchange->seat->attached;
    answer.generation = generation ? generation->image->generation : NULL;
    answer_request(exchange, endpoint, &answer);
    am_metrics_gauge_set(&am_metrics_row((unsigned)uwsgi.mywid, exchange->seat->index)->generation,
                         generation ? generation->number : 0);
    am_uwsgi_respond(request, &answer);
    if (exchange->endpoint == AM_ENDPOINT_METRICS && answer.status == 200)
        free((char *)(uintptr_t)answer.body.data);
    am_generation_leave(exchange->seat);
    am_uwsgi_body_finish(request, &exchange->body);
    return UWSGI_OK;
}

/* ---- after the request ------------------------------------------------------------------------
 */

static _Thread_local uint64_t cpu_before;  /* CPU time of this thread at the last look */
static _Thread_local unsigned cpu_pending; /* requests since then */

void am_uwsgi_requests_forked(void) {
    cpu_before = 0;
    cpu_pending = 0;
}

static void count_cpu(struct am_metrics_counters *row) {
    if (++cpu_pending < CPU_SAMPLE)
        return;
    uint64_t nanoseconds = am_uwsgi_clock(CLOCK_THREAD_CPUTIME_ID);
    am_metrics_count(&row->cpu_nanoseconds, nanoseconds - cpu_before);
    am_metrics_count(&row->cpu_requests, cpu_pending);
    cpu_before = nanoseconds;
    cpu_pending = 0;
}

/* uWSGI also gets here with requests that its own routes have answered: those are not ours to
 * count. */
void am_uwsgi_request_finished(struct wsgi_request *request) {
    log_request(request);
    if (!exchanges || exchanges[request->async_id].request != request)
        return;
    struct am_uwsgi_exchange *exchange = &exchanges[request->async_id];
    uint64_t began = request->start_of_request, ended = request->end_of_request;
    struct am_metrics_counters *row = exchange->row;
    am_metrics_histogram_count(&row->request, ended > began ? (ended - began) * 1000 : 0);
    am_metrics_count(
        &row->requests[exchange->endpoint][am_metrics_status_index((unsigned)request->status)], 1);
    count_cpu(row);
    exchange->request = NULL;
}
