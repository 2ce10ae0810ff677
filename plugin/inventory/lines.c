/* SPDX-License-Identifier: Apache-2.0 */
#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zlib.h>

#include "../base/poison.h"
#include "hints.h"
#include "inventory.h"

enum { CHUNK = AM_BUFFER_SIZE(256 << 10, 256), GZIP_WINDOW = 15 + 16, HIDDEN = 64 };

struct am_inventory_lines {
    const char *name;
    int fd;                /* -1: over memory */
    struct am_view memory; /* what is left of it */
    uint64_t done, total;
    XXH3_state_t *digest;
    bool started, ended; /* the raw bytes: first chunk seen; end reached */
    bool gzip, between_members;
    bool seen; /* the beginning of the text has been examined */
    z_stream stream;
    char *raw;
    struct am_view unread; /* of raw, not yet unpacked or split */
    char *plain;           /* unpacked chunk, gzip only */
    uint64_t unpacked;     /* bytes of text so far, gzip only */
    struct am_view ready;  /* text not yet split into lines */
    char *line;            /* a line put together from several chunks */
    size_t line_size;
    struct am_view hidden; /* bytes after the last line, poisoned until the next is asked for */
};

static struct am_inventory_lines *make(const char *name) {
    struct am_inventory_lines *lines = calloc(1, sizeof *lines);
    if (!lines)
        return NULL;
    lines->fd = -1;
    lines->name = name;
    lines->digest = XXH3_createState();
    lines->raw = malloc(CHUNK);
    lines->plain = malloc(CHUNK);
    lines->line = malloc(AM_LINE_MAX_BYTES);
    if (lines->digest && lines->raw && lines->plain && lines->line) {
        XXH3_128bits_reset(lines->digest);
        return lines;
    }
    am_inventory_lines_close(lines);
    return NULL;
}

/* Takes over `fd`, which is below 0, with errno, when it could not be opened. */
static enum am_code
take_over(int fd, const char *name, struct am_inventory_lines **lines, struct am_error *error) {
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        enum am_code code = am_error_set_errno(error, AM_E_IO, "cannot open %s", name);
        if (fd >= 0)
            close(fd);
        return code;
    }
    if (S_ISREG(status.st_mode) && status.st_size > AM_INVENTORY_MAX_BYTES) {
        close(fd);
        return am_error_set(error, AM_E_LIMIT, "%s: a file of %lld bytes, expected at most %lld",
                            name, (long long)status.st_size, (long long)AM_INVENTORY_MAX_BYTES);
    }
    struct am_inventory_lines *made = make(name);
    if (!made) {
        close(fd);
        return am_error_set(error, AM_E_MEMORY, "%s: out of memory while reading", name);
    }
    made->fd = fd;
    if (S_ISREG(status.st_mode))
        made->total = (uint64_t)status.st_size;
    *lines = made;
    return AM_OK;
}

enum am_code am_inventory_lines_open(const char *path,
                                     struct am_inventory_lines **lines,
                                     struct am_error *error) {
    bool standard = strcmp(path, "-") == 0;
    return take_over(standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC), path, lines,
                     error);
}

enum am_code am_inventory_lines_open_fd(int fd,
                                        const char *name,
                                        struct am_inventory_lines **lines,
                                        struct am_error *error) {
    return take_over(fcntl(fd, F_DUPFD_CLOEXEC, 0), name, lines, error);
}

enum am_code am_inventory_lines_over(struct am_view text,
                                     const char *name,
                                     struct am_inventory_lines **lines,
                                     struct am_error *error) {
    struct am_inventory_lines *made = make(name);
    if (!made)
        return am_error_set(error, AM_E_MEMORY, "%s: out of memory while reading", name);
    made->memory = text;
    made->total = text.size;
    *lines = made;
    return AM_OK;
}

void am_inventory_lines_close(struct am_inventory_lines *lines) {
    if (!lines)
        return;
    if (lines->fd >= 0)
        close(lines->fd);
    if (lines->gzip)
        inflateEnd(&lines->stream);
    XXH3_freeState(lines->digest);
    free(lines->raw);
    free(lines->plain);
    free(lines->line);
    free(lines);
}

static enum am_code read_memory(struct am_inventory_lines *lines) {
    size_t size = lines->memory.size < CHUNK ? lines->memory.size : CHUNK;
    if (size)
        memcpy(lines->raw, lines->memory.data, size);
    lines->memory.data += size;
    lines->memory.size -= size;
    lines->unread = (struct am_view){lines->raw, size};
    return AM_OK;
}

/* How much of the next chunk there is: of a file, what it had when it was opened, since it may grow
 * as fast as it is read. */
static size_t size_of_chunk(const struct am_inventory_lines *lines) {
    if (lines->total == 0)
        return CHUNK;
    uint64_t left = lines->total - lines->done;
    return left < CHUNK ? (size_t)left : CHUNK;
}

/* Reads the next raw bytes; none at the end. Fills the chunk, so that a first chunk holds a magic
 * whole. */
static enum am_code read_raw(struct am_inventory_lines *lines, struct am_error *error) {
    if (lines->fd < 0) {
        read_memory(lines);
    } else {
        size_t size = 0, most = size_of_chunk(lines);
        while (size < most) {
            ssize_t got = read(lines->fd, lines->raw + size, most - size);
            if (got < 0 && errno == EINTR)
                continue;
            if (got < 0)
                return am_error_set_errno(error, AM_E_IO, "cannot read %s", lines->name);
            if (got == 0)
                break;
            size += (size_t)got;
        }
        lines->unread = (struct am_view){lines->raw, size};
    }
    if (lines->unread.size)
        XXH3_128bits_update(lines->digest, lines->unread.data, lines->unread.size);
    lines->done += lines->unread.size;
    lines->ended = lines->unread.size == 0;
    return AM_OK;
}

static enum am_code start(struct am_inventory_lines *lines, struct am_error *error) {
    lines->started = true;
    enum am_code code = read_raw(lines, error);
    if (code != AM_OK)
        return code;
    struct am_view *unread = &lines->unread;
    if (unread->size >= 2 && memcmp(unread->data, "\x1f\x8b", 2) == 0) {
        if (inflateInit2(&lines->stream, GZIP_WINDOW) != Z_OK)
            return am_error_set(error, AM_E_MEMORY, "%s: out of memory while unpacking",
                                lines->name);
        lines->gzip = true;
    }
    return AM_OK;
}

static bool is_zero(struct am_view bytes) {
    for (size_t i = 0; i < bytes.size; i++)
        if (bytes.data[i])
            return false;
    return true;
}

/* After the last member there may be zeros, as tapes and some tools pad (gzip's manual). */
static enum am_code skip_padding(struct am_inventory_lines *lines, struct am_error *error) {
    while (!lines->ended && is_zero(lines->unread)) {
        enum am_code code = read_raw(lines, error);
        if (code != AM_OK)
            return code;
    }
    return AM_OK;
}

/* Of a few bytes that unpack to gigabytes, nothing but the work would be left. */
static enum am_code check_ratio(const struct am_inventory_lines *lines, struct am_error *error) {
    uint64_t packed = am_inventory_lines_done(lines);
    if (lines->unpacked <= AM_INVENTORY_FREE_TEXT ||
        lines->unpacked / AM_INVENTORY_MAX_RATIO <= packed)
        return AM_OK;
    return am_error_set(error, AM_E_LIMIT,
                        "%s: %llu bytes of gzip data unpack to more than %d times as many",
                        lines->name, (unsigned long long)packed, AM_INVENTORY_MAX_RATIO);
}

/* Unpacks more into `ready`. Members may follow one another (RFC 1952 section 2.2). */
static enum am_code unpack(struct am_inventory_lines *lines, struct am_error *error) {
    z_stream *stream = &lines->stream;
    stream->next_out = (unsigned char *)lines->plain;
    stream->avail_out = CHUNK;
    while (stream->avail_out == CHUNK) {
        if (lines->unread.size == 0 && !lines->ended) {
            enum am_code code = read_raw(lines, error);
            if (code != AM_OK)
                return code;
        }
        if (lines->between_members && lines->unread.size && lines->unread.data[0] == 0) {
            enum am_code code = skip_padding(lines, error);
            if (code != AM_OK)
                return code;
        }
        if (lines->ended && lines->between_members)
            return AM_OK;
        if (lines->ended)
            return am_error_set(error, AM_E_SYNTAX,
                                "%s: the gzip data ends in the middle, after %llu bytes: a "
                                "complete file was expected",
                                lines->name, (unsigned long long)lines->done);
        if (lines->between_members) {
            inflateReset(stream);
            lines->between_members = false;
        }
        stream->next_in = (unsigned char *)(uintptr_t)lines->unread.data;
        stream->avail_in = (unsigned)lines->unread.size;
        int result = inflate(stream, Z_NO_FLUSH);
        lines->unread = (struct am_view){(const char *)stream->next_in, stream->avail_in};
        if (result == Z_STREAM_END)
            lines->between_members = true;
        else if (result != Z_OK && result != Z_BUF_ERROR)
            return am_error_set(error, result == Z_MEM_ERROR ? AM_E_MEMORY : AM_E_SYNTAX,
                                "%s: damaged gzip data near byte %llu: %s", lines->name,
                                (unsigned long long)(lines->done - lines->unread.size),
                                stream->msg ? stream->msg : "not gzip");
    }
    lines->ready = (struct am_view){lines->plain, CHUNK - stream->avail_out};
    lines->unpacked += lines->ready.size;
    return check_ratio(lines, error);
}

/* Skips a byte order mark at the beginning, and refuses what is no JSON Lines at all. */
static enum am_code look_at_beginning(struct am_inventory_lines *lines, struct am_error *error) {
    struct am_view *ready = &lines->ready;
    const char *name = lines->name;
    lines->seen = true;
    if (ready->size >= 3 && memcmp(ready->data, "\xEF\xBB\xBF", 3) == 0) {
        ready->data += 3;
        ready->size -= 3;
    }
    const struct am_inventory_file_hint *hint = am_inventory_hint_file(*ready);
    if (!hint)
        return AM_OK;
    if (!hint->before)
        return am_error_set(error, AM_E_SYNTAX, "%s: this is %s; expected %s", name, hint->is,
                            hint->expected);
    return am_error_set(error, AM_E_SYNTAX, "%s: this is %s; expected %s: %s %s%s", name, hint->is,
                        hint->expected, hint->before, name, hint->after);
}

/* Makes more text ready; `ready` stays empty at the end. */
static enum am_code make_ready(struct am_inventory_lines *lines, struct am_error *error) {
    enum am_code code = lines->started ? AM_OK : start(lines, error);
    if (code != AM_OK)
        return code;
    if (lines->gzip)
        return unpack(lines, error);
    if (lines->unread.size == 0 && !lines->ended)
        code = read_raw(lines, error);
    lines->ready = lines->unread;
    lines->unread.size = 0;
    return code;
}

static enum am_code refill(struct am_inventory_lines *lines, struct am_error *error) {
    enum am_code code = make_ready(lines, error);
    if (code != AM_OK || lines->seen || lines->ready.size == 0)
        return code;
    return look_at_beginning(lines, error);
}

static struct am_view without_return(struct am_view line) {
    if (line.size && line.data[line.size - 1] == '\r')
        line.size--;
    return line;
}

static enum am_code next_line(struct am_inventory_lines *lines,
                              struct am_view *line,
                              bool *more,
                              struct am_error *error) {
    bool started = false, too_long = false;
    lines->line_size = 0;
    *more = true;
    for (;;) {
        if (lines->ready.size == 0) {
            enum am_code code = refill(lines, error);
            if (code != AM_OK)
                return code;
            if (lines->ready.size == 0) {
                *more = started;
                *line = (struct am_view){too_long ? NULL : lines->line, lines->line_size};
                return AM_OK;
            }
        }
        started = true;
        const char *end = memchr(lines->ready.data, '\n', lines->ready.size);
        struct am_view piece = {lines->ready.data,
                                end ? (size_t)(end - lines->ready.data) : lines->ready.size};
        lines->ready.data += piece.size + (end != NULL);
        lines->ready.size -= piece.size + (end != NULL);
        too_long |= piece.size > AM_LINE_MAX_BYTES - lines->line_size;
        if (end && lines->line_size == 0 && !too_long) {
            *line = without_return(piece);
            return AM_OK;
        }
        if (!too_long) {
            memcpy(lines->line + lines->line_size, piece.data, piece.size);
            lines->line_size += piece.size;
        }
        if (end) {
            *line = too_long ? (struct am_view){NULL, 0}
                             : without_return((struct am_view){lines->line, lines->line_size});
            return AM_OK;
        }
    }
}

/* The reader of a line must not read what follows it in memory. */
static void hide_rest(struct am_inventory_lines *lines, struct am_view line) {
    const char *begin = line.data + line.size;
    const char *chunk = lines->gzip ? lines->plain : lines->raw;
    const char *end = line.data == lines->line ? line.data + AM_LINE_MAX_BYTES : chunk + CHUNK;
    size_t size = (size_t)(end - begin);
    lines->hidden = (struct am_view){begin, size < HIDDEN ? size : HIDDEN};
    am_poison_region(lines->hidden.data, lines->hidden.size);
}

enum am_code am_inventory_lines_next(struct am_inventory_lines *lines,
                                     struct am_view *line,
                                     bool *more,
                                     struct am_error *error) {
    am_poison_clear(lines->hidden.data, lines->hidden.size);
    lines->hidden.size = 0;
    enum am_code code = next_line(lines, line, more, error);
    if (AM_POISONS && code == AM_OK && *more && line->data)
        hide_rest(lines, *line);
    return code;
}

uint64_t am_inventory_lines_done(const struct am_inventory_lines *lines) {
    return lines->done - lines->unread.size;
}

uint64_t am_inventory_lines_total(const struct am_inventory_lines *lines) {
    return lines->total;
}

void am_inventory_lines_digest(const struct am_inventory_lines *lines, uint8_t digest[16]) {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(lines->digest));
    memcpy(digest, canonical.digest, 16);
}
