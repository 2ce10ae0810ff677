/* SPDX-License-Identifier: Apache-2.0 */
#include "hints.h"

#include <stdio.h>
#include <strings.h>

#include "../model/countries.h"
#include "../model/values.h"
#include "../text/characters.h"
#include "../text/charset.h"
#include "../text/language.h"

/* ---- characters -------------------------------------------------------------------------------
 */

static int32_t first_of(struct am_view text) {
    size_t at = 0;
    return text.size ? am_text_character_read(text, &at) : 0;
}

static size_t last_place(struct am_view text) {
    size_t at = text.size;
    do
        at--;
    while (at > 0 && ((unsigned char)text.data[at] & 0xC0) == 0x80);
    return at;
}

static int32_t last_of(struct am_view text) {
    if (text.size == 0)
        return 0;
    size_t at = last_place(text);
    return am_text_character_read(text, &at);
}

static struct am_view without_first(struct am_view text) {
    size_t at = 0;
    if (text.size)
        am_text_character_read(text, &at);
    return (struct am_view){text.data + at, text.size - at};
}

static struct am_view without_ends(struct am_view text) {
    text.size = last_place(text);
    return text.size ? without_first(text) : text;
}

static bool is_one_of(int32_t code, const int32_t *codes, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (codes[i] == code)
            return true;
    return false;
}

static bool is_word_part(int32_t code) {
    enum am_text_character_class class = am_text_character_class(code);
    return class == AM_CHARACTER_LETTER || class == AM_CHARACTER_DIGIT ||
           class == AM_CHARACTER_UNSPACED;
}

static bool contains(struct am_view text, const char *part) {
    return memmem(text.data, text.size, part, strlen(part)) != NULL;
}

/* ---- keywords ---------------------------------------------------------------------------------
 */

/* True when it said something. */
static bool hint_dash(struct am_inventory_reader *reader, struct am_view text, bool is_object) {
    static const int32_t dashes[] = {0x2010, 0x2011, 0x2012, 0x2013,
                                     0x2014, 0x2015, 0x2212, 0xFF0D};
    if (!is_one_of(first_of(text), dashes, AM_COUNT_OF(dashes)))
        return false;
    struct am_view rest = without_first(text);
    am_inventory_reader_warning(
        reader,
        is_object ? "keyword \"" AM_QUOTED
                    "\": a dash at its front means nothing, did you mean \"" AM_QUOTED
                    "\" with \"negative\":true?"
                  : "keyword \"" AM_QUOTED
                    "\": this dash makes no negative keyword, did you mean \"-" AM_QUOTED "\"?",
        AM_QUOTED_ARGUMENTS(text), AM_QUOTED_ARGUMENTS(rest));
    return true;
}

/* Whether marks of a kind are at both ends, and none between: “north” and “south” is two names. */
static bool
encloses(struct am_view text, int32_t first, int32_t last, const int32_t *marks, size_t count) {
    if (!is_one_of(first, marks, count) || !is_one_of(last, marks, count))
        return false;
    struct am_view inside = without_ends(text);
    for (size_t at = 0; at < inside.size;)
        if (is_one_of(am_text_character_read(inside, &at), marks, count))
            return false;
    return inside.size > 0;
}

static bool hint_quotes(struct am_inventory_reader *reader, struct am_view text) {
    static const int32_t doubles[] = {0x201C, 0x201D, 0x201E, 0x201F, 0xAB,   0xBB,
                                      0xFF02, 0x300C, 0x300D, 0x300E, 0x300F, 0x301D,
                                      0x301E, 0x301F, 0xFF62, 0xFF63};
    static const int32_t singles[] = {'\'', '`', 0x2018, 0x2019, 0x201A, 0x2039, 0x203A};
    static const int32_t brackets[] = {0xFF3B, 0xFF3D, 0x3010, 0x3011, 0x27E6, 0x27E7};
    int32_t first = first_of(text), last = last_of(text);
    bool quotes = encloses(text, first, last, doubles, AM_COUNT_OF(doubles)) ||
                  encloses(text, first, last, singles, AM_COUNT_OF(singles));
    bool exact = encloses(text, first, last, brackets, AM_COUNT_OF(brackets));
    if (!quotes && !exact)
        return false;
    struct am_view inside = without_ends(text);
    am_inventory_reader_warning(
        reader,
        exact ? "keyword \"" AM_QUOTED "\": these brackets make no exact keyword, did you mean "
                "\"[" AM_QUOTED "]\"?"
              : "keyword \"" AM_QUOTED
                "\": these quotes make no phrase, did you mean \"\\\"" AM_QUOTED "\\\"\"?",
        AM_QUOTED_ARGUMENTS(text), AM_QUOTED_ARGUMENTS(inside));
    return true;
}

/* In an object the text is the words alone. */
static bool hint_notation(struct am_inventory_reader *reader, struct am_view text) {
    if (text.size < 2)
        return false;
    char first = text.data[0], last = text.data[text.size - 1];
    const char *meant = first == '-'                  ? "\"negative\":true"
                        : first == '"' && last == '"' ? "\"match\":\"phrase\""
                        : first == '[' && last == ']' ? "\"match\":\"exact\""
                                                      : NULL;
    if (meant)
        am_inventory_reader_warning(
            reader,
            "keyword \"" AM_QUOTED "\": in an object the text is the words alone, did you mean %s?",
            AM_QUOTED_ARGUMENTS(text), meant);
    return meant != NULL;
}

/* The nearest character on that side of a separator that is no space. */
static int32_t neighbour(struct am_view side, bool after) {
    while (side.size && (after ? side.data[0] : side.data[side.size - 1]) == ' ') {
        side.data += after;
        side.size--;
    }
    return after ? first_of(side) : last_of(side);
}

static bool separates(struct am_view text, size_t at, size_t size) {
    int32_t before = neighbour((struct am_view){text.data, at}, false);
    int32_t after = neighbour((struct am_view){text.data + at + size, text.size - at - size}, true);
    bool digits = am_text_character_class(before) == AM_CHARACTER_DIGIT &&
                  am_text_character_class(after) == AM_CHARACTER_DIGIT;
    return is_word_part(before) && is_word_part(after) && !digits;
}

/* One cell of a spreadsheet that holds several keywords. */
static void hint_separators(struct am_inventory_reader *reader, struct am_view text) {
    static const int32_t separators[] = {',', ';', '|', 0xFF0C, 0xFF1B, 0x3001, 0x60C, 0x61B};
    uint32_t found = 0;
    for (size_t at = 0; at < text.size;) {
        size_t begin = at;
        if (is_one_of(am_text_character_read(text, &at), separators, AM_COUNT_OF(separators)))
            found += separates(text, begin, at - begin);
    }
    if (found)
        am_inventory_reader_warning(
            reader,
            "keyword \"" AM_QUOTED
            "\": one keyword, which needs all these words; did you mean %u keywords?",
            AM_QUOTED_ARGUMENTS(text), found + 1);
}

/* Whether windows-1252, or Latin-1, has the character for a byte from 0x80 to 0xBF, which goes on
 * with a character of UTF-8. */
static bool is_trailing_byte(int32_t code) {
    if (code >= 0x80 && code <= 0xBF)
        return true;
    for (unsigned byte = 0x80; byte < 0xA0; byte++)
        if (code == am_text_windows_1252((unsigned char)byte))
            return true;
    return false;
}

/* Whether a text that begins with one of Ã, Ð and the like, which are the first bytes of letters of
 * UTF-8 in windows-1252, goes on like one. Quotes and dashes may stand behind such a letter, but
 * not before another one. */
static bool is_misread_letter(struct am_view text) {
    static const int32_t firsts[] = {0xC2, 0xC3, 0xC4, 0xC5, 0xCE, 0xCF, 0xD0, 0xD1};
    struct am_view rest = without_first(text), after = without_first(rest);
    int32_t first = first_of(text), second = first_of(rest);
    if (first == 0xE2)
        return second == 0x20AC; /* ’ and “ */
    if (!is_one_of(first, firsts, AM_COUNT_OF(firsts)) || !is_trailing_byte(second))
        return false;
    bool is_punctuation =
        (second >= 0x2010 && second <= 0x203A) || second == 0xAB || second == 0xBB;
    return !is_punctuation || is_word_part(first_of(after));
}

/* UTF-8 that was read as windows-1252 or Latin-1, or characters that were lost. */
static bool is_misread(struct am_view text) {
    for (size_t at = 0; at < text.size; at++)
        if ((unsigned char)text.data[at] == 0xC3 &&
            is_misread_letter((struct am_view){text.data + at, text.size - at}))
            return true;
    return contains(text, "\xEF\xBF\xBD");
}

/* Where a sign begins a word: before a letter, at the start or after a space; the text's size where
 * it does not. */
static size_t sign_at(struct am_view text, char sign) {
    for (size_t at = 0; at + 1 < text.size; at++) {
        const struct am_view after = {text.data + at + 1, text.size - at - 1};
        if (text.data[at] == sign && (at == 0 || text.data[at - 1] == ' ') &&
            is_word_part(first_of(after)) &&
            am_text_character_class(first_of(after)) != AM_CHARACTER_DIGIT)
            return at;
    }
    return text.size;
}

static bool has_sign(struct am_view text, char sign) {
    return sign_at(text, sign) < text.size;
}

/* What people take for operators, in capitals, and the word for "or", which few texts that offer
 * either have. */
struct operators {
    const char *language, *capitals[3], *either;
};

/* English is the first: its operators are meant in every language. */
static const struct operators operators[] = {
    {"en", {"AND", "OR", "NOT"}, "or"},       {"de", {"UND", "ODER", "NICHT"}, "oder"},
    {"fr", {"ET", "OU", "SAUF"}, "ou"},       {"es", {"Y", "O", "NO"}, "o"},
    {"it", {"E", "O", "NON"}, "o"},           {"pt", {"E", "OU", "NÃO"}, "ou"},
    {"nl", {"EN", "OF", "NIET"}, "of"},       {"sv", {"OCH", "ELLER", "INTE"}, "eller"},
    {"da", {"OG", "ELLER", "IKKE"}, "eller"}, {"no", {"OG", "ELLER", "IKKE"}, "eller"},
    {"fi", {"JA", "TAI", "EI"}, "tai"},       {"pl", {"I", "LUB", "NIE"}, "lub"},
    {"cs", {"A", "NEBO", "NE"}, "nebo"},      {"tr", {"VE", "VEYA", "DEĞİL"}, "veya"},
    {"ru", {"И", "ИЛИ", "НЕ"}, "или"},        {"uk", {"І", "АБО", "НЕ"}, "або"},
};

static bool has_lower(struct am_view text) {
    for (size_t at = 0; at < text.size;)
        if (am_text_is_lower(am_text_character_read(text, &at)))
            return true;
    return false;
}

/* Whether the operators are of the language that was named; without a name, of English. */
static bool is_of(const struct operators *of, struct am_view named) {
    const struct am_text_language language = am_text_language_of(named);
    return strcmp(*language.code ? language.code : operators[0].language, of->language) == 0;
}

static bool is_capitals(const struct operators *of, struct am_view word) {
    return am_view_equal(word, am_view_of(of->capitals[0])) ||
           am_view_equal(word, am_view_of(of->capitals[1])) ||
           am_view_equal(word, am_view_of(of->capitals[2]));
}

/* "E" is Italian, and a vitamin elsewhere: of other languages only longer words count. Capitals say
 * nothing where all is capitals. */
static const char *
operator_as(struct am_view word, struct am_view text, struct am_view language, bool broad) {
    for (size_t i = 0; i < AM_COUNT_OF(operators); i++) {
        const struct operators *of = &operators[i];
        if (is_capitals(of, word) && (i == 0 || word.size > 2 || is_of(of, language)) &&
            has_lower(text))
            return "AND, OR and NOT are words like others, did you mean several keywords?";
        if (broad && am_view_equal(word, am_view_of(of->either)) && is_of(of, language))
            return "the word for \"or\" is needed like the others, did you mean several keywords?";
    }
    return NULL;
}

/* An operator between two words. */
static const char *operator_in(struct am_view text, struct am_view language, bool broad) {
    const char *end = am_view_end(text), *found = NULL;
    const char *space = memchr(text.data, ' ', text.size), *next;
    for (; space && !found; space = next) {
        next = memchr(space + 1, ' ', (size_t)(end - space - 1));
        if (next)
            found = operator_as((struct am_view){space + 1, (size_t)(next - space - 1)}, text,
                                language, broad);
    }
    return found;
}

static const char *unusual(struct am_view text) {
    if (am_inventory_is_spreadsheet_error(text))
        return "that is an error of a spreadsheet";
    if (is_misread(text))
        return "its letters were damaged on the way here, expected UTF-8";
    if (contains(text, "*"))
        return "* is no wildcard: broad keywords match plurals by their stems";
    if (contains(text, "://"))
        return "that is an address, and a keyword of all words in it";
    if (contains(text, "&amp;") || contains(text, "&quot;") || contains(text, "&#") ||
        contains(text, "&nbsp;"))
        return "character references are not decoded in keywords";
    if (contains(text, "{") || text.data[0] == '(')
        return "these brackets mean nothing, expected the words alone";
    if (contains(text, "\" \"") || contains(text, "] [") || contains(text, "\",\"") ||
        contains(text, "],["))
        return "one keyword with quotes or brackets in it, did you mean several?";
    if (has_sign(text, '+'))
        return "+ means nothing here: a broad keyword needs all its words";
    return NULL;
}

/* What stands behind a hyphen that begins a word, other than the first: -cheap in shoes -cheap. */
static bool hint_inner_negative(struct am_inventory_reader *reader, struct am_view text) {
    size_t at = sign_at(text, '-');
    if (at == 0 || at == text.size)
        return false;
    struct am_view negative = {text.data + at, text.size - at};
    am_inventory_reader_warning(reader,
                                "keyword \"" AM_QUOTED "\": a hyphen inside means nothing, did you "
                                "mean a keyword and the negative keyword \"" AM_QUOTED "\"?",
                                AM_QUOTED_ARGUMENTS(text), AM_QUOTED_ARGUMENTS(negative));
    return true;
}

void am_inventory_hint_keyword(struct am_inventory_reader *reader,
                               const struct am_inventory_keyword *keyword,
                               bool is_object) {
    struct am_view text = keyword->text;
    if (keyword->match == AM_MATCH_ANY || text.size == 0)
        return;
    if (keyword->match == AM_MATCH_BROAD &&
        ((!keyword->negative && hint_dash(reader, text, is_object)) || hint_quotes(reader, text)))
        return;
    if (is_object && hint_notation(reader, text))
        return;
    const char *what = unusual(text);
    if (!what)
        what = operator_in(text, reader->inventory->language, keyword->match == AM_MATCH_BROAD);
    if (what)
        am_inventory_reader_warning(reader, "keyword \"" AM_QUOTED "\": %s",
                                    AM_QUOTED_ARGUMENTS(text), what);
    else if (!hint_inner_negative(reader, text))
        hint_separators(reader, text);
}

/* ---- targeting --------------------------------------------------------------------------------
 */

static struct am_view hint_country(struct am_inventory_reader *reader, struct am_view code) {
    struct am_view read_as = am_model_country_read_as(code);
    const char upper[] = {(char)(code.data[0] - 0x20), (char)(code.data[1] - 0x20)};
    const struct am_view shown = {upper, sizeof upper};
    if (!am_view_equal(read_as, code)) {
        am_inventory_reader_warning(reader,
                                    "targeting.country: \"%.*s\" is no code of ISO 3166-1; it is "
                                    "read as \"%.*s\"",
                                    AM_VIEW_ARGUMENTS(shown),
                                    AM_VIEW_ARGUMENTS(am_model_country_short(read_as)));
        return read_as;
    }
    if (am_model_country_short(code).data)
        return code;
    struct am_view meant = am_model_country_meant(code);
    am_inventory_reader_warning(reader,
                                "targeting.country: \"%.*s\" is no code of ISO 3166-1, and no "
                                "request has it%s%.*s%s",
                                AM_VIEW_ARGUMENTS(shown), meant.data ? ", did you mean \"" : "",
                                (int)meant.size, meant.data ? meant.data : "",
                                meant.data ? "\"?" : "");
    return code;
}

static bool is_blank(char byte) {
    return byte == ' ' || byte == '\t';
}

void am_inventory_hint_name(struct am_inventory_reader *reader,
                            const char *member,
                            struct am_view name) {
    struct am_view inside = am_text_trimmed(name);
    if (inside.size < name.size && inside.size)
        am_inventory_reader_warning(reader,
                                    "%s: \"" AM_QUOTED "\" has white space at its ends, did you "
                                    "mean \"" AM_QUOTED "\"?",
                                    member, AM_QUOTED_ARGUMENTS(name), AM_QUOTED_ARGUMENTS(inside));
}

/* The host of an address, where a host is expected; .data NULL: it is one. */
static struct am_view host_of(struct am_view address) {
    const char *scheme = memmem(address.data, address.size, "://", 3);
    struct am_view host = address;
    if (scheme)
        host = (struct am_view){scheme + 3, (size_t)(am_view_end(address) - scheme - 3)};
    const char *slash = memchr(host.data, '/', host.size);
    if (slash)
        host.size = (size_t)(slash - host.data);
    return host.size == address.size ? (struct am_view){NULL, 0} : host;
}

static void
hint_host(struct am_inventory_reader *reader, const char *member, struct am_view given) {
    struct am_view host = host_of(given);
    if (host.data && host.size)
        am_inventory_reader_warning(reader,
                                    "%s: \"" AM_QUOTED "\" is an address, did you mean its host, "
                                    "\"" AM_QUOTED "\"?",
                                    member, AM_QUOTED_ARGUMENTS(given), AM_QUOTED_ARGUMENTS(host));
}

struct am_view am_inventory_hint_value(struct am_inventory_reader *reader,
                                       const char *member,
                                       enum am_model_attribute attribute,
                                       struct am_view value) {
    if (attribute == AM_ATTRIBUTE_COUNTRY)
        return hint_country(reader, value);
    am_inventory_hint_name(reader, member, value);
    if (attribute == AM_ATTRIBUTE_SITE && contains(value, "://"))
        hint_host(reader, member, value);
    const char *meant = am_model_value_meant(attribute, value);
    if (meant)
        am_inventory_reader_warning(reader, "%s: \"" AM_QUOTED "\", did you mean \"%s\"?", member,
                                    AM_QUOTED_ARGUMENTS(value), meant);
    return value;
}

/* ---- addresses --------------------------------------------------------------------------------
 */

void am_inventory_hint_domain(struct am_inventory_reader *reader, struct am_view domain) {
    hint_host(reader, "domain", domain);
}

/* Without case; `start` is in lower case. */
static bool starts(struct am_view text, const char *start) {
    size_t size = strlen(start);
    return text.size >= size && strncasecmp(text.data, start, size) == 0;
}

/* Schemes of no page: a browser does not follow a click to them, or runs what they hold. */
static bool leads_nowhere(struct am_view url) {
    static const char *const schemes[] = {
        "javascript:", "data:", "vbscript:", "file:", "blob:", "about:"};
    for (size_t i = 0; i < AM_COUNT_OF(schemes); i++)
        if (starts(url, schemes[i]))
            return true;
    return false;
}

/* What follows "https:" or "http:" with too few slashes or without its colon; else all of it. */
static struct am_view without_scheme(struct am_view url) {
    size_t at = starts(url, "https") ? 5 : starts(url, "http") ? 4 : 0;
    if (at == 0 || at == url.size || !memchr(":/", url.data[at], 2))
        return url;
    while (at < url.size && memchr(":/", url.data[at], 2))
        at++;
    return (struct am_view){url.data + at, url.size - at};
}

static void say_address(struct am_inventory_reader *reader, struct am_view url, const char *what) {
    struct am_view rest = without_scheme(url);
    am_inventory_reader_warning(
        reader, "url: \"" AM_QUOTED "\" %s, did you mean \"https://" AM_QUOTED "\"?",
        AM_QUOTED_ARGUMENTS(url), what, AM_QUOTED_ARGUMENTS(rest));
}

void am_inventory_hint_url(struct am_inventory_reader *reader, struct am_view url) {
    bool http = starts(url, "https:") || starts(url, "http:");
    struct am_view rest = without_scheme(url);
    if (leads_nowhere(url))
        am_inventory_reader_warning(reader,
                                    "url: \"" AM_QUOTED "\" is no landing page: browsers refuse it "
                                    "after a click, expected https://",
                                    AM_QUOTED_ARGUMENTS(url));
    else if (http && rest.size == 0)
        am_inventory_reader_warning(reader, "url: \"" AM_QUOTED "\" names no host",
                                    AM_QUOTED_ARGUMENTS(url));
    else if (http && !starts(url, "https://") && !starts(url, "http://"))
        say_address(reader, url, "lacks slashes");
    else if (starts(url, "//"))
        say_address(reader, (struct am_view){url.data + 2, url.size - 2}, "has no scheme");
    else if (url.data[0] == '/' || url.data[0] == '?' || url.data[0] == '#')
        am_inventory_reader_warning(reader,
                                    "url: \"" AM_QUOTED
                                    "\" is relative: a click leads to that place "
                                    "of the ad server, expected https:// and a host",
                                    AM_QUOTED_ARGUMENTS(url));
    else if (!contains(url, ":") || starts(url, "https//") || starts(url, "http//"))
        say_address(reader, url, "has no scheme");
    else if (memchr(url.data, ' ', url.size))
        am_inventory_reader_warning(reader, "url: \"" AM_QUOTED "\" has a space, expected %%20",
                                    AM_QUOTED_ARGUMENTS(url));
}

/* ---- members ----------------------------------------------------------------------------------
 */

const char *am_inventory_hint_member(enum am_inventory_object object,
                                     struct am_view name,
                                     const char *const *names,
                                     char memory[AM_HINT_SIZE]) {
    const char *meant = am_inventory_meant_member(object, name);
    const char *nearest = meant ? NULL : am_model_nearest_name(name, names);
    if (nearest)
        snprintf(memory, AM_HINT_SIZE, ", did you mean \"%s\"?", nearest);
    return nearest ? memory : meant ? meant : "";
}

/* ---- lines and files --------------------------------------------------------------------------
 */

const char *am_inventory_hint_syntax(struct am_view line) {
    while (line.size && is_blank(line.data[line.size - 1]))
        line.size--;
    if (contains(line, "\xE2\x80\x9C") || contains(line, "\xE2\x80\x9D"))
        return "; the quotes of JSON are \", not “ and ”";
    if (line.size > 1 && memcmp(am_view_end(line) - 2, "},", 2) == 0)
        return "; each line is an object by itself, without a comma after it";
    if (line.size > 1 && memcmp(line.data, "{'", 2) == 0)
        return "; the quotes of JSON are \", not '";
    if (contains(line, ": True") || contains(line, ": False") || contains(line, ": None") ||
        contains(line, ":NaN") || contains(line, ": NaN"))
        return "; JSON has true, false and null";
    if (line.size && (line.data[0] == '#' || memcmp(line.data, "//", line.size > 1 ? 2 : 1) == 0))
        return "; JSON has no comments";
    return "";
}

static bool begins(struct am_view head, struct am_view magic) {
    return head.size >= magic.size && memcmp(head.data, magic.data, magic.size) == 0;
}

static const struct am_inventory_file_hint *packed_by(struct am_view head) {
    static const struct {
        struct am_view magic;
        struct am_inventory_file_hint hint;
    } kinds[] = {
        {{"\xFD"
          "7zXZ",
          5},
         {"packed by xz", "plain text or gzip", "xz -dc", " | gzip"}},
        {{"\x28\xB5\x2F\xFD", 4}, {"packed by zstd", "plain text or gzip", "zstd -dc", " | gzip"}},
        {{"BZh", 3}, {"packed by bzip2", "plain text or gzip", "bzip2 -dc", " | gzip"}},
        {{"\x04\"M\x18", 4}, {"packed by lz4", "plain text or gzip", "lz4 -dc", " | gzip"}},
        {{"PK\x03\x04", 4},
         {"a ZIP archive, or a workbook of a spreadsheet", "plain text or gzip", NULL, NULL}},
        {{"7z\xBC\xAF", 4}, {"packed by 7z", "plain text or gzip", NULL, NULL}},
    };
    for (size_t i = 0; i < AM_COUNT_OF(kinds); i++)
        if (begins(head, kinds[i].magic))
            return &kinds[i].hint;
    return NULL;
}

static bool is_utf16(struct am_view head) {
    return begins(head, (struct am_view){"\xFF\xFE", 2}) ||
           begins(head, (struct am_view){"\xFE\xFF", 2}) ||
           (head.size > 3 && (head.data[0] == 0) != (head.data[1] == 0) &&
            (head.data[0] == 0) == (head.data[2] == 0) &&
            (head.data[1] == 0) == (head.data[3] == 0));
}

static struct am_view first_line(struct am_view head) {
    const char *end = memchr(head.data, '\n', head.size);
    if (end)
        head.size = (size_t)(end - head.data);
    while (head.size && (is_blank(head.data[head.size - 1]) || head.data[head.size - 1] == '\r'))
        head.size--;
    return head;
}

/* Names between column separators, as in the first line of a table. */
static bool is_table(struct am_view line) {
    bool letter = line.size && is_word_part(first_of(line));
    bool quoted = line.size && line.data[0] == '"';
    return (letter || quoted) &&
           (memchr(line.data, ',', line.size) || memchr(line.data, ';', line.size) ||
            memchr(line.data, '\t', line.size));
}

const struct am_inventory_file_hint *am_inventory_hint_file(struct am_view head) {
    static const struct am_inventory_file_hint utf16 = {"UTF-16", "UTF-8",
                                                        "iconv -f UTF-16 -t UTF-8", ""},
                                               array = {"one JSON array", "one object a line",
                                                        "jq -c '.[]'", ""},
                                               object = {"JSON over several lines",
                                                         "one object a line", "jq -c .", ""},
                                               markup = {"HTML or XML", "JSON Lines", NULL, NULL},
                                               table = {"no JSON, but perhaps a table (CSV)",
                                                        "JSON Lines", "admatch import", ""};
    const struct am_inventory_file_hint *packed = packed_by(head);
    if (packed || is_utf16(head))
        return packed ? packed : &utf16;
    while (head.size && (is_blank(head.data[0]) || head.data[0] == '\r' || head.data[0] == '\n'))
        head.data++, head.size--;
    struct am_view line = first_line(head);
    if (begins(line, AM_VIEW("[")) && line.size < head.size)
        return &array;
    if (begins(line, AM_VIEW("<")))
        return &markup;
    if (am_view_equal(line, AM_VIEW("{")) && line.size < head.size)
        return &object;
    return is_table(line) ? &table : NULL;
}
