/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever an image holds, the deep check takes time in proportion to its size. */
#include <time.h>

#include "faults.h"

#include "../images/hostile.h"

static double processor_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A check that is linear, at less than a second for 100 MB, takes a fiftieth of a second for two;
 * sanitizers and busy machines make it some times as much. One that is not takes seconds. */
static void is_judged_in_linear_time(void **state) {
    enum { SIZE = 2000000 };
    const double most = 0.5;
    const struct hostile *hostile = *state;
    struct am_image_bytes bytes = hostile->make(SIZE);
    double began = processor_seconds();
    const char *message = verdict(&bytes);
    double seconds = (processor_seconds() - began) * SIZE / (double)bytes.size;
    am_image_bytes_free(&bytes);
    if (hostile->reason[0] ? !strstr(message, hostile->reason) : message[0] != '\0')
        fail_msg("\"%s\", expected \"%s\"", message, hostile->reason);
    if (seconds > most)
        fail_msg("%.3f seconds for two megabytes", seconds);
}

int main(void) {
    struct CMUnitTest tests[AM_COUNT_OF(hostile_images)];
    for (size_t i = 0; i < AM_COUNT_OF(hostile_images); i++)
        tests[i] = (struct CMUnitTest){.name = hostile_images[i].name,
                                       .test_func = is_judged_in_linear_time,
                                       .initial_state = (void *)(uintptr_t)&hostile_images[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
