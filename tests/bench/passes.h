/* SPDX-License-Identifier: Apache-2.0 */
/* How each program measured here speaks with tests/bench/run.py: it loads, says so in one line of
 * JSON, and then makes one timed pass over its texts for each line that it reads, and tells of it.
 * So the passes of several programs can take turns. */
#ifndef ADMATCH_BENCH_PASSES_H
#define ADMATCH_BENCH_PASSES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

struct lines {
    char **text; /* each followed by 64 zero bytes */
    size_t *size;
    size_t count;
};

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void *checked(void *memory) {
    if (!memory) {
        perror("out of memory");
        exit(1);
    }
    return memory;
}

static inline struct lines read_lines(const char *path) {
    struct lines lines = {NULL, NULL, 0};
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t capacity = 0, room = 0;
    ssize_t size;
    if (!file) {
        perror(path);
        exit(1);
    }
    while ((size = getline(&line, &capacity, file)) > 0) {
        if (line[size - 1] == '\n')
            line[--size] = '\0';
        if (lines.count == room) {
            room = room ? room * 2 : 1024;
            lines.text = (char **)checked(realloc(lines.text, room * sizeof *lines.text));
            lines.size = (size_t *)checked(realloc(lines.size, room * sizeof *lines.size));
        }
        char *copy = (char *)checked(calloc((size_t)size + 64, 1));
        memcpy(copy, line, (size_t)size);
        lines.text[lines.count] = copy;
        lines.size[lines.count++] = (size_t)size;
    }
    free(line);
    fclose(file);
    return lines;
}

static inline long resident_kb(void) {
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fscanf(file, "%ld %ld", &pages, &resident) != 2)
        resident = 0;
    if (file)
        fclose(file);
    return resident * 4;
}

static inline void say_ready(double build_seconds, long kb) {
    printf("{\"build_seconds\":%.3f,\"resident_kb\":%ld}\n", build_seconds, kb);
    fflush(stdout);
}

/* Whether another pass is wanted. */
static inline int next_pass(void) {
    char command[16];
    return fgets(command, sizeof command, stdin) != NULL;
}

static inline void say_pass(double seconds, size_t words, size_t matches) {
    printf("{\"seconds\":%.6f,\"words\":%zu,\"matches\":%zu}\n", seconds, words, matches);
    fflush(stdout);
}

/* Words of a text in which single spaces part them. */
static inline size_t count_words(const struct lines *lines) {
    size_t words = 0;
    for (size_t i = 0; i < lines->count; i++) {
        words += lines->size[i] > 0;
        for (size_t at = 0; at < lines->size[i]; at++)
            words += lines->text[i][at] == ' ';
    }
    return words;
}

#endif
