/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the request reader: one with memory of the exact size, so that a sanitizer sees a
 * step beyond it. */
#ifndef AM_TESTS_API_READER_H
#define AM_TESTS_API_READER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "../../plugin/api/request.h"
#include "api_inventory.h"

enum { CLOCK = 1000000 };

struct fixture {
    struct am_api_request_reader reader;
    struct served served; /* an image, for the time zones in it */
    char *body;
    bool test;
    struct am_error error;
};

typedef enum am_code
read_body(struct am_api_request_reader *reader, struct am_view body, struct am_error *error);

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->reader.nodes = calloc(AM_REQUEST_MAX_NODES, sizeof *fixture->reader.nodes);
    assert_non_null(fixture->reader.nodes);
    fixture->reader.body_limit = 1 << 20;
    const struct am_api_limits limits = {1 << 16, 1000, 0, 0};
    assert_true(
        start_serving(&fixture->served,
                      AM_VIEW("{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"a\"]}"),
                      &limits, &fixture->error));
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    stop_serving(&fixture->served);
    free(fixture->reader.nodes);
    free(fixture->reader.text);
    free(fixture->body);
    free(fixture);
    return 0;
}

static enum am_code read_bytes(struct fixture *fixture, read_body *read, struct am_view bytes) {
    free(fixture->reader.text);
    free(fixture->body);
    fixture->reader.text = malloc(am_api_request_text_size(bytes.size) + 1);
    fixture->body = malloc(bytes.size + 1);
    assert_true(fixture->reader.text && fixture->body);
    memcpy(fixture->body, bytes.data, bytes.size);
    fixture->error = (struct am_error){0};
    am_api_request_start(&fixture->reader, fixture->served.image, CLOCK, fixture->test);
    enum am_code code =
        read(&fixture->reader, (struct am_view){fixture->body, bytes.size}, &fixture->error);
    assert_true(fixture->reader.text_used <= am_api_request_text_size(bytes.size));
    assert_int_equal(code, fixture->error.code);
    return code;
}

static const struct am_match_request *
accepted(struct fixture *fixture, read_body *read, const char *body) {
    if (read_bytes(fixture, read, am_view_of(body)) != AM_OK)
        fail_msg("%s: %s at %s", body, fixture->error.message, fixture->error.where);
    return &fixture->reader.request;
}

struct refusal {
    const char *body;
    enum am_code code;
    const char *where, *message;
};

static void assert_refused(struct fixture *fixture, read_body *read, const struct refusal *wanted) {
    enum am_code code = read_bytes(fixture, read, am_view_of(wanted->body));
    if (code != wanted->code)
        fail_msg("%s: code %d instead of %d: %s", wanted->body, code, wanted->code,
                 fixture->error.message);
    assert_string_equal(fixture->error.where, wanted->where);
    assert_string_equal(fixture->error.message, wanted->message);
}

static void assert_view(struct am_view found, const char *wanted) {
    if (!am_view_equal(found, am_view_of(wanted)))
        fail_msg("found \"%.*s\" instead of \"%s\"", AM_VIEW_ARGUMENTS(found), wanted);
}

static void assert_field(const struct am_match_request *request,
                         uint32_t at,
                         enum am_match_field_kind kind,
                         uint32_t index,
                         const char *text) {
    assert_true(at < request->field_count);
    assert_int_equal(request->fields[at].kind, kind);
    assert_int_equal(request->fields[at].index, index);
    assert_view(request->fields[at].text, text);
}

static void assert_attribute(const struct am_match_request *request,
                             uint32_t at,
                             enum am_model_attribute attribute,
                             const char *key,
                             const char *value) {
    assert_true(at < request->attribute_count);
    assert_int_equal(request->attributes[at].attribute, attribute);
    assert_view(request->attributes[at].key, key);
    assert_view(request->attributes[at].value, value);
}

#endif
