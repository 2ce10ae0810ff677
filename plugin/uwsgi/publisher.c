#include "publisher.h"

#include <unistd.h>

#include "../match/match.h"
#include "clock.h"
#include "log.h"
#include "metrics.h"

enum {
    START_ATTEMPTS = 5,       /* while the file keeps changing */
    QUIET_MILLISECONDS = 400, /* a file younger than that may still be being written */
    RETRY_SECONDS = 10,       /* after a refusal that the file is not to blame for: memory, disk */
};

/* ---- what is logged and counted ---------------------------------------------------------------
 */

static void show(const struct am_image *image) {
    struct am_metrics_gauge_values *gauges = am_metrics_gauges();
    const struct am_image_settings *settings = image->settings;
    uint64_t keywords = settings->negative_keywords;
    for (int type = 0; type < AM_MATCH_TYPES; type++)
        keywords += settings->keyword_counts[type];
    am_metrics_gauge_set(&gauges->ads, settings->ad_count);
    am_metrics_gauge_set(&gauges->campaigns, settings->campaign_count);
    am_metrics_gauge_set(&gauges->keywords, keywords);
    am_metrics_gauge_set(&gauges->image_bytes, image->size);
    am_metrics_gauge_set(&gauges->skipped_records, image->header->skipped_records);
}

static void show_made(const struct am_source_built *made) {
    struct am_metrics_gauge_values *gauges = am_metrics_gauges();
    show(made->image);
    am_metrics_gauge_set(&gauges->build_nanoseconds, made->nanoseconds);
    am_metrics_count(made->found ? &gauges->found : &gauges->builds, 1);
}

static void log_published(const struct am_publisher *publisher,
                          const struct am_source_built *made) {
    am_uwsgi_log(
        "generation %s published: %u ads of %s, image of %llu bytes %s in %.3f seconds (%s)",
        made->image->generation, made->image->settings->ad_count, publisher->supply.path,
        (unsigned long long)made->image->size, made->found ? "found" : "built",
        (double)made->nanoseconds / 1e9, made->path);
    if (made->image->header->skipped_records)
        am_uwsgi_log("%s: %llu bad records were left out (admatch-on-error = skip)",
                     publisher->supply.path,
                     (unsigned long long)made->image->header->skipped_records);
}

static void count_refusal(void) {
    struct am_metrics_gauge_values *gauges = am_metrics_gauges();
    am_metrics_count(&gauges->refusals, 1);
    am_metrics_gauge_set(&gauges->last_refusal_at, (uint64_t)time(NULL));
}

/* Whether a refusal lies in the file, so that trying again is useless before it changes. */
static bool is_to_blame(enum am_code code) {
    return code != AM_E_STATE && code != AM_E_IO && code != AM_E_MEMORY;
}

static void publish(struct am_publisher *publisher, const char *path) {
    struct am_metrics_gauge_values *gauges = am_metrics_gauges();
    int64_t now = time(NULL);
    am_publish_channel_publish(publisher->control, path, now);
    am_metrics_gauge_set(&gauges->generation, am_publish_channel_number(publisher->control));
    am_metrics_gauge_set(&gauges->published_at, (uint64_t)now);
}

/* ---- at start ---------------------------------------------------------------------------------
 */

/* Whether what the inventory was last served from can be served again. */
static bool publish_last_good(struct am_publisher *publisher) {
    char path[PATH_MAX];
    struct am_image *image = NULL;
    if (!am_store_recall(&publisher->state, publisher->supply.path, publisher->supply.lenient,
                         path) ||
        am_store_open_image(&publisher->state, path, false, &image, NULL) != AM_OK)
        return false;
    if (am_matcher_check_zones(image, publisher->supply.zones, NULL) != AM_OK) {
        am_image_close(image);
        return false;
    }
    show(image);
    publish(publisher, path);
    am_uwsgi_log("serving the last good generation, %s, until %s can be used (%s)",
                 image->generation, publisher->supply.path, path);
    am_image_close(image);
    return true;
}

static enum am_code make_patiently(struct am_publisher *publisher,
                                   struct am_source_built *made,
                                   struct am_inventory_report *report,
                                   struct am_error *error) {
    const struct timespec pause = {0, QUIET_MILLISECONDS * 1000000};
    for (int attempt = 1;; attempt++) {
        enum am_code code =
            am_source_image(&publisher->supply, &publisher->state, made, report, error);
        if (code != AM_E_STATE || attempt == START_ATTEMPTS)
            return code;
        am_inventory_report_free(report);
        *report = (struct am_inventory_report){0};
        nanosleep(&pause, NULL);
    }
}

void am_publisher_start(struct am_publisher *publisher) {
    struct am_source_built made;
    struct am_error error = {0};
    struct am_inventory_report report = {0};
    enum am_code code = make_patiently(publisher, &made, &report, &error);
    am_uwsgi_log_report(publisher->supply.path, &report);
    am_inventory_report_free(&report);
    publisher->seen = is_to_blame(code);
    publisher->refused = code != AM_OK && is_to_blame(code);
    publisher->last = made.signature;
    if (code == AM_OK) {
        show_made(&made);
        publish(publisher, made.path);
        log_published(publisher, &made);
        am_image_close(made.image);
        return;
    }
    am_uwsgi_log("inventory refused: %s", error.message);
    count_refusal();
    if (!publish_last_good(publisher))
        am_uwsgi_log_and_exit(
            "there is nothing to serve: mend the inventory %s, or name another with "
            "admatch-inventory; `admatch check FILE` lists what is wrong with one",
            publisher->supply.path);
}

/* ---- while serving ----------------------------------------------------------------------------
 */

static void
refuse(struct am_publisher *publisher, enum am_code code, const struct am_error *error) {
    am_uwsgi_log("inventory refused, the generation before it goes on serving: %s", error->message);
    count_refusal();
    publisher->refused = is_to_blame(code);
    publisher->retry_at = publisher->refused ? 0 : time(NULL) + RETRY_SECONDS;
}

static void accept(struct am_publisher *publisher, struct am_source_built *made, bool forced) {
    struct am_publish_publication publication;
    am_publish_channel_read(publisher->control, &publication);
    publisher->retry_at = 0;
    publisher->refused = false;
    if (strcmp(publication.path, made->path) == 0) {
        if (!made->found) {
            show_made(made);
            am_uwsgi_log("%s was gone or damaged, and has been made again", made->path);
        } else if (forced)
            am_uwsgi_log("%s was looked at on demand: no change", publisher->supply.path);
    } else {
        show_made(made);
        publish(publisher, made->path);
        am_metrics_count(&am_metrics_gauges()->swaps, 1);
        log_published(publisher, made);
    }
    am_image_close(made->image);
}

void am_publisher_resume(struct am_publisher *publisher) {
    struct am_publish_publication publication;
    struct am_image *image = NULL;
    am_publish_channel_read(publisher->control, &publication);
    if (publication.number <= 1)
        return;
    publisher->seen = false;
    am_metrics_gauge_set(&am_metrics_gauges()->generation, publication.number);
    am_metrics_gauge_set(&am_metrics_gauges()->published_at, (uint64_t)publication.published_at);
    if (am_store_open_image(&publisher->state, publication.path, false, &image, NULL) == AM_OK)
        show(image);
    am_image_close(image);
}

static enum am_publisher_outcome take(struct am_publisher *publisher, bool forced) {
    struct am_source_built made;
    struct am_error error = {0};
    struct am_inventory_report report = {0};
    enum am_code code =
        am_source_image(&publisher->supply, &publisher->state, &made, &report, &error);
    publisher->seen = code != AM_E_STATE;
    if (code != AM_E_STATE)
        am_uwsgi_log_report(publisher->supply.path, &report);
    am_inventory_report_free(&report);
    if (code == AM_E_STATE)
        return AM_PUBLISHER_SOON;
    if (code == AM_OK)
        accept(publisher, &made, forced);
    else
        refuse(publisher, code, &error);
    return AM_PUBLISHER_DONE;
}

/* Files with a time in the future are taken as they are: waiting would not help. */
static bool is_quiet(const struct am_source_version *signature) {
    int64_t changed =
        (int64_t)signature->changed.tv_sec * 1000 + signature->changed.tv_nsec / 1000000;
    int64_t age = am_uwsgi_clock_milliseconds(CLOCK_REALTIME) - changed;
    return age < 0 || age >= QUIET_MILLISECONDS;
}

static void miss(struct am_publisher *publisher, const struct am_error *error, bool forced) {
    if (!publisher->missing || forced) {
        am_uwsgi_log("inventory refused, the generation before it goes on serving: %s",
                     error->message);
        count_refusal();
    }
    publisher->missing = true;
}

/* Whether somebody has removed what is published. Workers that have it keep it, but those that
 * start later find nothing. */
static bool is_gone(const struct am_publisher *publisher) {
    struct am_publish_publication publication;
    am_publish_channel_read(publisher->control, &publication);
    return access(publication.path, F_OK) != 0;
}

bool am_publisher_is_due(const struct am_publisher *publisher) {
    if (publisher->retry_at)
        return time(NULL) >= publisher->retry_at;
    return !publisher->refused && is_gone(publisher);
}

enum am_publisher_outcome am_publisher_check(struct am_publisher *publisher, bool forced) {
    struct am_source_version now;
    struct am_error error = {0};
    am_metrics_gauge_set(&am_metrics_gauges()->checked_at, (uint64_t)time(NULL));
    if (am_source_signature(publisher->supply.path, &now, &error) != AM_OK) {
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
    return take(publisher, forced);
}
