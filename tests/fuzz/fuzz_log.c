/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as files of an event log, of names, and of a saved ring; what loads is used: walked,
 * added up, merged, looked up, claimed. The first byte says which. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "../../plugin/events/merge.h"
#include "../../plugin/events/names.h"
#include "../../plugin/events/recount.h"
#include "../../plugin/events/ring.h"
#include "../../plugin/model/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LANES = 4 };
#define BLOCKS UINT64_C(8)
#define NOON (INT64_C(20788) * 86400 + 43200) /* 2026-12-01T12:00:00Z */
static char folder[] = "/dev/shm/admatch-fuzz-log-XXXXXX";
static int folder_file;

static void require(bool holds) {
    if (!holds)
        abort();
}

static void remove_folder(void) {
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    require(system(command) == 0);
}

static void start(void) {
    if (folder_file)
        return;
    require(mkdtemp(folder) != NULL);
    folder_file = open(folder, O_RDONLY | O_DIRECTORY);
    require(folder_file > 0 && mkdirat(folder_file, "log", 0700) == 0 &&
            mkdirat(folder_file, "names", 0700) == 0 && mkdirat(folder_file, "tmpfs", 0700) == 0);
    atexit(remove_folder);
}

static void write_file(const char *name, const uint8_t *data, size_t size) {
    int file = openat(folder_file, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    require(file >= 0 && write(file, data, size) == (ssize_t)size);
    close(file);
}

static void path_of(const char *name, char path[64]) {
    snprintf(path, 64, "%s/%s", folder, name);
}

/* ---- the log ---- */

static bool read_items(void *context, const struct am_journal_walked *line) {
    struct am_journal_record record;
    (void)context;
    if (!am_journal_scan(line->text, &record))
        return true;
    for (int member = 0; member < AM_JOURNAL_MEMBERS; member++) {
        struct am_view value = record.values[member], item;
        char *memory = malloc(value.size + 1);
        require(memory != NULL);
        struct am_view text = am_journal_text(value, memory);
        require(text.size <= value.size);
        for (size_t at = 0; am_journal_item(value, &at, &item);) {
            struct am_journal_cell cell;
            (void)am_journal_cell_read(item, &cell);
        }
        free(memory);
    }
    return true;
}

static void use_log(const uint8_t *data, size_t size) {
    struct am_journal_walk_report report;
    struct am_journal_bounds bounds = {.count = 0};
    struct am_journal_merge *merge;
    struct am_view line;
    bool more = true;
    char path[64];
    uint64_t lines = 0;
    size_t half = size / 2; /* two lanes */
    write_file("log/w0-2026120110.jsonl", data, half);
    write_file("log/w3-2026120110.1.jsonl", data + half, size - half);
    path_of("log", path);
    require(am_journal_walk(path, &bounds, read_items, NULL, &report, NULL) == AM_OK);
    for (int whole = 0; whole < 2; whole++) {
        struct am_journal_recount recount;
        struct am_journal_recount_options options = {.folder = path, .whole = whole};
        enum am_code code = am_journal_recount(&options, &recount, NULL);
        require(code == AM_OK || (code == AM_E_CORRUPT && !whole));
        am_journal_recount_free(&recount);
    }
    require(am_journal_merge_open(path, INT64_MIN, false, &merge, NULL) == AM_OK);
    while (am_journal_merge_next(merge, &line, &more, NULL) == AM_OK && more)
        lines++;
    require(lines == report.lines);
    am_journal_merge_close(merge);
}

/* A packed file may be damaged anywhere. */
static void use_packed(const uint8_t *data, size_t size) {
    struct am_journal_walk_report report;
    struct am_journal_bounds bounds = {.count = 0};
    char path[64];
    unlinkat(folder_file, "log/w0-2026120110.jsonl", 0);
    unlinkat(folder_file, "log/w3-2026120110.1.jsonl", 0);
    write_file("log/w1-2026120110.jsonl.gz", data, size);
    path_of("log", path);
    enum am_code code = am_journal_walk(path, &bounds, read_items, NULL, &report, NULL);
    require(code == AM_OK || code == AM_E_CORRUPT);
    unlinkat(folder_file, "log/w1-2026120110.jsonl.gz", 0);
}

/* ---- names ---- */

static void use_names(const uint8_t *data, size_t size) {
    static struct am_event_ad_memory memory;
    struct am_event_names *names;
    char tmpfs[64];
    path_of("tmpfs", tmpfs);
    unlinkat(folder_file, "tmpfs/names-2026-12-01", 0);
    unlinkat(folder_file, "tmpfs/names-2026-11-30", 0);
    unlinkat(folder_file, "names/2026-12-01.index", 0);
    write_file("names/2026-12-01.jsonl", data, size);
    require(am_event_names_open(folder, tmpfs, 0, &names, NULL) == AM_OK);
    uint64_t ad = am_model_key(AM_RECORD_AD, AM_VIEW("a1"));
    require(am_event_names_tidy(names, NOON + INT64_C(3) * 86400, false, NULL) == AM_OK);
    bool by_index = am_event_names_find(names, NOON, ad, 0, &memory);
    require(am_event_names_restore(names, NOON, NULL) == AM_OK);
    bool by_table = am_event_names_find(names, NOON, ad, 0, &memory);
    require(by_index == by_table);
    require(!by_table || am_view_equal(memory.names.ad, AM_VIEW("a1")));
    am_event_names_close(names);
}

/* ---- the ring ---- */

/* With a right check, which no fuzzer finds. */
static void write_index(const uint8_t *data, size_t size) {
    uint8_t *index = malloc(size + sizeof(uint64_t));
    require(index != NULL);
    size_t before = size < sizeof(uint64_t) ? size : size - sizeof(uint64_t);
    uint64_t check = XXH3_64bits(data, before);
    memcpy(index, data, before);
    memcpy(index + before, &check, sizeof check);
    write_file("ring-index", index, before + sizeof check);
    free(index);
}

static void use_ring(const uint8_t *data, size_t size) {
    uint64_t bytes = BLOCKS * AM_EVENT_RING_BLOCK_BYTES;
    struct am_journal_position lanes[LANES];
    struct am_event_ring_loaded loaded = {lanes, LANES, 0};
    size_t ring_size = (am_event_ring_size(bytes) + 63) / 64 * 64;
    struct am_event_ring *ring = aligned_alloc(64, ring_size);
    require(ring != NULL);
    memset(ring, 0, ring_size);
    am_event_ring_start(ring, bytes, size, 1000);
    write_index(data, size);
    write_file("ring", data, size);
    (void)am_event_ring_load(ring, folder_file, &loaded, NULL);
    for (uint64_t sequence = 0; sequence < UINT64_C(4) * AM_EVENT_RING_BLOCK; sequence += 17) {
        enum am_event_claim claim = am_event_ring_claim(ring, sequence, AM_EVENT_RING_IMPRESSION);
        require(claim != AM_EVENT_FIRST ||
                am_event_ring_claim(ring, sequence, AM_EVENT_RING_IMPRESSION) == AM_EVENT_REPEAT);
    }
    require(am_event_ring_advance(ring, UINT64_C(9) * AM_EVENT_RING_BLOCK, 0, 1000));
    free(ring);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const uses[])(const uint8_t *, size_t) = {use_log, use_packed, use_names,
                                                            use_ring};
    start();
    if (size)
        uses[data[0] % 4](data + 1, size - 1);
    return 0;
}
