/* SPDX-License-Identifier: Apache-2.0 */
/* Request bodies: JSON, plain text, and both as gzip. The first byte of the input chooses. */
#include "api_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    const struct fuzz_headers headers = {
        .type = data[0] & 1 ? "text/plain" : "application/json",
        .gzip = data[0] & 2,
    };
    const struct am_view body = {(const char *)data + 1, size - 1};
    const struct am_api_http_request request = fuzz_post("/v1/decide", &headers, body);
    fuzz_decide(&request, data[0] & 4);
    return 0;
}
