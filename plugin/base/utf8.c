/* SPDX-License-Identifier: Apache-2.0 */
#include "utf8.h"

/* Of a valid character. */
static uint32_t decode(const char *at, uint32_t size) {
    static const unsigned char lead_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t point = (unsigned char)at[0] & lead_bits[size];
    for (uint32_t i = 1; i < size; i++)
        point = point << 6 | ((unsigned char)at[i] & 0x3F);
    return point;
}

/* Those of Unicode's general categories Cc, Zl and Zp, and of Cf what a log or a terminal obeys or
 * does not show. */
static bool steers(uint32_t point) {
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x0000, 0x001F}, {0x007F, 0x009F}, {0x061C, 0x061C},   {0x180E, 0x180E},
        {0x200B, 0x200B}, {0x200E, 0x200F}, {0x2028, 0x202E},   {0x2060, 0x206F},
        {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F},
    };
    for (size_t i = 0; i < AM_COUNT_OF(ranges); i++)
        if (point >= ranges[i].first && point <= ranges[i].last)
            return true;
    return false;
}

size_t am_utf8_visible(struct am_view text, char *to, size_t room) {
    size_t written = 0;
    const char *at = text.data, *end = am_view_end(text);
    while (at < end) {
        struct am_utf8_step step = am_utf8_step(at, end);
        bool shown = step.valid && !steers(decode(at, step.size));
        uint32_t size = shown ? step.size : 1;
        if (size > room - written)
            break;
        if (shown)
            memmove(to + written, at, size);
        else
            to[written] = '?';
        written += size;
        at += step.size;
    }
    return written;
}
