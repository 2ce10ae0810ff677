/* SPDX-License-Identifier: Apache-2.0 */
#include "guess.h"

#include <strings.h>

#include "../text/characters.h"
#include "inventory.h"

enum { MOST_KEYWORDS = 5000, FEWEST = 3, ONE_IN = 20 };

enum language {
    ENGLISH,
    GERMAN,
    FRENCH,
    SPANISH,
    ITALIAN,
    PORTUGUESE,
    DUTCH,
    SWEDISH,
    DANISH,
    POLISH,
    TURKISH,
    RUSSIAN,
    GREEK,
    ARABIC,
    KOREAN,
    OTHER_CYRILLIC,
    OTHER_ARABIC,
    LANGUAGES
};

/* Words that people search with, and that few other languages have, in lower case. Where the script
 * tells the language, none are needed. Languages without a code are there to speak against the
 * others of their script. */
static const struct {
    const char *code, *words; /* with a space around each */
} languages[] = {
    [ENGLISH] = {"en",
                 " for the with buy cheap best near and of women's men's kids online shop how "},
    [GERMAN] = {"de", " für und mit kaufen günstig günstige billig bestellen der die das damen "
                      "herren kinder "},
    [FRENCH] = {"fr", " pour les des pas cher avec acheter femme homme enfant prix du et "
                      "meilleur "},
    [SPANISH] = {"es", " para los las comprar barato baratos barata mujer hombre niños precio "
                       "mejor con "},
    [ITALIAN] = {"it", " per comprare economico economici donna uomo bambini prezzo prezzi "
                       "migliori della "},
    [PORTUGUESE] = {"pt", " comprar barato baratos preço mulher homem crianças melhor não em "},
    [DUTCH] = {"nl", " voor kopen goedkoop goedkope het een met dames heren kinderen beste "},
    [SWEDISH] = {"sv", " för och köpa billig billiga med dam herr barn bästa till "},
    [DANISH] = {"da", " til og køb billig billige med dame herre børn bedste "},
    [POLISH] = {"pl", " dla kupić tanie tani damskie męskie sklep cena najlepsze na "},
    [TURKISH] = {"tr", " için ve ucuz satın fiyat fiyatları kadın erkek çocuk en "},
    [RUSSIAN] = {"ru", " купить заказать дешево дешёвые обувь одежда женская женские женский "
                       "мужская мужские мужской детские "},
    [GREEK] = {"el", NULL},
    [ARABIC] = {"ar", NULL},
    [KOREAN] = {"ko", NULL},
    [OTHER_CYRILLIC] = {NULL, " та для купити ціна взуття купете обувки евтини "},
    [OTHER_ARABIC] = {NULL, NULL},
};
_Static_assert(AM_COUNT_OF(languages) == LANGUAGES, "a row for each language");

static bool is_within(int32_t code, int32_t first, int32_t last) {
    return code >= first && code <= last;
}

static bool is_among(int32_t code, const int32_t *letters, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (letters[i] == code)
            return true;
    return false;
}

/* A letter of Cyrillic that Russian alone of the larger languages has, or that it has not. ы and э
 * are of Belarusian, too, which has і and ў in most of its words. */
static enum language of_cyrillic(int32_t code) {
    static const int32_t russian[] = {0x42B, 0x42D, 0x44B, 0x44D, 0x401, 0x451};
    if (is_among(code, russian, AM_COUNT_OF(russian)))
        return RUSSIAN;
    return is_within(code, 0x410, 0x44F) ? LANGUAGES : OTHER_CYRILLIC;
}

/* Persian and Urdu write ک and ی for ك and ي, and have no ة. */
static enum language of_arabic(int32_t code) {
    static const int32_t arabic[] = {0x625, 0x629, 0x643, 0x649, 0x64A};
    if (is_among(code, arabic, AM_COUNT_OF(arabic)))
        return ARABIC;
    return is_within(code, 0x671, 0x6D3) ? OTHER_ARABIC : LANGUAGES;
}

/* LANGUAGES: the letter may be of several. */
static enum language of_letter(int32_t code) {
    if (is_within(code, 0x400, 0x52F))
        return of_cyrillic(code);
    if (is_within(code, 0x600, 0x6FF))
        return of_arabic(code);
    if (is_within(code, 0x370, 0x3FF))
        return GREEK;
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
        enum language language = of_letter(am_text_character_read(word, &at));
        found |= language < LANGUAGES ? 1U << language : 0;
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
