/* SPDX-License-Identifier: Apache-2.0 */
#include "gzip.h"

enum {
    ALIGNMENT = 16,
    GZIP_ONLY = 16,
    LEVEL = Z_BEST_SPEED, /* the next ones take twice the time for a tenth less */
    MEMORY_LEVEL = 8,     /* zlib's default */
};

/* zlib keeps what it takes until the end, so nothing is ever given back. */
static voidpf take(voidpf context, uInt count, uInt size) {
    struct am_api_gzip_memory *memory = context;
    size_t bytes = ((size_t)count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (bytes > memory->size - memory->used)
        return Z_NULL;
    memory->used += bytes;
    return memory->bytes + memory->used - bytes;
}

static void give_back(voidpf context, voidpf piece) {
    (void)context;
    (void)piece;
}

static void use_memory(z_stream *stream, struct am_api_gzip_memory *memory) {
    stream->zalloc = take;
    stream->zfree = give_back;
    stream->opaque = memory;
}

enum am_code am_api_gzip_start(struct am_api_gzip *gzip, char *memory, struct am_error *error) {
    *gzip = (struct am_api_gzip){.memory = {memory, AM_GZIP_MEMORY_SIZE, 0}};
    use_memory(&gzip->stream, &gzip->memory);
    if (inflateInit2(&gzip->stream, MAX_WBITS + GZIP_ONLY) == Z_OK)
        return AM_OK;
    return am_error_set(error, AM_E_MEMORY, "out of memory: zlib %s", zlibVersion());
}

static size_t ratio_limit(size_t packed) {
    size_t limit;
    if (!am_checked_multiply(packed, AM_GZIP_MAX_RATIO, &limit))
        limit = SIZE_MAX;
    return limit > AM_GZIP_FREE_SIZE ? limit : AM_GZIP_FREE_SIZE;
}

static enum am_code too_large(size_t limit, size_t bound, struct am_error *error) {
    if (bound < limit)
        return am_error_set(error, AM_E_LIMIT,
                            "the gzip body unpacks to more than %d times its size",
                            AM_GZIP_MAX_RATIO);
    return am_error_set(error, AM_E_LIMIT, "the gzip body unpacks to more than %zu bytes", limit);
}

enum am_code am_api_gzip_unpack(struct am_api_gzip *gzip,
                                struct am_view packed,
                                char *unpacked,
                                size_t limit,
                                size_t *size,
                                struct am_error *error) {
    z_stream *stream = &gzip->stream;
    size_t by_ratio = ratio_limit(packed.size);
    size_t bound = by_ratio < limit ? by_ratio : limit;
    inflateReset(stream);
    stream->next_in = (z_const Bytef *)packed.data;
    stream->avail_in = (uInt)packed.size;
    stream->next_out = (Bytef *)unpacked;
    stream->avail_out = (uInt)(bound + 1); /* one more, to see that there is more */
    int result = inflate(stream, Z_FINISH);
    *size = stream->total_out;
    if (*size > bound)
        return too_large(limit, bound, error);
    if (result == Z_BUF_ERROR)
        return am_error_set(error, AM_E_SYNTAX, "the gzip body ends too early");
    if (result != Z_STREAM_END)
        return am_error_set(error, AM_E_SYNTAX, "expected a gzip body: %s",
                            stream->msg ? stream->msg : "damaged");
    if (stream->avail_in > 0)
        return am_error_set(error, AM_E_SYNTAX,
                            "expected one gzip member, found %u bytes after its end",
                            stream->avail_in);
    return AM_OK;
}

static bool start_packing(struct am_api_gzip_packer *packer) {
    if (packer->started)
        return deflateReset(&packer->stream) == Z_OK;
    packer->memory.used = 0;
    use_memory(&packer->stream, &packer->memory);
    packer->started = deflateInit2(&packer->stream, LEVEL, Z_DEFLATED, MAX_WBITS + GZIP_ONLY,
                                   MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
    return packer->started;
}

size_t am_api_gzip_pack(struct am_api_gzip_packer *packer,
                        struct am_view plain,
                        char *packed,
                        size_t room) {
    z_stream *stream = &packer->stream;
    if (plain.size == 0 || !start_packing(packer))
        return 0;
    stream->next_in = (z_const Bytef *)plain.data;
    stream->avail_in = (uInt)plain.size;
    stream->next_out = (Bytef *)packed;
    stream->avail_out = (uInt)(room < plain.size ? room : plain.size - 1);
    return deflate(stream, Z_FINISH) == Z_STREAM_END ? stream->total_out : 0;
}
