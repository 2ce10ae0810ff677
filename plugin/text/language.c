/* SPDX-License-Identifier: Apache-2.0 */
#include "language.h"

/* ISO 639-1, three bytes a code, ascending. */
static const char codes[] =
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da "
    "de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy "
    "hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg "
    "li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or "
    "os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta "
    "te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu ";

/* Other names of languages: libstemmer's, and the two Norwegians, which share a stemmer. */
static const struct {
    const char *name, *code;
} names[] = {
    {"ara", "ar"},        {"arabic", "ar"},   {"arm", "hy"},        {"armenian", "hy"},
    {"baq", "eu"},        {"basque", "eu"},   {"cat", "ca"},        {"catalan", "ca"},
    {"dan", "da"},        {"danish", "da"},   {"deu", "de"},        {"dut", "nl"},
    {"dutch", "nl"},      {"ell", "el"},      {"eng", "en"},        {"english", "en"},
    {"esl", "es"},        {"eus", "eu"},      {"fin", "fi"},        {"finnish", "fi"},
    {"fra", "fr"},        {"fre", "fr"},      {"french", "fr"},     {"ger", "de"},
    {"german", "de"},     {"gle", "ga"},      {"gre", "el"},        {"greek", "el"},
    {"hin", "hi"},        {"hindi", "hi"},    {"hun", "hu"},        {"hungarian", "hu"},
    {"hye", "hy"},        {"ind", "id"},      {"indonesian", "id"}, {"irish", "ga"},
    {"ita", "it"},        {"italian", "it"},  {"lit", "lt"},        {"lithuanian", "lt"},
    {"nb", "no"},         {"nep", "ne"},      {"nepali", "ne"},     {"nld", "nl"},
    {"nn", "no"},         {"nor", "no"},      {"norwegian", "no"},  {"por", "pt"},
    {"portuguese", "pt"}, {"romanian", "ro"}, {"ron", "ro"},        {"rum", "ro"},
    {"rus", "ru"},        {"russian", "ru"},  {"serbian", "sr"},    {"spa", "es"},
    {"spanish", "es"},    {"srp", "sr"},      {"swe", "sv"},        {"swedish", "sv"},
    {"tam", "ta"},        {"tamil", "ta"},    {"tur", "tr"},        {"turkish", "tr"},
    {"yid", "yi"},        {"yiddish", "yi"},
};

static bool is_listed(const char *code) {
    if (strlen(code) != 2)
        return false;
    for (const char *at = codes; *at; at += 3)
        if (memcmp(at, code, 2) == 0)
            return true;
    return false;
}

struct am_text_language am_text_language_of(struct am_view name) {
    struct am_text_language language = {0};
    size_t size = 0;
    while (size < name.size && name.data[size] != '-' && name.data[size] != '_')
        size++;
    if (size >= sizeof language.code)
        return language;
    for (size_t i = 0; i < size; i++) {
        char byte = name.data[i];
        language.code[i] = (char)(byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte);
    }
    for (size_t i = 0; i < AM_COUNT_OF(names); i++)
        if (strcmp(language.code, names[i].name) == 0)
            strcpy(language.code, names[i].code);
    language.listed = is_listed(language.code);
    return language;
}

_Static_assert(AM_COUNT_OF(names) < AM_LANGUAGE_NAMES_MOST, "all names and NULL");

void am_text_language_names(const char *listed[AM_LANGUAGE_NAMES_MOST]) {
    for (size_t i = 0; i < AM_COUNT_OF(names); i++)
        listed[i] = names[i].name;
    listed[AM_COUNT_OF(names)] = NULL;
}

bool am_text_keeps_accents(struct am_view name) {
    return strcmp(am_text_language_of(name).code, "vi") == 0;
}

static bool
is_one_of(const struct am_text_language *language, const char *first, const char *second) {
    return strcmp(language->code, first) == 0 || strcmp(language->code, second) == 0;
}

static enum am_text_elisions elisions_of(const struct am_text_language *language) {
    if (strcmp(language->code, "fr") == 0)
        return AM_ELISIONS_FRENCH;
    if (strcmp(language->code, "it") == 0)
        return AM_ELISIONS_ITALIAN;
    return strcmp(language->code, "ca") == 0 ? AM_ELISIONS_CATALAN : AM_ELISIONS_NONE;
}

struct am_text_word_rules am_text_word_rules_of(struct am_view name, bool fold_accents) {
    struct am_text_language language = am_text_language_of(name);
    return (struct am_text_word_rules){
        .fold_accents = fold_accents,
        .turkish = is_one_of(&language, "tr", "az"),
        .keeps_ligatures = is_one_of(&language, "da", "no"),
        .folds_queries = !fold_accents && am_text_keeps_accents(name),
        .korean = strcmp(language.code, "ko") == 0,
        .elisions = (uint8_t)elisions_of(&language),
    };
}

/* ---- elisions ---------------------------------------------------------------------------------
 */

enum { LONGEST_ELISION = 8 };

/* Words in front of which an article, pronoun or preposition loses its last vowel, with a space
 * before and after each. */
static const char *const elisions_in[] = {
    [AM_ELISIONS_NONE] = " ",
    [AM_ELISIONS_FRENCH] = " c d j l m n s t qu jusqu lorsqu puisqu quoiqu ",
    [AM_ELISIONS_ITALIAN] = " c ch d l m n s t v un all dall dell nell sull coll pell gl agl dagl "
                            "degl negl sugl anch com cos dov mezz quand quest quell bell sant senz "
                            "tutt ",
    [AM_ELISIONS_CATALAN] = " d l m n s t ",
};

bool am_text_is_elision(enum am_text_elisions elisions, const int32_t *characters, size_t count) {
    char word[LONGEST_ELISION + 3] = " ";
    size_t size = 1;
    for (size_t i = 0; i < count; i++) {
        if (characters[i] >= 0x300 && characters[i] <= 0x36F)
            continue;
        if (characters[i] < 'a' || characters[i] > 'z' || size > LONGEST_ELISION)
            return false;
        word[size++] = (char)characters[i];
    }
    word[size] = ' ';
    return size > 1 && strstr(elisions_in[elisions], word) != NULL;
}
