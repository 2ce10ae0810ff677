/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds the ledger: the lock of a file, which ends with its process. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "live.h"

int am_ledger_take_lock(const struct am_ledger *ledger) {
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/lock", ledger->folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

bool am_ledger_hold(struct am_ledger *ledger) {
    if (!*ledger->folder || ledger->lock_fd >= 0)
        return true;
    ledger->lock_fd = am_ledger_take_lock(ledger);
    return ledger->lock_fd >= 0;
}

void am_ledger_unhold(struct am_ledger *ledger) {
    if (ledger->lock_fd >= 0)
        close(ledger->lock_fd);
    ledger->lock_fd = -1;
}
