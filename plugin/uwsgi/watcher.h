/* SPDX-License-Identifier: Apache-2.0 */
/* The mule that watches the inventory, and how to ask for a check at once. */
/* Runs in: the master before its first fork (add); the mule's main thread (run). */
#ifndef AM_UWSGI_WATCHER_H
#define AM_UWSGI_WATCHER_H

#include "../publish/server.h"

/* Adds the mule; in init or post_init. And the master FIFO's command that asks for a check. */
void am_uwsgi_watcher_add(void);

/* Also tends the ledger, where there is one. Runs in every mule that uWSGI starts; `patch` says
 * what for. False: not our mule. Otherwise never returns. */
bool am_uwsgi_watcher_run(const char *patch, struct am_server *server, uint64_t refresh);

#endif
