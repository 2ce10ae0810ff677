/* /v1/decide and /openrtb2/bid: from a request in memory to its answer. */
#include "clock.h"
#include "exchange.h"
#include "host.h"
#include "settings.h"

bool am_uwsgi_media_type_is(struct am_view given, const char *type) {
    const char *end = given.size ? memchr(given.data, ';', given.size) : NULL;
    size_t size = end ? (size_t)(end - given.data) : given.size;
    while (size && (given.data[size - 1] == ' ' || given.data[size - 1] == '\t'))
        size--;
    return size == strlen(type) && strncasecmp(given.data, type, size) == 0;
}

static struct am_view variable(struct wsgi_request *request, char *name) {
    uint16_t size = 0;
    char *value = uwsgi_get_var(request, name, (uint16_t)strlen(name), &size);
    return (struct am_view){value, value ? size : 0};
}

/* What kind of body was posted; NULL, or why it is not one that we take. */
static const char *
read_content(struct wsgi_request *request, bool openrtb, struct am_api_request *asked) {
    static char encoding_name[] = "HTTP_CONTENT_ENCODING";
    struct am_view type = {request->content_type, request->content_type_len};
    struct am_view encoding = variable(request, encoding_name);
    if (type.size == 0 || am_uwsgi_media_type_is(type, "application/json"))
        asked->content = openrtb ? AM_CONTENT_OPENRTB : AM_CONTENT_JSON;
    else if (openrtb)
        return "Content-Type: expected application/json";
    else if (am_uwsgi_media_type_is(type, "text/plain"))
        asked->content = AM_CONTENT_TEXT;
    else
        return "Content-Type: expected application/json or text/plain";
    asked->gzip = am_uwsgi_media_type_is(encoding, "gzip");
    if (encoding.size && !asked->gzip && !am_uwsgi_media_type_is(encoding, "identity"))
        return "Content-Encoding: expected gzip, or none";
    return NULL;
}

static void count_decision(struct am_metrics_counters *row,
                           const struct am_match_decision *decision,
                           const struct am_match_request *request) {
    uint64_t places = 0;
    for (uint32_t i = 0; i < request->slot_count; i++)
        places += request->slots[i].count;
    am_metrics_count(&row->decisions, 1);
    am_metrics_count(&row->slots_filled, decision->ad_count);
    am_metrics_count(&row->slots_unfilled, places - decision->ad_count);
    am_metrics_count(&row->candidates, decision->candidates);
    am_metrics_count(&row->hits, decision->hits);
    am_metrics_count(&row->words, decision->words);
    am_metrics_count(&row->bytes, decision->bytes);
    for (unsigned gate = 0; gate < AM_GATES; gate++)
        if (decision->rejected_by[gate])
            am_metrics_count(&row->rejections[gate], decision->rejected_by[gate]);
}

static void decide(struct am_uwsgi_exchange *exchange,
                   const struct am_api_request *asked,
                   struct am_uwsgi_answer *answer) {
    struct am_api_response response;
    uint64_t began = am_uwsgi_clock(CLOCK_MONOTONIC);
    am_api_decide(exchange->seat->api, asked, &response);
    uint64_t took = am_uwsgi_clock(CLOCK_MONOTONIC) - began;
    answer->status = response.status;
    answer->body = response.body;
    am_metrics_histogram_count(&exchange->row->decide, took);
    if (response.decision)
        count_decision(exchange->row, response.decision, response.request);
    if (am_uwsgi_log_variables_wanted)
        am_uwsgi_log_variables_add(exchange, response.decision, took);
}

void am_uwsgi_decide_answer(struct am_uwsgi_exchange *exchange, struct am_uwsgi_answer *answer) {
    struct wsgi_request *request = exchange->request;
    struct am_api_request asked = {.now = time(NULL), .test = am_uwsgi_settings.test};
    if (!am_uwsgi_method_is(request, "POST")) {
        asked.content = AM_CONTENT_QUERY_STRING;
        asked.body = (struct am_view){request->query_string, request->query_string_len};
        decide(exchange, &asked, answer);
        return;
    }
    const bool openrtb = exchange->endpoint == AM_ENDPOINT_OPENRTB;
    const char *refusal = read_content(request, openrtb, &asked);
    asked.body = exchange->body.bytes;
    if (refusal)
        am_uwsgi_error_answer(exchange, 415, refusal, answer);
    else
        decide(exchange, &asked, answer);
}

static const struct am_uwsgi_header openrtb_headers[] = {{"X-OpenRTB-Version", "2.6"},
                                                         {NULL, NULL}};

void am_uwsgi_openrtb_answer(struct am_uwsgi_exchange *exchange, struct am_uwsgi_answer *answer) {
    answer->headers = openrtb_headers;
    am_uwsgi_decide_answer(exchange, answer);
}
