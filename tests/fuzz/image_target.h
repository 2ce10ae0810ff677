/* SPDX-License-Identifier: Apache-2.0 */
/* For fuzz targets that make images: what must hold of any image that the deep check passes. */
#ifndef AM_TESTS_FUZZ_IMAGE_TARGET_H
#define AM_TESTS_FUZZ_IMAGE_TARGET_H

#include <stdio.h>

#include "../../plugin/api/api.h"
#include "../../plugin/api/render.h"
#include "../../plugin/base/json.h"
#include "../../plugin/index/builder.h"
#include "image_search.h"

/* A zone with daylight saving time, and UTC: an image of all zones would be mostly zones. */
static inline const struct am_timezones *fuzz_few_zones(void) {
    static struct am_timezones *zones;
    if (!zones)
        zones = am_timezones_load("/usr/share/zoneinfo/Arctic", NULL);
    fuzz_require(zones != NULL);
    return zones;
}

/* Requests that go every way through an image made from words a to f and the attributes below. */
static const char *const fuzz_requests[] = {
    "{\"query\":\"a b c\",\"explain\":true}",
    "{\"text\":\"d e f a b c d e f running caf\\u00e9 a a b b c c e d c b a f f e e d d a c e b d "
    "f\",\"explain\":true,"
    "\"slots\":[{\"id\":\"s\",\"count\":3,\"size\":[\"1x1\"],\"floor\":0.5},{\"id\":\"t\","
    "\"count\":"
    "100}]}",
    "{\"keywords\":[\"a\",\"a b\",\"f\"],\"title\":\"b c\",\"url\":\"https://x.example/a/b?c=d\","
    "\"unique\":\"none\",\"slots\":[{\"id\":\"s\",\"count\":9}],\"now\":\"2026-11-21T05:00:00Z\","
    "\"context\":{\"country\":\"US\",\"device\":[\"mobile\"],\"kv\":{\"k\":[\"v\"]},"
    "\"timezone\":\"UTC\"},"
    "\"block\":{\"advertisers\":[\"acme\"],\"categories\":[\"IAB7\"],\"domains\":[\"b.c\"]}}",
};

static void fuzz_require_json(struct am_view text) {
    enum { NODES = 1 << 18 };
    static struct am_json_node nodes[NODES];
    struct am_json json;
    fuzz_require(am_json_parse(text, nodes, NODES, &json, NULL) == AM_OK);
}

/* ---- requests of bytes ------------------------------------------------------------------------
 */

static void fuzz_ask_api(struct am_api *api, enum am_api_content content, const char *body) {
    const struct am_api_request request = {
        .content = content, .body = am_view_of(body), .now = 1792497600, .test = true};
    struct am_api_response response;
    am_api_decide(api, &request, &response);
    /* 204: OpenRTB's answer without a bid; 422: its currency is not the image's; 500: the answer
     * does not fit. */
    fuzz_require(
        response.status == 200 || response.status == 500 ||
        (content == AM_CONTENT_OPENRTB && (response.status == 204 || response.status == 422)));
    if (response.status != 204)
        fuzz_require_json(response.body);
}

static void fuzz_ask_bytes(const struct am_image *image) {
    static const struct am_api_limits limits = {1 << 16, 1000, 0, 0};
    static struct am_api *api;
    if (!api)
        api = am_api_new(&limits, NULL);
    fuzz_require(api != NULL);
    fuzz_require(am_api_attach(api, image, NULL) == AM_OK);
    for (size_t i = 0; i < AM_COUNT_OF(fuzz_requests); i++)
        fuzz_ask_api(api, AM_CONTENT_JSON, fuzz_requests[i]);
    fuzz_ask_api(api, AM_CONTENT_OPENRTB,
                 "{\"id\":\"1\",\"test\":1,\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":1,\"h\":1}}],"
                 "\"site\":{\"keywords\":\"a b c,running\",\"content\":{\"title\":\"d e f\"}}}");
    const struct am_api_request form = {.content = AM_CONTENT_QUERY_STRING,
                                        .body = AM_VIEW("text=d+e+f+a+b+c&query=a&count=9"),
                                        .now = 1792497600};
    struct am_api_response page;
    am_api_preview(api, &form, &page);
    fuzz_require(page.status == 200 || page.status == 500);
}

/* ---- a request made of the image --------------------------------------------------------------
 *
 * Its texts are the image's keywords and words, its attributes and blocks the image's terms: more
 * ways are gone than by any request that does not know the image. */

enum { FUZZ_TEXTS = 64, FUZZ_TERMS = 64, FUZZ_TEXT_BYTES = 1 << 13, FUZZ_TEXT_WORDS = 1 << 11 };

struct fuzz_question {
    struct am_match_field fields[FUZZ_TEXTS + 2];
    struct am_match_attribute attributes[FUZZ_TERMS];
    struct am_view blocked[FUZZ_TERMS];
    struct am_match_slot slots[2];
    struct am_match_request request;
    char words[FUZZ_TEXT_BYTES];
};

/* All words, there and back. */
static struct am_view fuzz_all_words(const struct am_image *image, char *memory) {
    struct am_buffer text = am_buffer_over(memory, FUZZ_TEXT_BYTES);
    uint32_t count = fuzz_at_most(image->settings->word_count);
    for (uint32_t i = 0; i < 2 * count; i++) {
        uint32_t word = i < count ? i : 2 * count - 1 - i;
        am_buffer_view_append(&text, am_image_string(image, image->words[word].text));
        am_buffer_literal(&text, " ");
    }
    return am_buffer_view(&text);
}

static void fuzz_put_texts(const struct am_image *image, struct fuzz_question *question) {
    struct am_match_field *fields = question->fields;
    uint32_t count = 0;
    for (uint64_t i = 0; i < image->posting_count && count < FUZZ_TEXTS; i++)
        fields[count++] =
            (struct am_match_field){.kind = i % 2 ? AM_FIELD_QUERY : AM_FIELD_KEYWORD,
                                    .text = am_image_string(image, image->keywords[i].text)};
    fields[count++] = (struct am_match_field){.kind = AM_FIELD_TEXT,
                                              .text = fuzz_all_words(image, question->words)};
    question->request.fields = fields;
    question->request.field_count = count;
}

/* Every second advertiser, category or domain is blocked. */
static void fuzz_put_terms(const struct am_image *image, struct fuzz_question *question) {
    struct am_match_request *request = &question->request;
    uint32_t attributes = 0, blocked = 0;
    for (uint64_t i = 0; i < image->term_count && i < FUZZ_TERMS; i++) {
        const struct am_image_term *term = &image->terms[i];
        struct am_view text = am_image_string(image, term->text), key = {"", 0};
        if (term->kind == AM_TERM_ATTRIBUTE + AM_ATTRIBUTE_KV)
            key = am_image_string(image, image->terms[term->key].text);
        if (term->kind < AM_TERM_ATTRIBUTE + AM_ATTRIBUTES)
            question->attributes[attributes++] = (struct am_match_attribute){
                (enum am_model_attribute)(term->kind - AM_TERM_ATTRIBUTE), key, text};
        else if (i % 2)
            question->blocked[blocked++] = text;
    }
    request->attributes = question->attributes;
    request->attribute_count = attributes;
    request->blocked_advertisers = request->blocked_categories = request->blocked_domains =
        (struct am_match_views){question->blocked, blocked};
}

static void fuzz_put_slots(const struct am_image *image, struct fuzz_question *question) {
    struct am_match_slot *slots = question->slots;
    slots[0] = (struct am_match_slot){.count = 3, .floor = 1};
    slots[1] = (struct am_match_slot){.count = 100};
    for (uint32_t i = 0; i < fuzz_at_most(image->settings->ad_count); i++) {
        struct am_image_list sizes = am_image_list_at(image, image->ads[i].sizes);
        if (sizes.count && slots[0].size_count < AM_MAX_SLOT_SIZES)
            slots[0].sizes[slots[0].size_count++] = sizes.items[0];
    }
    question->request.slots = slots;
    question->request.slot_count = 2;
}

static void fuzz_ask_matcher(struct am_matcher *matcher, const struct am_match_request *request) {
    enum { ANSWER = 1 << 22 };
    static char memory[ANSWER];
    struct am_buffer answer = am_buffer_over(memory, ANSWER);
    struct am_match_decision decision;
    if (am_match_decide(matcher, request, &decision, NULL) != AM_OK)
        return; /* too many words */
    am_api_render_decision(&answer, matcher->image, request, &decision, NULL, NULL, true);
    if (!answer.overflowed)
        fuzz_require_json(am_buffer_view(&answer));
}

static void fuzz_ask_questions(struct am_matcher *matcher) {
    static struct fuzz_question question;
    struct am_match_request *request = &question.request;
    question = (struct fuzz_question){.request = {.id = AM_VIEW("r"), .now = 1792497600}};
    fuzz_put_slots(matcher->image, &question);
    fuzz_put_texts(matcher->image, &question);
    for (int round = 0; round < 4; round++) {
        request->explain = round & 1;
        request->unique = (enum am_model_unique)round;
        if (round == 2)
            fuzz_put_terms(matcher->image, &question);
        fuzz_ask_matcher(matcher, request);
    }
}

/* ---- all of it --------------------------------------------------------------------------------
 */

/* Searches and decides with the image, which must have passed the deep check. As in a server, one
 * working memory serves one image after the other. */
static void fuzz_use_image(const struct am_image *image) {
    static const struct am_matcher_limits limits = {1 << 17, FUZZ_TEXT_WORDS, 0};
    static struct am_matcher *matcher;
    struct am_error error = {0};
    if (!matcher)
        matcher = am_matcher_new(&limits, NULL);
    fuzz_require(matcher != NULL);
    /* Refusal is fine: a language that this machine does not know. */
    if (am_matcher_attach(matcher, image, &error) != AM_OK) {
        fuzz_require(error.message[0]);
        return;
    }
    fuzz_search_image(matcher);
    am_matcher_set_kernel(matcher, am_search_kernel_best());
    fuzz_ask_questions(matcher);
    fuzz_ask_bytes(image);
}

#endif
