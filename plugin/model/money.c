/* SPDX-License-Identifier: Apache-2.0 */
#include "money.h"

int64_t am_model_ecpm(enum am_model_pricing pricing, int64_t bid, int64_t ctr) {
    if (pricing == AM_PRICING_CPM)
        return bid;
    return (int64_t)((unsigned __int128)bid * (uint64_t)ctr * 1000 / 1000000);
}
