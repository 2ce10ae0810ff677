/* SPDX-License-Identifier: Apache-2.0 */
/* Prices as integers. */
#ifndef AM_MODEL_MONEY_H
#define AM_MODEL_MONEY_H

#include <stdint.h>

enum am_model_pricing { AM_PRICING_CPM, AM_PRICING_CPC };

/* eCPM in micros: cpm: the bid; cpc: bid x ctr x 1000 / 1,000,000, truncated once. Never overflows
 * for values inside the limits above. */
int64_t am_model_ecpm(enum am_model_pricing pricing, int64_t bid, int64_t ctr);

#endif
