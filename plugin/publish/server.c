/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <stdlib.h>

static void write_metrics(const void *context, struct am_buffer *out, int64_t now) {
    am_metrics_text(context, out, now);
}

static enum am_code share_memory(struct am_server *server,
                                 const struct am_server_options *options,
                                 struct am_error *error) {
    server->channel = am_publish_channel_new(error);
    server->metrics =
        server->channel ? am_metrics_new(options->workers, options->cores, error) : NULL;
    return server->metrics ? AM_OK : error->code;
}

static enum am_code make_generations(struct am_server *server,
                                     const struct am_server_options *options,
                                     struct am_error *error) {
    const struct am_generations_options wanted = {
        .channel = server->channel,
        .store_folder = options->store_folder,
        .metrics = server->metrics,
        .sink = &server->sink,
        .limits = options->limits,
        .contexts = options->cores,
    };
    server->generations = am_generations_new(&wanted, error);
    if (!server->generations)
        return error->code;
    am_generations_prepare(server->generations, options->deriving);
    return AM_OK;
}

static enum am_code make_account(struct am_server *server,
                                 const struct am_server_options *options,
                                 struct am_error *error) {
    if (!options->account)
        return AM_OK;
    server->account = am_account_new(options->account, server->metrics, &server->sink, error);
    server->workers = calloc(options->cores, sizeof *server->workers);
    if (!server->account || !server->workers)
        return am_error_set(error, AM_E_MEMORY, "out of memory");
    server->publisher.account = server->account;
    server->counting = options->account->counting;
    am_metrics_list_ledger(server->metrics);
    am_generations_count(server->generations, NULL, options->account->counting, NULL);
    return AM_OK;
}

static void set_up(struct am_server *server, const struct am_server_options *options) {
    server->sink = options->sink;
    server->contexts = options->cores;
    server->http = (struct am_api_http_settings){
        .test = options->test,
        .preview = options->preview,
        .events = options->account != NULL,
        .gzip = options->gzip,
        .origins = options->origins,
        .deriving = options->deriving,
        .metrics = write_metrics,
        .metrics_context = server->metrics,
    };
    server->publisher = (struct am_publisher){
        .source = {options->inventory, options->lenient, &server->sink},
        .store_folder = options->store_folder,
        .ignores_limits = options->ignores_limits,
        .channel = server->channel,
        .metrics = server->metrics,
        .sink = &server->sink,
        .held = AM_STORE_NO_HOLD,
    };
}

struct am_server *am_server_new(const struct am_server_options *options, struct am_error *error) {
    struct am_server *server = calloc(1, sizeof *server);
    if (!server) {
        am_error_set(error, AM_E_MEMORY, "out of memory");
        return NULL;
    }
    if (share_memory(server, options, error) == AM_OK) {
        set_up(server, options);
        if (make_generations(server, options, error) == AM_OK &&
            make_account(server, options, error) == AM_OK)
            return server;
    }
    am_server_free(server);
    return NULL;
}

void am_server_free(struct am_server *server) {
    if (!server)
        return;
    am_store_release(&server->publisher.held);
    am_generations_free(server->generations);
    am_account_free(server->account);
    free(server->workers);
    am_metrics_free(server->metrics);
    am_publish_channel_free(server->channel);
    free(server);
}

enum am_code am_server_open_account(struct am_server *server, struct am_error *error) {
    return server->account ? am_account_open(server->account, NULL, error) : AM_OK;
}

void am_server_work(struct am_server *server, unsigned worker) {
    struct am_error error;
    if (server->account) {
        if (am_account_work(server->account, server->workers, server->contexts, &error) != AM_OK)
            am_publish_log(&server->sink, "worker %u cannot count all that it places: %s", worker,
                           error.message);
        am_generations_count(server->generations, server->account, server->counting,
                             server->workers);
    }
    am_generations_start(server->generations, worker);
}

static void count_event(struct am_metrics_counters *row,
                        const struct am_api_http_response *response) {
    if (response->has_event)
        am_metrics_count(&row->events[response->event - AM_JOURNAL_IMPRESSION][response->outcome],
                         1);
}

static void count_bid_request(struct am_metrics_counters *row,
                              const struct am_api_http_response *response) {
    if (response->no_bid != AM_NO_BID_NONE)
        am_metrics_count(&row->no_bids[response->no_bid], 1);
    if (response->odd)
        am_metrics_count_odd(row, response->odd);
}

void am_server_answer(struct am_server *server,
                      unsigned worker,
                      unsigned core,
                      const struct am_api_http_request *request,
                      struct am_server_exchange *exchange) {
    exchange->row = am_metrics_row(server->metrics, worker, core);
    exchange->context = am_generations_enter(server->generations);
    struct am_api_http_response *response = &exchange->response;
    am_api_http_answer(exchange->context->api, &server->http, request, response);
    const struct am_generation *generation = exchange->context->attached;
    if (generation)
        am_metrics_set(am_metrics_publication(server->metrics, worker, exchange->context->index),
                       generation->publication);
    am_metrics_count(&exchange->row->body_bytes, request->body.size);
    if (response->decide_nanoseconds)
        am_metrics_histogram_count(&exchange->row->decide, response->decide_nanoseconds);
    if (response->decision)
        am_metrics_count_decision(exchange->row, response->decision, response->request);
    count_event(exchange->row, response);
    count_bid_request(exchange->row, response);
}

void am_server_release(struct am_server_exchange *exchange) {
    am_api_http_response_free(&exchange->response);
    am_api_settle(exchange->context->api);
    am_generations_leave(exchange->context);
}

void am_server_count(struct am_server_exchange *exchange, unsigned status, uint64_t nanoseconds) {
    struct am_metrics_counters *row = exchange->row;
    am_metrics_histogram_count(&row->request, nanoseconds);
    am_metrics_count(&row->requests[exchange->response.endpoint][am_metrics_status_index(status)],
                     1);
}
