/* SPDX-License-Identifier: Apache-2.0 */
/* The first generation, before there are workers. */
/* Runs in: the master, which forks a child and waits for it (start); the main thread of a child of
 * the master (drop_privileges). */
#ifndef AM_UWSGI_START_H
#define AM_UWSGI_START_H

#include "../publish/publisher.h"

/* Publishes as am_publisher_start does, in a child with the rights of the workers, and stores the
 * result in `publisher`. So under master-as-root, write access to the inventory, to a folder above
 * it or to the state folder gives nobody root's rights, and a fault in the readers does not run as
 * root. Ends the process with status 1 when there is nothing to serve; the reason has been logged.
 * In the master, after uWSGI has set its pid and before the first fork. */
void am_uwsgi_start(struct am_publisher *publisher);

/* In a process that the master has forked: drops the rights that workers do not have. uWSGI does so
 * for workers and gateways, but not for mules. */
void am_uwsgi_drop_privileges(void);

#endif
