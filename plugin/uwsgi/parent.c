/* SPDX-License-Identifier: Apache-2.0 */
#include "parent.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "host.h"
#include "log.h"

void am_uwsgi_end_with_master(void) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        am_publish_log(&am_uwsgi_log, "process %ld would outlive its master", (long)getpid());
    if (getppid() != uwsgi.workers[0].pid)
        _exit(1);
}
