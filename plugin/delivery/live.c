/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <xxhash.h>

enum {
    CELLS_MAX = 1 << 24,
    PLACEMENTS_MAX = 1 << 24,
    TEXTS_PER_CELL = 256 / AM_LEDGER_LIVE_TEXT_UNIT,
};

static uint32_t power_of_two(uint64_t at_least) {
    uint32_t power = 16;
    while (power < at_least)
        power *= 2;
    return power;
}

static uint32_t or_default(uint32_t value, uint32_t otherwise) {
    return value ? value : otherwise;
}

uint32_t am_ledger_live_cells(const struct am_ledger_options *options) {
    return or_default(options->cells, AM_LEDGER_MIN_CELLS);
}

uint32_t am_ledger_live_slots(const struct am_ledger_options *options) {
    return or_default(options->slots, AM_LEDGER_SLOTS);
}

enum am_code am_ledger_live_geometry_of(const struct am_ledger_options *options,
                                        struct am_ledger_live_geometry *geometry,
                                        struct am_error *error) {
    uint32_t cells = am_ledger_live_cells(options);
    uint32_t placements = or_default(options->placements, AM_LEDGER_PLACEMENTS);
    uint32_t slots = am_ledger_live_slots(options);
    if (cells > CELLS_MAX || placements > PLACEMENTS_MAX || slots > AM_LEDGER_LIVE_SLOTS_MAX)
        return am_error_set(error, AM_E_INVALID,
                            "a ledger has at most %d cells, %d placements in flight and %d slots",
                            CELLS_MAX, PLACEMENTS_MAX, AM_LEDGER_LIVE_SLOTS_MAX);
    *geometry = (struct am_ledger_live_geometry){
        .cells = cells,
        .limits = cells * AM_LEDGER_UNITS,
        .placements = (placements + AM_LEDGER_BUCKET - 1) / AM_LEDGER_BUCKET * AM_LEDGER_BUCKET,
        .slots = slots,
        .texts = cells * TEXTS_PER_CELL,
        .pools = {[AM_LEDGER_POOL_SCHEDULES] = cells / 2 + AM_LEDGER_LIVE_SPARE_ITEMS,
                  [AM_LEDGER_POOL_CURVES] = cells / 4 + AM_LEDGER_LIVE_SPARE_ITEMS,
                  [AM_LEDGER_POOL_HOURS] = cells / 16 + AM_LEDGER_LIVE_SPARE_ITEMS,
                  [AM_LEDGER_POOL_CAP_SETS] = AM_LEDGER_LIVE_CAP_SETS},
        .mutex_size = sizeof(pthread_mutex_t),
    };
    memcpy(geometry->currency, options->currency ? options->currency : "USD", 3);
    uint64_t begins[AM_LEDGER_LIVE_SECTIONS + 1];
    am_ledger_live_places(geometry, begins);
    geometry->size = begins[AM_LEDGER_LIVE_SECTIONS];
    return AM_OK;
}

size_t am_ledger_live_item_size(enum am_ledger_pool_id pool) {
    static const size_t sizes[AM_LEDGER_POOLS] = {
        [AM_LEDGER_POOL_SCHEDULES] = sizeof(struct am_ledger_schedule),
        [AM_LEDGER_POOL_CURVES] = sizeof(struct am_ledger_curve),
        [AM_LEDGER_POOL_HOURS] = sizeof(struct am_ledger_hours),
        [AM_LEDGER_POOL_CAP_SETS] = sizeof(struct am_ledger_cap_set)};
    return sizes[pool];
}

static void section_sizes(const struct am_ledger_live_geometry *geometry, uint64_t sizes[]) {
    sizes[AM_LEDGER_SECTION_HEADER] = AM_LEDGER_LIVE_HEADER;
    sizes[AM_LEDGER_SECTION_MEMBERS] = AM_LEDGER_LIVE_MEMBERS * sizeof(struct am_ledger_member);
    sizes[AM_LEDGER_SECTION_SLOTS] = (uint64_t)geometry->slots * sizeof(struct am_ledger_slot);
    sizes[AM_LEDGER_SECTION_STATES] = (uint64_t)geometry->placements * sizeof(uint64_t);
    sizes[AM_LEDGER_SECTION_PLACEMENTS] =
        (uint64_t)geometry->placements * sizeof(struct am_ledger_placement);
    sizes[AM_LEDGER_SECTION_CALLERS] = AM_LEDGER_LIVE_CALLERS * sizeof(uint16_t);
    sizes[AM_LEDGER_SECTION_DIRECTORY] = (uint64_t)power_of_two(geometry->cells) * sizeof(uint32_t);
    sizes[AM_LEDGER_SECTION_ZONES] = AM_LEDGER_LIVE_ZONES * sizeof(struct am_ledger_zone);
    sizes[AM_LEDGER_SECTION_HEADS] = 0;
    sizes[AM_LEDGER_SECTION_RECORDS] = (uint64_t)geometry->cells * sizeof(struct am_ledger_record);
    sizes[AM_LEDGER_SECTION_LIMITS] = (uint64_t)geometry->limits * sizeof(struct am_ledger_limit);
    sizes[AM_LEDGER_SECTION_TEXTS] = (uint64_t)geometry->texts * AM_LEDGER_LIVE_TEXT_UNIT;
    for (unsigned pool = 0; pool < AM_LEDGER_POOLS; pool++) {
        sizes[AM_LEDGER_SECTION_HEADS] +=
            (uint64_t)power_of_two(geometry->pools[pool]) * sizeof(uint32_t);
        sizes[AM_LEDGER_SECTION_POOLS + pool] =
            (uint64_t)geometry->pools[pool] *
            am_ledger_live_item_size((enum am_ledger_pool_id)pool);
    }
}

bool am_ledger_live_places(const struct am_ledger_live_geometry *geometry, uint64_t begins[]) {
    if (!geometry->cells || geometry->cells > CELLS_MAX ||
        geometry->limits != geometry->cells * AM_LEDGER_UNITS || !geometry->placements ||
        geometry->placements > PLACEMENTS_MAX || geometry->placements % AM_LEDGER_BUCKET ||
        !geometry->slots || geometry->slots > AM_LEDGER_LIVE_SLOTS_MAX || !geometry->texts ||
        geometry->texts > (uint32_t)CELLS_MAX * TEXTS_PER_CELL)
        return false;
    for (unsigned pool = 0; pool < AM_LEDGER_POOLS; pool++)
        if (!geometry->pools[pool] || geometry->pools[pool] > CELLS_MAX)
            return false;
    uint64_t sizes[AM_LEDGER_LIVE_SECTIONS], at = 0;
    section_sizes(geometry, sizes);
    for (unsigned section = 0; section < AM_LEDGER_LIVE_SECTIONS; section++) {
        begins[section] = at;
        at +=
            (sizes[section] + AM_LEDGER_LIVE_PAGE - 1) / AM_LEDGER_LIVE_PAGE * AM_LEDGER_LIVE_PAGE;
    }
    begins[AM_LEDGER_LIVE_SECTIONS] = at;
    return true;
}

uint64_t am_ledger_live_fixed_bytes(const struct am_ledger_live_geometry *geometry) {
    uint64_t begins[AM_LEDGER_LIVE_SECTIONS + 1];
    am_ledger_live_places(geometry, begins);
    return begins[AM_LEDGER_FIXED_SECTIONS];
}

void am_ledger_live_attach(struct am_ledger *ledger) {
    ledger->header = (void *)ledger->base;
    const struct am_ledger_live_geometry *geometry = &ledger->header->geometry;
    am_ledger_live_places(geometry, ledger->begins);
    void *sections[AM_LEDGER_LIVE_SECTIONS];
    for (unsigned section = 0; section < AM_LEDGER_LIVE_SECTIONS; section++)
        sections[section] = ledger->base + ledger->begins[section];
    ledger->members = sections[AM_LEDGER_SECTION_MEMBERS];
    ledger->slots = sections[AM_LEDGER_SECTION_SLOTS];
    ledger->states = sections[AM_LEDGER_SECTION_STATES];
    ledger->placements = sections[AM_LEDGER_SECTION_PLACEMENTS];
    ledger->callers = sections[AM_LEDGER_SECTION_CALLERS];
    ledger->directory = sections[AM_LEDGER_SECTION_DIRECTORY];
    ledger->zones = sections[AM_LEDGER_SECTION_ZONES];
    ledger->records = sections[AM_LEDGER_SECTION_RECORDS];
    ledger->limits = sections[AM_LEDGER_SECTION_LIMITS];
    ledger->texts = sections[AM_LEDGER_SECTION_TEXTS];
    uint32_t *heads = sections[AM_LEDGER_SECTION_HEADS];
    for (unsigned pool = 0; pool < AM_LEDGER_POOLS; pool++) {
        ledger->heads[pool] = heads;
        heads += power_of_two(geometry->pools[pool]);
        ledger->pools[pool] = sections[AM_LEDGER_SECTION_POOLS + pool];
    }
    ledger->directory_mask = power_of_two(geometry->cells) - 1;
}

static bool make_robust(pthread_mutex_t *mutex) {
    pthread_mutexattr_t attributes;
    if (pthread_mutexattr_init(&attributes) != 0)
        return false;
    bool made = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0 &&
                pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0 &&
                pthread_mutex_init(mutex, &attributes) == 0;
    pthread_mutexattr_destroy(&attributes);
    return made;
}

static void start_lists(struct am_ledger *ledger) {
    struct am_ledger_live_header *header = ledger->header;
    const struct am_ledger_live_geometry *geometry = &header->geometry;
    for (uint32_t i = 0; i <= ledger->directory_mask; i++)
        ledger->directory[i] = AM_LEDGER_NO_INDEX;
    header->records_free = header->limits_free = AM_LEDGER_NO_INDEX;
    for (unsigned i = 0; i < AM_LEDGER_LIVE_TEXT_CLASSES; i++)
        header->texts_free[i] = AM_LEDGER_NO_INDEX;
    for (unsigned pool = 0; pool < AM_LEDGER_POOLS; pool++) {
        header->pools[pool].free = AM_LEDGER_NO_INDEX;
        for (uint32_t i = 0, count = power_of_two(geometry->pools[pool]); i < count; i++)
            ledger->heads[pool][i] = AM_LEDGER_NO_INDEX;
    }
    header->pools[AM_LEDGER_POOL_CAP_SETS].used = 1; /* set 0 is none */
    header->zones_used = 1;                          /* zone 0 is UTC */
}

bool am_ledger_live_start(struct am_ledger *ledger,
                          const struct am_ledger_live_geometry *geometry) {
    struct am_ledger_live_header *header = ledger->header;
    memcpy(header->magic, AM_LEDGER_LIVE_MAGIC, sizeof header->magic);
    header->version = AM_LEDGER_FORMAT_VERSION;
    header->header_size = AM_LEDGER_LIVE_HEADER;
    header->geometry = *geometry;
    header->checksum = XXH3_64bits(geometry, sizeof *geometry);
    am_ledger_live_attach(ledger);
    start_lists(ledger);
    bool made = make_robust(&header->lock);
    for (unsigned i = 0; made && i < AM_LEDGER_LIVE_MEMBERS; i++)
        made = make_robust(&ledger->members[i].alive);
    header->state = AM_LEDGER_LIVE_RECOVERING;
    return made;
}

const char *am_ledger_live_problem(const struct am_ledger_live_header *header,
                                   uint64_t size,
                                   enum am_code *code) {
    uint64_t begins[AM_LEDGER_LIVE_SECTIONS + 1];
    *code = AM_E_CORRUPT;
    if (size < AM_LEDGER_LIVE_HEADER ||
        memcmp(header->magic, AM_LEDGER_LIVE_MAGIC, sizeof header->magic) != 0)
        return "it does not begin like one";
    if (header->version != AM_LEDGER_FORMAT_VERSION) {
        *code = AM_E_VERSION;
        return "it has another format version";
    }
    if (header->header_size != AM_LEDGER_LIVE_HEADER)
        return "its header has another size";
    if (header->checksum != XXH3_64bits(&header->geometry, sizeof header->geometry))
        return "its header's checksum is wrong";
    if (header->geometry.mutex_size != sizeof(pthread_mutex_t)) {
        *code = AM_E_VERSION;
        return "it was made with another C library";
    }
    if (!am_ledger_live_places(&header->geometry, begins) ||
        header->geometry.size != begins[AM_LEDGER_LIVE_SECTIONS] || header->geometry.size != size)
        return "its size is not what its header says";
    return NULL;
}

static uint64_t round_up(uint64_t value, uint64_t to) {
    return (value + to - 1) / to * to;
}

enum am_code am_ledger_live_grow(struct am_ledger *ledger,
                                 enum am_ledger_section section,
                                 uint64_t bytes,
                                 struct am_error *error) {
    uint64_t grown = ledger->header->grown[section];
    uint64_t room = ledger->begins[section + 1] - ledger->begins[section];
    if (bytes <= grown)
        return AM_OK;
    uint64_t wanted = round_up(bytes, AM_LEDGER_LIVE_GROWTH);
    if (wanted > room)
        wanted = room;
    if (ledger->fd >= 0) {
        int status;
        do
            status = posix_fallocate(ledger->fd, (off_t)(ledger->begins[section] + grown),
                                     (off_t)(wanted - grown));
        while (status == EINTR);
        errno = status;
        if (status)
            return am_error_set_errno(error, AM_E_LIMIT,
                                      "the ledger cannot grow by %llu bytes of shared memory (%s)",
                                      (unsigned long long)(wanted - grown), ledger->home);
    }
    AM_LEDGER_SET(ledger->header->grown[section], wanted);
    return AM_OK;
}
