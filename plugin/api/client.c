/* SPDX-License-Identifier: Apache-2.0 */
/* Whose request it is. */
#include "exchange.h"
#include "memory.h"

struct am_address am_api_exchange_client(const struct am_api_exchange *exchange) {
    return am_api_visitor_address(exchange->request->peer,
                                  am_api_exchange_header(exchange, "X-Forwarded-For"),
                                  &exchange->api->placements.counting->trusted);
}
