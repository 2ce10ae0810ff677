/* SPDX-License-Identifier: Apache-2.0 */
/* Charsets of texts that arrive as bytes of their own: UTF-8 and windows-1252. */
#ifndef AM_TEXT_CHARSET_H
#define AM_TEXT_CHARSET_H

#include "../base/bytes.h"

enum am_text_charset { AM_CHARSET_UTF8, AM_CHARSET_WINDOWS_1252, AM_CHARSET_UNKNOWN };

/* By its name in a Content-Type, without regard to case: utf-8; windows-1252, iso-8859-1 and
 * us-ascii are all read as windows-1252, as browsers do (WHATWG, Encoding). */
enum am_text_charset am_text_charset_of(struct am_view name);

/* The character of a byte from 0x80 to 0x9F; the byte itself for the five that have none. */
int32_t am_text_windows_1252(unsigned char byte);

/* Writes windows-1252 as UTF-8 to `memory`, which has room for three times as many bytes. Each byte
 * is one character, of one UTF-16 unit. */
struct am_view am_text_charset_decode(struct am_view text, char *memory);

#endif
