/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of an inventory, which the builder and the readers of an image rely on. */
#ifndef AM_MODEL_LIMITS_H
#define AM_MODEL_LIMITS_H

#include <stdint.h>

#include "../base/buffer.h"

enum {
    AM_KEYWORD_MAX_WRITTEN_WORDS = 16, /* between white space */
    AM_KEYWORD_MAX_WORDS = 96,         /* as split: u.s. is two, each Han letter is one */
    AM_KEYWORD_MAX_BYTES = 1000,
    AM_CREATIVE_MAX_BYTES = 64 << 10,
    /* JSON values in a creative: each takes two bytes, but for the first. */
    AM_CREATIVE_NODES = AM_CREATIVE_MAX_BYTES / 2 + 2,
    AM_LINE_MAX_BYTES = AM_BUFFER_SIZE(1 << 20, 2048),
    AM_INVENTORY_MAX_RATIO = 200, /* of the text of a gzip file to the file, beyond the free text */
    AM_INVENTORY_FREE_TEXT = AM_BUFFER_SIZE(64 << 20, 64 << 10),
    AM_TARGETING_MAX_DEPTH = 16,
    AM_ID_MAX_BYTES =
        255, /* ids, advertisers, labels, categories, domains, targeting values and kv keys */
    AM_HOURS_MAX_BYTES = 2 << 10, /* of one list of `hours` */
    AM_HOURS_MAX_RUNS = 168,      /* that it makes of a week */
    AM_LABELS_MAX = 100,    /* labels, exclude_labels and categories of a record */
    AM_NAME_MAX_PARTS = 16, /* of a domain, between dots; of a category, between dashes */
    AM_URL_MAX_BYTES = 8 << 10,
    AM_AD_MAX_MACROS = 256, /* in url and creative together */
    AM_BROAD_WINDOW_MAX = 64,
    AM_MAX_ERRORS_LISTED = 100,
};
#define AM_NONE UINT32_MAX
/* Of the inventory's file, or of an image in its place. */
#define AM_INVENTORY_MAX_BYTES (INT64_C(64) << 30)
#define AM_MONEY_MAX INT64_C(1000000000000) /* micros: 1,000,000.000000 */
#define AM_PER_MILLE_MAX INT64_C(1000000)   /* quality and match weight: 1,000.000 */

#endif
