/* SPDX-License-Identifier: Apache-2.0 */
#include "balance.h"

enum {
    TOLERATED = 16, /* connections above the average, besides a quarter of it */
    STEP = 8,       /* 1 / STEP of the surplus is ended each second */
};

static struct { uint64_t allowance, taken; } balance;

void am_loop_balance_set(uint64_t own, uint64_t all, unsigned processes) {
    uint64_t share = processes ? all / processes : own;
    uint64_t surplus = own > share ? own - share : 0;
    balance.allowance = surplus > share / 4 + TOLERATED ? surplus / STEP : 0;
}

bool am_loop_balance_take(void) {
    if (!balance.allowance)
        return false;
    balance.allowance--;
    balance.taken++;
    return true;
}

uint64_t am_loop_balance_taken(void) {
    uint64_t taken = balance.taken;
    balance.taken = 0;
    return taken;
}
