/* SPDX-License-Identifier: Apache-2.0 */
#include "builder.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "../text/words.h"
#include "build.h"

static void builder_start(struct am_builder *builder,
                          const struct am_inventory *inventory,
                          const struct am_timezones *zones) {
    *builder = (struct am_builder){
        .inventory = inventory,
        .timezones = zones,
        .flat = AM_VECTOR_OF(struct am_build_flat_keyword),
        .flat_words = AM_VECTOR_OF(uint32_t),
        .words = AM_VECTOR_OF(struct am_build_word),
        .edges = AM_VECTOR_OF(struct am_build_edge),
        .terminals = AM_VECTOR_OF(struct am_build_terminal),
        .negatives = AM_VECTOR_OF(struct am_build_negative),
        .postings = AM_VECTOR_OF(struct am_image_posting),
        .keywords = AM_VECTOR_OF(struct am_image_keyword),
        .ads = AM_VECTOR_OF(struct am_image_ad),
        .details = AM_VECTOR_OF(struct am_image_ad_details),
        .campaigns = AM_VECTOR_OF(struct am_image_campaign),
        .vocabulary = AM_VECTOR_OF(struct am_image_vocabulary_bucket),
        .word_records = AM_VECTOR_OF(struct am_image_word),
        .forms = AM_VECTOR_OF(struct am_build_form),
        .form_records = AM_VECTOR_OF(struct am_image_forms),
        .spellings = AM_VECTOR_OF(struct am_image_spelling),
        .creatives = AM_VECTOR_OF(am_image_list_ref),
        .rules = am_text_word_rules_of(inventory->language, inventory->fold_accents),
        .edge_buckets = AM_VECTOR_OF(struct am_image_edge_bucket),
        .filter = AM_VECTOR_OF(uint32_t),
        .term_table = AM_VECTOR_OF(uint32_t),
        .advertisers = AM_VECTOR_OF(uint32_t),
        .keys = AM_VECTOR_OF(uint64_t),
        .zone_names = AM_VECTOR_OF(struct am_image_zone_name),
        .zones = AM_VECTOR_OF(struct am_image_zone),
        .transitions = AM_VECTOR_OF(struct am_timezone_transition),
        .limits = AM_VECTOR_OF(struct am_image_limits),
        .ad_caps = AM_VECTOR_OF(am_image_list_ref),
    };
}

static void builder_free(struct am_builder *builder) {
    struct am_vector *vectors[] = {
        &builder->flat,         &builder->flat_words,   &builder->words,
        &builder->edges,        &builder->terminals,    &builder->negatives,
        &builder->postings,     &builder->keywords,     &builder->ads,
        &builder->details,      &builder->campaigns,    &builder->vocabulary,
        &builder->word_records, &builder->edge_buckets, &builder->filter,
        &builder->term_table,   &builder->advertisers,  &builder->keys,
        &builder->zone_names,   &builder->zones,        &builder->transitions,
        &builder->forms,        &builder->form_records, &builder->spellings,
        &builder->limits,       &builder->ad_caps,      &builder->creatives,
    };
    for (size_t i = 0; i < AM_COUNT_OF(vectors); i++)
        am_vector_free(vectors[i]);
    am_intern_free(&builder->word_table);
    am_intern_free(&builder->edge_table);
    am_intern_free(&builder->negative_table);
    am_intern_free(&builder->zone_table);
    am_build_pools_free(&builder->pools);
    am_text_stemmer_free(builder->stemmer);
    free(builder->fold);
}

static bool pools_fine(const struct am_builder *builder, struct am_error *error) {
    if (builder->pools.failure == AM_OK)
        return true;
    return builder->pools.failure == AM_E_LIMIT
               ? am_build_too_many(error, builder->pools.failed_pool)
               : am_build_out_of_memory(error);
}

static bool run_phases(struct am_builder *builder, struct am_error *error) {
    if (!am_build_pools_start(&builder->pools, builder->inventory->ad_count))
        return pools_fine(builder, error);
    builder->fold = malloc(sizeof *builder->fold);
    if (!builder->fold)
        return am_build_out_of_memory(error);
    if (builder->inventory->stem) {
        builder->stemmer = am_text_stemmer_new(builder->inventory->language, error);
        if (!builder->stemmer)
            return false;
    }
    bool (*const phases[])(struct am_builder *, struct am_error *) = {
        am_build_zones, am_build_words,  am_build_trie,     am_build_records, am_build_creatives,
        am_build_keys,  am_build_limits, am_build_postings, am_build_tables};
    for (size_t i = 0; i < AM_COUNT_OF(phases); i++)
        if (!phases[i](builder, error) || !pools_fine(builder, error))
            return false;
    return !builder->stemmer || !am_text_stemmer_failures(builder->stemmer) ||
           am_build_out_of_memory(error);
}

/* ---- layout -----------------------------------------------------------------------------------
 */

struct section {
    const void *data;
    size_t record_size, count;
};

static void list_sections(const struct am_builder *builder, struct section *sections) {
    const struct am_vector *vectors[AM_SECTIONS + 1] = {
        [AM_SECTION_VOCABULARY] = &builder->vocabulary,
        [AM_SECTION_WORDS] = &builder->word_records,
        [AM_SECTION_EDGES] = &builder->edge_buckets,
        [AM_SECTION_FILTER] = &builder->filter,
        [AM_SECTION_POSTINGS] = &builder->postings,
        [AM_SECTION_KEYWORDS] = &builder->keywords,
        [AM_SECTION_ADS] = &builder->ads,
        [AM_SECTION_AD_DETAILS] = &builder->details,
        [AM_SECTION_CAMPAIGNS] = &builder->campaigns,
        [AM_SECTION_TERMS] = &builder->pools.terms,
        [AM_SECTION_TERM_TABLE] = &builder->term_table,
        [AM_SECTION_TREES] = &builder->pools.trees,
        [AM_SECTION_TREE_NODES] = &builder->pools.tree_nodes,
        [AM_SECTION_SETS] = &builder->pools.sets,
        [AM_SECTION_STRINGS] = &builder->pools.strings,
        [AM_SECTION_ADVERTISERS] = &builder->advertisers,
        [AM_SECTION_KEYS] = &builder->keys,
        [AM_SECTION_ZONE_NAMES] = &builder->zone_names,
        [AM_SECTION_ZONES] = &builder->zones,
        [AM_SECTION_TRANSITIONS] = &builder->transitions,
        [AM_SECTION_FORMS] = &builder->form_records,
        [AM_SECTION_SPELLINGS] = &builder->spellings,
        [AM_SECTION_LIMITS] = &builder->limits,
        [AM_SECTION_AD_CAPS] = &builder->ad_caps,
        [AM_SECTION_CREATIVES] = &builder->creatives,
    };
    sections[AM_SECTION_SETTINGS] =
        (struct section){&builder->settings, sizeof builder->settings, 1};
    for (int id = AM_SECTION_VOCABULARY; id <= AM_SECTIONS; id++)
        sections[id] =
            (struct section){vectors[id]->data, vectors[id]->item_size, vectors[id]->count};
}

static size_t aligned(size_t offset) {
    return (offset + AM_IMAGE_ALIGNMENT - 1) / AM_IMAGE_ALIGNMENT * AM_IMAGE_ALIGNMENT;
}

/* Sets the offsets of all sections; returns the file's size. Sums of sizes cannot wrap, since all
 * vectors are in memory. */
static size_t place_sections(const struct section *sections, struct am_image_section_entry *table) {
    size_t offset = sizeof(struct am_image_header) + AM_SECTIONS * sizeof *table;
    for (uint32_t id = 1; id <= AM_SECTIONS; id++) {
        offset = aligned(offset);
        table[id - 1] = (struct am_image_section_entry){
            .id = (uint16_t)id,
            .record_size = (uint32_t)sections[id].record_size,
            .offset = offset,
            .count = sections[id].count,
        };
        offset += sections[id].record_size * sections[id].count;
    }
    return aligned(offset);
}

static enum am_code lay_out(const struct am_builder *builder,
                            bool lenient,
                            struct am_image_bytes *bytes,
                            struct am_error *error) {
    struct section sections[AM_SECTIONS + 1];
    struct am_image_section_entry table[AM_SECTIONS];
    list_sections(builder, sections);
    size_t size = place_sections(sections, table);
    char *data = NULL;
    if (posix_memalign((void **)&data, AM_IMAGE_ALIGNMENT, size) != 0)
        return am_error_set(error, AM_E_MEMORY, "out of memory: the image needs %zu bytes", size);
    am_memory_advise_huge(data, size);
    size_t end = 0;
    for (uint32_t id = 1; id <= AM_SECTIONS; id++) {
        /* Gaps are zero, so that the same inventory gives the same bytes. */
        memset(data + end, 0, table[id - 1].offset - end);
        end = table[id - 1].offset + sections[id].record_size * sections[id].count;
        if (sections[id].count)
            memcpy(data + table[id - 1].offset, sections[id].data,
                   sections[id].record_size * sections[id].count);
    }
    memset(data + end, 0, size - end);
    struct am_image_header header = {
        .magic = AM_IMAGE_MAGIC,
        .format_version = AM_IMAGE_FORMAT_VERSION,
        .word_rules_version = AM_WORD_RULES_VERSION,
        .total_size = size,
        .source_size = builder->inventory->source_size,
        .section_count = AM_SECTIONS,
        .lenient = lenient,
        .skipped_records = builder->inventory->skipped_records,
        .zones_digest = am_timezones_digest(builder->timezones),
        .minor_version = AM_IMAGE_MINOR_VERSION,
    };
    memcpy(header.source_digest, builder->inventory->digest, sizeof header.source_digest);
    memcpy(data, &header, sizeof header);
    memcpy(data + sizeof header, table, sizeof table);
    size_t checked = offsetof(struct am_image_header, total_size);
    header.checksum = XXH3_64bits(data + checked, size - checked);
    memcpy(data, &header, sizeof header);
    *bytes = (struct am_image_bytes){data, size};
    return AM_OK;
}

enum am_code am_build_image(const struct am_inventory *inventory,
                            const struct am_timezones *zones,
                            bool lenient,
                            struct am_image_bytes *bytes,
                            struct am_error *error) {
    struct am_error local;
    if (!error)
        error = &local;
    struct am_builder builder;
    builder_start(&builder, inventory, zones);
    enum am_code code =
        run_phases(&builder, error) ? lay_out(&builder, lenient, bytes, error) : error->code;
    builder_free(&builder);
    return code;
}

void am_image_bytes_free(struct am_image_bytes *bytes) {
    free(bytes->data);
    *bytes = (struct am_image_bytes){NULL, 0};
}

/* ---- writing ----------------------------------------------------------------------------------
 */

static bool write_all(int fd, const char *data, size_t size) {
    while (size) {
        ssize_t written = write(fd, data, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        data += written;
        size -= (size_t)written;
    }
    return true;
}

/* Makes the rename itself durable, where that can be asked for: some file systems refuse to fsync a
 * folder, and a folder that this process may write but not read cannot be opened. */
static enum am_code sync_folder(int folder, const char *path, struct am_error *error) {
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = openat(folder, dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == EACCES)
        return AM_OK;
    bool synced = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP);
    enum am_code code =
        synced ? AM_OK : am_error_set_errno(error, AM_E_IO, "cannot sync the folder of %s", path);
    if (fd >= 0)
        close(fd);
    return code;
}

static int create(int folder, const char *path) {
    return openat(folder, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

enum am_code am_image_write(const struct am_image_bytes *bytes,
                            int folder,
                            const char *path,
                            struct am_error *error) {
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof temporary)
        return am_error_set(error, AM_E_LIMIT, "%s: path too long", path);
    enum am_code code = AM_OK;
    int fd = create(folder, temporary);
    if (fd < 0 && errno == EEXIST && /* of a killed process with our number */
        unlinkat(folder, temporary, 0) == 0)
        fd = create(folder, temporary);
    if (fd < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot create %s", temporary);
    if (!write_all(fd, bytes->data, bytes->size) || fsync(fd) != 0)
        code = am_error_set_errno(error, AM_E_IO, "cannot write %s (%zu bytes)", temporary,
                                  bytes->size);
    if (close(fd) != 0 && code == AM_OK)
        code = am_error_set_errno(error, AM_E_IO, "cannot write %s", temporary);
    if (code == AM_OK && renameat(folder, temporary, folder, path) != 0)
        code = am_error_set_errno(error, AM_E_IO, "cannot rename %s to %s", temporary, path);
    if (code == AM_OK)
        return sync_folder(folder, path, error);
    unlinkat(folder, temporary, 0);
    return code;
}
