/* Broad keywords: a set trie, each keyword's words in order of rarity, rarest first (Rivest 1976
 * for the trie of sorted sets; rarest first after inverted-index practice). A keyword is found from
 * its rarest word; the others are sought in the window around it. */
#include "matcher.h"

enum { MAX_NEAR = 2 * AM_BROAD_WINDOW_MAX };

/* Where the words found so far stand, relative to the window's start: [low, high]. */
struct extent {
    uint8_t low, high;
};

struct near_word {
    uint32_t id;
    uint32_t place;
};

/* The words around one rarest word. */
struct neighbourhood {
    struct am_matcher *matcher;
    struct near_word near[MAX_NEAR]; /* ascending by id, then place */
    uint32_t count;
    uint32_t window;
};

/* Sound because a place is below 2 x 64. */
_Static_assert(MAX_NEAR <= UINT8_MAX, "places fit in a byte");

static void emit_once(struct am_matcher *matcher, uint32_t terminal) {
    if (am_idmap_add(&matcher->terminals_hit, terminal, 0))
        am_search_emit(matcher, terminal, AM_NONE);
}

/* Adds an extent unless a narrower one is there; drops those that it is narrower than. What remains
 * is at most a window's worth, which bounds the walk however often a page repeats its words. */
static uint32_t add_extent(struct extent *extents, uint32_t count, struct extent added) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (extents[i].low >= added.low && extents[i].high <= added.high)
            return count;
        if (!(added.low >= extents[i].low && added.high <= extents[i].high))
            extents[kept++] = extents[i];
    }
    extents[kept] = added;
    return kept + 1;
}

/* The extents after a word that stands at the places near[from..to). */
static uint32_t widen(const struct neighbourhood *around,
                      const struct extent *extents,
                      uint32_t count,
                      uint32_t from,
                      uint32_t to,
                      struct extent *wider) {
    uint32_t wider_count = 0;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t n = from; n < to; n++) {
            uint8_t place = (uint8_t)around->near[n].place;
            struct extent extent = {place < extents[i].low ? place : extents[i].low,
                                    place > extents[i].high ? place : extents[i].high};
            if ((uint32_t)(extent.high - extent.low) < around->window)
                wider_count = add_extent(wider, wider_count, extent);
        }
    return wider_count;
}

/* Follows every edge from `node` by words near[from...]. Depth is bounded by the words of a
 * keyword. */
static void follow(const struct neighbourhood *around,
                   uint32_t node,
                   uint32_t from,
                   const struct extent *extents,
                   uint32_t count,
                   uint32_t depth) {
    const struct am_image *image = around->matcher->image;
    struct extent wider[MAX_NEAR];
    for (uint32_t to; from < around->count; from = to) {
        uint32_t id = around->near[from].id;
        for (to = from + 1; to < around->count && around->near[to].id == id;)
            to++;
        uint64_t key = am_edge_key(node, id);
        uint64_t hash = am_edge_hash(key);
        if (!am_image_filter_has(image, hash))
            continue;
        uint32_t child = am_search_edge(image, key, hash);
        uint32_t wider_count =
            child == AM_NONE ? 0 : widen(around, extents, count, from, to, wider);
        if (wider_count == 0)
            continue;
        if (child < image->settings->terminal_end)
            emit_once(around->matcher, child);
        if (child >= image->settings->leaf_end && depth < AM_KEYWORD_MAX_WORDS)
            follow(around, child, to, wider, wider_count, depth + 1);
    }
}

static void insert_sorted(struct neighbourhood *around, struct near_word word) {
    uint32_t at = around->count++;
    for (; at > 0 && around->near[at - 1].id > word.id; at--)
        around->near[at] = around->near[at - 1];
    around->near[at] = word;
}

/* Collects the less rare words around `root`; returns whether any of them may be the second of a
 * keyword. */
static bool
look_around(struct neighbourhood *around, uint32_t root, uint32_t first, uint32_t last) {
    const struct am_image *image = around->matcher->image;
    const struct am_request_words *words = &around->matcher->words;
    uint32_t root_id = words->broad_ids[root];
    uint32_t node = AM_NODE_OF_BROAD(image->settings, root_id);
    bool promising = false;
    around->count = 0;
    for (uint32_t i = first; i <= last; i++) {
        uint32_t id = words->broad_ids[i];
        if (!(words->broad_flags[i] & AM_WORD_CONTINUES_BROAD) || id <= root_id)
            continue;
        insert_sorted(around, (struct near_word){id, i - first});
        promising |= am_image_filter_has(image, am_edge_hash(am_edge_key(node, id)));
    }
    return promising;
}

static void
search_from(struct neighbourhood *around, uint32_t root, uint32_t field_first, uint32_t field_end) {
    uint32_t reach = around->window - 1;
    uint32_t first = root - field_first < reach ? field_first : root - reach;
    uint32_t last = field_end - 1 - root < reach ? field_end - 1 : root + reach;
    if (!look_around(around, root, first, last))
        return;
    const struct am_matcher *matcher = around->matcher;
    uint8_t place = (uint8_t)(root - first);
    struct extent extent = {place, place};
    follow(around, AM_NODE_OF_BROAD(matcher->image->settings, matcher->words.broad_ids[root]), 0,
           &extent, 1, 2);
}

void am_search_broad(struct am_matcher *matcher) {
    const struct am_image *image = matcher->image;
    const struct am_request_words *words = &matcher->words;
    if (image->settings->broad_keywords == 0)
        return;
    struct neighbourhood around = {.matcher = matcher, .window = image->settings->broad_window};
    uint32_t first = 0;
    for (uint32_t i = 0; i < words->count; i++)
        if (words->broad_flags[i] & AM_WORD_IS_BROAD)
            emit_once(matcher, image->words[words->broad_ids[i]].broad_terminal);
    for (uint32_t field = 0; first < words->count; field++) {
        uint32_t end = words->field_first[field + 1] - 1;
        for (uint32_t i = first; i < end; i++)
            if (words->broad_flags[i] & AM_WORD_BEGINS_BROAD)
                search_from(&around, i, first, end);
        first = end + 1;
    }
}
