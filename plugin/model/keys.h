/* SPDX-License-Identifier: Apache-2.0 */
/* Stable keys of records, which outlive any generation: counters and logs are keyed by them. */
#ifndef AM_MODEL_KEYS_H
#define AM_MODEL_KEYS_H

#include "../base/bytes.h"

/* The numbers are part of keys: they never change. */
enum am_model_record { AM_RECORD_ADVERTISER, AM_RECORD_CAMPAIGN, AM_RECORD_AD, AM_RECORDS };

/* XXH3-64 of the id with the seed 0x9E3779B97F4A7C15 x (record + 1), modulo 2^64; 1 where that is
 * 0, so that a key is never 0. Of short ids, XXH3 hashes content xor seed: seeds that differ in a
 * few low bits would give an ad and an advertiser the same key. */
uint64_t am_model_key(enum am_model_record record, struct am_view id);

#endif
