/* SPDX-License-Identifier: Apache-2.0 */
#include "hosts.h"

#include <strings.h>

static bool begins_with(struct am_view text, struct am_view begin) {
    return text.size >= begin.size && strncasecmp(text.data, begin.data, begin.size) == 0;
}

static struct am_view skip(struct am_view text, size_t size) {
    return (struct am_view){text.data + size, text.size - size};
}

/* RFC 3986: letters, digits, '+', '-' and '.', then "://". */
static struct am_view without_scheme(struct am_view text) {
    size_t at = 0;
    while (at < text.size && text.data[at] != ':' && text.data[at] != '/')
        at++;
    if (text.size - at >= 3 && memcmp(text.data + at, "://", 3) == 0)
        return skip(text, at + 3);
    return begins_with(text, AM_VIEW("//")) ? skip(text, 2) : text;
}

/* What stands before the path: user, host, port. */
static struct am_view authority_of(struct am_view text) {
    size_t size = 0;
    while (size < text.size && !memchr("/?#\\", text.data[size], 4))
        size++;
    return (struct am_view){text.data, size};
}

static struct am_view without_user_and_port(struct am_view text) {
    const char *user_end = memrchr(text.data, '@', text.size);
    if (user_end)
        text = skip(text, (size_t)(user_end + 1 - text.data));
    const char *port = text.size && text.data[0] == '[' ? NULL : memchr(text.data, ':', text.size);
    if (port)
        text.size = (size_t)(port - text.data);
    return text;
}

/* Most texts are only a host, and lists have thousands of them: where there is neither a path nor a
 * port, there is no more either. */
static bool is_only_host(struct am_view text) {
    return text.size == 0 ||
           (!memchr(text.data, '/', text.size) && !memchr(text.data, ':', text.size));
}

/* "www.com" is a host of its own. */
static bool has_www(struct am_view host) {
    return host.size && (host.data[0] | 0x20) == 'w' && begins_with(host, AM_VIEW("www.")) &&
           memchr(host.data + 4, '.', host.size - 4);
}

struct am_view am_model_host(struct am_view text) {
    struct am_view host = text;
    if (!is_only_host(text))
        host = without_user_and_port(authority_of(without_scheme(text)));
    while (host.size && host.data[host.size - 1] == '.')
        host.size--;
    return has_www(host) ? skip(host, 4) : host;
}

bool am_model_url_has_host(struct am_view url) {
    return begins_with(url, AM_VIEW("http://")) || begins_with(url, AM_VIEW("https://")) ||
           begins_with(url, AM_VIEW("//"));
}
