/* SPDX-License-Identifier: Apache-2.0 */
/* Impressions, views, clicks, custom events and conversions. docs/EVENTS.md. */
#include "exchange.h"
#include "memory.h"

/* A transparent picture of one pixel. */
static const char gif[43] =
    "GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0"
    "\2\2D\1\0;";

/* ---- the request ------------------------------------------------------------------------------
 */

/* The first parameter of that name, percent-decoded into `memory`; what cannot be decoded, or has
 * more than `room` bytes, is as good as missing. */
static struct am_view
parameter(struct am_view query, struct am_view name, char *memory, size_t room) {
    for (const char *at = query.data, *end = am_view_end(query); at < end;) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        struct am_view pair = {at, (size_t)((stop ? stop : end) - at)};
        at = stop ? stop + 1 : end;
        if (pair.size <= name.size || pair.data[name.size] != '=' ||
            memcmp(pair.data, name.data, name.size) != 0)
            continue;
        struct am_view value = {pair.data + name.size + 1, pair.size - name.size - 1}, decoded;
        return value.size <= room && am_api_percent_decode(value, memory, &decoded) ? decoded
                                                                                    : AM_VIEW("");
    }
    return AM_VIEW("");
}

static struct am_view parameter_of(const struct am_api_exchange *exchange, struct am_view name) {
    char *memory = exchange->api->placements.url_memory;
    am_poison_clear(memory, AM_PLACEMENT_URL_BYTES);
    return parameter(exchange->request->query, name, memory, AM_PLACEMENT_URL_BYTES);
}

static struct am_event_headers headers_of(const struct am_api_exchange *exchange) {
    return (struct am_event_headers){
        .agent = am_api_exchange_header(exchange, "User-Agent"),
        .sec_purpose = am_api_exchange_header(exchange, "Sec-Purpose"),
        .purpose = am_api_exchange_header(exchange, "Purpose"),
        .x_moz = am_api_exchange_header(exchange, "X-Moz"),
        .x_purpose = am_api_exchange_header(exchange, "X-Purpose"),
        .head = am_api_exchange_is(exchange, "HEAD"),
        .ignored = exchange->request->ignored,
    };
}

/* An ad of the image whose names were not noted. Reads every key: seldom, after a disk was full. */
static bool
resolve(const void *context, uint64_t ad, uint32_t keyword, struct am_event_ad_names *names) {
    const struct am_image *image = context;
    uint32_t at = 0, count = image->settings->ad_count;
    (void)keyword; /* an image finds ads by keywords, not keywords by ads */
    while (at < count && am_image_key_of_ad(image, at) != ad)
        at++;
    if (at == count)
        return false;
    const struct am_image_ad *record = &image->ads[at];
    *names = (struct am_event_ad_names){
        .ad = am_image_string(image, image->details[at].id),
        .campaign = record->campaign == AM_NONE
                        ? AM_VIEW("")
                        : am_image_string(image, image->campaigns[record->campaign].id),
        .advertiser = am_image_string(image, image->terms[record->advertiser].text),
        .match = AM_MATCH_ANY,
    };
    return true;
}

/* ---- handling ---------------------------------------------------------------------------------
 */

static bool is_ready(struct am_api_exchange *exchange) {
    if (exchange->api->placements.worker)
        return true;
    am_api_exchange_error(exchange, 503, "the ledger is not ready");
    return false;
}

static struct am_event_answer handle(struct am_api_exchange *exchange,
                                     struct am_event_request *request) {
    const struct am_image *image = am_api_image(exchange->api);
    struct am_event_answer answer;
    request->token = exchange->token;
    request->headers = headers_of(exchange);
    request->client = am_api_exchange_client(exchange);
    if (image) {
        request->generation = image->header->checksum;
        request->resolve = resolve;
        request->context = image;
    }
    am_event_handle(exchange->api->placements.worker, request, &answer);
    exchange->response->has_event = true;
    exchange->response->event = request->kind;
    exchange->response->outcome = answer.outcome;
    return answer;
}

/* The same for what counts and for what does not: who fires it learns nothing. */
static void answer_alike(struct am_api_exchange *exchange) {
    if (am_api_exchange_is(exchange, "POST")) {
        exchange->response->status = 204;
        return;
    }
    exchange->response->status = 200;
    exchange->response->type = "image/gif";
    exchange->response->body = (struct am_view){gif, sizeof gif};
}

void am_api_answer_impression(struct am_api_exchange *exchange) {
    struct am_event_request request = {.kind = AM_JOURNAL_IMPRESSION};
    if (!is_ready(exchange))
        return;
    handle(exchange, &request);
    answer_alike(exchange);
}

void am_api_answer_view(struct am_api_exchange *exchange) {
    struct am_event_request request = {.kind = AM_JOURNAL_VIEW};
    if (!is_ready(exchange))
        return;
    handle(exchange, &request);
    answer_alike(exchange);
}

/* A name that the operator has not listed is a mistake in a page, which should show. */
void am_api_answer_event(struct am_api_exchange *exchange) {
    const struct am_api_counting *counting = exchange->api->placements.counting;
    struct am_event_request request = {.kind = AM_JOURNAL_EVENT};
    if (!is_ready(exchange))
        return;
    struct am_view name = parameter_of(exchange, AM_VIEW("e"));
    for (uint32_t i = 0; i < counting->event_count; i++)
        if (am_view_equal(name, counting->events[i]))
            request.name = counting->events[i];
    if (!request.name.size) {
        am_api_exchange_error(exchange, 400, "e: expected one of the names in admatch-events");
        return;
    }
    handle(exchange, &request);
    answer_alike(exchange);
}

static bool has_control_bytes(struct am_view text) {
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7F)
            return true;
    return false;
}

/* The landing page as the header's value, behind everything else in the same memory. */
static const char *location_of(const struct am_api_exchange *exchange,
                               struct am_view url,
                               const struct am_event_answer *answer) {
    char *memory = exchange->api->placements.url_memory + AM_PLACEMENT_URL_BYTES;
    size_t room = AM_PLACEMENT_MEMORY - AM_PLACEMENT_URL_BYTES;
    struct am_view click_id = {answer->click, answer->has_click ? sizeof answer->click : 0};
    am_poison_clear(memory, room);
    struct am_buffer location = am_buffer_over(memory, room);
    am_api_placements_fill_click_id(&location, url, click_id);
    am_buffer_append(&location, "", 1);
    return location.overflowed ? NULL : memory;
}

/* The signature covers the landing page, so no page but one that an answer named is redirected to;
 * and its bytes are looked at again, since they become a header. */
void am_api_answer_click(struct am_api_exchange *exchange) {
    struct am_event_request request = {.kind = AM_JOURNAL_CLICK};
    if (!is_ready(exchange))
        return;
    request.url = parameter_of(exchange, AM_VIEW("u"));
    struct am_event_answer answer = handle(exchange, &request);
    const char *location = answer.redirect && !has_control_bytes(request.url)
                               ? location_of(exchange, request.url, &answer)
                               : NULL;
    if (!location) {
        am_api_exchange_error(exchange, 410, "this link is not one of this server");
        return;
    }
    exchange->response->status = 302;
    am_api_exchange_add(exchange, "Location", location);
}

void am_api_answer_conversion(struct am_api_exchange *exchange) {
    struct am_event_request request = {.kind = AM_JOURNAL_CONVERSION};
    if (!is_ready(exchange))
        return;
    struct am_view value = parameter_of(exchange, AM_VIEW("value"));
    request.has_value = value.size > 0;
    if (request.has_value && !am_event_value_parse(value, &request.value)) {
        am_api_exchange_error(exchange, 400, "value: expected a decimal with at most 9 decimals");
        return;
    }
    handle(exchange, &request);
    exchange->response->status = 204;
}
