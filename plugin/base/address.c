/* SPDX-License-Identifier: Apache-2.0 */
#include "address.h"

#include <arpa/inet.h>
#include <stdio.h>

enum { ADDRESS_BITS = 128, MAPPED_BITS = 96 };

static const uint8_t mapped_prefix[12] = {[10] = 0xFF, [11] = 0xFF};

static bool is_mapped(const struct am_address *address) {
    return memcmp(address->bytes, mapped_prefix, sizeof mapped_prefix) == 0;
}

static bool is_space(char byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static struct am_view trim(struct am_view text) {
    while (text.size && is_space(text.data[0]))
        text = (struct am_view){text.data + 1, text.size - 1};
    while (text.size && is_space(text.data[text.size - 1]))
        text.size--;
    return text;
}

static const char *find(struct am_view text, char byte) {
    return text.size ? memchr(text.data, byte, text.size) : NULL;
}

/* An address alone, without port or brackets. */
static bool parse_bare(struct am_view text, struct am_address *address) {
    char copy[INET6_ADDRSTRLEN];
    if (text.size == 0 || text.size >= sizeof copy || find(text, '\0'))
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    if (find(text, ':'))
        return inet_pton(AF_INET6, copy, address->bytes) == 1;
    memcpy(address->bytes, mapped_prefix, sizeof mapped_prefix);
    return inet_pton(AF_INET, copy, address->bytes + sizeof mapped_prefix) == 1;
}

static bool is_port(struct am_view text) {
    if (text.size == 0 || text.size > 5)
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return true;
}

static struct am_view after(struct am_view text, const char *at) {
    return (struct am_view){at + 1, (size_t)(text.data + text.size - at - 1)};
}

/* "[2001:db8::1]" or "[2001:db8::1]:80". */
static bool parse_bracketed(struct am_view text, struct am_address *address) {
    const char *end = find(text, ']');
    if (!end)
        return false;
    struct am_view inside = {text.data + 1, (size_t)(end - text.data - 1)};
    struct am_view rest = after(text, end);
    if (rest.size && (rest.data[0] != ':' || !is_port(after(rest, rest.data))))
        return false;
    return find(inside, ':') && parse_bare(inside, address);
}

bool am_address_parse(struct am_view text, struct am_address *address) {
    text = trim(text);
    if (text.size && text.data[0] == '[')
        return parse_bracketed(text, address);
    const char *colon = find(text, ':');
    if (!colon || find(after(text, colon), ':'))
        return parse_bare(text, address);
    struct am_view host = {text.data, (size_t)(colon - text.data)};
    return is_port(after(text, colon)) && parse_bare(host, address);
}

/* Clears all bits after the first `bits`. */
static struct am_address cut(struct am_address address, uint32_t bits) {
    for (uint32_t byte = 0; byte < sizeof address.bytes; byte++) {
        uint32_t kept = bits < 8 * byte ? 0 : bits - 8 * byte;
        if (kept < 8)
            address.bytes[byte] &= (uint8_t)(0xFF00 >> kept);
    }
    return address;
}

bool am_address_is_loopback(const struct am_address *address) {
    static const struct am_address loopback = {{[15] = 1}};
    if (is_mapped(address))
        return address->bytes[12] == 127;
    return memcmp(address, &loopback, sizeof loopback) == 0;
}

struct am_address am_address_network(const struct am_address *address) {
    return cut(*address, is_mapped(address) ? MAPPED_BITS + 24 : 48);
}

static void write_range(const struct am_address_range *range, char *text, size_t size) {
    char host[INET6_ADDRSTRLEN];
    bool mapped = is_mapped(&range->network) && range->bits >= MAPPED_BITS;
    inet_ntop(mapped ? AF_INET : AF_INET6, range->network.bytes + (mapped ? 12 : 0), host,
              sizeof host);
    snprintf(text, size, "%s/%u", host, range->bits - (mapped ? MAPPED_BITS : 0));
}

/* The prefix length of a block, counted in the mapped address; false when it is no such number. */
static bool parse_bits(struct am_view text, bool is_ipv4, uint32_t *bits) {
    uint32_t most = is_ipv4 ? ADDRESS_BITS - MAPPED_BITS : ADDRESS_BITS, value = 0;
    if (!is_port(text) || text.size > 3)
        return false;
    for (size_t i = 0; i < text.size; i++)
        value = value * 10 + (uint32_t)(text.data[i] - '0');
    *bits = value + (is_ipv4 ? MAPPED_BITS : 0);
    return value <= most;
}

enum am_code am_address_range_parse(struct am_view text,
                                    struct am_address_range *range,
                                    struct am_error *error) {
    const char *slash = find(text, '/');
    struct am_view host = {text.data, slash ? (size_t)(slash - text.data) : text.size};
    struct am_address address;
    range->bits = ADDRESS_BITS;
    if (!parse_bare(host, &address) ||
        (slash && !parse_bits(after(text, slash), !find(host, ':'), &range->bits)))
        return am_error_set(
            error, AM_E_INVALID,
            "expected an address block like 10.0.0.0/8 or 2001:db8::/32, found \"%.*s\"",
            (int)(text.size < 64 ? text.size : 64), text.data);
    range->network = cut(address, range->bits);
    if (memcmp(&range->network, &address, sizeof address) != 0) {
        char meant[64];
        write_range(range, meant, sizeof meant);
        return am_error_set(error, AM_E_INVALID,
                            "%.*s has bits set after its prefix: expected %s, or a longer prefix",
                            (int)text.size, text.data, meant);
    }
    return AM_OK;
}

enum am_code am_address_ranges_add(struct am_address_ranges *ranges,
                                   struct am_view list,
                                   struct am_error *error) {
    size_t at = 0;
    while (at < list.size) {
        size_t begin = at;
        while (at < list.size && list.data[at] != ',' && !is_space(list.data[at]))
            at++;
        struct am_view item = {list.data + begin, at - begin};
        at += at < list.size;
        if (item.size == 0)
            continue;
        if (ranges->count == ranges->capacity)
            return am_error_set(error, AM_E_LIMIT, "more than %u address blocks", ranges->capacity);
        enum am_code code = am_address_range_parse(item, &ranges->items[ranges->count], error);
        if (code != AM_OK)
            return code;
        ranges->count++;
    }
    return AM_OK;
}

bool am_address_in_range(const struct am_address_range *range, const struct am_address *address) {
    struct am_address network = cut(*address, range->bits);
    return memcmp(&network, &range->network, sizeof network) == 0;
}

bool am_address_in_ranges(const struct am_address_ranges *ranges,
                          const struct am_address *address) {
    for (uint32_t i = 0; i < ranges->count; i++)
        if (am_address_in_range(&ranges->items[i], address))
            return true;
    return false;
}

/* The last item of a list, which is cut off it. */
static struct am_view pop_item(struct am_view *list) {
    size_t begin = list->size;
    while (begin && list->data[begin - 1] != ',')
        begin--;
    struct am_view item = {list->data + begin, list->size - begin};
    list->size = begin ? begin - 1 : 0;
    return item;
}

struct am_address am_address_client(const struct am_address *peer,
                                    struct am_view forwarded,
                                    const struct am_address_ranges *trusted) {
    struct am_address client = *peer, next;
    for (int hop = 0; hop < AM_ADDRESS_MAX_HOPS && forwarded.size; hop++) {
        if (!am_address_in_ranges(trusted, &client))
            break;
        if (!am_address_parse(pop_item(&forwarded), &next))
            break;
        client = next;
    }
    return client;
}
