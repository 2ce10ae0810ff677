/* SPDX-License-Identifier: Apache-2.0 */
/* Requests made of a few numbers. */
#include <string.h>
#include <zlib.h>

#include "../../plugin/base/hash.h"
#include "cost.h"

/* ---- texts ------------------------------------------------------------------------------------
 */

struct writer {
    const struct cost_request *request;
    const struct cost_inventory *inventory;
    struct am_buffer *out;   /* the body */
    struct am_buffer *plain; /* one text, before it is encoded */
    uint64_t random;
};

static void put(struct am_buffer *out, const char *text) {
    am_buffer_view_append(out, am_view_of(text));
}

static void put_number(struct am_buffer *out, uint64_t number) {
    am_buffer_unsigned(out, number);
}

/* Words with endings of which no keyword has any, so that each is stemmed by itself. */
static void put_distinct(struct writer *to, uint32_t index) {
    static const char *const latin[4] = {"ational", "izations", "larımızdan", "fulnesses"};
    static const char *const cyrillic[4] = {"ированиями", "овавшихся", "ейшими", "ностями"};
    char word[COST_WORD_BYTES];
    bool russian = to->request->texts[COST_TITLE].variety % 2;
    to->inventory->word(word, index % to->inventory->words);
    put(to->plain, word);
    for (uint32_t rest = index / to->inventory->words; rest; rest /= 16) {
        char letter[2] = {(char)('a' + rest % 16), '\0'};
        put(to->plain, letter);
    }
    put(to->plain, (russian ? cyrillic : latin)[index % 4]);
}

static void put_inventory_word(struct writer *to, uint32_t index) {
    char word[COST_WORD_BYTES];
    to->inventory->word(word, index % to->inventory->words);
    put(to->plain, word);
}

static void put_unit(struct writer *to, const struct cost_text *text, uint32_t index) {
    static const char *const units[COST_PATTERNS] = {[COST_LETTER] = "a",
                                                     [COST_LIGATURES] = "ﷺ",
                                                     [COST_FRACTIONS] = "½",
                                                     [COST_THAI] = "กำ",
                                                     [COST_HANGUL] = "운동화를",
                                                     [COST_MARKS] =
                                                         "e\xCC\x81\xCC\xA3\xCC\x80\xCC\xA4",
                                                     [COST_SUPERSCRIPTS] = "<sup>12</sup>",
                                                     [COST_PERCENT] = "%41%"};
    static const char *const broken[8] = {"<b",     "<i>a", "</p><a", "<svg>",
                                          "</svg>", "<!-",  "&",      "x>"};
    static const char *const references[4] = {"&#97; ", "&amp;", "&#x41;",
                                              "&CounterClockwiseContourIntegral;"};
    uint32_t variety = text->variety ? text->variety : 1;
    switch (text->pattern) {
    case COST_CYCLE:
        put_inventory_word(to, index % variety);
        break;
    case COST_DRAWN:
        put_inventory_word(to, cost_random(&to->random, variety));
        break;
    case COST_DISTINCT:
        put_distinct(to, index);
        break;
    case COST_MISSPELT:
        put_inventory_word(to, index);
        put(to->plain, "q");
        break;
    case COST_CYRILLIC:
        put(to->plain, index % 2 ? "Привет" : "ЁЖИК\xCC\x81");
        break;
    case COST_MARKUP:
        put(to->plain, broken[cost_random(&to->random, 8)]);
        return;
    case COST_REFERENCES:
        put(to->plain, references[index % variety % 4]);
        return;
    case COST_SCRIPT:
        put(to->plain, index == 0 ? "<script><!--" : "-a<");
        return;
    default:
        put(to->plain, units[text->pattern]);
    }
    /* Of some patterns, a word has no end. */
    if (text->pattern < COST_LETTER || variety % 2)
        put(to->plain, " ");
}

/* The hits that a long text ends in, as references: where each stands is looked for from the
 * begin. */
static void put_ending(struct writer *to) {
    char word[COST_WORD_BYTES];
    for (uint32_t i = 0; i < 200; i++) {
        to->inventory->word(word, i % to->inventory->words);
        for (const char *at = word; *at; at++)
            if ((*at & 0x80) == 0) {
                put(to->plain, "&#");
                put_number(to->plain, (unsigned char)*at);
                put(to->plain, ";");
            } else {
                am_buffer_append(to->plain, at, 1);
            }
        put(to->plain, " ");
    }
}

static void make_text(struct writer *to, enum cost_field field) {
    const struct cost_text *text = &to->request->texts[field];
    am_buffer_cut(to->plain, 0);
    for (uint32_t i = 0; i < text->words; i++) {
        size_t before = to->plain->size;
        put_unit(to, text, i);
        if (to->plain->size > text->bytes) {
            am_buffer_cut(to->plain, before);
            break;
        }
    }
    if (to->request->ends_in_keywords && field == COST_CONTENT)
        put_ending(to);
}

/* ---- encodings -------------------------------------------------------------------------------
 */

static void put_percent(struct am_buffer *out, struct am_view text) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        char escaped[3] = {'%', digits[byte >> 4], digits[byte & 15]};
        bool letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
        if (letter || (byte >= '0' && byte <= '9'))
            am_buffer_append(out, text.data + i, 1);
        else if (byte == ' ')
            put(out, "+");
        else
            am_buffer_append(out, escaped, 3);
    }
}

static void put_json_text(struct writer *to, const char *name, enum cost_field field) {
    if (to->request->texts[field].pattern == COST_NOTHING)
        return;
    make_text(to, field);
    put(to->out, ",\"");
    put(to->out, name);
    put(to->out, "\":");
    am_buffer_json_string(to->out, am_buffer_view(to->plain));
}

static void put_keywords(struct writer *to, const char *name) {
    if (to->request->texts[COST_KEYWORDS].pattern == COST_NOTHING)
        return;
    make_text(to, COST_KEYWORDS);
    for (uint32_t i = 0; i < to->request->keywords; i++) {
        put(to->out, i ? "," : ",\"");
        if (i == 0) {
            put(to->out, name);
            put(to->out, "\":[");
        }
        am_buffer_json_string(to->out, am_buffer_view(to->plain));
    }
    put(to->out, to->request->keywords ? "]" : "");
}

static void put_names(struct am_buffer *out,
                      const char *name,
                      const char *prefix,
                      const char *suffix,
                      uint32_t count) {
    if (!count)
        return;
    put(out, ",\"");
    put(out, name);
    put(out, "\":[");
    for (uint32_t i = 0; i < count; i++) {
        put(out, i ? ",\"" : "\"");
        put(out, prefix);
        put_number(out, i);
        put(out, suffix);
        put(out, "\"");
    }
    put(out, "]");
}

static void put_categories(struct am_buffer *out, const char *name, uint32_t count) {
    char category[COST_WORD_BYTES];
    for (uint32_t i = 0; i < count; i++) {
        cost_category(category, i);
        put(out, i ? ",\"" : ",\"");
        if (i == 0) {
            put(out, name);
            put(out, "\":[\"");
        }
        put(out, category);
        put(out, "\"");
    }
    put(out, count ? "]" : "");
}

/* The next number from which a key has the same place in a table of 4,096 as all others here. */
static uint32_t colliding(uint64_t prefix, uint32_t number) {
    for (;; number++) {
        char text[16];
        size_t size = (size_t)snprintf(text, sizeof text, "%u", number);
        uint64_t hash = am_hash_fnv1a(prefix, text, size);
        if (am_hash_mix(hash, hash) % 4096 == 0)
            return number;
    }
}

/* Long keys are alike in their first characters, which are written as escapes, and collide. */
static void put_keys(struct writer *to) {
    enum { ALIKE = 150 };
    char alike[ALIKE];
    memset(alike, 'a', ALIKE);
    uint64_t prefix = am_hash_fnv1a(AM_FNV1A_START, alike, ALIKE);
    put(to->out, ",\"kv\":{");
    for (uint32_t i = 0, number = 0; i < to->request->keys; i++, number++) {
        put(to->out, i ? ",\"" : "\"");
        for (uint32_t k = 0; to->request->long_keys && k < ALIKE; k++)
            put(to->out, "\\u0061");
        number = to->request->long_keys ? colliding(prefix, number) : number;
        put_number(to->out, number);
        put(to->out, "\":\"v\"");
    }
    put(to->out, "}");
}

/* ---- bodies ----------------------------------------------------------------------------------
 */

const char *const cost_unique_names[4] = {"advertiser", "campaign", "ad", "none"};

static void put_sizes(struct writer *to) {
    for (uint32_t i = 0; i < to->request->sizes; i++) {
        put(to->out, i ? ",\"" : ",\"size\":[\"");
        put_number(to->out, 40000 + i);
        put(to->out, "x7\"");
    }
    put(to->out, to->request->sizes ? "]" : "");
}

static void put_slots(struct writer *to) {
    put(to->out, ",\"slots\":[");
    for (uint32_t i = 0; i < to->request->slots; i++) {
        put(to->out, i ? ",{\"id\":\"s" : "{\"id\":\"s");
        put_number(to->out, i);
        put(to->out, "\",\"count\":");
        put_number(to->out, to->request->count);
        put_sizes(to);
        put(to->out, to->request->high_floor ? ",\"floor\":100000}" : "}");
    }
    put(to->out, "]");
}

static void write_json(struct writer *to) {
    const struct cost_request *request = to->request;
    put(to->out, "{\"id\":\"r");
    put_number(to->out, request->seed % 1000);
    put(to->out, "\"");
    put_json_text(to, "query", COST_QUERY);
    put_keywords(to, "keywords");
    put_json_text(to, "title", COST_TITLE);
    put_json_text(to, request->html ? "html" : "text", COST_CONTENT);
    put_json_text(to, "url", COST_URL);
    if (request->slots)
        put_slots(to);
    put(to->out, ",\"block\":{\"advertisers\":[\"x\"]");
    put_names(to->out, "domains", "d", ".example", request->domains);
    put_categories(to->out, "categories", request->categories);
    put(to->out, "},\"context\":{\"country\":\"US\"");
    put_names(to->out, "city", "v", "", request->values);
    put_keys(to);
    put(to->out, "},\"unique\":\"");
    put(to->out, cost_unique_names[request->unique % 4]);
    put(to->out, request->explain ? "\",\"explain\":true}" : "\"}");
}

static void put_impressions(struct writer *to) {
    for (uint32_t i = 0; i < to->request->slots; i++) {
        put(to->out, i ? ",{\"id\":\"" : "{\"id\":\"");
        put_number(to->out, i);
        put(to->out, to->request->high_floor ? "\",\"bidfloor\":100000" : "\"");
        put(to->out, to->request->secure ? ",\"secure\":1" : "");
        put(to->out, ",\"banner\":{}}");
    }
}

static void write_bids(struct writer *to) {
    const struct cost_request *request = to->request;
    put(to->out, "{\"id\":\"r\",\"imp\":[");
    put_impressions(to);
    put(to->out, "],\"site\":{\"name\":\"n\"");
    put_json_text(to, "page", COST_URL);
    put_json_text(to, "search", COST_QUERY);
    put_keywords(to, "kwarray");
    put(to->out, ",\"content\":{\"len\":1");
    put_json_text(to, "title", COST_TITLE);
    put(to->out, "}}");
    put_names(to->out, "wseat", "no", "", request->seats);
    put_names(to->out, "badv", "d", ".example", request->domains);
    put_names(to->out, "bseat", "b", "", request->advertisers);
    put_categories(to->out, "bcat", request->categories);
    put(to->out, ",\"ext\":{\"admatch\":{\"unique\":\"");
    put(to->out, cost_unique_names[request->unique % 4]);
    put(to->out, "\"");
    put_json_text(to, "text", COST_CONTENT);
    put_keys(to);
    put(to->out, "}}}");
}

static void put_parameter(struct writer *to, const char *name, enum cost_field field) {
    if (to->request->texts[field].pattern == COST_NOTHING)
        return;
    make_text(to, field);
    put(to->out, "&");
    put(to->out, name);
    put(to->out, "=");
    put_percent(to->out, am_buffer_view(to->plain));
}

static void write_query_string(struct writer *to) {
    const struct cost_request *request = to->request;
    put(to->out, "id=r&count=");
    put_number(to->out, request->slots && request->count ? request->slots * request->count : 1);
    put_parameter(to, "query", COST_QUERY);
    for (uint32_t i = 0; i < request->keywords; i++)
        put_parameter(to, "keywords", COST_KEYWORDS);
    put_parameter(to, "title", COST_TITLE);
    put_parameter(to, request->html ? "html" : "text", COST_CONTENT);
    put_parameter(to, "url", COST_URL);
    for (uint32_t i = 0; i < request->values; i++) {
        put(to->out, "&city=v");
        put_number(to->out, i);
    }
    for (uint32_t i = 0; i < request->keys; i++) {
        put(to->out, "&kv.k");
        put_number(to->out, i);
        put(to->out, "=v");
    }
    put(to->out, request->high_floor ? "&floor=100000&unique=" : "&unique=");
    put(to->out, cost_unique_names[request->unique % 4]);
    put(to->out, request->explain && request->kind == COST_QUERY_STRING ? "&explain=1" : "");
}

static void write_text(struct writer *to) {
    make_text(to, COST_CONTENT);
    am_buffer_view_append(to->out, am_buffer_view(to->plain));
}

static void pack(struct cost_body *body, char *memory) {
    z_stream stream = {0};
    if (deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        exit(1);
    stream.next_in = (Bytef *)body->data;
    stream.avail_in = (uInt)body->size;
    stream.next_out = (Bytef *)memory;
    stream.avail_out = COST_BODY_ROOM;
    deflate(&stream, Z_FINISH);
    memcpy(body->data, memory, stream.total_out);
    body->size = stream.total_out;
    deflateEnd(&stream);
}

void cost_request_write(const struct cost_request *request,
                        const struct cost_inventory *inventory,
                        struct cost_body *body) {
    struct am_buffer out = am_buffer_over(body->data, COST_BODY_ROOM);
    struct am_buffer plain = am_buffer_over(body->plain, COST_BODY_ROOM);
    struct writer to = {request, inventory, &out, &plain, request->seed};
    switch (request->kind) {
    case COST_TEXT:
    case COST_HTML:
        write_text(&to);
        break;
    case COST_QUERY_STRING:
    case COST_PREVIEW:
        write_query_string(&to);
        break;
    case COST_BIDS:
        write_bids(&to);
        break;
    default:
        write_json(&to);
    }
    body->size = out.size;
    if (request->gzip && request->kind != COST_QUERY_STRING && request->kind != COST_PREVIEW)
        pack(body, body->plain);
}
