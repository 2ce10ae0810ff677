/* SPDX-License-Identifier: Apache-2.0 */
/* Deep verification of the pools: strings and lists. Each is examined once, in the order of the
 * pool, however many records refer to it. */
#include "../base/plain.h"
#include "../base/utf8.h"
#include "verify.h"

/* ---- strings ----------------------------------------------------------------------------------
 */

/* Whether eight bytes are ASCII without control characters. */
AM_WRAPS static bool are_plain(uint64_t bytes) {
    uint64_t below = bytes - AM_EVERY_BYTE(0x20),
             above = bytes + AM_EVERY_BYTE(0x01); /* DEL: 0x80 */
    return ((bytes | below | above) & AM_EVERY_BYTE(0x80)) == 0;
}

/* UTF-8 without control characters, as the inventory's reader takes its texts. */
static bool is_plain(struct am_view text) {
    const char *at = text.data, *end = am_view_end(text);
    while (at < end) {
        if (end - at >= 8 && are_plain(am_bytes_load_u64(at))) {
            at += 8;
            continue;
        }
        struct am_utf8_step step = am_utf8_step(at, end);
        if (!step.valid || (unsigned char)*at < 0x20 || *at == 0x7F)
            return false;
        at += step.size;
    }
    return true;
}

static bool verify_strings(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    uint64_t at = 0;
    if (am_bytes_load_u32(image->strings) != 0)
        return am_image_verify_fail(verifier, "strings", 0, "the first must be empty");
    while (at < image->strings_size) {
        uint64_t size = am_bytes_load_u32(image->strings + at);
        if (size > image->strings_size - at - 4)
            return am_image_verify_fail(verifier, "strings", at / 4, "reaches past the end");
        am_image_verify_set_bit(verifier->string_starts, at / 4);
        if (is_plain((struct am_view){image->strings + at + 4, size}))
            am_image_verify_set_bit(verifier->plain_strings, at / 4);
        at += (4 + size + 3) / 4 * 4;
    }
    return true;
}

static bool is_string(const struct am_image_verifier *verifier, am_image_string_ref ref) {
    return ref < verifier->image->strings_size / 4 &&
           am_image_verify_bit(verifier->string_starts, ref);
}

bool am_image_verify_text(const struct am_image_verifier *verifier,
                          am_image_string_ref ref,
                          size_t least,
                          size_t most) {
    if (!is_string(verifier, ref) || !am_image_verify_bit(verifier->plain_strings, ref))
        return false;
    size_t size = am_image_string(verifier->image, ref).size;
    return size >= least && size <= most;
}

bool am_image_verify_creative(struct am_image_verifier *verifier, am_image_string_ref ref) {
    struct am_json json;
    if (ref == 0)
        return true;
    if (!is_string(verifier, ref))
        return false;
    if (am_image_verify_bit(verifier->creatives, ref))
        return true;
    struct am_view text = am_image_string(verifier->image, ref);
    if (text.size > AM_CREATIVE_MAX_BYTES ||
        am_json_parse(text, verifier->json_nodes, AM_CREATIVE_NODES, &json, NULL) != AM_OK ||
        json.nodes->type != AM_JSON_OBJECT)
        return false;
    am_image_verify_set_bit(verifier->creatives, ref);
    return true;
}

/* ---- lists ------------------------------------------------------------------------------------
 */

static bool ascends(struct am_image_list list) {
    bool ascending = true;
    for (uint32_t i = 1; i < list.count; i++)
        ascending &= list.items[i - 1] < list.items[i];
    return ascending;
}

static bool verify_lists(struct am_image_verifier *verifier) {
    const struct am_image *image = verifier->image;
    if (image->sets[0] != 0)
        return am_image_verify_fail(verifier, "sets", 0, "the first must be empty");
    for (uint64_t at = 0; at < image->set_count; at += 1 + (uint64_t)image->sets[at]) {
        uint32_t count = image->sets[at];
        if (count > image->set_count - at - 1)
            return am_image_verify_fail(verifier, "sets", at, "reaches past the end");
        if (count > AM_LIST_MAX_ITEMS)
            return am_image_verify_fail(verifier, "sets", at, "has too many items");
        am_image_verify_set_bit(verifier->list_starts, at);
        if (ascends((struct am_image_list){image->sets + at + 1, count}))
            am_image_verify_set_bit(verifier->ascending_lists, at);
    }
    return true;
}

bool am_image_verify_list(const struct am_image_verifier *verifier, am_image_list_ref ref) {
    return ref < verifier->image->set_count && am_image_verify_bit(verifier->list_starts, ref);
}

bool am_image_verify_ascending(const struct am_image_verifier *verifier,
                               am_image_list_ref ref,
                               uint64_t limit) {
    if (!am_image_verify_list(verifier, ref) ||
        !am_image_verify_bit(verifier->ascending_lists, ref))
        return false;
    struct am_image_list list = am_image_list_at(verifier->image, ref);
    return list.count == 0 || list.items[list.count - 1] < limit;
}

bool am_image_verify_pools(struct am_image_verifier *verifier) {
    return verify_strings(verifier) && verify_lists(verifier);
}
