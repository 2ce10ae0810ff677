/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"
#include "command.h"

#include <stdlib.h>

static struct am_timezones *load_zones(struct am_error *error) {
    struct am_error refused = {.code = AM_OK};
    struct am_timezones *zones = am_timezones_load(NULL, &refused);
    if (!zones)
        *error = refused;
    else if (refused.code != AM_OK)
        fprintf(stderr, "admatch: %s; the only time zone known is UTC\n", refused.message);
    return zones;
}

enum am_code am_cli_loaded_open(const char *path,
                                bool skip_bad_records,
                                struct am_cli_progress *progress,
                                struct am_cli_loaded *loaded,
                                struct am_error *error) {
    bool is_image;
    *loaded = (struct am_cli_loaded){0};
    if (am_cli_is_image(path, &is_image, NULL) == AM_OK && is_image)
        return am_error_set(error, AM_E_INVALID,
                            "%s is an image, not an inventory: `admatch verify` checks images",
                            path);
    loaded->zones = load_zones(error);
    if (!loaded->zones)
        return error->code;
    struct am_inventory_load_options options = {
        .skip_bad_records = skip_bad_records,
        .zones = loaded->zones,
        .progress = progress ? am_cli_progress_report : NULL,
        .progress_context = progress,
    };
    return am_inventory_load(path, &options, &loaded->inventory, &loaded->report, error);
}

void am_cli_loaded_free(struct am_cli_loaded *loaded) {
    am_inventory_free(loaded->inventory);
    am_inventory_report_free(&loaded->report);
    am_timezones_free(loaded->zones);
    *loaded = (struct am_cli_loaded){0};
}

static void
print_problem(const struct am_inventory_problem *problem, const char *name, FILE *stream) {
    const char *kind = problem->warning ? "warning" : "error";
    if (problem->line)
        am_cli_print_line(stream, "%s:%u: %s: %s", name, problem->line, kind, problem->text);
    else
        am_cli_print_line(stream, "%s: %s: %s", name, kind, problem->text);
}

void am_cli_loaded_print_problems(const struct am_cli_loaded *loaded,
                                  const char *path,
                                  FILE *stream) {
    const struct am_inventory_report *report = &loaded->report;
    for (uint32_t i = 0; i < report->problem_count; i++)
        print_problem(&report->problems[i], am_cli_name_of(path), stream);
    uint64_t found = report->errors + report->warnings;
    if (found > report->problem_count)
        am_cli_print_line(stream, "%s: %llu more problems are not listed", am_cli_name_of(path),
                          (unsigned long long)(found - report->problem_count));
}

enum am_code am_cli_build(const struct am_cli_loaded *loaded,
                          bool lenient,
                          struct am_image_bytes *bytes,
                          struct am_image **image,
                          struct am_error *error) {
    struct am_image_bytes built = {0};
    struct am_image *opened = NULL;
    enum am_code code = am_build_image(loaded->inventory, loaded->zones, lenient, &built, error);
    if (code != AM_OK)
        return code;
    code = am_image_open_memory(built.data, built.size, "the image", &opened, error);
    if (code == AM_OK)
        code = am_image_verify(opened, error);
    if (code == AM_OK) {
        *bytes = built;
        *image = opened;
        return AM_OK;
    }
    am_image_close(opened);
    am_image_bytes_free(&built);
    return code;
}

static enum am_code open_inventory(const char *path,
                                   const struct am_cli_source_options *options,
                                   struct am_cli_source *source,
                                   struct am_error *error) {
    struct am_cli_loaded loaded;
    enum am_code code = am_cli_loaded_open(path, options->skip, NULL, &loaded, error);
    am_cli_loaded_print_problems(&loaded, path, stderr);
    if (code == AM_OK)
        loaded.inventory->spelling |= options->spelling;
    if (code == AM_OK)
        code = am_cli_build(&loaded, options->skip, &source->bytes, &source->image, error);
    am_cli_loaded_free(&loaded);
    return code;
}

static enum am_code
open_image(const char *path, struct am_cli_source *source, struct am_error *error) {
    struct am_image *image = NULL;
    enum am_code code = am_image_open(path, &image, error);
    if (code == AM_OK)
        code = am_image_verify(image, error);
    if (code != AM_OK) {
        am_image_close(image);
        return code;
    }
    *source = (struct am_cli_source){image, {NULL, 0}};
    return AM_OK;
}

enum am_code am_cli_is_image(const char *path, bool *is_image, struct am_error *error) {
    *is_image = false;
    return strcmp(path, "-") == 0 ? AM_OK : am_image_is(path, is_image, error);
}

enum am_code am_cli_source_open(const char *path,
                                const struct am_cli_source_options *options,
                                struct am_cli_source *source,
                                struct am_error *error) {
    bool is_image = false;
    enum am_code code = am_cli_is_image(path, &is_image, error);
    if (code != AM_OK)
        return code;
    if (is_image && options->spelling)
        return am_error_set(error, AM_E_INVALID,
                            "%s is an image: --spelling needs its inventory, or \"spelling\" in it",
                            path);
    return is_image ? open_image(path, source, error)
                    : open_inventory(path, options, source, error);
}

void am_cli_source_close(struct am_cli_source *source) {
    am_image_close(source->image);
    am_image_bytes_free(&source->bytes);
    *source = (struct am_cli_source){0};
}
