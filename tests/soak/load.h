/* SPDX-License-Identifier: Apache-2.0 */
/* A load client that reads every answer: what it is asked to do, and what it has seen. */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MARKS = 8192, GENERATION_SIZE = 16, LATENCY_BUCKETS = 64 * 32 };

enum failure {
    FAILED_CONNECT, /* refused, or reset before a request was sent */
    FAILED_CLOSED,  /* closed before the whole answer was there */
    FAILED_TIMEOUT,
    FAILED_STATUS, /* another status than 200 */
    FAILED_SHAPE,  /* not the answer that was expected: headers, length, number of ads */
    FAILED_MIXED,  /* marks or names of several generations in one answer */
    FAILED_OTHER,  /* another body than the same request had from the same inventory before */
    FAILURES,
};

struct mark {
    char generation[GENERATION_SIZE + 1]; /* the first one seen with that mark */
    uint64_t answers;
    double first, last; /* seconds since the epoch */
    uint64_t *bodies;   /* of each request, the hash of the first body with that mark; 0: none */
};

struct tally {
    size_t request_count;
    uint64_t answers;
    uint64_t reopened; /* kept connections that were closed between two requests */
    uint64_t failures[FAILURES];
    char example[FAILURES][512]; /* of each kind, the first */
    struct mark marks[MARKS];
    uint64_t latencies[LATENCY_BUCKETS];
    uint64_t longest; /* nanoseconds */
};

void tally_latency(struct tally *tally, uint64_t nanoseconds);
void tally_failure(struct tally *tally, enum failure failure, const char *text, size_t size);

/* One JSON object on standard output. */
void tally_print(const struct tally *tally, double seconds);

/* Whether `size` bytes hold a whole answer; then its size, and `*body` where the body begins. 0:
 * more is needed. -1: this is no answer. */
long answer_size(const char *data, size_t size, size_t *body);

/* Checks a whole answer against itself: status, the generation of header and body, and that all
 * marks, of which there must be at least `least`, are one (0: there are none to look at); and that
 * the body is what request number `request` had before. Counts it. */
void answer_check(struct tally *tally,
                  const char *data,
                  size_t size,
                  size_t body,
                  size_t request,
                  unsigned least);

#endif
