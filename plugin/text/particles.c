/* SPDX-License-Identifier: Apache-2.0 */
#include "particles.h"

enum { SYLLABLE = 3 /* bytes */, LONGEST = 4 /* syllables */ };

/* Ascending. */
static const struct particle {
    char text[LONGEST * SYLLABLE + 1];
    bool after_syllable; /* a single one may stand before it */
} particles[] = {
    {"가", false},     {"과", true},      {"과는", false},   {"과도", false},   {"과의", true},
    {"까지", true},    {"까지는", false}, {"까지도", false}, {"까지의", false}, {"께", false},
    {"나", false},     {"는", false},     {"도", false},     {"든", false},     {"들", false},
    {"들과", false},   {"들도", false},   {"들로", false},   {"들에", false},   {"들에게", false},
    {"들은", false},   {"들을", false},   {"들의", false},   {"들이", false},   {"라고", false},
    {"라는", false},   {"라도", false},   {"란", false},     {"랑", false},     {"로", false},
    {"로는", false},   {"로도", false},   {"로만", false},   {"로부터", false}, {"로서", false},
    {"로써", false},   {"로의", false},   {"를", true},      {"마다", true},    {"마저", false},
    {"만", false},     {"만은", false},   {"만을", false},   {"만의", false},   {"만이", false},
    {"만큼", true},    {"며", false},     {"밖에", false},   {"보다", true},    {"보다는", false},
    {"보다도", false}, {"부터", true},    {"부터는", false}, {"부터의", false}, {"에", true},
    {"에게", true},    {"에게는", false}, {"에게도", false}, {"에는", true},    {"에도", true},
    {"에만", true},    {"에서", true},    {"에서는", true},  {"에서도", true},  {"에서만", false},
    {"에서의", false}, {"와", true},      {"와는", false},   {"와도", false},   {"와의", true},
    {"으로", true},    {"으로는", true},  {"으로도", true},  {"으로만", false}, {"으로부터", true},
    {"으로서", false}, {"으로써", false}, {"으로의", false}, {"은", true},      {"을", true},
    {"의", false},     {"이", true},      {"이고", true},    {"이나", true},    {"이다", true},
    {"이든", false},   {"이라고", false}, {"이라는", true},  {"이라도", false}, {"이란", true},
    {"이랑", false},   {"이며", true},    {"인가", true},    {"인가요", true},  {"입니다", true},
    {"조차", false},   {"처럼", true},    {"하고", false},   {"한테", true}};

static const struct particle *find_particle(struct am_view text) {
    size_t low = 0, high = AM_COUNT_OF(particles);
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = am_view_compare(text, am_view_of(particles[middle].text));
        if (order == 0)
            return &particles[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static bool is_syllable(struct am_view text) {
    return text.size == SYLLABLE && am_view_compare(text, AM_VIEW("\uac00")) >= 0 &&
           am_view_compare(text, AM_VIEW("\ud7a3")) <= 0;
}

uint32_t am_text_without_particle(struct am_view word, struct am_view *rests) {
    uint32_t count = 0;
    for (size_t size = SYLLABLE; size <= LONGEST * SYLLABLE && size < word.size; size += SYLLABLE) {
        struct am_view rest = {word.data, word.size - size};
        const struct particle *particle =
            find_particle((struct am_view){word.data + rest.size, size});
        if (particle && (particle->after_syllable || !is_syllable(rest)))
            rests[count++] = rest;
    }
    return count;
}
