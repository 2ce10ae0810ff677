/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the lib room: from a path to an image that has been verified. */
#ifndef AM_LIB_OPEN_H
#define AM_LIB_OPEN_H

#include "../index/builder.h"

struct am_lib_opened {
    struct am_image *image;
    struct am_image_bytes bytes; /* of an image that was built here; else empty */
    char *problems;              /* a line each, NUL-terminated; NULL: none */
};

/* Of an inventory, or of an image. `skip`: leave bad records out. To be closed with am_lib_close.
 * On failure *opened is untouched. Any thread. Codes as of am_inventory_load, am_build_image,
 * am_image_open and am_image_verify; AM_E_NOT_FOUND: there is no such file. */
enum am_code
am_lib_open(const char *path, bool skip, struct am_lib_opened *opened, struct am_error *error);
void am_lib_close(struct am_lib_opened *opened);

#endif
