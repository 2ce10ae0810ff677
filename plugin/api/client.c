/* SPDX-License-Identifier: Apache-2.0 */
/* Whose request it is. */
#include "exchange.h"
#include "memory.h"

/* A peer without an address is a process of this machine, at a Unix socket: a proxy, which is
 * believed. */
struct am_address am_api_exchange_client(const struct am_api_exchange *exchange) {
    struct am_address peer, client;
    struct am_view forwarded = am_api_exchange_header(exchange, "X-Forwarded-For");
    if (am_address_parse(exchange->request->peer, &peer))
        return am_address_client(&peer, forwarded, &exchange->api->placements.counting->trusted);
    (void)am_address_parse(AM_VIEW("127.0.0.1"), &peer);
    struct am_address_range own = {peer, 128};
    const struct am_address_ranges *named = &exchange->api->placements.counting->trusted;
    const struct am_address_ranges alone = {&own, 1, 1};
    client = am_address_client(&peer, forwarded, &alone);
    return am_address_in_ranges(named, &client) ? am_address_client(&client, forwarded, named)
                                                : client;
}
