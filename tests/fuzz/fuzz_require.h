/* SPDX-License-Identifier: Apache-2.0 */
/* What a fuzz target takes for a finding. */
#ifndef AM_TESTS_FUZZ_FUZZ_REQUIRE_H
#define AM_TESTS_FUZZ_FUZZ_REQUIRE_H

#include <stdbool.h>
#include <stdlib.h>

static void fuzz_require(bool holds) {
    if (!holds)
        abort();
}

#endif
