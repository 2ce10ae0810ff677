/* SPDX-License-Identifier: Apache-2.0 */
/* Deep verification of time zones, advertisers and keys. */
#include <stdlib.h>

#include "../base/large.h"
#include "../base/timezone.h"
#include "../model/keys.h"
#include "verify.h"

enum { DAY = 86400, LARGEST_OFFSET = 7 * DAY };

/* ---- time zones -------------------------------------------------------------------------------
 */

static bool is_offset(int32_t seconds) {
    return seconds >= -LARGEST_OFFSET && seconds <= LARGEST_OFFSET;
}

static bool is_change(const struct am_timezone_change *change) {
    if (change->reserved || !is_offset(change->time) || change->day < 0)
        return false;
    if (change->kind == 'M')
        return change->month >= 1 && change->month <= 12 && change->week >= 1 &&
               change->week <= 5 && change->day <= 6;
    return (change->kind == 'J' || change->kind == '0') && change->day <= 365;
}

static bool is_rule(const struct am_timezone_rule *rule) {
    return is_offset(rule->standard) && is_offset(rule->saving) && rule->saves <= 1 &&
           (!rule->saves || (is_change(&rule->begin) && is_change(&rule->end)));
}

static bool are_transitions(const struct am_image *image, const struct am_image_zone *zone) {
    const struct am_timezone_transition *transitions = image->transitions + zone->first_transition;
    for (uint32_t i = 0; i < zone->transition_count; i++)
        if (transitions[i].time < AM_TIME_MIN || transitions[i].time > AM_TIME_MAX ||
            !is_offset(transitions[i].offset) ||
            (i > 0 && transitions[i].time <= transitions[i - 1].time))
            return false;
    return true;
}

/* Zone after zone, so that each transition belongs to one. */
static bool verify_zones(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    uint64_t next = 0;
    for (uint64_t i = 0; i < image->zone_count; i++) {
        const struct am_image_zone *zone = &image->zones[i];
        if (zone->first_transition != next ||
            zone->transition_count > image->transition_count - next)
            return am_image_verify_fail(verifier, "zones", i, "its transitions are out of place");
        if (!is_offset(zone->first_offset) || !is_rule(&zone->rule))
            return am_image_verify_fail(verifier, "zones", i, "an offset or rule out of range");
        if (!are_transitions(image, zone))
            return am_image_verify_fail(verifier, "zones", i, "its transitions do not ascend");
        next += zone->transition_count;
    }
    return next == image->transition_count ||
           am_image_verify_fail(verifier, "transitions", next, "it belongs to no zone");
}

static bool verify_zone_names(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    struct am_view last = {NULL, 0};
    uint32_t zone;
    for (uint64_t i = 0; i < image->zone_name_count; i++) {
        const struct am_image_zone_name *named = &image->zone_names[i];
        if (!am_image_verify_text(verifier, named->name, 1, AM_ID_MAX_BYTES) ||
            named->zone >= image->zone_count)
            return am_image_verify_fail(verifier, "zone names", i, "no such string or zone");
        struct am_view name = am_image_string(image, named->name);
        if (last.data && am_view_compare(last, name) >= 0)
            return am_image_verify_fail(verifier, "zone names", i, "the names do not ascend");
        last = name;
    }
    return am_image_find_zone(image, AM_VIEW("UTC"), &zone) ||
           am_image_verify_fail(verifier, "zone names", 0, "UTC is missing");
}

/* ---- advertisers and keys ---------------------------------------------------------------------
 */

static bool verify_advertisers(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    uint64_t next = 0;
    for (uint64_t term = 0; term < image->term_count; term++)
        if (image->terms[term].kind == AM_TERM_ADVERTISER) {
            if (next == image->advertiser_count || image->advertisers[next] != term)
                return am_image_verify_fail(verifier, "advertisers", next,
                                            "they are not the terms of advertisers");
            next++;
        }
    return next == image->advertiser_count ||
           am_image_verify_fail(verifier, "advertisers", next, "it is no term of an advertiser");
}

static uint64_t key_at(const struct am_image *image, uint64_t at) {
    const struct am_image_settings *settings = image->settings;
    if (at < settings->ad_count)
        return am_model_key(AM_RECORD_AD, am_image_string(image, image->details[at].id));
    at -= settings->ad_count;
    if (at < settings->campaign_count)
        return am_model_key(AM_RECORD_CAMPAIGN, am_image_string(image, image->campaigns[at].id));
    at -= settings->campaign_count;
    return am_model_key(AM_RECORD_ADVERTISER,
                        am_image_string(image, image->terms[image->advertisers[at]].text));
}

/* Keys are what the ids make them: distinct ids then have distinct ones, since the builder refuses
 * others, and whoever makes an image by hand harms only their own counters. */
static bool verify_keys(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    for (uint64_t i = 0; i < image->key_count; i++)
        if (image->keys[i] != key_at(image, i))
            return am_image_verify_fail(verifier, "keys", i, "it is not that of its id");
    return true;
}

bool am_image_verify_zones(struct am_image_verifier *verifier) {
    return verify_zones(verifier) && verify_zone_names(verifier);
}

bool am_image_verify_keys(struct am_image_verifier *verifier) {
    return verify_advertisers(verifier) && verify_keys(verifier);
}
