/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks, and from where: what is derived from addresses and headers for requests that do not say
 * it themselves. docs/HTTP.md, "Who and where". */
#ifndef AM_API_VISITOR_H
#define AM_API_VISITOR_H

#include "../base/address.h"

struct am_client_geo;
struct am_client_geo_handle;

/* What is derived, the same for all processes; NULL where nothing is. */
struct am_api_deriving {
    bool agent, language;
    const struct am_client_geo *geo;         /* NULL: not by address */
    const struct am_address_ranges *trusted; /* proxies whose X-Forwarded-For is believed */
};

/* What HTTP says of the visitor. Each may be empty. */
struct am_api_visitor {
    const struct am_api_deriving *deriving; /* NULL: nothing is derived */
    struct am_view peer, forwarded;         /* X-Forwarded-For */
    struct am_view agent, mobile, platform; /* User-Agent, Sec-CH-UA-Mobile and -Platform */
    struct am_view languages;               /* Accept-Language */
};

/* The client of a request. A peer without an address is a process of this machine, at a Unix
 * socket: a proxy, which is believed. */
struct am_address am_api_visitor_address(struct am_view peer,
                                         struct am_view forwarded,
                                         const struct am_address_ranges *trusted);

enum {
    AM_API_DERIVED_MOST = 9,            /* attributes */
    AM_API_DERIVED_BYTES = 9 * 2 * 256, /* their values, with redzones */
};

struct am_api_request_reader;

/* Adds the attributes that the request, which has been read, lacks. A request that brings an
 * address or an agent itself comes from a server: its headers say nothing of the visitor.
 * `of_server`: so does any request of that kind. `is_private`: no more than the country may be
 * derived from the address. */
void am_api_visitor_derive(struct am_api_request_reader *reader,
                           struct am_client_geo_handle *geo,
                           const struct am_api_visitor *visitor,
                           bool of_server,
                           bool is_private);

#endif
