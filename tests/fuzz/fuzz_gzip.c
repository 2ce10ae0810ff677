/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a gzip body: what comes out keeps to the limits, and is what zlib itself makes of
 * it. */
#include <stdlib.h>
#include <string.h>

#include "../../plugin/api/gzip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 256 << 10 };

static void require(bool holds) {
    if (!holds)
        abort();
}

/* zlib's default memory and its own check of header and trailer. */
static void check_against_zlib(const uint8_t *data, size_t size, struct am_view unpacked) {
    enum { GZIP_ONLY = 16 + MAX_WBITS };
    z_stream stream = {.next_in = (Bytef *)data, .avail_in = (uInt)size};
    unsigned char *expected = malloc(unpacked.size + 1);
    require(expected && inflateInit2(&stream, GZIP_ONLY) == Z_OK);
    stream.next_out = expected;
    stream.avail_out = (uInt)unpacked.size + 1;
    require(inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_in == 0);
    require(stream.total_out == unpacked.size);
    require(memcmp(expected, unpacked.data, unpacked.size) == 0);
    inflateEnd(&stream);
    free(expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char memory[AM_GZIP_MEMORY_SIZE], unpacked[LIMIT + 1];
    static struct am_api_gzip gzip;
    struct am_error error = {0};
    size_t used = 0;
    if (!gzip.memory.bytes)
        require(am_api_gzip_start(&gzip, memory, &error) == AM_OK);
    enum am_code code = am_api_gzip_unpack(&gzip, (struct am_view){(const char *)data, size},
                                           unpacked, LIMIT, &used, &error);
    if (code != AM_OK) {
        require((code == AM_E_SYNTAX || code == AM_E_LIMIT) && error.message[0] != '\0');
        return 0;
    }
    require(used <= LIMIT);
    require(used <= AM_GZIP_FREE_SIZE || used <= size * AM_GZIP_MAX_RATIO);
    check_against_zlib(data, size, (struct am_view){unpacked, used});
    return 0;
}
