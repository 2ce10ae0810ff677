/* SPDX-License-Identifier: Apache-2.0 */
/* Inventories and images as the subcommands take them. */
#ifndef AM_CLI_SOURCE_H
#define AM_CLI_SOURCE_H

#include "../index/builder.h"
#include "progress.h"

#include <stdio.h>

/* An inventory with its report, and the time zones of this machine. Free with am_cli_loaded_free,
 * also after a failure.
 */
struct am_cli_loaded {
    struct am_timezones *zones;
    struct am_inventory *inventory;
    struct am_inventory_report report;
};

/* Loads an inventory ("-": standard input). `progress` may be NULL. Where the machine has no
 * zoneinfo, a complaint is printed and only UTC is known. *loaded is set in any case. Errors as
 * am_inventory_load. */
enum am_code am_cli_loaded_open(const char *path,
                                bool skip_bad_records,
                                struct am_cli_progress *progress,
                                struct am_cli_loaded *loaded,
                                struct am_error *error);
void am_cli_loaded_free(struct am_cli_loaded *loaded);

/* "FILE:LINE: error: TEXT", a line a problem, and a last line for those that were not listed. */
void am_cli_loaded_print_problems(const struct am_cli_loaded *loaded,
                                  const char *path,
                                  FILE *stream);

/* An image open for matching: from an image file, or built in memory from an inventory. */
struct am_cli_source {
    struct am_image *image;
    struct am_image_bytes bytes; /* of an image built here; else empty */
};

/* Whether a file is an image; standard input ("-") is none. AM_E_IO. */
enum am_code am_cli_is_image(const char *path, bool *is_image, struct am_error *error);

struct am_cli_source_options {
    bool skip;     /* drop bad records of an inventory */
    bool spelling; /* correct misspelt words, whatever the inventory says; not of images */
};

/* Opens either kind, told by content, and verifies it to the last record. Problems of an inventory
 * are printed to standard error. *source is untouched on failure. */
enum am_code am_cli_source_open(const char *path,
                                const struct am_cli_source_options *options,
                                struct am_cli_source *source,
                                struct am_error *error);
void am_cli_source_close(struct am_cli_source *source);

/* Builds an image in memory and verifies it. *bytes and *image are set on success and freed by the
 * caller, the image first. */
enum am_code am_cli_build(const struct am_cli_loaded *loaded,
                          bool lenient,
                          struct am_image_bytes *bytes,
                          struct am_image **image,
                          struct am_error *error);

#endif
