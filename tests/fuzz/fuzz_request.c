/* SPDX-License-Identifier: Apache-2.0 */
/* Request bodies: JSON, plain text, HTML, in both charsets, and all as gzip. The first byte of the
 * input chooses. */
#include "api_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    const struct am_api_request request = {
        .content = data[0] & 8   ? AM_CONTENT_HTML
                   : data[0] & 1 ? AM_CONTENT_TEXT
                                 : AM_CONTENT_JSON,
        .charset = data[0] & 16 ? AM_CHARSET_WINDOWS_1252 : AM_CHARSET_UTF8,
        .gzip = data[0] & 2,
        .body = {(const char *)data + 1, size - 1},
        .now = 1792497600,
        .test = data[0] & 4,
    };
    fuzz_decide(&request);
    return 0;
}
