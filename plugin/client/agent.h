/* SPDX-License-Identifier: Apache-2.0 */
/* What a User-Agent says of the device, its system and the browser, by a table of marks that is
 * made to be read and extended (agent.c). Client hints, which say less and better, go first.
 *
 * No state, no allocation; any thread. */
#ifndef AM_CLIENT_AGENT_H
#define AM_CLIENT_AGENT_H

#include "../base/bytes.h"

struct am_client_agent {
    const char *device;  /* "mobile", "tablet", "desktop", "tv"; NULL: not known */
    const char *os;      /* "windows", "macos", "ios", "android", "linux", ...; NULL: not known */
    const char *browser; /* "chrome", "safari", "firefox", "edge", ...; NULL: not known */
};

/* As headers bring them; each may be empty. `mobile` is Sec-CH-UA-Mobile ("?1"), `platform`
 * Sec-CH-UA-Platform ("\"Windows\"", with its quotes). Bytes of the agent beyond the first 2,048
 * are not looked at. */
struct am_client_agent
am_client_agent_read(struct am_view agent, struct am_view mobile, struct am_view platform);

#endif
