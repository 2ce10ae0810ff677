/* SPDX-License-Identifier: Apache-2.0 */
#include "scan.h"

#include "../base/decimal.h"
#include "../base/json.h"
#include "../base/plain.h"

enum { DEPTH_MAX = 64 };

#define NAME(text)                                                                                 \
    { text, sizeof(text) - 1 }
static const struct am_view member_names[AM_JOURNAL_MEMBERS] = {
    [AM_JOURNAL_M_T] = NAME("t"),
    [AM_JOURNAL_M_E] = NAME("e"),
    [AM_JOURNAL_M_N] = NAME("n"),
    [AM_JOURNAL_M_ID] = NAME("id"),
    [AM_JOURNAL_M_AD] = NAME("ad"),
    [AM_JOURNAL_M_ADS] = NAME("ads"),
    [AM_JOURNAL_M_ADVERTISER] = NAME("advertiser"),
    [AM_JOURNAL_M_AFTER] = NAME("after"),
    [AM_JOURNAL_M_BILLABLE] = NAME("billable"),
    [AM_JOURNAL_M_CAMPAIGN] = NAME("campaign"),
    [AM_JOURNAL_M_CELLS] = NAME("cells"),
    [AM_JOURNAL_M_CHANGE] = NAME("change"),
    [AM_JOURNAL_M_CLICKS] = NAME("clicks"),
    [AM_JOURNAL_M_COUNT] = NAME("count"),
    [AM_JOURNAL_M_CUT] = NAME("cut"),
    [AM_JOURNAL_M_DAY] = NAME("day"),
    [AM_JOURNAL_M_FIELD] = NAME("field"),
    [AM_JOURNAL_M_FILLED] = NAME("filled"),
    [AM_JOURNAL_M_FROM] = NAME("from"),
    [AM_JOURNAL_M_GENERATION] = NAME("generation"),
    [AM_JOURNAL_M_IMPRESSIONS] = NAME("impressions"),
    [AM_JOURNAL_M_KEYWORD] = NAME("keyword"),
    [AM_JOURNAL_M_KIND] = NAME("kind"),
    [AM_JOURNAL_M_LAST] = NAME("last"),
    [AM_JOURNAL_M_LATE] = NAME("late"),
    [AM_JOURNAL_M_LIMITED] = NAME("limited"),
    [AM_JOURNAL_M_LINES] = NAME("lines"),
    [AM_JOURNAL_M_MATCH] = NAME("match"),
    [AM_JOURNAL_M_NAME] = NAME("name"),
    [AM_JOURNAL_M_ORDER] = NAME("order"),
    [AM_JOURNAL_M_PACE] = NAME("pace"),
    [AM_JOURNAL_M_PART] = NAME("part"),
    [AM_JOURNAL_M_POSITION] = NAME("position"),
    [AM_JOURNAL_M_POSITIONS] = NAME("positions"),
    [AM_JOURNAL_M_PRICE] = NAME("price"),
    [AM_JOURNAL_M_PRICING] = NAME("pricing"),
    [AM_JOURNAL_M_QUERY] = NAME("query"),
    [AM_JOURNAL_M_REASON] = NAME("reason"),
    [AM_JOURNAL_M_REQUEST] = NAME("request"),
    [AM_JOURNAL_M_SIDE] = NAME("side"),
    [AM_JOURNAL_M_SLOT] = NAME("slot"),
    [AM_JOURNAL_M_SLOTS] = NAME("slots"),
    [AM_JOURNAL_M_SPEND] = NAME("spend"),
    [AM_JOURNAL_M_TIMEZONE] = NAME("timezone"),
    [AM_JOURNAL_M_TODAY] = NAME("today"),
    [AM_JOURNAL_M_VALUE] = NAME("value"),
};

/* The members whose names begin with a letter follow each other in the enum, but for the first
 * four: [first, end) by letter. */
struct range {
    uint8_t first, end;
};
static const struct range by_letter[26] = {
    ['a' - 'a'] = {AM_JOURNAL_M_AD, AM_JOURNAL_M_BILLABLE},
    ['b' - 'a'] = {AM_JOURNAL_M_BILLABLE, AM_JOURNAL_M_CAMPAIGN},
    ['c' - 'a'] = {AM_JOURNAL_M_CAMPAIGN, AM_JOURNAL_M_DAY},
    ['d' - 'a'] = {AM_JOURNAL_M_DAY, AM_JOURNAL_M_FIELD},
    ['e' - 'a'] = {AM_JOURNAL_M_E, AM_JOURNAL_M_N},
    ['f' - 'a'] = {AM_JOURNAL_M_FIELD, AM_JOURNAL_M_GENERATION},
    ['g' - 'a'] = {AM_JOURNAL_M_GENERATION, AM_JOURNAL_M_IMPRESSIONS},
    ['i' - 'a'] = {AM_JOURNAL_M_ID, AM_JOURNAL_M_AD},
    ['k' - 'a'] = {AM_JOURNAL_M_KEYWORD, AM_JOURNAL_M_LAST},
    ['l' - 'a'] = {AM_JOURNAL_M_LAST, AM_JOURNAL_M_MATCH},
    ['m' - 'a'] = {AM_JOURNAL_M_MATCH, AM_JOURNAL_M_NAME},
    ['n' - 'a'] = {AM_JOURNAL_M_NAME, AM_JOURNAL_M_ORDER},
    ['o' - 'a'] = {AM_JOURNAL_M_ORDER, AM_JOURNAL_M_PACE},
    ['p' - 'a'] = {AM_JOURNAL_M_PACE, AM_JOURNAL_M_QUERY},
    ['q' - 'a'] = {AM_JOURNAL_M_QUERY, AM_JOURNAL_M_REASON},
    ['r' - 'a'] = {AM_JOURNAL_M_REASON, AM_JOURNAL_M_SIDE},
    ['s' - 'a'] = {AM_JOURNAL_M_SIDE, AM_JOURNAL_M_TIMEZONE},
    ['t' - 'a'] = {AM_JOURNAL_M_TIMEZONE, AM_JOURNAL_M_VALUE},
    ['v' - 'a'] = {AM_JOURNAL_M_VALUE, AM_JOURNAL_MEMBERS},
};

static enum am_journal_member find_member(struct am_view name) {
    if (name.size == 1)
        return name.data[0] == 't'   ? AM_JOURNAL_M_T
               : name.data[0] == 'e' ? AM_JOURNAL_M_E
               : name.data[0] == 'n' ? AM_JOURNAL_M_N
                                     : AM_JOURNAL_MEMBERS;
    if (name.size == 0 || name.data[0] < 'a' || name.data[0] > 'z')
        return AM_JOURNAL_MEMBERS;
    unsigned letter = (unsigned)(name.data[0] - 'a');
    if (letter == 'i' - 'a' && name.size != 2)
        return am_view_equal(name, member_names[AM_JOURNAL_M_IMPRESSIONS])
                   ? AM_JOURNAL_M_IMPRESSIONS
                   : AM_JOURNAL_MEMBERS;
    for (unsigned i = by_letter[letter].first; i < by_letter[letter].end; i++)
        if (member_names[i].size == name.size &&
            memcmp(member_names[i].data, name.data, name.size) == 0)
            return (enum am_journal_member)i;
    return AM_JOURNAL_MEMBERS;
}

/* Behind the string that begins at `at` (a quote); NULL when it does not end, or holds a control
 * character. */
static const char *skip_string(const char *at, const char *end) {
    at++;
    while ((at = am_plain_skip(at, end)) < end) {
        unsigned char byte = (unsigned char)*at;
        if (byte == '"')
            return at + 1;
        if (byte < 0x20)
            return NULL;
        at += byte == '\\' ? 2 : 1;
    }
    return NULL;
}

static bool is_end(char byte) {
    return byte == ',' || byte == '}' || byte == ']';
}

/* Behind a number or a word. */
static const char *skip_word(const char *at, const char *end) {
    const char *begin = at;
    while (at < end && !is_end(*at)) {
        if ((unsigned char)*at <= ' ' || *at == '"' || *at == '{' || *at == '[' || *at == ':')
            return NULL;
        at++;
    }
    return at > begin ? at : NULL;
}

/* Behind an object or array; its inside is only checked for strings and brackets that pair. */
static const char *skip_nested(const char *at, const char *end) {
    char open[DEPTH_MAX];
    unsigned depth = 0;
    while (at && at < end) {
        switch (*at) {
        case '"':
            at = skip_string(at, end);
            continue;
        case '{':
        case '[':
            if (depth == DEPTH_MAX)
                return NULL;
            open[depth++] = *at;
            break;
        case '}':
        case ']':
            if (depth == 0 || open[--depth] != (*at == '}' ? '{' : '['))
                return NULL;
            if (depth == 0)
                return at + 1;
            break;
        default:
            if ((unsigned char)*at < ' ')
                return NULL;
        }
        at++;
    }
    return NULL;
}

static const char *skip_value(const char *at, const char *end) {
    if (at == end)
        return NULL;
    if (*at == '"')
        return skip_string(at, end);
    return *at == '{' || *at == '[' ? skip_nested(at, end) : skip_word(at, end);
}

/* One member, `at` its name's quote; behind it, or NULL. */
static const char *scan_member(const char *at, const char *end, struct am_journal_record *record) {
    const char *name = at;
    if (at == end || *at != '"' || !(at = skip_string(at, end)) || at == end || *at != ':')
        return NULL;
    struct am_view inside = {name + 1, (size_t)(at - name) - 2};
    const char *value = ++at;
    if (!(at = skip_value(at, end)))
        return NULL;
    enum am_journal_member member = find_member(inside);
    if (member != AM_JOURNAL_MEMBERS)
        record->values[member] = (struct am_view){value, (size_t)(at - value)};
    return at;
}

bool am_journal_scan(struct am_view object, struct am_journal_record *record) {
    memset(record, 0, sizeof *record);
    if (object.size < 2 || object.data[0] != '{')
        return false;
    const char *at = object.data, *end = at + object.size;
    if (at[1] == '}')
        return object.size == 2;
    do
        at = scan_member(at + 1, end, record);
    while (at && at < end && *at == ',');
    return at && at < end && *at == '}' && at + 1 == end;
}

bool am_journal_item(struct am_view array, size_t *at, struct am_view *item) {
    if (array.size < 2 || array.data[0] != '[')
        return false;
    const char *end = array.data + array.size - 1; /* the closing bracket */
    const char *begin = array.data + *at + 1, *behind;
    if (begin >= end || !(behind = skip_value(begin, end)) || (behind < end && *behind != ','))
        return false;
    *item = (struct am_view){begin, (size_t)(behind - begin)};
    *at = (size_t)(behind - array.data);
    return true;
}

/* ---- values ---- */

struct am_view am_journal_text(struct am_view value, char *memory) {
    struct am_json_node node;
    struct am_json json;
    if (value.size < 2 || value.data[0] != '"')
        return (struct am_view){NULL, 0};
    if (!memchr(value.data, '\\', value.size))
        return (struct am_view){value.data + 1, value.size - 2};
    if (am_json_parse(value, &node, 1, &json, NULL) != AM_OK)
        return (struct am_view){NULL, 0};
    return am_json_string(&json, &node, memory, NULL);
}

bool am_journal_unsigned(struct am_view value, uint64_t *number) {
    *number = 0;
    for (size_t i = 0; i < value.size; i++) {
        int digit = value.data[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, digit, number))
            return false;
    }
    return value.size != 0;
}

/* JSON's grammar, without exponents, which the log does not have. */
static bool is_decimal(struct am_view value) {
    size_t at = value.size && value.data[0] == '-', digits = 0, points = 0;
    for (; at < value.size; at++) {
        if (value.data[at] == '.')
            points++;
        else if (value.data[at] >= '0' && value.data[at] <= '9')
            digits++;
        else
            return false;
    }
    return digits && points <= 1;
}

bool am_journal_money(struct am_view value, int64_t *nanos) {
    return is_decimal(value) && am_decimal_parse(value, 9, nanos, NULL) == AM_OK;
}
