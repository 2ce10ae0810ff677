/* SPDX-License-Identifier: Apache-2.0 */
#include "visitor.h"

#include "../client/agent.h"
#include "../client/geo.h"
#include "../client/languages.h"
#include "request.h"

struct am_address am_api_visitor_address(struct am_view peer,
                                         struct am_view forwarded,
                                         const struct am_address_ranges *trusted) {
    struct am_address address, client;
    if (am_address_parse(peer, &address))
        return am_address_client(&address, forwarded, trusted);
    (void)am_address_parse(AM_VIEW("127.0.0.1"), &address);
    struct am_address_range own = {address, 128};
    const struct am_address_ranges alone = {&own, 1, 1};
    client = am_address_client(&address, forwarded, &alone);
    return am_address_in_ranges(trusted, &client) ? am_address_client(&client, forwarded, trusted)
                                                  : client;
}

/* ---- attributes ------------------------------------------------------------------------------
 */

static const struct am_match_attribute *find(const struct am_api_request_reader *reader,
                                             enum am_model_attribute attribute) {
    for (uint32_t i = 0; i < reader->request.attribute_count; i++)
        if (reader->attributes[i].attribute == attribute)
            return &reader->attributes[i];
    return NULL;
}

/* What has no room, or is no value, is left out. */
static void
add(struct am_api_request_reader *reader, enum am_model_attribute attribute, struct am_view value) {
    if (value.size && value.size <= AM_ID_MAX_BYTES &&
        reader->request.derived_count < AM_API_DERIVED_MOST &&
        am_api_request_add_attribute(reader, attribute, AM_VIEW(""), value, NULL) == AM_OK)
        reader->request.derived_count++;
}

static void add_lacking(struct am_api_request_reader *reader,
                        enum am_model_attribute attribute,
                        struct am_view value) {
    if (!find(reader, attribute))
        add(reader, attribute, value);
}

/* ---- from what --------------------------------------------------------------------------------
 */

static void derive_agent(struct am_api_request_reader *reader,
                         struct am_view agent,
                         struct am_view mobile,
                         struct am_view platform) {
    struct am_client_agent read = am_client_agent_read(agent, mobile, platform);
    add_lacking(reader, AM_ATTRIBUTE_DEVICE, am_view_of(read.device));
    add_lacking(reader, AM_ATTRIBUTE_OS, am_view_of(read.os));
    add_lacking(reader, AM_ATTRIBUTE_BROWSER, am_view_of(read.browser));
}

/* "en-US" is also "en", as in bid requests. */
static void derive_language(struct am_api_request_reader *reader, struct am_view header) {
    struct am_view language = am_client_languages_first(header);
    struct am_view alone = am_client_language_alone(language);
    if (find(reader, AM_ATTRIBUTE_LANGUAGE))
        return;
    add(reader, AM_ATTRIBUTE_LANGUAGE, language);
    if (alone.size < language.size)
        add(reader, AM_ATTRIBUTE_LANGUAGE, alone);
}

static bool is_elsewhere(const struct am_api_request_reader *reader, struct am_view country) {
    const struct am_match_attribute *given = find(reader, AM_ATTRIBUTE_COUNTRY);
    return given && (given->value.size != country.size ||
                     strncasecmp(given->value.data, country.data, country.size) != 0);
}

/* A city of one country is of no use to a request that is from another. */
static void derive_place(struct am_api_request_reader *reader,
                         const struct am_client_place *place,
                         bool is_private) {
    if (is_elsewhere(reader, place->country))
        return;
    add_lacking(reader, AM_ATTRIBUTE_COUNTRY, place->country);
    if (is_private)
        return;
    add_lacking(reader, AM_ATTRIBUTE_REGION, place->region);
    add_lacking(reader, AM_ATTRIBUTE_METRO, am_view_of(place->metro));
    add_lacking(reader, AM_ATTRIBUTE_CITY, place->city);
}

void am_api_visitor_derive(struct am_api_request_reader *reader,
                           struct am_client_geo_handle *geo,
                           const struct am_api_visitor *visitor,
                           bool of_server,
                           bool is_private) {
    static const struct am_view none = {"", 0};
    const struct am_api_deriving *deriving = visitor->deriving;
    const bool given = of_server || reader->has_ip || reader->agent.data;
    struct am_address address = reader->ip;
    struct am_client_place place;
    if (!given)
        address = am_api_visitor_address(visitor->peer, visitor->forwarded, deriving->trusted);
    if (deriving->geo && (!given || reader->has_ip) &&
        am_client_geo_find(geo, deriving->geo, &address, &place))
        derive_place(reader, &place, is_private);
    if (deriving->agent && given)
        derive_agent(reader, reader->agent.data ? reader->agent : none, none, none);
    else if (deriving->agent)
        derive_agent(reader, visitor->agent, visitor->mobile, visitor->platform);
    if (deriving->language && !given)
        derive_language(reader, visitor->languages);
}
