/* SPDX-License-Identifier: Apache-2.0 */
/* What an answer must be, and the counting of it. Ads carry their inventory's mark: `@` and a
 * number, in each of their texts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "load.h"

static const char *const failure_names[FAILURES] = {"connect", "closed", "timeout", "status",
                                                    "shape",   "mixed",  "other"};

/* ---- reading an answer ------------------------------------------------------------------------
 */

/* The value of a header, to the end of its line; NULL when it is not there. */
static const char *header(const char *data, const char *end, const char *name) {
    size_t length = strlen(name);
    for (const char *line = data; line && line < end;) {
        line = memchr(line, '\n', (size_t)(end - line));
        if (!line || (size_t)(end - ++line) <= length)
            return NULL;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':') {
            line += length + 1;
            return line + strspn(line, " ");
        }
    }
    return NULL;
}

long answer_size(const char *data, size_t size, size_t *body) {
    const char *end = memmem(data, size, "\r\n\r\n", 4);
    if (!end)
        return size > 8192 ? -1 : 0;
    const char *length = header(data, end + 2, "Content-Length");
    if (!length)
        return -1;
    *body = (size_t)(end + 4 - data);
    size_t whole = *body + strtoul(length, NULL, 10);
    return size >= whole ? (long)whole : 0;
}

static bool generation_of(const char *text, char name[GENERATION_SIZE + 1]) {
    if (!text || strspn(text, "0123456789abcdef") < GENERATION_SIZE)
        return false;
    memcpy(name, text, GENERATION_SIZE);
    name[GENERATION_SIZE] = '\0';
    return true;
}

/* The one mark of a body; -1 when there are several, or fewer than `least`. With 0 marks expected,
 * all is mark 0. */
static long mark_of(const char *body, size_t size, unsigned least) {
    long mark = -1;
    unsigned count = 0;
    if (least == 0)
        return 0;
    for (const char *at = body; (at = memchr(at, '@', size - (size_t)(at - body))); at++) {
        long found = strtol(at + 1, NULL, 10);
        if ((count++ && found != mark) || found < 0 || found >= MARKS)
            return -1;
        mark = found;
    }
    return count >= least ? mark : -1;
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool count_mark(struct tally *tally, long number, const char *generation) {
    struct mark *mark = &tally->marks[number];
    mark->last = seconds_now();
    if (!mark->answers++) {
        mark->first = mark->last;
        memcpy(mark->generation, generation, sizeof mark->generation);
    }
    return strcmp(mark->generation, generation) == 0;
}

/* What the body says after `member`; NULL when that is not there. */
static const char *inside(const char *body, size_t size, const char *member) {
    const char *found = memmem(body, size, member, strlen(member));
    return found ? found + strlen(member) : NULL;
}

/* FNV-1a, but never 0. */
static uint64_t hash_of(const char *data, size_t size) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)data[i]) * UINT64_C(0x100000001b3);
    return hash ? hash : 1;
}

static bool same_as_before(struct tally *tally, long mark, size_t request, uint64_t hash) {
    uint64_t **bodies = &tally->marks[mark].bodies;
    if (!*bodies && !(*bodies = calloc(tally->request_count, sizeof **bodies))) {
        perror("load");
        exit(2);
    }
    if (!(*bodies)[request])
        (*bodies)[request] = hash;
    return (*bodies)[request] == hash;
}

void answer_check(struct tally *tally,
                  const char *data,
                  size_t size,
                  size_t body,
                  size_t request,
                  unsigned least) {
    char named[GENERATION_SIZE + 1], written[GENERATION_SIZE + 1];
    const char *said = inside(data + body, size - body, "\"generation\":\"");
    if (!said) /* a bid response */
        said = inside(data + body, size - body, "\"bidid\":\"");
    if (size < 12 || memcmp(data, "HTTP/1.1 200", 12) != 0) {
        tally_failure(tally, FAILED_STATUS, data, size);
        return;
    }
    if (!generation_of(header(data, data + body - 2, "X-Admatch-Generation"), named) ||
        !generation_of(said, written) || data[size - 1] != '}') {
        tally_failure(tally, FAILED_SHAPE, data, size);
        return;
    }
    long mark = mark_of(data + body, size - body, least);
    if (mark < 0 || strcmp(named, written) != 0 || !count_mark(tally, mark, named)) {
        tally_failure(tally, FAILED_MIXED, data, size);
        return;
    }
    if (!same_as_before(tally, mark, request, hash_of(data + body, size - body))) {
        tally_failure(tally, FAILED_OTHER, data, size);
        return;
    }
    tally->answers++;
}

/* ---- counting ---------------------------------------------------------------------------------
 */

/* 64 buckets for each power of two, so that a bucket is at most 1.6 % wide. */
static unsigned bucket_of(uint64_t nanoseconds) {
    if (nanoseconds < 64)
        return (unsigned)nanoseconds;
    unsigned power = 63u - (unsigned)__builtin_clzll(nanoseconds);
    unsigned bucket = (power - 5) * 64 + (unsigned)(nanoseconds >> (power - 6)) - 64;
    return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

static double bucket_top(unsigned bucket) {
    if (bucket < 64)
        return bucket;
    return (double)((uint64_t)(bucket % 64 + 65) << (bucket / 64 - 1));
}

void tally_latency(struct tally *tally, uint64_t nanoseconds) {
    tally->latencies[bucket_of(nanoseconds)]++;
    if (nanoseconds > tally->longest)
        tally->longest = nanoseconds;
}

void tally_failure(struct tally *tally, enum failure failure, const char *text, size_t size) {
    char *example = tally->example[failure];
    size_t room = sizeof tally->example[failure] - 1;
    if (tally->failures[failure]++)
        return;
    for (size_t i = 0; i < size && i < room; i++)
        example[i] = text[i] < 0x20 || text[i] == '"' || text[i] == '\\' ? ' ' : text[i];
}

static double quantile(const struct tally *tally, double share) {
    uint64_t total = 0, seen = 0;
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
        total += tally->latencies[i];
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        seen += tally->latencies[i];
        if (seen && (double)seen >= share * (double)total)
            return bucket_top(i) / 1000;
    }
    return 0;
}

static void print_bodies(const struct mark *mark, size_t count) {
    printf(",\"bodies\":[");
    for (size_t i = 0; i < count; i++)
        printf("%s\"%016llx\"", i ? "," : "", (unsigned long long)mark->bodies[i]);
    printf("]}");
}

static void print_marks(const struct tally *tally) {
    const char *comma = "";
    printf("\"marks\":[");
    for (unsigned i = 0; i < MARKS; i++) {
        const struct mark *mark = &tally->marks[i];
        if (!mark->answers)
            continue;
        printf("%s{\"mark\":%u,\"generation\":\"%s\",\"answers\":%llu,\"first\":%.6f,\"last\":%.6f",
               comma, i, mark->generation, (unsigned long long)mark->answers, mark->first,
               mark->last);
        print_bodies(mark, tally->request_count);
        comma = ",";
    }
    printf("]");
}

void tally_print(const struct tally *tally, double seconds) {
    printf("{\"seconds\":%.3f,\"answers\":%llu,\"reopened\":%llu,\"failures\":{", seconds,
           (unsigned long long)tally->answers, (unsigned long long)tally->reopened);
    for (int i = 0; i < FAILURES; i++)
        printf("%s\"%s\":%llu", i ? "," : "", failure_names[i],
               (unsigned long long)tally->failures[i]);
    printf("},\"examples\":{");
    for (int i = 0, count = 0; i < FAILURES; i++)
        if (tally->failures[i])
            printf("%s\"%s\":\"%s\"", count++ ? "," : "", failure_names[i], tally->example[i]);
    printf("},\"microseconds\":{\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"longest\":%."
           "1f},",
           quantile(tally, 0.5), quantile(tally, 0.9), quantile(tally, 0.99),
           quantile(tally, 0.999), (double)tally->longest / 1000);
    print_marks(tally);
    printf("}\n");
}
