/* SPDX-License-Identifier: Apache-2.0 */
/* What is published stays: its file, its note, its place in the store. */
#include "../base/clock.h"
#include "publisher_parts.h"

/* In milliseconds. */
enum {
    PATIENCE = 1000, /* for whoever restores the same image */
    TEND = 2000,
    CONFIRM = 60000, /* between confirmations of the note */
};

static int64_t monotonic(void) {
    return am_clock_milliseconds(CLOCK_MONOTONIC);
}

void am_publisher_replace_hold(struct am_publisher *publisher, struct am_store_hold taken) {
    am_store_release(&publisher->held);
    publisher->held = taken;
    publisher->damaged = false;
}

/* Opens what has the published image's name, and holds it. `moved`: it is another file, to which
 * everybody moves. Errors as am_store_open_image. */
static enum am_code take_up(struct am_publisher *publisher,
                            const struct am_store *store,
                            const struct am_publish_publication *publication,
                            bool moved) {
    struct am_image *image = NULL;
    struct am_store_hold taken;
    enum am_code code = am_store_open_image(store, publication->image, false, &image, &taken, NULL);
    if (code != AM_OK)
        return code;
    if (moved)
        am_publisher_publish_image(publisher, image, publication->image);
    am_image_close(image);
    am_publisher_replace_hold(publisher, taken);
    return AM_OK;
}

/* The file is gone, with its folder perhaps. Of all instances that are served from it, the first
 * puts it back, and the others take that up. */
static enum am_code restore(struct am_publisher *publisher,
                            const struct am_store *store,
                            const struct am_publish_publication *publication) {
    int lock = am_store_lock(store, publication->image, PATIENCE);
    if (lock < 0)
        return AM_E_IO;
    enum am_code code = take_up(publisher, store, publication, true);
    if (am_store_is_lost(code) &&
        am_store_put_back(store, publication->image, &publisher->held, NULL) == AM_OK) {
        code = take_up(publisher, store, publication, true);
        am_publish_log(publisher->sink, "%s/%s was gone, and has been put back",
                       publisher->store_folder, publication->image);
    }
    am_store_unlock(store, publication->image, lock);
    publisher->noted = false; /* somebody who removed the image may have removed the note, too */
    return code;
}

static enum am_code keep_image(struct am_publisher *publisher, const struct am_store *store) {
    struct am_publish_publication publication;
    am_publish_channel_read(publisher->channel, &publication);
    switch (am_store_examine(store, publication.image, &publisher->held)) {
    case AM_STORE_SOUND:
        return AM_OK;
    case AM_STORE_UNKNOWN:
        return AM_E_IO;
    case AM_STORE_WRITTEN:
        return take_up(publisher, store, &publication, false);
    case AM_STORE_GONE:
        break;
    }
    return restore(publisher, store, &publication);
}

void am_publisher_clean_store(struct am_publisher *publisher, const struct am_store *store) {
    struct am_error error;
    bool failed = am_store_clean(store, &publisher->cleaned, &error) != AM_OK;
    if (failed && !publisher->uncleaned_logged)
        am_publish_log(publisher->sink, "%s: until that works, it grows", error.message);
    publisher->uncleaned_logged = failed;
}

/* A write a minute, should the folder be on a disk. */
static bool has_note(struct am_publisher *publisher, const struct am_store *store) {
    const struct am_source *source = &publisher->source;
    int64_t now = monotonic();
    if (!publisher->noted)
        return false;
    if (publisher->confirmed_at && now - publisher->confirmed_at < CONFIRM)
        return true;
    publisher->confirmed_at = now;
    return am_store_confirm(store, source->path, source->lenient);
}

/* Logs once why there is no note, and retries until there is. */
static void keep_note(struct am_publisher *publisher, const struct am_store *store) {
    const struct am_source *source = &publisher->source;
    struct am_publish_publication publication;
    struct am_error error;
    if (has_note(publisher, store))
        return;
    am_publish_channel_read(publisher->channel, &publication);
    publisher->noted =
        am_store_note(store, source->path, source->lenient, publication.image, &error) == AM_OK;
    if (!publisher->noted && !publisher->unnoted_logged)
        am_publish_log(publisher->sink,
                       "%s: until that works, a restart would not find the last good generation",
                       error.message);
    publisher->unnoted_logged = !publisher->noted;
}

bool am_publisher_is_due(const struct am_publisher *publisher) {
    if (publisher->retry_at)
        return monotonic() >= publisher->retry_at;
    return publisher->damaged && !publisher->refused;
}

int64_t am_publisher_tend_after(const struct am_publisher *publisher) {
    return publisher->tend_after;
}

bool am_publisher_tend(struct am_publisher *publisher) {
    struct am_store store;
    publisher->tend_after =
        publisher->cleaned || publisher->tend_after * 2 > TEND ? TEND : publisher->tend_after * 2;
    if (am_store_make(&store, publisher->store_folder, NULL) != AM_OK) {
        publisher->damaged = true;
        return am_publisher_is_due(publisher);
    }
    enum am_code code = keep_image(publisher, &store);
    if (code == AM_OK || am_store_is_lost(code)) /* else nobody knows: it stays as it was */
        publisher->damaged = code != AM_OK;
    keep_note(publisher, &store);
    if (!publisher->cleaned)
        am_publisher_clean_store(publisher, &store);
    am_store_close(&store);
    return am_publisher_is_due(publisher);
}
