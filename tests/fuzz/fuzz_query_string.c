/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as query strings. */
#include "api_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct fuzz_headers headers = {.type = ""};
    const struct am_api_http_request request = {
        .method = AM_VIEW("GET"),
        .path = AM_VIEW("/v1/decide"),
        .query = {(const char *)data, size},
        .now = fuzz_now,
        .header = fuzz_header,
        .header_context = &headers,
    };
    fuzz_decide(&request, true);
    return 0;
}
