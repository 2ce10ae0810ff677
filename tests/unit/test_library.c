/* SPDX-License-Identifier: Apache-2.0 */
/* libadmatch as a program uses it: by its public header alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "../../plugin/include/admatch.h"

static const char good[] =
    "{\"id\":\"a1\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"trail shoes\"]}\n";
static const char newer[] =
    "{\"id\":\"b1\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"trail shoes\"]}\n";

/* An inventory in a file of its own, which is gone when this returns. */
static int32_t
open_text(const char *text, uint32_t flags, admatch_inventory **inventory, admatch_error *error) {
    char path[] = "/tmp/admatch-library-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    int32_t code = admatch_open(path, flags, inventory, error);
    unlink(path);
    return code;
}

static admatch_inventory *must_open(const char *text) {
    admatch_inventory *inventory = NULL;
    admatch_error error;
    if (open_text(text, 0, &inventory, &error) != ADMATCH_OK)
        fail_msg("open: %s", error.message);
    return inventory;
}

static admatch_session *must_start(admatch_inventory *inventory) {
    admatch_session *session = NULL;
    assert_int_equal(admatch_session_new(inventory, 0, 0, 0, &session, NULL), ADMATCH_OK);
    return session;
}

static admatch_response ask(admatch_session *session, int32_t format, const char *body) {
    admatch_response response;
    admatch_decide(session, format, body, strlen(body), 1800000000, &response);
    return response;
}

static bool says(const admatch_response *response, const char *text) {
    return memmem(response->body, response->size, text, strlen(text)) != NULL;
}

static void each_format_is_answered(void **state) {
    (void)state;
    admatch_inventory *inventory = must_open(good);
    admatch_session *session = must_start(inventory);
    static const struct {
        int32_t format;
        const char *body;
    } requests[] = {
        {ADMATCH_JSON, "{\"query\":\"trail shoes\"}"},
        {ADMATCH_TEXT, "new trail shoes"},
        {ADMATCH_HTML, "<p>new <b>trail</b> shoes"},
        {ADMATCH_QUERY, "query=trail+shoes"},
    };
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        admatch_response response = ask(session, requests[i].format, requests[i].body);
        assert_int_equal(response.status, 200);
        assert_true(says(&response, "\"ad\":\"a1\""));
        assert_true(says(&response, admatch_generation(inventory)));
    }
    admatch_response bid = ask(session, ADMATCH_OPENRTB, "{\"id\":\"1\",\"imp\":[{\"id\":\"1\"}]}");
    assert_true(bid.status == 200 || bid.status == 204 || bid.status == 400);
    admatch_session_free(session);
    admatch_close(inventory);
}

static void a_bad_request_is_an_answer(void **state) {
    (void)state;
    admatch_inventory *inventory = must_open(good);
    admatch_session *session = must_start(inventory);
    admatch_response response = ask(session, ADMATCH_JSON, "{");
    assert_int_equal(response.status, 400);
    assert_true(says(&response, "\"error\""));
    for (int32_t format = -1; format <= 5; format += 6) {
        response = ask(session, format, "");
        assert_int_equal(response.status, 400);
        assert_true(says(&response, "format"));
    }
    admatch_decide(session, ADMATCH_QUERY, NULL, 0, 0, &response);
    assert_int_equal(response.status, 200);
    assert_true(says(&response, "\"ads\":[]"));
    admatch_session_free(session);
    admatch_close(inventory);
}

static void limits_hold(void **state) {
    (void)state;
    admatch_inventory *inventory = must_open(good);
    admatch_session *session = NULL;
    assert_int_equal(admatch_session_new(inventory, 1024, 3, 10000, &session, NULL), ADMATCH_OK);
    char large[2048];
    memset(large, 'a', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    assert_int_equal(ask(session, ADMATCH_TEXT, large).status, 413);
    assert_int_equal(ask(session, ADMATCH_TEXT, "one two three four").status, 413);
    assert_int_equal(ask(session, ADMATCH_TEXT, "one two three").status, 200);
    admatch_session_free(session);
    admatch_error error = {0};
    session = NULL;
    assert_int_equal(admatch_session_new(inventory, SIZE_MAX, 0, 0, &session, &error),
                     ADMATCH_E_LIMIT);
    assert_null(session);
    assert_true(strlen(error.message) > 0);
    admatch_close(inventory);
}

/* The old inventory is closed by its opener first, and goes with the last session that leaves it.
 */
static void a_session_moves_to_a_newer_inventory(void **state) {
    (void)state;
    admatch_inventory *old = must_open(good), *other = must_open(newer);
    admatch_session *first = must_start(old), *second = must_start(old);
    admatch_close(old);
    assert_int_equal(admatch_session_move(first, other, NULL), ADMATCH_OK);
    admatch_response response = ask(first, ADMATCH_QUERY, "query=trail+shoes");
    assert_true(says(&response, "\"ad\":\"b1\""));
    response = ask(second, ADMATCH_QUERY, "query=trail+shoes");
    assert_true(says(&response, "\"ad\":\"a1\""));
    assert_int_equal(admatch_session_move(second, other, NULL), ADMATCH_OK);
    assert_int_equal(admatch_session_move(second, other, NULL), ADMATCH_OK);
    admatch_close(other);
    response = ask(second, ADMATCH_QUERY, "query=trail+shoes");
    assert_true(says(&response, "\"ad\":\"b1\""));
    admatch_session_free(first);
    admatch_session_free(second);
}

static void what_cannot_be_opened_says_why(void **state) {
    (void)state;
    admatch_inventory *inventory = NULL;
    admatch_error error = {0};
    assert_int_equal(admatch_open("/nonexistent/x", 0, &inventory, &error), ADMATCH_E_NOT_FOUND);
    assert_non_null(strstr(error.message, "/nonexistent/x"));
    assert_int_equal(admatch_open("/", 0, &inventory, &error), ADMATCH_E_IO);
    assert_int_equal(open_text("{\"id\":\"a\"}\n", 0, &inventory, &error), ADMATCH_E_INVALID);
    assert_non_null(strstr(error.message, "line 1"));
    assert_int_equal(open_text(good, 8, &inventory, &error), ADMATCH_E_INVALID);
    assert_int_equal(open_text("ADMATCH1 but no more", 0, &inventory, NULL), ADMATCH_E_INVALID);
    assert_null(inventory);
}

static void problems_are_listed(void **state) {
    (void)state;
    char text[sizeof good + 64];
    admatch_inventory *inventory = must_open(good);
    assert_string_equal(admatch_problems(inventory), "");
    admatch_close(inventory);
    inventory = NULL;
    snprintf(text, sizeof text, "%s{\"id\":\"a\033\"}\n", good);
    assert_int_equal(open_text(text, ADMATCH_SKIP_BAD_RECORDS, &inventory, NULL), ADMATCH_OK);
    assert_int_equal(strncmp(admatch_problems(inventory), "line 2: error: ", 15), 0);
    assert_null(strchr(admatch_problems(inventory), '\033'));
    admatch_close(inventory);
}

/* ---- threads ---------------------------------------------------------------------------------
 */

enum { THREADS = 4, MOVES = 20 };

static admatch_inventory *shared[2];

static void *move_and_ask(void *argument) {
    (void)argument;
    admatch_session *session = must_start(shared[0]);
    for (int i = 0; i < MOVES; i++) {
        admatch_inventory *to = shared[i % 2];
        admatch_session_move(session, to, NULL);
        admatch_response response = ask(session, ADMATCH_QUERY, "query=trail+shoes");
        if (!says(&response, i % 2 ? "\"ad\":\"b1\"" : "\"ad\":\"a1\""))
            return NULL;
    }
    admatch_session_free(session);
    return shared;
}

static void threads_share_inventories(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    shared[0] = must_open(good);
    shared[1] = must_open(newer);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, move_and_ask, NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        void *fine = NULL;
        assert_int_equal(pthread_join(threads[i], &fine), 0);
        assert_non_null(fine);
    }
    admatch_close(shared[0]);
    admatch_close(shared[1]);
}

static void it_says_what_it_is(void **state) {
    (void)state;
    assert_string_equal(admatch_version(), ADMATCH_VERSION);
    assert_int_equal(admatch_abi(), ADMATCH_ABI);
    admatch_close(NULL);
    admatch_session_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_format_is_answered),
        cmocka_unit_test(a_bad_request_is_an_answer),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(a_session_moves_to_a_newer_inventory),
        cmocka_unit_test(what_cannot_be_opened_says_why),
        cmocka_unit_test(problems_are_listed),
        cmocka_unit_test(threads_share_inventories),
        cmocka_unit_test(it_says_what_it_is),
    };
    return cmocka_run_group_tests_name("library", tests, NULL, NULL);
}
