/* SPDX-License-Identifier: Apache-2.0 */
#include "budget.h"

const char *am_model_pacing_name(enum am_model_pacing pacing) {
    static const char *const names[AM_PACINGS] = {"even", "frontloaded", "asap"};
    return names[pacing];
}

const char *am_model_unique_name(enum am_model_unique unique) {
    static const char *const names[AM_UNIQUES] = {"advertiser", "campaign", "ad", "none"};
    return names[unique];
}

/* Minutes of a period's last letter; 0: it is no unit. */
static uint32_t unit_of(char letter) {
    return letter == 'm' ? 1 : letter == 'h' ? 60 : letter == 'd' ? 1440 : 0;
}

uint32_t am_model_cap_period_parse(struct am_view text) {
    if (am_view_equal(text, AM_VIEW("lifetime")))
        return AM_CAP_LIFETIME;
    uint32_t unit = text.size ? unit_of(text.data[text.size - 1]) : 0, count = 0;
    for (size_t i = 0; i + 1 < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || count > AM_CAP_PERIOD_MAX)
            return 0;
        count = count * 10 + (uint32_t)(text.data[i] - '0');
    }
    return count <= AM_CAP_PERIOD_MAX && count * unit <= AM_CAP_PERIOD_MAX ? count * unit : 0;
}
