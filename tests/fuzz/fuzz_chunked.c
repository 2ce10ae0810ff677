/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a chunked body, in pieces: what the decoder makes of them is what the grammar does.
 */
#include "chunked_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte is the size of the pieces, the second a sixteenth of the limit. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { LONGEST = AM_API_CHUNKED_LINE };
    if (size < 2 || size > LONGEST)
        return 0;
    chunked_model_check((struct am_view){(const char *)data + 2, size - 2}, (size_t)data[1] * 16,
                        (size_t)data[0] + 1);
    return 0;
}
