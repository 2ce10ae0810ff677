/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the inventory room: lines of a file or of memory, plain or gzip. */
#ifndef AM_INVENTORY_LINES_H
#define AM_INVENTORY_LINES_H

#include "../base/bytes.h"
#include "../base/error.h"

struct am_inventory_lines;

/* Opens a path ("-": standard input). AM_E_IO, AM_E_MEMORY. */
enum am_code am_inventory_lines_open(const char *path,
                                     struct am_inventory_lines **lines,
                                     struct am_error *error);
/* An open file, from its offset on; it stays the caller's. AM_E_IO, AM_E_MEMORY. */
enum am_code am_inventory_lines_open_fd(int fd,
                                        const char *name,
                                        struct am_inventory_lines **lines,
                                        struct am_error *error);
/* Over memory, which must outlive the source. AM_E_MEMORY. */
enum am_code am_inventory_lines_over(struct am_view text,
                                     const char *name,
                                     struct am_inventory_lines **lines,
                                     struct am_error *error);
void am_inventory_lines_close(struct am_inventory_lines *lines);

/* The next line without its end; *more is false after the last one. A line longer than
 * AM_LINE_MAX_BYTES is skipped and returned with .data NULL. The view is valid until the next call.
 */
enum am_code am_inventory_lines_next(struct am_inventory_lines *lines,
                                     struct am_view *line,
                                     bool *more,
                                     struct am_error *error);

/* Bytes read of the file, and its size (0: unknown). */
uint64_t am_inventory_lines_done(const struct am_inventory_lines *lines);
uint64_t am_inventory_lines_total(const struct am_inventory_lines *lines);
/* XXH3-128, canonical, of all bytes of the file; after the last line. */
void am_inventory_lines_digest(const struct am_inventory_lines *lines, uint8_t digest[16]);

#endif
