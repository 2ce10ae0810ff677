/* SPDX-License-Identifier: Apache-2.0 */
#include "cells.h"

#include <stdio.h>
#include <strings.h>

#include "../base/timezone.h"

bool am_cli_cell_is(struct am_view cell, const char *word) {
    return strlen(word) == cell.size && strncasecmp(cell.data, word, cell.size) == 0;
}

bool am_cli_cell_begins(struct am_view cell, const char *word) {
    size_t size = strlen(word);
    return cell.size >= size && strncasecmp(cell.data, word, size) == 0;
}

bool am_cli_cell_holds(struct am_view cell, const char *word) {
    size_t size = strlen(word);
    for (size_t at = 0; at + size <= cell.size; at++)
        if (strncasecmp(cell.data + at, word, size) == 0)
            return true;
    return false;
}

static struct am_view from(struct am_view text, size_t at) {
    return (struct am_view){text.data + at, text.size - at};
}

static bool starts_with(struct am_view text, const char *start) {
    size_t size = strlen(start);
    return text.size >= size && memcmp(text.data, start, size) == 0;
}

static bool ends_with(struct am_view text, const char *end) {
    size_t size = strlen(end);
    return text.size >= size && memcmp(text.data + text.size - size, end, size) == 0;
}

static const char blanks[] = " \t\n\v\f\r";

struct am_view am_cli_cell_item(struct am_view *rest) {
    size_t size = 0;
    char closing = '\0';
    for (; size < rest->size; size++) {
        char byte = rest->data[size];
        if (closing)
            closing = byte == closing ? '\0' : closing;
        else if ((byte == '"' || byte == '[') &&
                 memchr(rest->data + size + 1, byte == '"' ? '"' : ']', rest->size - size - 1))
            closing = byte == '"' ? '"' : ']';
        else if (memchr(",;|\n", byte, 4))
            break;
    }
    struct am_view item = am_view_trimmed((struct am_view){rest->data, size}, blanks);
    *rest = from(*rest, size + (size < rest->size));
    return item;
}

/* ---- days -------------------------------------------------------------------------------------
 */

/* Three numbers and what separates them. */
struct day_parts {
    unsigned number[3];
    size_t digits[3];
    char separator;
};

static bool read_parts(struct am_view cell, struct day_parts *parts) {
    *parts = (struct day_parts){.separator = '\0'};
    size_t part = 0;
    for (size_t i = 0; i < cell.size; i++) {
        char byte = cell.data[i];
        if (byte >= '0' && byte <= '9') {
            parts->number[part] = parts->number[part] * 10 + (unsigned)(byte - '0');
            if (++parts->digits[part] > 8)
                return false;
        } else {
            if (!memchr("-/.", byte, 3) || (part && byte != parts->separator) || part == 2)
                return false;
            parts->separator = byte;
            part++;
        }
    }
    return true;
}

static enum am_cli_reading order_parts(const struct day_parts *parts, unsigned day[3]) {
    const unsigned *number = parts->number;
    if (parts->digits[0] == 8 && !parts->separator) {
        day[0] = number[0] / 10000, day[1] = number[0] / 100 % 100, day[2] = number[0] % 100;
        return AM_CELL_READ;
    }
    if (parts->digits[0] == 4 && parts->digits[2]) {
        day[0] = number[0], day[1] = number[1], day[2] = number[2];
        return AM_CELL_READ;
    }
    if (parts->digits[2] != 4)
        return AM_CELL_UNREADABLE;
    bool day_first = parts->separator == '.' || number[0] > 12;
    if (parts->separator != '.' && number[0] <= 12 && number[1] <= 12 && number[0] != number[1])
        return AM_CELL_AMBIGUOUS;
    day[0] = number[2], day[1] = number[day_first], day[2] = number[!day_first];
    return AM_CELL_READ;
}

enum am_cli_reading am_cli_cell_day(struct am_view cell, bool last, char time[AM_CELL_TIME_SIZE]) {
    enum { SECONDS_A_DAY = 24 * 3600 };
    struct day_parts parts;
    unsigned day[3];
    int64_t seconds;
    if (am_time_parse(cell, &seconds, NULL) == AM_OK) {
        am_time_write(seconds, time);
        return AM_CELL_READ;
    }
    if (!read_parts(cell, &parts))
        return AM_CELL_UNREADABLE;
    enum am_cli_reading reading = order_parts(&parts, day);
    if (reading != AM_CELL_READ)
        return reading;
    snprintf(time, AM_CELL_TIME_SIZE, "%04u-%02u-%02uT00:00:00Z", day[0] % 10000, day[1] % 100,
             day[2] % 100);
    if (am_time_parse(am_view_of(time), &seconds, NULL) != AM_OK)
        return AM_CELL_UNREADABLE;
    if (last)
        am_time_write(seconds + SECONDS_A_DAY, time);
    return AM_CELL_READ;
}

/* ---- states -----------------------------------------------------------------------------------
 */

bool am_cli_cell_status(struct am_view cell, enum am_cli_status *status) {
    static const struct {
        const char *word;
        enum am_cli_status status;
    } words[] = {
        {"enabled", AM_STATUS_ACTIVE},   {"active", AM_STATUS_ACTIVE},
        {"eligible", AM_STATUS_ACTIVE},  {"eligible (limited)", AM_STATUS_ACTIVE},
        {"live", AM_STATUS_ACTIVE},      {"on", AM_STATUS_ACTIVE},
        {"running", AM_STATUS_ACTIVE},   {"yes", AM_STATUS_ACTIVE},
        {"paused", AM_STATUS_PAUSED},    {"inactive", AM_STATUS_PAUSED},
        {"disabled", AM_STATUS_PAUSED},  {"off", AM_STATUS_PAUSED},
        {"draft", AM_STATUS_PAUSED},     {"no", AM_STATUS_PAUSED},
        {"removed", AM_STATUS_REMOVED},  {"deleted", AM_STATUS_REMOVED},
        {"archived", AM_STATUS_REMOVED},
    };
    for (size_t i = 0; i < AM_COUNT_OF(words); i++)
        if (am_cli_cell_is(cell, words[i].word)) {
            *status = words[i].status;
            return true;
        }
    *status = AM_STATUS_PAUSED;
    return false;
}

/* ---- keywords and texts -----------------------------------------------------------------------
 */

static const struct {
    const char *open, *close;
    char match;
    bool typographic;
} quotes[] = {
    {"[", "]", '[', false},  {"\"", "\"", '"', false}, {"“", "”", '"', true}, {"„", "“", '"', true},
    {"„", "”", '"', true},   {"”", "”", '"', true},    {"«", "»", '"', true}, {"»", "«", '"', true},
    {"［", "］", '[', true}, {"＂", "＂", '"', true},
};

static const struct {
    const char *dash;
    bool typographic;
} dashes[] = {{"-", false}, {"–", true}, {"—", true}, {"−", true}, {"－", true}};

/* Whether every word begins with a plus. */
static bool is_modified(struct am_view text) {
    bool at_start = true;
    for (size_t i = 0; i < text.size; i++) {
        if (at_start && text.data[i] != '+' && text.data[i] != ' ')
            return false;
        at_start = text.data[i] == ' ';
    }
    return text.size > 1;
}

struct am_cli_notation am_cli_cell_notation(struct am_view cell) {
    struct am_cli_notation notation = {.text = cell};
    for (size_t i = 0; i < AM_COUNT_OF(dashes); i++)
        if (starts_with(cell, dashes[i].dash) && cell.size > strlen(dashes[i].dash)) {
            notation.negative = true;
            notation.typographic = dashes[i].typographic;
            notation.text = am_view_trimmed(from(cell, strlen(dashes[i].dash)), blanks);
            break;
        }
    struct am_view text = notation.text;
    for (size_t i = 0; i < AM_COUNT_OF(quotes); i++) {
        size_t open = strlen(quotes[i].open), close = strlen(quotes[i].close);
        if (text.size <= open + close || !starts_with(text, quotes[i].open) ||
            !ends_with(text, quotes[i].close))
            continue;
        notation.text =
            am_view_trimmed((struct am_view){text.data + open, text.size - open - close}, blanks);
        notation.match = quotes[i].match;
        notation.typographic |= quotes[i].typographic;
        return notation;
    }
    if (is_modified(text))
        notation.match = '+';
    return notation;
}

struct am_view am_cli_cell_without_pluses(struct am_view text, char *memory) {
    size_t size = 0;
    bool at_start = true;
    for (size_t i = 0; i < text.size; i++) {
        if (!at_start || text.data[i] != '+')
            memory[size++] = text.data[i];
        at_start = text.data[i] == ' ';
    }
    return (struct am_view){memory, size};
}

/* The place after "{name:...}" at the start of the text, 0 where there is none. */
static size_t insertion_size(struct am_view text, struct am_view *shown) {
    size_t colon = 1;
    if (text.size == 0 || text.data[0] != '{')
        return 0;
    while (colon < text.size && !memchr(":{}", text.data[colon], 3))
        colon++;
    const char *end = memchr(text.data, '}', text.size);
    if (!end || colon == text.size || text.data[colon] != ':')
        return 0;
    *shown = (struct am_view){text.data + colon + 1, (size_t)(end - text.data) - colon - 1};
    return (size_t)(end - text.data) + 1;
}

struct am_view am_cli_cell_without_insertion(struct am_view text, char *memory) {
    size_t size = 0;
    bool any = false;
    for (struct am_view rest = text; rest.size;) {
        struct am_view shown = {rest.data, 1};
        size_t taken = insertion_size(rest, &shown);
        any |= taken > 0;
        memcpy(memory + size, shown.data, shown.size);
        size += shown.size;
        rest = from(rest, taken ? taken : 1);
    }
    return any ? (struct am_view){memory, size} : text;
}
