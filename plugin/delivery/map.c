/* SPDX-License-Identifier: Apache-2.0 */
/* Maps: made by the publisher, read by every decision, refreshed by the holder. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "chains.h"
#include "store.h"

#define MAGIC "AMADMAP\x1A"

enum { VERSION = 1, SPARE_CHAINS = 1024 /* for overrides */ };

/* ---- memory -----------------------------------------------------------------------------------
 */

static uint64_t round_up(uint64_t value) {
    return (value + 63) / 64 * 64;
}

static uint64_t ads_at(void) {
    return sizeof(struct am_delivery_map_header);
}

static uint64_t stopped_at(uint32_t ads) {
    return ads_at() + round_up((uint64_t)ads * sizeof(uint32_t));
}

static uint64_t chains_at(uint32_t ads) {
    return stopped_at(ads) + round_up(((uint64_t)ads + 63) / 64 * sizeof(uint64_t));
}

static uint64_t size_of(uint32_t ads, uint32_t chains) {
    return chains_at(ads) + (uint64_t)chains * sizeof(struct am_delivery_chain);
}

static void attach(struct am_delivery_map *map, void *memory, uint32_t ads) {
    unsigned char *base = memory;
    map->header = memory;
    map->ads = (void *)(base + ads_at());
    map->stopped = (void *)(base + stopped_at(ads));
    map->chains = (void *)(base + chains_at(ads));
    map->ad_count = ads;
}

static void map_path(const struct am_ledger *ledger, uint64_t generation, char path[]) {
    snprintf(path, PATH_MAX + 32, "%s/map-%016llx", ledger->home, (unsigned long long)generation);
}

/* ---- making -----------------------------------------------------------------------------------
 */

static enum am_code map_new(struct am_delivery_map *map,
                            struct am_ledger *ledger,
                            uint64_t generation,
                            uint32_t ads,
                            struct am_error *error) {
    uint32_t chains = ads > UINT32_MAX - SPARE_CHAINS ? UINT32_MAX : ads + SPARE_CHAINS;
    uint64_t size = size_of(ads, chains);
    char path[PATH_MAX + 48];
    map_path(ledger, generation, path);
    snprintf(path + strlen(path), 16, ".new");
    void *memory = NULL;
    enum am_code code =
        am_ledger_store_make(ledger, path, size, chains_at(ads), &map->fd, &memory, error);
    if (code != AM_OK)
        return code;
    attach(map, memory, ads);
    map->size = size;
    memcpy(map->header->magic, MAGIC, sizeof map->header->magic);
    map->header->version = VERSION;
    map->header->ads = ads;
    map->header->generation = generation;
    map->header->size = size;
    map->header->chains = chains;
    map->grown = chains_at(ads);
    return AM_OK;
}

/* Memory for one more chain. */
static enum am_code grow(struct am_delivery_map *map, struct am_error *error) {
    uint64_t end = size_of(map->ad_count, map->header->used + 1);
    if (end <= map->grown)
        return AM_OK;
    uint64_t grown = end + AM_LEDGER_LIVE_GROWTH < map->header->size ? end + AM_LEDGER_LIVE_GROWTH
                                                                     : map->header->size;
    int status =
        map->fd < 0 ? 0 : posix_fallocate(map->fd, (off_t)map->grown, (off_t)(grown - map->grown));
    errno = status;
    if (status)
        return am_error_set_errno(error, AM_E_LIMIT,
                                  "no shared memory for the map of ads to their budgets (%s)",
                                  map->ledger->home);
    map->grown = grown;
    return AM_OK;
}

static const struct am_delivery_chain no_chain = {
    .cells = {AM_LEDGER_NO_CELL, AM_LEDGER_NO_CELL, AM_LEDGER_NO_CELL},
    .limits = {AM_LEDGER_NO_INDEX, AM_LEDGER_NO_INDEX, AM_LEDGER_NO_INDEX, AM_LEDGER_NO_INDEX,
               AM_LEDGER_NO_INDEX},
};

enum am_code am_delivery_map_begin(struct am_ledger *ledger,
                                   uint64_t generation,
                                   uint32_t ads,
                                   struct am_delivery_map **made,
                                   struct am_error *error) {
    struct am_delivery_map *map = calloc(1, sizeof *map);
    uint32_t slots = 64;
    while (slots < ads * UINT64_C(2) && slots < UINT32_C(1) << 31)
        slots *= 2;
    if (map)
        map->index = malloc((size_t)slots * sizeof *map->index);
    if (!map || !map->index) {
        free(map);
        return am_error_set(error, AM_E_MEMORY, "out of memory: the map of ads to their budgets");
    }
    memset(map->index, 0xFF, (size_t)slots * sizeof *map->index);
    *map = (struct am_delivery_map){
        .ledger = ledger, .fd = -1, .begun = true, .index = map->index, .index_mask = slots - 1};
    enum am_code code = map_new(map, ledger, generation, ads, error);
    if (code == AM_OK)
        code = grow(map, error);
    if (code != AM_OK) {
        am_delivery_map_close(map);
        return code;
    }
    map->chains[0] = no_chain;
    map->header->used = 1;
    *made = map;
    return AM_OK;
}

/* What makes two ads' chains one: all but what they cost. */
static bool is_same(const struct am_delivery_chain *a, const struct am_delivery_chain *b) {
    return memcmp(a->cells, b->cells, sizeof a->cells) == 0 &&
           memcmp(a->cap_sets, b->cap_sets, sizeof a->cap_sets) == 0 && a->flags == b->flags;
}

static uint32_t *find_chain(struct am_delivery_map *map, const struct am_delivery_chain *chain) {
    uint64_t hash = XXH3_64bits(chain, offsetof(struct am_delivery_chain, flags));
    uint32_t at = (uint32_t)hash & map->index_mask;
    while (map->index[at] != AM_LEDGER_NO_INDEX && !is_same(&map->chains[map->index[at]], chain))
        at = (at + 1) & map->index_mask;
    return &map->index[at];
}

static enum am_code intern_caps(struct am_delivery_map *map,
                                const uint32_t *periods,
                                uint32_t count,
                                uint16_t *set,
                                struct am_error *error) {
    struct am_ledger *ledger = map->ledger;
    struct am_ledger_cap_set wanted = {.count = count};
    *set = 0;
    if (count == 0)
        return AM_OK;
    memcpy(wanted.periods, periods, count * sizeof *periods);
    am_ledger_lock(ledger);
    /* Without room for another set its caps are counted, and not undone. */
    uint32_t index = am_ledger_pool_intern(ledger, AM_LEDGER_POOL_CAP_SETS, &wanted, NULL);
    am_ledger_unlock(ledger);
    *set = index == AM_LEDGER_NO_INDEX ? 0 : (uint16_t)index;
    return am_ledger_store_make_caps(ledger, error);
}

static bool fill_cells(const struct am_ledger *ledger,
                       const struct am_delivery_map_ad *what,
                       struct am_delivery_chain *chain) {
    bool counted = false;
    for (unsigned kind = 0; kind < AM_LEDGER_KINDS; kind++) {
        uint32_t cell =
            what->keys[kind] ? am_ledger_find(ledger, what->keys[kind]) : AM_LEDGER_NO_CELL;
        chain->cells[kind] = cell;
        counted |= cell != AM_LEDGER_NO_CELL;
        bool closed = what->limited[kind] && cell == AM_LEDGER_NO_CELL;
        if (closed)
            chain->flags |= AM_DELIVERY_CHAIN_CLOSED | AM_DELIVERY_CHAIN_NO_ROOM;
    }
    return counted || chain->flags;
}

static void
add_prices(struct am_delivery_chain *chain, const struct am_delivery_map_ad *what, bool first) {
    if (first || what->least_hold < chain->least_hold)
        chain->least_hold = what->least_hold;
    if (first || what->least_price < chain->least_price)
        chain->least_price = what->least_price;
    if (first || what->highest_price > chain->highest_price)
        chain->highest_price = what->highest_price;
}

enum am_code am_delivery_map_put(struct am_delivery_map *map,
                                 uint32_t ad,
                                 const struct am_delivery_map_ad *what,
                                 struct am_error *error) {
    struct am_delivery_chain chain = no_chain;
    enum am_code code = AM_OK;
    for (unsigned kind = 0; kind < AM_LEDGER_KINDS && code == AM_OK; kind++)
        code = intern_caps(map, what->periods[kind], what->period_counts[kind],
                           &chain.cap_sets[kind], error);
    if (code != AM_OK)
        return code;
    if (!fill_cells(map->ledger, what, &chain))
        return AM_OK;
    uint32_t *index = find_chain(map, &chain);
    bool first = *index == AM_LEDGER_NO_INDEX;
    if (first) {
        code = grow(map, error);
        if (code != AM_OK)
            return code;
        *index = map->header->used++;
        map->chains[*index] = chain;
    }
    add_prices(&map->chains[*index], what, first);
    map->ads[ad] = *index;
    return AM_OK;
}

enum am_code am_delivery_map_commit(struct am_delivery_map *map, struct am_error *error) {
    char from[PATH_MAX + 64], to[PATH_MAX + 48];
    map->begun = false;
    free(map->index);
    map->index = NULL;
    am_delivery_map_refresh(map);
    if (map->fd < 0) {
        map->kept = true;
        map->next = map->ledger->maps;
        map->ledger->maps = map;
        return AM_OK;
    }
    map_path(map->ledger, map->header->generation, to);
    snprintf(from, sizeof from, "%s.new", to);
    if (flock(map->fd, LOCK_SH) != 0 || rename(from, to) != 0)
        return am_error_set_errno(error, AM_E_IO, "cannot publish %s", to);
    return AM_OK;
}

/* ---- opening ----------------------------------------------------------------------------------
 */

static const char *problem(const struct am_delivery_map_header *header,
                           uint64_t size,
                           uint64_t generation,
                           uint32_t ads) {
    if (size < sizeof *header || memcmp(header->magic, MAGIC, sizeof header->magic) != 0 ||
        header->version != VERSION)
        return "it is not one of this version";
    if (header->generation != generation || header->ads != ads)
        return "it is of another image";
    if (header->size != size || header->chains < header->used || !header->used ||
        size_of(ads, header->chains) != size)
        return "its size is not what its header says";
    return NULL;
}

/* Every ad has a chain, every chain cells and limits of the ledger. */
static const char *contents_problem(const struct am_delivery_map *map) {
    const struct am_ledger_live_geometry *geometry = &map->ledger->header->geometry;
    for (uint32_t ad = 0; ad < map->ad_count; ad++)
        if (AM_LEDGER_GET(map->ads[ad]) >= map->header->used)
            return "an ad has no chain";
    for (uint32_t i = 0; i < map->header->used; i++)
        for (unsigned kind = 0; kind < AM_LEDGER_KINDS; kind++) {
            uint32_t cell = AM_LEDGER_GET(map->chains[i].cells[kind]);
            if (cell >= geometry->cells && cell != AM_LEDGER_NO_CELL)
                return "a chain has no cell";
        }
    return NULL;
}

enum am_code am_delivery_map_open(struct am_ledger *ledger,
                                  uint64_t generation,
                                  uint32_t ads,
                                  struct am_delivery_map **opened,
                                  struct am_error *error) {
    char path[PATH_MAX + 48];
    uint64_t size = 0;
    void *memory = NULL;
    struct am_delivery_map *map = calloc(1, sizeof *map);
    if (!map)
        return am_error_set(error, AM_E_MEMORY, "out of memory: the map of ads to their budgets");
    *map = (struct am_delivery_map){.ledger = ledger, .fd = -1};
    map_path(ledger, generation, path);
    enum am_code code = am_ledger_store_map(ledger, path, &map->fd, &size, &memory, error);
    const char *reason = NULL;
    if (code == AM_OK) {
        map->header = memory;
        map->size = size;
        reason = problem(memory, size, generation, ads);
    }
    if (code == AM_OK && !reason) {
        attach(map, memory, ads);
        map->grown = size_of(ads, map->header->used);
        reason = contents_problem(map);
    }
    if (reason)
        code = am_error_set(error, AM_E_CORRUPT, "%s cannot be used: %s", path, reason);
    if (code == AM_OK)
        code = am_ledger_store_map_caps(ledger, error);
    if (code != AM_OK) {
        am_delivery_map_close(map);
        return code;
    }
    *opened = map;
    return AM_OK;
}

/* A map in private memory is among those of its ledger, too. */
static void forget(struct am_delivery_map *map) {
    if (!map->kept)
        return;
    struct am_delivery_map **link = &map->ledger->maps;
    while (*link && *link != map)
        link = &(*link)->next;
    if (*link)
        *link = map->next;
}

void am_delivery_map_close(struct am_delivery_map *map) {
    if (!map)
        return;
    forget(map);
    if (map->begun && map->fd >= 0) {
        char path[PATH_MAX + 48];
        map_path(map->ledger, map->header->generation, path);
        snprintf(path + strlen(path), 16, ".new");
        unlink(path);
    }
    if (map->header)
        munmap(map->header, map->size);
    if (map->fd >= 0)
        close(map->fd);
    free(map->index);
    free(map);
}

/* ---- reading and refreshing -------------------------------------------------------------------
 */

bool am_delivery_map_stopped(const struct am_delivery_map *map, uint32_t ad) {
    return AM_LEDGER_GET(map->stopped[ad / 64]) >> (ad % 64) & 1;
}

bool am_delivery_map_is_limited(const struct am_delivery_map *map, uint32_t ad) {
    const struct am_delivery_chain *chain = am_delivery_chain_of(map, ad);
    return AM_LEDGER_GET(chain->limits[0]) != AM_LEDGER_NO_INDEX ||
           (AM_LEDGER_GET(chain->flags) & (AM_DELIVERY_CHAIN_CLOSED | AM_DELIVERY_CHAIN_MORE));
}

bool am_delivery_map_paused(const struct am_delivery_map *map, uint32_t ad) {
    return AM_LEDGER_GET(am_delivery_chain_of(map, ad)->flags) & AM_DELIVERY_CHAIN_PAUSED;
}

enum am_code am_delivery_map_limit(struct am_delivery_map *map,
                                   uint32_t ad,
                                   uint32_t cell,
                                   struct am_error *error) {
    struct am_delivery_chain chain = *am_delivery_chain_of(map, ad);
    if (chain.cells[AM_LEDGER_AD] == cell)
        return AM_OK;
    if (map->header->used == map->header->chains)
        return am_error_set(error, AM_E_LIMIT, "no room for more overrides of single ads");
    enum am_code code = grow(map, error);
    if (code != AM_OK)
        return code;
    uint32_t index = map->header->used;
    chain.cells[AM_LEDGER_AD] = cell;
    map->chains[index] = chain;
    AM_LEDGER_SET_RELEASE(map->header->used, index + 1);
    AM_LEDGER_SET_RELEASE(map->ads[ad], index);
    map->listed = false;
    return AM_OK;
}
