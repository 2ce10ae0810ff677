/* The inventory reader: limits at the limit and one past it, and how files may begin and end. */
#include "engine.h"

static char text[3 << 20];

/* Errors that loading `size` bytes of `text` tells of. */
static uint64_t errors_of(size_t size) {
    struct am_inventory *inventory = NULL;
    struct am_report report = {0};
    struct am_error error = {0};
    const struct am_load_options options = {0};
    enum am_code code = am_inventory_load_memory((struct am_view){text, size}, "test", &options,
                                                 &inventory, &report, &error);
    uint64_t errors = report.errors;
    assert_int_equal(code == AM_OK, inventory != NULL);
    am_inventory_free(inventory);
    am_report_free(&report);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_limit_holds_at_it_and_not_one_past_it),
        cmocka_unit_test(bad_lines_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
