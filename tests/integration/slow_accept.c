/* SPDX-License-Identifier: Apache-2.0 */
/* Loaded before uWSGI (LD_PRELOAD): accept4 returns half a second after the kernel has given it a
 * connection, so that a test can do something in between. */
#include <dlfcn.h>
#include <errno.h>
#include <sys/socket.h>
#include <time.h>

typedef int accept4_function(int, struct sockaddr *, socklen_t *, int);

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags) {
    accept4_function *real = (accept4_function *)dlsym(RTLD_NEXT, "accept4");
    struct timespec pause = {0, 500000000};
    int accepted = real(fd, address, size, flags);
    int saved = errno;
    while (accepted >= 0 && nanosleep(&pause, &pause) != 0 && errno == EINTR)
        ;
    errno = saved;
    return accepted;
}
