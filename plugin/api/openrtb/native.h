/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the openrtb files: assets of native impressions (IAB Tech Lab, "OpenRTB Dynamic Native
 * Ads API" 1.2), and the creative's members that they are filled with. */
#ifndef AM_API_OPENRTB_NATIVE_H
#define AM_API_OPENRTB_NATIVE_H

#include "../../base/json.h"
#include "../../model/creative.h"

/* One asset that is asked for. */
struct am_openrtb_asset {
    const struct am_json_node *id; /* a number */
    bool required;
    uint8_t kind;  /* enum am_model_asset, one bit; 0: what creatives cannot have */
    uint32_t most; /* characters; 0: any */
};

/* The list of assets of a native request; NULL: there is none. */
const struct am_json_node *am_openrtb_assets(const struct am_json *native);
/* False: it is no asset, or has no id. */
bool am_openrtb_asset_read(const struct am_json *native,
                           const struct am_json_node *object,
                           struct am_openrtb_asset *asset);

#endif
