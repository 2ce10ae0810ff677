/* SPDX-License-Identifier: Apache-2.0 */
/* Chance in simulations: the same numbers for a seed on every machine, whatever else happens.
 *
 * u(q, k) is the top 53 bits of splitmix64's finaliser (Steele, Lea and Flood, "Fast splittable
 * pseudorandom number generators", OOPSLA 2014) of a sum of multiples of seed, q and k, times
 * 2^-53. q numbers placements from 1, k what is asked of each. Pure functions; any thread. */
#ifndef AM_CLI_SIMULATE_CHANCE_H
#define AM_CLI_SIMULATE_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

struct am_cli_chance {
    uint64_t seed;
    double render; /* share of placements that are shown */
    double delay;  /* seconds to the impression, median */
};

enum { AM_CLI_MICROSECONDS = 1000000 };

/* Uniform, 0 <= u < 1. */
double am_cli_chance_uniform(uint64_t seed, uint64_t q, uint64_t k);

/* Whether placement q is shown, and how many microseconds after its decision. */
bool am_cli_chance_renders(const struct am_cli_chance *chance, uint64_t q, int64_t *after);

/* Whether a shown placement q is clicked (`ctr` in millionths), and how many microseconds after its
 * impression. */
bool am_cli_chance_clicks(const struct am_cli_chance *chance,
                          uint64_t q,
                          uint32_t ctr,
                          int64_t *after);

#endif
