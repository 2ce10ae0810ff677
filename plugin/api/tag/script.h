/* SPDX-License-Identifier: Apache-2.0 */
/* The page tag: the script of /v1/tag.js, and the page /demo that shows it. docs/TAG.md. */
#ifndef AM_API_TAG_SCRIPT_H
#define AM_API_TAG_SCRIPT_H

#include "../../base/bytes.h"

/* Of ASCII alone: it means the same in any page's encoding. */
extern const struct am_view am_api_tag_script;

extern const struct am_view am_api_tag_demo;
extern const char am_api_tag_demo_policy[]; /* its Content-Security-Policy */

#endif
