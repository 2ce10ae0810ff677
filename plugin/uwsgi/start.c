/* SPDX-License-Identifier: Apache-2.0 */
#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
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

/* In the child: sends home what a start has found out. */
static void publish(struct am_publisher *publisher, int home) {
    struct am_publisher_verdict verdict;
    am_uwsgi_drop_privileges();
    am_uwsgi_end_with_master();
    bool published = am_publisher_start(publisher);
    if (publisher->account)
        am_account_leave(publisher->account);
    if (!published)
        _exit(1);
    am_publisher_give(publisher, &verdict);
    ssize_t size = write(home, &verdict, sizeof verdict);
    if (size == (ssize_t)sizeof verdict)
        _exit(0);
    am_publish_log(&am_uwsgi_log, "cannot start: cannot write to the master: %s",
                   size < 0 ? strerrordesc_np(errno) : "cut short");
    _exit(1);
}

/* The child may have a tenant's rights, and the master root's: nothing but numbers is taken. */
static bool receive(struct am_publisher *publisher, int from) {
    struct am_publisher_verdict verdict;
    ssize_t size;
    _Static_assert(sizeof verdict <= 512, "a pipe takes and gives it whole (POSIX's PIPE_BUF)");
    do
        size = read(from, &verdict, sizeof verdict);
    while (size < 0 && errno == EINTR);
    if (size < 0)
        am_publish_log(&am_uwsgi_log, "cannot start: cannot read what was published: %s",
                       strerrordesc_np(errno));
    if (size != (ssize_t)sizeof verdict)
        return false; /* nothing: the child has logged why */
    am_publisher_take(publisher, &verdict);
    return true;
}

/* uWSGI ignores these until its master's loop runs. But blocked ones wait, also when ignored. */
static int watch_signals(sigset_t *before) {
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGQUIT);
    sigprocmask(SIG_BLOCK, &ending, before);
    return signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Whether a signal asks the master to end before there is something to read. */
static bool is_to_end(int from, int signals) {
    struct pollfd waited[2] = {{from, POLLIN, 0}, {signals, POLLIN, 0}};
    while (poll(waited, signals < 0 ? 1 : 2, -1) < 0 && errno == EINTR)
        ;
    return !waited[0].revents && waited[1].revents;
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

static void end(pid_t child) {
    am_publish_log(&am_uwsgi_log, "asked to end before the inventory was read");
    kill(child, SIGKILL);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    exit(0);
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
    sigset_t before;
    int signals = watch_signals(&before);
    if (is_to_end(ends[0], signals))
        end(child);
    if (signals >= 0)
        close(signals);
    sigprocmask(SIG_SETMASK, &before, NULL);
    bool published = receive(publisher, ends[0]);
    close(ends[0]);
    log_end(child);
    if (!published)
        exit(1);
}
