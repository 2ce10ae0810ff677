/* SPDX-License-Identifier: Apache-2.0 */
/* What exchanges may ask of an ad's creative, as its members say it (docs/OPENRTB.md, creatives).
 */
#ifndef AM_MODEL_CREATIVE_H
#define AM_MODEL_CREATIVE_H

#include "../base/json.h"

/* Sets of small numbers, as lists of AdCOM 1.0 have them: bit n is the number n; all that do not
 * fit are bit 0. */
struct am_model_creative {
    uint64_t attributes;            /* `attr`: creative attributes */
    uint32_t apis;                  /* `apis`: API frameworks that it needs */
    uint32_t mimes;                 /* of `media`, too: `mime`: am_model_mime_bit; 0: not given */
    uint8_t types;                  /* `type`: banner ad types; 0: not given */
    uint8_t positions;              /* `pos`: placement positions where it may stand; 0: anywhere */
    uint8_t taxonomy;               /* `cattax`: of the ad's categories; 0: not given */
    uint8_t kinds;                  /* enum am_model_creative_kind, a bit each */
    uint8_t assets;                 /* enum am_model_asset */
    uint16_t title_size, text_size; /* characters, at most AM_CREATIVE_LENGTH_MOST */
    uint32_t duration;              /* `duration`: seconds of a video; 0: not given */
    uint8_t flags;                  /* enum am_model_creative_flags */
    struct am_view bundle; /* `bundle`: the store id of the app; in the JSON's text or the caller's
                              memory; empty: none */
};

/* What it can be shown as. */
enum am_model_creative_kind {
    AM_CREATIVE_BANNER, /* it has `adm`, or nothing for a video */
    AM_CREATIVE_VIDEO,  /* it has `vast`, a VAST document, or `media`, files to make one of */
    AM_CREATIVE_NATIVE, /* it has `title` or `image`, and its ad a url */
    AM_CREATIVE_KINDS
};

/* What a native ad is made of: members of the creative, a bit each. */
enum am_model_asset {
    AM_ASSET_TITLE = 1,     /* `title` */
    AM_ASSET_IMAGE = 2,     /* `image`: a URL, or an object of `url`, `w`, `h` */
    AM_ASSET_ICON = 4,      /* `icon`: the same */
    AM_ASSET_TEXT = 8,      /* `text` */
    AM_ASSET_CALL = 16,     /* `cta` */
    AM_ASSET_SPONSORED = 32 /* `sponsored` */
};
/* The member's name. */
const char *am_model_asset_name(enum am_model_asset asset);

enum am_model_creative_flags {
    AM_CREATIVE_INSECURE = 1,           /* it loads something without encryption */
    AM_CREATIVE_TRANSPARENT = 2,        /* it has `ext.dsa`, as the Digital Services Act asks */
    AM_CREATIVE_ONLY_INTERSTITIAL = 4,  /* `instl` 1 */
    AM_CREATIVE_NEVER_INTERSTITIAL = 8, /* `instl` 0 */
};

enum { AM_CREATIVE_LENGTH_MOST = 4095 };

/* Reads a creative, a JSON object. `nodes` has room for AM_CREATIVE_NODES, `memory` for the text's
 * size. Members of other types than they should be say nothing. */
void am_model_creative_read(struct am_view text,
                            struct am_json_node *nodes,
                            char *memory,
                            struct am_model_creative *creative);

/* Whether markup loads something by http://. Links that a reader follows, names of namespaces and
 * document types load nothing. JSON's backslashes are passed over. */
bool am_model_markup_is_insecure(struct am_view markup);

/* A bit for each media type that creatives usually have ("image/png"), without ASCII case; bit 0
 * for all others. */
uint32_t am_model_mime_bit(struct am_view type);

#endif
