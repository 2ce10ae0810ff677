/* SPDX-License-Identifier: Apache-2.0 */
/* Locks between processes that go with their holder: flock(2), with a deadline. */
#ifndef AM_BASE_FILE_LOCK_H
#define AM_BASE_FILE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Locks an open file, exclusively, and waits for it until `end` (milliseconds of CLOCK_MONOTONIC).
 * False with errno, EWOULDBLOCK when another one kept the lock. Any thread. */
bool am_file_lock_until(int fd, int64_t end);

/* Locks the file at `path`, made with mode 0600 where it is missing, and waits for up to
 * `milliseconds`. Returns a descriptor whose closing unlocks, in its last process; -1 with errno,
 * ETIMEDOUT when another one kept the lock. Each call excludes all others, those of the same
 * process too. Any thread. */
int am_file_lock(const char *path, unsigned milliseconds);

#endif
