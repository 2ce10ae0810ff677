/* SPDX-License-Identifier: Apache-2.0 */
/* Deep verification of the trie.
 *
 * First each edge is examined by itself, in the order of the hash table, and recorded at the node
 * that it leads to. Then each node is settled: the path up from it, by these records, must reach a
 * word within the length of a keyword, and the matcher must be able to descend that path. A node is
 * settled once, and a climb ends at the first settled node. */
#include "probes.h"
#include "verify.h"

/* ---- edges ------------------------------------------------------------------------------------
 */

static bool is_node(const struct am_image *image, uint32_t number) {
    return number >= image->settings->terminal_end || am_image_verify_is_terminal(image, number);
}

static bool passes(const struct am_image *image, uint64_t key, enum am_image_tier tier) {
    const struct am_image_filters *filters = &image->filters[tier];
    bool first = key >> 32 >= image->settings->node_end;
    return am_image_filter_has(first ? &filters->first : &filters->later, am_image_edge_hash(key));
}

/* Whether that key is only at the given place among the buckets that a search probes: the matcher
 * compares all lanes of a bucket at once. Every search ends. */
static bool is_found_at(struct am_image_verifier *verifier,
                        uint64_t key,
                        const struct am_image_edge_bucket *place,
                        int place_lane) {
    const struct am_image *image = verifier->image;
    uint32_t hash = am_image_edge_hash(key);
    uint64_t at = am_image_bucket32(hash, image->edge_buckets);
    for (;;) {
        const struct am_image_edge_bucket *bucket = &image->edges[at];
        unsigned lanes = 0;
        verifier->probes++;
        for (int lane = 0; lane < AM_IMAGE_EDGE_LANES; lane++)
            lanes |= (unsigned)(bucket->key[lane] == key) << lane;
        if (lanes)
            return bucket == place && lanes == 1U << place_lane;
        if (!(bucket->displaced & am_image_overflow_edge(hash)))
            return false;
        at = at + 1 < image->edge_buckets ? at + 1 : 0;
    }
}

static const char *edge_problem(struct am_image_verifier *verifier,
                                const struct am_image_edge_bucket *bucket,
                                int lane) {
    const struct am_image *image = verifier->image;
    const struct am_image_settings *settings = image->settings;
    uint64_t key = bucket->key[lane];
    uint32_t parent = (uint32_t)(key >> 32), word = (uint32_t)key, child = bucket->child[lane];
    if (parent < settings->leaf_end || parent > AM_NODE_OF_EXACT(settings))
        return "it leaves a node that has no children";
    if (word >= settings->word_count)
        return "no such word";
    if (child < settings->first_node || child >= settings->node_end || !is_node(image, child))
        return "it leads to no node";
    if (verifier->nodes[child].state != AM_VERIFY_UNREACHED)
        return "another edge leads to its node, too";
    if (!is_found_at(verifier, key, bucket, lane))
        return "no search finds it, or another one with it";
    if (!am_image_probes_are_few(verifier->probes, image->edge_buckets * AM_IMAGE_EDGE_LANES))
        return "too many searches in it are long";
    if (!passes(image, key, AM_TIER_ALL))
        return "the filter does not let it pass";
    verifier->nodes[child] = (struct am_image_verify_node){
        .above = parent, .word = word & (AM_MAX_WORDS - 1), .state = AM_VERIFY_REACHED};
    return NULL;
}

static bool verify_edges(struct am_image_verifier *verifier) {
    enum { AHEAD = 4 }; /* the nodes of one bucket's edges are scattered in memory */
    const struct am_image *image = verifier->image;
    verifier->probes = 0;
    if (!am_image_edge_probes_end(image->edges, image->edge_buckets))
        return am_image_verify_fail(verifier, "edges", 0, "a search in it is too long");
    for (uint64_t i = 0; i < image->edge_buckets; i++)
        for (int lane = 0; lane < AM_IMAGE_EDGE_LANES; lane++) {
            uint64_t ahead = i + AHEAD < image->edge_buckets ? i + AHEAD : i;
            if (image->edges[ahead].child[lane] < image->settings->node_end)
                __builtin_prefetch(&verifier->nodes[image->edges[ahead].child[lane]], 1);
            if (image->edges[i].key[lane] == AM_EDGE_EMPTY)
                continue;
            const char *problem = edge_problem(verifier, &image->edges[i], lane);
            if (problem)
                return am_image_verify_fail(verifier, "edges", i, problem);
        }
    return true;
}

/* ---- nodes ------------------------------------------------------------------------------------
 */

/* Where a path down has come to, or begins. */
struct place {
    enum am_model_match_type match;
    uint32_t words;
    uint32_t word; /* the last one; AM_NONE at the beginning of exact keywords */
};

static struct place place_of_root(const struct am_image_settings *settings, uint32_t root) {
    if (root == AM_NODE_OF_EXACT(settings))
        return (struct place){AM_MATCH_EXACT, 0, AM_NONE};
    if (root >= AM_NODE_OF_BROAD(settings, 0))
        return (struct place){AM_MATCH_BROAD, 1, root - AM_NODE_OF_BROAD(settings, 0)};
    return (struct place){AM_MATCH_PHRASE, 1, root - AM_NODE_OF_PHRASE(settings, 0)};
}

static struct place place_of(const struct am_image_verifier *verifier, uint32_t node) {
    if (node >= verifier->image->settings->node_end)
        return place_of_root(verifier->image->settings, node);
    const struct am_image_verify_node *settled = &verifier->nodes[node];
    return (struct place){(enum am_model_match_type)(settled->above >> 8), settled->above & 0xFF,
                          settled->word};
}

/* Whether the flags of its words let a search take the step from `from` by `word`. */
static bool
flags_allow(const struct am_image_verifier *verifier, const struct place *from, uint32_t word) {
    static const uint8_t first[] = {
        [AM_MATCH_PHRASE] = AM_WORD_BEGINS_PHRASE, [AM_MATCH_BROAD] = AM_WORD_BEGINS_BROAD};
    static const uint8_t later[] = {[AM_MATCH_EXACT] = AM_WORD_IN_EXACT,
                                    [AM_MATCH_PHRASE] = AM_WORD_CONTINUES_PHRASE,
                                    [AM_MATCH_BROAD] = AM_WORD_CONTINUES_BROAD};
    const uint8_t *flags = verifier->word_flags;
    bool begins =
        from->words != 1 || from->match == AM_MATCH_EXACT || flags[from->word] & first[from->match];
    return begins && flags[word] & later[from->match];
}

/* Settles a node whose node above is settled, or a root. `tier`: of which it leads to keywords. */
static const char *
settle(struct am_image_verifier *verifier, uint32_t number, enum am_image_tier tier) {
    struct am_image_verify_node *node = &verifier->nodes[number];
    struct place from = place_of(verifier, node->above);
    if (from.words >= AM_KEYWORD_MAX_WORDS)
        return "a node too deep";
    if (!flags_allow(verifier, &from, node->word))
        return "the flags of its words do not let a search pass";
    if (from.match == AM_MATCH_BROAD && node->word <= from.word)
        return "the words of a broad keyword do not ascend";
    if (tier == AM_TIER_TOP &&
        !passes(verifier->image, am_image_edge_key(node->above, node->word), AM_TIER_TOP))
        return "the top tier's filter does not let it pass";
    node->above = am_image_verify_place(from.match, from.words + 1);
    node->state = AM_VERIFY_SETTLED;
    return NULL;
}

/* Nodes are climbed from many at a time, a step of each in turn, so that their reads overlap: one
 * alone waits for memory at each step. */
enum { CLIMBS = 16 };

struct climb {
    uint32_t path[AM_KEYWORD_MAX_WORDS]; /* numbers of nodes, upwards */
    uint32_t length;
    bool done;
};

struct climbs {
    struct climb climbs[CLIMBS];
    uint32_t count;
    enum am_image_tier tier;
};

/* Takes a step up, unless the node above is settled, or a root. */
static const char *step_up(const struct am_image_verifier *verifier, struct climb *climb) {
    const struct am_image_verify_node *nodes = verifier->nodes;
    uint32_t above = nodes[climb->path[climb->length - 1]].above;
    climb->done =
        above >= verifier->image->settings->node_end || nodes[above].state == AM_VERIFY_SETTLED;
    if (climb->done)
        return NULL;
    if (nodes[above].state == AM_VERIFY_UNREACHED)
        return "it hangs on a node that no edge leads to";
    if (climb->length == AM_KEYWORD_MAX_WORDS)
        return "a node too deep, or in a circle";
    climb->path[climb->length++] = above;
    if (nodes[above].above < verifier->image->settings->node_end)
        __builtin_prefetch(&nodes[nodes[above].above]);
    return NULL;
}

static bool climb_all(struct am_image_verifier *verifier, struct climbs *climbs) {
    for (bool done = false; !done;) {
        done = true;
        for (uint32_t i = 0; i < climbs->count; i++) {
            struct climb *climb = &climbs->climbs[i];
            const char *problem = climb->done ? NULL : step_up(verifier, climb);
            if (problem)
                return am_image_verify_fail(verifier, "edges (by node)", climb->path[0], problem);
            done &= climb->done;
        }
    }
    return true;
}

/* Settles all nodes that were climbed, downwards. Paths may have parts in common. */
static bool settle_climbed(struct am_image_verifier *verifier, struct climbs *climbs) {
    if (!climb_all(verifier, climbs))
        return false;
    for (uint32_t i = 0; i < climbs->count; i++)
        for (uint32_t at = climbs->climbs[i].length; at > 0; at--) {
            uint32_t node = climbs->climbs[i].path[at - 1];
            if (verifier->nodes[node].state == AM_VERIFY_SETTLED)
                continue;
            const char *problem = settle(verifier, node, climbs->tier);
            if (problem)
                return am_image_verify_fail(verifier, "edges (by node)", node, problem);
        }
    climbs->count = 0;
    return true;
}

static bool
begin_climb(struct am_image_verifier *verifier, struct climbs *climbs, uint32_t number) {
    const struct am_image_verify_node *node = &verifier->nodes[number];
    if (node->state == AM_VERIFY_SETTLED)
        return true;
    if (node->state == AM_VERIFY_UNREACHED)
        return am_image_verify_fail(verifier, "edges (by node)", number,
                                    "a node that no edge leads to");
    struct climb *climb = &climbs->climbs[climbs->count++];
    climb->path[0] = number;
    climb->length = 1;
    climb->done = false;
    if (node->above < verifier->image->settings->node_end)
        __builtin_prefetch(&verifier->nodes[node->above]);
    return climbs->count < CLIMBS || settle_climbed(verifier, climbs);
}

static bool is_of_tier(const struct am_image *image, uint32_t number, enum am_image_tier tier) {
    return tier == AM_TIER_ALL || image->postings[number].rank <= image->settings->top_rank;
}

/* Settles the terminals of a tier; of all keywords, the nodes that only lead on, too. */
static bool settle_tier(struct am_image_verifier *verifier, enum am_image_tier tier) {
    const struct am_image *image = verifier->image;
    const struct am_image_settings *settings = image->settings;
    uint32_t end = tier == AM_TIER_ALL ? settings->node_end : settings->terminal_end;
    struct climbs climbs;
    climbs.count = 0;
    climbs.tier = tier;
    for (uint32_t i = settings->first_node; i < end; i++)
        if (is_node(image, i) && is_of_tier(image, i, tier) && !begin_climb(verifier, &climbs, i))
            return false;
    return settle_climbed(verifier, &climbs);
}

/* The top tier first: all that is settled then leads to one of its keywords. */
bool am_image_verify_trie(struct am_image_verifier *verifier) {
    if (!verify_edges(verifier))
        return false;
    return (verifier->image->settings->top_rank == 0 || settle_tier(verifier, AM_TIER_TOP)) &&
           settle_tier(verifier, AM_TIER_ALL);
}
