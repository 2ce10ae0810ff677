/* SPDX-License-Identifier: Apache-2.0 */
/* Loaded before a uWSGI (LD_PRELOAD): makes one allocation fail, in one process, when a test says
 * so.
 *
 * The test shares a file, named by ADMATCH_FAILING, that holds struct order. While `process` is the
 * id of the process that allocates, its allocations are counted; of them `left` succeed, the next
 * one fails, and then all others succeed. This stands in for malloc and its like wherever they are
 * called from: libraries, the C library's own qsort and opendir included. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct order {
    _Atomic int32_t process; /* 0: nobody */
    _Atomic int32_t failed;  /* allocations that were made to fail */
    _Atomic int64_t left;
    _Atomic int64_t counted;
};

static struct order *order;

/* The C library's own, which it exports under these names as well. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

#define REPLACES __attribute__((visibility("default")))

static void *map(void *address, size_t size, int protection, int flags, int fd, off_t offset) {
    return (void *)syscall(SYS_mmap, address, size, protection, flags, fd, offset);
}

__attribute__((constructor)) static void start(void) {
    const char *path = getenv("ADMATCH_FAILING");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *shared = map(NULL, sizeof *order, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (shared != MAP_FAILED)
        order = shared;
}

static bool fails(void) {
    if (!order || order->process != getpid())
        return false;
    order->counted++;
    if (order->left-- != 0)
        return false;
    order->failed++;
    errno = ENOMEM;
    return true;
}

REPLACES void *malloc(size_t size) {
    return fails() ? NULL : __libc_malloc(size);
}

REPLACES void *calloc(size_t count, size_t size) {
    return fails() ? NULL : __libc_calloc(count, size);
}

REPLACES void *realloc(void *memory, size_t size) {
    return fails() ? NULL : __libc_realloc(memory, size);
}

REPLACES void *aligned_alloc(size_t alignment, size_t size) {
    return fails() ? NULL : __libc_memalign(alignment, size);
}

REPLACES int posix_memalign(void **memory, size_t alignment, size_t size) {
    int saved = errno;
    void *taken = aligned_alloc(alignment, size);
    errno = saved;
    if (!taken)
        return ENOMEM;
    *memory = taken;
    return 0;
}

REPLACES void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset) {
    return fails() ? MAP_FAILED : map(address, size, protection, flags, fd, offset);
}
