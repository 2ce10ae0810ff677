/* SPDX-License-Identifier: Apache-2.0 */
/* For tests that need an image: an inventory as text, built and attached. */
#ifndef AM_TESTS_API_INVENTORY_H
#define AM_TESTS_API_INVENTORY_H

#include "../../plugin/api/api.h"
#include "../../plugin/index/builder.h"

struct served {
    struct am_timezones *zones;
    struct am_image_bytes bytes;
    struct am_image *image;
    struct am_api *api;
};

static inline bool build_image(struct served *served, struct am_view text, struct am_error *error) {
    const struct am_inventory_load_options options = {.zones = served->zones};
    struct am_inventory *inventory = NULL;
    struct am_inventory_report report = {0};
    enum am_code code =
        am_inventory_load_memory(text, "test", &options, &inventory, &report, error);
    if (code == AM_OK)
        code = am_build_image(inventory, served->zones, false, &served->bytes, error);
    if (code == AM_OK)
        code = am_image_open_memory(served->bytes.data, served->bytes.size, "test", &served->image,
                                    error);
    if (code == AM_OK)
        code = am_image_verify(served->image, error);
    am_inventory_report_free(&report);
    am_inventory_free(inventory);
    return code == AM_OK;
}

/* False, and *error says why; stop_serving is then needed all the same. */
static inline bool start_serving(struct served *served,
                                 struct am_view inventory,
                                 const struct am_api_limits *limits,
                                 struct am_error *error) {
    *served = (struct served){.zones = am_timezones_load(NULL, error)};
    if (!served->zones || !build_image(served, inventory, error))
        return false;
    served->api = am_api_new(limits, error);
    return served->api && am_api_attach(served->api, served->image, error) == AM_OK;
}

static inline void stop_serving(struct served *served) {
    am_api_free(served->api);
    am_image_close(served->image);
    am_image_bytes_free(&served->bytes);
    am_timezones_free(served->zones);
}

#endif
