/* SPDX-License-Identifier: Apache-2.0 */
/* How an image file is mapped: by huge pages where the file system has them.
 *
 * A lookup of a large image touches pages all over it, and with pages of 4 KiB many of these
 * touches miss the TLB. The pages of a file on tmpfs can be collapsed into huge ones, once for all
 * processes; those that map the file at a huge page's boundary, as am_image_map does, then map
 * these. */
#ifndef AM_INDEX_IMAGE_MAP_H
#define AM_INDEX_IMAGE_MAP_H

#include "image.h"

/* Maps a file of `size` bytes, read-only and shared; MAP_FAILED, with errno. */
void *am_image_map(int fd, size_t size);

/* Collapses the pages of a mapped image, one huge page after the other, yielding in between; what
 * is behind the last whole one stays. *collapsed: bytes that are in huge pages now. Returns 0, or
 * the errno of a huge page that was refused: EAGAIN where a page was busy, which the others are
 * not; EINVAL where the file system or the kernel (before Linux 6.1) cannot do it, ENOMEM where no
 * huge page is free, and then the rest stays. Any thread. */
int am_image_collapse(const struct am_image *image, size_t *collapsed);

#endif
