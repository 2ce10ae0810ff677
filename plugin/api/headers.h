/* SPDX-License-Identifier: Apache-2.0 */
/* Values of HTTP headers (RFC 9110, section 5.6). Quoted commas and semicolons, which none of the
 * headers that are read here has, are taken for separators. */
#ifndef AM_API_HEADERS_H
#define AM_API_HEADERS_H

#include "../base/bytes.h"

/* What a name consists of: letters, digits and !#$%&'*+-.^_`|~ (a token). */
bool am_api_header_is_token_byte(char byte);
bool am_api_header_is_name(struct am_view text);

/* What a value may have: no control character but the tab. */
bool am_api_header_is_text_byte(char byte);

/* Without CR, LF and NUL, which end a value for one reader and not for another: a server refuses
 * them (RFC 9110, section 5.5). */
bool am_api_header_is_one_line(struct am_view text);

/* Without spaces and tabs around it. */
struct am_view am_api_header_trim(struct am_view text);

/* Equal but for the case of ASCII letters. */
bool am_api_header_is(struct am_view text, const char *word);

/* Takes the next item off a list with commas; false: there is none left. */
bool am_api_header_next(struct am_view *list, struct am_view *item);

/* An item without its parameters. */
struct am_view am_api_header_name(struct am_view item);

/* The value of a parameter (";q=0.5"), without quotes; empty when it has none of that name. */
struct am_view am_api_header_parameter(struct am_view item, const char *name);

/* Whether a list has an item of that name. */
bool am_api_header_lists(struct am_view list, const char *name);

/* Whether a list of what is accepted has an item of that name, or else "*", whose weight is not 0.
 */
bool am_api_header_accepts(struct am_view list, const char *name);

#endif
