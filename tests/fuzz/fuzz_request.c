/* SPDX-License-Identifier: Apache-2.0 */
/* Request bodies: JSON, plain text, HTML, in both charsets, and all as gzip. The first byte of the
 * input chooses. */
#include "api_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    static const char *const types[] = {"application/json", "text/plain", "text/html",
                                        "text/plain; charset=windows-1252",
                                        "text/html; charset=iso-8859-1"};
    const struct fuzz_headers headers = {
        .type = types[data[0] & 16  ? 3 + (data[0] >> 3 & 1)
                      : data[0] & 8 ? 2
                                    : data[0] & 1],
        .gzip = data[0] & 2,
    };
    const struct am_view body = {(const char *)data + 1, size - 1};
    const struct am_api_http_request request = fuzz_post("/v1/decide", &headers, body);
    fuzz_decide(&request, data[0] & 4);
    return 0;
}
