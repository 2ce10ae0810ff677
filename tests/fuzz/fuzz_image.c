/* SPDX-License-Identifier: Apache-2.0 */
/* Images: sound ones with patches, checksum put right, so that only the deep check stands between
 * a patch and the matcher.
 *
 * Input: a byte that chooses the inventory (255: the rest is a whole image instead), then patches
 * of eight bytes:
 *
 *     0         1      2          4                8
 *     +---------+------+----------+----------------+
 *     | section | what | position | value          |
 *     +---------+------+----------+----------------+
 *
 * Section 0 is header and section table. Positions count 4 bytes and wrap at the section's end.
 * `what` chooses between a value, a sum, a bit, the value of another position, and (RECORD) a copy
 * of another record. */
#include <xxhash.h>

#include "image_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The fuzzer's own mutations; not there when the corpus is replayed. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

static const char *const inventories[] = {
    "{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"\\\"a b\\\"\",\"\\\"a\\\"\","
    "\"\\\"a b c\\\"\",\"\\\"d e\\\"\"]}\n"
    "{\"id\":\"b\",\"advertiser\":\"y\",\"bid\":2,\"keywords\":[\"\\\"a b\\\"\",\"\\\"f\\\"\"]}\n",
    "{\"type\":\"inventory\",\"language\":\"en\",\"broad_window\":5}\n"
    "{\"type\":\"campaign\",\"id\":\"c1\",\"advertiser\":\"acme\",\"priority\":1,"
    "\"negative_keywords\":[\"free\",\"\\\"e "
    "f\\\"\"],\"labels\":[\"l\"],\"exclude_labels\":[\"m\"],"
    "\"timezone\":\"Longyearbyen\",\"targeting\":{\"hour\":[1,2,167],\"country\":[\"US\"]}}\n"
    "{\"id\":\"a1\",\"campaign\":\"c1\",\"bid\":1,\"keywords\":[\"a b\",\"\\\"a b c\\\"\",\"[a]\","
    "\"b c d\",\"running\"]}\n"
    "{\"id\":\"a2\",\"campaign\":\"c1\",\"bid\":1,\"keywords\":[\"b\",\"-x\",\"-[a "
    "b]\"],\"sizes\":[\"1x1\",\"2x2\"]}\n"
    "{\"id\":\"a3\",\"advertiser\":\"b\",\"bid\":1,\"keywords\":[\"*\"],\"categories\":[\"IAB7-3\"]"
    ","
    "\"targeting\":{\"not\":{\"country\":[\"US\"]},\"any\":[{\"kv\":{\"k\":[\"v\",\"w\"]}},"
    "{\"hour\":[1]}]}}\n"
    "{\"id\":\"a4\",\"advertiser\":\"c\",\"bid\":2,\"keywords\":[\"*\",\"caf\xc3\xa9\",\"a-word-of-"
    "more-than-sixteen-bytesxxxxxxxxxxxxxxxxxxx\"],\"domain\":\"a.b.c\",\"creative\":{\"a\":1},"
    "\"url\":\"https://a.b/\"}\n",
};
enum { INVENTORIES = 2, RAW = 255, PATCH = 8, RECORD = 255 };

static struct am_image_bytes build(const char *text) {
    struct am_inventory_load_options options = {0};
    struct am_inventory *inventory = NULL;
    struct am_inventory_report report = {0};
    struct am_error error = {0};
    struct am_image_bytes bytes = {0};
    if (am_inventory_load_memory(am_view_of(text), "fuzz", &options, &inventory, &report, &error) ||
        am_build_image(inventory, fuzz_few_zones(), false, &bytes, &error)) {
        fprintf(stderr, "%s\n", error.message);
        abort();
    }
    am_inventory_free(inventory);
    am_inventory_report_free(&report);
    return bytes;
}

static const struct am_image_bytes *base_image(unsigned which) {
    static struct am_image_bytes images[INVENTORIES];
    if (!images[which].data)
        images[which] = build(inventories[which]);
    return &images[which];
}

/* A copy of exactly that size, so that a read past its end is seen. */
static char *copy_aligned(const void *data, size_t size) {
    char *copy = NULL;
    fuzz_require(posix_memalign((void **)&copy, AM_IMAGE_ALIGNMENT, size ? size : 1) == 0);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

static void
section_of(const char *image, size_t size, unsigned section, size_t *begin, size_t *length) {
    struct am_image_section_entry entry = {0};
    *begin = 0;
    *length = sizeof(struct am_image_header) + AM_SECTIONS * sizeof entry;
    if (section == 0)
        return;
    memcpy(&entry, image + sizeof(struct am_image_header) + (section - 1) * sizeof entry,
           sizeof entry);
    if (entry.offset < size && entry.count && entry.record_size &&
        entry.count <= (size - entry.offset) / entry.record_size) {
        if (entry.count * entry.record_size >= 4) {
            *begin = entry.offset;
            *length = entry.count * entry.record_size;
        }
    }
}

/* Copies the record `value` of a section over the one that has the position. */
static void copy_record(char *image, size_t size, unsigned section, size_t at, uint32_t value) {
    struct am_image_section_entry entry;
    size_t begin, length;
    section_of(image, size, section, &begin, &length);
    memcpy(&entry,
           image + sizeof(struct am_image_header) +
               (section ? section - 1 : 0) * sizeof(struct am_image_section_entry),
           sizeof entry);
    size_t records = entry.record_size ? length / entry.record_size : 0;
    if (section == 0 || records == 0 || begin == 0)
        return;
    size_t to = at / entry.record_size % records, from = value % records;
    memmove(image + begin + to * entry.record_size, image + begin + from * entry.record_size,
            entry.record_size);
}

AM_WRAPS static void patch(char *image, size_t size, const uint8_t *data) {
    uint16_t position;
    uint32_t value, old;
    size_t begin, length;
    memcpy(&position, data + 2, sizeof position);
    memcpy(&value, data + 4, sizeof value);
    section_of(image, size, data[0] % (AM_SECTIONS + 1), &begin, &length);
    if (data[1] == RECORD) {
        copy_record(image, size, data[0] % (AM_SECTIONS + 1), (size_t)position * 4, value);
        return;
    }
    char *at = image + begin + (size_t)position * 4 % length / 4 * 4;
    memcpy(&old, at, sizeof old);
    switch (data[1] % 4) {
    case 0:
        old = value;
        break;
    case 1:
        old += (uint32_t)(int32_t)(int8_t)value;
        break;
    case 2:
        old ^= UINT32_C(1) << (value & 31);
        break;
    default:
        memcpy(&old, image + begin + (size_t)value % (length / 4) * 4, sizeof old);
    }
    memcpy(at, &old, sizeof old);
}

static void put_checksum_right(char *image, size_t size) {
    size_t checked = offsetof(struct am_image_header, total_size);
    uint64_t checksum = XXH3_64bits(image + checked, size - checked);
    memcpy(image + offsetof(struct am_image_header, checksum), &checksum, sizeof checksum);
}

static void use(const char *bytes, size_t size) {
    struct am_image *image = NULL;
    struct am_error error = {0};
    if (am_image_open_memory(bytes, size, "test", &image, &error) == AM_OK &&
        am_image_verify(image, &error) == AM_OK)
        fuzz_use_image(image);
    else
        fuzz_require(error.message[0] != '\0');
    am_image_close(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    char *image;
    size_t image_size;
    if (data[0] == RAW) {
        image_size = size - 1;
        image = copy_aligned(data + 1, image_size);
    } else {
        const struct am_image_bytes *base = base_image(data[0] % INVENTORIES);
        image_size = base->size;
        image = copy_aligned(base->data, image_size);
        for (size_t at = 1; at + PATCH <= size; at += PATCH)
            patch(image, image_size, data + at);
    }
    if (image_size >= sizeof(struct am_image_header))
        put_checksum_right(image, image_size);
    use(image, image_size);
    free(image);
    return 0;
}

/* ---- mutations --------------------------------------------------------------------------------
 *
 * Half of them are the fuzzer's own. The others keep to patches: of a field of some record, with a
 * value that this field, a neighbour or a count of the image could have, or just not. */

AM_WRAPS static uint32_t draw(uint64_t *state, uint32_t below) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33) % below;
}

static struct am_image_section_entry entry_of(const struct am_image_bytes *image,
                                              uint32_t section) {
    struct am_image_section_entry entry;
    memcpy(&entry,
           (const char *)image->data + sizeof(struct am_image_header) +
               (section - 1) * sizeof entry,
           sizeof entry);
    return entry;
}

AM_WRAPS static uint32_t draw_value(const struct am_image_bytes *image, uint64_t *state) {
    static const uint32_t ends[] = {0,         1,         2,          AM_NONE,  AM_NONE - 1,
                                    1u << 31u, INT32_MAX, UINT16_MAX, 1u << 24u};
    uint32_t count, value;
    switch (draw(state, 4)) {
    case 0:
        return ends[draw(state, AM_COUNT_OF(ends))];
    case 1:
        count = (uint32_t)entry_of(image, 1 + draw(state, AM_SECTIONS)).count;
        return count - 1 + draw(state, 3);
    case 2:
        memcpy(&value, (const char *)image->data + (size_t)draw(state, image->size / 4) * 4, 4);
        return value;
    default:
        return draw(state, 64);
    }
}

static void draw_patch(uint8_t *at, const struct am_image_bytes *image, uint64_t *state) {
    uint32_t section = draw(state, AM_SECTIONS + 1), value = draw_value(image, state);
    uint32_t position = draw(state, UINT16_MAX);
    if (section) {
        struct am_image_section_entry entry = entry_of(image, section);
        uint32_t record = entry.count ? draw(state, (uint32_t)entry.count) : 0;
        position = (record * entry.record_size + draw(state, entry.record_size)) / 4;
    }
    uint16_t place = (uint16_t)position;
    at[0] = (uint8_t)section;
    at[1] = (uint8_t)draw(state, 5);
    if (at[1] == 4)
        at[1] = RECORD;
    memcpy(at + 2, &place, sizeof place);
    memcpy(at + 4, &value, sizeof value);
}

/* One part of a patch is drawn anew. */
AM_WRAPS static void
change_patch(uint8_t *at, const struct am_image_bytes *image, uint64_t *state) {
    uint8_t drawn[PATCH];
    uint16_t place;
    draw_patch(drawn, image, state);
    memcpy(&place, at + 2, sizeof place);
    switch (draw(state, 4)) {
    case 0:
        at[1] = drawn[1];
        break;
    case 1:
        place = (uint16_t)(place + draw(state, 5) - 2);
        memcpy(at + 2, &place, sizeof place);
        break;
    case 2:
        memcpy(at + 2, drawn + 2, sizeof place);
        break;
    default:
        memcpy(at + 4, drawn + 4, 4);
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    uint64_t state = seed;
    if (size == 0 || data[0] == RAW || max_size < 1 + PATCH || draw(&state, 2))
        return LLVMFuzzerMutate(data, size, max_size);
    const struct am_image_bytes *image = base_image(data[0] % INVENTORIES);
    uint32_t patches = (uint32_t)((size - 1) / PATCH), chosen = patches ? draw(&state, patches) : 0;
    uint8_t *at = data + 1 + (size_t)chosen * PATCH, *end = data + 1 + (size_t)patches * PATCH;
    uint32_t what = draw(&state, 8);
    if (patches == 0 || (what < 3 && 1 + (size_t)(patches + 1) * PATCH <= max_size)) {
        draw_patch(end, image, &state);
        return (size_t)(end - data) + PATCH;
    }
    if (what == 3 && patches > 1) {
        memmove(at, at + PATCH, (size_t)(end - at) - PATCH);
        return (size_t)(end - data) - PATCH;
    }
    change_patch(at, image, &state);
    return (size_t)(end - data);
}
