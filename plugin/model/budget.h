/* SPDX-License-Identifier: Apache-2.0 */
/* The vocabulary of budgets, pacing and frequency caps, as inventories and images have it; its
 * numbers are those of the ledger (delivery/). */
#ifndef AM_MODEL_BUDGET_H
#define AM_MODEL_BUDGET_H

#include "../base/bytes.h"

/* What a budget limits. */
enum am_model_unit { AM_UNIT_MONEY, AM_UNIT_IMPRESSIONS, AM_UNIT_CLICKS, AM_UNITS };

enum am_model_pacing { AM_PACING_EVEN, AM_PACING_FRONTLOADED, AM_PACING_ASAP, AM_PACINGS };
const char *am_model_pacing_name(enum am_model_pacing pacing);

enum am_model_curve {
    AM_CURVE_TRAFFIC, /* as the server learns it */
    AM_CURVE_FLAT,
    AM_CURVE_GIVEN, /* AM_CURVE_HOURS weights by hour of the local week, 0 = Monday 00:00 */
    AM_CURVES,
};

enum {
    AM_CURVE_HOURS = 168,
    AM_CURVE_WEIGHT_MAX = 1000, /* each from 1 */
    AM_RECORD_CAPS_MAX = 10,    /* frequency caps of one record */
    AM_CAP_IMPRESSIONS_MAX = 1000,
    AM_CAP_PERIOD_MAX = 180 * 1440,  /* minutes */
    AM_CAP_LIFETIME = (1 << 18) - 1, /* a period that never ends */
};
#define AM_BUDGET_NONE INT64_C(-1)
#define AM_BUDGET_MAX INT64_C(9000000000) /* of the currency, impressions or clicks */

/* Ads that a request may place side by side: none of the same advertiser, campaign, ad; or any. */
enum am_model_unique {
    AM_UNIQUE_ADVERTISER,
    AM_UNIQUE_CAMPAIGN,
    AM_UNIQUE_AD,
    AM_UNIQUE_NONE,
    AM_UNIQUES
};
const char *am_model_unique_name(enum am_model_unique unique);

/* A frequency cap in one number, which ascends by period. */
static inline uint32_t am_model_cap(uint32_t period, uint32_t maximum) {
    return period << 10 | maximum;
}
static inline uint32_t am_model_cap_period(uint32_t cap) {
    return cap >> 10 & AM_CAP_LIFETIME;
}
static inline uint32_t am_model_cap_maximum(uint32_t cap) {
    return cap & 1023;
}

/* "30m", "12h", "7d", up to "180d", or "lifetime": minutes; 0: it is none of them. */
uint32_t am_model_cap_period_parse(struct am_view text);

#endif
