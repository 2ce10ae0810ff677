/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts, however they are written: "https://www.news.example:80/x", "www.News.example" and
 * "news.example." are one. Views of what was given; no function allocates or fails. */
#ifndef AM_MODEL_HOSTS_H
#define AM_MODEL_HOSTS_H

#include "../base/bytes.h"

/* The host of a URL, or of what is only a host: without scheme, user, port and path, without a
 * period at its end, and without "www.". Its case stays. May be empty. */
struct am_view am_model_host(struct am_view text);

/* Whether a URL names a host: it begins with http://, https:// or //. */
bool am_model_url_has_host(struct am_view url);

#endif
