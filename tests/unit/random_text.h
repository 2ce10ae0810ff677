/* SPDX-License-Identifier: Apache-2.0 */
/* Test support: random numbers, and words and texts made of them. The same from the same seed. */
#ifndef TESTS_RANDOM_TEXT_H
#define TESTS_RANDOM_TEXT_H

#include <stdint.h>
#include <stdio.h>

#include "xorshift.h"

static uint64_t seed;

static inline uint32_t below(uint32_t limit) {
    return (uint32_t)((xorshift64(&seed) >> 32) * limit >> 32);
}

/* A word of one of `words` numbers, small ones more often; some are longer than a bucket's key. */
static inline size_t put_word(char *to, uint32_t words) {
    uint32_t number = below(below(words) + 1);
    int size = sprintf(to, "w%u", number);
    if (number % 9 == 0)
        size += sprintf(to + size, "withmanyletters%u", number);
    return (size_t)size;
}

/* A NUL follows them, which is not counted. */
static inline size_t put_words(char *to, uint32_t count, uint32_t words) {
    size_t size = 0;
    for (uint32_t i = 0; i < count; i++) {
        size += put_word(to + size, words);
        to[size++] = ' ';
    }
    to[--size] = '\0';
    return size;
}

#endif
