/* SPDX-License-Identifier: Apache-2.0 */
/* uWSGI releases an interpreter's lock round a call, so several threads of a worker may be inside
 * at once, and threads that an app has made have no core of their own: a call takes the first free
 * lane. uWSGI hands over the low 16 bits of an argument's size, so callers say how long the whole
 * is. */
#include "rpc.h"

#include <sched.h>
#include <stdlib.h>

#include "../base/address.h"
#include "../base/buffer.h"
#include "../base/clock.h"
#include "../base/reserve.h"

enum {
    PATIENCE =
        100000000, /* nanoseconds that a call waits for a lane: many times what a call takes */
    ERROR_BYTES = 256,
    PATH_BYTES = 256,
};

/* Invariant: whoever has set `taken` uses the rest. */
struct lane {
    _Alignas(64) _Atomic int taken;
    unsigned core;
    char *body; /* where pieces are joined */
    struct am_server_exchange exchange;
};

/* A call's arguments. */
struct arguments {
    unsigned count;
    char **values;
    const uint16_t *sizes;
};

static struct am_server *server; /* NULL: nothing is registered */
static struct lane *lanes;
static unsigned lane_count;
static size_t body_limit;

enum am_code am_uwsgi_rpc_start(struct am_server *served,
                                unsigned first_core,
                                unsigned callers,
                                size_t limit,
                                struct am_error *error) {
    lanes = am_memory_reserve(callers * sizeof *lanes);
    if (!lanes)
        return am_error_set(error, AM_E_MEMORY, "out of memory for %u callers", callers);
    for (unsigned i = 0; i < callers; i++) {
        lanes[i].core = first_core + i;
        lanes[i].body = am_memory_reserve(limit);
        if (!lanes[i].body)
            return am_error_set(error, AM_E_MEMORY, "out of memory for %u callers", callers);
    }
    server = served;
    lane_count = callers;
    body_limit = limit;
    return AM_OK;
}

/* ---- answers ----------------------------------------------------------------------------------
 */

/* uWSGI frees what it is given. An empty answer is given as memory, too: none would look as if
 * there were no such function. */
static uint64_t give(struct am_view text, char **answer) {
    *answer = malloc(text.size + 1);
    if (!*answer)
        return 0;
    if (text.size)
        memcpy(*answer, text.data, text.size);
    return text.size;
}

static uint64_t refuse(unsigned status, const char *reason, char **answer) {
    char memory[ERROR_BYTES];
    struct am_buffer text = am_buffer_over(memory, sizeof memory);
    am_buffer_literal(&text, "{\"error\":{\"status\":");
    am_buffer_unsigned(&text, status);
    am_buffer_literal(&text, ",\"reason\":");
    am_buffer_json_string(&text, am_view_of(reason));
    am_buffer_literal(&text, "}}");
    return give(am_buffer_view(&text), answer);
}

/* What an event is answered: a status, and where a click leads to. */
static uint64_t give_event(const struct am_api_http_response *response, char **answer) {
    const char *location = NULL;
    for (unsigned i = 0; i < response->header_count; i++)
        if (strcmp(response->headers[i].name, "Location") == 0)
            location = response->headers[i].value;
    size_t size = ERROR_BYTES + (location ? 6 * strlen(location) : 0);
    char *memory = malloc(size);
    if (!memory)
        return 0;
    struct am_buffer text = am_buffer_over(memory, size);
    am_buffer_literal(&text, "{\"status\":");
    am_buffer_unsigned(&text, response->status);
    if (location) {
        am_buffer_literal(&text, ",\"location\":");
        am_buffer_json_string(&text, am_view_of(location));
    }
    am_buffer_literal(&text, "}");
    *answer = memory;
    return am_buffer_view(&text).size;
}

/* ---- lanes ------------------------------------------------------------------------------------
 */

static struct lane *find_free(void) {
    for (unsigned i = 0; i < lane_count; i++)
        if (!atomic_exchange_explicit(&lanes[i].taken, 1, memory_order_acquire))
            return &lanes[i];
    return NULL;
}

/* NULL: all callers that admatch-rpc allows have been inside for longer than calls take. */
static struct lane *take_lane(void) {
    struct lane *lane = find_free();
    if (lane)
        return lane;
    const uint64_t began = am_clock(CLOCK_MONOTONIC);
    while (!(lane = find_free()) && am_clock(CLOCK_MONOTONIC) - began < PATIENCE)
        sched_yield();
    return lane;
}

static void leave(struct lane *lane) {
    atomic_store_explicit(&lane->taken, 0, memory_order_release);
}

/* ---- calls ------------------------------------------------------------------------------------
 */

/* Headers of a call: its context is the user agent, the only one that there may be. */
static struct am_view header(const void *context, const char *name) {
    const struct am_view *agent = context;
    return strcmp(name, "User-Agent") == 0 ? *agent : AM_VIEW("");
}

typedef uint64_t give_answer(const struct am_api_http_response *response, char **answer);

static uint64_t give_body(const struct am_api_http_response *response, char **answer) {
    return give(response->body, answer);
}

static uint64_t ask(struct lane *lane,
                    const struct am_api_http_request *request,
                    give_answer *give_made,
                    char **answer) {
    const uint64_t began = am_clock(CLOCK_MONOTONIC);
    am_server_answer(server, (unsigned)uwsgi.mywid, lane->core, request, &lane->exchange);
    const unsigned status = lane->exchange.response.status;
    uint64_t size = (status < 400 ? give_made : give_body)(&lane->exchange.response, answer);
    am_server_release(&lane->exchange);
    am_server_count(&lane->exchange, status, am_clock(CLOCK_MONOTONIC) - began);
    return size;
}

static struct am_view argument(const struct arguments *arguments, unsigned at) {
    if (at >= arguments->count)
        return AM_VIEW("");
    return (struct am_view){arguments->values[at], arguments->sizes[at]};
}

static bool read_length(struct am_view digits, size_t *length) {
    *length = 0;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9' || *length > (size_t)1 << 40)
            return false;
        *length = *length * 10 + (size_t)(digits.data[i] - '0');
    }
    return digits.size > 0;
}

static void refuse_body(struct am_api_http_request *request, unsigned status, const char *reason) {
    request->refused = status;
    request->reason = reason;
}

/* Takes the pieces after the length as one body; a single piece stays where it is. */
static void read_body(const struct arguments *arguments,
                      struct lane *lane,
                      struct am_api_http_request *request) {
    size_t length, sum = 0;
    if (!read_length(argument(arguments, 0), &length)) {
        refuse_body(request, 400,
                    "expected the body's length in bytes, in decimal digits, and then the body");
        return;
    }
    for (unsigned i = 1; i < arguments->count; i++)
        sum += arguments->sizes[i];
    if (sum != length)
        refuse_body(request, 400,
                    "the body has another length than its first argument says: give a body above "
                    "65535 bytes as several arguments");
    else if (length > body_limit)
        refuse_body(request, 413, "the body is longer than admatch-limit-body");
    request->body = argument(arguments, 1);
    if (arguments->count <= 2 || request->refused)
        return;
    for (unsigned i = 1, at = 0; i < arguments->count; at += arguments->sizes[i], i++)
        memcpy(lane->body + at, arguments->values[i], arguments->sizes[i]);
    request->body = (struct am_view){lane->body, length};
}

static uint64_t ask_for_ads(const char *path, const struct arguments *arguments, char **answer) {
    static const struct am_view no_agent = {"", 0};
    struct am_api_http_request request = {
        .method = AM_VIEW("POST"),
        .path = am_view_of(path),
        .has_length = true,
        .now = am_clock_seconds(),
        .transformed = true,
        .header = header,
        .header_context = &no_agent,
    };
    struct lane *lane = take_lane();
    if (!lane)
        return refuse(503, "more callers at a time than admatch-rpc allows", answer);
    read_body(arguments, lane, &request);
    uint64_t size = ask(lane, &request, give_body, answer);
    leave(lane);
    return size;
}

/* ---- the functions ----------------------------------------------------------------------------
 */

typedef uint64_t function(const struct arguments *arguments, char **answer);

static uint64_t decide(const struct arguments *arguments, char **answer) {
    return ask_for_ads("/v1/decide", arguments, answer);
}

static uint64_t bid(const struct arguments *arguments, char **answer) {
    return ask_for_ads("/openrtb2/bid", arguments, answer);
}

/* Of an event's own path; empty: it has no room for it. */
static struct am_view path_of(const struct arguments *arguments, char memory[PATH_BYTES]) {
    struct am_buffer path = am_buffer_over(memory, PATH_BYTES);
    am_buffer_literal(&path, "/v1/");
    am_buffer_view_append(&path, argument(arguments, 0));
    am_buffer_literal(&path, "/");
    am_buffer_view_append(&path, argument(arguments, 1));
    return path.overflowed ? AM_VIEW("") : am_buffer_view(&path);
}

/* KIND, TOKEN, CLIENT, AGENT and maybe QUERY. A click is a GET: it has a redirect. */
static uint64_t event(const struct arguments *arguments, char **answer) {
    char path[PATH_BYTES];
    const struct am_view agent = argument(arguments, 3);
    const bool clicks = am_view_equal(argument(arguments, 0), AM_VIEW("click"));
    const struct am_api_http_request request = {
        .method = clicks ? AM_VIEW("GET") : AM_VIEW("POST"),
        .path = path_of(arguments, path),
        .query = argument(arguments, 4),
        .has_length = true,
        .now = am_clock_seconds(),
        .peer = argument(arguments, 2),
        .transformed = true,
        .header = header,
        .header_context = &agent,
    };
    struct am_address client;
    if (arguments->count < 4 || arguments->count > 5 || !am_address_parse(request.peer, &client))
        return refuse(400,
                      "expected kind, token, the client's address, its user agent, and maybe a "
                      "query string",
                      answer);
    struct lane *lane = take_lane();
    if (!lane)
        return refuse(503, "more callers at a time than admatch-rpc allows", answer);
    uint64_t size = ask(lane, &request, give_event, answer);
    leave(lane);
    return size;
}

static const struct {
    const char *name;
    function *run;
} functions[] = {
    {"admatch.decide", decide},
    {"admatch.openrtb", bid},
    {"admatch.event", event},
};

/* uWSGI's functions take char *, but do not write to it. What it keeps for each name is our row. */
bool am_uwsgi_rpc_register(struct uwsgi_plugin *plugin) {
    for (size_t i = 0; server && i < sizeof functions / sizeof *functions; i++)
        if (uwsgi_register_rpc((char *)(uintptr_t)functions[i].name, plugin, 0,
                               (void *)(uintptr_t)&functions[i]) != 0)
            return false;
    return true;
}

/* Mules, spoolers and the master have no contexts: an app that they run may call all the same. */
uint64_t
am_uwsgi_rpc_call(void *row, uint8_t count, char **values, uint16_t *sizes, char **answer) {
    const struct arguments arguments = {count, values, sizes};
    const size_t at = (size_t)((const char *)row - (const char *)functions) / sizeof *functions;
    if (uwsgi.mywid == 0 || uwsgi.muleid)
        return refuse(503, "only workers answer calls, once they have been forked", answer);
    return functions[at].run(&arguments, answer);
}
