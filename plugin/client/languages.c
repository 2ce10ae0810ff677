/* SPDX-License-Identifier: Apache-2.0 */
#include "languages.h"

enum { LANGUAGE_MAX_BYTES = 35, WHOLE = 1000 /* q=1, in thousandths */ };

static bool is_space(char byte) {
    return byte == ' ' || byte == '\t';
}

static struct am_view trim(struct am_view text) {
    while (text.size && is_space(text.data[0]))
        text = (struct am_view){text.data + 1, text.size - 1};
    while (text.size && is_space(text.data[text.size - 1]))
        text.size--;
    return text;
}

/* Takes what is before the separator off the text. */
static struct am_view take(struct am_view *text, char separator) {
    const char *found = text->size ? memchr(text->data, separator, text->size) : NULL;
    struct am_view part = {text->data, found ? (size_t)(found - text->data) : text->size};
    *text = found ? (struct am_view){found + 1, text->size - part.size - 1} : AM_VIEW("");
    return trim(part);
}

static bool is_letter(char byte) {
    return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
}

static bool is_language(struct am_view text) {
    if (text.size < 2 || text.size > LANGUAGE_MAX_BYTES || !is_letter(text.data[0]) ||
        !is_letter(text.data[1]))
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (!is_letter(text.data[i]) && text.data[i] != '-' &&
            !(text.data[i] >= '0' && text.data[i] <= '9'))
            return false;
    return true;
}

/* "q=0.8" in thousandths; -1: it is no weight. */
static int weight_of(struct am_view text) {
    if (text.size == 0)
        return WHOLE;
    if (text.size < 3 || (text.data[0] | 0x20) != 'q' || text.data[1] != '=')
        return -1;
    int weight = text.data[2] == '1' ? WHOLE : 0;
    for (size_t i = 4, unit = 100; i < text.size && i < 7; i++, unit /= 10)
        if (text.data[i] >= '0' && text.data[i] <= '9')
            weight += (text.data[i] - '0') * (int)unit;
    return weight > WHOLE ? WHOLE : weight;
}

struct am_view am_client_languages_first(struct am_view header) {
    struct am_view best = AM_VIEW("");
    int best_weight = 0;
    while (header.size) {
        struct am_view item = take(&header, ',');
        struct am_view language = take(&item, ';');
        int weight = weight_of(trim(item));
        if (weight > best_weight && is_language(language)) {
            best = language;
            best_weight = weight;
        }
    }
    return best;
}

struct am_view am_client_language_alone(struct am_view language) {
    return take(&language, '-');
}
