/* SPDX-License-Identifier: Apache-2.0 */
/* All maps of the ledger: what the holder opens, refreshes and removes. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chains.h"
#include "store.h"

enum { LOOK_SECONDS = 1, KEEP_SECONDS = 60 };

/* The maps that this process keeps for the step, opened once. */
static bool is_kept(const struct am_ledger *ledger, uint64_t generation) {
    for (const struct am_delivery_map *map = ledger->maps; map; map = map->next)
        if (map->header->generation == generation)
            return true;
    return false;
}

/* "map-" and 16 hexadecimal digits. */
static bool generation_of(const char *name, uint64_t *generation) {
    static const char prefix[] = "map-";
    char *end;
    if (strncmp(name, prefix, sizeof prefix - 1) != 0)
        return false;
    *generation = strtoull(name + sizeof prefix - 1, &end, 16);
    return end == name + sizeof prefix - 1 + 16 && *end == '\0';
}

static void keep(struct am_ledger *ledger, const char *name) {
    uint64_t generation;
    struct am_delivery_map_header header;
    char path[PATH_MAX + 300];
    struct am_delivery_map *map;
    if (!generation_of(name, &generation) || is_kept(ledger, generation))
        return;
    snprintf(path, sizeof path, "%s/%s", ledger->home, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool read = fd >= 0 && pread(fd, &header, sizeof header, 0) == sizeof header;
    if (fd >= 0)
        close(fd);
    if (!read || am_delivery_map_open(ledger, generation, header.ads, &map, NULL) != AM_OK)
        return;
    map->kept = true;
    map->next = ledger->maps;
    ledger->maps = map;
}

/* Removes the map when nobody else has it mapped: each process keeps a shared lock of its file. */
static bool is_unused(struct am_delivery_map *map, int64_t now) {
    struct stat status;
    if (fstat(map->fd, &status) != 0 || now - status.st_mtime < KEEP_SECONDS)
        return false;
    if (flock(map->fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    (void)flock(map->fd, LOCK_SH | LOCK_NB); /* trying has lost it */
    return false;
}

static void look(struct am_ledger *ledger, int64_t now) {
    DIR *folder = opendir(ledger->home);
    struct dirent *entry;
    while (folder && (entry = readdir(folder)))
        keep(ledger, entry->d_name);
    if (folder)
        closedir(folder);
    for (struct am_delivery_map **link = &ledger->maps; *link;) {
        struct am_delivery_map *map = *link;
        if (!is_unused(map, now)) {
            link = &map->next;
            continue;
        }
        char path[PATH_MAX + 48];
        snprintf(path, sizeof path, "%s/map-%016llx", ledger->home,
                 (unsigned long long)map->header->generation);
        unlink(path);
        am_delivery_map_close(map);
    }
}

void am_delivery_maps_look(struct am_ledger *ledger) {
    ledger->maps_looked = 0;
}

void am_delivery_maps_refresh(struct am_ledger *ledger, int64_t now) {
    if (ledger->fd >= 0 &&
        (now >= ledger->maps_looked + LOOK_SECONDS || now < ledger->maps_looked)) {
        look(ledger, now);
        ledger->maps_looked = now;
    }
    for (struct am_delivery_map *map = ledger->maps; map; map = map->next)
        am_delivery_map_refresh(map);
}

bool am_delivery_maps_refer_to(const struct am_ledger *ledger, uint32_t cell) {
    for (const struct am_delivery_map *map = ledger->maps; map; map = map->next)
        for (uint32_t i = 1; i < map->header->used; i++)
            for (unsigned kind = 0; kind < AM_LEDGER_KINDS; kind++)
                if (map->chains[i].cells[kind] == cell)
                    return true;
    return false;
}

void am_delivery_maps_close(struct am_ledger *ledger) {
    while (ledger->fd >= 0 && ledger->maps)
        am_delivery_map_close(ledger->maps);
}
