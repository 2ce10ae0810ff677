/* SPDX-License-Identifier: Apache-2.0 */
/* Images in huge pages. */
#include "engine.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../plugin/base/large.h"
#include "../../plugin/index/image_map.h"
#include "../../plugin/index/verify.h"

enum { MANY = 3000, FILLER = 2000 };

/* An inventory of that many ads, whose creatives make up most of the image. */
static char *inventory_of(unsigned ads) {
    size_t room = (size_t)ads * (FILLER + 128) + 1, size = 0;
    char *lines = malloc(room);
    assert_non_null(lines);
    lines[0] = '\0';
    for (unsigned ad = 0; ad < ads; ad++)
        size += (size_t)snprintf(lines + size, room - size,
                                 "{\"id\":\"a%u\",\"advertiser\":\"x\",\"bid\":1,"
                                 "\"keywords\":[\"shoes\"],\"creative\":{\"n\":\"%0*u\"}}\n",
                                 ad, FILLER, ad);
    return lines;
}

/* Of a file on a tmpfs. */
static struct am_image *open_of(unsigned ads) {
    char *lines = inventory_of(ads);
    struct am_image_bytes bytes = engine_build(lines);
    struct am_image *image = NULL;
    int fd = memfd_create("image", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.data, bytes.size), bytes.size);
    assert_int_equal(am_image_open_fd(fd, "image", false, &image, NULL), AM_OK);
    close(fd);
    am_image_bytes_free(&bytes);
    free(lines);
    return image;
}

/* KiB of this process that are mapped by huge pages of a tmpfs. */
static unsigned long mapped_huge(void) {
    unsigned long sum = 0, value;
    char line[256];
    FILE *maps = fopen("/proc/self/smaps", "r");
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps))
        if (sscanf(line, "ShmemPmdMapped: %lu kB", &value) == 1)
            sum += value;
    fclose(maps);
    return sum;
}

static void a_large_image_begins_at_a_huge_page(void **state) {
    (void)state;
    struct am_image *image = open_of(MANY);
    assert_true(image->size > 2 * AM_HUGE_PAGE);
    assert_int_equal((uintptr_t)image->data % AM_HUGE_PAGE, 0);
    am_image_close(image);
}

static void a_collapsed_image_is_mapped_by_huge_pages(void **state) {
    (void)state;
    struct am_image *image = open_of(MANY);
    size_t collapsed = 0;
    unsigned long before = mapped_huge();
    int refused = am_image_collapse(image, &collapsed);
    assert_int_equal(am_image_verify(image, NULL), AM_OK);
    if (refused) { /* a kernel before Linux 6.1, or without huge pages */
        assert_true(refused == EINVAL || refused == ENOMEM || refused == EAGAIN);
        am_image_close(image);
        skip();
    }
    assert_int_equal(collapsed, image->size - image->size % AM_HUGE_PAGE);
    assert_int_equal((mapped_huge() - before) * 1024, collapsed);
    am_image_close(image);
    assert_int_equal(mapped_huge(), before);
}

static void a_small_image_stays_as_it_is(void **state) {
    (void)state;
    struct am_image *image = open_of(3);
    size_t collapsed = 1;
    assert_int_equal(am_image_collapse(image, &collapsed), 0);
    assert_int_equal(collapsed, 0);
    am_image_close(image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_image_begins_at_a_huge_page),
        cmocka_unit_test(a_collapsed_image_is_mapped_by_huge_pages),
        cmocka_unit_test(a_small_image_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
