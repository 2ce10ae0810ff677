/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the api room: the look of the preview. */
#ifndef AM_API_PREVIEW_STYLE_H
#define AM_API_PREVIEW_STYLE_H

/* Content of the page's one <style>. am_preview_policy (api.h) has its SHA-256. */
extern const char am_preview_style[];

#endif
