/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as query strings. */
#include "api_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct am_api_request request = {
        .content = AM_CONTENT_QUERY_STRING,
        .body = {(const char *)data, size},
        .now = 1792497600,
        .test = true,
    };
    fuzz_decide(&request);
    return 0;
}
