/* SPDX-License-Identifier: Apache-2.0 */
#include "publisher.h"

#include <stdio.h>
#include <string.h>

#include "../base/clock.h"
#include "../match/match.h"
#include "metrics_table.h"
#include "publisher_parts.h"

enum { START_ATTEMPTS = 5 }; /* while the file keeps changing */

/* In milliseconds. */
enum {
    QUIET = 400,     /* a younger file may still be being written */
    RETRY = 10000,   /* after a refusal that the file did not cause: memory, disk */
    UNQUIET = 30000, /* that a file may keep changing before it is logged */
    LAG_LOG = 60000, /* between lines about publications that lag */
};

static int64_t monotonic(void) {
    return am_clock_milliseconds(CLOCK_MONOTONIC);
}

/* ---- what is logged ---------------------------------------------------------------
 */

static void log_published(const struct am_publisher *publisher,
                          const struct am_source_built *built) {
    am_publish_log(
        publisher->sink,
        "generation %s published: %u ads of %s, image of %llu bytes %s in %.3f seconds (%s/%s)",
        built->image->generation, built->image->settings->ad_count, publisher->source.path,
        (unsigned long long)built->image->size, built->found ? "found" : "built",
        (double)built->nanoseconds / 1e9, publisher->store_folder, built->name);
    if (built->image->zone_name_count <= 1 && built->zones_missing.code != AM_OK)
        am_publish_log(publisher->sink,
                       "no time zone is known but UTC: install the package tzdata (%s)",
                       built->zones_missing.message);
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

/* That the state folder failed says nothing about the inventory. */
static void log_refusal(const struct am_publisher *publisher,
                        const struct am_error *error,
                        bool unstored,
                        const char *goes_on) {
    am_publish_log(publisher->sink, "%s%s: %s",
                   unstored ? "state folder unusable" : "inventory refused", goes_on,
                   error->message);
    if (!unstored)
        count_refusal(publisher);
}

#define GOES_ON ", the generation before it goes on serving"

/* Whether the file caused a refusal: then retrying is useless until it changes. */
static bool is_at_fault(enum am_code code) {
    return code != AM_E_CHANGED && code != AM_E_NOT_FOUND && code != AM_E_IO && code != AM_E_MEMORY;
}

/* Limits that nobody counts are no limits. */
static enum am_code check_limits(const struct am_publisher *publisher,
                                 const struct am_image *image,
                                 struct am_error *error) {
    if (!am_image_needs_ledger(image) || publisher->ignores_limits)
        return AM_OK;
    return am_error_set(error, AM_E_INVALID,
                        "%s has budgets or frequency caps, and this server has no ledger to keep "
                        "them: set admatch-ledger = DIR, or admatch-ledger = none to ignore them",
                        publisher->source.path);
}

/* What is served keeps its limits when an inventory is refused that had set others. */
static void settle(const struct am_publisher *publisher, const struct am_image *refused) {
    struct am_publish_publication publication;
    struct am_store store;
    struct am_store_hold hold;
    struct am_image *served = NULL;
    struct am_error error;
    am_publish_channel_read(publisher->channel, &publication);
    enum am_code code = am_store_open(&store, publisher->store_folder, &error);
    if (code == AM_OK) {
        code = am_store_open_image(&store, publication.image, true, &served, &hold, &error);
        am_store_close(&store);
    }
    if (code == AM_OK) {
        code = am_account_settle(publisher->account, served, refused, publisher->noticed, &error);
        am_image_close(served);
        am_store_release(&hold);
    }
    if (code != AM_OK)
        am_publish_log(publisher->sink,
                       "budgets: the limits of a refused inventory hold for the one that goes on "
                       "serving: %s",
                       error.message);
}

/* What is about to be served is counted from its first placement on. */
static enum am_code
count(const struct am_publisher *publisher, const struct am_image *image, struct am_error *error) {
    if (!publisher->account)
        return check_limits(publisher, image, error);
    enum am_code code = am_account_open(publisher->account, image, error);
    if (code == AM_OK)
        code = am_account_publish(publisher->account, image, publisher->noticed, error);
    return code;
}

/* ---- at start ---------------------------------------------------------------------------------
 */

/* What the inventory was last served from, and can be served from again; NULL: nothing. */
static struct am_image *open_last_good(const struct am_publisher *publisher,
                                       char name[AM_STORE_NAME_SIZE],
                                       struct am_store_hold *hold) {
    const struct am_source *source = &publisher->source;
    struct am_store store;
    struct am_error error;
    struct am_image *image = NULL;
    enum am_code code = am_store_open(&store, publisher->store_folder, &error);
    if (code == AM_OK) {
        code = am_store_recall(&store, source->path, source->lenient, name, &error);
        if (code == AM_OK)
            code = am_store_open_image(&store, name, false, &image, hold, &error);
        if (code == AM_OK)
            am_store_confirm(&store, source->path, source->lenient);
        am_store_close(&store);
    }
    if (code != AM_OK)
        am_publish_log(publisher->sink, "no last good generation: %s", error.message);
    return image;
}

static bool publish_last_good(struct am_publisher *publisher) {
    char name[AM_STORE_NAME_SIZE];
    struct am_store_hold hold = AM_STORE_NO_HOLD;
    struct am_image *image = open_last_good(publisher, name, &hold);
    if (!image)
        return false;
    struct am_error error;
    bool counted = count(publisher, image, &error) == AM_OK;
    if (counted) {
        am_publisher_publish_image(publisher, image, name);
        am_publish_log(publisher->sink,
                       "serving the last good generation, %s, until %s can be used (%s/%s)",
                       image->generation, publisher->source.path, publisher->store_folder, name);
    } else {
        am_publish_log(publisher->sink, "cannot start: %s", error.message);
    }
    am_image_close(image);
    am_store_release(&hold);
    return counted;
}

static enum am_code build_patiently(struct am_publisher *publisher,
                                    struct am_source_built *built,
                                    struct am_inventory_report *report,
                                    struct am_error *error) {
    const struct timespec pause = {0, QUIET * 1000000L};
    for (int attempt = 1;; attempt++) {
        enum am_code code =
            am_source_image(&publisher->source, publisher->store_folder, 0, built, report, error);
        if (code != AM_E_CHANGED || attempt == START_ATTEMPTS)
            return code;
        am_inventory_report_free(report);
        *report = (struct am_inventory_report){0};
        nanosleep(&pause, NULL);
    }
}

/* Makes the state folder. Its problems are reported as such, not as the inventory's. */
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

/* Removes what no running instance serves. */
static void clean(struct am_publisher *publisher) {
    struct am_store store;
    publisher->cleaned = false;
    if (am_store_open(&store, publisher->store_folder, NULL) != AM_OK)
        return;
    am_publisher_clean_store(publisher, &store);
    am_store_close(&store);
}

static void publish_first(struct am_publisher *publisher, struct am_source_built *built) {
    am_publisher_show_built(publisher, built);
    am_publisher_publish(publisher, built->name);
    log_published(publisher, built);
    clean(publisher);
    am_image_close(built->image);
    am_store_release(&built->hold);
}

/* False: there is none. */
static bool fall_back(struct am_publisher *publisher, const struct am_error *error, bool unstored) {
    log_refusal(publisher, error, unstored, "");
    if (publish_last_good(publisher))
        return true;
    if (unstored)
        return false;
    am_publish_log(publisher->sink,
                   "there is nothing to serve: mend the inventory %s, or name another with "
                   "admatch-inventory; `admatch check FILE` lists what is wrong with one",
                   publisher->source.path);
    return false;
}

bool am_publisher_start(struct am_publisher *publisher) {
    struct am_source_built built;
    struct am_error error = {0};
    struct am_inventory_report report = {0};
    publisher->held = AM_STORE_NO_HOLD;
    if (!make_store(publisher))
        return false;
    publisher->noticed = am_ledger_publication_time();
    enum am_code code = build_patiently(publisher, &built, &report, &error);
    am_publish_log_report(publisher->sink, publisher->source.path, &report);
    am_inventory_report_free(&report);
    publisher->seen = !built.unstored && is_at_fault(code);
    publisher->refused = code != AM_OK && publisher->seen;
    publisher->last = built.signature;
    if (code != AM_OK)
        return fall_back(publisher, &error, built.unstored);
    if (count(publisher, built.image, &error) != AM_OK) {
        am_publish_log(publisher->sink, "cannot start: %s", error.message);
        am_image_close(built.image);
        am_store_release(&built.hold);
        return false;
    }
    publish_first(publisher, &built);
    return true;
}

void am_publisher_give(const struct am_publisher *publisher, struct am_publisher_verdict *verdict) {
    memset(verdict, 0, sizeof *verdict);
    verdict->last = publisher->last;
    verdict->noticed = publisher->noticed;
    verdict->seen = publisher->seen;
    verdict->refused = publisher->refused;
}

void am_publisher_take(struct am_publisher *publisher, const struct am_publisher_verdict *verdict) {
    publisher->last = verdict->last;
    publisher->noticed = verdict->noticed;
    publisher->seen = verdict->seen != 0;
    publisher->refused = verdict->refused != 0;
}

/* ---- when a mule starts -----------------------------------------------------------------------
 */

/* Workers that start later open the map of what is served. */
static void keep_map(const struct am_publisher *publisher, const struct am_image *image) {
    struct am_error error;
    if (publisher->account && am_account_keep_map(publisher->account, image, &error) != AM_OK)
        am_publish_log(publisher->sink, "budgets: %s", error.message);
}

void am_publisher_resume(struct am_publisher *publisher) {
    struct am_publish_publication publication;
    struct am_store store;
    struct am_image *image = NULL;
    publisher->held = AM_STORE_NO_HOLD;
    publisher->noted = false;
    publisher->cleaned = false;
    publisher->tend_after = AM_PUBLISHER_TEND_SOON;
    am_publish_channel_read(publisher->channel, &publication);
    bool restarted = publication.number > 1;
    publisher->seen &= !restarted;
    am_metrics_set(&am_metrics_gauges(publisher->metrics)->publication, publication.number);
    am_metrics_set(&am_metrics_gauges(publisher->metrics)->published_at,
                   (uint64_t)publication.published_at);
    if (am_store_open(&store, publisher->store_folder, NULL) != AM_OK)
        return;
    if (am_store_open_image(&store, publication.image, !restarted, &image, &publisher->held,
                            NULL) == AM_OK) {
        am_publisher_show(publisher, image);
        keep_map(publisher, image);
    }
    am_image_close(image);
    am_store_close(&store);
}

/* ---- while serving ----------------------------------------------------------------------------
 */

static void refuse(struct am_publisher *publisher,
                   enum am_code code,
                   const struct am_error *error,
                   bool unstored) {
    log_refusal(publisher, error, unstored, GOES_ON);
    publisher->refused = !unstored && is_at_fault(code);
    publisher->retry_at = publisher->refused ? 0 : monotonic() + RETRY;
}

static void accept_new(struct am_publisher *publisher, struct am_source_built *built) {
    am_publisher_show_built(publisher, built);
    am_publisher_publish(publisher, built->name);
    am_metrics_count(&am_metrics_gauges(publisher->metrics)->swaps, 1);
    log_published(publisher, built);
}

/* The image that is published already. If it had to be rebuilt, workers that map the old file move
 * to the new one. */
static void
accept_same(struct am_publisher *publisher, struct am_source_built *built, bool forced) {
    if (!built->found)
        am_publisher_show_built(publisher, built);
    if (built->hold.inode != publisher->held.inode)
        am_publisher_publish(publisher, built->name);
    if (!built->found)
        am_publish_log(publisher->sink, "%s/%s was gone or damaged, and has been made again",
                       publisher->store_folder, built->name);
    else if (forced)
        am_publish_log(publisher->sink, "%s was checked on demand: no change",
                       publisher->source.path);
}

static void accept(struct am_publisher *publisher, struct am_source_built *built, bool forced) {
    struct am_publish_publication publication;
    am_publish_channel_read(publisher->channel, &publication);
    publisher->retry_at = 0;
    publisher->refused = false;
    if (strcmp(publication.image, built->name) == 0)
        accept_same(publisher, built, forced);
    else
        accept_new(publisher, built);
    am_image_close(built->image);
    am_publisher_replace_hold(publisher, built->hold);
    publisher->noted = built->noted == AM_OK;
    publisher->tend_after = AM_PUBLISHER_TEND_SOON;
    clean(publisher);
}

/* A file whose writer never pauses is never published; after a while this is logged. */
static enum am_publisher_outcome wait_for_quiet(struct am_publisher *publisher,
                                                const struct am_error *error) {
    int64_t now = monotonic(), before = publisher->unquiet_since;
    publisher->seen = false;
    if (!before)
        publisher->unquiet_since = now;
    else if (before > 0 && now - before >= UNQUIET) {
        am_publish_log(publisher->sink, "inventory not published for %d seconds: %s",
                       UNQUIET / 1000, error->message);
        count_refusal(publisher);
        publisher->unquiet_since = -1; /* said */
    }
    return AM_PUBLISHER_SOON;
}

static void log_lag(struct am_publisher *publisher, uint64_t nanoseconds) {
    int64_t now = monotonic();
    if (publisher->lag_logged_at && now - publisher->lag_logged_at < LAG_LOG)
        return;
    publisher->lag_logged_at = now;
    am_publish_log(
        publisher->sink,
        "publications lag: %s was replaced again while it was read and built, which took "
        "%.3f seconds; versions that are replaced that soon are passed over",
        publisher->source.path, (double)nanoseconds / 1e9);
}

/* Whether a newer file has taken the place of the one that was read, since `began`. */
static enum am_publisher_outcome
look_behind(struct am_publisher *publisher, int64_t began, uint64_t nanoseconds) {
    struct am_source_version now;
    bool lags = am_source_signature(publisher->source.path, &now, NULL) == AM_OK &&
                am_source_version_replaces(&now, &publisher->last);
    struct am_metrics_gauges *gauges = am_metrics_gauges(publisher->metrics);
    am_metrics_set(&gauges->replaced_at, lags ? (uint64_t)began : 0);
    if (!lags)
        return AM_PUBLISHER_DONE;
    am_metrics_count(&gauges->lags, 1);
    log_lag(publisher, nanoseconds);
    return AM_PUBLISHER_SOON;
}

static enum am_publisher_outcome take(struct am_publisher *publisher, bool forced) {
    struct am_source_built built;
    struct am_error error = {0};
    struct am_inventory_report report = {0};
    int64_t began = am_clock_seconds();
    enum am_code code = am_source_image(&publisher->source, publisher->store_folder, QUIET, &built,
                                        &report, &error);
    if (code != AM_E_CHANGED)
        am_publish_log_report(publisher->sink, publisher->source.path, &report);
    am_inventory_report_free(&report);
    if (code == AM_E_CHANGED)
        return wait_for_quiet(publisher, &error);
    publisher->seen = true;
    publisher->unquiet_since = 0;
    if (built.signature.inode)
        publisher->last = built.signature;
    if (code == AM_OK) {
        code = count(publisher, built.image, &error);
        if (code != AM_OK) {
            if (publisher->account && am_account_is_unsettled(publisher->account))
                settle(publisher, built.image);
            am_image_close(built.image);
            am_store_release(&built.hold);
        }
    }
    if (code == AM_OK)
        accept(publisher, &built, forced);
    else
        refuse(publisher, code, &error, built.unstored);
    return look_behind(publisher, began, built.nanoseconds);
}

/* Logs a reason once, until there is another one or the file is back. */
static void miss(struct am_publisher *publisher, const struct am_error *error, bool forced) {
    if (strcmp(publisher->missed.message, error->message) != 0 || forced)
        log_refusal(publisher, error, false, GOES_ON);
    publisher->missed = *error;
}

enum am_publisher_outcome am_publisher_check(struct am_publisher *publisher, bool forced) {
    struct am_source_version now;
    struct am_error error = {0};
    am_metrics_set(&am_metrics_gauges(publisher->metrics)->checked_at, (uint64_t)time(NULL));
    if (am_source_signature(publisher->source.path, &now, &error) != AM_OK) {
        miss(publisher, &error, forced);
        return AM_PUBLISHER_DONE;
    }
    publisher->missed = (struct am_error){0};
    if (publisher->seen && !forced && !am_publisher_is_due(publisher) &&
        am_source_version_equal(&now, &publisher->last))
        return AM_PUBLISHER_DONE;
    publisher->last = now;
    publisher->noticed = am_ledger_publication_time();
    return take(publisher, forced);
}

void am_publisher_warn(struct am_publisher *publisher) {
    enum { MINUTE = 60000 };
    uint64_t truncated =
        am_metrics_sum(publisher->metrics, offsetof(struct am_metrics_counters, truncated));
    int64_t now = am_clock_milliseconds(CLOCK_MONOTONIC);
    if (truncated == publisher->warned.truncated || now < publisher->warned.next)
        return;
    am_publish_log(publisher->sink,
                   "%llu decisions reached admatch-limit-work and have only what was found until "
                   "then (log-format has %%(admatch.truncated), %%(admatch.work))",
                   (unsigned long long)(truncated - publisher->warned.truncated));
    publisher->warned.truncated = truncated;
    publisher->warned.next = now + MINUTE;
}
