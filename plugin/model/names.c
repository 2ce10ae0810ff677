/* SPDX-License-Identifier: Apache-2.0 */
#include "names.h"

#include <limits.h>
#include <stdio.h>
#include <strings.h>

const char *am_model_match_type_name(enum am_model_match_type type) {
    static const char *const names[AM_MATCH_TYPES] = {"exact", "phrase", "broad", "any"};
    return names[type];
}

static const char *const attribute_names[AM_ATTRIBUTES] = {
    "country",  "region", "metro",     "city",     "device", "os", "browser",
    "language", "site",   "placement", "category", "hour",   "kv", "hours",
};

const char *am_model_attribute_name(enum am_model_attribute attribute) {
    return attribute_names[attribute];
}

enum am_model_attribute am_model_attribute_of(struct am_view name) {
    for (int i = 0; i < AM_ATTRIBUTES; i++)
        if (am_view_equal(name, am_view_of(attribute_names[i])))
            return (enum am_model_attribute)i;
    return AM_ATTRIBUTES;
}

struct am_view
am_model_attribute_fold(enum am_model_attribute attribute, struct am_view value, char *memory) {
    if (attribute == AM_ATTRIBUTE_KV)
        return value;
    for (size_t i = 0; i < value.size; i++) {
        char byte = value.data[i];
        memory[i] = byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
    }
    return (struct am_view){memory, value.size};
}

struct am_view am_model_category_fold(struct am_view category, char *memory) {
    for (size_t i = 0; i < category.size; i++) {
        char byte = category.data[i];
        memory[i] = byte >= 'a' && byte <= 'z' ? (char)(byte & ~0x20) : byte;
    }
    return (struct am_view){memory, category.size};
}

static uint32_t read_side(const char **at, const char *end) {
    uint32_t value = 0;
    const char *start = *at;
    while (*at < end && **at >= '0' && **at <= '9' && value <= 65535)
        value = value * 10 + (uint32_t)(*(*at)++ - '0');
    return *at == start || *start == '0' || value > 65535 ? 0 : value;
}

uint32_t am_model_size_parse(struct am_view text) {
    const char *at = text.data, *end = am_view_end(text);
    uint32_t width = read_side(&at, end);
    if (width == 0 || at == end || *at++ != 'x')
        return 0;
    uint32_t height = read_side(&at, end);
    return height && at == end ? width << 16 | height : 0;
}

void am_model_size_write(uint32_t size, char text[AM_SIZE_TEXT_SIZE]) {
    snprintf(text, AM_SIZE_TEXT_SIZE, "%ux%u", size >> 16, size & 0xFFFF);
}

enum { NAME_MAX_BYTES = 32 };

unsigned am_model_letters_apart(struct am_view a, struct am_view b) {
    unsigned row[NAME_MAX_BYTES + 1];
    if (a.size > NAME_MAX_BYTES || b.size > NAME_MAX_BYTES)
        return UINT_MAX;
    for (size_t j = 0; j <= b.size; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= a.size; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.size; j++) {
            unsigned above = row[j];
            unsigned changed = diagonal + (strncasecmp(a.data + i - 1, b.data + j - 1, 1) != 0);
            unsigned least = row[j - 1] < above ? row[j - 1] : above;
            row[j] = least + 1 < changed ? least + 1 : changed;
            diagonal = above;
        }
    }
    return row[b.size];
}

const char *am_model_nearest_name(struct am_view name, const char *const *names) {
    const char *nearest = NULL;
    unsigned best = UINT32_MAX;
    if (name.size == 0 || name.size > NAME_MAX_BYTES)
        return NULL;
    for (; *names; names++) {
        struct am_view candidate = am_view_of(*names);
        unsigned apart = am_model_letters_apart(name, candidate);
        if (apart < best &&
            apart * 3 <= (name.size > candidate.size ? name.size : candidate.size)) {
            best = apart;
            nearest = *names;
        }
    }
    return nearest;
}
