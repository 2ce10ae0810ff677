/* SPDX-License-Identifier: Apache-2.0 */
/* Reading parsed JSON: strings, members, duplicates, paths. */
#include "buffer.h"
#include "json.h"
#include "keyed.h"

/* ---- strings -------------------------------------------------------------------------------- */

static struct am_view inside_quotes(const struct am_json *json, const struct am_json_node *node) {
    return (struct am_view){json->text.data + node->begin + 1, node->size - 2};
}

/* Four hexadecimal digits, which the parser has checked. */
static unsigned read_hex(const char *digits) {
    unsigned unit = 0;
    for (int i = 0; i < 4; i++)
        unit = unit << 4 | (unsigned)am_bytes_hex_value(digits[i]);
    return unit;
}

static size_t write_utf8(unsigned point, char *bytes) {
    if (point < 0x80) {
        bytes[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        bytes[0] = (char)(0xC0 | point >> 6);
        bytes[1] = (char)(0x80 | (point & 63));
        return 2;
    }
    if (point < 0x10000) {
        bytes[0] = (char)(0xE0 | point >> 12);
        bytes[1] = (char)(0x80 | (point >> 6 & 63));
        bytes[2] = (char)(0x80 | (point & 63));
        return 3;
    }
    bytes[0] = (char)(0xF0 | point >> 18);
    bytes[1] = (char)(0x80 | (point >> 12 & 63));
    bytes[2] = (char)(0x80 | (point >> 6 & 63));
    bytes[3] = (char)(0x80 | (point & 63));
    return 4;
}

enum { REPLACEMENT = 0xFFFD };

/* Of the surrogate pair that an escape begins; U+FFFD for half of one, which only lenient readers
 * let pass. After an escape there is a quote at least. */
static unsigned whole_point(const char *escape, unsigned first) {
    if (first > 0xDBFF || escape[6] != '\\' || escape[7] != 'u')
        return REPLACEMENT;
    unsigned second = read_hex(escape + 8);
    if (second < 0xDC00 || second > 0xDFFF)
        return REPLACEMENT;
    return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
}

/* Decodes one escape or copies one byte from *at, and steps over it. Returns the bytes written, at
 * most 4. */
static size_t decode_step(const char **at, char *bytes) {
    static const char plain[] = {
        ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};
    const char *from = *at;
    if (*from != '\\') {
        bytes[0] = *from;
        *at = from + 1;
        return 1;
    }
    if (from[1] != 'u') {
        char letter = from[1];
        bytes[0] = letter >= 'b' ? plain[(unsigned char)letter] : letter;
        *at = from + 2;
        return 1;
    }
    unsigned point = read_hex(from + 2);
    *at = from + 6;
    if (point >= 0xD800 && point <= 0xDFFF) {
        point = whole_point(from, point);
        *at = from + (point == REPLACEMENT ? 6 : 12);
    }
    return write_utf8(point, bytes);
}

struct am_view am_json_string(const struct am_json *json,
                              const struct am_json_node *node,
                              char *memory,
                              size_t *used) {
    struct am_view text = inside_quotes(json, node);
    if (used)
        *used = 0;
    if (!node->escaped)
        return text;
    const char *at = text.data, *end = at + text.size;
    size_t size = 0;
    while (at < end)
        size += decode_step(&at, memory + size);
    if (used)
        *used = size;
    return (struct am_view){memory, size};
}

/* The decoded bytes of a string, one by one. */
struct byte_reader {
    const char *at, *end;
    unsigned char bytes[4]; /* of the last escape */
    size_t given, ready;
};

static struct byte_reader read_bytes(const struct am_json *json, const struct am_json_node *node) {
    struct am_view text = inside_quotes(json, node);
    return (struct byte_reader){.at = text.data, .end = am_view_end(text)};
}

/* -1 at the end. */
static int next_byte(struct byte_reader *reader) {
    if (reader->given == reader->ready) {
        if (reader->at == reader->end)
            return -1;
        reader->given = 0;
        reader->ready = decode_step(&reader->at, (char *)reader->bytes);
    }
    return reader->bytes[reader->given++];
}

static bool
equals(const struct am_json *json, const struct am_json_node *node, struct am_view wanted) {
    if (!node->escaped)
        return am_view_equal(inside_quotes(json, node), wanted);
    struct byte_reader reader = read_bytes(json, node);
    for (size_t i = 0; i < wanted.size; i++)
        if (next_byte(&reader) != (unsigned char)wanted.data[i])
            return false;
    return next_byte(&reader) < 0;
}

bool am_json_string_is(const struct am_json *json,
                       const struct am_json_node *node,
                       const char *text) {
    if (node->type != AM_JSON_STRING)
        return false;
    /* Most names that a member is compared with begin with another letter. */
    if (!node->escaped && node->size > 2 && json->text.data[node->begin + 1] != text[0])
        return false;
    return equals(json, node, am_view_of(text));
}

/* ---- members -------------------------------------------------------------------------------- */

const struct am_json_node *
am_json_member(const struct am_json *json, const struct am_json_node *object, const char *name) {
    if (object->type != AM_JSON_OBJECT)
        return NULL;
    struct am_view wanted = am_view_of(name);
    const struct am_json_node *found = NULL;
    const struct am_json_node *key = am_json_first(object);
    for (uint32_t i = 0; i < object->children; i++) {
        const struct am_json_node *value = am_json_after(json, key);
        if (equals(json, key, wanted))
            found = value;
        key = am_json_after(json, value);
    }
    return found;
}

/* ---- duplicates ----------------------------------------------------------------------------- */

enum { FEW_MEMBERS = 32, TABLE_SLOTS = 4096, KEYS_A_PASS = TABLE_SLOTS / 2 };

/* Keys by their hashes. Whole hashes are compared before any byte is: keys of one slot may be long,
 * and alike but for their ends. */
struct key_table {
    const struct am_json_node *keys[TABLE_SLOTS]; /* NULL: a free slot */
    uint64_t hashes[TABLE_SLOTS];                 /* of the keys */
};

static bool
same_key(const struct am_json *json, const struct am_json_node *a, const struct am_json_node *b) {
    if (!a->escaped)
        return equals(json, b, inside_quotes(json, a));
    struct byte_reader first = read_bytes(json, a), second = read_bytes(json, b);
    for (;;) {
        int byte = next_byte(&first);
        if (byte != next_byte(&second))
            return false;
        if (byte < 0)
            return true;
    }
}

/* Of the decoded bytes, piece by piece, so that a key has one hash however it is written. */
static uint64_t hash_key(const struct am_json *json, const struct am_json_node *key) {
    struct byte_reader reader = read_bytes(json, key);
    char piece[64];
    size_t size;
    uint64_t hash = 0;
    do {
        int byte;
        for (size = 0; size < sizeof piece && (byte = next_byte(&reader)) >= 0; size++)
            piece[size] = (char)byte;
        hash = am_keyed_hash_pair(hash, am_keyed_hash((struct am_view){piece, size}).value).value;
    } while (size == sizeof piece);
    return hash;
}

static const struct am_json_node *next_key(const struct am_json *json,
                                           const struct am_json_node *key) {
    return am_json_after(json, am_json_after(json, key));
}

static const struct am_json_node *duplicate_of_few(const struct am_json *json,
                                                   const struct am_json_node *object) {
    const struct am_json_node *keys[FEW_MEMBERS];
    const struct am_json_node *key = am_json_first(object);
    for (uint32_t i = 0; i < object->children; i++, key = next_key(json, key)) {
        for (uint32_t before = 0; before < i; before++)
            if (same_key(json, keys[before], key))
                return key;
        keys[i] = key;
    }
    return NULL;
}

/* The slot of the same key, or the free slot where it belongs. */
static uint32_t find_key(const struct am_json *json,
                         const struct key_table *table,
                         const struct am_json_node *key,
                         uint64_t hash) {
    uint32_t at = (uint32_t)(hash % TABLE_SLOTS);
    while (table->keys[at] && !(table->hashes[at] == hash && same_key(json, table->keys[at], key)))
        at = (at + 1) % TABLE_SLOTS;
    return at;
}

/* Compares as many keys as fit a table on the stack, from `first` on, with one another and with all
 * that follow, up to `end`. */
static const struct am_json_node *duplicate_in_pass(const struct am_json *json,
                                                    const struct am_json_node *first,
                                                    const struct am_json_node *end) {
    struct key_table table;
    uint32_t held = 0;
    memset(table.keys, 0, sizeof table.keys);
    for (const struct am_json_node *key = first; key < end; key = next_key(json, key)) {
        uint64_t hash = hash_key(json, key);
        uint32_t at = find_key(json, &table, key, hash);
        if (table.keys[at])
            return key;
        if (held == KEYS_A_PASS)
            continue;
        table.keys[at] = key;
        table.hashes[at] = hash;
        held++;
    }
    return NULL;
}

static const struct am_json_node *duplicate_of_many(const struct am_json *json,
                                                    const struct am_json_node *object) {
    const struct am_json_node *end = am_json_after(json, object);
    const struct am_json_node *duplicate = NULL;
    const struct am_json_node *first = am_json_first(object);
    while (first < end) {
        const struct am_json_node *found = duplicate_in_pass(json, first, end);
        if (found)
            duplicate = end = found; /* only an earlier duplicate matters now */
        for (uint32_t i = 0; i < KEYS_A_PASS && first < end; i++)
            first = next_key(json, first);
    }
    return duplicate;
}

const struct am_json_node *am_json_duplicate_key_in(const struct am_json *json,
                                                    const struct am_json_node *object) {
    if (object->type != AM_JSON_OBJECT)
        return NULL;
    return object->children <= FEW_MEMBERS ? duplicate_of_few(json, object)
                                           : duplicate_of_many(json, object);
}

const struct am_json_node *am_json_duplicate_key(const struct am_json *json) {
    for (uint32_t i = 0; i < json->count; i++) {
        const struct am_json_node *key = am_json_duplicate_key_in(json, &json->nodes[i]);
        if (key)
            return key;
    }
    return NULL;
}

/* ---- paths ---------------------------------------------------------------------------------- */

/* Text truncated at its capacity, on a character boundary. */
struct path {
    char *text;
    size_t size, capacity;
    bool full;
};

static void append(struct path *path, struct am_view piece) {
    size_t size = piece.size;
    if (path->full)
        return;
    if (size > path->capacity - path->size) {
        path->full = true;
        size = path->capacity - path->size;
        while (size > 0 && ((unsigned char)piece.data[size] & 0xC0) == 0x80)
            size--;
    }
    memcpy(path->text + path->size, piece.data, size);
    path->size += size;
}

static bool is_identifier(struct am_view text) {
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return text.size > 0;
}

static void
append_key(struct path *path, const struct am_json *json, const struct am_json_node *key) {
    struct am_view name = inside_quotes(json, key);
    if (is_identifier(name)) {
        append(path, AM_VIEW("."));
        append(path, name);
        return;
    }
    append(path, AM_VIEW("["));
    append(path, am_json_raw(json, key));
    append(path, AM_VIEW("]"));
}

static void append_index(struct path *path, uint32_t index) {
    char text[16];
    struct am_buffer number = am_buffer_over(text, sizeof text);
    am_buffer_literal(&number, "[");
    am_buffer_unsigned(&number, index);
    am_buffer_literal(&number, "]");
    append(path, am_buffer_view(&number));
}

/* Appends the step from a container to its child that is, or holds, the node of that index. A
 * member's key stands for the member. */
static const struct am_json_node *step_down(struct path *path,
                                            const struct am_json *json,
                                            const struct am_json_node *from,
                                            uint32_t index) {
    bool object = from->type == AM_JSON_OBJECT;
    const struct am_json_node *child = am_json_first(from);
    for (uint32_t i = 0;; i++) {
        const struct am_json_node *key = child;
        if (object && key->next > index) {
            append_key(path, json, key);
            return key;
        }
        if (object)
            child = am_json_after(json, key);
        if (child->next > index) {
            if (object)
                append_key(path, json, key);
            else
                append_index(path, i);
            return child;
        }
        child = am_json_after(json, child);
    }
}

void am_json_path(const struct am_json *json,
                  const struct am_json_node *node,
                  char *text,
                  size_t size) {
    if (size == 0)
        return;
    struct path path = {.text = text, .capacity = size - 1};
    append(&path, AM_VIEW("$"));
    uint32_t index = (uint32_t)(node - json->nodes);
    const struct am_json_node *at = json->nodes;
    while (at != node)
        at = step_down(&path, json, at, index);
    text[path.size] = '\0';
}

const char *am_json_type_name(enum am_json_type type) {
    static const char *const names[] = {
        [AM_JSON_NULL] = "null",        [AM_JSON_FALSE] = "false",     [AM_JSON_TRUE] = "true",
        [AM_JSON_NUMBER] = "a number",  [AM_JSON_STRING] = "a string", [AM_JSON_ARRAY] = "an array",
        [AM_JSON_OBJECT] = "an object",
    };
    return names[type];
}
