/* SPDX-License-Identifier: Apache-2.0 */
/* Tags of HTML, as the tokeniser of the WHATWG's standard (section 13.2.5) finds them, and what
 * each does to the words around it. */
#include "markup.h"

#include <strings.h>

enum element {
    ELEMENT_OTHER, /* separates */
    ELEMENT_JOINS, /* of the running text: what stands around it may be one word */
    ELEMENT_A,     /* join, too, but not where one follows the other */
    ELEMENT_SPAN,
    ELEMENT_SUP,      /* joins; its digits are superscripts */
    ELEMENT_SCRIPT,   /* joins, and what it holds is not shown */
    ELEMENT_HIDDEN,   /* the same: style, noscript */
    ELEMENT_TEMPLATE, /* the same, with tags inside */
    ELEMENT_IFRAME,   /* what it holds is not shown */
    ELEMENT_SVG,      /* the same, with tags inside */
    ELEMENT_TITLE,    /* text without tags */
    ELEMENT_TEXTAREA,
    ELEMENT_RAW,       /* text without tags and references */
    ELEMENT_PLAINTEXT, /* the same, to the end */
};

/* By the length of their names, so that a name is compared with few others, as a number with
 * numbers. Zeros follow a name of fewer than eight letters. */
enum { NAME_BYTES = 8 };

struct name {
    char name[NAME_BYTES];
    uint8_t element;
};

static const struct name names_of_1[] = {{"a", ELEMENT_A},     {"b", ELEMENT_JOINS},
                                         {"i", ELEMENT_JOINS}, {"q", ELEMENT_JOINS},
                                         {"s", ELEMENT_JOINS}, {"u", ELEMENT_JOINS}};
static const struct name names_of_2[] = {
    {"em", ELEMENT_JOINS}, {"rp", ELEMENT_JOINS}, {"rt", ELEMENT_JOINS}, {"tt", ELEMENT_JOINS}};
static const struct name names_of_3[] = {
    {"bdi", ELEMENT_JOINS}, {"bdo", ELEMENT_JOINS}, {"big", ELEMENT_JOINS}, {"del", ELEMENT_JOINS},
    {"dfn", ELEMENT_JOINS}, {"ins", ELEMENT_JOINS}, {"kbd", ELEMENT_JOINS}, {"sub", ELEMENT_JOINS},
    {"sup", ELEMENT_SUP},   {"svg", ELEMENT_SVG},   {"var", ELEMENT_JOINS}, {"wbr", ELEMENT_JOINS},
    {"xmp", ELEMENT_RAW}};
static const struct name names_of_4[] = {
    {"abbr", ELEMENT_JOINS}, {"cite", ELEMENT_JOINS}, {"code", ELEMENT_JOINS},
    {"data", ELEMENT_JOINS}, {"font", ELEMENT_JOINS}, {"mark", ELEMENT_JOINS},
    {"nobr", ELEMENT_JOINS}, {"ruby", ELEMENT_JOINS}, {"samp", ELEMENT_JOINS},
    {"span", ELEMENT_SPAN},  {"time", ELEMENT_JOINS}};
static const struct name names_of_5[] = {
    {"small", ELEMENT_JOINS}, {"style", ELEMENT_HIDDEN}, {"title", ELEMENT_TITLE}};
static const struct name names_of_6[] = {{"iframe", ELEMENT_IFRAME},
                                         {"script", ELEMENT_SCRIPT},
                                         {"strike", ELEMENT_JOINS},
                                         {"strong", ELEMENT_JOINS}};
static const struct name names_of_7[] = {{"noembed", ELEMENT_RAW}};
static const struct name names_of_8[] = {{"noframes", ELEMENT_RAW},
                                         {"noscript", ELEMENT_HIDDEN},
                                         {"template", ELEMENT_TEMPLATE},
                                         {"textarea", ELEMENT_TEXTAREA}};

static const struct {
    const struct name *names;
    size_t count;
} names_of_size[NAME_BYTES + 1] = {
    {NULL, 0},
    {names_of_1, AM_COUNT_OF(names_of_1)},
    {names_of_2, AM_COUNT_OF(names_of_2)},
    {names_of_3, AM_COUNT_OF(names_of_3)},
    {names_of_4, AM_COUNT_OF(names_of_4)},
    {names_of_5, AM_COUNT_OF(names_of_5)},
    {names_of_6, AM_COUNT_OF(names_of_6)},
    {names_of_7, AM_COUNT_OF(names_of_7)},
    {names_of_8, AM_COUNT_OF(names_of_8)},
};

struct tag {
    struct am_view name;
    enum element element;
    bool ends, closes_itself;
    size_t begin; /* of its < */
};

/* ---- bytes ------------------------------------------------------------------------------------
 */

static bool is_letter(char byte) {
    return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
}

static bool is_space(char byte) {
    const uint64_t spaces = 1ull << ' ' | 1ull << '\t' | 1ull << '\n' | 1ull << '\f' | 1ull << '\r';
    return (unsigned char)byte < 64 && (spaces >> byte & 1);
}

/* What ends the name of a tag, an attribute's too but for '='. */
static bool ends_name(char byte) {
    return is_space(byte) || byte == '/' || byte == '>';
}

/* After the byte, or the end. */
static size_t after_byte(struct am_view source, size_t at, char byte) {
    const char *found = at < source.size ? memchr(source.data + at, byte, source.size - at) : NULL;
    return found ? (size_t)(found - source.data) + 1 : source.size;
}

static bool starts_with(struct am_view source, size_t at, struct am_view text) {
    return source.size - at >= text.size &&
           strncasecmp(source.data + at, text.data, text.size) == 0;
}

/* ---- tags -------------------------------------------------------------------------------------
 */

/* Letters in lower case; of other bytes none becomes a letter. */
static uint64_t name_key(const char *name, size_t size) {
    uint64_t key = 0;
    for (size_t i = 0; i < size; i++)
        key |= (uint64_t)(unsigned char)(name[i] | 0x20) << 8 * i;
    return key;
}

static enum element element_of(struct am_view name) {
    static const struct am_view plaintext = {"plaintext", NAME_BYTES + 1};
    uint8_t element = ELEMENT_OTHER;
    if (name.size > NAME_BYTES)
        return name.size == plaintext.size && starts_with(name, 0, plaintext) ? ELEMENT_PLAINTEXT
                                                                              : ELEMENT_OTHER;
    uint64_t key = name_key(name.data, name.size);
    const struct name *names = names_of_size[name.size].names;
    for (size_t i = 0; i < names_of_size[name.size].count; i++)
        element = am_bytes_load_u64(names[i].name) == key ? names[i].element : element;
    return (enum element)element;
}

static size_t skip_space(struct am_view source, size_t at) {
    while (at < source.size && is_space(source.data[at]))
        at++;
    return at;
}

/* After the value that follows a '='; at a '>' there is none. */
static size_t skip_value(struct am_view source, size_t at) {
    at = skip_space(source, at);
    if (at == source.size || source.data[at] == '>')
        return at;
    if (source.data[at] == '"' || source.data[at] == '\'')
        return after_byte(source, at + 1, source.data[at]);
    while (at < source.size && !is_space(source.data[at]) && source.data[at] != '>')
        at++;
    return at;
}

/* After the attribute whose name begins here, if only with '='. */
static size_t skip_attribute(struct am_view source, size_t at) {
    at++;
    while (at < source.size && !ends_name(source.data[at]) && source.data[at] != '=')
        at++;
    at = skip_space(source, at);
    return at < source.size && source.data[at] == '=' ? skip_value(source, at + 1) : at;
}

/* Reads a tag whose name begins at `at`; moves past its '>'. False where the source ends inside: no
 * tag then, and nothing after it. */
static bool read_tag(struct am_view source, size_t *at, struct tag *tag) {
    size_t next = *at;
    while (next < source.size && !ends_name(source.data[next]))
        next++;
    tag->name = (struct am_view){source.data + *at, next - *at};
    tag->element = element_of(tag->name);
    while (next < source.size) {
        char byte = source.data[next];
        if (byte == '>') {
            *at = next + 1;
            return true;
        }
        tag->closes_itself = byte == '/';
        next = byte == '/' || is_space(byte) ? next + 1 : skip_attribute(source, next);
    }
    *at = source.size;
    return false;
}

/* ---- what is no tag ---------------------------------------------------------------------------
 */

/* After the comment whose text begins here. */
static size_t skip_comment(struct am_view source, size_t at) {
    if (starts_with(source, at, AM_VIEW(">")))
        return at + 1;
    if (starts_with(source, at, AM_VIEW("->")))
        return at + 2;
    while (at < source.size) {
        const char *dashes = memmem(source.data + at, source.size - at, "--", 2);
        if (!dashes)
            return source.size;
        at = (size_t)(dashes - source.data) + 2;
        if (starts_with(source, at, AM_VIEW(">")))
            return at + 1;
        if (starts_with(source, at, AM_VIEW("!>")))
            return at + 2;
        at--;
    }
    return source.size;
}

static size_t skip_cdata(struct am_view source, size_t at) {
    const char *end = memmem(source.data + at, source.size - at, "]]>", 3);
    return end ? (size_t)(end - source.data) + 3 : source.size;
}

/* After "<!...", "<?...", "</ ...". */
static size_t skip_declaration(const struct am_text_markup_walk *walk) {
    static const struct am_view cdata = {"![CDATA[", 8};
    size_t at = walk->at + 1;
    if (starts_with(walk->source, at, AM_VIEW("!--")))
        return skip_comment(walk->source, at + 3);
    if (walk->html.svgs && walk->source.size - at >= cdata.size &&
        memcmp(walk->source.data + at, cdata.data, cdata.size) == 0)
        return skip_cdata(walk->source, at + cdata.size);
    return after_byte(walk->source, at, '>');
}

/* ---- elements that hold no tags ---------------------------------------------------------------
 */

/* Whether "name" and what ends a name stand here. */
static bool is_name(struct am_view source, size_t at, struct am_view name) {
    return starts_with(source, at, name) && source.size - at > name.size &&
           ends_name(source.data[at + name.size]);
}

static bool is_end_tag(struct am_view source, size_t at, struct am_view name) {
    return source.size - at > 2 && source.data[at] == '<' && source.data[at + 1] == '/' &&
           is_name(source, at + 2, name);
}

/* Where the end tag of an element stands, or the end. */
static size_t find_end_tag(struct am_view source, size_t at, struct am_view name) {
    while ((at = after_byte(source, at, '<')) < source.size)
        if (is_end_tag(source, at - 1, name))
            return at - 1;
    return source.size;
}

/* The same for a script, where "<!--" hides a "<script>" and its end tag (states "script data
 * escaped" and "script data double escaped"). */
static size_t find_script_end(struct am_view source, size_t at) {
    static const struct am_view name = {"script", 6};
    bool escaped = false, twice = false;
    for (; at < source.size; at++) {
        if (!escaped)
            at = after_byte(source, at, '<') - 1;
        if (escaped && starts_with(source, at, AM_VIEW("-->"))) {
            escaped = twice = false;
        } else if (is_end_tag(source, at, name)) {
            if (!twice)
                return at;
            twice = false;
        } else if (!escaped && starts_with(source, at, AM_VIEW("<!--"))) {
            escaped = true;
            at++; /* its dashes may be those of "-->" */
        } else if (escaped && source.data[at] == '<') {
            twice |= is_name(source, at + 1, name);
        }
    }
    return source.size;
}

static size_t find_end(const struct am_text_markup_walk *walk, const struct tag *tag) {
    switch (tag->element) {
    case ELEMENT_PLAINTEXT:
        return walk->source.size;
    case ELEMENT_SCRIPT:
        return find_script_end(walk->source, walk->at);
    default:
        return find_end_tag(walk->source, walk->at, tag->name);
    }
}

/* ---- effects ----------------------------------------------------------------------------------
 */

/* What stands up to `end` is text without tags. */
static void hold_text(struct am_text_markup_walk *walk, size_t end, bool references) {
    walk->tag_at = end;
    if (!references)
        walk->ampersand_at = end;
}

/* The start tag of an element that holds text only. */
static void hold(struct am_text_markup_walk *walk, const struct tag *tag) {
    size_t end = find_end(walk, tag);
    switch (tag->element) {
    case ELEMENT_TITLE:
        if (!walk->html.title.data && !am_text_html_hides(&walk->html))
            walk->html.title = (struct am_view){walk->source.data + walk->at, end - walk->at};
        walk->at = walk->tag_at = end;
        break;
    case ELEMENT_TEXTAREA:
        hold_text(walk, end, true);
        break;
    case ELEMENT_RAW:
    case ELEMENT_PLAINTEXT:
        hold_text(walk, end, false);
        break;
    default:
        walk->at = walk->tag_at = end;
    }
}

static void count(uint32_t *open, bool ends) {
    if (!ends)
        ++*open;
    else if (*open)
        --*open;
}

/* </a><a, as menus have it. */
static bool follows_its_like(const struct am_text_markup_walk *walk, const struct tag *tag) {
    return !tag->ends && walk->html.closed == tag->element && walk->html.closed_at == tag->begin;
}

/* Sets walk->tag_at where what follows may hold tags, or else what hold() sets. Returns whether the
 * tag separates. */
static bool take_tag(struct am_text_markup_walk *walk, const struct tag *tag) {
    struct am_text_html_state *state = &walk->html;
    if (state->svgs && tag->element != ELEMENT_SVG)
        return true;
    switch (tag->element) {
    case ELEMENT_JOINS:
        return false;
    case ELEMENT_A:
    case ELEMENT_SPAN:
        return follows_its_like(walk, tag);
    case ELEMENT_SUP:
        count(&state->superscripts, tag->ends);
        return false;
    case ELEMENT_TEMPLATE:
        count(&state->templates, tag->ends);
        return false;
    case ELEMENT_SVG:
        if (!tag->closes_itself)
            count(&state->svgs, tag->ends);
        return true;
    case ELEMENT_OTHER:
        return true;
    default:
        if (!tag->ends)
            hold(walk, tag);
        return tag->element != ELEMENT_SCRIPT && tag->element != ELEMENT_HIDDEN;
    }
}

/* True when it separates. */
static bool take_markup(struct am_text_markup_walk *walk) {
    struct am_view source = walk->source;
    struct tag tag = {.begin = walk->at};
    size_t at = walk->at + 1;
    tag.ends = at < source.size && source.data[at] == '/';
    at += tag.ends;
    if (at < source.size && is_letter(source.data[at])) {
        if (!read_tag(source, &at, &tag)) {
            walk->at = at;
            return true;
        }
        walk->at = at;
        bool separates = take_tag(walk, &tag);
        walk->html.closed = tag.ends ? (uint8_t)tag.element : ELEMENT_OTHER;
        walk->html.closed_at = at;
        return separates;
    }
    if (at < source.size && (tag.ends || source.data[at] == '!' || source.data[at] == '?')) {
        walk->at = skip_declaration(walk);
        return false;
    }
    walk->at++; /* text, and no letter */
    return true;
}

bool am_text_html_tag(struct am_text_markup_walk *walk) {
    size_t held = walk->tag_at;
    bool separates = take_markup(walk);
    if (walk->tag_at == held) {
        const char *next = walk->at < walk->source.size ? memchr(walk->source.data + walk->at, '<',
                                                                 walk->source.size - walk->at)
                                                        : NULL;
        walk->tag_at = next ? (size_t)(next - walk->source.data) : walk->source.size;
    }
    walk->html.run_at = walk->at;
    if (separates)
        walk->html.superscripts = 0;
    return separates;
}
