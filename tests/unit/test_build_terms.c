/* SPDX-License-Identifier: Apache-2.0 */
/* Labels and categories of ads and their campaigns in an image. */
#include <time.h>

#include "engine.h"

static struct am_image *open_image(const struct am_image_bytes *bytes) {
    struct am_error error = {0};
    struct am_image *image = NULL;
    if (am_image_open_memory(bytes->data, bytes->size, "test", &image, &error) != AM_OK ||
        am_image_verify(image, &error) != AM_OK)
        fail_msg("%s", error.message);
    return image;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The texts of a list's terms, in alphabetical order. */
static void
assert_terms(const struct am_image *image, am_image_list_ref ref, const char *expected) {
    struct am_image_list list = am_image_list_at(image, ref);
    char texts[16][32], all[256] = "";
    const char *names[16];
    assert_true(list.count <= AM_COUNT_OF(names));
    for (uint32_t i = 0; i < list.count; i++) {
        struct am_view text = am_image_string(image, image->terms[list.items[i]].text);
        snprintf(texts[i], sizeof texts[i], "%.*s", AM_VIEW_ARGUMENTS(text));
        names[i] = texts[i];
        if (i)
            assert_true(list.items[i - 1] < list.items[i]);
    }
    qsort(names, list.count, sizeof *names, by_name);
    for (uint32_t i = 0; i < list.count; i++)
        strcat(strcat(all, all[0] ? " " : ""), names[i]);
    assert_string_equal(all, expected);
}

static void ads_have_their_own_terms_and_their_campaigns(void **state) {
    (void)state;
    struct am_image_bytes bytes = engine_build(
        "{\"type\":\"campaign\",\"id\":\"c\",\"advertiser\":\"a\",\"labels\":[\"z\",\"m\"],"
        "\"categories\":[\"B-2\",\"A\"]}\n"
        "{\"id\":\"0\",\"campaign\":\"c\",\"bid\":1,\"keywords\":[\"x\"],\"labels\":[\"n\",\"z\"],"
        "\"exclude_labels\":[\"e\"],\"categories\":[\"B-1-1\",\"A\"]}\n"
        "{\"id\":\"1\",\"campaign\":\"c\",\"bid\":1,\"keywords\":[\"x\"]}\n"
        "{\"id\":\"2\",\"campaign\":\"c\",\"bid\":1,\"keywords\":[\"x\"],\"labels\":[\"m\"]}\n"
        "{\"id\":\"3\",\"advertiser\":\"b\",\"bid\":1,\"keywords\":[\"x\"],\"labels\":[\"m\"]}\n");
    struct am_image *image = open_image(&bytes);
    const struct am_image_ad *ads = image->ads;
    assert_terms(image, ads[0].labels, "m n z");
    assert_terms(image, ads[0].exclude_labels, "e");
    assert_terms(image, ads[0].categories, "A B B-1 B-1-1 B-2");
    assert_terms(image, image->details[0].categories, "A B-1-1 B-2");
    assert_terms(image, ads[1].labels, "m z");
    assert_terms(image, ads[1].exclude_labels, "");
    assert_terms(image, ads[1].categories, "A B B-2");
    assert_terms(image, image->details[1].categories, "A B-2");
    assert_int_equal(ads[2].labels, ads[1].labels);
    assert_terms(image, ads[3].labels, "m");
    am_image_close(image);
    am_image_bytes_free(&bytes);
}

enum { ADS = 3000 };

/* A campaign with as many categories, of as many parts, as are allowed or with one, and ads that
 * each add another. */
static char *campaign_of(uint32_t categories, uint32_t parts) {
    char *lines = malloc((size_t)ADS * 96 + (size_t)categories * (2 * parts + 16) + 256);
    assert_non_null(lines);
    char *at = lines;
    at += sprintf(at, "{\"type\":\"campaign\",\"id\":\"c\",\"advertiser\":\"a\",\"categories\":[");
    for (uint32_t i = 0; i < categories; i++) {
        at += sprintf(at, "%s\"%u", i ? "," : "", i);
        for (uint32_t part = 1; part < parts; part++)
            at += sprintf(at, "-x");
        at += sprintf(at, "\"");
    }
    at += sprintf(at, "]}\n");
    for (uint32_t i = 0; i < ADS; i++)
        at += sprintf(at,
                      "{\"id\":\"%u\",\"campaign\":\"c\",\"bid\":1,\"keywords\":[\"x\"],"
                      "\"categories\":[\"y%u\"]}\n",
                      i, i);
    return lines;
}

static double seconds_to_build(uint32_t categories, uint32_t parts) {
    char *lines = campaign_of(categories, parts);
    struct timespec began, ended;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &began);
    struct am_image_bytes bytes = engine_build(lines);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ended);
    am_image_bytes_free(&bytes);
    free(lines);
    return (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9;
}

/* As much work as to write the lists down, not as to make them anew for each ad. */
static void a_campaigns_terms_are_made_once(void **state) {
    (void)state;
    double longest = 0.1 + 10 * seconds_to_build(1, 1);
    double seconds = seconds_to_build(AM_LABELS_MAX, AM_NAME_MAX_PARTS);
    if (seconds > longest)
        fail_msg("%.3f seconds, expected at most %.3f", seconds, longest);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ads_have_their_own_terms_and_their_campaigns),
        cmocka_unit_test(a_campaigns_terms_are_made_once),
    };
    return cmocka_run_group_tests_name("build_terms", tests, NULL, NULL);
}
