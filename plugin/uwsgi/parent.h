/* SPDX-License-Identifier: Apache-2.0 */
/* Ends a process with its master. */
/* Runs in: the main thread of a child of the master, once it has changed its user. */
#ifndef AM_UWSGI_PARENT_H
#define AM_UWSGI_PARENT_H

/* Has the kernel kill this process, a child of the master, when the master is gone; ends it at once
 * when it is gone already. uWSGI asks for the same earlier, but a change of user (master-as-root)
 * makes the kernel forget it, and a master that was killed before uWSGI asked leaves a worker that
 * holds the socket forever, so that no new master can bind it. */
void am_uwsgi_end_with_master(void);

#endif
