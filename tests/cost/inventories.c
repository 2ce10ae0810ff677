/* SPDX-License-Identifier: Apache-2.0 */
/* Inventories of what people write, of a keyword generator, and of authors who mean harm. */
#include <string.h>

#include "cost.h"

/* ---- words -----------------------------------------------------------------------------------
 */

static const char *const modifiers[32] = {
    "cheap",    "best",    "new",     "used",       "red",     "black",   "white",   "blue",
    "small",    "large",   "light",   "waterproof", "wooden",  "steel",   "leather", "cotton",
    "vintage",  "modern",  "classic", "custom",     "kids",    "mens",    "womens",  "electric",
    "portable", "folding", "outdoor", "indoor",     "running", "walking", "hiking",  "winter"};
static const char *const brands[32] = {
    "altera",  "borea",   "cindel",  "dovra",  "estano", "ferrow", "galvin", "hestia",
    "ironley", "jovano",  "kestrel", "lumida", "mandor", "norvik", "olympa", "pantha",
    "quillon", "rovena",  "solaris", "tandem", "ulmo",   "vextra", "wander", "xandra",
    "yarrow",  "zephyra", "amber",   "birch",  "cobalt", "delta",  "ember",  "flint"};
static const char *const products[64] = {
    "shoes",    "boots",    "sandals", "jacket",  "coat",    "shirt",      "trousers", "dress",
    "hat",      "gloves",   "scarf",   "socks",   "bag",     "backpack",   "wallet",   "watch",
    "ring",     "necklace", "lamp",    "table",   "chair",   "sofa",       "bed",      "mattress",
    "pillow",   "blanket",  "curtain", "carpet",  "shelf",   "desk",       "mirror",   "clock",
    "phone",    "laptop",   "tablet",  "camera",  "speaker", "headphones", "printer",  "monitor",
    "keyboard", "mouse",    "router",  "charger", "battery", "bicycle",    "helmet",   "tent",
    "stove",    "kayak",    "skis",    "racket",  "ball",    "drill",      "saw",      "hammer",
    "ladder",   "mower",    "grill",   "kettle",  "toaster", "blender",    "oven",     "fridge"};
static const char *const purposes[16] = {
    "sale", "online", "delivery", "review", "price",  "store", "near",    "discount",
    "gift", "travel", "office",   "garden", "school", "beach", "wedding", "repair"};

static void phrase_word(char *word, uint32_t index) {
    const char *found = index < 32    ? modifiers[index]
                        : index < 64  ? brands[index - 32]
                        : index < 128 ? products[index - 64]
                                      : purposes[index % 16];
    snprintf(word, COST_WORD_BYTES, "%s", found);
}

static void numbered_word(char *word, uint32_t index) {
    snprintf(word, COST_WORD_BYTES, "w%u", index);
}

static void letter_word(char *word, uint32_t index) {
    (void)index;
    snprintf(word, COST_WORD_BYTES, "a");
}

static void star_word(char *word, uint32_t index) {
    snprintf(word, COST_WORD_BYTES, "x%u", index);
}

static void one_word(char *word, uint32_t index) {
    (void)index;
    snprintf(word, COST_WORD_BYTES, "shoes");
}

/* Roots of two or three syllables, as agglutinating languages have them, and an ending. */
static void join(char *word, const char *const *syllables, uint32_t count, uint32_t index) {
    size_t size = 0;
    for (uint32_t rest = index + count; rest; rest /= count)
        size +=
            (size_t)snprintf(word + size, COST_WORD_BYTES - size, "%s", syllables[rest % count]);
}

static void turkish_word(char *word, uint32_t index) {
    static const char *const syllables[16] = {"ka", "bil", "gör", "süt", "ev", "ter", "lik", "yol",
                                              "çi", "dağ", "ış",  "mer", "ül", "san", "kö",  "tar"};
    join(word, syllables, 16, index);
}

static void korean_word(char *word, uint32_t index) {
    static const char *const syllables[16] = {"운", "동", "화", "가", "방", "시", "계", "노",
                                              "트", "북", "의", "자", "책", "상", "전", "기"};
    join(word, syllables, 16, index);
}

static void vietnamese_word(char *word, uint32_t index) {
    static const char *const syllables[16] = {"giày", "áo",   "dài",  "mũ",    "túi", "xách",
                                              "đồng", "hồ",   "điện", "thoại", "bàn", "ghế",
                                              "sách", "kính", "quần", "váy"};
    snprintf(word, COST_WORD_BYTES, "%s%s", syllables[index % 16],
             index < 16 ? "" : syllables[index / 16 % 16]);
}

static void russian_word(char *word, uint32_t index) {
    static const char *const syllables[16] = {"бег", "дом", "кни", "га", "ма", "ши", "на", "сто",
                                              "лё",  "ру",  "ча",  "сы", "зо", "ло", "те", "лефон"};
    join(word, syllables, 16, index);
}

/* ---- parts of records ------------------------------------------------------------------------
 */

void cost_category(char *text, uint32_t index) {
    size_t size = (size_t)snprintf(text, COST_WORD_BYTES, "C");
    while (size < 240)
        size += (size_t)snprintf(text + size, COST_WORD_BYTES - size, "-1");
    snprintf(text + size, COST_WORD_BYTES - size, "-%u", index);
}

static void begin_ad(FILE *file, uint32_t index, uint32_t bid) {
    fprintf(file, "{\"id\":\"%u\",\"advertiser\":\"a%u\",\"bid\":%u.%02u", index, index,
            1 + bid / 100, bid % 100);
}

static void
put_list(FILE *file, const char *name, const char *prefix, uint32_t first, uint32_t count) {
    fprintf(file, ",\"%s\":[", name);
    for (uint32_t i = 0; i < count; i++)
        fprintf(file, "%s\"%s%u\"", i ? "," : "", prefix, first + i);
    fputs("]", file);
}

static void end_ad(FILE *file, const char *keywords) {
    fprintf(file, ",\"keywords\":[%s]}\n", keywords);
}

/* ---- inventories ------------------------------------------------------------------------------
 */

enum { MILLION = 1000000 };

/* Each of four lists, and one ad in ten with negative keywords. */
static void write_phrases(FILE *file) {
    fputs("{\"type\":\"inventory\",\"language\":\"en\",\"stem\":true,\"spelling\":true}\n", file);
    for (uint32_t i = 0; i < MILLION; i++) {
        const char *modifier = modifiers[i % 32], *brand = brands[i / 32 % 32];
        const char *product = products[i / 1024 % 64], *purpose = purposes[i / 65536 % 16];
        bool phrase = cost_mix(i) % 2;
        begin_ad(file, i, (uint32_t)(cost_mix(i) % 500));
        if (i % 10 == 0)
            fprintf(file, ",\"negative_keywords\":[\"%s %s\"]", modifiers[(i / 7) % 32],
                    products[i / 11 % 64]);
        fprintf(file, ",\"keywords\":[\"%s%s %s %s %s%s\"]}\n", phrase ? "\\\"" : "", modifier,
                brand, product, purpose, phrase ? "\\\"" : "");
    }
}

/* 50 x 50 x 50 x 8 broad keywords, five an ad. */
static void write_combinations(FILE *file, const char *settings) {
    enum { AN_AD = 5 };
    fputs(settings, file);
    for (uint32_t i = 0; i < MILLION; i += AN_AD) {
        begin_ad(file, i, (uint32_t)(cost_mix(i) % 500));
        fputs(",\"keywords\":[", file);
        for (uint32_t k = i; k < i + AN_AD; k++)
            fprintf(file, "%s\"w%u w%u w%u w%u\"", k > i ? "," : "", k % 50, 50 + k / 50 % 50,
                    100 + k / 2500 % 50, 150 + k / 125000);
        fputs("]}\n", file);
    }
}

static void write_generator(FILE *file) {
    write_combinations(file, "{\"type\":\"inventory\"}\n");
}

static void write_generator_64(FILE *file) {
    write_combinations(file, "{\"type\":\"inventory\",\"broad_window\":64}\n");
}

/* Every set of 1 to 16 of 20 words, up to a million. */
static void write_subsets(FILE *file) {
    fputs("{\"type\":\"inventory\",\"broad_window\":20}\n", file);
    for (uint32_t mask = 1, i = 0; i < MILLION; mask++) {
        if (__builtin_popcount(mask) > 16)
            continue;
        begin_ad(file, i++, (uint32_t)(cost_mix(mask) % 500));
        fputs(",\"keywords\":[\"", file);
        for (uint32_t bits = mask; bits; bits &= bits - 1)
            fprintf(file, "w%d ", __builtin_ctz(bits));
        fputs("\"]}\n", file);
    }
}

static void write_stars(FILE *file) {
    for (uint32_t i = 0; i < 20000; i++) {
        begin_ad(file, i, i % 500);
        put_list(file, "labels", "l", i * 30, 30);
        put_list(file, "exclude_labels", "m", i * 30, 30);
        end_ad(file, "\"*\"");
    }
}

/* Few ads with as many labels as a line holds; each excludes what all others have. */
static void write_labels(FILE *file) {
    for (uint32_t i = 0; i < 64; i++) {
        begin_ad(file, i, 64 - i);
        put_list(file, "labels", "l", i % 2 * 40000, 40000);
        put_list(file, "exclude_labels", "l", (i + 1) % 2 * 40000, 40000);
        end_ad(file, "\"*\",\"shoes\"");
    }
}

/* All equal but for their ids, which are as long as can be. */
static void write_one(FILE *file) {
    for (uint32_t i = 0; i < 200000; i++)
        fprintf(file,
                "{\"id\":\"%0255u\",\"advertiser\":\"a%u\",\"bid\":1,\"keywords\":[\"shoes\"]}\n",
                i, i);
}

static void write_negatives(FILE *file) {
    for (uint32_t i = 0; i < 100; i++) {
        fprintf(file, "{\"type\":\"campaign\",\"id\":\"c%u\",\"advertiser\":\"a%u\"", i, i);
        put_list(file, "negative_keywords", "w", i * 100, 10000);
        fputs("}\n", file);
    }
    for (uint32_t i = 0; i < 20000; i++) {
        fprintf(file, "{\"id\":\"%u\",\"campaign\":\"c%u\",\"bid\":1", i, i % 100);
        put_list(file, "negative_keywords", "w", i % 1000, 100);
        end_ad(file, "\"*\",\"shoes\"");
    }
}

/* As deep as may be, and at the end a list that holds none of a request's values. */
static void write_trees(FILE *file) {
    for (uint32_t i = 0; i < 5000; i++) {
        begin_ad(file, i, i % 500);
        fputs(",\"targeting\":", file);
        for (int depth = 0; depth < 14; depth++)
            fputs("{\"not\":", file);
        fputs("{\"any\":[", file);
        for (uint32_t k = 0; k < 8; k++) {
            fputs(k ? ",{" : "{", file);
            fprintf(file, "\"city\":[\"n%u\"", i * 8 + k);
            for (uint32_t v = 0; v < 100; v++)
                fprintf(file, ",\"v%u\"", 1024 + (i * 37 + k * 11 + v * 3) % 5000);
            fputs("]}", file);
        }
        fputs("]}", file);
        for (int depth = 0; depth < 14; depth++)
            fputs("}", file);
        end_ad(file, "\"*\"");
    }
    /* The values of requests, so that they have numbers. */
    fputs("{\"id\":\"v\",\"advertiser\":\"a\",\"bid\":1,\"targeting\":{", file);
    fputs("\"city\":[\"v0\"", file);
    for (uint32_t v = 1; v < 1024; v++)
        fprintf(file, ",\"v%u\"", v);
    fputs("]}", file);
    end_ad(file, "\"*\"");
}

static void write_categories(FILE *file) {
    char category[COST_WORD_BYTES];
    for (uint32_t i = 0; i < 400; i++) {
        begin_ad(file, i, i % 500);
        fputs(",\"categories\":[", file);
        for (uint32_t k = 0; k < 1000; k++) {
            cost_category(category, i + k);
            fprintf(file, "%s\"%s\"", k ? "," : "", category);
        }
        fputs("]", file);
        end_ad(file, "\"*\"");
    }
}

static void write_sizes(FILE *file) {
    for (uint32_t i = 0; i < 10000; i++) {
        begin_ad(file, i, i % 500);
        fputs(",\"sizes\":[", file);
        for (uint32_t k = 0; k < 400; k++)
            fprintf(file, "%s\"%ux%u\"", k ? "," : "", 1 + (k * 7 + i) % 30000, 2 + k);
        fputs("]", file);
        end_ad(file, "\"*\"");
    }
}

/* Each ad the largest creative there may be. */
static void write_creatives(FILE *file) {
    static const char *const shapes[2] = {"\\\"\\/\\u00e9<", "[],0,"};
    for (uint32_t i = 0; i < 300; i++) {
        const char *shape = shapes[i % 2];
        begin_ad(file, i, i % 500);
        fprintf(file, ",\"creative\":{\"adm\":%s", i % 2 ? "\"x\",\"y\":[" : "\"");
        for (size_t size = 0; size + 200 < AM_CREATIVE_MAX_BYTES; size += strlen(shape))
            fputs(shape, file);
        fputs(i % 2 ? "0]}" : "\"}", file);
        end_ad(file, "\"*\"");
    }
}

static void write_letters(FILE *file) {
    fputs("{\"type\":\"inventory\",\"broad_window\":64}\n", file);
    for (uint32_t i = 0; i < 300; i++) {
        begin_ad(file, i, i % 500);
        fputs(",\"keywords\":[", file);
        /* Sixteen words with hyphens: as many as a keyword may have. */
        for (uint32_t size = 96; size > 0; size--) {
            fputs(size < 96 ? ",\"\\\"" : "\"\\\"", file);
            for (uint32_t k = 0; k < size; k++)
                fputs(k == 0 ? "a" : k % 6 ? "-a" : " a", file);
            fputs("\\\"\"", file);
        }
        fputs("]}\n", file);
    }
}

/* Broad keywords of two and three words of a language, and of its letters. */
static void write_language(FILE *file,
                           const char *settings,
                           void (*word)(char *word, uint32_t index),
                           uint32_t words) {
    char texts[3][COST_WORD_BYTES];
    fputs(settings, file);
    for (uint32_t i = 0; i < 100000; i++) {
        for (uint32_t k = 0; k < 3; k++)
            word(texts[k], (uint32_t)(cost_mix(i * 3 + k) % words));
        begin_ad(file, i, i % 500);
        fprintf(file, ",\"keywords\":[\"%s %s\",\"%s\"]}\n", texts[0], texts[1], texts[2]);
    }
}

enum { LANGUAGE_WORDS = 4000 };

static void write_turkish(FILE *file) {
    write_language(file, "{\"type\":\"inventory\",\"language\":\"tr\",\"spelling\":true}\n",
                   turkish_word, LANGUAGE_WORDS);
}

static void write_korean(FILE *file) {
    write_language(file, "{\"type\":\"inventory\",\"language\":\"ko\",\"spelling\":true}\n",
                   korean_word, LANGUAGE_WORDS);
}

static void write_vietnamese(FILE *file) {
    write_language(file, "{\"type\":\"inventory\",\"language\":\"vi\",\"spelling\":true}\n",
                   vietnamese_word, LANGUAGE_WORDS);
}

static void write_russian(FILE *file) {
    write_language(file, "{\"type\":\"inventory\",\"language\":\"ru\",\"spelling\":true}\n",
                   russian_word, LANGUAGE_WORDS);
}

static void put_letter(FILE *file, uint32_t index, uint32_t code) {
    begin_ad(file, index, 1);
    if (code < 0x800)
        fprintf(file, ",\"keywords\":[\"ab%c%ccde\"]}\n", 0xC0 | code >> 6, 0x80 | (code & 63));
    else
        fprintf(file, ",\"keywords\":[\"ab%c%c%ccde\"]}\n", 0xE0 | code >> 12,
                0x80 | (code >> 6 & 63), 0x80 | (code & 63));
}

/* Misspelt words may be meant for words of every letter there is. */
static void write_alphabets(FILE *file) {
    static const uint32_t ranges[][2] = {
        {0xDF, 0x250}, {0x371, 0x3FF}, {0x430, 0x530}, {0x1E00, 0x2000}};
    uint32_t index = 0;
    fputs("{\"type\":\"inventory\",\"fold_accents\":false,\"spelling\":true}\n", file);
    for (size_t r = 0; r < AM_COUNT_OF(ranges); r++)
        for (uint32_t code = ranges[r][0]; code < ranges[r][1]; code++)
            put_letter(file, index++, code);
}

static void alphabet_word(char *word, uint32_t index) {
    snprintf(word, COST_WORD_BYTES, "abc%c%cefghijklmnopqr", 'a' + index % 26,
             'a' + index / 26 % 26);
}

const struct cost_inventory cost_inventories[] = {
    {"phrases", write_phrases, phrase_word, 144},
    {"generator", write_generator, numbered_word, 158},
    {"generator-64", write_generator_64, numbered_word, 158},
    {"subsets", write_subsets, numbered_word, 20},
    {"stars", write_stars, star_word, 100},
    {"labels", write_labels, one_word, 1},
    {"one", write_one, one_word, 1},
    {"negatives", write_negatives, numbered_word, 20000},
    {"trees", write_trees, star_word, 100},
    {"categories", write_categories, star_word, 100},
    {"sizes", write_sizes, star_word, 100},
    {"creatives", write_creatives, star_word, 100},
    {"letters", write_letters, letter_word, 1},
    {"turkish", write_turkish, turkish_word, LANGUAGE_WORDS},
    {"korean", write_korean, korean_word, LANGUAGE_WORDS},
    {"vietnamese", write_vietnamese, vietnamese_word, LANGUAGE_WORDS},
    {"russian", write_russian, russian_word, LANGUAGE_WORDS},
    {"alphabets", write_alphabets, alphabet_word, 676},
};
const size_t cost_inventory_count = AM_COUNT_OF(cost_inventories);
