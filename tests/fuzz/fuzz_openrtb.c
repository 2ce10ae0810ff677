/* SPDX-License-Identifier: Apache-2.0 */
/* Bid requests: plain and as gzip. The first byte of the input chooses. */
#include "api_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NODES = 1 << 18 };

/* The bids that a bid response holds, each for an impression of the request, at its floor or above.
 */
static uint32_t count_bids(const struct am_json *json, const struct am_match_request *request) {
    const struct am_json_node *seats = am_json_member(json, json->nodes, "seatbid");
    uint32_t count = 0;
    fuzz_require(seats && seats->type == AM_JSON_ARRAY);
    const struct am_json_node *seat = am_json_first(seats);
    for (uint32_t i = 0; i < seats->children; i++, seat = am_json_after(json, seat)) {
        const struct am_json_node *bids = am_json_member(json, seat, "bid");
        fuzz_require(bids && bids->children && am_json_member(json, seat, "seat"));
        const struct am_json_node *bid = am_json_first(bids);
        for (uint32_t k = 0; k < bids->children; k++, bid = am_json_after(json, bid))
            fuzz_require(am_json_member(json, bid, "impid") && am_json_member(json, bid, "price"));
        count += bids->children;
    }
    fuzz_require(count <= (request ? request->slot_count : 0));
    return count;
}

static void check_answer(const struct am_json *json, const struct am_api_http_response *response) {
    const struct am_json_node *root = json->nodes;
    if (response->status != 200) {
        fuzz_require(am_json_member(json, root, "error") && !response->decision);
        return;
    }
    uint32_t bids = count_bids(json, response->request);
    fuzz_require(am_json_member(json, root, "id"));
    fuzz_require((bids == 0) == (am_json_member(json, root, "nbr") != NULL));
    fuzz_require((bids != 0) == (am_json_member(json, root, "bidid") != NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct am_json_node nodes[NODES];
    struct am_json json;
    if (size == 0)
        return 0;
    const struct fuzz_headers headers = {.type = "application/json", .gzip = data[0] & 2};
    const struct am_view body = {(const char *)data + 1, size - 1};
    const struct am_api_http_request request = fuzz_post("/openrtb2/bid", &headers, body);
    struct am_api_http_response response = fuzz_answer(&request, false);
    fuzz_require(response.endpoint == AM_ENDPOINT_OPENRTB);
    if (response.status == 204)
        return 0;
    fuzz_require(response.status == 200 || response.status == 400 || response.status == 413);
    fuzz_require(am_json_parse(response.body, nodes, NODES, &json, NULL) == AM_OK);
    fuzz_require(!am_json_duplicate_key(&json));
    check_answer(&json, &response);
    am_api_http_response_free(&response);
    return 0;
}
