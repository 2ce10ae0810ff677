/* Kept connections stay with the process that accepted them, so one that starts later (cheaper, a
 * respawn) would have none. A process with many more than the others lets some of its answers say
 * that they are the last on their connection; its clients connect anew, and spread.
 *
 * The loop's thread only. */
#ifndef AM_UWSGI_LOOP_BALANCE_H
#define AM_UWSGI_LOOP_BALANCE_H

#include <stdbool.h>
#include <stdint.h>

/* Once a second: connections of this process, and of all `processes` together, which have as many
 * each where they are balanced. */
void am_loop_balance_set(uint64_t own, uint64_t all, unsigned processes);

/* Whether the answer that is being written is to be the last on its connection; counts it. */
bool am_loop_balance_take(void);

/* How many were, since the last call. */
uint64_t am_loop_balance_taken(void);

#endif
