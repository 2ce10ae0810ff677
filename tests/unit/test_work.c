/* SPDX-License-Identifier: Apache-2.0 */
/* The budget of work: what it ends is the same for every kernel and every time, says so, and never
 * shows an ad that a negative keyword would have stopped. */
#include "engine.h"
#include "xorshift.h"

#include <zlib.h>

#include "../../plugin/api/api.h"
#include "../../plugin/match/matcher.h"

static struct am_match_field field;
static struct am_match_slot slots[4] = {{.count = 2}, {.count = 2}, {.count = 2}, {.count = 2}};

static struct am_match_request request_of(const char *text) {
    field = (struct am_match_field){AM_FIELD_TEXT, 0, am_view_of(text)};
    return (struct am_match_request){.id = AM_VIEW("r"),
                                     .fields = &field,
                                     .field_count = 1,
                                     .slots = slots,
                                     .slot_count = AM_COUNT_OF(slots),
                                     .unique = AM_UNIQUE_NONE};
}

/* Broad keywords of two to four of twenty words, every third ad with labels. */
static char *inventory_of(uint32_t ads, uint64_t seed) {
    char *text = malloc(ads * 256 + 1), *at = text;
    assert_non_null(text);
    for (uint32_t i = 0; i < ads; i++) {
        at += sprintf(at, "{\"id\":\"a%u\",\"advertiser\":\"v%u\",\"bid\":%u,\"keywords\":[\"", i,
                      i % 7, 1 + i % 5);
        for (uint64_t k = 2 + xorshift64(&seed) % 3; k; k--)
            at += sprintf(at, "w%u%s", (unsigned)(xorshift64(&seed) % 20), k > 1 ? " " : "");
        at += sprintf(at, "\"]");
        if (i % 3 == 0)
            at += sprintf(at, ",\"labels\":[\"l%u\"],\"exclude_labels\":[\"l%u\"]", i % 4, i % 5);
        at += sprintf(at, "}\n");
    }
    return text;
}

static void text_of(char *text, uint32_t words, uint64_t *seed) {
    for (uint32_t i = 0; i < words; i++)
        text += sprintf(text, "w%u ", (unsigned)(xorshift64(seed) % 20));
}

static uint32_t truncated_with_every_budget(struct engine *engine,
                                            const struct am_match_request *request) {
    uint32_t truncated = 0;
    for (uint64_t limit = 16; limit < 100000; limit = limit * 5 / 4) {
        char first[4096] = "";
        uint64_t work = 0;
        engine->matcher->work.limit = limit;
        for (unsigned name = 0; name < 2 * AM_SEARCH_KERNELS; name++) {
            const struct am_search_kernel *kernel =
                am_search_kernel((enum am_search_kernel_name)(name % AM_SEARCH_KERNELS));
            if (!kernel)
                continue;
            am_matcher_set_kernel(engine->matcher, kernel);
            const char *answer = engine_decide(engine, request);
            assert_true(engine->decision.work <= limit);
            if (name == 0) {
                strcpy(first, answer);
                work = engine->decision.work;
                truncated += engine->decision.truncated;
            }
            assert_string_equal(answer, first);
            assert_int_equal(engine->decision.work, work);
        }
    }
    return truncated;
}

static void a_truncated_decision_is_the_same_for_every_kernel(void **state) {
    (void)state;
    uint64_t seed = 11;
    uint32_t truncated = 0;
    for (int round = 0; round < 8; round++) {
        char *lines = inventory_of(400, seed + 1), text[4096];
        struct engine engine;
        engine_start(&engine, lines);
        text_of(text, 30 + 60 * (uint32_t)round, &seed);
        struct am_match_request request = request_of(text);
        for (int explain = 0; explain < 2; explain++) {
            request.explain = explain;
            truncated += truncated_with_every_budget(&engine, &request);
        }
        engine.matcher->work.limit = AM_MATCH_WORK_DEFAULT;
        engine_decide(&engine, &request);
        assert_false(engine.decision.truncated);
        engine_stop(&engine);
        free(lines);
    }
    assert_true(truncated > 100);
}

/* Such a word matches nothing, so what is beyond its longest takes no steps. */
static void a_word_without_end_is_no_work(void **state) {
    (void)state;
    enum { SIZE = 1000000 };
    struct engine engine;
    engine_start(&engine, "{\"id\":\"shoes\",\"advertiser\":\"c\",\"bid\":2,\"keywords\":"
                          "[\"shoes\"]}\n");
    char *text = malloc(SIZE + 1);
    assert_non_null(text);
    memset(text, 'a', SIZE);
    strcpy(text + SIZE - 8, "7' shoes");
    struct am_match_request request = request_of(text);
    request.slot_count = 1;
    assert_string_equal(engine_decide(&engine, &request), "shoes ");
    assert_true(engine.decision.work < 20000);
    engine_stop(&engine);
    free(text);
}

/* Fails closed: an ad serves only when its negative keywords have been searched for. */
static void a_cut_search_shows_no_ad_with_negative_keywords(void **state) {
    (void)state;
    struct engine engine;
    engine_start(&engine,
                 "{\"id\":\"careful\",\"advertiser\":\"a\",\"bid\":9,\"keywords\":[\"*\",\"-used "
                 "cheap old\"]}\n"
                 "{\"id\":\"plain\",\"advertiser\":\"b\",\"bid\":1,\"keywords\":[\"*\"]}\n"
                 "{\"id\":\"shoes\",\"advertiser\":\"c\",\"bid\":2,\"keywords\":[\"shoes\"]}\n");
    char text[4096] = "shoes ";
    for (int i = 0; i < 60; i++)
        strcat(text, "that is used or cheap, ");
    strcat(text, "used, cheap and old");
    struct am_match_request request = request_of(text);
    request.explain = true;
    assert_string_equal(engine_decide(&engine, &request), "shoes plain | shoes plain | shoes plain "
                                                          "| shoes plain ");
    uint32_t cut = 0, placed = 0;
    for (uint64_t limit = 1; limit < 2000; limit++) {
        engine.matcher->work.limit = limit;
        assert_null(strstr(engine_decide(&engine, &request), "careful"));
        cut += engine.decision.rejected_by[AM_GATE_NEGATIVES_UNKNOWN] > 0;
        placed += engine.decision.truncated && engine.decision.ad_count > 0;
    }
    assert_true(cut > 0);
    assert_true(placed > 0);
    engine_stop(&engine);
}

/* Ends of spans are counted in one pass for all winners: each as if it were alone. */
static void utf16_places_are_those_of_each_winner_alone(void **state) {
    (void)state;
    struct engine engine;
    char lines[8192], *at = lines;
    for (int i = 0; i < 40; i++)
        at += sprintf(at,
                      "{\"id\":\"a%d\",\"advertiser\":\"v\",\"bid\":1,\"keywords\":[\"w%d "
                      "\xC3\xA9%d\"]}\n",
                      i, i % 8, i % 5);
    engine_start(&engine, lines);
    const char *texts[] = {"\xF0\x9F\x98\x80 w1 \xC3\xA9"
                           "1 w2 \xE2\x82\xAC\xFF\xFF w3 \xC3\xA9"
                           "2",
                           "w4 \xC3\xA9"
                           "4 w5 \xF0\x9F\x98\x80\xC3\xA9"
                           "0 w6 \xC3\xA9"
                           "1"};
    struct am_match_field fields[] = {{AM_FIELD_TITLE, 0, am_view_of(texts[0])},
                                      {AM_FIELD_TEXT, 0, am_view_of(texts[1])}};
    struct am_match_slot slot = {.count = 40};
    struct am_match_request request = {.id = AM_VIEW("r"),
                                       .fields = fields,
                                       .field_count = 2,
                                       .slots = &slot,
                                       .slot_count = 1,
                                       .unique = AM_UNIQUE_NONE};
    engine_decide(&engine, &request);
    assert_true(engine.decision.ad_count > 5);
    for (uint32_t i = 0; i < engine.decision.ad_count; i++) {
        const struct am_match_winner *ad = &engine.decision.ads[i];
        for (uint32_t s = 0; s < ad->span_count; s++) {
            const char *text = texts[ad->field];
            assert_int_equal(ad->spans[s].utf16_begin,
                             am_text_utf16_length(text, ad->spans[s].begin));
            assert_int_equal(ad->spans[s].utf16_end, am_text_utf16_length(text, ad->spans[s].end));
        }
    }
    engine_stop(&engine);
}

/* ---- what a step stands for -------------------------------------------------------------------
 *
 * Whatever an author or a client can make longer is paid for: each of these pairs differs in one
 * length only. */

static uint64_t work_of(const char *lines, const struct am_match_request *request) {
    struct engine engine;
    engine_start(&engine, lines);
    engine_decide(&engine, request);
    uint64_t work = engine.decision.work;
    engine_stop(&engine);
    return work;
}

/* Appends `"NAME":["PREFIX0","PREFIX1",...]`. */
static char *
put_names(char *at, const char *name, const char *prefix, unsigned first, unsigned count) {
    at += sprintf(at, ",\"%s\":[", name);
    for (unsigned i = 0; i < count; i++)
        at += sprintf(at, "%s\"%s%u\"", i ? "," : "", prefix, first + i);
    return at + sprintf(at, "]");
}

static void ids_of_equal_ads_are_hashed_within_the_budget(void **state) {
    (void)state;
    enum { ADS = 100 };
    uint64_t work[2];
    for (int is_long = 0; is_long < 2; is_long++) {
        char *lines = malloc(ADS * 512), *at = lines;
        for (int i = 0; i < ADS; i++)
            at += sprintf(at,
                          "{\"id\":\"%0*d\",\"advertiser\":\"a\",\"bid\":1,\"keywords\":[\"*\"]}\n",
                          is_long ? 255 : 3, i);
        struct am_match_request request = request_of("");
        work[is_long] = work_of(lines, &request);
        free(lines);
    }
    assert_true(work[1] >= work[0] + ADS * (255 / 16));
}

static void sizes_are_sought_within_the_budget(void **state) {
    (void)state;
    uint64_t work[2];
    for (unsigned many = 0; many < 2; many++) {
        char *lines = malloc(1 << 16), *at = lines;
        at += sprintf(at, "{\"id\":\"a\",\"advertiser\":\"a\",\"bid\":1,\"keywords\":[\"*\"]");
        at += sprintf(at, ",\"sizes\":[\"1x1\"");
        for (unsigned i = 0; i < many * 1000; i++)
            at += sprintf(at, ",\"2x%u\"", 1 + i);
        sprintf(at, "]}\n");
        struct am_match_slot slot = {.count = 1, .size_count = AM_MAX_SLOT_SIZES};
        for (uint32_t i = 0; i < AM_MAX_SLOT_SIZES; i++)
            slot.sizes[i] = 3 << 16 | (1 + i);
        struct am_match_request request = request_of("");
        request.slots = &slot;
        request.slot_count = 1;
        work[many] = work_of(lines, &request);
        free(lines);
    }
    assert_true(work[1] >= work[0] + AM_MAX_SLOT_SIZES);
}

static void values_are_sought_within_the_budget(void **state) {
    (void)state;
    enum { VALUES = 200 };
    static char texts[VALUES][8];
    static struct am_match_attribute attributes[VALUES];
    uint64_t work[2];
    for (unsigned i = 0; i < VALUES; i++) {
        sprintf(texts[i], "v%u", i);
        attributes[i] = (struct am_match_attribute){
            .attribute = AM_ATTRIBUTE_CITY, .key = AM_VIEW(""), .value = am_view_of(texts[i])};
    }
    for (unsigned many = 0; many < 2; many++) {
        char *lines = malloc(1 << 16), *at = lines;
        at += sprintf(at, "{\"id\":\"a\",\"advertiser\":\"a\",\"bid\":1,\"keywords\":[\"*\"],"
                          "\"targeting\":{\"os\":[\"x\"]");
        at = put_names(at, "city", "n", 0, many ? 1000 : 1);
        at += sprintf(at, "}}\n{\"id\":\"b\",\"advertiser\":\"b\",\"bid\":1,\"keywords\":[\"*\"],"
                          "\"targeting\":{\"not\":{\"os\":[\"x\"]}");
        at = put_names(at, "city", "n", 0, many ? 1000 : 1);
        at += sprintf(at, "}}\n{\"id\":\"c\",\"advertiser\":\"c\",\"bid\":1,\"keywords\":[\"*\"],"
                          "\"targeting\":{\"region\":[\"x\"]");
        at = put_names(at, "city", "v", 0, VALUES);
        sprintf(at, "}}\n");
        struct am_match_request request = request_of("");
        request.attributes = attributes;
        request.attribute_count = VALUES;
        work[many] = work_of(lines, &request);
        free(lines);
    }
    assert_true(work[1] >= work[0] + VALUES);
}

/* Which label excludes is sought in both lists. */
static void labels_are_sought_within_the_budget(void **state) {
    (void)state;
    enum { LABELS = 100 };
    uint64_t work[2];
    for (unsigned shares = 0; shares < 2; shares++) {
        char *lines = malloc(1 << 17), *at = lines;
        for (unsigned i = 0; i < 2; i++) {
            at +=
                sprintf(at, "{\"id\":\"%u\",\"advertiser\":\"%u\",\"bid\":%u,\"keywords\":[\"*\"]",
                        i, i, 9 - i);
            at = put_names(at, i ? "exclude_labels" : "labels", "l", shares ? 0 : i * LABELS,
                           LABELS);
            at += sprintf(at, "}\n");
        }
        struct am_match_request request = request_of("");
        request.unique = AM_UNIQUE_AD;
        work[shares] = work_of(lines, &request);
        free(lines);
    }
    assert_true(work[1] >= work[0] + LABELS);
}

/* C-1-1-...: each tier is looked up; after the budget, the tier that is blocked is the detail. */
static void blocked_categories_are_told_within_the_budget(void **state) {
    (void)state;
    struct engine engine;
    enum { PARTS = 15 };
    char lines[1024], *at = lines;
    at += sprintf(
        at,
        "{\"id\":\"a\",\"advertiser\":\"a\",\"bid\":1,\"keywords\":[\"*\"],\"categories\":[\"C");
    for (int i = 0; i < PARTS; i++)
        at += sprintf(at, "-1");
    sprintf(at, "\",\"D-1\"]}\n");
    const struct am_view blocked = AM_VIEW("D");
    struct am_match_request request = request_of("");
    request.blocked_categories = (struct am_match_views){&blocked, 1};
    engine_start(&engine, lines);
    engine_decide(&engine, &request);
    uint64_t without = engine.decision.work;
    request.explain = true;
    engine_decide(&engine, &request);
    assert_true(engine.decision.work >= without + PARTS);
    assert_true(am_view_equal(engine.decision.rejected[0].detail, AM_VIEW("D-1")));
    engine.matcher->work.limit = without + PARTS / 2;
    engine_decide(&engine, &request);
    assert_true(engine.decision.truncated);
    assert_true(am_view_equal(engine.decision.rejected[0].detail, AM_VIEW("D")));
    engine_stop(&engine);
}

static void sizes_are_told_within_the_budget(void **state) {
    (void)state;
    enum { SIZES = 1000 };
    struct engine engine;
    char *lines = malloc(1 << 16), *at = lines;
    at += sprintf(
        at, "{\"id\":\"a\",\"advertiser\":\"a\",\"bid\":1,\"keywords\":[\"*\"],\"sizes\":[\"1x1\"");
    for (int i = 1; i < SIZES; i++)
        at += sprintf(at, ",\"2x%d\"", i);
    sprintf(at, "]}\n");
    struct am_match_slot slot = {.count = 1, .size_count = 1, .sizes = {3 << 16 | 3}};
    struct am_match_request request = request_of("");
    request.slots = &slot;
    request.slot_count = 1;
    engine_start(&engine, lines);
    engine_decide(&engine, &request);
    uint64_t without = engine.decision.work;
    request.explain = true;
    engine_decide(&engine, &request);
    assert_true(engine.decision.work >= without + SIZES / 2);
    engine.matcher->work.limit = without + 16;
    engine_decide(&engine, &request);
    assert_true(engine.decision.truncated);
    assert_true(am_view_equal(engine.decision.rejected[0].detail, AM_VIEW("work limit")));
    engine_stop(&engine);
    free(lines);
}

/* ---- words ------------------------------------------------------------------------------------
 */

static const char stemmed[] =
    "{\"type\":\"inventory\",\"language\":\"en\",\"spelling\":true}\n"
    "{\"id\":\"a\",\"advertiser\":\"a\",\"bid\":1,\"keywords\":[\"running shoe\",\"marathon\"]}\n"
    "{\"id\":\"b\",\"advertiser\":\"b\",\"bid\":1,\"keywords\":[\"*\",\"-used shoe\"]}\n";

static uint64_t work_on(struct engine *engine, enum am_match_field_kind kind, const char *text) {
    engine_ask(engine, kind, text, 1);
    return engine->decision.work;
}

/* A word is paid for once a request, whether other requests have had it stemmed or not. */
static void stems_are_paid_for_whatever_was_asked_before(void **state) {
    (void)state;
    struct engine engine;
    char distinct[8192] = "", same[8192] = "";
    for (int i = 0; i < 200; i++) {
        sprintf(distinct + strlen(distinct), "%c%c%citions ", 'b' + i % 7, 'a' + i / 7 % 26,
                'c' + i / 182);
        strcat(same, "bacitions ");
    }
    engine_start(&engine, stemmed);
    uint64_t first = work_on(&engine, AM_FIELD_TEXT, distinct);
    assert_true(first >= work_on(&engine, AM_FIELD_TEXT, same) + 150 * 36);
    assert_int_equal(work_on(&engine, AM_FIELD_TEXT, distinct), first);
    am_matcher_trim(engine.matcher);
    assert_int_equal(work_on(&engine, AM_FIELD_TEXT, distinct), first);
    engine_stop(&engine);
}

/* Words that were not stemmed may have been negative keywords. */
static void words_beyond_the_budget_fail_closed(void **state) {
    (void)state;
    struct engine engine;
    char text[4096] = "";
    for (int i = 0; i < 50; i++)
        sprintf(text + strlen(text), "%c%citions ", 'b' + i % 7, 'a' + i / 7);
    strcat(text, "shoes used");
    engine_start(&engine, stemmed);
    engine_ask(&engine, AM_FIELD_TEXT, text, 1);
    assert_int_equal(engine.decision.rejected_by[AM_GATE_NEGATIVE_KEYWORD], 1);
    uint32_t unknown = 0;
    for (uint64_t limit = 16; limit < 8000; limit += 16) {
        engine.matcher->work.limit = limit;
        assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, text, 1), "");
        unknown += engine.decision.rejected_by[AM_GATE_NEGATIVES_UNKNOWN];
    }
    assert_true(unknown > 100);
    engine_stop(&engine);
}

static void characters_that_are_read_one_by_one_are_paid_for(void **state) {
    (void)state;
    struct engine engine;
    char ascii[2048] = "", cyrillic[2048] = "";
    for (int i = 0; i < 100; i++) {
        strcat(ascii, "bolshoj ");
        strcat(cyrillic, "\xD0\xB1\xD0\xBE\xD0\xBB ");
    }
    engine_start(&engine,
                 "{\"id\":\"a\",\"advertiser\":\"a\",\"bid\":1,\"keywords\":[\"shoe\"]}\n");
    assert_true(work_on(&engine, AM_FIELD_TEXT, cyrillic) >=
                work_on(&engine, AM_FIELD_TEXT, ascii) + 900);
    engine_stop(&engine);
}

/* The place of a broad keyword is looked for once more where words have several readings: each of
 * its words at each of the text's. */
static void places_among_readings_are_paid_for_by_words(void **state) {
    (void)state;
    uint64_t work[2];
    char text[8192] = "";
    for (int i = 0; i < 300; i++) /* a word, or one and a particle */
        strcat(text, "\xEC\x82\xAC\xEA\xB3\xBC\xEA\xB0\x80 ");
    strcat(text, "a b c d e f g h");
    for (int many = 0; many < 2; many++) {
        char lines[1024];
        struct engine engine;
        sprintf(lines,
                "{\"type\":\"inventory\",\"language\":\"ko\"}\n"
                "{\"id\":\"a\",\"advertiser\":\"a\",\"bid\":2,\"keywords\":[\"%s\"]}\n"
                "{\"id\":\"b\",\"advertiser\":\"b\",\"bid\":1,\"keywords\":["
                "\"\xEC\x82\xAC\xEA\xB3\xBC\",\"\xEC\x82\xAC\xEA\xB3\xBC\xEA\xB0\x80\"]}\n",
                many ? "a b c d e f g h" : "a b");
        engine_start(&engine, lines);
        assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, text, 1), "a ");
        work[many] = engine.decision.work;
        engine_stop(&engine);
    }
    assert_true(work[1] >= work[0] + 300 * 5 / 16);
}

static void misspelt_words_are_sought_within_the_budget(void **state) {
    (void)state;
    struct engine engine;
    engine_start(&engine, stemmed);
    uint64_t known = work_on(&engine, AM_FIELD_QUERY, "marathon");
    uint64_t misspelt = work_on(&engine, AM_FIELD_QUERY, "marathom");
    assert_int_equal(engine.decision.correction_count, 1);
    assert_true(misspelt >= known + 100);
    engine.matcher->work.limit = 100;
    work_on(&engine, AM_FIELD_QUERY, "marathom");
    assert_int_equal(engine.decision.correction_count, 0);
    assert_true(engine.decision.truncated);
    engine_stop(&engine);
}

/* ---- memory -----------------------------------------------------------------------------------
 */

static long anonymous_kilobytes(void) {
    char line[256];
    long kilobytes = -1;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    while (file && kilobytes < 0 && fgets(line, sizeof line, file))
        sscanf(line, "Anonymous: %ld", &kilobytes);
    if (file)
        fclose(file);
    return kilobytes;
}

static void what_a_large_request_used_is_given_back(void **state) {
    (void)state;
    struct engine engine;
    struct am_error error = {0};
    char *lines = inventory_of(2000, 3), *text = malloc(600000), *first = NULL;
    uint64_t seed = 5;
    engine_start(&engine, lines);
    struct am_api *api = am_api_new(&AM_API_LIMITS_DEFAULT, &error);
    assert_non_null(api);
    assert_int_equal(am_api_attach(api, engine.image, &error), AM_OK);
    text_of(text, 90000, &seed);
    const struct am_api_request request = {.content = AM_CONTENT_TEXT, .body = am_view_of(text)};
    long before = anonymous_kilobytes();
    for (int i = 0; i < 3; i++) {
        struct am_api_response response;
        am_api_decide(api, &request, &response);
        assert_int_equal(response.status, 200);
        if (i == 0) {
            first = strndup(response.body.data, response.body.size);
            assert_true(anonymous_kilobytes() > before + 1024);
        }
        assert_true(am_view_equal(response.body, am_view_of(first)));
        am_api_settle(api);
        assert_true(anonymous_kilobytes() < before + 512);
    }
    am_api_free(api);
    engine_stop(&engine);
    free(first);
    free(text);
    free(lines);
}

static size_t pack(const char *plain, size_t size, unsigned char *packed, size_t room) {
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    stream.next_in = (z_const Bytef *)plain;
    stream.avail_in = (uInt)size;
    stream.next_out = packed;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return stream.total_out;
}

/* An ad whose creative has a value for each two of its bytes. */
static char *inventory_of_a_creative(void) {
    enum { VALUES = 30000 };
    char *lines = malloc(VALUES * 2 + 256), *at = lines;
    assert_non_null(lines);
    at += sprintf(at, "{\"id\":\"a\",\"advertiser\":\"v\",\"bid\":1,\"keywords\":[\"*\"],"
                      "\"creative\":{\"adm\":\"\",\"values\":[0");
    for (int i = 0; i < VALUES; i++)
        at += sprintf(at, ",0");
    sprintf(at, "]}}\n");
    return lines;
}

/* What each of them keeps is little, and in memory of its own. */
static void what_different_requests_used_is_given_back(void **state) {
    (void)state;
    enum { ROOM = 1200000, BODY = 60000, MOST = 1024 };
    static const char bids[] = "{\"id\":\"1\",\"imp\":[{\"id\":\"1\",\"banner\":{}}]}";
    struct engine engine;
    struct am_error error = {0};
    char *lines = inventory_of_a_creative(), *text = malloc(ROOM);
    unsigned char packed[8192];
    engine_start(&engine, lines);
    struct am_api *api = am_api_new(&AM_API_LIMITS_DEFAULT, &error);
    assert_non_null(api);
    assert_int_equal(am_api_attach(api, engine.image, &error), AM_OK);
    memset(text, ' ', ROOM);
    for (size_t i = 0; i < BODY; i += 2)
        text[i] = 'a';
    size_t size = pack(text, ROOM, packed, sizeof packed);
    const struct am_api_request requests[] = {
        {.content = AM_CONTENT_TEXT, .body = {(char *)packed, size}, .gzip = true},
        {.content = AM_CONTENT_OPENRTB, .body = AM_VIEW(bids)},
        {.content = AM_CONTENT_TEXT, .body = {text, BODY}},
    };
    static const unsigned statuses[] = {413, 200, 200};
    long before = anonymous_kilobytes();
    for (size_t i = 0; i < 2 * AM_COUNT_OF(requests); i++) {
        struct am_api_response response;
        am_api_decide(api, &requests[i % AM_COUNT_OF(requests)], &response);
        assert_int_equal(response.status, statuses[i % AM_COUNT_OF(requests)]);
        am_api_settle(api);
        assert_true(anonymous_kilobytes() < before + MOST);
    }
    am_api_free(api);
    engine_stop(&engine);
    free(text);
    free(lines);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_truncated_decision_is_the_same_for_every_kernel),
        cmocka_unit_test(a_word_without_end_is_no_work),
        cmocka_unit_test(a_cut_search_shows_no_ad_with_negative_keywords),
        cmocka_unit_test(utf16_places_are_those_of_each_winner_alone),
        cmocka_unit_test(ids_of_equal_ads_are_hashed_within_the_budget),
        cmocka_unit_test(sizes_are_sought_within_the_budget),
        cmocka_unit_test(values_are_sought_within_the_budget),
        cmocka_unit_test(labels_are_sought_within_the_budget),
        cmocka_unit_test(blocked_categories_are_told_within_the_budget),
        cmocka_unit_test(sizes_are_told_within_the_budget),
        cmocka_unit_test(stems_are_paid_for_whatever_was_asked_before),
        cmocka_unit_test(words_beyond_the_budget_fail_closed),
        cmocka_unit_test(characters_that_are_read_one_by_one_are_paid_for),
        cmocka_unit_test(places_among_readings_are_paid_for_by_words),
        cmocka_unit_test(misspelt_words_are_sought_within_the_budget),
        cmocka_unit_test(what_a_large_request_used_is_given_back),
        cmocka_unit_test(what_different_requests_used_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
