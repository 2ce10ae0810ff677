/* SPDX-License-Identifier: Apache-2.0 */
/* Balance of connections between processes. A kept connection stays with the process that accepted
 * it, so a process that starts later (cheaper, a respawn) would have none. A process with many more
 * than the average ends some of its connections, by an answer that announces it; the clients
 * reconnect, and spread. */
/* Runs in: a worker, the loop's thread. */
#ifndef AM_UWSGI_LOOP_BALANCE_H
#define AM_UWSGI_LOOP_BALANCE_H

#include <stdbool.h>
#include <stdint.h>

/* Once a second: the connections of this process, and those of all `processes` together. */
void am_loop_balance_set(uint64_t own, uint64_t all, unsigned processes);

/* Whether the current answer is to end its connection; counts it if so. */
bool am_loop_balance_take(void);

/* How many have been ended since the last call. */
uint64_t am_loop_balance_taken(void);

#endif
