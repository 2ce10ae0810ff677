/* SPDX-License-Identifier: Apache-2.0 */
/* Bid requests as senders really write them: every member that is read, with every value that is
 * odd. The table of kinds below is docs/OPENRTB.md's, not the reader's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "api_inventory.h"

#define INVENTORY                                                                                  \
    "{\"type\":\"inventory\",\"currency\":\"USD\",\"language\":\"en\"}\n"                          \
    "{\"id\":\"any\",\"advertiser\":\"5\",\"bid\":9,\"keywords\":[\"*\"],"                         \
    "\"creative\":{\"adm\":\"<b>\"}}\n"

static int set_up(void **state) {
    struct served *served = malloc(sizeof *served);
    struct am_error error = {0};
    assert_non_null(served);
    if (!start_serving(served, AM_VIEW(INVENTORY), &AM_API_LIMITS_DEFAULT, &error))
        fail_msg("%s", error.message);
    *state = served;
    return 0;
}

static int tear_down(void **state) {
    stop_serving(*state);
    free(*state);
    return 0;
}

static struct am_api_response ask(void **state, struct am_view body) {
    struct served *served = *state;
    const struct am_api_request request = {
        .content = AM_CONTENT_OPENRTB, .body = body, .now = 1792497600};
    struct am_api_response response;
    am_api_decide(served->api, &request, &response);
    return response;
}

/* ---- what was understood -------------------------------------------------------------------- */

enum { TEXT_SIZE = 16384 };

static void add_views(struct am_buffer *out, const char *name, struct am_match_views views) {
    am_buffer_view_append(out, am_view_of(name));
    for (uint32_t i = 0; i < views.count; i++)
        am_buffer_json_string(out, views.items[i]);
}

static void add_creatives(struct am_buffer *out, const struct am_match_creatives *creatives) {
    const uint64_t asked[] = {creatives->needed, creatives->secure, creatives->transparent,
                              creatives->interstitial, creatives->taxonomy};
    for (size_t i = 0; i < AM_COUNT_OF(asked); i++)
        am_buffer_unsigned(out, asked[i]);
    for (int kind = 0; kind < AM_CREATIVE_KINDS; kind++) {
        const struct am_match_media *media = &creatives->media[kind];
        const uint64_t of_kind[] = {
            media->asked,    media->blocked_attributes, media->apis,     media->mimes,
            media->position, media->blocked_types,      media->shortest, media->longest};
        for (size_t i = 0; i < AM_COUNT_OF(of_kind); i++) {
            am_buffer_literal(out, " ");
            am_buffer_unsigned(out, of_kind[i]);
        }
    }
}

static void add_slots(struct am_buffer *out, const struct am_match_request *request) {
    for (uint32_t i = 0; i < request->slot_count; i++) {
        const struct am_match_slot *slot = &request->slots[i];
        am_buffer_literal(out, " slot ");
        am_buffer_json_string(out, slot->id);
        am_buffer_decimal(out, slot->floor, 6);
        am_buffer_literal(out, " in ");
        am_buffer_json_string(out, slot->placement);
        add_creatives(out, &slot->creatives);
        for (uint32_t k = 0; k < slot->size_count; k++) {
            am_buffer_literal(out, " ");
            am_buffer_unsigned(out, slot->sizes[k]);
        }
    }
}

/* The request for a decision, written out; "no bid" where none was made, "refused" for an error. */
static void write_understood(struct am_api_response response, char text[TEXT_SIZE]) {
    struct am_buffer out = am_buffer_over(text, TEXT_SIZE);
    const struct am_match_request *request = response.request;
    assert_true(response.status == 200 || response.status == 204 || response.status == 400);
    if (!request) {
        am_buffer_view_append(&out,
                              response.status == 400 ? AM_VIEW("refused") : AM_VIEW("no bid"));
    } else {
        am_buffer_json_string(&out, request->id);
        for (uint32_t i = 0; i < request->field_count; i++) {
            am_buffer_literal(&out, " field ");
            am_buffer_unsigned(&out, request->fields[i].kind);
            am_buffer_json_string(&out, request->fields[i].text);
        }
        for (uint32_t i = 0; i < request->attribute_count; i++) {
            am_buffer_literal(&out, " attribute ");
            am_buffer_unsigned(&out, request->attributes[i].attribute);
            am_buffer_json_string(&out, request->attributes[i].key);
            am_buffer_json_string(&out, request->attributes[i].value);
        }
        add_slots(&out, request);
        add_views(&out, " advertisers ", request->blocked_advertisers);
        add_views(&out, " categories ", request->blocked_categories);
        add_views(&out, " domains ", request->blocked_domains);
        add_views(&out, request->restricts_seats ? " seats " : " any seat ", request->seats);
        add_views(&out, request->restricts_categories ? " allowed " : " any category ",
                  request->allowed_categories);
        am_buffer_literal(&out, " unique ");
        am_buffer_unsigned(&out, request->unique);
    }
    am_buffer_literal(&out, "\0");
    assert_false(out.overflowed);
}

/* ---- the table ------------------------------------------------------------------------------ */

enum kind { TEXT, NUMBER, FLAG, LIST, NUMBERS, KEYWORDS, OBJECT };
/* What a value that cannot be read is: as if it was not there; forbidding; or making the user
 * private. */
enum unreadable { PASSED_OVER, FORBIDS, PROTECTS, REFUSED };

static const struct row {
    const char *label;
    const char *request; /* with %s for the value */
    const char *value;   /* a good one, without quotes and brackets */
    enum kind kind;
    enum unreadable unreadable;
} rows[] = {
#define IMP "\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":5,\"h\":5}}]"
#define ROOT(members) "{\"id\":\"r\"," IMP "," members "}"
#define IN_IMP(members)                                                                            \
    "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{\"w\":5,\"h\":5}," members "}]}"
#define IN_BANNER(members) "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{" members "}}]}"
#define WITH_USER(members) ROOT("\"user\":{\"keywords\":\"private\"}," members)
    {"id", "{\"id\":%s," IMP "}", "5", TEXT, REFUSED},
    {"imp", "{\"id\":\"r\",\"imp\":%s}", "{\"id\":\"1\",\"banner\":{}}", OBJECT, REFUSED},
    {"site", ROOT("\"site\":%s"), "{\"domain\":\"a.example\"}", OBJECT, PASSED_OVER},
    {"app", ROOT("\"app\":%s"), "{\"bundle\":\"5\"}", OBJECT, PASSED_OVER},
    {"dooh", ROOT("\"dooh\":%s"), "{\"domain\":\"a.example\"}", OBJECT, PASSED_OVER},
    {"device", WITH_USER("\"device\":%s"), "{\"os\":\"5\"}", OBJECT, PROTECTS},
    {"user", ROOT("\"user\":%s"), "{\"keywords\":\"5\"}", OBJECT, PASSED_OVER},
    {"regs", WITH_USER("\"regs\":%s"), "{\"gdpr\":1}", OBJECT, PROTECTS},
    {"cur", ROOT("\"cur\":%s"), "USD", LIST, FORBIDS},
    {"wlang", ROOT("\"wlang\":%s"), "en", LIST, FORBIDS},
    {"wlangb", ROOT("\"wlangb\":%s"), "en-GB", LIST, FORBIDS},
    {"cattax", ROOT("\"cattax\":%s"), "2", NUMBER, FORBIDS},
    {"acat", ROOT("\"acat\":%s"), "5", LIST, FORBIDS},
    {"bcat", ROOT("\"bcat\":%s"), "5", LIST, FORBIDS},
    {"badv", ROOT("\"badv\":%s"), "5", LIST, FORBIDS},
    {"bapp", ROOT("\"bapp\":%s"), "5", LIST, FORBIDS},
    {"bseat", ROOT("\"bseat\":%s"), "5", LIST, FORBIDS},
    {"wseat", ROOT("\"wseat\":%s"), "5", LIST, FORBIDS},
    {"test", ROOT("\"test\":%s"), "1", FLAG, FORBIDS},
    {"ext", ROOT("\"ext\":%s"), "{\"admatch\":{\"unique\":\"none\"}}", OBJECT, PASSED_OVER},
    {"ext.admatch", ROOT("\"ext\":{\"admatch\":%s}"), "{\"unique\":\"none\"}", OBJECT, PASSED_OVER},
    {"ext.admatch.text", ROOT("\"ext\":{\"admatch\":{\"text\":%s}}"), "5", TEXT, PASSED_OVER},
    {"ext.admatch.unique", ROOT("\"ext\":{\"admatch\":{\"unique\":%s}}"), "none", TEXT,
     PASSED_OVER},
    {"ext.admatch.explain", ROOT("\"ext\":{\"admatch\":{\"explain\":%s}}"), "1", FLAG, PASSED_OVER},
    {"imp.id", "{\"id\":\"r\",\"imp\":[{\"id\":%s,\"banner\":{}}]}", "5", TEXT, FORBIDS},
    {"imp.banner", "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":%s}]}", "{\"w\":5,\"h\":5}",
     OBJECT, FORBIDS},
    {"imp.bidfloor", IN_IMP("\"bidfloor\":%s"), "5", NUMBER, FORBIDS},
    {"imp.bidfloorcur", IN_IMP("\"bidfloor\":1,\"bidfloorcur\":%s"), "USD", TEXT, FORBIDS},
    {"imp.pmp", IN_IMP("\"pmp\":%s"), "{\"private_auction\":0}", OBJECT, FORBIDS},
    {"imp.secure", IN_IMP("\"secure\":%s"), "1", FLAG, FORBIDS},
    {"imp.instl", IN_IMP("\"instl\":%s"), "1", FLAG, FORBIDS},
    {"imp.tagid", IN_IMP("\"tagid\":%s"), "5", TEXT, PASSED_OVER},
    {"banner.w", IN_BANNER("\"h\":5,\"w\":%s"), "5", NUMBER, PASSED_OVER},
    {"banner.h", IN_BANNER("\"w\":5,\"h\":%s"), "5", NUMBER, PASSED_OVER},
    {"banner.format", IN_BANNER("\"format\":%s"), "{\"w\":5,\"h\":5}", OBJECT, PASSED_OVER},
    {"banner.battr", IN_BANNER("\"battr\":%s"), "5", NUMBERS, FORBIDS},
    {"banner.btype", IN_BANNER("\"btype\":%s"), "5", NUMBERS, FORBIDS},
    {"banner.mimes", IN_BANNER("\"mimes\":%s"), "image/png", LIST, FORBIDS},
    {"banner.api", IN_BANNER("\"api\":%s"), "5", NUMBERS, PASSED_OVER},
    {"banner.pos", IN_BANNER("\"pos\":%s"), "5", NUMBER, PASSED_OVER},
#define IN_VIDEO(members)                                                                          \
    "{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{},\"video\":{" members "}}]}"
    {"imp.video", IN_IMP("\"video\":%s"), "{\"minduration\":5}", OBJECT, FORBIDS},
#define ASSETS "\"request\":\"{\\\"assets\\\":[]}\""
    {"imp.native", IN_IMP("\"native\":%s"), "{" ASSETS "}", OBJECT, FORBIDS},
    {"native.battr", IN_IMP("\"native\":{" ASSETS ",\"battr\":%s}"), "5", NUMBERS, FORBIDS},
    {"video.mimes", IN_VIDEO("\"mimes\":%s"), "video/mp4", LIST, FORBIDS},
    {"video.minduration", IN_VIDEO("\"minduration\":%s"), "5", NUMBER, FORBIDS},
    {"video.maxduration", IN_VIDEO("\"maxduration\":%s"), "5", NUMBER, FORBIDS},
    {"video.protocols", IN_VIDEO("\"protocols\":%s"), "7", NUMBERS, FORBIDS},
    {"video.linearity", IN_VIDEO("\"linearity\":%s"), "2", NUMBER, FORBIDS},
    {"video.battr", IN_VIDEO("\"battr\":%s"), "5", NUMBERS, FORBIDS},
    {"video.api", IN_VIDEO("\"api\":%s"), "5", NUMBERS, PASSED_OVER},
    {"video.pos", IN_VIDEO("\"pos\":%s"), "5", NUMBER, PASSED_OVER},
    {"format.w", IN_BANNER("\"format\":[{\"h\":5,\"w\":%s}]"), "5", NUMBER, PASSED_OVER},
    {"format.h", IN_BANNER("\"format\":[{\"w\":5,\"h\":%s}]"), "5", NUMBER, PASSED_OVER},
    {"pmp.private_auction", IN_IMP("\"pmp\":{\"private_auction\":%s}"), "1", FLAG, FORBIDS},
    {"site.id", ROOT("\"site\":{\"id\":%s}"), "5", TEXT, PASSED_OVER},
    {"site.publisher", ROOT("\"site\":{\"publisher\":%s}"), "{\"id\":\"5\"}", OBJECT, PASSED_OVER},
    {"app.id", ROOT("\"app\":{\"id\":%s}"), "5", TEXT, PASSED_OVER},
    {"app.publisher", ROOT("\"app\":{\"publisher\":%s}"), "{\"id\":\"5\"}", OBJECT, PASSED_OVER},
    {"publisher.id", ROOT("\"app\":{\"publisher\":{\"id\":%s}}"), "5", TEXT, PASSED_OVER},
    {"site.domain", ROOT("\"site\":{\"domain\":%s}"), "5", TEXT, PASSED_OVER},
    {"site.page", ROOT("\"site\":{\"page\":%s}"), "5", TEXT, PASSED_OVER},
    {"site.search", ROOT("\"site\":{\"search\":%s}"), "5", TEXT, PASSED_OVER},
    {"site.keywords", ROOT("\"site\":{\"keywords\":%s}"), "5", KEYWORDS, PASSED_OVER},
    {"site.kwarray", ROOT("\"site\":{\"kwarray\":%s}"), "5", LIST, PASSED_OVER},
    {"site.cat", ROOT("\"site\":{\"cat\":%s}"), "5", LIST, PASSED_OVER},
    {"site.sectioncat", ROOT("\"site\":{\"sectioncat\":%s}"), "5", LIST, PASSED_OVER},
    {"site.pagecat", ROOT("\"site\":{\"pagecat\":%s}"), "5", LIST, PASSED_OVER},
    {"site.content", ROOT("\"site\":{\"content\":%s}"), "{\"title\":\"5\"}", OBJECT, PASSED_OVER},
    {"app.bundle", ROOT("\"app\":{\"bundle\":%s}"), "5", TEXT, PASSED_OVER},
    {"app.domain", ROOT("\"app\":{\"domain\":%s}"), "5", TEXT, PASSED_OVER},
    {"app.name", ROOT("\"app\":{\"name\":%s}"), "5", TEXT, PASSED_OVER},
    {"app.keywords", ROOT("\"app\":{\"keywords\":%s}"), "5", KEYWORDS, PASSED_OVER},
    {"app.kwarray", ROOT("\"app\":{\"kwarray\":%s}"), "5", LIST, PASSED_OVER},
    {"app.cat", ROOT("\"app\":{\"cat\":%s}"), "5", LIST, PASSED_OVER},
    {"app.sectioncat", ROOT("\"app\":{\"sectioncat\":%s}"), "5", LIST, PASSED_OVER},
    {"app.pagecat", ROOT("\"app\":{\"pagecat\":%s}"), "5", LIST, PASSED_OVER},
    {"app.content", ROOT("\"app\":{\"content\":%s}"), "{\"title\":\"5\"}", OBJECT, PASSED_OVER},
    {"dooh.domain", ROOT("\"dooh\":{\"domain\":%s}"), "5", TEXT, PASSED_OVER},
    {"dooh.keywords", ROOT("\"dooh\":{\"keywords\":%s}"), "5", KEYWORDS, PASSED_OVER},
    {"dooh.content", ROOT("\"dooh\":{\"content\":%s}"), "{\"title\":\"5\"}", OBJECT, PASSED_OVER},
    {"content.title", ROOT("\"app\":{\"content\":{\"title\":%s}}"), "5", TEXT, PASSED_OVER},
    {"content.url", ROOT("\"site\":{\"content\":{\"url\":%s}}"), "5", TEXT, PASSED_OVER},
    {"content.keywords", ROOT("\"site\":{\"content\":{\"keywords\":%s}}"), "5", KEYWORDS,
     PASSED_OVER},
    {"content.kwarray", ROOT("\"site\":{\"content\":{\"kwarray\":%s}}"), "5", LIST, PASSED_OVER},
    {"content.cat", ROOT("\"site\":{\"content\":{\"cat\":%s}}"), "5", LIST, PASSED_OVER},
    {"content.language", ROOT("\"site\":{\"content\":{\"language\":%s}}"), "5", TEXT, PASSED_OVER},
    {"content.langb", ROOT("\"site\":{\"content\":{\"langb\":%s}}"), "5", TEXT, PASSED_OVER},
    {"device.geo", ROOT("\"device\":{\"geo\":%s}"), "{\"country\":\"DE\"}", OBJECT, PASSED_OVER},
    {"device.devicetype", ROOT("\"device\":{\"devicetype\":%s}"), "5", NUMBER, PASSED_OVER},
    {"device.os", ROOT("\"device\":{\"os\":%s}"), "5", TEXT, PASSED_OVER},
    {"device.language", ROOT("\"device\":{\"language\":%s}"), "5", TEXT, PASSED_OVER},
    {"device.langb", ROOT("\"device\":{\"langb\":%s}"), "5", TEXT, PASSED_OVER},
    {"device.ip", ROOT("\"device\":{\"ip\":%s}"), "5", TEXT, PASSED_OVER},
    {"device.ipv6", ROOT("\"device\":{\"ipv6\":%s}"), "5", TEXT, PASSED_OVER},
    {"device.ua", ROOT("\"device\":{\"ua\":%s}"), "5", TEXT, PASSED_OVER},
    {"device.dnt", WITH_USER("\"device\":{\"dnt\":%s}"), "1", FLAG, PROTECTS},
    {"device.lmt", WITH_USER("\"device\":{\"lmt\":%s}"), "1", FLAG, PROTECTS},
    {"geo.country", ROOT("\"device\":{\"geo\":{\"country\":%s}}"), "DE", TEXT, PASSED_OVER},
    {"geo.region", ROOT("\"device\":{\"geo\":{\"region\":%s}}"), "5", TEXT, PASSED_OVER},
    {"geo.metro", ROOT("\"device\":{\"geo\":{\"metro\":%s}}"), "5", TEXT, PASSED_OVER},
    {"geo.city", ROOT("\"device\":{\"geo\":{\"city\":%s}}"), "5", TEXT, PASSED_OVER},
    {"regs.coppa", WITH_USER("\"regs\":{\"coppa\":%s}"), "1", FLAG, PROTECTS},
    {"regs.gdpr", WITH_USER("\"regs\":{\"gdpr\":%s}"), "1", FLAG, PROTECTS},
    {"regs.us_privacy", WITH_USER("\"regs\":{\"us_privacy\":%s}"), "5", TEXT, PROTECTS},
    {"regs.gpp", WITH_USER("\"regs\":{\"gpp\":%s}"), "5", TEXT, PROTECTS},
    {"regs.gpc", WITH_USER("\"regs\":{\"gpc\":%s}"), "1", FLAG, PROTECTS},
    {"regs.dsa", ROOT("\"regs\":{\"dsa\":%s}"), "{\"dsarequired\":3}", OBJECT, FORBIDS},
    {"dsa.dsarequired", ROOT("\"regs\":{\"ext\":{\"dsa\":{\"dsarequired\":%s}}}"), "2", NUMBER,
     FORBIDS},
    {"regs.ext", WITH_USER("\"regs\":{\"ext\":%s}"), "{\"gdpr\":1}", OBJECT, PROTECTS},
    {"user.geo", ROOT("\"user\":{\"geo\":%s}"), "{\"country\":\"DE\"}", OBJECT, PASSED_OVER},
    {"user.keywords", ROOT("\"user\":{\"keywords\":%s}"), "5", KEYWORDS, PASSED_OVER},
    {"user.kwarray", ROOT("\"user\":{\"kwarray\":%s}"), "5", LIST, PASSED_OVER},
};

/* With "%s" for the row's value. */
struct forms {
    const char *good;       /* as the specification has it */
    const char *same[8];    /* mean the same */
    const char *nothing[6]; /* mean that there is no value */
    const char *unreadable[10];
    const char *digits[4]; /* mean the same, of values that are digits */
};

static const struct forms forms[] = {
    [TEXT] = {"\"%s\"",
              {"[\"%s\"]"},
              {"\"\"", "[]", "[null]", "[\"\"]"},
              {"true", "false", "{}", "{\"a\":1}", "[[]]", "[\"a\",\"b\"]", "[{}]"},
              {"%s", "[%s]"}},
    [NUMBER] = {"%s",
                {"\"%s\"", "\" %s \"", "[%s]", "[\"%s\"]", "%s.0", "%se0"},
                {"\"\"", "[]", "\" \"", "[null]"},
                {"true", "\"x\"", "\"1,5\"", "{}", "[1,2]", "[[1]]", "\"0x5\"", "\"\\ud800\""},
                {NULL}},
    [FLAG] = {"%s",
              {"true", "\"1\"", "\"true\"", "\"True\"", "[1]", "[\"1\"]", "2", "1.0"},
              {"\"\"", "[]", "[null]"},
              {"\"x\"", "\"yes\"", "{}", "[1,1]", "{\"a\":1}"},
              {NULL}},
    [LIST] = {"[\"%s\"]",
              {"\"%s\"", "\" %s ,\"", "[null,\"%s\"]", "[\"\",\"%s\"]"},
              {"\"\"", "[]", "{}", "[null]", "[\"\"]", "\",\""},
              {"true", "{\"a\":1}", "[[]]", "[{}]", "[true]", "[[\"5\"]]"},
              {"%s", "[%s]"}},
    [NUMBERS] = {"[%s]",
                 {"\"%s\"", "%s", "\" %s ,\"", "[null,%s]", "[\"%s\"]", "[\"\",\" %s\"]", "[%s.0]"},
                 {"\"\"", "[]", "{}", "[null]", "[\"\"]"},
                 {"true", "{\"a\":1}", "[[]]", "[\"x\"]", "\"x\"", "[1.5]"},
                 {NULL}},
    [KEYWORDS] = {"\"%s\"",
                  {"[\"%s\"]", "\", %s,\"", "[null,\"%s\"]"},
                  {"\"\"", "[]", "{}", "[null]", "\",\""},
                  {"true", "{\"a\":1}", "[[]]", "[{}]"},
                  {"%s", "[%s]"}},
    [OBJECT] = {"%s",
                {"[%s]"},
                {"\"\"", "{}", "[]", "[null]"},
                {"true", "5", "\"x\"", "[5]", "[[]]"},
                {NULL}},
};

static bool is_odd(struct am_api_response response, const char *label) {
    for (unsigned id = 0; id < AM_OPENRTB_MEMBERS; id++)
        if (strcmp(am_openrtb_member_label((enum am_openrtb_member_id)id), label) == 0)
            return response.odd && response.odd->words[id / 64] >> id % 64 & 1;
    fail_msg("there is no member %s", label);
    return false;
}

/* Asks with `form` in the row's place, and writes what was understood. */
static struct am_api_response
try(void **state, const struct row *row, const char *form, char text[TEXT_SIZE], char *body) {
    char value[256];
    snprintf(value, sizeof value, form, row->value);
    snprintf(body, 1024, row->request, value);
    struct am_api_response response = ask(state, am_view_of(body));
    write_understood(response, text);
    return response;
}

static void assert_same(const char *seen, const char *wanted, const char *body) {
    if (strcmp(seen, wanted) != 0)
        fail_msg("%s is understood as %s instead of %s", body, seen, wanted);
}

static void check_forms(void **state,
                        const struct row *row,
                        const char *const *variants,
                        size_t count,
                        const char *wanted) {
    static char seen[TEXT_SIZE];
    char body[1024];
    for (size_t i = 0; i < count && variants[i]; i++) {
        try(state, row, variants[i], seen, body);
        assert_same(seen, wanted, body);
    }
}

static bool is_list_of_objects(const struct row *row) {
    return strcmp(row->label, "imp") == 0 || strcmp(row->label, "banner.format") == 0;
}

static void check_row(void **state, const struct row *row) {
    static char good[TEXT_SIZE], nothing[TEXT_SIZE], seen[TEXT_SIZE];
    const struct forms *of_kind = &forms[row->kind];
    char body[1024];
    const char *as_written = is_list_of_objects(row) ? "[%s]" : of_kind->good;
    struct am_api_response response = try(state, row, as_written, good, body);
    if (is_odd(response, row->label))
        fail_msg("%s is odd", body);
    if (row->unreadable != REFUSED)
        try(state, row, "null", nothing, body);
    else
        strcpy(nothing, "refused");
    check_forms(state, row, of_kind->same, AM_COUNT_OF(of_kind->same), good);
    if (row->value[0] >= '0' && row->value[0] <= '9')
        check_forms(state, row, of_kind->digits, AM_COUNT_OF(of_kind->digits), good);
    if (row->kind != OBJECT)
        check_forms(state, row, of_kind->nothing, AM_COUNT_OF(of_kind->nothing), nothing);
    for (size_t i = 0; i < AM_COUNT_OF(of_kind->unreadable) && of_kind->unreadable[i]; i++) {
        response = try(state, row, of_kind->unreadable[i], seen, body);
        if (row->unreadable == PASSED_OVER && !is_list_of_objects(row))
            assert_same(seen, nothing, body);
        else if (row->unreadable == FORBIDS)
            assert_same(seen, "no bid", body);
        else if (row->unreadable == PROTECTS && strstr(seen, "private"))
            fail_msg("%s leaves the user's keywords: %s", body, seen);
        else if (row->unreadable == REFUSED && row->kind == TEXT)
            assert_same(seen, "refused", body);
        if (response.odd && !is_odd(response, row->label))
            fail_msg("%s is not odd", body);
    }
}

static void every_member_is_read_whatever_its_type(void **state) {
    for (size_t i = 0; i < AM_COUNT_OF(rows); i++)
        check_row(state, &rows[i]);
}

/* Those of the table, but for the request as a whole and free keys, which have tests of their own.
 */
static void every_member_that_is_read_is_tried(void **state) {
    (void)state;
    for (unsigned id = 0; id < AM_OPENRTB_MEMBERS; id++) {
        const char *label = am_openrtb_member_label((enum am_openrtb_member_id)id);
        size_t i = 0;
        while (i < AM_COUNT_OF(rows) && strcmp(rows[i].label, label) != 0)
            i++;
        if (i == AM_COUNT_OF(rows) && strcmp(label, "request") != 0 &&
            strcmp(label, "ext.admatch.kv") != 0 && strcmp(label, "native.request") != 0)
            fail_msg("%s is not tried", label);
    }
}

/* ---- what the table does not have ----------------------------------------------------------- */

static const char *understood(void **state, const char *body) {
    static char text[TEXT_SIZE];
    write_understood(ask(state, am_view_of(body)), text);
    return text;
}

static void assert_alike(void **state, const char *body, const char *other) {
    char first[TEXT_SIZE];
    strcpy(first, understood(state, body));
    assert_same(understood(state, other), first, other);
}

static void an_id_that_is_a_number_is_echoed_as_a_string(void **state) {
    struct am_api_response response =
        ask(state, AM_VIEW("{\"id\":4711,\"imp\":[{\"id\":8,\"banner\":{}}]}"));
    assert_int_equal(response.status, 200);
    assert_non_null(memmem(response.body.data, response.body.size, "{\"id\":\"4711\"", 12));
    assert_non_null(memmem(response.body.data, response.body.size, "\"impid\":\"8\"", 11));
}

static void of_a_repeated_member_the_last_counts(void **state) {
    assert_alike(state,
                 ROOT("\"site\":{\"page\":\"/a\",\"cat\":[\"A\"],\"page\":\"/b\",\"cat\":[\"B\"]}"),
                 ROOT("\"site\":{\"page\":\"/b\",\"cat\":[\"B\"]}"));
    assert_alike(state, ROOT("\"site\":{\"cat\":[\"A\"]},\"site\":{\"page\":\"/b\"}"),
                 ROOT("\"site\":{\"cat\":[\"A\"],\"page\":\"/b\"}"));
    struct am_api_response response = ask(state, am_view_of(ROOT("\"id\":\"s\"")));
    assert_non_null(memmem(response.body.data, response.body.size, "{\"id\":\"s\"", 9));
    assert_true(is_odd(response, "id"));
}

static void of_a_repeated_restriction_all_count(void **state) {
    assert_alike(state, ROOT("\"bcat\":[\"A\"],\"bcat\":[\"B\"]"), ROOT("\"bcat\":[\"A\",\"B\"]"));
    assert_alike(state, ROOT("\"wseat\":[\"5\",\"a\"],\"wseat\":[\"b\",\"5\"]"),
                 ROOT("\"wseat\":[\"5\"]"));
    assert_alike(state, ROOT("\"wseat\":[\"5\"],\"wseat\":[]"), ROOT("\"wseat\":[\"5\"]"));
    assert_string_equal(understood(state, ROOT("\"cur\":[\"EUR\"],\"cur\":[\"USD\"]")), "no bid");
    assert_alike(state, IN_IMP("\"bidfloor\":5,\"bidfloor\":2"), IN_IMP("\"bidfloor\":5"));
    assert_string_equal(
        understood(state, IN_IMP("\"bidfloorcur\":\"USD\",\"bidfloorcur\":\"EUR\"")), "no bid");
    assert_alike(state, WITH_USER("\"regs\":{\"gdpr\":1,\"gdpr\":0}"),
                 WITH_USER("\"regs\":{\"gdpr\":1}"));
    assert_alike(state, WITH_USER("\"regs\":{\"gdpr\":1},\"regs\":{}"),
                 WITH_USER("\"regs\":{\"gdpr\":1}"));
}

static void a_second_impression_with_the_same_id_gets_no_bid(void **state) {
    struct am_api_response response =
        ask(state,
            AM_VIEW("{\"id\":\"r\",\"imp\":[{\"id\":\"1\",\"banner\":{}},{\"id\":1,\"banner\":{}},"
                    "{\"id\":\"2\",\"banner\":{}}]}"));
    assert_int_equal(response.request->slot_count, 2);
    assert_true(am_view_equal(response.request->slots[1].id, AM_VIEW("2")));
}

static void impressions_beyond_the_limit_are_passed_over(void **state) {
    static char body[1 << 16];
    strcpy(body, "{\"id\":\"r\",\"imp\":[null,5");
    for (int i = 0; i < 70; i++)
        sprintf(body + strlen(body), ",{\"id\":\"%d\",\"%s\":{}}", i, i == 3 ? "audio" : "banner");
    strcat(body, "]}");
    struct am_api_response response = ask(state, am_view_of(body));
    assert_int_equal(response.status, 200);
    assert_int_equal(response.request->slot_count, AM_MAX_SLOTS);
    assert_true(am_view_equal(response.request->slots[AM_MAX_SLOTS - 1].id, AM_VIEW("64")));
}

static void characters_that_are_none_are_replaced(void **state) {
    const char *const texts[] = {"\\ud83d",  "\\udc00", "\\ud83d\\ud83d",
                                 "\\ud83dx", "\xff",    "\xe2\x82"};
    for (size_t i = 0; i < AM_COUNT_OF(texts); i++) {
        char body[256];
        snprintf(body, sizeof body, "{\"id\":\"%s\"," IMP "}", texts[i]);
        struct am_api_response response = ask(state, am_view_of(body));
        assert_int_equal(response.status, 200);
        assert_non_null(
            memmem(response.body.data, response.body.size, "{\"id\":\"\xEF\xBF\xBD", 10));
        assert_true(is_odd(response, "request"));
    }
    struct am_api_response response = ask(state, am_view_of("{\"id\":\"a\nb\"," IMP "}"));
    assert_non_null(memmem(response.body.data, response.body.size, "{\"id\":\"a\\nb\"", 12));
    response = ask(state, am_view_of("{\"id\":\"\\ud83d\\ude00\"," IMP "}"));
    assert_non_null(
        memmem(response.body.data, response.body.size, "{\"id\":\"\xF0\x9F\x98\x80\"", 12));
    assert_false(is_odd(response, "request"));
    assert_int_equal(ask(state, am_view_of("\xEF\xBB\xBF" ROOT("\"x\":1"))).status, 200);
}

static void what_is_too_much_is_no_bid(void **state) {
    static char body[1 << 18];
    strcpy(body, "{\"id\":\"r\"," IMP ",\"x\":");
    size_t size = strlen(body);
    memset(body + size, '[', 100);
    memset(body + size + 100, ']', 100);
    strcpy(body + size + 200, "}");
    struct am_api_response response = ask(state, am_view_of(body));
    assert_int_equal(response.status, 204);
    assert_int_equal(response.no_bid, AM_NO_BID_LIMIT);
    strcpy(body, "{\"id\":\"r\"," IMP ",\"badv\":[\"a\"");
    for (int i = 0; i < AM_MAX_BLOCKED; i++)
        strcat(body + size, ",\"a\"");
    strcat(body, "]}");
    assert_int_equal(ask(state, am_view_of(body)).no_bid, AM_NO_BID_LIMIT);
    memset(body, 'x', 300);
    memcpy(body, "{\"id\":\"", 7);
    strcpy(body + 300, "\"," IMP "}");
    assert_int_equal(ask(state, am_view_of(body)).no_bid, AM_NO_BID_LIMIT);
    strcpy(body, "{\"id\":\"r\"," IMP ",\"x\":[0");
    for (int i = 0; i < 1 << 15; i++)
        memcpy(body + strlen("{\"id\":\"r\"," IMP ",\"x\":[0") + 2 * (size_t)i, ",0", 3);
    strcat(body, "]}");
    assert_int_equal(ask(state, am_view_of(body)).no_bid, AM_NO_BID_LIMIT);
}

static void free_keys_are_read_as_they_come(void **state) {
    assert_alike(state, ROOT("\"ext\":{\"admatch\":{\"kv\":{\"a\":[\"1\"],\"b\":[\"x,y\"]}}}"),
                 ROOT("\"ext\":{\"admatch\":{\"kv\":{\"a\":1,\"b\":\"x,y\",\"c\":{},\"d\":null,"
                      "\"e\":true}}}"));
    struct am_api_response response =
        ask(state, am_view_of(ROOT("\"ext\":{\"admatch\":{\"kv\":5}}")));
    assert_int_equal(response.status, 200);
    assert_true(is_odd(response, "ext.admatch.kv"));
    assert_int_equal(ask(state, am_view_of(ROOT("\"ext\":{\"admatch\":{\"kv\":[]}}"))).status, 200);
}

static void only_what_is_no_request_is_refused(void **state) {
    static const char *const bodies[] = {"",
                                         "{",
                                         "[]",
                                         "5",
                                         "{}",
                                         "{\"id\":\"r\"}",
                                         "{" IMP "}",
                                         "{\"id\":\"r\",\"imp\":[]}",
                                         "{\"id\":\"r\",\"imp\":[null]}",
                                         "{\"id\":\"\"," IMP "}",
                                         "{\"id\":{}," IMP "}",
                                         "{\"id\":\"r\",\"imp\":null}",
                                         "{\"id\":\"\\x\"," IMP "}",
                                         "{\"id\":\"r\"," IMP "}x"};
    for (size_t i = 0; i < AM_COUNT_OF(bodies); i++)
        assert_int_equal(ask(state, am_view_of(bodies[i])).status, 400);
    static const char *const odd[] = {"{\"id\":\"r\",\"imp\":[5]}", "{\"id\":\"r\",\"imp\":[{}]}",
                                      "{\"id\":\"r\",\"imp\":[[]]}", "{\"id\":\"r\",\"imp\":{}}",
                                      "{\"id\":\"r\",\"imp\":[{\"id\":{},\"banner\":{}}]}"};
    for (size_t i = 0; i < AM_COUNT_OF(odd); i++)
        assert_int_equal(ask(state, am_view_of(odd[i])).status, 204);
}

static void decisions_stay_strict(void **state) {
    struct served *served = *state;
    static const char *const bodies[] = {
        "{\"query\":5}",        "{\"query\":\"\\ud83d\"}",
        "{\"query\":\"\xff\"}", "{\"query\":\"a\",\"query\":\"b\"}",
        "{\"keywords\":\"a\"}", "{\"x\":1}",
        "\xEF\xBB\xBF{}"};
    for (size_t i = 0; i < AM_COUNT_OF(bodies); i++) {
        const struct am_api_request request = {.content = AM_CONTENT_JSON,
                                               .body = am_view_of(bodies[i])};
        struct am_api_response response;
        am_api_decide(served->api, &request, &response);
        assert_int_equal(response.status, 400);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_member_is_read_whatever_its_type),
        TEST(every_member_that_is_read_is_tried),
        TEST(an_id_that_is_a_number_is_echoed_as_a_string),
        TEST(of_a_repeated_member_the_last_counts),
        TEST(of_a_repeated_restriction_all_count),
        TEST(a_second_impression_with_the_same_id_gets_no_bid),
        TEST(impressions_beyond_the_limit_are_passed_over),
        TEST(characters_that_are_none_are_replaced),
        TEST(what_is_too_much_is_no_bid),
        TEST(free_keys_are_read_as_they_come),
        TEST(only_what_is_no_request_is_refused),
        TEST(decisions_stay_strict),
    };
    return cmocka_run_group_tests_name("openrtb_lenient", tests, NULL, NULL);
}
