/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <stdlib.h>

/* Keywords are checked after all lines have been read, so a later problem may belong before an
 * earlier one: each phase collects twice the number, and the first ones are kept. */
enum { COLLECTED = 4 * AM_MAX_ERRORS_LISTED };

static bool is_listed(const struct am_inventory_report *report, bool warning) {
    uint32_t same = 0;
    for (uint32_t i = 0; i < report->problem_count; i++)
        same += report->problems[i].warning == warning;
    return same < COLLECTED / 2;
}

bool am_inventory_report_add(struct am_inventory_report *report,
                             uint32_t line,
                             bool warning,
                             const char *text) {
    if (warning)
        report->warnings++;
    else
        report->errors++;
    if (!is_listed(report, warning))
        return true;
    if (report->problem_count == report->capacity) {
        uint32_t capacity = report->capacity ? report->capacity * 2 : 16;
        struct am_inventory_problem *grown = realloc(report->problems, capacity * sizeof *grown);
        if (!grown)
            return false;
        report->problems = grown;
        report->capacity = capacity;
    }
    struct am_view copy = am_arena_copy(&report->arena, (struct am_view){text, strlen(text) + 1});
    if (!copy.data)
        return false;
    report->problems[report->problem_count++] =
        (struct am_inventory_problem){line, warning, copy.data};
    return true;
}

static int by_line(const void *a, const void *b) {
    const struct am_inventory_problem *left = a, *right = b;
    if (left->line != right->line)
        return left->line < right->line ? -1 : 1;
    return (left->text > right->text) - (left->text < right->text);
}

void am_inventory_report_finish(struct am_inventory_report *report) {
    uint32_t kept = 0, listed[2] = {0, 0};
    if (report->problem_count)
        qsort(report->problems, report->problem_count, sizeof *report->problems, by_line);
    for (uint32_t i = 0; i < report->problem_count; i++)
        if (listed[report->problems[i].warning]++ < AM_MAX_ERRORS_LISTED)
            report->problems[kept++] = report->problems[i];
    report->problem_count = kept;
}

void am_inventory_report_free(struct am_inventory_report *report) {
    free(report->problems);
    am_arena_free(&report->arena);
    *report = (struct am_inventory_report){0};
}
