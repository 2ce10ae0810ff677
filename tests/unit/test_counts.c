/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds of what is done outside of the budget of work, by counts of the calls that do it: the
 * linker puts functions of this test before them. */
#include "engine.h"

#include "../../plugin/api/api.h"
#include "../../plugin/base/hash.h"
#include "../../plugin/base/json.h"
#include "../../plugin/text/words.h"

uint32_t __real_am_text_utf16_length(const char *text, size_t size);
uint32_t __wrap_am_text_utf16_length(const char *text, size_t size);

int __real_memcmp(const void *a, const void *b, size_t size);
int __wrap_memcmp(const void *a, const void *b, size_t size);
int __real_bcmp(const void *a, const void *b, size_t size);
int __wrap_bcmp(const void *a, const void *b, size_t size);

/* ---- spans ------------------------------------------------------------------------------------
 */

static size_t counted; /* bytes */

uint32_t __wrap_am_text_utf16_length(const char *text, size_t size) {
    counted += size;
    return __real_am_text_utf16_length(text, size);
}

enum { ADS = 64, WORDS = 8, FILLER = 20000 };

/* A reference is longer than what it stands for: its end is counted after the next one's begin. */
static void places_of_references_are_counted_once(void **state) {
    (void)state;
    struct engine engine;
    struct am_error error = {0};
    struct am_api_response response;
    char *lines = malloc(ADS * 128), *at = lines, *text = malloc(FILLER + 1024);
    for (int i = 0; i < ADS; i++)
        at += sprintf(
            at,
            "{\"id\":\"a%d\",\"advertiser\":\"v%d\",\"bid\":1,\"keywords\":[\"\\\"a a a a a "
            "a a a\\\"\"]}\n",
            i, i);
    at = text + sprintf(text, "{\"count\":%d,\"text\":\"", ADS);
    memset(at, '.', FILLER);
    at += FILLER - 1000;
    for (int i = 0; i < WORDS; i++)
        at += sprintf(at, "&#97; ");
    sprintf(at, "\"}");
    engine_start(&engine, lines);
    struct am_api *api = am_api_new(&AM_API_LIMITS_DEFAULT, &error);
    assert_non_null(api);
    assert_int_equal(am_api_attach(api, engine.image, &error), AM_OK);
    const struct am_api_request request = {.content = AM_CONTENT_JSON, .body = am_view_of(text)};
    counted = 0;
    am_api_decide(api, &request, &response);
    assert_int_equal(response.status, 200);
    assert_int_equal(response.decision->ad_count, ADS);
    assert_int_equal(response.decision->ads[0].span_count, WORDS);
    assert_true(counted < (size_t)4 * FILLER);
    am_api_free(api);
    engine_stop(&engine);
    free(text);
    free(lines);
}

/* ---- names of members -------------------------------------------------------------------------
 */

static size_t compared; /* calls */

int __wrap_memcmp(const void *a, const void *b, size_t size) {
    compared++;
    return __real_memcmp(a, b, size);
}

/* What a compiler makes of memcmp() == 0. */
int __wrap_bcmp(const void *a, const void *b, size_t size) {
    compared++;
    return __real_bcmp(a, b, size);
}

/* All of one size, and of one slot of a table of 4,096. */
static void keys_of_one_slot_are_told_apart_by_their_hashes(void **state) {
    (void)state;
    enum { KEYS = 200 };
    static struct am_json_node nodes[2 * KEYS + 1];
    char text[KEYS * 32], *at = text;
    struct am_json json;
    struct am_error error;
    for (unsigned number = 1000000, found = 0; found < KEYS; number++) {
        char key[16];
        sprintf(key, "%u", number);
        uint64_t hash = am_hash_fnv1a(AM_FNV1A_START, key, strlen(key));
        if (am_hash_mix(hash, hash) % 4096 == 0)
            at += sprintf(at, "%s\"%s\":0", found++ ? "," : "{", key);
    }
    strcpy(at, "}");
    assert_int_equal(am_json_parse(am_view_of(text), nodes, AM_COUNT_OF(nodes), &json, &error),
                     AM_OK);
    compared = 0;
    assert_null(am_json_duplicate_key(&json));
    assert_true(compared < KEYS);
}

/* ---- pages for people -------------------------------------------------------------------------
 */

static void a_page_shows_a_bounded_amount_of_creatives(void **state) {
    (void)state;
    enum { MANY = 40, CREATIVE = 60000 };
    struct engine engine;
    struct am_error error = {0};
    struct am_api_response response;
    char *lines = malloc(MANY * (CREATIVE + 256)), *at = lines, *creative = malloc(CREATIVE + 1);
    memset(creative, 'x', CREATIVE);
    creative[CREATIVE] = '\0';
    for (int i = 0; i < MANY; i++)
        at += sprintf(at,
                      "{\"id\":\"a%d\",\"advertiser\":\"v%d\",\"bid\":1,\"keywords\":[\"*\"],"
                      "\"creative\":{\"note\":\"%s\"}}\n",
                      i, i, creative);
    engine_start(&engine, lines);
    struct am_api *api = am_api_new(&AM_API_LIMITS_DEFAULT, &error);
    assert_non_null(api);
    assert_int_equal(am_api_attach(api, engine.image, &error), AM_OK);
    const struct am_api_request request = {.content = AM_CONTENT_QUERY_STRING,
                                           .body = AM_VIEW("count=40")};
    am_api_preview(api, &request, &response);
    assert_int_equal(response.status, 200);
    assert_int_equal(response.decision->ad_count, MANY);
    assert_in_range(response.body.size, 17 * CREATIVE, 19 * CREATIVE);
    assert_non_null(memmem(response.body.data, response.body.size, "has room for", 12));
    am_api_free(api);
    engine_stop(&engine);
    free(creative);
    free(lines);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_of_references_are_counted_once),
        cmocka_unit_test(a_page_shows_a_bounded_amount_of_creatives),
        cmocka_unit_test(keys_of_one_slot_are_told_apart_by_their_hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
