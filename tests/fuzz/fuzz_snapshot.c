/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger's snapshot: a sound one with patches, both checksums put right.
 *
 * Input: patches of eight bytes, position and value, each 4 bytes; or, where the first position is
 * 0xFFFFFFFF, the bytes of a whole snapshot behind it. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "../../plugin/delivery/snapshot.h"
#include "ledger_target.h"

enum { PATCH = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned char base[1 << 16];
static size_t base_size;

/* Written once, by the ledger itself. */
static void make_base(void) {
    char folder[] = "/tmp/admatch-fuzz-XXXXXX", path[64], command[64];
    fuzz_require(mkdtemp(folder) != NULL);
    struct am_ledger *ledger = fuzz_open(folder, folder);
    struct am_ledger_worker *worker = NULL;
    fuzz_require(am_ledger_worker_new(ledger, &worker, NULL) == AM_OK);
    fuzz_step(worker, FUZZ_DAY);
    fuzz_publish(ledger, 4, FUZZ_DAY);
    fuzz_require(am_ledger_snapshot(ledger, FUZZ_DAY, NULL) == AM_OK);
    am_ledger_worker_free(worker);
    am_ledger_close(ledger);
    am_ledger_snapshot_path(folder, 1, path, sizeof path);
    int fd = open(path, O_RDONLY);
    ssize_t got = read(fd, base, sizeof base);
    close(fd);
    fuzz_require(got > 0 && got < (ssize_t)sizeof base);
    base_size = (size_t)got;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    fuzz_require(system(command) == 0);
}

static void put_right(unsigned char *bytes, size_t size) {
    struct am_ledger_snapshot_header header;
    if (size < sizeof header)
        return;
    memcpy(&header, bytes, sizeof header);
    header.size = size;
    header.checksum = XXH3_64bits(bytes + sizeof header, size - sizeof header);
    header.header_checksum = am_ledger_snapshot_header_checksum(&header);
    memcpy(bytes, &header, sizeof header);
}

static void use(const unsigned char *bytes, size_t size) {
    struct am_ledger_snapshot_file *snapshot = NULL;
    if (am_ledger_snapshot_open_memory(bytes, size, &snapshot, NULL) != AM_OK)
        return;
    struct am_ledger *ledger = fuzz_open(NULL, NULL);
    struct am_ledger_worker *worker = NULL;
    if (am_ledger_snapshot_load(snapshot, ledger, NULL) == AM_OK &&
        am_ledger_verify(ledger) == NULL) {
        ledger->header->published = 0;
        fuzz_require(am_ledger_worker_new(ledger, &worker, NULL) == AM_OK);
        fuzz_use(ledger, worker);
        am_ledger_worker_free(worker);
    }
    am_ledger_close(ledger);
    am_ledger_snapshot_close(snapshot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint32_t whole = UINT32_MAX;
    if (!base_size)
        make_base();
    bool raw = size >= PATCH && memcmp(data, &whole, sizeof whole) == 0;
    size_t length = raw ? size - sizeof whole : base_size;
    unsigned char *bytes = malloc(length);
    fuzz_require(bytes != NULL);
    memcpy(bytes, raw ? data + sizeof whole : base, length);
    for (size_t at = 0; !raw && at + PATCH <= size; at += PATCH) {
        uint32_t position;
        memcpy(&position, data + at, sizeof position);
        memcpy(bytes + position % (length - 4), data + at + 4, 4);
    }
    put_right(bytes, length);
    use(bytes, length);
    free(bytes);
    return 0;
}
