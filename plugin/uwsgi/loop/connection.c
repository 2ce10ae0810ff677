/* SPDX-License-Identifier: Apache-2.0 */
#include "connection.h"

#include <assert.h>

#include "../../base/reserve.h"

enum {
    SAMPLE = 64,
    GENERATIONS = INT32_MAX, /* so that keys stay below 1 << 63 */
};

static struct {
    struct am_loop_connection *entries;
    struct am_loop_connection *free; /* by `queued` */
    uint32_t capacity;
    uint32_t used; /* entries used at least once; the rest is untouched */
    uint32_t count;
    uint32_t hand; /* of am_loop_connection_least_recent */
} table;

bool am_loop_connections_start(uint32_t capacity) {
    memset(&table, 0, sizeof table);
    table.entries = am_memory_reserve(capacity * sizeof *table.entries);
    table.capacity = capacity;
    return table.entries;
}

uint32_t am_loop_connections_count(void) {
    return table.count;
}

bool am_loop_connections_full(void) {
    return table.count == table.capacity;
}

static struct am_loop_connection *take_entry(void) {
    struct am_loop_connection *entry = table.free;
    if (entry)
        table.free = entry->queued;
    else if (table.used < table.capacity)
        entry = &table.entries[table.used++];
    return entry;
}

struct am_loop_connection *am_loop_connection_new(int fd) {
    struct am_loop_connection *connection = take_entry();
    if (!connection)
        return NULL;
    *connection = (struct am_loop_connection){
        .fd = fd, .state = AM_LOOP_IDLE, .generation = connection->generation};
    table.count++;
    return connection;
}

void am_loop_connection_free(struct am_loop_connection *connection) {
    assert(connection->state != AM_LOOP_FREE && !connection->ready);
    am_loop_wheel_cancel(&connection->timer);
    am_loop_pending_free(&connection->head);
    am_loop_pending_free(&connection->input);
    am_loop_pending_free(&connection->output);
    connection->state = AM_LOOP_FREE;
    connection->generation = (connection->generation + 1) & GENERATIONS;
    connection->queued = table.free;
    table.free = connection;
    table.count--;
}

uint64_t am_loop_connection_key(const struct am_loop_connection *connection) {
    return (uint64_t)connection->generation << 32 | (uint32_t)(connection - table.entries);
}

struct am_loop_connection *am_loop_connection_of_key(uint64_t key) {
    struct am_loop_connection *connection = &table.entries[(uint32_t)key];
    bool same = connection->generation == key >> 32 && connection->state != AM_LOOP_FREE;
    return same ? connection : NULL;
}

bool am_loop_connection_is_idle(const struct am_loop_connection *connection) {
    return connection->state == AM_LOOP_IDLE && connection->input.size == 0;
}

struct am_loop_connection *am_loop_connection_least_recent(int64_t deadline) {
    struct am_loop_connection *found = NULL;
    for (uint32_t i = 0; i < SAMPLE && i < table.used; i++) {
        struct am_loop_connection *connection = &table.entries[table.hand++ % table.used];
        if (!am_loop_connection_is_idle(connection) || connection->timer.deadline > deadline)
            continue;
        if (!found || connection->timer.deadline < found->timer.deadline)
            found = connection;
    }
    return found;
}

struct am_loop_connection *am_loop_connection_next(struct am_loop_connection *connection) {
    connection = connection ? connection + 1 : table.entries;
    while (connection < table.entries + table.used && connection->state == AM_LOOP_FREE)
        connection++;
    return connection < table.entries + table.used ? connection : NULL;
}
