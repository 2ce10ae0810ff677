/* SPDX-License-Identifier: Apache-2.0 */
#include "robots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/vector.h"

enum { FILE_MAX = 1 << 20, FILTER_BITS = 1 << 15, GRAM = AM_EVENT_ROBOTS_MIN_BYTES };

/* What crawlers, monitors, page renderers and HTTP libraries call themselves. */
static const char built_in[] = "bot\ncrawl\nspider\nslurp\nscrap\narchiver\nfetcher\nindexer\n"
                               "headless\nphantomjs\nselenium\npuppeteer\nplaywright\n"
                               "lighthouse\npagespeed\ngtmetrix\npingdom\nuptime\nmonitoring\n"
                               "facebookexternalhit\nmediapartners-google\nadsbot\n"
                               "google-read-aloud\nbingpreview\nskypeuripreview\n"
                               "feedfetcher\nvalidator\nlinkcheck\nnagios\nzabbix\n"
                               "curl/\nwget/\nlibwww\npython-\npython/\naiohttp\nhttpx/\nurllib\n"
                               "go-http-client\njava/\napache-httpclient\naxios/\nnode-fetch\n"
                               "undici\nguzzlehttp\nlwp::\nwinhttp\nhttpclient/\n"
                               "!cubot\n";

/* Texts of one kind. Those with the same first bytes follow each other. */
struct texts {
    struct am_vector items;            /* of struct am_view, sorted by their bytes */
    uint64_t filter[FILTER_BITS / 64]; /* a bit for the first bytes of each */
};

struct am_event_robots {
    char *file; /* what the views of the file's lines point to */
    struct texts robots, exceptions;
};

AM_WRAPS static uint32_t gram_hash(const char *at) {
    const unsigned char *byte = (const unsigned char *)at;
    uint32_t gram = byte[0] | (uint32_t)byte[1] << 8 | (uint32_t)byte[2] << 16;
    return gram * 2654435761U >> 17; /* Knuth's multiplicative hash, 15 bits */
}

static bool may_begin(const struct texts *texts, const char *at) {
    uint32_t hash = gram_hash(at);
    return texts->filter[hash / 64] >> hash % 64 & 1;
}

/* ---- reading lists ---- */

static enum am_code check_text(struct am_view text, struct am_error *error) {
    if (text.size < AM_EVENT_ROBOTS_MIN_BYTES || text.size > AM_EVENT_ROBOTS_MAX_BYTES)
        return am_error_set(error, AM_E_INVALID, "expected a text of %d to %d bytes, found %zu",
                            AM_EVENT_ROBOTS_MIN_BYTES, AM_EVENT_ROBOTS_MAX_BYTES, text.size);
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] >= 'A' && text.data[i] <= 'Z')
            return am_error_set(error, AM_E_INVALID,
                                "expected a text in lower case (agents are compared without "
                                "case), found \"%.*s\"",
                                AM_VIEW_ARGUMENTS(text));
    return AM_OK;
}

static enum am_code
add_line(struct am_event_robots *robots, struct am_view line, struct am_error *error) {
    bool exception = line.size && line.data[0] == '!';
    struct texts *texts = exception ? &robots->exceptions : &robots->robots;
    struct am_view text = {line.data + exception, line.size - exception};
    if (line.size == 0 || line.data[0] == '#')
        return AM_OK;
    enum am_code code = check_text(text, error);
    if (code != AM_OK)
        return code;
    if (texts->items.count == AM_EVENT_ROBOTS_MAX_LINES)
        return am_error_set(error, AM_E_LIMIT, "more than %d texts", AM_EVENT_ROBOTS_MAX_LINES);
    if (!am_vector_push(&texts->items, &text))
        return am_error_set(error, AM_E_MEMORY, "no memory for the list of robots");
    uint32_t hash = gram_hash(text.data);
    texts->filter[hash / 64] |= UINT64_C(1) << hash % 64;
    return AM_OK;
}

static enum am_code add_lines(struct am_event_robots *robots,
                              const char *path,
                              struct am_view list,
                              struct am_error *error) {
    for (unsigned number = 1; list.size; number++) {
        const char *end = memchr(list.data, '\n', list.size);
        struct am_view line = {list.data, end ? (size_t)(end - list.data) : list.size};
        size_t taken = line.size + (end != NULL);
        list = (struct am_view){list.data + taken, list.size - taken};
        while (line.size && strchr(" \t\r", line.data[line.size - 1]))
            line.size--;
        struct am_error inner;
        enum am_code code = add_line(robots, line, &inner);
        if (code != AM_OK)
            return am_error_set(error, code, "%s:%u: %s", path, number, inner.message);
    }
    return AM_OK;
}

static enum am_code
read_list(const char *path, int file, char **text, size_t *size, struct am_error *error) {
    struct stat status;
    if (fstat(file, &status) != 0)
        return am_error_set_errno(error, AM_E_IO, "cannot look at %s", path);
    if (!S_ISREG(status.st_mode) || status.st_size > FILE_MAX)
        return am_error_set(error, AM_E_INVALID, "%s: expected a file of at most %d bytes", path,
                            FILE_MAX);
    if (!(*text = malloc((size_t)status.st_size + 1)))
        return am_error_set(error, AM_E_MEMORY, "no memory for %s", path);
    ssize_t read_size = pread(file, *text, (size_t)status.st_size, 0);
    if (read_size < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot read %s", path);
    *size = (size_t)read_size;
    return AM_OK;
}

static enum am_code
add_file(struct am_event_robots *robots, const char *path, struct am_error *error) {
    size_t size = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot open %s", path);
    enum am_code code = read_list(path, file, &robots->file, &size, error);
    close(file);
    return code == AM_OK ? add_lines(robots, path, (struct am_view){robots->file, size}, error)
                         : code;
}

static int by_bytes(const void *a, const void *b) {
    return am_view_compare(*(const struct am_view *)a, *(const struct am_view *)b);
}

static void sort(struct texts *texts) {
    if (texts->items.count)
        qsort(texts->items.data, texts->items.count, sizeof(struct am_view), by_bytes);
}

enum am_code
am_event_robots_load(const char *path, struct am_event_robots **robots, struct am_error *error) {
    struct am_event_robots *made = calloc(1, sizeof *made);
    *robots = NULL;
    if (!made)
        return am_error_set(error, AM_E_MEMORY, "no memory for the list of robots");
    made->robots.items = made->exceptions.items = AM_VECTOR_OF(struct am_view);
    enum am_code code =
        add_lines(made, "built-in list", (struct am_view){built_in, sizeof built_in - 1}, error);
    if (code == AM_OK && path)
        code = add_file(made, path, error);
    if (code != AM_OK) {
        am_event_robots_free(made);
        return code;
    }
    sort(&made->robots);
    sort(&made->exceptions);
    *robots = made;
    return AM_OK;
}

void am_event_robots_free(struct am_event_robots *robots) {
    if (!robots)
        return;
    am_vector_free(&robots->robots.items);
    am_vector_free(&robots->exceptions.items);
    free(robots->file);
    free(robots);
}

/* ---- asking ---- */

/* The first text whose bytes are not below the first GRAM bytes at `at`. */
static size_t first_of(const struct texts *texts, const char *at) {
    size_t low = 0, high = texts->items.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct am_view *text = AM_VECTOR_AT(&texts->items, struct am_view, middle);
        if (memcmp(text->data, at, GRAM) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Bytes of the longest text found at `at`; 0: none. */
static size_t match_at(const struct texts *texts, const char *at, const char *end) {
    size_t longest = 0;
    if (!may_begin(texts, at))
        return 0;
    for (size_t i = first_of(texts, at); i < texts->items.count; i++) {
        const struct am_view *text = AM_VECTOR_AT(&texts->items, struct am_view, i);
        if (memcmp(text->data, at, GRAM) != 0)
            break;
        if (text->size <= (size_t)(end - at) && text->size > longest &&
            memcmp(text->data, at, text->size) == 0)
            longest = text->size;
    }
    return longest;
}

/* Blanks out where exceptions stand, so that nothing is found in them. */
static void hide_exceptions(const struct texts *exceptions, char *text, size_t size) {
    char *end = text + size;
    for (char *at = text; end - at >= GRAM;) {
        size_t found = match_at(exceptions, at, end);
        memset(at, ' ', found);
        at += found ? found : 1;
    }
}

bool am_event_robots_match(const struct am_event_robots *robots, struct am_view agent) {
    char text[AM_EVENT_ROBOTS_AGENT_MAX];
    size_t size = agent.size < sizeof text ? agent.size : sizeof text;
    for (size_t i = 0; i < size; i++)
        text[i] = agent.data[i] >= 'A' && agent.data[i] <= 'Z' ? (char)(agent.data[i] | 0x20)
                                                               : agent.data[i];
    if (size == 0)
        return true;
    hide_exceptions(&robots->exceptions, text, size);
    for (const char *at = text; text + size - at >= GRAM; at++)
        if (match_at(&robots->robots, at, text + size))
            return true;
    return false;
}
