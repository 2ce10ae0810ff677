/* SPDX-License-Identifier: Apache-2.0 */
/* The action of routes: `route = ^/ads admatch:/ads` hands a request to admatch, without the
 * prefix.
 */
/* Runs in: the master, while it loads the plugin (register); the worker's thread that serves the
 * request (the action). */
#ifndef AM_UWSGI_ROUTER_H
#define AM_UWSGI_ROUTER_H

struct uwsgi_plugin;

/* `plugin` gets the requests, by the modifier that it has then. In on_load. Nothing where uWSGI was
 * built without routing. */
void am_uwsgi_router_register(const struct uwsgi_plugin *plugin);

#endif
