/* SPDX-License-Identifier: Apache-2.0 */
#include "private.h"

enum { SLOTS = 1 };

static struct am_timezones *zones_of(const struct am_image *image) {
    struct am_timezones *zones = am_timezones_new();
    for (uint64_t i = 0; zones && i < image->zone_name_count; i++) {
        const struct am_image_zone_name *name = &image->zone_names[i];
        struct am_timezone zone = am_image_zone_at(image, name->zone);
        if (am_timezones_add(zones, am_image_string(image, name->name), &zone))
            continue;
        am_timezones_free(zones);
        zones = NULL;
    }
    return zones;
}

enum am_code am_delivery_private_open(struct am_delivery_private *opened,
                                      const struct am_image *image,
                                      const struct am_delivery_private_options *options,
                                      struct am_error *error) {
    char currency[4];
    struct am_ledger_step_report report;
    uint64_t cells =
        image->advertiser_count + image->settings->campaign_count + image->settings->ad_count + 1;
    *opened = (struct am_delivery_private){.zones = zones_of(image)};
    if (!opened->zones)
        return am_error_set(error, AM_E_MEMORY, "out of memory: time zones");
    am_delivery_currency(image, currency);
    const struct am_ledger_options of_ledger = {
        .currency = currency,
        .cells = cells > UINT32_MAX ? UINT32_MAX : (uint32_t)cells,
        .placements = options->placements,
        .slots = SLOTS,
        .caps_bytes = options->caps_bytes,
        .zones = opened->zones,
    };
    enum am_code code = am_ledger_open(&of_ledger, &opened->ledger, error);
    if (code == AM_OK)
        code = am_ledger_worker_new(opened->ledger, &opened->worker, error);
    if (code == AM_OK)
        code = am_ledger_step(opened->ledger, opened->worker, options->now, &report, error);
    return code;
}

enum am_code am_delivery_private_publish(struct am_delivery_private *opened,
                                         const struct am_image *image,
                                         int64_t now,
                                         am_delivery_adjust *adjust,
                                         void *context,
                                         struct am_error *error) {
    char currency[4];
    am_delivery_currency(image, currency);
    const struct am_ledger_publication publication = {.time = now, .currency = currency};
    const struct am_delivery_publishing publishing = {
        .ledger = opened->ledger, .now = now, .adjust = adjust, .context = context};
    enum am_code code = am_ledger_publish_begin(opened->ledger, &publication, now, error);
    if (code != AM_OK)
        return code;
    code = am_delivery_put_image(&publishing, image, error);
    am_ledger_publish_end(opened->ledger);
    return code == AM_OK ? am_delivery_map_image(opened->ledger, image, &opened->map, error) : code;
}

void am_delivery_private_close(struct am_delivery_private *opened) {
    am_delivery_map_close(opened->map);
    am_ledger_worker_free(opened->worker);
    am_ledger_close(opened->ledger);
    am_timezones_free(opened->zones);
}
