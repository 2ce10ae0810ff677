/* SPDX-License-Identifier: Apache-2.0 */
/* Internet addresses: of the peer, of proxies that are trusted, and of the client behind them.
 *
 * An IPv4 address is kept as its IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2), so that both
 * spellings of it are equal. Thread rule: no shared state. */
#ifndef AM_BASE_ADDRESS_H
#define AM_BASE_ADDRESS_H

#include "bytes.h"
#include "error.h"

struct am_address {
    uint8_t bytes[16]; /* network order */
};

/* Reads an address as REMOTE_ADDR and X-Forwarded-For have it: "192.0.2.1", "2001:db8::1", either
 * with a port ("192.0.2.1:80", "[2001:db8::1]:80"), brackets without a port, white space around it.
 * False for anything else: names, "unknown", addresses with a zone. */
bool am_address_parse(struct am_view text, struct am_address *address);

/* Whether an address is of 127.0.0.0/8, or ::1. */
bool am_address_is_loopback(const struct am_address *address);

/* The network that stands for one subscriber: the /24 of an IPv4 address, the /48 of another. */
struct am_address am_address_network(const struct am_address *address);

/* A CIDR block. */
struct am_address_range {
    struct am_address network; /* all bits after the prefix are zero */
    uint32_t bits;             /* 0..128, of the mapped address */
};

/* Reads "10.0.0.0/8", "2001:db8::/32" or a single address. AM_E_INVALID says what was expected,
 * and which block was probably meant when bits after the prefix are set. */
enum am_code
am_address_range_parse(struct am_view text, struct am_address_range *range, struct am_error *error);

struct am_address_ranges {
    struct am_address_range *items;
    uint32_t count;
    uint32_t capacity;
};

/* Adds the blocks of a list separated by white space or commas. AM_E_INVALID as above; AM_E_LIMIT
 * when they are more than `capacity`. */
enum am_code am_address_ranges_add(struct am_address_ranges *ranges,
                                   struct am_view list,
                                   struct am_error *error);

bool am_address_in_range(const struct am_address_range *range, const struct am_address *address);
bool am_address_in_ranges(const struct am_address_ranges *ranges, const struct am_address *address);

/* Proxies that one request may have passed. */
enum { AM_ADDRESS_MAX_HOPS = 16 };

/* The client of a request. `peer` is whoever opened the connection; `forwarded` is X-Forwarded-For
 * with its fields joined by commas. Each proxy appends its client's address, so the list is walked
 * from the right while the address found so far is in `trusted`. The walk ends at the first address
 * that is not trusted, which is the client; at an item that is no address, or after
 * AM_ADDRESS_MAX_HOPS, the last address found is returned. Whatever a client writes into the header
 * itself is left of that, and is never used. */
struct am_address am_address_client(const struct am_address *peer,
                                    struct am_view forwarded,
                                    const struct am_address_ranges *trusted);

#endif
