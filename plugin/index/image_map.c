/* SPDX-License-Identifier: Apache-2.0 */
#include "image_map.h"

#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../base/large.h"

#ifndef MADV_COLLAPSE /* Linux 6.1, glibc 2.37 */
#define MADV_COLLAPSE 25
#endif

/* Reserves the space and a huge page more, and maps the file at the first huge page in it. */
static void *map_at_huge_page(int fd, size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), space = size + AM_HUGE_PAGE;
    char *from = mmap(NULL, space, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (from == MAP_FAILED)
        return MAP_FAILED;
    size_t before = (AM_HUGE_PAGE - (uintptr_t)from % AM_HUGE_PAGE) % AM_HUGE_PAGE;
    size_t end = before + (size + page - 1) / page * page;
    void *data = mmap(from + before, size, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
    if (data == MAP_FAILED) {
        int saved = errno;
        munmap(from, space);
        errno = saved;
        return MAP_FAILED;
    }
    if (before)
        munmap(from, before);
    if (end < space)
        munmap(from + end, space - end);
    return data;
}

void *am_image_map(int fd, size_t size) {
    if (size < AM_HUGE_PAGE || size > SIZE_MAX - AM_HUGE_PAGE)
        return mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    return map_at_huge_page(fd, size);
}

int am_image_collapse(const struct am_image *image, size_t *collapsed) {
    size_t whole = image->size - image->size % AM_HUGE_PAGE;
    char *data = (char *)(uintptr_t)image->data;
    int refused = 0;
    *collapsed = 0;
    if (!image->mapped)
        return 0;
    for (size_t at = 0; at < whole && (!refused || refused == EAGAIN); at += AM_HUGE_PAGE) {
        if (madvise(data + at, AM_HUGE_PAGE, MADV_COLLAPSE) == 0)
            *collapsed += AM_HUGE_PAGE;
        else
            refused = errno;
        sched_yield();
    }
    return refused;
}
