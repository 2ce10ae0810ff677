/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels.h"

const struct am_search_kernel *am_search_kernel(enum am_search_kernel_name name) {
    switch (name) {
    case AM_SEARCH_PORTABLE:
        return &am_search_portable;
#ifdef __x86_64__
    case AM_SEARCH_AVX512:
        return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("bmi2")
                   ? &am_search_avx512
                   : NULL;
#endif
    default:
        return NULL;
    }
}

const struct am_search_kernel *am_search_kernel_best(void) {
    const struct am_search_kernel *best = NULL;
    for (int name = AM_SEARCH_KERNELS; !best;)
        best = am_search_kernel((enum am_search_kernel_name)-- name);
    return best;
}
