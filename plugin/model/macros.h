/* SPDX-License-Identifier: Apache-2.0 */
/* Macros: places in creatives and landing pages that an answer fills. docs/EVENTS.md lists them. */
#ifndef AM_MODEL_MACROS_H
#define AM_MODEL_MACROS_H

#include "../base/bytes.h"

/* The numbers are part of images: they never change. Those of creatives come first. */
enum am_model_macro {
    AM_MACRO_CLICK_URL,
    AM_MACRO_CLICK_URL_ENC,
    AM_MACRO_IMPRESSION_URL,
    AM_MACRO_VIEW_URL,
    AM_MACRO_CACHEBUSTER,
    AM_MACRO_KEYWORD, /* from here on: of landing pages */
    AM_MACRO_MATCH_TYPE,
    AM_MACRO_AD,
    AM_MACRO_CAMPAIGN,
    AM_MACRO_PLACEMENT,
    AM_MACRO_ID,
    AM_MACRO_CLICK_ID,
    AM_MACROS,
};

/* As it is written: "${CLICK_URL}", "{keyword}". */
struct am_view am_model_macro_text(enum am_model_macro macro);

/* The first macro of a creative, or of a landing page, from byte *at on; *at becomes the place of
 * its first byte. AM_MACROS: there is none. */
enum am_model_macro am_model_macro_find(struct am_view text, bool creative, size_t *at);

#endif
