/* SPDX-License-Identifier: Apache-2.0 */
/* The inventory reader: limits at the limit and one past it, and how files may begin and end. */
#include "engine.h"

#include <unistd.h>
#include <zlib.h>

static char text[3 << 20];

/* Errors that loading `size` bytes of `text` tells of. */
static uint64_t errors_of(size_t size) {
    struct am_inventory *inventory = NULL;
    struct am_inventory_report report = {0};
    struct am_error error = {0};
    const struct am_inventory_load_options options = {0};
    enum am_code code = am_inventory_load_memory((struct am_view){text, size}, "test", &options,
                                                 &inventory, &report, &error);
    uint64_t errors = report.errors;
    assert_int_equal(code == AM_OK, inventory != NULL);
    am_inventory_free(inventory);
    am_inventory_report_free(&report);
    return errors;
}

/* Of an ad that has `count` times `piece` between `before` and `after`. */
static uint64_t
errors_with(const char *before, const char *piece, size_t count, const char *after) {
    char *at = text + sprintf(text, "{\"advertiser\":\"x\",\"bid\":1,%s", before);
    for (size_t i = 0; i < count; i++)
        at += sprintf(at, "%s", piece);
    at += sprintf(at, "%s}", after);
    return errors_of((size_t)(at - text));
}

static void each_limit_holds_at_it_and_not_one_past_it(void **state) {
    (void)state;
    static const struct {
        const char *before, *piece, *after;
        size_t limit;
    } limits[] = {
        {"\"id\":\"", "i", "\"", AM_ID_MAX_BYTES},
        {"\"id\":\"i\",\"url\":\"", "u", "\"", AM_URL_MAX_BYTES},
        {"\"id\":\"i\",\"keywords\":[\"", "a ", "\"]", AM_KEYWORD_MAX_WRITTEN_WORDS},
        {"\"id\":\"i\",\"keywords\":[\"", "\xE6\x9D\xB1", "\"]", AM_KEYWORD_MAX_WORDS},
        {"\"id\":\"i\",\"creative\":{\"t\":\"", "t", "\"}", AM_CREATIVE_MAX_BYTES - 8},
        {"\"id\":\"i\",\"labels\":[\"", "l", "\"]", AM_ID_MAX_BYTES},
        {"\"id\":\"i\",\"labels\":[\"l\"", ",\"l\"", "]", AM_LABELS_MAX - 1},
        {"\"id\":\"i\",\"exclude_labels\":[\"l\"", ",\"l\"", "]", AM_LABELS_MAX - 1},
        {"\"id\":\"i\",\"categories\":[\"c\"", ",\"c\"", "]", AM_LABELS_MAX - 1},
        {"\"id\":\"i\",\"categories\":[\"c", "-c", "\"]", AM_NAME_MAX_PARTS - 1},
        {"\"id\":\"i\",\"domain\":\"d", ".d", "\"", AM_NAME_MAX_PARTS - 1},
        {"\"id\":\"i\",\"budget\":{\"impressions\":{\"total\":9", "0", "}}", 9},
        {"\"id\":\"i\",\"budget\":{\"daily\":9", "0", ".0}", 9},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (errors_with(limits[i].before, limits[i].piece, limits[i].limit, limits[i].after) != 0)
            fail_msg("%s: refused at the limit", limits[i].before);
        if (errors_with(limits[i].before, limits[i].piece, limits[i].limit + 1, limits[i].after) !=
            1)
            fail_msg("%s: taken past the limit", limits[i].before);
    }
}

static void bad_lines_are_errors(void **state) {
    (void)state;
    static const char *const bad[] = {
        "{\"id\":\"b\",\"advertiser\":\"x\",\"bid\":NaN}",
        "{\"id\":\"b\",\"advertiser\":\"x\",\"bid\":1e999}",
        "{\"id\":\"b\",\"advertiser\":\"x\",\"bid\":99999999999999999999}",
        "{\"id\":\"b\",\"id\":\"c\",\"advertiser\":\"x\",\"bid\":1}",
        "{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1}",
        "{\"id\":\"\xFF\",\"advertiser\":\"x\",\"bid\":1}",
        "[1]",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int size = sprintf(text, "{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1}\n%s", bad[i]);
        if (errors_of((size_t)size) != 1)
            fail_msg("%s: not one error", bad[i]);
    }
}

/* ---- files ------------------------------------------------------------------------------------
 */

static const char one[] = "{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1}\n";
static const char two[] = "{\"id\":\"b\",\"advertiser\":\"x\",\"bid\":1}\n";

/* Loads bytes; the number of ads, or the message and -1. */
static int
ads_of(const char *bytes, size_t size, struct am_inventory_report *report, struct am_error *error) {
    struct am_inventory *inventory = NULL;
    const struct am_inventory_load_options options = {0};
    *report = (struct am_inventory_report){0};
    *error = (struct am_error){0};
    enum am_code code = am_inventory_load_memory((struct am_view){bytes, size}, "test", &options,
                                                 &inventory, report, error);
    int count = code == AM_OK ? (int)inventory->ad_count : -1;
    am_inventory_free(inventory);
    return count;
}

static void assert_ads(const char *bytes, size_t size, int expected) {
    struct am_inventory_report report;
    struct am_error error;
    int count = ads_of(bytes, size, &report, &error);
    if (count != expected)
        fail_msg("%d ads, expected %d: %s", count, expected, error.message);
    am_inventory_report_free(&report);
}

static void assert_refused(const char *bytes, size_t size, enum am_code code, const char *reason) {
    struct am_inventory_report report;
    struct am_error error;
    assert_int_equal(ads_of(bytes, size, &report, &error), -1);
    assert_int_equal(error.code, code);
    if (!strstr(error.message, reason))
        fail_msg("%s: expected %s", error.message, reason);
    am_inventory_report_free(&report);
}

/* One gzip member of `plain` at `packed`; its size. */
static size_t pack(struct am_view plain, char *packed, size_t room) {
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)plain.data,
                       .avail_in = (uInt)plain.size,
                       .next_out = (Bytef *)packed,
                       .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return stream.total_out;
}

static void lines_may_begin_and_end_as_editors_leave_them(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int ads;
    } files[] = {
        {"\xEF\xBB\xBF{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1}\n", 1},
        {"{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1}", 1},
        {"{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1}\r\n"
         "{\"id\":\"b\",\"advertiser\":\"x\",\"bid\":1}\r\n",
         2},
        {"\n \t\n\r\n{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1}\n\n", 1},
        {" {\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1} \t\r\n", 1},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        assert_ads(files[i].text, strlen(files[i].text), files[i].ads);
}

/* A mark at the beginning of the file is one; elsewhere it is a character like others. */
static void a_byte_order_mark_inside_the_file_is_an_error(void **state) {
    (void)state;
    int size = sprintf(text, "%s\xEF\xBB\xBF%s", one, two);
    assert_refused(text, (size_t)size, AM_E_INVALID, "line 2: expected a value, found byte 0xef");
}

static void a_line_may_have_a_mebibyte_and_no_more(void **state) {
    (void)state;
    static const char end[] = "\"}\n";
    for (size_t more = 0; more <= 1; more++) {
        char *at =
            text + sprintf(text, "%s{\"id\":\"b\",\"advertiser\":\"x\",\"bid\":1,\"x\":\"", one);
        char *line_end = text + strlen(one) + AM_LINE_MAX_BYTES + more;
        memset(at, 'x', (size_t)(line_end - at));
        at = line_end - (sizeof end - 2);
        memcpy(at, end, sizeof end - 1);
        at += sizeof end - 1;
        if (more)
            assert_refused(text, (size_t)(at - text), AM_E_INVALID,
                           "line 2: a line of more than 1048576 bytes");
        else
            assert_ads(text, (size_t)(at - text), 2);
    }
}

/* Lines that cross the chunks in which a file is read. */
static void lines_may_cross_chunks(void **state) {
    (void)state;
    enum { ADS = 20000 };
    char *at = text;
    for (int i = 0; i < ADS; i++)
        at += sprintf(at, "{\"id\":\"ad%d\",\"advertiser\":\"x\",\"bid\":1}\n", i);
    assert_true((size_t)(at - text) < sizeof text);
    assert_ads(text, (size_t)(at - text), ADS);
    static char packed[1 << 20];
    size_t size = pack((struct am_view){text, (size_t)(at - text)}, packed, sizeof packed);
    assert_ads(packed, size, ADS);
}

static void gzip_members_may_follow_one_another(void **state) {
    (void)state;
    static char packed[1024];
    size_t first = pack(am_view_of(one), packed, sizeof packed);
    assert_ads(packed, first, 1);
    size_t both = first + pack(am_view_of(two), packed + first, sizeof packed - first);
    assert_ads(packed, both, 2);
    size_t all = both + pack(AM_VIEW(""), packed + both, sizeof packed - both);
    assert_ads(packed, all, 2);
}

/* A line may begin in one member and end in the next. */
static void a_line_may_cross_gzip_members(void **state) {
    (void)state;
    static char packed[1024];
    size_t size = pack((struct am_view){one, 10}, packed, sizeof packed);
    size += pack(am_view_of(one + 10), packed + size, sizeof packed - size);
    assert_ads(packed, size, 1);
}

static void gzip_cut_anywhere_is_refused(void **state) {
    (void)state;
    static char packed[1024];
    size_t first = pack(am_view_of(one), packed, sizeof packed);
    size_t both = first + pack(am_view_of(two), packed + first, sizeof packed - first);
    for (size_t size = 2; size < both; size++)
        if (size != first)
            assert_refused(packed, size, AM_E_SYNTAX, "the gzip data ends in the middle, after ");
    assert_refused(packed, 1, AM_E_INVALID, "line 1: expected a value, found byte 0x1f");
}

static void gzip_with_something_after_it_is_refused(void **state) {
    (void)state;
    static char packed[1024];
    size_t size = pack(am_view_of(one), packed, sizeof packed);
    memcpy(packed + size, "garbage", 7);
    assert_refused(packed, size + 7, AM_E_SYNTAX, "damaged gzip data near byte ");
    assert_refused(packed, size + 1, AM_E_SYNTAX, "the gzip data ends in the middle, after ");
    memset(packed + size, 0, 512);
    packed[size + 511] = 'x';
    assert_refused(packed, size + 512, AM_E_SYNTAX, "damaged gzip data near byte ");
}

/* Tapes and some tools fill up with zeros. */
static void gzip_may_be_padded_with_zeros(void **state) {
    (void)state;
    static char packed[1024];
    size_t first = pack(am_view_of(one), packed, sizeof packed);
    for (size_t size = first; size < sizeof packed; size++)
        assert_ads(packed, size, 1);
}

static void a_byte_order_mark_may_be_packed(void **state) {
    (void)state;
    static char plain[1024], packed[1024];
    size_t size = (size_t)sprintf(plain, "\xEF\xBB\xBF%s", one);
    assert_ads(packed, pack((struct am_view){plain, size}, packed, sizeof packed), 1);
}

/* Whatever byte of the body or the trailer is changed: refused, never another inventory. */
static void gzip_with_a_changed_byte_is_refused(void **state) {
    (void)state;
    enum { HEADER = 10 };
    static char packed[1024];
    size_t size = pack(am_view_of(one), packed, sizeof packed);
    for (size_t i = HEADER; i < size; i++) {
        packed[i] ^= 0x55;
        struct am_inventory_report report;
        struct am_error error;
        assert_int_equal(ads_of(packed, size, &report, &error), -1);
        assert_int_equal(error.code, AM_E_SYNTAX);
        am_inventory_report_free(&report);
        packed[i] ^= 0x55;
    }
    assert_ads(packed, size, 1);
}

/* `members` times a mebibyte of blank lines, then an ad. */
static size_t pack_blank(size_t members, char *packed, size_t room) {
    enum { MEBIBYTE = 1 << 20 };
    char *blank = malloc(MEBIBYTE);
    assert_non_null(blank);
    memset(blank, ' ', MEBIBYTE);
    blank[MEBIBYTE - 1] = '\n';
    size_t size = pack((struct am_view){blank, MEBIBYTE}, packed, room);
    free(blank);
    for (size_t i = 1; i < members; i++)
        memcpy(packed + i * size, packed, size);
    return members * size + pack(am_view_of(one), packed + members * size, room - members * size);
}

static void gzip_that_unpacks_to_very_much_is_refused(void **state) {
    (void)state;
    enum { ROOM = 256 << 10, FREE_MEMBERS = AM_INVENTORY_FREE_TEXT >> 20 };
    char *packed = malloc(ROOM);
    assert_non_null(packed);
    assert_ads(packed, pack_blank(FREE_MEMBERS - 1, packed, ROOM), 1);
    assert_refused(packed, pack_blank(FREE_MEMBERS, packed, ROOM), AM_E_LIMIT,
                   "bytes of gzip data unpack to more than 200 times as many");
    free(packed);
}

/* A file with a hole in it can have any size. */
static void a_file_of_very_many_bytes_is_not_read(void **state) {
    (void)state;
    char path[] = "/tmp/test_inventory_XXXXXX";
    int file = mkstemp(path);
    struct am_inventory *inventory = NULL;
    struct am_inventory_report report = {0};
    struct am_error error = {0};
    const struct am_inventory_load_options options = {0};
    assert_true(file >= 0);
    assert_int_equal(ftruncate(file, AM_INVENTORY_MAX_BYTES + 1), 0);
    assert_int_equal(am_inventory_load(path, &options, &inventory, &report, &error), AM_E_LIMIT);
    assert_non_null(strstr(error.message, ": a file of 68719476737 bytes, expected at most "));
    am_inventory_report_free(&report);
    close(file);
    unlink(path);
}

static void the_first_hundred_errors_are_listed_and_all_are_counted(void **state) {
    (void)state;
    char *at = text;
    for (int i = 0; i < AM_MAX_ERRORS_LISTED + 3; i++)
        at += sprintf(at, "{\"id\":\"%d\",\"advertiser\":\"x\",\"bid\":-1,\"bit\":0}\n", i);
    struct am_inventory_report report;
    struct am_error error;
    assert_int_equal(ads_of(text, (size_t)(at - text), &report, &error), -1);
    assert_int_equal(report.errors, AM_MAX_ERRORS_LISTED + 3);
    assert_int_equal(report.warnings, AM_MAX_ERRORS_LISTED + 3);
    assert_int_equal(report.problem_count, 2 * AM_MAX_ERRORS_LISTED);
    assert_int_equal(report.problems[0].line, 1);
    assert_int_equal(report.problems[report.problem_count - 1].line, AM_MAX_ERRORS_LISTED);
    am_inventory_report_free(&report);
}

static void macros_are_bounded_and_long_pages_warned_of(void **state) {
    (void)state;
    struct am_inventory_report report;
    struct am_error error;
    for (int extra = 0; extra <= 1; extra++) {
        char *at = text + sprintf(text, "{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1,"
                                        "\"keywords\":[\"k\"],\"url\":\"https://a/");
        for (int i = 0; i < AM_AD_MAX_MACROS - 1 + extra; i++)
            at += sprintf(at, "{id}");
        at += sprintf(at, "\",\"creative\":{\"v\":\"${VIEW_URL}\"}}\n");
        assert_int_equal(ads_of(text, (size_t)(at - text), &report, &error), extra ? -1 : 1);
        assert_int_equal(report.errors, extra);
        am_inventory_report_free(&report);
    }
    char page[3901];
    memset(page, 'a', sizeof page);
    memcpy(page, "https://", strlen("https://"));
    for (int size = 3800; size <= 3900; size += 100) {
        int length = sprintf(text,
                             "{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1,"
                             "\"keywords\":[\"k\"],\"url\":\"%.*s\"}\n",
                             size, page);
        assert_int_equal(ads_of(text, (size_t)length, &report, &error), 1);
        assert_int_equal(report.warnings, size == 3900);
        am_inventory_report_free(&report);
    }
}

/* Whatever is wrong with a campaign, its ads fall with it, wherever they stand; an image without
 * the campaign and with its ads would be corrupt. */
static void ads_fall_with_their_campaign(void **state) {
    (void)state;
    static const char *const bad[] = {
        "\"negative_keywords\":[\"[a\"]", "\"bid\":1,\"status\":\"x\"",
        "\"negative_keywords\":[\"a b c d e f g h i j k l m n o p q\"]", "\"end\":\"never\""};
    const struct am_inventory_load_options options = {.skip_bad_records = true};
    for (size_t i = 0; i < AM_COUNT_OF(bad); i++) {
        struct am_inventory *inventory = NULL;
        struct am_inventory_report report = {0};
        struct am_image_bytes bytes = {0};
        int size =
            sprintf(text,
                    "{\"id\":\"of-bad\",\"campaign\":\"bad\",\"bid\":1,\"keywords\":[\"a\"]}\n"
                    "{\"type\":\"campaign\",\"id\":\"bad\",\"advertiser\":\"x\",%s}\n"
                    "{\"id\":\"of-good\",\"campaign\":\"good\",\"bid\":1,\"keywords\":[\"a\"]}\n"
                    "{\"type\":\"campaign\",\"id\":\"good\",\"advertiser\":\"x\"}\n",
                    bad[i]);
        assert_int_equal(am_inventory_load_memory((struct am_view){text, (size_t)size}, "test",
                                                  &options, &inventory, &report, NULL),
                         AM_OK);
        assert_int_equal(inventory->campaign_count, 1);
        assert_int_equal(inventory->ad_count, 1);
        assert_int_equal(inventory->ads[0].campaign, 0);
        assert_int_equal(am_build_image(inventory, NULL, true, &bytes, NULL), AM_OK);
        am_image_bytes_free(&bytes);
        am_inventory_free(inventory);
        am_inventory_report_free(&report);
    }
}

/* Of an ad whose one keyword has `invisible` wherever the format says. */
static void assert_notation(const char *invisible, const char *format, bool negative, int match) {
    const struct am_inventory_load_options options = {0};
    struct am_inventory *inventory = NULL;
    struct am_inventory_report report = {0};
    char keyword[64];
    snprintf(keyword, sizeof keyword, format, invisible, invisible, invisible, invisible);
    int size = sprintf(text, "{\"id\":\"i\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"%s\"]}",
                       keyword);
    assert_int_equal(am_inventory_load_memory((struct am_view){text, (size_t)size}, "test",
                                              &options, &inventory, &report, NULL),
                     AM_OK);
    const struct am_inventory_ad *ad = &inventory->ads[0];
    assert_int_equal(ad->keyword_count, !negative);
    assert_int_equal(ad->rules.negative_count, negative);
    const struct am_inventory_keyword *read = negative ? ad->rules.negatives : ad->keywords;
    assert_int_equal(read->match, match);
    assert_true(am_view_equal(read->text, AM_VIEW("free shoes")));
    am_inventory_free(inventory);
    am_inventory_report_free(&report);
}

static void what_shows_nothing_hides_no_notation(void **state) {
    (void)state;
    static const char *const invisible[] = {"\\u200f", "\\u202a", "\\u2066",       "\\ufeff",
                                            "\\u200b", "\\u00ad", "\\u00a0",       "\\u3000",
                                            "\\u061c", "\\u2029", "\\udb40\\udc01"};
    for (size_t i = 0; i < AM_COUNT_OF(invisible); i++) {
        assert_notation(invisible[i], "%s-%sfree shoes%s", true, AM_MATCH_BROAD);
        assert_notation(invisible[i], "%s\\\"%sfree shoes%s\\\"%s", false, AM_MATCH_PHRASE);
        assert_notation(invisible[i], "%s[%sfree shoes%s]%s", false, AM_MATCH_EXACT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_limit_holds_at_it_and_not_one_past_it),
        cmocka_unit_test(bad_lines_are_errors),
        cmocka_unit_test(lines_may_begin_and_end_as_editors_leave_them),
        cmocka_unit_test(a_byte_order_mark_inside_the_file_is_an_error),
        cmocka_unit_test(a_line_may_have_a_mebibyte_and_no_more),
        cmocka_unit_test(lines_may_cross_chunks),
        cmocka_unit_test(gzip_members_may_follow_one_another),
        cmocka_unit_test(a_line_may_cross_gzip_members),
        cmocka_unit_test(gzip_cut_anywhere_is_refused),
        cmocka_unit_test(gzip_with_something_after_it_is_refused),
        cmocka_unit_test(gzip_may_be_padded_with_zeros),
        cmocka_unit_test(a_byte_order_mark_may_be_packed),
        cmocka_unit_test(gzip_with_a_changed_byte_is_refused),
        cmocka_unit_test(gzip_that_unpacks_to_very_much_is_refused),
        cmocka_unit_test(a_file_of_very_many_bytes_is_not_read),
        cmocka_unit_test(the_first_hundred_errors_are_listed_and_all_are_counted),
        cmocka_unit_test(macros_are_bounded_and_long_pages_warned_of),
        cmocka_unit_test(ads_fall_with_their_campaign),
        cmocka_unit_test(what_shows_nothing_hides_no_notation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
