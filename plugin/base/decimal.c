/* SPDX-License-Identifier: Apache-2.0 */
#include "decimal.h"

#include "json.h"

enum { EXPONENT_FITS = 18 }; /* 10^19 is above INT64_MAX */
#define EXPONENT_MAX                                                                               \
    INT64_C(1000000000000) /* beyond any text's count of digits: stands for more                   \
                            */

/* A number as its digits without zeros at either end, times a power of ten. */
struct scanned {
    bool negative;
    bool too_long; /* the digits do not fit */
    uint64_t digits;
    int64_t exponent;
};

static void push_digit(struct scanned *number, unsigned digit) {
    if (__builtin_mul_overflow(number->digits, 10, &number->digits) ||
        __builtin_add_overflow(number->digits, digit, &number->digits)) {
        number->too_long = true;
        number->digits = UINT64_MAX;
    }
}

/* Zeros wait until a digit follows, so that "1.2500000000000000000000" has three digits. */
static size_t scan_digits(struct am_view text, size_t at, struct scanned *number) {
    bool fraction = false;
    int64_t zeros = 0;
    for (; at < text.size; at++) {
        char c = text.data[at];
        if (c == '.') {
            fraction = true;
            continue;
        }
        if (c < '0' || c > '9')
            break;
        number->exponent -= fraction;
        zeros++;
        if (c == '0')
            continue;
        for (; zeros > 1 && !number->too_long && number->digits; zeros--)
            push_digit(number, 0);
        push_digit(number, (unsigned)(c - '0'));
        zeros = 0;
    }
    number->exponent += zeros;
    return at;
}

static int64_t scan_exponent(struct am_view text, size_t at) {
    if (at == text.size)
        return 0;
    at++;
    bool negative = text.data[at] == '-';
    if (text.data[at] == '-' || text.data[at] == '+')
        at++;
    int64_t exponent = 0;
    for (; at < text.size; at++)
        if (exponent < EXPONENT_MAX)
            exponent = exponent * 10 + (text.data[at] - '0');
    return negative ? -exponent : exponent;
}

/* In two's complement, int64_t cannot hold the magnitude of INT64_MIN. */
AM_WRAPS static uint64_t negated(uint64_t number) {
    return 0 - number;
}

/* False when it does not fit. */
static bool scale(struct scanned number, int64_t exponent, int64_t *value) {
    if (number.too_long || exponent > EXPONENT_FITS)
        return false;
    uint64_t magnitude = number.digits;
    for (; exponent > 0; exponent--)
        if (__builtin_mul_overflow(magnitude, 10, &magnitude))
            return false;
    uint64_t limit = (uint64_t)INT64_MAX + number.negative;
    if (magnitude > limit)
        return false;
    *value = (int64_t)(number.negative ? negated(magnitude) : magnitude);
    return true;
}

enum am_code
am_decimal_parse(struct am_view text, unsigned places, int64_t *value, struct am_error *error) {
    struct scanned number = {.negative = text.size && text.data[0] == '-'};
    size_t at = scan_digits(text, number.negative, &number);
    if (number.digits == 0) {
        *value = 0;
        return AM_OK;
    }
    int64_t exponent = number.exponent + scan_exponent(text, at) + places;
    int shown = text.size > 64 ? 64 : (int)text.size;
    if (exponent < 0)
        return am_error_set(error, AM_E_INVALID,
                            "expected a number with at most %u decimals, found %.*s%s", places,
                            shown, text.data, text.size > 64 ? "..." : "");
    if (!scale(number, exponent, value))
        return am_error_set(
            error, AM_E_LIMIT,
            "%.*s%s is too large: expected a number with at most %u decimals that fits 64 bits",
            shown, text.data, text.size > 64 ? "..." : "", places);
    return AM_OK;
}

enum am_code am_decimal_parse_text(struct am_view text, unsigned places, int64_t *value) {
    struct am_json_node node;
    struct am_json json;
    if (am_json_parse(text, &node, 1, &json, NULL) != AM_OK || node.type != AM_JSON_NUMBER)
        return AM_E_SYNTAX;
    return am_decimal_parse(am_json_raw(&json, &node), places, value, NULL);
}

size_t am_decimal_write(int64_t value, unsigned places, char *text) {
    char reversed[AM_DECIMAL_TEXT_SIZE];
    size_t count = 0, size = 0;
    uint64_t rest = value < 0 ? negated((uint64_t)value) : (uint64_t)value;
    for (; places > 0 && rest % 10 == 0; places--)
        rest /= 10;
    for (; places > 0; places--, rest /= 10)
        reversed[count++] = (char)('0' + rest % 10);
    if (count)
        reversed[count++] = '.';
    do
        reversed[count++] = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0)
        reversed[count++] = '-';
    while (count)
        text[size++] = reversed[--count];
    return size;
}
