/* SPDX-License-Identifier: Apache-2.0 */
#include "file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "clock.h"

enum { POLL_NANOSECONDS = 5000000 };

/* flock itself has no deadline but a signal, which would be the whole process's. */
bool am_file_lock_until(int fd, int64_t end) {
    const struct timespec pause = {0, POLL_NANOSECONDS};
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EINTR &&
            (errno != EWOULDBLOCK || am_clock_milliseconds(CLOCK_MONOTONIC) >= end))
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

int am_file_lock(const char *path, unsigned milliseconds) {
    int64_t end = am_clock_milliseconds(CLOCK_MONOTONIC) + (int64_t)milliseconds;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || am_file_lock_until(fd, end))
        return fd;
    int status = errno == EWOULDBLOCK ? ETIMEDOUT : errno;
    close(fd);
    errno = status;
    return -1;
}
