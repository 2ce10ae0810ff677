/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the api room: the look of all pages. */
#ifndef AM_API_PAGE_STYLE_H
#define AM_API_PAGE_STYLE_H

/* Content of a page's one <style>. am_api_page_policy (api.h) has its SHA-256. */
extern const char am_api_page_style[];

#endif
