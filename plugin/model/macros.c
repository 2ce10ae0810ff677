/* SPDX-License-Identifier: Apache-2.0 */
#include "macros.h"

static const struct am_view texts[AM_MACROS] = {
    [AM_MACRO_CLICK_URL] = {"${CLICK_URL}", 12},
    [AM_MACRO_CLICK_URL_ENC] = {"${CLICK_URL_ENC}", 16},
    [AM_MACRO_IMPRESSION_URL] = {"${IMPRESSION_URL}", 17},
    [AM_MACRO_VIEW_URL] = {"${VIEW_URL}", 11},
    [AM_MACRO_CACHEBUSTER] = {"${CACHEBUSTER}", 14},
    [AM_MACRO_KEYWORD] = {"{keyword}", 9},
    [AM_MACRO_MATCH_TYPE] = {"{match_type}", 12},
    [AM_MACRO_AD] = {"{ad}", 4},
    [AM_MACRO_CAMPAIGN] = {"{campaign}", 10},
    [AM_MACRO_PLACEMENT] = {"{placement}", 11},
    [AM_MACRO_ID] = {"{id}", 4},
    [AM_MACRO_CLICK_ID] = {"{click_id}", 10},
};

struct am_view am_model_macro_text(enum am_model_macro macro) {
    return texts[macro];
}

static enum am_model_macro macro_at(struct am_view text, size_t at, bool creative) {
    enum am_model_macro macro = creative ? AM_MACRO_CLICK_URL : AM_MACRO_KEYWORD;
    enum am_model_macro end = creative ? AM_MACRO_KEYWORD : AM_MACROS;
    for (; macro < end; macro++)
        if (text.size - at >= texts[macro].size &&
            memcmp(text.data + at, texts[macro].data, texts[macro].size) == 0)
            return macro;
    return AM_MACROS;
}

enum am_model_macro am_model_macro_find(struct am_view text, bool creative, size_t *at) {
    while (*at < text.size) {
        const char *found = memchr(text.data + *at, creative ? '$' : '{', text.size - *at);
        if (!found)
            break;
        *at = (size_t)(found - text.data);
        enum am_model_macro macro = macro_at(text, *at, creative);
        if (macro != AM_MACROS)
            return macro;
        ++*at;
    }
    return AM_MACROS;
}
