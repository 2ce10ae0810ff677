/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON reader: what it accepts, what it refuses and how it says so, and that it agrees with
 * jansson. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../plugin/base/hash.h"
#include "../../plugin/base/json.h"
#include "xorshift.h"

enum { NODES = 100000 };
static struct am_json_node nodes[NODES];

static struct am_json parsed(struct am_view text) {
    struct am_json json = {0};
    struct am_error error = {0};
    if (am_json_parse(text, nodes, NODES, &json, &error) != AM_OK)
        fail_msg("%.*s: %s", AM_VIEW_ARGUMENTS(text), error.message);
    return json;
}

static void assert_refused(struct am_view text, enum am_code code, const char *message) {
    struct am_json json = {0};
    struct am_error error = {0};
    assert_int_equal(am_json_parse(text, nodes, NODES, &json, &error), code);
    assert_string_equal(error.message, message);
}

/* ---- parsing -------------------------------------------------------------------------------- */

static void nodes_stand_in_document_order(void **state) {
    (void)state;
    struct am_json json = parsed(AM_VIEW(" {\"a\": [1, {\"b\":null}], \"c\" :true} "));
    static const struct {
        enum am_json_type type;
        uint32_t begin, size, next, children;
    } wanted[] = {
        {AM_JSON_OBJECT, 1, 33, 9, 2},  {AM_JSON_STRING, 2, 3, 2, 0},
        {AM_JSON_ARRAY, 7, 15, 7, 2},   {AM_JSON_NUMBER, 8, 1, 4, 0},
        {AM_JSON_OBJECT, 11, 10, 7, 1}, {AM_JSON_STRING, 12, 3, 6, 0},
        {AM_JSON_NULL, 16, 4, 7, 0},    {AM_JSON_STRING, 24, 3, 8, 0},
        {AM_JSON_TRUE, 29, 4, 9, 0},
    };
    assert_int_equal(json.count, AM_COUNT_OF(wanted));
    for (size_t i = 0; i < AM_COUNT_OF(wanted); i++) {
        assert_int_equal(json.nodes[i].type, wanted[i].type);
        assert_int_equal(json.nodes[i].begin, wanted[i].begin);
        assert_int_equal(json.nodes[i].size, wanted[i].size);
        assert_int_equal(json.nodes[i].next, wanted[i].next);
        assert_int_equal(json.nodes[i].children, wanted[i].children);
    }
    const struct am_json_node *first = am_json_first(json.nodes);
    const struct am_json_node *list = am_json_after(&json, first);
    assert_ptr_equal(am_json_after(&json, list), &json.nodes[7]);
    assert_true(am_view_equal(am_json_raw(&json, list), AM_VIEW("[1, {\"b\":null}]")));
}

static void any_value_may_be_a_document(void **state) {
    (void)state;
    static const char *const texts[] = {
        "0",
        "-0",
        "-1.5e-7",
        "10",
        "1E+2",
        "true",
        "false",
        "null",
        "\"\"",
        "[]",
        "{}",
        "\t\r\n [ ] \n",
        "{ \"\" : { } }",
        "[[],[[]],{}]",
        "\"\\u0000\\ud83d\\ude00\\/\"",
        "\"\x7f\xc3\xa9\"",
    };
    for (size_t i = 0; i < AM_COUNT_OF(texts); i++)
        parsed(am_view_of(texts[i]));
}

static void syntax_errors_say_what_was_expected_and_found(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "expected a value, found the end at byte 0"},
        {"  ", "expected a value, found the end at byte 2"},
        {"[1,]", "expected a value, found ']' at byte 3"},
        {"[1 2]", "expected ',' or ']', found '2' at byte 3"},
        {"[1", "expected ',' or ']', found the end at byte 2"},
        {"[,1]", "expected a value, found ',' at byte 1"},
        {"{\"a\":1,}", "expected a member's name in quotes, found '}' at byte 7"},
        {"{\"a\" 1}", "expected ':', found '1' at byte 5"},
        {"{\"a\":1]", "expected ',' or '}', found ']' at byte 6"},
        {"{a:1}", "expected a member's name in quotes, found 'a' at byte 1"},
        {"[1]]", "expected nothing after the value, found ']' at byte 3"},
        {"{} x", "expected nothing after the value, found 'x' at byte 3"},
        {"01", "expected nothing after the value, found '1' at byte 1"},
        {"-", "expected a digit, found the end at byte 1"},
        {"-a", "expected a digit, found 'a' at byte 1"},
        {"1.", "expected a digit, found the end at byte 2"},
        {"1.e5", "expected a digit, found 'e' at byte 2"},
        {"1e+", "expected a digit, found the end at byte 3"},
        {"+1", "expected a value, found '+' at byte 0"},
        {".5", "expected a value, found '.' at byte 0"},
        {"nul", "expected null, true or false, found the end at byte 3"},
        {"trux", "expected null, true or false, found 'x' at byte 3"},
        {"NaN", "expected a value, found 'N' at byte 0"},
        {"\xef\xbb\xbf{}", "expected a value, found byte 0xef at byte 0"},
        {"\"abc", "expected the string's closing '\"', found the end at byte 4"},
        {"\"a\nb\"",
         "expected a control character to be written as an escape, found byte 0x0a at byte 2"},
        {"\"\\x\"", "expected one of \"\\/bfnrtu after a backslash, found 'x' at byte 2"},
        {"\"\\", "expected one of \"\\/bfnrtu after a backslash, found the end at byte 2"},
        {"\"\\u12g4\"", "expected four hexadecimal digits after \\u, found 'g' at byte 5"},
        {"\"\\u12", "expected four hexadecimal digits after \\u, found the end at byte 5"},
        {"\"\\ud800\"", "expected both halves of a surrogate pair, found '\"' at byte 7"},
        {"\"\\ud800\\n\"", "expected both halves of a surrogate pair, found 'n' at byte 8"},
        {"\"\\ud800\\u0041\"", "expected both halves of a surrogate pair, found '\\' at byte 7"},
        {"\"\\udc00\"", "expected both halves of a surrogate pair, found '\\' at byte 1"},
        {"\"\xc3(\"", "expected well-formed UTF-8, found byte 0xc3 at byte 1"},
        {"\"ok \xed\xa0\x80\"", "expected well-formed UTF-8, found byte 0xed at byte 4"},
        {"\"\xc3\xa9\xf5\"", "expected well-formed UTF-8, found byte 0xf5 at byte 3"},
    };
    for (size_t i = 0; i < AM_COUNT_OF(cases); i++)
        assert_refused(am_view_of(cases[i].text), AM_E_SYNTAX, cases[i].message);
    assert_refused((struct am_view){NULL, 0}, AM_E_SYNTAX,
                   "expected a value, found the end at byte 0");
    assert_refused(AM_VIEW("[\0]"), AM_E_SYNTAX, "expected a value, found byte 0x00 at byte 1");
    assert_refused(
        AM_VIEW("\"\0\""), AM_E_SYNTAX,
        "expected a control character to be written as an escape, found byte 0x00 at byte 1");
}

static void depth_is_bounded(void **state) {
    (void)state;
    char text[2 * AM_JSON_MAX_DEPTH + 2];
    memset(text, '[', AM_JSON_MAX_DEPTH);
    memset(text + AM_JSON_MAX_DEPTH, ']', AM_JSON_MAX_DEPTH);
    struct am_json json = parsed((struct am_view){text, 2 * AM_JSON_MAX_DEPTH});
    assert_int_equal(json.count, AM_JSON_MAX_DEPTH);
    memset(text, '[', sizeof text);
    assert_refused((struct am_view){text, sizeof text}, AM_E_LIMIT,
                   "more than 64 arrays and objects inside each other, at byte 64");
}

static void nodes_are_bounded(void **state) {
    (void)state;
    static const char *const texts[] = {"[1,2]",  "[1,\"2\"]", "[1,[]]",
                                        "[1,{}]", "[1,true]",  "{\"a\":1}"};
    for (size_t i = 0; i < AM_COUNT_OF(texts); i++) {
        struct am_json json;
        struct am_error error = {0};
        struct am_json_node *few = calloc(3, sizeof *few);
        assert_int_equal(am_json_parse(am_view_of(texts[i]), few, 2, &json, &error), AM_E_LIMIT);
        assert_non_null(strstr(error.message, "more than 2 values, at byte "));
        assert_int_equal(am_json_parse(am_view_of(texts[i]), few, 3, &json, &error), AM_OK);
        assert_int_equal(am_json_parse(am_view_of(texts[i]), few, 0, &json, NULL), AM_E_LIMIT);
        free(few);
    }
}

/* ---- strings and members -------------------------------------------------------------------- */

static void strings_are_decoded(void **state) {
    (void)state;
    static const struct {
        const char *text;
        struct am_view wanted;
    } cases[] = {
        {"\"plain\"", {"plain", 5}},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", {"\"\\/\b\f\n\r\t", 8}},
        {"\"\\u0041\\u00e9\\u20AC\\uD83d\\uDe00\"", {"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10}},
        {"\"a\\u0000b\"", {"a\0b", 3}},
        {"\"\\ud800\\udc00\\udbff\\udfff\"", {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8}},
        {"\"\\uffff\\u07ff\\u0800\"", {"\xef\xbf\xbf\xdf\xbf\xe0\xa0\x80", 8}},
    };
    for (size_t i = 0; i < AM_COUNT_OF(cases); i++) {
        struct am_json json = parsed(am_view_of(cases[i].text));
        char memory[64];
        size_t used = 99;
        struct am_view text = am_json_string(&json, json.nodes, memory, &used);
        assert_true(am_view_equal(text, cases[i].wanted));
        assert_int_equal(used, i == 0 ? 0 : text.size);
        assert_true(used <= json.nodes->size);
        assert_true(am_view_equal(am_json_string(&json, json.nodes, memory, NULL), text));
    }
}

static void strings_are_compared_decoded(void **state) {
    (void)state;
    struct am_json json = parsed(AM_VIEW("[\"na\\u006de\",\"name\",1]"));
    assert_true(am_json_string_is(&json, &json.nodes[1], "name"));
    assert_true(am_json_string_is(&json, &json.nodes[2], "name"));
    for (uint32_t i = 1; i < 3; i++) {
        assert_false(am_json_string_is(&json, &json.nodes[i], "nam"));
        assert_false(am_json_string_is(&json, &json.nodes[i], "names"));
        assert_false(am_json_string_is(&json, &json.nodes[i], "nome"));
    }
    assert_false(am_json_string_is(&json, &json.nodes[3], "1"));
}

static void members_are_found_and_the_last_of_duplicates_wins(void **state) {
    (void)state;
    struct am_json json = parsed(AM_VIEW("{\"a\":{\"b\":1},\"b\":2,\"\\u0061\":[3]}"));
    const struct am_json_node *b = am_json_member(&json, json.nodes, "b");
    assert_true(am_view_equal(am_json_raw(&json, b), AM_VIEW("2")));
    const struct am_json_node *a = am_json_member(&json, json.nodes, "a");
    assert_true(am_view_equal(am_json_raw(&json, a), AM_VIEW("[3]")));
    assert_null(am_json_member(&json, json.nodes, "c"));
    assert_null(am_json_member(&json, a, "0"));
}

static uint32_t duplicate_at(const char *text) {
    struct am_json json = parsed(am_view_of(text));
    const struct am_json_node *key = am_json_duplicate_key(&json);
    return key ? (uint32_t)(key - json.nodes) : 0;
}

static void duplicate_names_are_found_anywhere(void **state) {
    (void)state;
    assert_int_equal(duplicate_at("{\"a\":1,\"b\":2}"), 0);
    assert_int_equal(duplicate_at("{\"a\":{\"a\":{\"a\":[]}}}"), 0);
    assert_int_equal(duplicate_at("[{\"a\":1},{\"a\":1}]"), 0);
    assert_int_equal(duplicate_at("{\"a\":1,\"b\":2,\"a\":3}"), 5);
    assert_int_equal(duplicate_at("{\"a\":1,\"\\u0061\":3}"), 3);
    assert_int_equal(duplicate_at("{\"\\u0061\":1,\"a\":3}"), 3);
    assert_int_equal(duplicate_at("{\"\\u0061b\":1,\"a\\u0062\":3}"), 3);
    assert_int_equal(duplicate_at("{\"\\u00e9b\":1,\"\xc3\xa9\\u0062\":3}"), 3);
    assert_int_equal(duplicate_at("{\"\\u00e9\":1,\"\\u00e8\":3}"), 0);
    assert_int_equal(duplicate_at("{\"\\u0061\":1,\"\\u0061b\":3}"), 0);
    assert_int_equal(duplicate_at("[1,{\"x\":[{\"y\":1,\"y\":2}]}]"), 8);
    assert_int_equal(duplicate_at("{\"\":1,\"\":2}"), 3);
}

static void duplicates_in_one_object_are_told_from_those_below(void **state) {
    (void)state;
    struct am_json json = parsed(AM_VIEW("{\"a\":{\"b\":1,\"b\":2},\"c\":3}"));
    assert_null(am_json_duplicate_key_in(&json, json.nodes));
    assert_ptr_equal(am_json_duplicate_key_in(&json, &json.nodes[2]), &json.nodes[5]);
    assert_null(am_json_duplicate_key_in(&json, &json.nodes[4]));
}

/* Objects of `members`, distinct but for number `again`, which repeats number `of`. */
static uint32_t duplicate_of_many(uint32_t members, uint32_t of, uint32_t again) {
    static char text[1 << 20];
    size_t size = 0;
    for (uint32_t i = 0; i < members; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%s\"k%u\":%u", i ? "," : "{",
                                 i == again ? of : i, i);
    size += (size_t)snprintf(text + size, sizeof text - size, "}");
    struct am_json json = parsed((struct am_view){text, size});
    const struct am_json_node *key = am_json_duplicate_key(&json);
    return key ? (uint32_t)(key - json.nodes - 1) / 2 : 0;
}

static void duplicates_are_found_in_large_objects(void **state) {
    (void)state;
    static const uint32_t sizes[] = {31, 32, 33, 100, 2048, 2049, 5000, 20000};
    for (size_t i = 0; i < AM_COUNT_OF(sizes); i++) {
        uint32_t last = sizes[i] - 1;
        assert_int_equal(duplicate_of_many(sizes[i], 0, UINT32_MAX), 0);
        assert_int_equal(duplicate_of_many(sizes[i], 0, last), last);
        assert_int_equal(duplicate_of_many(sizes[i], last - 1, last), last);
        assert_int_equal(duplicate_of_many(sizes[i], 0, 1), 1);
        assert_int_equal(duplicate_of_many(sizes[i], last / 2, last / 2 + 3), last / 2 + 3);
    }
}

enum { MANY_MEMBERS = 8000 };

/* An object of members whose names have FNV-1a hashes in the first `share` of 4,096 places: anyone
 * can choose such names. */
static char *members_in(uint64_t share) {
    char *text = malloc((size_t)MANY_MEMBERS * 16);
    assert_non_null(text);
    size_t size = 0;
    uint32_t found = 0;
    for (uint32_t n = 0; found < MANY_MEMBERS; n++) {
        char name[16];
        int length = snprintf(name, sizeof name, "%x", n);
        uint64_t hash = am_hash_fnv1a(AM_FNV1A_START, name, (size_t)length);
        if (am_hash_mix(hash, hash) % 4096 < share)
            size += (size_t)sprintf(text + size, "%c\"%s\":1", found++ ? ',' : '{', name);
    }
    strcpy(text + size, "}");
    return text;
}

static double seconds_to_compare(const char *text) {
    struct am_json json = parsed(am_view_of(text));
    struct timespec began, ended;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &began);
    assert_null(am_json_duplicate_key(&json));
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ended);
    return (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9;
}

static void names_chosen_to_collide_take_no_longer(void **state) {
    (void)state;
    char *chosen = members_in(2), *others = members_in(4096);
    double longest = 0.05 + 10 * seconds_to_compare(others);
    double seconds = seconds_to_compare(chosen);
    if (seconds > longest)
        fail_msg("%.3f seconds, expected at most %.3f", seconds, longest);
    free(chosen);
    free(others);
}

static void the_first_of_several_duplicates_is_the_one_told(void **state) {
    (void)state;
    static char text[1 << 20];
    size_t size = 0;
    for (uint32_t i = 0; i < 9000;
         i++) /* 7000 repeats 6999; 8999 repeats 0, which an earlier pass holds */
        size += (size_t)snprintf(text + size, sizeof text - size, "%s\"k%u\":0", i ? "," : "{",
                                 i == 7000   ? 6999
                                 : i == 8999 ? 0
                                             : i);
    text[size++] = '}';
    struct am_json json = parsed((struct am_view){text, size});
    assert_ptr_equal(am_json_duplicate_key(&json), &json.nodes[1 + 2 * 7000]);
}

/* ---- paths ---------------------------------------------------------------------------------- */

static void assert_path(const char *text, uint32_t node, const char *wanted) {
    struct am_json json = parsed(am_view_of(text));
    char path[128];
    am_json_path(&json, &json.nodes[node], path, sizeof path);
    assert_string_equal(path, wanted);
}

static void paths_lead_to_nodes(void **state) {
    (void)state;
    const char *text =
        "{\"slots\":[{\"id\":\"x\"},{\"count\":[0,7],\"a b\":{\"\":1}}],\"_2\":3,\"2\":4}";
    assert_path(text, 0, "$");
    assert_path(text, 1, "$.slots");
    assert_path(text, 2, "$.slots");
    assert_path(text, 3, "$.slots[0]");
    assert_path(text, 5, "$.slots[0].id");
    assert_path(text, 6, "$.slots[1]");
    assert_path(text, 10, "$.slots[1].count[1]");
    assert_path(text, 12, "$.slots[1][\"a b\"]");
    assert_path(text, 14, "$.slots[1][\"a b\"][\"\"]");
    assert_path(text, 16, "$._2");
    assert_path(text, 18, "$[\"2\"]");
    assert_path("[[],[1,2,3]]", 5, "$[1][2]");
}

static void long_paths_are_cut_between_characters(void **state) {
    (void)state;
    struct am_json json = parsed(AM_VIEW("{\"abc\xc3\xa9\":{\"d\":1}}"));
    static const char *const wanted[] = {"",       "$",       "$[",      "$[\"",           "$[\"a",
                                         "$[\"ab", "$[\"abc", "$[\"abc", "$[\"abc\xc3\xa9"};
    for (size_t size = 1; size <= AM_COUNT_OF(wanted); size++) {
        char path[64];
        memset(path, 'x', sizeof path);
        am_json_path(&json, &json.nodes[4], path, size);
        assert_string_equal(path, wanted[size - 1]);
        assert_int_equal(path[size], 'x');
    }
    char untouched = 'x';
    am_json_path(&json, json.nodes, &untouched, 0);
    assert_int_equal(untouched, 'x');
}

static void types_have_names(void **state) {
    (void)state;
    assert_string_equal(am_json_type_name(AM_JSON_NULL), "null");
    assert_string_equal(am_json_type_name(AM_JSON_NUMBER), "a number");
    assert_string_equal(am_json_type_name(AM_JSON_OBJECT), "an object");
}

/* ---- against jansson ------------------------------------------------------------------------ */

static void
assert_same(const struct am_json *json, const struct am_json_node *node, const json_t *value);

static void assert_same_object(const struct am_json *json,
                               const struct am_json_node *node,
                               const json_t *value) {
    const struct am_json_node *key = am_json_first(node);
    assert_true(json_is_object(value));
    for (uint32_t i = 0; i < node->children; i++) {
        char name[4096];
        struct am_view text = am_json_string(json, key, name, NULL);
        memmove(name, text.data, text.size);
        name[text.size] = '\0';
        const struct am_json_node *member = am_json_member(json, node, name);
        assert_non_null(member);
        assert_same(json, member, json_object_get(value, name));
        key = am_json_after(json, am_json_after(json, key));
    }
}

static void assert_same_number(struct am_view raw, const json_t *value) {
    char text[4096];
    assert_true(raw.size < sizeof text);
    memcpy(text, raw.data, raw.size);
    text[raw.size] = '\0';
    assert_true(json_is_number(value));
    if (json_is_integer(value))
        assert_true(strtoll(text, NULL, 10) == json_integer_value(value));
    else
        assert_true(strtod(text, NULL) == json_real_value(value));
}

static void
assert_same(const struct am_json *json, const struct am_json_node *node, const json_t *value) {
    char memory[4096];
    struct am_view text;
    const struct am_json_node *item = am_json_first(node);
    assert_non_null(value);
    switch ((enum am_json_type)node->type) {
    case AM_JSON_NULL:
        assert_true(json_is_null(value));
        break;
    case AM_JSON_FALSE:
    case AM_JSON_TRUE:
        assert_int_equal(json_is_true(value), node->type == AM_JSON_TRUE);
        assert_true(json_is_boolean(value));
        break;
    case AM_JSON_NUMBER:
        assert_same_number(am_json_raw(json, node), value);
        break;
    case AM_JSON_STRING:
        text = am_json_string(json, node, memory, NULL);
        assert_true(json_is_string(value));
        assert_true(am_view_equal(
            text, (struct am_view){json_string_value(value), json_string_length(value)}));
        break;
    case AM_JSON_ARRAY:
        assert_int_equal(json_array_size(value), node->children);
        for (size_t i = 0; i < node->children; i++, item = am_json_after(json, item))
            assert_same(json, item, json_array_get(value, i));
        break;
    case AM_JSON_OBJECT:
        assert_same_object(json, node, value);
        break;
    }
}

/* jansson refuses numbers that its types do not hold and NULs in names, which JSON allows. */
static bool is_limit_of_jansson(const json_error_t *error) {
    enum json_error_code code = json_error_code(error);
    return code == json_error_numeric_overflow || code == json_error_null_byte_in_key;
}

/* Counts the documents that both accept. */
static void compare(struct am_view text, uint64_t *accepted) {
    struct am_json json;
    struct am_error error = {0};
    json_error_t other_error = {0};
    /* A copy of the exact size, so that a sanitizer sees a read beyond it. */
    char *copy = malloc(text.size ? text.size : 1);
    assert_non_null(copy);
    memcpy(copy, text.data, text.size);
    enum am_code code =
        am_json_parse((struct am_view){copy, text.size}, nodes, NODES, &json, &error);
    if (memchr(copy, 0, text.size)) { /* jansson passes over NULs between values; no JSON has one */
        free(copy);
        assert_int_equal(code, AM_E_SYNTAX);
        return;
    }
    json_t *value = json_loadb(copy, text.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &other_error);
    if (code == AM_OK && value) {
        (*accepted)++;
        assert_same(&json, json.nodes, value);
    } else if ((code == AM_OK) != (value != NULL) && !is_limit_of_jansson(&other_error))
        fail_msg("%.*s: ours says \"%s\", jansson \"%s\"", AM_VIEW_ARGUMENTS(text), error.message,
                 other_error.text);
    json_decref(value);
    free(copy);
}

static const char *const documents[] = {
    "{\"id\":\"a1\",\"campaign\":\"c1\",\"bid\":1.25,\"keywords\":[\"running "
    "shoes\",\"\\\"trail\\\"\"]}",
    "{\"query\":\"caf\\u00e9 \xe6\x97\xa5\xe6\x9c\xac "
    "\\ud83d\\ude00\",\"explain\":true,\"now\":null}",
    "[1,-2,3.5,1e10,-0.0,2E-3,123456789012345678,true,false,null,\"\",[],{}]",
    "{\"a\":{\"b\":{\"c\":[{\"d\":[[[\"deep\"]]]}]}},\"a b\":\"\\b\\f\\n\\r\\t\\/\\\\\\\"\"}",
    " \t\n\r{ \"spaces\" : [ 1 , 2 ] , \"end\" : \"x\" } \n",
    "\"a string of more than sixteen bytes, with \xc3\xa9 and \\u20ac after plain ones\"",
    "{\"same\":1,\"same\":2,\"other\":{\"same\":3}}",
    "[0,-0,0.0,0e0,10,100.001,1e-1]",
};

static void documents_read_as_jansson_reads_them(void **state) {
    (void)state;
    uint64_t accepted = 0;
    for (size_t i = 0; i < AM_COUNT_OF(documents); i++)
        compare(am_view_of(documents[i]), &accepted);
    assert_int_equal(accepted, AM_COUNT_OF(documents));
}

static void every_beginning_of_a_document_is_refused_by_both(void **state) {
    (void)state;
    for (size_t i = 0; i < AM_COUNT_OF(documents); i++)
        for (size_t size = 0; size < strlen(documents[i]); size++) {
            uint64_t accepted = 0;
            compare((struct am_view){documents[i], size}, &accepted);
        }
}

static uint64_t random_state = XORSHIFT64_SEED;
static size_t random_below(size_t bound) {
    return (size_t)((xorshift64(&random_state) >> 11) % bound);
}

static size_t mutate(char *text, size_t size, size_t capacity) {
    static const char pieces[] =
        "{}[]:,\"\\u00e9d8 \n-+.eE0123456789truefalsn/\x00\x1f\x7f\x80\xbf\xc3\xe2\xed\xf0\xff";
    size_t at = size ? random_below(size) : 0;
    size_t length = size ? 1 + random_below(size - at < 8 ? size - at : 8) : 0;
    switch (size ? random_below(4) : 1) {
    case 0: /* another byte */
        text[at] = pieces[random_below(sizeof pieces - 1)];
        return size;
    case 1: /* one byte more */
        if (size == capacity)
            return size;
        memmove(text + at + 1, text + at, size - at);
        text[at] = pieces[random_below(sizeof pieces - 1)];
        return size + 1;
    case 2: /* some bytes less */
        memmove(text + at, text + at + length, size - at - length);
        return size - length;
    default: /* a piece twice */
        if (size + length > capacity)
            return size;
        memmove(text + at + length, text + at, size - at);
        return size + length;
    }
}

static void mutated_documents_are_judged_as_jansson_judges_them(void **state) {
    (void)state;
    enum { ROUNDS = 300000 };
    uint64_t accepted = 0;
    for (int i = 0; i < ROUNDS; i++) {
        char text[512];
        const char *from = documents[random_below(AM_COUNT_OF(documents))];
        size_t size = strlen(from);
        memcpy(text, from, size);
        for (size_t left = 1 + random_below(3); left > 0; left--)
            size = mutate(text, size, sizeof text);
        compare((struct am_view){text, size}, &accepted);
    }
    /* Neither judge says the same to everything. */
    assert_true(accepted > ROUNDS / 20 && accepted < ROUNDS * 3 / 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_stand_in_document_order),
        cmocka_unit_test(any_value_may_be_a_document),
        cmocka_unit_test(syntax_errors_say_what_was_expected_and_found),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(nodes_are_bounded),
        cmocka_unit_test(strings_are_decoded),
        cmocka_unit_test(strings_are_compared_decoded),
        cmocka_unit_test(members_are_found_and_the_last_of_duplicates_wins),
        cmocka_unit_test(duplicate_names_are_found_anywhere),
        cmocka_unit_test(duplicates_in_one_object_are_told_from_those_below),
        cmocka_unit_test(duplicates_are_found_in_large_objects),
        cmocka_unit_test(names_chosen_to_collide_take_no_longer),
        cmocka_unit_test(the_first_of_several_duplicates_is_the_one_told),
        cmocka_unit_test(paths_lead_to_nodes),
        cmocka_unit_test(long_paths_are_cut_between_characters),
        cmocka_unit_test(types_have_names),
        cmocka_unit_test(documents_read_as_jansson_reads_them),
        cmocka_unit_test(every_beginning_of_a_document_is_refused_by_both),
        cmocka_unit_test(mutated_documents_are_judged_as_jansson_judges_them),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
