/* SPDX-License-Identifier: Apache-2.0 */
/* An image, open for reading: mapped shared and read-only, or in memory.
 *
 * Caveats: never rewrite or truncate a file that is mapped (SIGBUS); replace it by rename. Close
 * only when no thread reads it any more. */
#ifndef AM_INDEX_IMAGE_H
#define AM_INDEX_IMAGE_H

#include "format.h"

enum { AM_GENERATION_TEXT_SIZE = 17 };

/* A filter: rules out most edges that do not exist, cheaply. */
struct am_image_filter {
    const uint32_t *blocks;
    uint64_t count; /* at least 1 */
};

/* The filters of one tier. */
struct am_image_filters {
    struct am_image_filter first, later; /* see am_image_filter_mask */
};

/* Typed pointers into the mapping; all counts come from the checked section table. Read-only after
 * am_image_open; any number of threads. */
struct am_image {
    const char *data;
    size_t size;
    bool mapped;          /* data came from mmap and am_image_close unmaps it */
    const char *sections; /* where the sections are: data, or a copy of it in builds that poison */
    const struct am_image_header *header;
    const struct am_image_section_entry *entries[AM_SECTIONS + 1]; /* by id */
    const struct am_image_settings *settings;
    const struct am_image_vocabulary_bucket *vocabulary;
    const struct am_image_word *words;
    const struct am_image_edge_bucket *edges;
    struct am_image_filters filters[AM_TIERS];
    const struct am_image_posting *postings;
    const struct am_image_keyword *keywords;
    const struct am_image_ad *ads;
    const struct am_image_ad_details *details;
    const struct am_image_campaign *campaigns;
    const struct am_image_term *terms;
    const uint32_t *term_table;
    const uint32_t *trees;
    const struct am_image_tree_node *tree_nodes;
    const uint32_t *sets;
    const char *strings;
    const uint32_t *advertisers;
    const uint64_t *keys; /* ads, campaigns, advertisers */
    const struct am_image_zone_name *zone_names;
    const struct am_image_zone *zones;
    const struct am_timezone_transition *transitions;
    const struct am_image_forms *forms;
    const struct am_image_spelling *spellings;
    const struct am_image_limits *limits;
    const am_image_list_ref *ad_caps;                      /* by ad, where ad_caps_count is not 0 */
    const am_image_list_ref *creatives;                    /* by ad */
    uint64_t vocabulary_buckets, edge_buckets, term_slots; /* each at least 1 */
    uint64_t posting_count, term_count, tree_count, tree_node_count, set_count, strings_size;
    uint64_t advertiser_count, key_count, zone_name_count, zone_count, transition_count;
    uint64_t form_count, spelling_count;
    uint64_t limits_count, ad_caps_count;
    char generation[AM_GENERATION_TEXT_SIZE]; /* 16 hex digits of the checksum: what answers show */
};

/* Opens and checks header, section table, counts and checksum. am_image_verify checks the sections'
 * contents. On failure *image is untouched. AM_E_IO, AM_E_VERSION, AM_E_CORRUPT (each reason its
 * own message), AM_E_MEMORY. */
enum am_code am_image_open(const char *path, struct am_image **image, struct am_error *error);
/* The same for a file descriptor, which stays the caller's. Messages call it `name`. `summed`: the
 * checksum has been verified since the file was written, and is not verified again. */
enum am_code am_image_open_fd(
    int fd, const char *name, bool summed, struct am_image **image, struct am_error *error);
/* The same for memory, 64-byte aligned, that stays the caller's and outlives the image. Messages
 * call it `name`. */
enum am_code am_image_open_memory(const void *data,
                                  size_t size,
                                  const char *name,
                                  struct am_image **image,
                                  struct am_error *error);
void am_image_close(struct am_image *image); /* NULL is fine */

/* Checks the whole contract of docs/FORMAT.md section 10. After AM_OK, no request can make the
 * matcher read outside the image, nor search it for longer than its size explains. Takes time
 * linear in the image's size, whatever its contents, and memory of less than two thirds of that
 * size plus a megabyte. Any number of threads. AM_E_CORRUPT with the section, record and reason;
 * AM_E_MEMORY. */
enum am_code am_image_verify(const struct am_image *image, struct am_error *error);

/* Checks header and section table of an open file of `size` bytes, and reads no more of it; its
 * offset stays. AM_E_IO, AM_E_VERSION, AM_E_CORRUPT, each reason its own message. */
enum am_code am_image_check_start(int fd, uint64_t size, const char *name, struct am_error *error);

/* Sets *is_image when the file begins with the magic of an image, so that a path can name either an
 * image or an inventory. AM_E_IO: the file cannot be read; *is_image is untouched. */
enum am_code am_image_is(const char *path, bool *is_image, struct am_error *error);
/* The same of an open file, called `name` in errors; its offset stays. */
enum am_code am_image_is_fd(int fd, const char *name, bool *is_image, struct am_error *error);

static inline struct am_view am_image_string(const struct am_image *image,
                                             am_image_string_ref ref) {
    return am_image_string_in(image->strings, ref);
}

/* Prefetches a string. */
static inline void am_image_prefetch_string(const struct am_image *image, am_image_string_ref ref) {
    __builtin_prefetch(image->strings + (size_t)ref * 4);
}

/* Whether every keyword but "*" is there twice, with its accents and without: see
 * am_text_word_rules.folds_queries. */
bool am_image_has_twins(const struct am_image *image);

struct am_image_list {
    const uint32_t *items;
    uint32_t count;
};

static inline struct am_image_list am_image_list_at(const struct am_image *image,
                                                    am_image_list_ref ref) {
    return (struct am_image_list){image->sets + ref + 1, image->sets[ref]};
}

/* Whether the list, which ascends, has the item. */
static inline bool am_image_list_has(struct am_image_list list, uint32_t item) {
    uint32_t low = 0, high = list.count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (list.items[middle] < item)
            low = middle + 1;
        else
            high = middle;
    }
    return low < list.count && list.items[low] == item;
}

/* False: no edge that the filter covers has that hash. */
static inline bool am_image_filter_has(const struct am_image_filter *filter, uint32_t hash) {
    uint32_t mask = am_image_filter_mask(hash);
    return (filter->blocks[am_image_bucket32(hash, filter->count)] & mask) == mask;
}

/* Prefetches what am_image_filter_has reads. */
static inline void am_image_filter_prefetch(const struct am_image_filter *filter, uint32_t hash) {
    __builtin_prefetch(&filter->blocks[am_image_bucket32(hash, filter->count)]);
}

/* A time zone of the image; valid as long as the image. AM_NONE is UTC. */
static inline struct am_timezone am_image_zone_at(const struct am_image *image, uint32_t zone) {
    if (zone == AM_NONE)
        return (struct am_timezone){.count = 0};
    const struct am_image_zone *record = &image->zones[zone];
    return (struct am_timezone){image->transitions + record->first_transition,
                                record->transition_count, record->first_offset, record->rule};
}
/* The name among names in byte order, whose texts are in `strings`; NULL when it is none of them.
 */
const struct am_image_zone_name *am_image_find_zone_name(const struct am_image_zone_name *names,
                                                         size_t count,
                                                         const char *strings,
                                                         struct am_view name);
/* The zone of that name, case-sensitive; false when the image has none. Every image has "UTC". */
bool am_image_find_zone(const struct am_image *image, struct am_view name, uint32_t *zone);

/* The stable key (am_model_key) of a record, by its index. */
static inline uint64_t am_image_key_of_ad(const struct am_image *image, uint32_t ad) {
    return image->keys[ad];
}
static inline uint64_t am_image_key_of_campaign(const struct am_image *image, uint32_t campaign) {
    return image->keys[(size_t)image->settings->ad_count + campaign];
}
static inline uint64_t am_image_key_of_advertiser(const struct am_image *image,
                                                  uint32_t advertiser) {
    return image
        ->keys[(size_t)image->settings->ad_count + image->settings->campaign_count + advertiser];
}

/* The frequency caps of an ad: am_image_cap. */
static inline struct am_image_list am_image_caps_of(const struct am_image *image, uint32_t ad) {
    if (!(image->ads[ad].flags & AM_AD_CAPPED))
        return (struct am_image_list){NULL, 0};
    return am_image_list_at(image, image->ad_caps[ad]);
}

/* Whether anything of it needs a ledger: a budget, or a frequency cap. */
static inline bool am_image_needs_ledger(const struct am_image *image) {
    return image->limits_count || image->ad_caps_count;
}

/* The id of a term, or AM_NONE. `key` is AM_NONE but for kv values. */
uint32_t
am_image_find_term(const struct am_image *image, uint32_t kind, uint32_t key, struct am_view text);

#endif
