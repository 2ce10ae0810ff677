/* SPDX-License-Identifier: Apache-2.0 */
/* Calls from apps in the same instance, by uWSGI's RPC: admatch.decide, admatch.openrtb and
 * admatch.event. docs/HTTP.md, "From an app in the same instance". */
/* Runs in: the master before its first fork (start, register); any thread of a worker, those that
 * an app has made included (the functions that are registered, and call). */
#ifndef AM_UWSGI_RPC_H
#define AM_UWSGI_RPC_H

#include "../publish/server.h"
#include "host.h"

/* Memory for so many callers at a time in each worker, whose metrics are those of the cores from
 * `first_core` on. In post_init. */
enum am_code am_uwsgi_rpc_start(struct am_server *server,
                                unsigned first_core,
                                unsigned callers,
                                size_t body_limit,
                                struct am_error *error);

/* Registers the functions; in preinit_apps, since uWSGI's table does not exist before. False: uWSGI
 * has no room for them (rpc-max). */
bool am_uwsgi_rpc_register(struct uwsgi_plugin *plugin);

/* The plugin's hook: runs a registered function. */
uint64_t
am_uwsgi_rpc_call(void *function, uint8_t count, char **values, uint16_t *sizes, char **answer);

#endif
