/* SPDX-License-Identifier: Apache-2.0 */
/* A strict JSON reader (RFC 8259) that allocates nothing: text in, a flat array of nodes out.
 *
 * Why not a library: money must be read exactly, so numbers are needed as written; creatives are
 * handed back byte for byte, so raw slices are needed; errors name a place inside the document; and
 * requests are parsed on the hot path, where nothing may allocate (docs/DESIGN.md). The tests hold
 * it against jansson.
 *
 * Nodes are in document order, parents before children. An object's children are key, value, key,
 * value...; index `next` skips a node and its subtree. Strings are checked (escapes, UTF-8,
 * surrogates) while parsing, so that decoding cannot fail. Thread rule: no shared state. */
#ifndef AM_BASE_JSON_H
#define AM_BASE_JSON_H

#include "bytes.h"
#include "error.h"

enum am_json_type {
    AM_JSON_NULL,
    AM_JSON_FALSE,
    AM_JSON_TRUE,
    AM_JSON_NUMBER,
    AM_JSON_STRING,
    AM_JSON_ARRAY,
    AM_JSON_OBJECT,
};

enum { AM_JSON_MAX_DEPTH = 64 };

struct am_json_node {
    uint32_t begin;    /* offset of the value's first byte in the text; a string's opening quote */
    uint32_t size;     /* bytes of the value as written, quotes and brackets included */
    uint32_t next;     /* index of the node after this one and everything below it */
    uint32_t children; /* array: elements; object: members (each two nodes); else 0 */
    uint8_t type;      /* enum am_json_type */
    uint8_t escaped;   /* a string that has a backslash */
};

struct am_json {
    struct am_view text;
    struct am_json_node *nodes; /* caller's memory */
    uint32_t count;
    bool ill_formed; /* am_json_parse_lenient passed over what the strict reader refuses */
};

/* Parses one JSON value and nothing but white space around it. `text` must be smaller than 4 GiB.
 * AM_E_SYNTAX: "expected X, found Y at byte N" (N counts from 0); also duplicate keys are NOT an
 * error here, see am_json_duplicate_key. AM_E_LIMIT: deeper than AM_JSON_MAX_DEPTH, or more than
 * `capacity` nodes (*json is then undefined; a caller with growable memory doubles it and tries
 * again). On success json->text, nodes, count are set; node 0 is the root. */
enum am_code am_json_parse(struct am_view text,
                           struct am_json_node *nodes,
                           uint32_t capacity,
                           struct am_json *json,
                           struct am_error *error);

/* The same, for an array that nothing else uses: nodes after the document's are poisoned
 * (poison.h). */
enum am_code am_json_parse_guarded(struct am_view text,
                                   struct am_json_node *nodes,
                                   uint32_t capacity,
                                   struct am_json *json,
                                   struct am_error *error);

/* The same for senders that get characters wrong: strings may have half surrogates, which decode to
 * U+FFFD, ill-formed UTF-8 and control characters, which stay as they are; a byte order mark before
 * the value counts as white space. */
enum am_code am_json_parse_lenient(struct am_view text,
                                   struct am_json_node *nodes,
                                   uint32_t capacity,
                                   struct am_json *json,
                                   struct am_error *error);

/* Value of the object member with that name, or NULL. Keys are compared decoded. The last of
 * duplicates wins. */
const struct am_json_node *
am_json_member(const struct am_json *json, const struct am_json_node *object, const char *name);

/* The key node of the first member whose name was used before in the same object, anywhere in the
 * document; NULL if none. O(members^2) per object for up to 32 members, by hash above. */
const struct am_json_node *am_json_duplicate_key(const struct am_json *json);

/* The same among the members of one object only, not below them; NULL for a node that is no object.
 */
const struct am_json_node *am_json_duplicate_key_in(const struct am_json *json,
                                                    const struct am_json_node *object);

/* First child / the sibling after `node`. Call only while children remain (count them with
 * `children`). */
static inline const struct am_json_node *am_json_first(const struct am_json_node *node) {
    return node + 1;
}
static inline const struct am_json_node *am_json_after(const struct am_json *json,
                                                       const struct am_json_node *node) {
    return json->nodes + node->next;
}

/* The bytes as written, quotes and brackets included. */
static inline struct am_view am_json_raw(const struct am_json *json,
                                         const struct am_json_node *node) {
    return (struct am_view){json->text.data + node->begin, node->size};
}

/* A string without its quotes. When nothing is escaped, a view of the text; else decoded to
 * `memory`, which must hold node->size bytes (decoding never grows). *used (may be NULL) gets the
 * bytes of memory taken: 0 for a plain view. */
struct am_view am_json_string(const struct am_json *json,
                              const struct am_json_node *node,
                              char *memory,
                              size_t *used);

/* True for a string node whose decoded bytes equal `text`. */
bool am_json_string_is(const struct am_json *json,
                       const struct am_json_node *node,
                       const char *text);

/* Writes the path of `node` ("$.slots[0].count"; keys that are no identifiers as ["a b"])
 * NUL-terminated into `text`, cut to `size`. For error messages. */
void am_json_path(const struct am_json *json,
                  const struct am_json_node *node,
                  char *text,
                  size_t size);

/* "an object", "a string", ...: for "expected a string, found an object". */
const char *am_json_type_name(enum am_json_type type);

#endif
