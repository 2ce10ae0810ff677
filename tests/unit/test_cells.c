/* SPDX-License-Identifier: Apache-2.0 */
/* What `admatch import` reads tables with: cells, column names, encodings and delimiters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../plugin/cli/cells.h"
#include "../../plugin/cli/columns.h"
#include "../../plugin/cli/encoding.h"
#include "../../plugin/cli/table.h"
#include "xorshift.h"

/* ---- amounts ---- */

static void amounts_have_one_reading_or_none(void **state) {
    (void)state;
    enum { UNREADABLE = -1, AMBIGUOUS = -2 };
    static const struct {
        const char *cell;
        int64_t micros, with_comma; /* what it is where decimals are written with commas */
    } amounts[] = {
        {"1", 1000000, 1000000},
        {"1.20", 1200000, 1200000},
        {"1,20", 1200000, 1200000},
        {".5", 500000, 500000},
        {"0,123", 123000, 123000},
        {"1.234", 1234000, AMBIGUOUS},
        {"1,234", AMBIGUOUS, AMBIGUOUS},
        {"1 234", 1234000000, 1234000000},
        {"1'234.5", 1234500000, 1234500000},
        {"1.234,5", 1234500000, 1234500000},
        {"999,999.999999", 999999999999, 999999999999},
        {"1,000,000", 1000000000000, 1000000000000},
        {"0000000000000000000000001", 1000000, 1000000},
        {"0.5 0.7", UNREADABLE, UNREADABLE},
        {"0,50 0,70", UNREADABLE, UNREADABLE},
        {"1.2.3", UNREADABLE, UNREADABLE},
        {"1,2,3", UNREADABLE, UNREADABLE},
        {"1 2", UNREADABLE, UNREADABLE},
        {"1'5", UNREADABLE, UNREADABLE},
        {"1,23.4", UNREADABLE, UNREADABLE},
        {"1 234'567", UNREADABLE, UNREADABLE},
        {"1.234.56", UNREADABLE, UNREADABLE},
        {"1.", UNREADABLE, UNREADABLE},
        {"1..2", UNREADABLE, UNREADABLE},
        {"1,000,001", UNREADABLE, UNREADABLE},
        {"0.0000001", UNREADABLE, UNREADABLE},
        {"1 2 3 4 5 6 7 8 9", UNREADABLE, UNREADABLE},
        {"11111111111111111111111111111111111111111111", UNREADABLE, UNREADABLE},
        {"-1", UNREADABLE, UNREADABLE},
        {"", UNREADABLE, UNREADABLE},
        {"€", UNREADABLE, UNREADABLE},
        {".", UNREADABLE, UNREADABLE},
    };
    for (size_t i = 0; i < AM_COUNT_OF(amounts); i++)
        for (int comma = 0; comma < 2; comma++) {
            struct am_cli_money money;
            int64_t wanted = comma ? amounts[i].with_comma : amounts[i].micros;
            enum am_cli_reading reading =
                am_cli_cell_money(am_view_of(amounts[i].cell), comma, &money);
            assert_int_equal(reading, wanted == UNREADABLE  ? AM_CELL_UNREADABLE
                                      : wanted == AMBIGUOUS ? AM_CELL_AMBIGUOUS
                                                            : AM_CELL_READ);
            if (reading == AM_CELL_READ)
                assert_int_equal(money.micros, wanted);
        }
}

static void currencies_are_known_by_code_sign_and_name(void **state) {
    (void)state;
    static const struct {
        const char *cell, *code; /* "": several; NULL: none */
    } currencies[] = {{"EUR", "EUR"},   {"eur", "EUR"}, {"Euro", "EUR"}, {"€", "EUR"},
                      {"zł", "PLN"},    {"R$", "BRL"},  {"£", "GBP"},    {"$", ""},
                      {"Dollars", ""},  {"¥", ""},      {"kr", ""},      {"CPM", NULL},
                      {"Taler", NULL},  {"US", NULL},   {"", NULL},      {"EURO CENT", NULL},
                      {"EUR USD", NULL}};
    struct am_cli_currency currency;
    for (size_t i = 0; i < AM_COUNT_OF(currencies); i++) {
        bool read = am_cli_cell_currency(am_view_of(currencies[i].cell), &currency);
        assert_int_equal(read, currencies[i].code != NULL);
        if (read)
            assert_string_equal(currency.code, currencies[i].code);
    }
    assert_true(am_cli_cell_currency(AM_VIEW("$"), &currency));
    assert_true(am_cli_currency_may_be(&currency, "CAD"));
    assert_false(am_cli_currency_may_be(&currency, "EUR"));
}

static void an_amount_has_the_currency_of_either_side(void **state) {
    (void)state;
    static const struct {
        const char *cell, *code; /* NULL: unreadable */
    } amounts[] = {{"1 €", "EUR"},    {"€1", "EUR"},       {"EUR 1", "EUR"},  {"1\u00a0EUR", "EUR"},
                   {"$1 USD", "USD"}, {"US$ 1", "USD"},    {"1 Euro", "EUR"}, {"1", ""},
                   {"$1", ""},        {"€1 USD", NULL},    {"$1 EUR", NULL},  {"1€50", NULL},
                   {"1 CPM", NULL},   {"1 USD EUR", NULL}, {"EUR", NULL}};
    for (size_t i = 0; i < AM_COUNT_OF(amounts); i++) {
        struct am_cli_money money;
        bool read = am_cli_cell_money(am_view_of(amounts[i].cell), false, &money) == AM_CELL_READ;
        assert_int_equal(read, amounts[i].code != NULL);
        if (read)
            assert_string_equal(money.currency.code, amounts[i].code);
    }
}

/* Any bytes are read in bounds, and what is read is money. */
static void any_cell_is_an_amount_or_not(void **state) {
    (void)state;
    static const char bytes[] = "0123456789,,..  ''€$-EUR\xe2\xc2\xa0";
    uint64_t random = XORSHIFT64_SEED;
    for (int i = 0; i < 200000; i++) {
        size_t size = xorshift64(&random) % 12;
        char *cell = malloc(size + 1);
        assert_non_null(cell);
        for (size_t k = 0; k < size; k++)
            cell[k] = bytes[xorshift64(&random) % (sizeof bytes - 1)];
        cell = realloc(cell, size ? size : 1);
        struct am_cli_money money;
        if (am_cli_cell_money((struct am_view){cell, size}, i & 1, &money) == AM_CELL_READ)
            assert_in_range(money.micros, 0, 1000000000000);
        free(cell);
    }
}

/* ---- days, states, keywords ---- */

static void days_are_read_where_one_is_meant(void **state) {
    (void)state;
    static const struct {
        const char *cell, *begin, *end; /* NULL: not read */
    } days[] = {
        {"2026-11-30", "2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"},
        {"30.11.2026", "2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"},
        {"11/30/2026", "2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"},
        {"20261130", "2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"},
        {"2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"},
        {"2026-11-01T02:00:00+02:00", "2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"},
        {"03/04/2026", NULL, NULL},
        {"2026-02-30", NULL, NULL},
        {"2026-11-01T25:00:00Z", NULL, NULL},
        {"1-2", NULL, NULL},
        {"", NULL, NULL},
    };
    char time[AM_CELL_TIME_SIZE];
    for (size_t i = 0; i < AM_COUNT_OF(days); i++)
        for (int last = 0; last < 2; last++) {
            bool read = am_cli_cell_day(am_view_of(days[i].cell), last, time) == AM_CELL_READ;
            assert_int_equal(read, days[i].begin != NULL);
            if (read)
                assert_string_equal(time, last ? days[i].end : days[i].begin);
        }
}

static void notation_is_taken_off_keywords(void **state) {
    (void)state;
    static const struct {
        const char *cell, *text;
        char match;
        bool negative, typographic;
    } keywords[] = {
        {"shoes", "shoes", 0, false, false}, {"-kids", "kids", 0, true, false},
        {"[a b]", "a b", '[', false, false}, {"\"a b\"", "a b", '"', false, false},
        {"–kids", "kids", 0, true, true},    {"„a b“", "a b", '"', false, true},
        {"-[a]", "a", '[', true, false},     {"+a +b", "+a +b", '+', false, false},
        {"-", "-", 0, false, false},         {"\"\"", "\"\"", 0, false, false},
    };
    for (size_t i = 0; i < AM_COUNT_OF(keywords); i++) {
        struct am_cli_notation notation = am_cli_cell_notation(am_view_of(keywords[i].cell));
        assert_true(am_view_equal(notation.text, am_view_of(keywords[i].text)));
        assert_int_equal(notation.match, keywords[i].match);
        assert_int_equal(notation.negative, keywords[i].negative);
        assert_int_equal(notation.typographic, keywords[i].typographic);
    }
}

static void items_are_separated_outside_of_quotes(void **state) {
    (void)state;
    struct am_view rest = AM_VIEW(" a , \"b, c\";[d|e]|\nf\" g");
    static const char *const items[] = {"a", "\"b, c\"", "[d|e]", "", "f\" g"};
    for (size_t i = 0; i < AM_COUNT_OF(items); i++)
        assert_true(am_view_equal(am_cli_cell_item(&rest), am_view_of(items[i])));
    assert_int_equal(rest.size, 0);
}

/* ---- columns ---- */

static void columns_are_known_by_name_and_number(void **state) {
    (void)state;
    struct am_cli_column_name third = am_cli_column_of(AM_VIEW("HEADLINE 3"));
    assert_int_equal(third.column, AM_COLUMN_HEADLINE);
    assert_int_equal(third.number, 2);
    assert_int_equal(am_cli_column_of(AM_VIEW("Max CPC")).column, AM_COLUMN_BID);
    assert_int_equal(am_cli_column_of(AM_VIEW("Default max. CPC")).column, AM_COLUMN_GROUP_BID);
    assert_int_equal(am_cli_column_of(AM_VIEW("Headline3")).column, AM_COLUMN_UNKNOWN);
    assert_int_equal(am_cli_column_of(AM_VIEW("")).column, AM_COLUMN_UNKNOWN);
    assert_int_equal(am_cli_column_of(AM_VIEW("3")).column, AM_COLUMN_UNKNOWN);
    const struct am_view header[] = {AM_VIEW("id"), AM_VIEW("what"), AM_VIEW("keyword")};
    assert_int_equal(am_cli_columns_known(header, 3), 2);
    assert_int_equal(am_cli_columns_known(header, 2), 0);
    assert_int_equal(am_cli_columns_known(header + 2, 1), 1);
}

/* ---- encodings ---- */

static void
check_decoded(struct am_view text, const char *encoding, struct am_view wanted, uint64_t damaged) {
    struct am_cli_encoding_damage damage;
    struct am_view decoded;
    char *memory;
    assert_int_equal(am_cli_encoding_decode(text, encoding, &decoded, &memory, &damage, NULL),
                     AM_OK);
    assert_true(am_view_equal(decoded, wanted));
    assert_int_equal(damage.count, damaged);
    free(memory);
}

static void encodings_are_detected_and_decoded(void **state) {
    (void)state;
    assert_string_equal(am_cli_encoding_of(AM_VIEW("\xFF\xFE"
                                                   "a\0")),
                        "UTF-16LE");
    assert_string_equal(am_cli_encoding_of(AM_VIEW("\0a\0b")), "UTF-16BE");
    assert_string_equal(am_cli_encoding_of(AM_VIEW("caf\xC3\xA9")), "UTF-8");
    assert_string_equal(am_cli_encoding_of(AM_VIEW("caf\xE9")), "WINDOWS-1252");
    assert_string_equal(am_cli_encoding_of(AM_VIEW("")), "UTF-8");
    check_decoded(AM_VIEW("\xEF\xBB\xBF"
                          "a"),
                  "UTF-8", AM_VIEW("a"), 0);
    check_decoded(AM_VIEW("caf\xE9"), "WINDOWS-1252", AM_VIEW("café"), 0);
    check_decoded(AM_VIEW("a\xFF"
                          "b\xC3"),
                  "utf-8", AM_VIEW("a\uFFFDb\uFFFD"), 2);
}

static void what_is_damaged_in_utf_16_is_one_character(void **state) {
    (void)state;
    check_decoded(AM_VIEW("a\0\x00\xDC"
                          "b\0"),
                  "UTF-16LE", AM_VIEW("a\uFFFDb"), 1);
    check_decoded(AM_VIEW("a\0\x00\xD8"
                          "b\0"),
                  "UTF-16LE", AM_VIEW("a\uFFFDb"), 1);
    check_decoded(AM_VIEW("\0a\xDC\x00\0b"), "UTF-16BE", AM_VIEW("a\uFFFDb"), 1);
    check_decoded(AM_VIEW("\0a\0"), "UTF-16BE", AM_VIEW("a\uFFFD"), 1);
    struct am_cli_encoding_damage damage;
    struct am_view decoded;
    char *memory;
    assert_int_equal(
        am_cli_encoding_decode(AM_VIEW("a\nb\n\xFF"), "UTF-8", &decoded, &memory, &damage, NULL),
        AM_OK);
    assert_int_equal(damage.line, 3);
    free(memory);
}

/* ---- delimiters ---- */

static void the_delimiter_makes_the_best_header(void **state) {
    (void)state;
    static const struct {
        const char *text;
        char delimiter;
    } tables[] = {
        {"id,keywords,bid\na,shoes;boots;hats;caps;ties,1\n", ','},
        {"id;keywords;bid\na;shoes,boots,hats,caps,ties;1\n", ';'},
        {"Report, of, all, words, here\nid|keyword|bid\n", '|'},
        {"id\tkeyword\tbid, in EUR\n", '\t'},
        {"\"id\";\"keyword\"\n", ';'},
        {"sep=|\nid;keyword\n", '|'},
        {"keyword\nshoes\n", ','},
        {"Kampagne;Gebot\n1,5;2,5,3\n", ','},
        {"", ','},
    };
    for (size_t i = 0; i < AM_COUNT_OF(tables); i++)
        assert_int_equal(am_cli_table_form_of(am_view_of(tables[i].text), "t").delimiter,
                         tables[i].delimiter);
    assert_true(am_cli_table_form_of(AM_VIEW("id\tkeyword\n\"a\tb\"\tc\n"), "t").quotes);
    assert_false(am_cli_table_form_of(AM_VIEW("id\tkeyword\na\t5\" rims\n"), "t").quotes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_have_one_reading_or_none),
        cmocka_unit_test(currencies_are_known_by_code_sign_and_name),
        cmocka_unit_test(an_amount_has_the_currency_of_either_side),
        cmocka_unit_test(any_cell_is_an_amount_or_not),
        cmocka_unit_test(days_are_read_where_one_is_meant),
        cmocka_unit_test(notation_is_taken_off_keywords),
        cmocka_unit_test(items_are_separated_outside_of_quotes),
        cmocka_unit_test(columns_are_known_by_name_and_number),
        cmocka_unit_test(encodings_are_detected_and_decoded),
        cmocka_unit_test(what_is_damaged_in_utf_16_is_one_character),
        cmocka_unit_test(the_delimiter_makes_the_best_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
