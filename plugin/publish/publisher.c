/* SPDX-License-Identifier: Apache-2.0 */
#include "publisher.h"

#include <stdio.h>

#include "../base/clock.h"
#include "../match/match.h"

enum {
    START_ATTEMPTS = 5,       /* while the file keeps changing */
    QUIET_MILLISECONDS = 400, /* a file younger than that may still be being written */
    RETRY_SECONDS = 10,       /* after a refusal that the file is not to blame for: memory, disk */
};

/* ---- what is logged and counted ---------------------------------------------------------------
 */

static void show(const struct am_publisher *publisher, const struct am_image *image) {
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
}

static void show_built(const struct am_publisher *publisher, const struct am_source_built *built) {
    struct am_metrics_gauges *gauges = am_metrics_gauges(publisher->metrics);
    show(publisher, built->image);
    am_metrics_set(&gauges->build_nanoseconds, built->nanoseconds);
    am_metrics_count(built->found ? &gauges->found : &gauges->builds, 1);
}

static void log_published(const struct am_publisher *publisher,
                          const struct am_source_built *built) {
    am_publish_log(
        publisher->sink,
        "generation %s published: %u ads of %s, image of %llu bytes %s in %.3f seconds (%s/%s)",
        built->image->generation, built->image->settings->ad_count, publisher->source.path,
        (unsigned long long)built->image->size, built->found ? "found" : "built",
        (double)built->nanoseconds / 1e9, publisher->store_folder, built->name);
    if (built->image->zone_name_count <= 1)
        am_publish_log(publisher->sink,
                       "no time zone is known but UTC: install the package tzdata");
    if (built->image->header->skipped_records)
        am_publish_log(
            publisher->sink, "%s: %llu bad records were left out (admatch-on-error = skip)",
            publisher->source.path, (unsigned long long)built->image->header->skipped_records);
}

static void count_refusal(const struct am_publisher *publisher) {
    struct am_metrics_gauges *gauges = am_metrics_gauges(publisher->metrics);
    am_metrics_count(&gauges->refusals, 1);
    am_metrics_set(&gauges->last_refusal_at, (uint64_t)time(NULL));
}

/* Whether the file caused a refusal, so that trying again is useless before it changes. */
static bool is_at_fault(enum am_code code) {
    return code != AM_E_STATE && code != AM_E_IO && code != AM_E_MEMORY;
}

/* What is about to be served is counted from its first placement on. */
static enum am_code
count(struct am_publisher *publisher, const struct am_image *image, struct am_error *error) {
    if (!publisher->account)
        return AM_OK;
    enum am_code code = am_account_open(publisher->account, image, error);
    return code == AM_OK ? am_account_publish(publisher->account, image, publisher->noticed, error)
                         : code;
}

static void
publish(struct am_publisher *publisher, const char *name, const struct am_image *image) {
    struct am_metrics_gauges *gauges = am_metrics_gauges(publisher->metrics);
    int64_t now = time(NULL);
    am_publish_channel_publish(publisher->channel, name, now);
    am_metrics_set(&gauges->publication, am_publish_channel_number(publisher->channel));
    snprintf(gauges->generation, sizeof gauges->generation, "%s", image->generation);
    am_metrics_set(&gauges->published_at, (uint64_t)now);
}

/* ---- at start ---------------------------------------------------------------------------------
 */

/* What the inventory was last served from, and can be served from again; NULL: nothing. */
static struct am_image *open_last_good(const struct am_publisher *publisher,
                                       char name[AM_STORE_NAME_SIZE]) {
    const struct am_source *source = &publisher->source;
    struct am_store store;
    struct am_image *image = NULL;
    if (am_store_open(&store, publisher->store_folder, NULL) != AM_OK)
        return NULL;
    if (am_store_recall(&store, source->path, source->lenient, name) &&
        am_store_open_image(&store, name, false, &image, NULL) != AM_OK)
        image = NULL;
    am_store_close(&store);
    return image;
}

static bool publish_last_good(struct am_publisher *publisher) {
    char name[AM_STORE_NAME_SIZE];
    struct am_error error;
    struct am_image *image = open_last_good(publisher, name);
    if (!image)
        return false;
    if (count(publisher, image, &error) != AM_OK) {
        am_publish_log(publisher->sink, "cannot start: %s", error.message);
        am_image_close(image);
        return false;
    }
    show(publisher, image);
    publish(publisher, name, image);
    am_publish_log(publisher->sink,
                   "serving the last good generation, %s, until %s can be used (%s/%s)",
                   image->generation, publisher->source.path, publisher->store_folder, name);
    am_image_close(image);
    return true;
}

static enum am_code build_patiently(struct am_publisher *publisher,
                                    struct am_source_built *built,
                                    struct am_inventory_report *report,
                                    struct am_error *error) {
    const struct timespec pause = {0, QUIET_MILLISECONDS * 1000000};
    for (int attempt = 1;; attempt++) {
        enum am_code code =
            am_source_image(&publisher->source, publisher->store_folder, built, report, error);
        if (code != AM_E_STATE || attempt == START_ATTEMPTS)
            return code;
        am_inventory_report_free(report);
        *report = (struct am_inventory_report){0};
        nanosleep(&pause, NULL);
    }
}

/* Makes the state folder; what is wrong with it is no fault of the inventory. */
static bool make_store(const struct am_publisher *publisher) {
    struct am_store store;
    struct am_error error;
    if (am_store_make(&store, publisher->store_folder, &error) != AM_OK) {
        am_publish_log(publisher->sink, "cannot start: %s", error.message);
        return false;
    }
    am_store_close(&store);
    return true;
}

bool am_publisher_start(struct am_publisher *publisher) {
    struct am_source_built built;
    struct am_error error = {0};
    struct am_inventory_report report = {0};
    if (!make_store(publisher))
        return false;
    publisher->noticed = time(NULL);
    enum am_code code = build_patiently(publisher, &built, &report, &error);
    am_publish_log_report(publisher->sink, publisher->source.path, &report);
    am_inventory_report_free(&report);
    publisher->seen = is_at_fault(code);
    publisher->refused = code != AM_OK && is_at_fault(code);
    publisher->last = built.signature;
    if (code == AM_OK && count(publisher, built.image, &error) != AM_OK) {
        am_publish_log(publisher->sink, "cannot start: %s", error.message);
        am_image_close(built.image);
        return false;
    }
    if (code == AM_OK) {
        show_built(publisher, &built);
        publish(publisher, built.name, built.image);
        log_published(publisher, &built);
        am_image_close(built.image);
        return true;
    }
    am_publish_log(publisher->sink, "inventory refused: %s", error.message);
    count_refusal(publisher);
    if (publish_last_good(publisher))
        return true;
    am_publish_log(publisher->sink,
                   "there is nothing to serve: mend the inventory %s, or name another with "
                   "admatch-inventory; `admatch check FILE` lists what is wrong with one",
                   publisher->source.path);
    return false;
}

/* ---- while serving ----------------------------------------------------------------------------
 */

static void
refuse(struct am_publisher *publisher, enum am_code code, const struct am_error *error) {
    am_publish_log(publisher->sink,
                   "inventory refused, the generation before it goes on serving: %s",
                   error->message);
    count_refusal(publisher);
    publisher->refused = is_at_fault(code);
    publisher->retry_at = publisher->refused ? 0 : time(NULL) + RETRY_SECONDS;
}

static void accept(struct am_publisher *publisher, struct am_source_built *built, bool forced) {
    struct am_publish_publication publication;
    am_publish_channel_read(publisher->channel, &publication);
    publisher->retry_at = 0;
    publisher->refused = false;
    if (strcmp(publication.image, built->name) == 0) {
        if (!built->found) {
            show_built(publisher, built);
            am_publish_log(publisher->sink, "%s/%s was gone or damaged, and has been made again",
                           publisher->store_folder, built->name);
        } else if (forced)
            am_publish_log(publisher->sink, "%s was looked at on demand: no change",
                           publisher->source.path);
    } else {
        show_built(publisher, built);
        publish(publisher, built->name, built->image);
        am_metrics_count(&am_metrics_gauges(publisher->metrics)->swaps, 1);
        log_published(publisher, built);
    }
    am_image_close(built->image);
}

void am_publisher_resume(struct am_publisher *publisher) {
    struct am_publish_publication publication;
    struct am_store store;
    struct am_image *image = NULL;
    am_publish_channel_read(publisher->channel, &publication);
    if (publication.number <= 1)
        return;
    publisher->seen = false;
    am_metrics_set(&am_metrics_gauges(publisher->metrics)->publication, publication.number);
    am_metrics_set(&am_metrics_gauges(publisher->metrics)->published_at,
                   (uint64_t)publication.published_at);
    if (am_store_open(&store, publisher->store_folder, NULL) != AM_OK)
        return;
    if (am_store_open_image(&store, publication.image, false, &image, NULL) == AM_OK)
        show(publisher, image);
    am_image_close(image);
    am_store_close(&store);
}

static enum am_publisher_outcome take(struct am_publisher *publisher, bool forced) {
    struct am_source_built built;
    struct am_error error = {0};
    struct am_inventory_report report = {0};
    enum am_code code =
        am_source_image(&publisher->source, publisher->store_folder, &built, &report, &error);
    publisher->seen = code != AM_E_STATE;
    if (code != AM_E_STATE)
        am_publish_log_report(publisher->sink, publisher->source.path, &report);
    am_inventory_report_free(&report);
    if (code == AM_E_STATE)
        return AM_PUBLISHER_SOON;
    if (code == AM_OK) {
        code = count(publisher, built.image, &error);
        if (code != AM_OK)
            am_image_close(built.image);
    }
    if (code == AM_OK)
        accept(publisher, &built, forced);
    else
        refuse(publisher, code, &error);
    return AM_PUBLISHER_DONE;
}

/* Files with a time in the future are taken as they are: waiting would not help. */
static bool is_quiet(const struct am_source_version *signature) {
    int64_t changed =
        (int64_t)signature->changed.tv_sec * 1000 + signature->changed.tv_nsec / 1000000;
    int64_t age = am_clock_milliseconds(CLOCK_REALTIME) - changed;
    return age < 0 || age >= QUIET_MILLISECONDS;
}

static void miss(struct am_publisher *publisher, const struct am_error *error, bool forced) {
    if (!publisher->missing || forced) {
        am_publish_log(publisher->sink,
                       "inventory refused, the generation before it goes on serving: %s",
                       error->message);
        count_refusal(publisher);
    }
    publisher->missing = true;
}

/* Whether somebody has removed what is published, or its folder. Workers that have it keep it, but
 * those that start later find nothing. */
static bool is_gone(const struct am_publisher *publisher) {
    struct am_publish_publication publication;
    struct am_store store;
    am_publish_channel_read(publisher->channel, &publication);
    if (am_store_open(&store, publisher->store_folder, NULL) != AM_OK)
        return true;
    bool gone = !am_store_has(&store, publication.image);
    am_store_close(&store);
    return gone;
}

bool am_publisher_is_due(const struct am_publisher *publisher) {
    if (publisher->retry_at)
        return time(NULL) >= publisher->retry_at;
    return !publisher->refused && is_gone(publisher);
}

enum am_publisher_outcome am_publisher_check(struct am_publisher *publisher, bool forced) {
    struct am_source_version now;
    struct am_error error = {0};
    am_metrics_set(&am_metrics_gauges(publisher->metrics)->checked_at, (uint64_t)time(NULL));
    if (am_source_signature(publisher->source.path, &now, &error) != AM_OK) {
        miss(publisher, &error, forced);
        return AM_PUBLISHER_DONE;
    }
    publisher->missing = false;
    if (publisher->seen && !forced && !am_publisher_is_due(publisher) &&
        am_source_version_equal(&now, &publisher->last))
        return AM_PUBLISHER_DONE;
    if (!is_quiet(&now))
        return AM_PUBLISHER_SOON;
    publisher->last = now;
    publisher->noticed = time(NULL);
    return take(publisher, forced);
}
