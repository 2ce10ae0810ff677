/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots of a ledger: DIR/snapshot-N. Private to the room.
 *
 *     header, 256 bytes       checksum XXH3-64 of all bytes behind it; then one of the header
 *     traffic                 struct am_ledger_traffic_counts
 *     zones                   64 bytes each, the first one is UTC
 *     curves, hours           their contents, by number
 *     schedules               16 bytes each
 *     positions               24 bytes a slot that has one
 *     records                 each: struct am_ledger_snapshot_record, its id, zeros to a multiple
 * of 8, and a struct am_ledger_snapshot_limit for each limit
 *
 * Counts of all records and positions of all slots are of one moment; the rest is of a moment soon
 * after it. Little-endian. Written under another name, synced, renamed, and the folder synced: a
 * torn one has a wrong checksum, and the one before it is used. */
#ifndef AM_DELIVERY_SNAPSHOT_H
#define AM_DELIVERY_SNAPSHOT_H

#include "live.h"

#define AM_LEDGER_SNAPSHOT_MAGIC "AMSNAPS\x1A"

struct am_ledger_snapshot_header {
    char magic[8];
    uint32_t version;
    uint32_t header_size;
    uint64_t header_checksum; /* XXH3-64 of the rest of the header */
    uint64_t checksum;        /* of what is behind the header */
    uint64_t size;            /* of the file */
    int64_t time;
    uint64_t sequence;
    uint8_t reserved[24];
    char currency[4];
    uint16_t host, epoch;
    uint32_t zones, curves, hours, schedules, positions, records;
    uint32_t slots; /* of the ledger: positions are of those */
    uint8_t padding[140];
};
_Static_assert(sizeof(struct am_ledger_snapshot_header) == 256, "the header of a snapshot");

struct am_ledger_snapshot_position {
    uint32_t slot, reserved;
    struct am_ledger_position position;
};

struct am_ledger_snapshot_record {
    int64_t total[AM_LEDGER_UNITS], before[AM_LEDGER_UNITS];
    uint64_t above;
    int64_t start, end;
    int32_t day, gone;
    uint16_t zone;
    uint8_t kind, flags;
    uint8_t id_size;
    uint8_t limits; /* bit unit: there is one */
    uint8_t reserved[2];
};
_Static_assert(sizeof(struct am_ledger_snapshot_record) == 88, "a record of a snapshot");

struct am_ledger_snapshot_limit {
    int64_t total, daily;
    int64_t u0;
    uint64_t w0, b_weight;
    int64_t t0, b;
    int64_t line; /* of the window */
    uint32_t schedule, flags;
};
_Static_assert(sizeof(struct am_ledger_snapshot_limit) == 72, "a limit of a snapshot");

/* An open snapshot: its bytes, checked against its checksum. */
struct am_ledger_snapshot_file;

uint64_t am_ledger_snapshot_header_checksum(const struct am_ledger_snapshot_header *header);

/* The name of a snapshot. */
void am_ledger_snapshot_path(const char *folder, uint64_t number, char *path, size_t size);

/* The newest sound one of a folder; NULL when there is none at all. AM_E_CORRUPT: there are some,
 * and none is sound. AM_E_VERSION: the newest is of another version. */
enum am_code am_ledger_snapshot_open(const char *folder,
                                     struct am_ledger_snapshot_file **snapshot,
                                     struct am_error *error);
/* The same of bytes that stay the caller's. */
enum am_code am_ledger_snapshot_open_memory(const void *bytes,
                                            size_t size,
                                            struct am_ledger_snapshot_file **opened,
                                            struct am_error *error);
void am_ledger_snapshot_close(struct am_ledger_snapshot_file *snapshot);

uint32_t am_ledger_snapshot_records(const struct am_ledger_snapshot_file *snapshot);
uint32_t am_ledger_snapshot_slots(const struct am_ledger_snapshot_file *snapshot);

/* Sets what a new live file has from the snapshot. AM_E_INVALID: it is in another currency. */
enum am_code am_ledger_snapshot_account(const struct am_ledger_snapshot_file *snapshot,
                                        struct am_ledger_live_geometry *geometry,
                                        struct am_error *error);

/* Fills a new live file. AM_E_CORRUPT: the bytes contradict themselves. AM_E_LIMIT: no room. */
enum am_code am_ledger_snapshot_load(const struct am_ledger_snapshot_file *snapshot,
                                     struct am_ledger *ledger,
                                     struct am_error *error);

#endif
