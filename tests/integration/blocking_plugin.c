/* SPDX-License-Identifier: Apache-2.0 */
/* A request plugin that blocks, for tests of those who run it: sleeps as many milliseconds as the
 * query string says, then answers "core N". It also has a signal for all workers, 17, raised by a
 * timer each second, and logs where it is handled. */
#include <uwsgi.h>

extern struct uwsgi_server uwsgi;
extern struct uwsgi_plugin blocking_plugin;

enum { MODIFIER = 67, SIGNAL = 17 };

static int answer(struct wsgi_request *request) {
    char body[32], query[16] = "";
    if (uwsgi_parse_vars(request))
        return -1;
    size_t size = request->query_string_len < sizeof query ? request->query_string_len : 0;
    memcpy(query, request->query_string, size);
    usleep((useconds_t)atoi(query) * 1000);
    int length = snprintf(body, sizeof body, "core %d", request->async_id);
    char status[] = "200 OK", type[] = "text/plain";
    if (uwsgi_response_prepare_headers(request, status, sizeof status - 1) ||
        uwsgi_response_add_content_type(request, type, sizeof type - 1) ||
        uwsgi_response_add_content_length(request, (uint64_t)length) ||
        uwsgi_response_write_body_do(request, body, (size_t)length))
        return -1;
    return UWSGI_OK;
}

static void finished(struct wsgi_request *request) {
    log_request(request);
}

static void register_signal(void) {
    char receiver[] = "workers";
    if (uwsgi_register_signal(SIGNAL, receiver, &blocking_plugin, MODIFIER) ||
        uwsgi_add_timer(SIGNAL, 1))
        uwsgi_log("blocking plugin: no signal\n");
}

static int handle_signal(uint8_t number, void *handler) {
    uwsgi_log("blocking plugin: signal %d in worker %d, %s\n", number, uwsgi.mywid,
              handler == &blocking_plugin ? "its own" : "another's");
    return 0;
}

struct uwsgi_plugin blocking_plugin = {
    .name = "blocking",
    .modifier1 = MODIFIER,
    .preinit_apps = register_signal,
    .request = answer,
    .after_request = finished,
    .signal_handler = handle_signal,
};
