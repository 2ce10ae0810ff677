/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the api room: text inside HTML. */
#ifndef AM_API_PAGE_HTML_H
#define AM_API_PAGE_HTML_H

#include "../../base/buffer.h"

/* Fit for content and for values in quotes: & < > " ' become references; ill-formed UTF-8 (a
 * maximal subpart at a time) and control characters but tabs and line ends become U+FFFD. */
void am_api_html_text(struct am_buffer *out, struct am_view text);

#endif
