/* SPDX-License-Identifier: Apache-2.0 */
#include "keys.h"

#include <xxhash.h>

#define SEED UINT64_C(0x9E3779B97F4A7C15)

AM_WRAPS uint64_t am_model_key(enum am_model_record record, struct am_view id) {
    uint64_t key = XXH3_64bits_withSeed(id.data, id.size, SEED * (record + 1));
    return key ? key : 1;
}
