/* SPDX-License-Identifier: Apache-2.0 */
/* Builds an image from an inventory. Same inventory, same bytes. */
#ifndef AM_INDEX_BUILDER_H
#define AM_INDEX_BUILDER_H

#include "../base/timezone.h"
#include "../inventory/inventory.h"
#include "image.h"

struct am_image_bytes {
    void *data; /* 64-byte aligned; free with am_image_bytes_free */
    size_t size;
};

/* Builds in memory, with all time zones of `zones` (NULL: UTC only). `lenient` is only recorded in
 * the header. AM_E_MEMORY; AM_E_LIMIT: more than 2^32-2 of something, named; AM_E_INVALID: a time
 * zone that `zones` lacks, or records whose stable keys are equal. */
enum am_code am_build_image(const struct am_inventory *inventory,
                            const struct am_timezones *zones,
                            bool lenient,
                            struct am_image_bytes *bytes,
                            struct am_error *error);
void am_image_bytes_free(struct am_image_bytes *bytes);

/* Writes beside `path`, fsyncs, renames over it, fsyncs the folder: readers see the old file or the
 * new one, never a part. Mode 0600 & ~umask. A relative path counts from the folder whose
 * descriptor is `folder` (AT_FDCWD: the working directory). AM_E_IO, also when the new file is in
 * place but perhaps not durable; AM_E_LIMIT: the path is too long. */
enum am_code am_image_write(const struct am_image_bytes *bytes,
                            int folder,
                            const char *path,
                            struct am_error *error);

#endif
