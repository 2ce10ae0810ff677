/* SPDX-License-Identifier: Apache-2.0 */
#include "open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINE_SIZE = 1024 };

/* What is known of one inventory while it is compiled. */
struct loaded {
    struct am_timezones *zones;
    struct am_error zones_missing; /* code AM_OK, or why no time zone but UTC is known */
    struct am_inventory *inventory;
    struct am_inventory_report report;
};

/* ---- problems ---------------------------------------------------------------------------------
 */

/* A line without what could steer a terminal: it quotes the inventory. */
static void add_line(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_line(FILE *out, const char *format, ...) {
    char line[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    am_error_format(line, sizeof line, format, arguments);
    va_end(arguments);
    fprintf(out, "%s\n", line);
}

static void add_problem(FILE *out, const struct am_inventory_problem *problem) {
    const char *kind = problem->warning ? "warning" : "error";
    if (problem->line)
        add_line(out, "line %u: %s: %s", problem->line, kind, problem->text);
    else
        add_line(out, "%s: %s", kind, problem->text);
}

static enum am_code
write_problems(const struct loaded *loaded, char **problems, struct am_error *error) {
    const struct am_inventory_report *report = &loaded->report;
    const uint64_t found = report->errors + report->warnings;
    size_t size;
    FILE *out = open_memstream(problems, &size);
    if (!out)
        return am_error_set(error, AM_E_MEMORY, "out of memory");
    if (loaded->zones_missing.code != AM_OK)
        add_line(out, "warning: %s; the only time zone known is UTC",
                 loaded->zones_missing.message);
    for (uint32_t i = 0; i < report->problem_count; i++)
        add_problem(out, &report->problems[i]);
    if (found > report->problem_count)
        add_line(out, "%llu more problems are not listed",
                 (unsigned long long)(found - report->problem_count));
    bool failed = ferror(out);
    if (fclose(out) == 0 && !failed)
        return AM_OK;
    free(*problems);
    *problems = NULL;
    return am_error_set(error, AM_E_MEMORY, "out of memory");
}

/* ---- inventories ------------------------------------------------------------------------------
 */

static enum am_code
load(int fd, const char *path, bool skip, struct loaded *loaded, struct am_error *error) {
    loaded->zones = am_timezones_load(NULL, &loaded->zones_missing);
    if (!loaded->zones)
        return am_error_set(error, loaded->zones_missing.code, "%s", loaded->zones_missing.message);
    const struct am_inventory_load_options options = {.skip_bad_records = skip,
                                                      .zones = loaded->zones};
    return am_inventory_load_fd(fd, path, &options, &loaded->inventory, &loaded->report, error);
}

static enum am_code
open_bytes(const char *path, struct am_lib_opened *opened, struct am_error *error) {
    return am_image_open_memory(opened->bytes.data, opened->bytes.size, path, &opened->image,
                                error);
}

static enum am_code open_inventory(
    int fd, const char *path, bool skip, struct am_lib_opened *opened, struct am_error *error) {
    struct loaded loaded = {0};
    enum am_code code = load(fd, path, skip, &loaded, error);
    if (code == AM_OK)
        code = am_build_image(loaded.inventory, loaded.zones, skip, &opened->bytes, error);
    if (code == AM_OK)
        code = write_problems(&loaded, &opened->problems, error);
    am_inventory_free(loaded.inventory);
    am_inventory_report_free(&loaded.report);
    am_timezones_free(loaded.zones);
    return code == AM_OK ? open_bytes(path, opened, error) : code;
}

/* ---- both -------------------------------------------------------------------------------------
 */

static enum am_code open_either(
    int fd, const char *path, bool skip, struct am_lib_opened *opened, struct am_error *error) {
    bool is_image = false;
    enum am_code code = am_image_is_fd(fd, path, &is_image, error);
    if (code == AM_OK)
        code = is_image ? am_image_open_fd(fd, path, false, &opened->image, error)
                        : open_inventory(fd, path, skip, opened, error);
    return code == AM_OK ? am_image_verify(opened->image, error) : code;
}

enum am_code
am_lib_open(const char *path, bool skip, struct am_lib_opened *opened, struct am_error *error) {
    struct am_lib_opened made = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return am_error_set_errno(error, errno == ENOENT ? AM_E_NOT_FOUND : AM_E_IO,
                                  "cannot open %s", path);
    enum am_code code = open_either(fd, path, skip, &made, error);
    close(fd);
    if (code == AM_OK)
        *opened = made;
    else
        am_lib_close(&made);
    return code;
}

void am_lib_close(struct am_lib_opened *opened) {
    am_image_close(opened->image);
    am_image_bytes_free(&opened->bytes);
    free(opened->problems);
    *opened = (struct am_lib_opened){0};
}
