/* SPDX-License-Identifier: Apache-2.0 */
#include "delivery.h"

#include <xxhash.h>

enum { GIVEN_SECONDS = 60 /* any: nothing expires */ };

static uint64_t number(void *context) {
    struct am_api_delivery *delivery = context;
    return am_event_sequence(delivery->worker, delivery->match.clock);
}

/* What is carried and was not signed here is a new user's. */
static void know_user(struct am_api_delivery *delivery, const struct am_api_user *user) {
    struct am_match_delivery *match = &delivery->match;
    if (user->opted_out)
        return;
    if (user->key.data)
        match->user = am_caps_user(delivery->mac, delivery->mac_key, user->key);
    if (!user->caps.data)
        return;
    (void)am_caps_state_read(&delivery->carried, user->caps, delivery->mac, delivery->mac_key);
    match->caps = &delivery->carried;
}

/* One subscriber has a network of addresses. */
static uint32_t caller_of(struct am_api_delivery *delivery, const struct am_address *client) {
    struct am_address network = am_address_network(client);
    const struct am_view bytes = {(const char *)network.bytes, sizeof network.bytes};
    uint32_t hash = (uint32_t)am_caps_user(am_event_user_mac, delivery->worker, bytes);
    return hash ? hash : 1;
}

/* ---- a given state ----------------------------------------------------------------------------
 */

static uint64_t number_given(void *context) {
    struct am_api_delivery *delivery = context;
    return delivery->numbered++;
}

/* Any user is the one whose caps are given. */
static enum am_code begin_given(struct am_api_delivery *delivery,
                                struct am_view state,
                                struct am_api_request_reader *reader,
                                struct am_error *error) {
    const struct am_api_user *user = &reader->user;
    enum am_code code =
        am_delivery_given_make(reader->image, state, reader->request.now, &delivery->given, error);
    if (code != AM_OK)
        return code;
    delivery->numbered = 1;
    delivery->match = (struct am_match_delivery){
        .worker = delivery->given->opened.worker,
        .map = delivery->given->opened.map,
        .ledger = delivery->given->opened.ledger,
        .clock = reader->request.now,
        .seconds = GIVEN_SECONDS,
        .keeps = true,
        .number = number_given,
        .context = delivery,
    };
    if ((user->key.data || user->caps.data) && !user->opted_out)
        delivery->match.user = delivery->given->user;
    reader->request.delivery = &delivery->match;
    return AM_OK;
}

/* ---- a simulation -----------------------------------------------------------------------------
 */

/* Nobody but the simulation knows the users: any hash serves. */
static void hash_user(void *context, const void *bytes, size_t size, uint8_t mac[16]) {
    (void)context;
    XXH128_canonical_t hash;
    XXH128_canonicalFromHash(&hash, XXH3_128bits(bytes, size));
    memcpy(mac, hash.digest, sizeof hash.digest);
}

static enum am_code begin_simulated(struct am_api_delivery *delivery,
                                    const struct am_api_request *request,
                                    struct am_api_request_reader *reader,
                                    struct am_error *error) {
    const struct am_api_simulation *simulation = request->simulation;
    if (reader->state.data)
        return am_error_set(error, AM_E_INVALID, "a request that is simulated has no state");
    enum am_code code = simulation->advance(simulation->context, reader->request.now, error);
    if (code != AM_OK)
        return code;
    delivery->match = *simulation->delivery;
    delivery->match.clock = reader->request.now;
    delivery->mac = hash_user;
    know_user(delivery, &reader->user);
    reader->request.delivery = &delivery->match;
    am_delivery_begin(delivery->match.worker, delivery->match.clock);
    return AM_OK;
}

void am_api_delivery_end(struct am_api_delivery *delivery) {
    am_delivery_given_free(delivery->given);
    delivery->given = NULL;
}

enum am_code am_api_delivery_begin(struct am_api_delivery *delivery,
                                   const struct am_api_request *request,
                                   struct am_api_request_reader *reader,
                                   struct am_event_worker *worker,
                                   struct am_error *error) {
    bool bids = request->content == AM_CONTENT_OPENRTB;
    struct am_view state = reader->state.data ? reader->state : request->state;
    am_api_delivery_end(delivery);
    delivery->worker = worker;
    delivery->mac = am_event_user_mac;
    delivery->mac_key = worker;
    reader->user.opted_out |= request->opted_out;
    if (request->simulation)
        return begin_simulated(delivery, request, reader, error);
    if (state.data)
        return begin_given(delivery, state, reader, error);
    if (!delivery->map || !worker)
        return AM_OK;
    delivery->match = (struct am_match_delivery){
        .worker = am_event_worker_of_ledger(worker),
        .map = delivery->map,
        .ledger = am_event_worker_ledger(worker),
        .clock = request->now,
        .seconds = bids ? 0 : am_event_worker_reserve(worker, false),
        .keeps = request->places,
        .caller = request->is_public ? caller_of(delivery, &request->client) : 0,
        .number = number,
        .context = delivery,
    };
    know_user(delivery, &reader->user);
    reader->request.delivery = &delivery->match;
    if (request->places)
        am_delivery_begin(delivery->match.worker, request->now);
    else
        am_delivery_try(delivery->match.worker, request->now);
    return AM_OK;
}

void am_api_delivery_put_user(struct am_api_delivery *delivery, struct am_buffer *out) {
    char text[AM_CAPS_STATE_TEXT];
    const struct am_match_delivery *match = &delivery->match;
    if (!match->caps)
        return;
    size_t size =
        am_caps_state_write(match->caps, match->clock, delivery->mac, delivery->mac_key, text);
    am_buffer_literal(out, ",\"user\":{\"caps\":\"");
    am_buffer_append(out, text, size);
    am_buffer_literal(out, "\"}");
}
