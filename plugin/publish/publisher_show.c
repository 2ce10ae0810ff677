/* SPDX-License-Identifier: Apache-2.0 */
/* What everybody sees of a publication: the channel, and the metrics of its image. */
#include <stdio.h>
#include <string.h>

#include "../index/image_map.h"
#include "../match/match.h"
#include "metrics_table.h"
#include "publisher_parts.h"

/* Done once for all processes, before any of them maps the image. */
static void collapse(struct am_publisher *publisher, const struct am_image *image) {
    size_t collapsed;
    int refused = am_image_collapse(image, &collapsed);
    am_metrics_set(&am_metrics_gauges(publisher->metrics)->image_huge_bytes, collapsed);
    if (refused && !publisher->uncollapsed_logged)
        am_publish_log(publisher->sink,
                       "%zu of the image's %llu bytes in %s are in huge pages, others are refused "
                       "(%s): large inventories are slower than they could be",
                       collapsed, (unsigned long long)image->size, publisher->store_folder,
                       strerror(refused));
    publisher->uncollapsed_logged = refused != 0;
}

void am_publisher_show(const struct am_publisher *publisher, const struct am_image *image) {
    struct am_metrics_gauges *gauges = am_metrics_gauges(publisher->metrics);
    const struct am_image_settings *settings = image->settings;
    uint64_t keywords = settings->negative_keywords;
    for (int type = 0; type < AM_MATCH_TYPES; type++)
        keywords += settings->keyword_counts[type];
    am_metrics_set(&gauges->ads, settings->ad_count);
    am_metrics_set(&gauges->campaigns, settings->campaign_count);
    am_metrics_set(&gauges->keywords, keywords);
    am_metrics_set(&gauges->image_bytes, image->size);
    am_metrics_set(&gauges->skipped_records, image->header->skipped_records);
    snprintf(gauges->generation, sizeof gauges->generation, "%s", image->generation);
}

void am_publisher_show_built(struct am_publisher *publisher, const struct am_source_built *built) {
    struct am_metrics_gauges *gauges = am_metrics_gauges(publisher->metrics);
    collapse(publisher, built->image);
    am_publisher_show(publisher, built->image);
    am_metrics_set(&gauges->build_nanoseconds, built->nanoseconds);
    am_metrics_count(built->found ? &gauges->found : &gauges->builds, 1);
}

void am_publisher_publish(const struct am_publisher *publisher, const char *name) {
    struct am_metrics_gauges *gauges = am_metrics_gauges(publisher->metrics);
    int64_t now = time(NULL);
    am_publish_channel_publish(publisher->channel, name, now);
    am_metrics_set(&gauges->publication, am_publish_channel_number(publisher->channel));
    am_metrics_set(&gauges->published_at, (uint64_t)now);
}

void am_publisher_publish_image(struct am_publisher *publisher,
                                const struct am_image *image,
                                const char *name) {
    collapse(publisher, image);
    am_publisher_show(publisher, image);
    am_publisher_publish(publisher, name);
}
