/* SPDX-License-Identifier: Apache-2.0 */
/* Text files in whatever encoding a spreadsheet wrote them, to UTF-8. */
#ifndef AM_CLI_ENCODING_H
#define AM_CLI_ENCODING_H

#include "../base/bytes.h"
#include "../base/error.h"

/* The encoding that a text's bytes show, as iconv names it: UTF-16 by its byte order mark or by
 * the zero bytes of ASCII, UTF-8 where all is well-formed, else windows-1252, which is a guess:
 * other code pages have the same bytes. */
const char *am_cli_encoding_of(struct am_view text);

/* What could not be decoded, and is U+FFFD now. */
struct am_cli_encoding_damage {
    uint64_t count;
    uint32_t line; /* of the first, from 1 */
};

/* Converts from an encoding that iconv knows. `*memory` is to be freed, NULL where `*decoded` is
 * the text itself; a byte order mark is left out. AM_E_INVALID: there is no such encoding;
 * AM_E_MEMORY. */
enum am_code am_cli_encoding_decode(struct am_view text,
                                    const char *encoding,
                                    struct am_view *decoded,
                                    char **memory,
                                    struct am_cli_encoding_damage *damage,
                                    struct am_error *error);

#endif
