/* SPDX-License-Identifier: Apache-2.0 */
#include "watcher.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../client/geo.h"
#include "../publish/priority.h"
#include "host.h"
#include "log.h"
#include "parent.h"

#include "start.h"

enum {
    SAVE_SECONDS = 45, /* less than uWSGI's mule-reload-mercy */
    FIFO_COMMAND = 'a',
    SOON_MILLISECONDS = 100,
};

static char mule_name[] = "admatch";
static int mule_index; /* into uwsgi.mules */

/* Runs in the master. A mule that is building finds the message when it is done. */
static void ask(int unused) {
    (void)unused;
    char message[] = "check";
    mule_send_msg(uwsgi.mules[mule_index].queue_pipe[0], message, sizeof message - 1);
}

void am_uwsgi_watcher_add(void) {
    mule_index = uwsgi.mules_cnt;
    uwsgi_opt_add_mule("mule", mule_name, NULL);
    if (!uwsgi_fifo_table[FIFO_COMMAND])
        uwsgi_fifo_table[FIFO_COMMAND] = ask;
    else
        am_publish_log(
            &am_uwsgi_log,
            "the master FIFO's command %c is taken: ask for a check of the inventory by a "
            "message to mule %d",
            FIFO_COMMAND, mule_index + 1);
}

static struct am_account *tended; /* by this mule; NULL: there is no ledger */

/* uWSGI's own handler runs exit(), which may wait forever for a lock that the interrupted code
 * holds. Where a ledger is to be saved, its threads do it and end the process, also in the middle
 * of a build; the master waits for it, and the alarm ends it where a disk does not answer. */
static void leave(int signal_number) {
    (void)signal_number;
    if (!tended || !am_account_end(tended))
        _exit(0);
    alarm(SAVE_SECONDS);
}

/* The order matters: changing the user clears PDEATHSIG. */
static void set_up(const struct am_server *server) {
    struct am_error error;
    am_uwsgi_drop_privileges();
    am_uwsgi_end_with_master();
    signal(SIGHUP, leave);
    signal(SIGINT, leave);
    signal(SIGTERM, leave);
    signal(SIGALRM, SIG_DFL);
    if (server->account && am_account_tend(server->account, &error) != AM_OK) {
        am_publish_log(&am_uwsgi_log, "the ledger is not tended: %s", error.message);
        _exit(1); /* the master starts another mule */
    }
    tended = server->account;
    am_publish_priority_background();
}

/* uWSGI signals that are meant for all mules come here too, and must not pile up. */
static void take_signal(int fd) {
    uint8_t number;
    if (read(fd, &number, 1) == 1)
        uwsgi_signal_handler(number);
}

/* True when some message asked for a check. */
static bool take_messages(int fd) {
    char message[64];
    bool any = false;
    while (recv(fd, message, sizeof message, MSG_DONTWAIT) > 0)
        any = true;
    return any;
}

/* Waits for the next check; true when it was asked for. */
static bool wait_for_look(int milliseconds) {
    struct pollfd sources[] = {
        {.fd = uwsgi.mules[mule_index].queue_pipe[1], .events = POLLIN},
        {.fd = uwsgi.my_signal_socket, .events = POLLIN},
    };
    int ready = poll(sources, AM_COUNT_OF(sources), milliseconds);
    if (ready < 0 && errno != EINTR) /* out of memory: wait all the same */
        usleep((useconds_t)milliseconds * 1000);
    if (ready > 0 && (sources[0].revents | sources[1].revents) & (POLLHUP | POLLERR | POLLNVAL))
        _exit(0); /* the master is gone; if it is not, it starts another mule */
    if (ready > 0 && sources[1].revents & POLLIN)
        take_signal(sources[1].fd);
    return ready > 0 && sources[0].revents & POLLIN && take_messages(sources[0].fd);
}

/* Waits until the inventory is due for a check; true when somebody asked for it. `soon`: it is
 * being written. `refresh` in milliseconds; 0: checks are never due by time. */
static bool wait_for_reason(struct am_publisher *publisher, int64_t refresh, bool soon) {
    const int64_t next = am_clock_milliseconds(CLOCK_MONOTONIC) + refresh;
    for (;;) {
        int64_t left = next - am_clock_milliseconds(CLOCK_MONOTONIC);
        int64_t wait = soon ? SOON_MILLISECONDS : am_publisher_tend_after(publisher);
        if (refresh && left <= 0)
            return false;
        if (wait_for_look((int)(refresh && left < wait ? left : wait)))
            return true;
        am_publisher_warn(publisher);
        if (am_publisher_tend(publisher) || soon)
            return false;
    }
}

/* A file that cannot be used is reported once, until something else is wrong with it. */
static void check_places(const struct am_server *server) {
    static char reported[AM_ERROR_MESSAGE_SIZE];
    const struct am_api_deriving *deriving = server->http.deriving;
    struct am_error error = {.message = ""};
    bool changed = false;
    if (!deriving || !deriving->geo)
        return;
    if (am_client_geo_check((struct am_client_geo *)(uintptr_t)deriving->geo, &changed, &error) ==
        AM_OK)
        error.message[0] = '\0';
    if (changed)
        am_publish_log(&am_uwsgi_log, "addresses: %s is in use", deriving->geo->path);
    if (error.message[0] && strcmp(error.message, reported) != 0)
        am_publish_log(&am_uwsgi_log, "addresses: the last good file stays in use: %s",
                       error.message);
    memcpy(reported, error.message, sizeof reported);
}

/* With `refresh` 0 the mule still checks once when it starts: the inventory may have changed while
 * there was no mule. */
bool am_uwsgi_watcher_run(const char *patch, struct am_server *server, uint64_t refresh) {
    struct am_publisher *publisher = &server->publisher;
    if (strcmp(patch, mule_name) != 0 || uwsgi.muleid != mule_index + 1)
        return false;
    set_up(server);
    am_publisher_resume(publisher);
    check_places(server);
    enum am_publisher_outcome outcome = am_publisher_check(publisher, false);
    bool forced = false;
    for (;;) {
        bool soon = outcome == AM_PUBLISHER_SOON;
        bool asked = wait_for_reason(publisher, (int64_t)refresh * 1000, soon);
        forced = asked || (forced && soon);
        outcome = am_publisher_check(publisher, forced);
        check_places(server);
    }
}
