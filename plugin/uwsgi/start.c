/* SPDX-License-Identifier: Apache-2.0 */
#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "log.h"
#include "parent.h"

/* Like workers, also runs the hooks for root and user, and enters the jail. */
void am_uwsgi_drop_privileges(void) {
    if (uwsgi.master_as_root)
        uwsgi_as_root();
}

/* Writes the publisher back to the parent, in which its pointers mean the same. */
static void publish(struct am_publisher *publisher, int home) {
    am_uwsgi_drop_privileges();
    am_uwsgi_end_with_master();
    bool published = am_publisher_start(publisher);
    if (publisher->account)
        am_account_leave(publisher->account);
    if (!published)
        _exit(1);
    ssize_t size = write(home, publisher, sizeof *publisher);
    if (size == (ssize_t)sizeof *publisher)
        _exit(0);
    am_publish_log(&am_uwsgi_log, "cannot start: cannot write to the master: %s",
                   size < 0 ? strerrordesc_np(errno) : "cut short");
    _exit(1);
}

static bool receive(struct am_publisher *publisher, int from) {
    struct am_publisher received;
    ssize_t size;
    _Static_assert(sizeof received <= 512, "a pipe takes and gives it whole (POSIX's PIPE_BUF)");
    do
        size = read(from, &received, sizeof received);
    while (size < 0 && errno == EINTR);
    if (size < 0)
        am_publish_log(&am_uwsgi_log, "cannot start: cannot read what was published: %s",
                       strerrordesc_np(errno));
    if (size != (ssize_t)sizeof received)
        return false; /* nothing: the child has logged why */
    *publisher = received;
    return true;
}

/* Logs the signal if the child was killed. */
static void log_end(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status))
        am_publish_log(&am_uwsgi_log, "the process that reads the inventory was ended by signal %d",
                       WTERMSIG(status));
}

void am_uwsgi_start(struct am_publisher *publisher) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        am_uwsgi_log_and_exit("cannot start: no pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child < 0)
        am_uwsgi_log_and_exit("cannot start: no process to read the inventory: %s",
                              strerror(errno));
    if (child == 0) {
        close(ends[0]);
        publish(publisher, ends[1]);
    }
    close(ends[1]);
    bool published = receive(publisher, ends[0]);
    close(ends[0]);
    log_end(child);
    if (!published)
        exit(1);
}
