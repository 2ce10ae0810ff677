/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes for tables in memory whose keys others choose.
 *
 * Who knows a hash function can choose as many keys as it likes that fall into one place of a
 * table, so that each search there looks at all of them (Crosby and Wallach, "Denial of Service via
 * Algorithmic Complexity Attacks", 2003). These are keyed by a secret of the process, so that
 * nobody outside can choose such keys. For the same reason they differ from one process to the
 * next: nothing that is written, sent or sorted may depend on them. */
#ifndef AM_BASE_KEYED_H
#define AM_BASE_KEYED_H

#include "bytes.h"

/* A type of its own, so that no other hash gets into a table by mistake. */
struct am_keyed_hash {
    uint64_t value;
};

/* The secret: the same until the process executes another program, forks included. Never 0. Any
 * thread. */
uint64_t am_keyed_secret(void);

struct am_keyed_hash am_keyed_hash(struct am_view text);
/* Of two numbers, such as the hash of a text and a kind. */
struct am_keyed_hash am_keyed_hash_pair(uint64_t first, uint64_t second);

#endif
