/* SPDX-License-Identifier: Apache-2.0 */
#include "simulate_chance.h"

#include <math.h>

#include "../base/bytes.h"
#include "../delivery/pace.h"

#define SEED_STEP UINT64_C(0x9E3779B97F4A7C15)
#define PLACEMENT_STEP UINT64_C(0xBF58476D1CE4E5B9)
#define KIND_STEP UINT64_C(0x94D049BB133111EB)

/* What k asks of a placement; a normal number takes two. */
enum { RENDERS = 0, DELAY = 1, CLICKS = 3, CLICK_DELAY = 4 };

/* Seconds from impression to click: median, at most; and how widely both delays are spread. */
#define CLICK_SECONDS 15.0
#define CLICK_SPREAD 1.5
#define DELAY_SPREAD 1.2
#define DAY_SECONDS 86400.0

AM_WRAPS static uint64_t finalise(uint64_t state) {
    state = (state ^ state >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    state = (state ^ state >> 27) * UINT64_C(0x94D049BB133111EB);
    return state ^ state >> 31;
}

AM_WRAPS double am_cli_chance_uniform(uint64_t seed, uint64_t q, uint64_t k) {
    uint64_t bits = finalise(seed * SEED_STEP + q * PLACEMENT_STEP + k * KIND_STEP);
    return (double)(bits >> 11) * 0x1p-53;
}

/* Box and Muller, "A note on the generation of random normal deviates", 1958. */
static double normal(uint64_t seed, uint64_t q, uint64_t k) {
    return sqrt(-2 * log(1 - am_cli_chance_uniform(seed, q, k))) *
           cos(2 * M_PI * am_cli_chance_uniform(seed, q, k + 1));
}

static int64_t microseconds(double seconds) {
    return (int64_t)(fmin(seconds, DAY_SECONDS) * AM_CLI_MICROSECONDS);
}

bool am_cli_chance_renders(const struct am_cli_chance *chance, uint64_t q, int64_t *after) {
    if (am_cli_chance_uniform(chance->seed, q, RENDERS) >= chance->render)
        return false;
    *after = microseconds(chance->delay * exp(DELAY_SPREAD * normal(chance->seed, q, DELAY)));
    return true;
}

bool am_cli_chance_clicks(const struct am_cli_chance *chance,
                          uint64_t q,
                          uint32_t ctr,
                          int64_t *after) {
    if (am_cli_chance_uniform(chance->seed, q, CLICKS) >= (double)ctr / AM_PACE_MILLION)
        return false;
    *after = microseconds(CLICK_SECONDS * exp(CLICK_SPREAD * normal(chance->seed, q, CLICK_DELAY)));
    return true;
}
