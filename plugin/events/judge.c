/* SPDX-License-Identifier: Apache-2.0 */
#include "judge.h"

#include <strings.h>

struct am_view am_event_outcome_name(enum am_event_outcome outcome) {
    static const char *const names[AM_EVENT_OUTCOMES] = {
        [AM_EVENT_COUNTED] = "counted",
        [AM_EVENT_BAD_SIGNATURE] = "bad_signature",
        [AM_EVENT_IGNORED] = "ignored",
        [AM_EVENT_PREFETCH] = "prefetch",
        [AM_EVENT_HEAD] = "head",
        [AM_EVENT_ROBOT] = "robot",
        [AM_EVENT_EXPIRED] = "expired",
        [AM_EVENT_DUPLICATE] = "duplicate",
        [AM_EVENT_NO_IMPRESSION] = "no_impression",
        [AM_EVENT_RATE] = "rate",
        [AM_EVENT_BUDGET] = "budget",
    };
    return am_view_of(names[outcome]);
}

int64_t am_event_valid_seconds(enum am_journal_kind kind) {
    enum { HOUR = 3600, DAY = 24 * HOUR };
    return kind == AM_JOURNAL_CLICK ? DAY : kind == AM_JOURNAL_CONVERSION ? 30 * DAY : HOUR;
}

/* Whether a header holds a word, without ASCII case. */
static bool holds(struct am_view header, const char *word) {
    size_t size = strlen(word);
    for (size_t at = 0; at + size <= header.size; at++)
        if (strncasecmp(header.data + at, word, size) == 0)
            return true;
    return false;
}

bool am_event_is_prefetch(const struct am_event_headers *headers) {
    static const char *const words[] = {"prefetch", "prerender", "preview"};
    const struct am_view values[] = {headers->sec_purpose, headers->purpose, headers->x_moz,
                                     headers->x_purpose};
    for (size_t i = 0; i < AM_COUNT_OF(values); i++)
        for (size_t word = 0; word < AM_COUNT_OF(words); word++)
            if (holds(values[i], words[word]))
                return true;
    return false;
}

static bool is_expired(const struct am_event_facts *facts) {
    return !facts->current || !facts->known || facts->own == AM_EVENT_OUTSIDE ||
           facts->age > am_event_valid_seconds(facts->kind);
}

enum am_event_outcome am_event_judge(const struct am_event_facts *facts) {
    bool from_server = facts->kind == AM_JOURNAL_CONVERSION;
    if (!facts->verified)
        return AM_EVENT_BAD_SIGNATURE;
    if (facts->ignored)
        return AM_EVENT_IGNORED;
    if (facts->prefetch && !from_server)
        return AM_EVENT_PREFETCH;
    if (facts->head && !from_server)
        return AM_EVENT_HEAD;
    if (facts->robot && !from_server)
        return AM_EVENT_ROBOT;
    if (is_expired(facts))
        return AM_EVENT_EXPIRED;
    if (facts->own == AM_EVENT_REPEAT)
        return AM_EVENT_DUPLICATE;
    if (facts->kind == AM_JOURNAL_CLICK && !facts->click_first &&
        facts->impression != AM_EVENT_REPEAT)
        return AM_EVENT_NO_IMPRESSION;
    return AM_EVENT_COUNTED;
}
