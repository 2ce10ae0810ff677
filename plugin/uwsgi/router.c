/* SPDX-License-Identifier: Apache-2.0 */
#include "router.h"

#include "../base/bytes.h"
#include "host.h"

#ifdef UWSGI_ROUTING

static const struct uwsgi_plugin *target;

/* A prefix ends where a part of the path does: /ads is no prefix of /adsense. What matches a
 * route's expression, but is not below the prefix, goes on to the next route. The path is moved,
 * not changed: the variable PATH_INFO stays whole for the log. */
static int take(struct wsgi_request *request, struct uwsgi_route *route) {
    const struct am_view prefix = {route->data, route->data_len};
    const struct am_view path = {request->path_info, request->path_info_len};
    if (path.size < prefix.size ||
        (prefix.size && memcmp(path.data, prefix.data, prefix.size) != 0) ||
        (path.size > prefix.size && path.data[prefix.size] != '/'))
        return UWSGI_ROUTE_NEXT;
    request->path_info += prefix.size;
    request->path_info_len = (uint16_t)(request->path_info_len - prefix.size);
    request->uh->modifier1 = target->modifier1;
    request->uh->modifier2 = 0;
    return UWSGI_ROUTE_CONTINUE;
}

static int parse(struct uwsgi_route *route, char *prefix) {
    route->func = take;
    route->data = prefix;
    route->data_len = strlen(prefix);
    while (route->data_len && prefix[route->data_len - 1] == '/')
        route->data_len--;
    return 0;
}

void am_uwsgi_router_register(const struct uwsgi_plugin *plugin) {
    static char name[] = "admatch";
    target = plugin;
    uwsgi_register_router(name, parse);
}

#else

void am_uwsgi_router_register(const struct uwsgi_plugin *plugin) {
    (void)plugin;
}

#endif
