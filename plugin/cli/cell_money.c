/* SPDX-License-Identifier: Apache-2.0 */
#include "cells.h"

#include <strings.h>

#include "../base/decimal.h"
#include "../inventory/meant.h"
#include "../model/limits.h"

/* Spaces of all widths and the apostrophes of Switzerland separate thousands. */
static const char *const fillers[] = {" ", "\u00a0", "\u2009", "\u202f", "'", "’"};
enum { SPACES = 4 }; /* of them */

static bool starts_with(struct am_view text, const char *start) {
    size_t size = strlen(start);
    return text.size >= size && memcmp(text.data, start, size) == 0;
}

static bool ends_with(struct am_view text, const char *end) {
    size_t size = strlen(end);
    return text.size >= size && memcmp(text.data + text.size - size, end, size) == 0;
}

static bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

/* ---- currencies -------------------------------------------------------------------------------
 */

/* ISO 4217, without funds and metals. */
static const char codes[] =
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN "
    "BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL "
    "GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF "
    "KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN "
    "MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD "
    "SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH "
    "UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG";

/* A code, or several that share the sign or name. */
static const struct {
    const char *sign, *currencies;
} signs[] = {
    {"€", "EUR"},
    {"£", "GBP"},
    {"₹", "INR"},
    {"₽", "RUB"},
    {"₺", "TRY"},
    {"₩", "KRW"},
    {"₪", "ILS"},
    {"₴", "UAH"},
    {"zł", "PLN"},
    {"Kč", "CZK"},
    {"R$", "BRL"},
    {"US$", "USD"},
    {"A$", "AUD"},
    {"C$", "CAD"},
    {"$", "USD CAD AUD NZD SGD HKD TWD MXN ARS CLP COP"},
    {"dollar", "USD CAD AUD NZD SGD HKD TWD"},
    {"dollars", "USD CAD AUD NZD SGD HKD TWD"},
    {"¥", "JPY CNY"},
    {"kr", "SEK NOK DKK ISK"},
    {"kr.", "SEK NOK DKK ISK"},
    {"franc", "CHF XAF XOF XPF"},
    {"francs", "CHF XAF XOF XPF"},
    {"rupee", "INR PKR LKR NPR"},
    {"rupees", "INR PKR LKR NPR"},
};

bool am_cli_currency_may_be(const struct am_cli_currency *currency, const char *code) {
    if (currency->code[0])
        return strcmp(currency->code, code) == 0;
    return !currency->among || strstr(currency->among, code) != NULL;
}

bool am_cli_cell_currency(struct am_view cell, struct am_cli_currency *currency) {
    char memory[AM_MEANT_CURRENCY], code[AM_CURRENCY_SIZE + 1] = "";
    *currency = (struct am_cli_currency){.among = NULL};
    for (size_t i = 0; i < AM_COUNT_OF(signs); i++)
        if (am_cli_cell_is(cell, signs[i].sign)) {
            if (strlen(signs[i].currencies) == AM_CURRENCY_SIZE)
                memcpy(currency->code, signs[i].currencies, AM_CURRENCY_SIZE);
            else
                currency->among = signs[i].currencies;
            return true;
        }
    struct am_view meant = am_inventory_meant_currency(cell, memory);
    if (meant.size != AM_CURRENCY_SIZE)
        return false;
    memcpy(code, meant.data, AM_CURRENCY_SIZE);
    if (!strstr(codes, code))
        return false;
    memcpy(currency->code, code, sizeof code);
    return true;
}

static struct am_view without_spaces(struct am_view text) {
    for (size_t i = 0; i < SPACES; i++)
        while (starts_with(text, fillers[i])) {
            text.data += strlen(fillers[i]);
            text.size -= strlen(fillers[i]);
            i = 0;
        }
    for (size_t i = 0; i < SPACES; i++)
        while (ends_with(text, fillers[i])) {
            text.size -= strlen(fillers[i]);
            i = 0;
        }
    return text;
}

/* What is before and behind the number: at most one currency on each side, which agree. */
static bool
read_currencies(struct am_view before, struct am_view after, struct am_cli_currency *currency) {
    struct am_cli_currency other;
    before = without_spaces(before);
    after = without_spaces(after);
    *currency = (struct am_cli_currency){.among = NULL};
    if (before.size && !am_cli_cell_currency(before, currency))
        return false;
    if (after.size == 0)
        return true;
    if (!am_cli_cell_currency(after, &other))
        return false;
    if (before.size && (currency->code[0] ? !am_cli_currency_may_be(&other, currency->code)
                                          : !am_cli_currency_may_be(currency, other.code)))
        return false;
    if (!currency->code[0])
        *currency = other;
    return true;
}

/* ---- amounts ----------------------------------------------------------------------------------
 */

enum { LONGEST_AMOUNT = 40, MOST_RUNS = 8 };

/* Digits, and what is between them: between[i] is behind digits[i]. */
struct runs {
    struct am_view digits[MOST_RUNS], between[MOST_RUNS];
    size_t count;
};

/* A period, a comma or a filler; 0: none of them. */
static size_t separator_size(struct am_view text) {
    if (text.data[0] == '.' || text.data[0] == ',')
        return 1;
    for (size_t i = 0; i < AM_COUNT_OF(fillers); i++)
        if (starts_with(text, fillers[i]))
            return strlen(fillers[i]);
    return 0;
}

static struct am_view from(struct am_view text, size_t at) {
    return (struct am_view){text.data + at, text.size - at};
}

static bool split_runs(struct am_view text, struct runs *runs) {
    for (runs->count = 0; runs->count < MOST_RUNS;) {
        size_t digits = 0;
        while (digits < text.size && is_digit(text.data[digits]))
            digits++;
        runs->digits[runs->count] = (struct am_view){text.data, digits};
        text = from(text, digits);
        size_t between = text.size ? separator_size(text) : 0;
        if (digits == 0 && (runs->count || between == 0))
            return false;
        runs->between[runs->count++] = (struct am_view){text.data, between};
        if (text.size == 0)
            return true;
        if (between == 0)
            return false;
        text = from(text, between);
    }
    return false;
}

/* Whether the first runs are one number with separators of thousands: one to three digits, then
 * groups of three, with one kind of separator. */
static bool is_grouped(const struct runs *runs, size_t count) {
    if (count == 1)
        return true;
    if (runs->digits[0].size == 0 || runs->digits[0].size > 3 || runs->digits[0].data[0] == '0')
        return false;
    for (size_t i = 1; i < count; i++)
        if (runs->digits[i].size != 3 || !am_view_equal(runs->between[i - 1], runs->between[0]))
            return false;
    return true;
}

/* Whether the last separator is that of decimals: a period or comma that no other one is. */
static bool has_decimals(const struct runs *runs) {
    if (runs->count < 2)
        return false;
    struct am_view point = runs->between[runs->count - 2];
    if (point.data[0] != '.' && point.data[0] != ',')
        return false;
    for (size_t i = 0; i + 2 < runs->count; i++)
        if (am_view_equal(runs->between[i], point))
            return false;
    return true;
}

/* One separator before three digits, which may be of thousands. */
static bool is_ambiguous(const struct runs *runs, bool comma) {
    return runs->count == 2 && runs->digits[1].size == 3 && runs->digits[0].size &&
           runs->digits[0].data[0] != '0' &&
           (runs->between[0].data[0] == ',' || (comma && runs->between[0].data[0] == '.'));
}

/* Digits with a period before the decimals, and no zero before another digit. False: too long. */
static bool join_runs(const struct runs *runs, bool decimals, char *amount) {
    size_t size = 0;
    for (size_t i = 0; i < runs->count; i++) {
        if (decimals && i + 1 == runs->count)
            amount[size++] = '.';
        for (size_t k = 0; k < runs->digits[i].size; k++) {
            if (size + 2 >= LONGEST_AMOUNT)
                return false;
            size -= size == 1 && amount[0] == '0';
            amount[size++] = runs->digits[i].data[k];
        }
        if (size == 0)
            amount[size++] = '0'; /* before ".50" */
    }
    amount[size] = '\0';
    return true;
}

static enum am_cli_reading read_amount(struct am_view text, bool comma, int64_t *micros) {
    struct runs runs;
    char amount[LONGEST_AMOUNT + 1];
    if (!split_runs(text, &runs))
        return AM_CELL_UNREADABLE;
    bool decimals = has_decimals(&runs);
    if (!is_grouped(&runs, runs.count - decimals))
        return AM_CELL_UNREADABLE;
    if (is_ambiguous(&runs, comma))
        return AM_CELL_AMBIGUOUS;
    if (!join_runs(&runs, decimals, amount) ||
        am_decimal_parse_text(am_view_of(amount), 6, micros) != AM_OK || *micros > AM_MONEY_MAX)
        return AM_CELL_UNREADABLE;
    return AM_CELL_READ;
}

enum am_cli_reading am_cli_cell_money(struct am_view cell, bool comma, struct am_cli_money *money) {
    size_t begin = 0, end = cell.size;
    *money = (struct am_cli_money){.micros = 0};
    while (begin < cell.size && !is_digit(cell.data[begin]))
        begin++;
    while (end > begin && !is_digit(cell.data[end - 1]))
        end--;
    if (begin == cell.size)
        return AM_CELL_UNREADABLE;
    if (begin && (cell.data[begin - 1] == '.' || cell.data[begin - 1] == ','))
        begin--;
    struct am_view before = {cell.data, begin}, after = from(cell, end);
    if (!read_currencies(before, after, &money->currency))
        return AM_CELL_UNREADABLE;
    return read_amount((struct am_view){cell.data + begin, end - begin}, comma, &money->micros);
}
