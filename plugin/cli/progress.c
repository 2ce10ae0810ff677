/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"
#include "command.h"

#include <stdio.h>
#include <unistd.h>

enum { BAR_WIDTH = 24 };
#define SECONDS_BETWEEN_DRAWINGS 0.1
#define CLEAR_LINE "\r\033[K"

void am_cli_progress_start(struct am_cli_progress *progress) {
    const double now = am_cli_clock();
    *progress = (struct am_cli_progress){isatty(STDERR_FILENO) == 1, now, now};
}

static void draw_bar(uint64_t done, uint64_t total) {
    char bar[BAR_WIDTH + 1];
    size_t filled = (size_t)((double)done / (double)total * BAR_WIDTH);
    for (size_t i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "[%s] %3u%%  ", bar, (unsigned)((double)done / (double)total * 100));
}

void am_cli_progress_report(void *context,
                            uint64_t bytes_done,
                            uint64_t bytes_total,
                            uint64_t records) {
    struct am_cli_progress *progress = context;
    double now = am_cli_clock();
    if (!progress->shown || now - progress->drawn < SECONDS_BETWEEN_DRAWINGS)
        return;
    progress->drawn = now;
    /* A pipe has no total, and a file may have grown since it was measured. */
    bool known = bytes_total > 0 && bytes_done <= bytes_total;
    double rate = (double)bytes_done / (now - progress->started);
    char number[AM_CLI_NUMBER_SIZE];
    fputs(CLEAR_LINE, stderr);
    if (known)
        draw_bar(bytes_done, bytes_total);
    fprintf(stderr, "%s records  %.1f MB/s", am_cli_number(records, number), rate / 1e6);
    if (known && bytes_done > 0)
        fprintf(stderr, "  %.0f s left", (double)(bytes_total - bytes_done) / rate);
    fflush(stderr);
}

void am_cli_progress_stage(struct am_cli_progress *progress, const char *what) {
    if (!progress->shown)
        return;
    fprintf(stderr, CLEAR_LINE "%s", what);
    fflush(stderr);
}
