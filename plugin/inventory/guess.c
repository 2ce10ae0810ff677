/* SPDX-License-Identifier: Apache-2.0 */
#include "guess.h"

#include <strings.h>

#include "../text/characters.h"
#include "inventory.h"

enum { MOST_KEYWORDS = 5000, FEWEST = 3, ONE_IN = 20 };

/* Words that people search with, and that few other languages have. Cyrillic, Greek and the like
 * need none. */
static const struct {
    const char *code, *words; /* with a space around each */
} languages[] = {
    {"en", " for the with buy cheap best near and of women's men's kids online shop how "},
    {"de",
     " für und mit kaufen günstig günstige billig bestellen der die das damen herren kinder "},
    {"fr", " pour les des pas cher avec acheter femme homme enfant prix du et meilleur "},
    {"es", " para los las comprar barato baratos barata mujer hombre niños precio mejor con "},
    {"it", " per comprare economico economici donna uomo bambini prezzo prezzi migliori della "},
    {"pt", " comprar barato baratos preço mulher homem crianças melhor não em "},
    {"nl", " voor kopen goedkoop goedkope het een met dames heren kinderen beste "},
    {"sv", " för och köpa billig billiga med dam herr barn bästa till "},
    {"da", " til og køb billig billige med dame herre børn bedste "},
    {"pl", " dla kupić tanie tani damskie męskie sklep cena najlepsze na "},
    {"tr", " için ve ucuz satın fiyat fiyatları kadın erkek çocuk en "},
    {"ru", NULL},
    {"el", NULL},
    {"ar", NULL},
    {"ko", NULL},
};

enum { RUSSIAN = 11, GREEK, ARABIC, KOREAN, LANGUAGES };

static bool is_within(int32_t code, int32_t first, int32_t last) {
    return code >= first && code <= last;
}

/* LANGUAGES: the letter may be of several. */
static unsigned of_letter(int32_t code) {
    if (is_within(code, 0x400, 0x4FF))
        return RUSSIAN;
    if (is_within(code, 0x370, 0x3FF))
        return GREEK;
    if (is_within(code, 0x600, 0x6FF))
        return ARABIC;
    return is_within(code, 0xAC00, 0xD7A3) ? KOREAN : LANGUAGES;
}

static bool has_word(const char *words, struct am_view word) {
    for (const char *at = words + 1; *at;) {
        size_t size = strcspn(at, " ");
        if (size == word.size && strncasecmp(at, word.data, size) == 0)
            return true;
        at += size + 1;
    }
    return false;
}

/* Adds a bit for each language that has the word. */
static unsigned of_word(struct am_view word) {
    unsigned found = 0;
    for (size_t at = 0; at < word.size;) {
        unsigned language = of_letter(am_text_character_read(word, &at));
        if (language < LANGUAGES)
            return 1U << language;
    }
    for (unsigned i = 0; i < LANGUAGES; i++)
        found |= languages[i].words && has_word(languages[i].words, word) ? 1U << i : 0;
    return found;
}

static void look_at(struct am_view text, uint32_t counts[LANGUAGES]) {
    unsigned found = 0;
    while (text.size) {
        const char *space = memchr(text.data, ' ', text.size);
        size_t size = space ? (size_t)(space - text.data) : text.size;
        found |= of_word((struct am_view){text.data, size});
        size += space != NULL;
        text = (struct am_view){text.data + size, text.size - size};
    }
    for (unsigned i = 0; i < LANGUAGES; i++)
        counts[i] += found >> i & 1;
}

const char *am_inventory_guess_language(const struct am_vector *ads, uint32_t *count) {
    uint32_t counts[LANGUAGES] = {0}, seen = 0;
    for (size_t i = 0; i < ads->count && seen < MOST_KEYWORDS; i++) {
        const struct am_inventory_ad *ad = AM_VECTOR_AT(ads, struct am_inventory_ad, i);
        for (uint32_t k = 0; k < ad->keyword_count && seen < MOST_KEYWORDS; k++) {
            if (ad->keywords[k].match != AM_MATCH_BROAD)
                continue;
            look_at(ad->keywords[k].text, counts);
            seen++;
        }
    }
    unsigned best = 0, others = 0;
    for (unsigned i = 1; i < LANGUAGES; i++)
        best = counts[i] > counts[best] ? i : best;
    for (unsigned i = 0; i < LANGUAGES; i++)
        others = i != best && counts[i] > others ? counts[i] : others;
    *count = counts[best];
    return *count >= FEWEST && *count >= seen / ONE_IN && *count > 2 * others ? languages[best].code
                                                                              : NULL;
}
