/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger's live file: a sound one with patches, so that the deep check is all that is between a
 * patch and its use.
 *
 * Input: patches of eight bytes:
 *
 *     0         1      2          4                8
 *     +---------+------+----------+----------------+
 *     | section | what | position | value          |
 *     +---------+------+----------+----------------+
 *
 * Positions count 4 bytes and wrap at the end of what is in use of the section. Mutexes and the
 * geometry, which has a checksum, are left alone. */
#include "ledger_target.h"

enum { PATCH = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is in use of a section. */
static void part_of(const struct am_ledger *ledger, unsigned section, char **begin, size_t *size) {
    const struct am_ledger_live_header *header = ledger->header;
    const uint64_t used[AM_LEDGER_LIVE_SECTIONS] = {
        [AM_LEDGER_SECTION_RECORDS] = header->records_used * sizeof(struct am_ledger_record),
        [AM_LEDGER_SECTION_LIMITS] = header->limits_used * sizeof(struct am_ledger_limit),
        [AM_LEDGER_SECTION_TEXTS] = header->texts_used * (uint64_t)AM_LEDGER_LIVE_TEXT_UNIT,
    };
    *begin = (char *)ledger->base + ledger->begins[section];
    *size = ledger->begins[section + 1] - ledger->begins[section];
    if (section >= AM_LEDGER_SECTION_POOLS)
        *size =
            header->pools[section - AM_LEDGER_SECTION_POOLS].used *
            am_ledger_live_item_size((enum am_ledger_pool_id)(section - AM_LEDGER_SECTION_POOLS));
    else if (used[section])
        *size = used[section];
    else if (section == AM_LEDGER_SECTION_ZONES)
        *size = header->zones_used * sizeof(struct am_ledger_zone);
}

AM_WRAPS static void patch(struct am_ledger *ledger, const uint8_t *data) {
    static const size_t lock_begin = offsetof(struct am_ledger_live_header, lock);
    unsigned section = data[0] % AM_LEDGER_LIVE_SECTIONS;
    uint16_t position;
    uint32_t value, old;
    char *begin;
    size_t size;
    memcpy(&position, data + 2, sizeof position);
    memcpy(&value, data + 4, sizeof value);
    part_of(ledger, section, &begin, &size);
    if (section == AM_LEDGER_SECTION_MEMBERS || size < 4)
        return;
    size_t at = (size_t)position * 4 % size / 4 * 4;
    if (section == AM_LEDGER_SECTION_HEADER) {
        at = (size_t)position * 4 % sizeof(struct am_ledger_live_header) / 4 * 4;
        if (at < offsetof(struct am_ledger_live_header, state) ||
            (at >= lock_begin && at < lock_begin + 128))
            return;
    }
    memcpy(&old, begin + at, sizeof old);
    switch (data[1] % 3) {
    case 0:
        old = value;
        break;
    case 1:
        old += (uint32_t)(int32_t)(int8_t)value;
        break;
    default:
        old ^= UINT32_C(1) << (value & 31);
    }
    memcpy(begin + at, &old, sizeof old);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct am_ledger *ledger = fuzz_open(NULL, NULL);
    struct am_ledger_worker *worker = NULL;
    fuzz_require(am_ledger_worker_new(ledger, &worker, NULL) == AM_OK);
    fuzz_step(worker, FUZZ_DAY);
    fuzz_publish(ledger, 4, FUZZ_DAY);
    struct am_delivery_map *map = fuzz_map(ledger);
    for (uint64_t sequence = 10; sequence < 14; sequence++)
        fuzz_place(worker, map, sequence);
    fuzz_event(worker, map, 10, true);
    fuzz_event(worker, map, 11, false);
    am_delivery_map_close(map);
    fuzz_require(am_ledger_verify(ledger) == NULL);
    ledger->header->published = 0; /* whatever is published next is newer */
    for (size_t at = 0; at + PATCH <= size; at += PATCH)
        patch(ledger, data + at);
    if (am_ledger_verify(ledger) == NULL)
        fuzz_use(ledger, worker);
    am_ledger_worker_free(worker);
    am_ledger_close(ledger);
    return 0;
}
