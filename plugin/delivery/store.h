/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the ledger: folders, the live file, the table of caps, maps. Private to the room. */
#ifndef AM_DELIVERY_STORE_H
#define AM_DELIVERY_STORE_H

#include "live.h"

/* Opens DIR, making it and its id where they are missing, and checks that it is ours alone; fills
 * folder and home, making home, too. */
enum am_code am_ledger_store_open_folders(struct am_ledger *ledger,
                                          const struct am_ledger_options *options,
                                          struct am_error *error);

/* Removes homes of folders that had DIR's device and inode before it: nobody can use them. With the
 * ledger's lock. */
void am_ledger_store_remove_stale(const struct am_ledger *ledger);

/* DIR belongs to one inventory: writes or compares DIR/owner. */
enum am_code am_ledger_store_check_owner(const struct am_ledger *ledger,
                                         const char *inventory,
                                         struct am_error *error);

/* Makes a file of `size` bytes in the tmpfs, of which the first `fixed` are allocated, and maps it;
 * with a ledger in private memory, memory alone and *fd -1. AM_E_LIMIT: the tmpfs is full. */
enum am_code am_ledger_store_make(const struct am_ledger *ledger,
                                  const char *path,
                                  uint64_t size,
                                  uint64_t fixed,
                                  int *fd,
                                  void **memory,
                                  struct am_error *error);

/* Maps a file of the tmpfs, and keeps a shared lock of it with its descriptor. AM_E_NOT_FOUND:
 * there is none. AM_E_INVALID: not ours alone. */
enum am_code am_ledger_store_map(const struct am_ledger *ledger,
                                 const char *path,
                                 int *fd,
                                 uint64_t *size,
                                 void **memory,
                                 struct am_error *error);

/* The table of caps: makes it where it is missing; maps it where it is there. */
enum am_code am_ledger_store_make_caps(struct am_ledger *ledger, struct am_error *error);
enum am_code am_ledger_store_map_caps(struct am_ledger *ledger, struct am_error *error);

/* Writes a small file whole or not at all. */
enum am_code am_ledger_store_write(const char *path, struct am_view bytes, struct am_error *error);
/* The same where there is none. AM_E_CHANGED: there is one. Of several processes, one makes it. */
enum am_code am_ledger_store_create(const char *path, struct am_view bytes, struct am_error *error);
/* Reads one, at most `size` - 1 bytes, with a NUL behind; false: there is none. */
bool am_ledger_store_read(const char *path, char *bytes, size_t size);

/* The newest number below `below` of a snapshot in DIR; 0: there is none. */
uint64_t am_ledger_store_newest_snapshot(const char *folder, uint64_t below);

/* Makes the names of DIR durable. */
enum am_code am_ledger_store_sync_folder(const struct am_ledger *ledger, struct am_error *error);

#endif
