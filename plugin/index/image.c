/* SPDX-License-Identifier: Apache-2.0 */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "../base/reserve.h"
#include "../text/words.h"
#include "image_map.h"
#include "terms.h"

static const uint32_t record_sizes[AM_SECTIONS + 1] = {
    [AM_SECTION_SETTINGS] = sizeof(struct am_image_settings),
    [AM_SECTION_VOCABULARY] = sizeof(struct am_image_vocabulary_bucket),
    [AM_SECTION_WORDS] = sizeof(struct am_image_word),
    [AM_SECTION_EDGES] = sizeof(struct am_image_edge_bucket),
    [AM_SECTION_FILTER] = sizeof(uint32_t),
    [AM_SECTION_POSTINGS] = sizeof(struct am_image_posting),
    [AM_SECTION_KEYWORDS] = sizeof(struct am_image_keyword),
    [AM_SECTION_ADS] = sizeof(struct am_image_ad),
    [AM_SECTION_AD_DETAILS] = sizeof(struct am_image_ad_details),
    [AM_SECTION_CAMPAIGNS] = sizeof(struct am_image_campaign),
    [AM_SECTION_TERMS] = sizeof(struct am_image_term),
    [AM_SECTION_TERM_TABLE] = sizeof(uint32_t),
    [AM_SECTION_TREES] = sizeof(uint32_t),
    [AM_SECTION_TREE_NODES] = sizeof(struct am_image_tree_node),
    [AM_SECTION_SETS] = sizeof(uint32_t),
    [AM_SECTION_STRINGS] = 1,
    [AM_SECTION_ADVERTISERS] = sizeof(uint32_t),
    [AM_SECTION_KEYS] = sizeof(uint64_t),
    [AM_SECTION_ZONE_NAMES] = sizeof(struct am_image_zone_name),
    [AM_SECTION_ZONES] = sizeof(struct am_image_zone),
    [AM_SECTION_TRANSITIONS] = sizeof(struct am_timezone_transition),
    [AM_SECTION_FORMS] = sizeof(struct am_image_forms),
    [AM_SECTION_SPELLINGS] = sizeof(struct am_image_spelling),
    [AM_SECTION_LIMITS] = sizeof(struct am_image_limits),
    [AM_SECTION_AD_CAPS] = sizeof(am_image_list_ref),
    [AM_SECTION_CREATIVES] = sizeof(am_image_list_ref),
};

/* Far more than any version may add. */
enum { MOST_SECTIONS = 256 };

static enum am_code corrupt(struct am_error *error, const char *name, const char *reason) {
    return am_error_set(error, AM_E_CORRUPT, "%s: not a usable image: %s", name, reason);
}

static enum am_code
check_header(const char *data, size_t size, const char *name, struct am_error *error) {
    const struct am_image_header *header = (const void *)data;
    if (size < sizeof *header)
        return corrupt(error, name, "shorter than a header and section table");
    if (memcmp(header->magic, AM_IMAGE_MAGIC, sizeof header->magic) != 0)
        return corrupt(error, name, "it does not begin with the magic of an image");
    if (header->format_version != AM_IMAGE_FORMAT_VERSION)
        return am_error_set(error, AM_E_VERSION,
                            "%s: image of format version %u, this program reads version %d: build "
                            "it again from its inventory",
                            name, header->format_version, AM_IMAGE_FORMAT_VERSION);
    if (header->word_rules_version != AM_WORD_RULES_VERSION)
        return am_error_set(error, AM_E_VERSION,
                            "%s: image with word rules version %u, this program splits words by "
                            "version %d: build it again from its inventory",
                            name, header->word_rules_version, AM_WORD_RULES_VERSION);
    if (header->total_size != size)
        return am_error_set(error, AM_E_CORRUPT,
                            "%s: not a usable image: %zu bytes, its header says %llu (cut off?)",
                            name, size, (unsigned long long)header->total_size);
    if (header->section_count > MOST_SECTIONS ||
        size < sizeof *header + header->section_count * sizeof(struct am_image_section_entry))
        return corrupt(error, name, "shorter than a header and section table");
    return AM_OK;
}

static const struct am_image_section_entry *table_of(const char *data) {
    return (const void *)(data + sizeof(struct am_image_header));
}

static const char *entry_problem(const struct am_image_section_entry *entry,
                                 uint32_t last_id,
                                 uint64_t least,
                                 size_t size) {
    bool known = entry->id <= AM_SECTIONS;
    if (entry->id <= last_id || entry->record_size == 0 ||
        (known && entry->record_size != record_sizes[entry->id]))
        return "section table: wrong id or record size";
    if (entry->offset % AM_IMAGE_ALIGNMENT || entry->offset < least || entry->offset > size)
        return "section table: offset out of place";
    if (entry->count > (size - entry->offset) / entry->record_size)
        return "section table: a section reaches past the end";
    return NULL;
}

static enum am_code unknown_section(unsigned id, const char *name, struct am_error *error) {
    return am_error_set(error, AM_E_VERSION,
                        "%s: image with the section %u, which this program does not know and must "
                        "not skip: use the admatch that built it, or build it again from its "
                        "inventory",
                        name, id);
}

/* Ids ascend, record sizes are those compiled in, offsets are aligned, ascend and stay within the
 * file; unknown sections are optional, and no required one is missing. */
static enum am_code check_table(const char *data,
                                size_t size,
                                const char *name,
                                const struct am_image_section_entry **entries,
                                struct am_error *error) {
    const struct am_image_section_entry *table = table_of(data);
    const struct am_image_header *header = (const void *)data;
    uint64_t least = sizeof *header + header->section_count * sizeof *table;
    uint32_t last_id = 0;
    for (uint32_t i = 0; i < header->section_count; i++) {
        const struct am_image_section_entry *entry = &table[i];
        const char *problem = entry_problem(entry, last_id, least, size);
        if (problem)
            return corrupt(error, name, problem);
        if (entry->id <= AM_SECTIONS)
            entries[entry->id] = entry;
        else if (!(entry->flags & AM_SECTION_OPTIONAL))
            return unknown_section(entry->id, name, error);
        last_id = entry->id;
        least = entry->offset + entry->count * entry->record_size;
    }
    for (uint32_t id = 1; id <= AM_SECTIONS; id++)
        if (!entries[id])
            return corrupt(error, name, "section table: a required section is missing");
    return AM_OK;
}

static uint64_t count_of(const struct am_image *image, enum am_image_section id) {
    return image->entries[id]->count;
}

/* Between sections, in builds that poison (poison.h). */
enum { SECTION_GAP = AM_POISONS ? 4096 : 0 };

static const void *start_of(const struct am_image *image, enum am_image_section id) {
    return image->sections + image->entries[id]->offset + (size_t)id * SECTION_GAP;
}

/* In an image, a section begins where the one before it ends, so no tool can detect an overrun into
 * the next. Builds that poison read copies with gaps between them. */
static size_t apart_size(const struct am_image *image) {
    return image->size + (size_t)(AM_SECTIONS + 1) * SECTION_GAP;
}

static enum am_code
set_sections_apart(struct am_image *image, const char *name, struct am_error *error) {
    image->sections = image->data;
    if (!AM_POISONS)
        return AM_OK;
    image->sections = am_memory_reserve(apart_size(image));
    if (!image->sections)
        return am_error_set(error, AM_E_MEMORY, "out of memory while opening %s", name);
    am_poison_region(image->sections, apart_size(image));
    for (uint32_t id = 1; id <= AM_SECTIONS; id++) {
        const struct am_image_section_entry *entry = image->entries[id];
        char *copy = (char *)(uintptr_t)start_of(image, (enum am_image_section)id);
        size_t size = entry->count * entry->record_size;
        am_poison_clear(copy, size);
        memcpy(copy, image->data + entry->offset, size);
    }
    return AM_OK;
}

static void free_sections(struct am_image *image) {
    if (image->sections != image->data)
        am_memory_release((char *)(uintptr_t)image->sections, apart_size(image));
}

/* The classes of terminals follow one another, and each has its own end of negatives. */
static bool classes_fine(const struct am_image_settings *settings) {
    uint32_t begin = 0;
    for (unsigned class = 0; class < AM_TERMINAL_CLASSES; class ++) {
        uint32_t end = am_image_class_end(settings, class);
        if (settings->negatives_end[class] < begin || settings->negatives_end[class] > end)
            return false;
        begin = end;
    }
    return settings->terminal_end <= settings->node_end &&
           settings->terminal_count <= settings->terminal_end &&
           (uint64_t)settings->node_end + 2 * (uint64_t)settings->word_count < UINT32_MAX;
}

/* Numbers of blocks have 31 bits: match/kernels/kernels.h. */
static bool filters_fine(const struct am_image *image) {
    uint64_t total = 0;
    for (unsigned tier = 0; tier < AM_TIERS; tier++)
        for (unsigned kind = 0; kind < AM_FILTER_KINDS; kind++) {
            uint32_t blocks = image->settings->filter_blocks[tier][kind];
            if (blocks == 0 || blocks > INT32_MAX)
                return false;
            total += blocks;
        }
    return total == count_of(image, AM_SECTION_FILTER);
}

/* Ids and references have 32 bits; numbers of words found, in the matcher, 31:
 * match/kernels/kernels.h. */
static bool ids_fine(const struct am_image *image) {
    return image->settings->word_count < AM_MAX_WORDS && image->edge_buckets <= UINT32_MAX &&
           image->term_count < AM_NONE && image->zone_count < AM_NONE &&
           image->tree_count < AM_NONE && image->tree_node_count < AM_NONE &&
           image->set_count <= AM_NONE && image->strings_size / 4 <= AM_NONE &&
           image->settings->broad_words <= INT32_MAX;
}

/* Each node from T on has an edge, and each negative keyword a posting. This bounds what the deep
 * check and the matcher allocate. */
static bool numbers_fine(const struct am_image *image) {
    const struct am_image_settings *settings = image->settings;
    return settings->node_end - settings->terminal_end <=
               image->edge_buckets * AM_IMAGE_EDGE_LANES &&
           settings->negative_count <= settings->terminal_end &&
           settings->broad_terminals <= settings->terminal_count;
}

static bool records_fine(const struct am_image *image) {
    const struct am_image_settings *settings = image->settings;
    return count_of(image, AM_SECTION_WORDS) == settings->word_count &&
           settings->terminal_end == image->posting_count &&
           count_of(image, AM_SECTION_KEYWORDS) == image->posting_count &&
           count_of(image, AM_SECTION_ADS) == settings->ad_count &&
           count_of(image, AM_SECTION_AD_DETAILS) == settings->ad_count &&
           count_of(image, AM_SECTION_CREATIVES) == settings->ad_count &&
           count_of(image, AM_SECTION_CAMPAIGNS) == settings->campaign_count &&
           image->key_count ==
               (uint64_t)settings->ad_count + settings->campaign_count + image->advertiser_count &&
           (image->ad_caps_count == 0 || image->ad_caps_count == settings->ad_count) &&
           image->advertiser_count <= image->term_count;
}

static const char *counts_problem(const struct am_image *image) {
    if (!image->vocabulary_buckets || !image->edge_buckets || !image->term_slots)
        return "an empty hash table";
    if (image->strings_size < 4 || image->strings_size % 4 || image->set_count < 1)
        return "pools without a first item";
    if (!records_fine(image))
        return "its settings count other records than its sections have";
    if (!filters_fine(image))
        return "its filters do not add up to their section";
    if (!classes_fine(image->settings))
        return "the classes of its nodes are out of order";
    if (!ids_fine(image))
        return "more records than ids";
    return numbers_fine(image) ? NULL : "more nodes than edges, or keywords than postings";
}

/* The counts in the settings must be those of the sections, which were checked against the file. */
static enum am_code
check_counts(const struct am_image *image, const char *name, struct am_error *error) {
    const char *problem = counts_problem(image);
    if (!problem)
        return AM_OK;
    return am_error_set(error, AM_E_CORRUPT,
                        "%s: not a usable image: its counts contradict one another: %s", name,
                        problem);
}

/* The next of the filters. What does not fit the section is refused by check_counts. */
static struct am_image_filter take_filter(const uint32_t **blocks, uint64_t *left, uint32_t count) {
    struct am_image_filter filter = {*blocks, count < *left ? count : *left};
    *blocks += filter.count;
    *left -= filter.count;
    return filter;
}

static void set_filters(struct am_image *image) {
    const uint32_t *blocks = start_of(image, AM_SECTION_FILTER);
    uint64_t left = count_of(image, AM_SECTION_FILTER);
    for (unsigned tier = 0; tier < AM_TIERS; tier++) {
        const uint32_t *counts = image->settings->filter_blocks[tier];
        image->filters[tier].first = take_filter(&blocks, &left, counts[AM_FILTER_FIRST]);
        image->filters[tier].later = take_filter(&blocks, &left, counts[AM_FILTER_LATER]);
    }
}

static void set_pointers(struct am_image *image) {
    image->header = (const void *)image->data;
    image->settings = start_of(image, AM_SECTION_SETTINGS);
    image->vocabulary = start_of(image, AM_SECTION_VOCABULARY);
    image->words = start_of(image, AM_SECTION_WORDS);
    image->edges = start_of(image, AM_SECTION_EDGES);
    set_filters(image);
    image->postings = start_of(image, AM_SECTION_POSTINGS);
    image->keywords = start_of(image, AM_SECTION_KEYWORDS);
    image->ads = start_of(image, AM_SECTION_ADS);
    image->details = start_of(image, AM_SECTION_AD_DETAILS);
    image->campaigns = start_of(image, AM_SECTION_CAMPAIGNS);
    image->terms = start_of(image, AM_SECTION_TERMS);
    image->term_table = start_of(image, AM_SECTION_TERM_TABLE);
    image->trees = start_of(image, AM_SECTION_TREES);
    image->tree_nodes = start_of(image, AM_SECTION_TREE_NODES);
    image->sets = start_of(image, AM_SECTION_SETS);
    image->strings = start_of(image, AM_SECTION_STRINGS);
    image->advertisers = start_of(image, AM_SECTION_ADVERTISERS);
    image->keys = start_of(image, AM_SECTION_KEYS);
    image->zone_names = start_of(image, AM_SECTION_ZONE_NAMES);
    image->zones = start_of(image, AM_SECTION_ZONES);
    image->transitions = start_of(image, AM_SECTION_TRANSITIONS);
    image->forms = start_of(image, AM_SECTION_FORMS);
    image->spellings = start_of(image, AM_SECTION_SPELLINGS);
    image->limits = start_of(image, AM_SECTION_LIMITS);
    image->ad_caps = start_of(image, AM_SECTION_AD_CAPS);
    image->creatives = start_of(image, AM_SECTION_CREATIVES);
    image->vocabulary_buckets = count_of(image, AM_SECTION_VOCABULARY);
    image->edge_buckets = count_of(image, AM_SECTION_EDGES);
    image->term_slots = count_of(image, AM_SECTION_TERM_TABLE);
    image->posting_count = count_of(image, AM_SECTION_POSTINGS);
    image->term_count = count_of(image, AM_SECTION_TERMS);
    image->tree_count = count_of(image, AM_SECTION_TREES);
    image->tree_node_count = count_of(image, AM_SECTION_TREE_NODES);
    image->set_count = count_of(image, AM_SECTION_SETS);
    image->strings_size = count_of(image, AM_SECTION_STRINGS);
    image->advertiser_count = count_of(image, AM_SECTION_ADVERTISERS);
    image->key_count = count_of(image, AM_SECTION_KEYS);
    image->zone_name_count = count_of(image, AM_SECTION_ZONE_NAMES);
    image->zone_count = count_of(image, AM_SECTION_ZONES);
    image->transition_count = count_of(image, AM_SECTION_TRANSITIONS);
    image->form_count = count_of(image, AM_SECTION_FORMS);
    image->limits_count = count_of(image, AM_SECTION_LIMITS);
    image->ad_caps_count = count_of(image, AM_SECTION_AD_CAPS);
    image->spelling_count = count_of(image, AM_SECTION_SPELLINGS);
    snprintf(image->generation, sizeof image->generation, "%016llx",
             (unsigned long long)image->header->checksum);
}

static enum am_code open_bytes(const char *data,
                               size_t size,
                               const char *name,
                               bool summed,
                               struct am_image *image,
                               struct am_error *error) {
    *image = (struct am_image){.data = data, .size = size};
    enum am_code code = check_header(data, size, name, error);
    if (code == AM_OK)
        code = check_table(data, size, name, image->entries, error);
    if (code != AM_OK)
        return code;
    size_t checked = offsetof(struct am_image_header, total_size);
    const struct am_image_header *header = (const void *)data;
    if (!summed && XXH3_64bits(data + checked, size - checked) != header->checksum)
        return corrupt(error, name, "its checksum does not match its bytes");
    if (count_of(image, AM_SECTION_SETTINGS) != 1)
        return corrupt(error, name, "section table: expected one settings record");
    code = set_sections_apart(image, name, error);
    if (code != AM_OK)
        return code;
    set_pointers(image);
    code = check_counts(image, name, error);
    if (code != AM_OK)
        free_sections(image);
    return code;
}

enum am_code am_image_open_memory(const void *data,
                                  size_t size,
                                  const char *name,
                                  struct am_image **image,
                                  struct am_error *error) {
    if ((uintptr_t)data % AM_IMAGE_ALIGNMENT)
        return corrupt(error, name, "it is not aligned to 64 bytes");
    struct am_image *opened = malloc(sizeof *opened);
    if (!opened)
        return am_error_set(error, AM_E_MEMORY, "out of memory while opening an image");
    enum am_code code = open_bytes(data, size, name, false, opened, error);
    if (code == AM_OK)
        *image = opened;
    else
        free(opened);
    return code;
}

enum am_code am_image_open_fd(
    int fd, const char *name, bool summed, struct am_image **image, struct am_error *error) {
    struct am_image *opened = malloc(sizeof *opened);
    void *data = MAP_FAILED;
    size_t size = 0;
    struct stat status;
    enum am_code code;
    if (!opened)
        return am_error_set(error, AM_E_MEMORY, "out of memory while opening %s", name);
    if (fstat(fd, &status) != 0) {
        code = am_error_set_errno(error, AM_E_IO, "cannot examine %s", name);
        goto cleanup;
    }
    size = (size_t)status.st_size;
    if (!S_ISREG(status.st_mode) || size == 0) {
        code = corrupt(error, name, "it is not a file with bytes in it");
        goto cleanup;
    }
    data = am_image_map(fd, size);
    if (data == MAP_FAILED) {
        code = am_error_set_errno(error, AM_E_IO, "cannot map %s (%zu bytes)", name, size);
        goto cleanup;
    }
    code = open_bytes(data, size, name, summed, opened, error);
cleanup:
    if (code == AM_OK) {
        opened->mapped = true;
        *image = opened;
        return AM_OK;
    }
    if (data != MAP_FAILED)
        munmap(data, size);
    free(opened);
    return code;
}

enum am_code am_image_open(const char *path, struct am_image **image, struct am_error *error) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot open %s", path);
    enum am_code code = am_image_open_fd(fd, path, false, image, error);
    int saved = errno;
    close(fd);
    errno = saved;
    return code;
}

void am_image_close(struct am_image *image) {
    if (!image)
        return;
    free_sections(image);
    if (image->mapped)
        munmap((void *)(uintptr_t)image->data, image->size);
    free(image);
}

/* Bytes read; fewer than `size` at the end of the file. -1, with errno. */
static ssize_t read_start(int fd, char *start, size_t size) {
    size_t done = 0;
    while (done < size) {
        ssize_t count = pread(fd, start + done, size - done, (off_t)done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        if (count == 0)
            break;
        done += (size_t)count;
    }
    return (ssize_t)done;
}

enum am_code am_image_is_fd(int fd, const char *name, bool *is_image, struct am_error *error) {
    char magic[8];
    ssize_t size = read_start(fd, magic, sizeof magic);
    if (size < 0 && errno != ESPIPE) /* an inventory may come through a pipe, an image may not */
        return am_error_set_errno(error, AM_E_IO, "cannot read %s", name);
    *is_image = size == (ssize_t)sizeof magic && memcmp(magic, AM_IMAGE_MAGIC, sizeof magic) == 0;
    return AM_OK;
}

enum am_code am_image_check_start(int fd, uint64_t size, const char *name, struct am_error *error) {
    union {
        struct am_image_header header;
        char bytes[sizeof(struct am_image_header) +
                   MOST_SECTIONS * sizeof(struct am_image_section_entry)];
    } start;
    const struct am_image_section_entry *entries[AM_SECTIONS + 1] = {NULL};
    size_t wanted = size < sizeof start ? size : sizeof start;
    ssize_t got = read_start(fd, start.bytes, wanted);
    if (got < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot read %s", name);
    if ((size_t)got < wanted)
        return corrupt(error, name, "it became shorter while it was being read");
    enum am_code code = check_header(start.bytes, size, name, error);
    return code == AM_OK ? check_table(start.bytes, size, name, entries, error) : code;
}

enum am_code am_image_is(const char *path, bool *is_image, struct am_error *error) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot open %s", path);
    enum am_code code = am_image_is_fd(fd, path, is_image, error);
    close(fd);
    return code;
}

uint32_t
am_image_find_term(const struct am_image *image, uint32_t kind, uint32_t key, struct am_view text) {
    uint64_t slot = am_image_bucket(am_image_term_hash(kind, key, text), image->term_slots);
    while (image->term_table[slot] != AM_NONE) {
        uint32_t id = image->term_table[slot];
        const struct am_image_term *term = &image->terms[id];
        if (term->kind == kind && (kind == AM_TERM_DOMAIN || term->key == key) &&
            am_view_equal(am_image_string(image, term->text), text))
            return id;
        slot = slot + 1 < image->term_slots ? slot + 1 : 0;
    }
    return AM_NONE;
}

bool am_image_has_twins(const struct am_image *image) {
    return am_text_word_rules_of(am_image_string(image, image->settings->language),
                                 image->settings->fold_accents)
        .folds_queries;
}

const struct am_image_zone_name *am_image_find_zone_name(const struct am_image_zone_name *names,
                                                         size_t count,
                                                         const char *strings,
                                                         struct am_view name) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = am_view_compare(am_image_string_in(strings, names[middle].name), name);
        if (order == 0)
            return &names[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool am_image_find_zone(const struct am_image *image, struct am_view name, uint32_t *zone) {
    const struct am_image_zone_name *found =
        am_image_find_zone_name(image->zone_names, image->zone_name_count, image->strings, name);
    if (found)
        *zone = found->zone;
    return found;
}
