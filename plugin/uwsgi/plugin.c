/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin: its options, its hooks, and the order in which its parts start. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "accept.h"
#include "body.h"
#include "host.h"
#include "log.h"
#include "loop/loop.h"
#include "metrics.h"
#include "parent.h"
#include "request.h"
#include "router.h"
#include "rpc.h"
#include "settings.h"
#include "sockets.h"
#include "start.h"
#include "watcher.h"

/* Not used by any plugin of uWSGI's own tree. */
enum { MODIFIER = 65 };

static struct am_server *server; /* NULL: idle */

static void on_load(void);
static int init(void);
static void post_init(void);
static void preinit_apps(void);
static void init_apps(void);
static int mount_app(char *mountpoint, char *app);
static void postinit_apps(void);
static void post_fork(void);
static int mule(char *patch);
static void end_of_worker(void);

__attribute__((visibility("default"))) struct uwsgi_plugin admatch_plugin = {
    .name = "admatch",
    .modifier1 = MODIFIER,
    .on_load = on_load,
    .options = am_uwsgi_options,
    .init = init,
    .post_init = post_init,
    .preinit_apps = preinit_apps,
    .init_apps = init_apps,
    .mount_app = mount_app,
    .postinit_apps = postinit_apps,
    .post_fork = post_fork,
    .mule = mule,
    .rpc = am_uwsgi_rpc_call,
    .atexit = end_of_worker,
    .request = am_uwsgi_request_serve,
    .after_request = am_uwsgi_request_finished,
};

/* What modifier 0 gets when it is free: requests only, since uWSGI would run every other hook a
 * second time. */
static struct uwsgi_plugin default_plugin = {
    .name = "admatch (modifier 0)",
    .modifier1 = 0,
    .request = am_uwsgi_request_serve,
    .after_request = am_uwsgi_request_finished,
};

static void on_load(void) {
    am_loop_register();
    am_uwsgi_router_register(&admatch_plugin);
}

/* All request plugins have been loaded by now. */
static int init(void) {
    unsigned own = admatch_plugin.modifier1;
    if (!am_uwsgi_settings.inventory || own == 0)
        return 0;
    if (strcmp(uwsgi.p[0]->name, "unconfigured") == 0)
        uwsgi.p[0] = &default_plugin;
    else
        am_publish_log(&am_uwsgi_log, "modifier 0 belongs to %s: send requests with modifier1 %u",
                       uwsgi.p[0]->name, own);
    return 0;
}

/* As opposed to an unknown user, for which getpwnam(3) allows several values, and with which uWSGI
 * refuses to start. */
static bool is_failure_to_look_up(int error) {
    return error == EIO || error == EINTR || error == EMFILE || error == ENFILE ||
           error == ENOMEM || error == ERANGE;
}

/* The user that workers will run as, also before uWSGI has dropped its privileges, and where the
 * master keeps them: uWSGI looks names up only when it drops privileges. */
static uid_t workers_user(void) {
    errno = 0;
    const struct passwd *named = uwsgi.uidname ? getpwnam(uwsgi.uidname) : NULL;
    if (!named && is_failure_to_look_up(errno))
        am_uwsgi_log_and_exit("cannot start: cannot look up the user %s: %s", uwsgi.uidname,
                              strerrordesc_np(errno));
    uid_t user = named ? named->pw_uid : uwsgi.uid;
    return geteuid() == 0 && user ? user : geteuid();
}

static const char *store_folder(void) {
    static char usual[64];
    if (am_uwsgi_settings.state_dir)
        return am_uwsgi_settings.state_dir;
    snprintf(usual, sizeof usual, "/dev/shm/admatch-%u", (unsigned)workers_user());
    return usual;
}

static struct am_server *make_server(struct am_error *error) {
    const struct am_server_options options = {
        .inventory = am_uwsgi_settings.inventory,
        .store_folder = store_folder(),
        .lenient = am_uwsgi_settings.skip_bad_records,
        .ignores_limits = am_uwsgi_settings.ignores_limits,
        .test = am_uwsgi_settings.test,
        .preview = am_uwsgi_settings.preview,
        .gzip = am_uwsgi_settings.gzip,
        .origins = am_uwsgi_settings.origins,
        .deriving = am_uwsgi_settings_derive(),
        .limits = {am_uwsgi_settings.limit_body, (uint32_t)am_uwsgi_settings.limit_words,
                   am_uwsgi_settings.limit_work, am_uwsgi_settings.limit_memory},
        .workers = (unsigned)uwsgi.numproc,
        .cores = (unsigned)(uwsgi.cores + (int)am_uwsgi_settings.rpc),
        .sink = am_uwsgi_log,
        .account = am_uwsgi_settings.ledger ? &am_uwsgi_settings.account : NULL,
    };
    return am_server_new(&options, error);
}

/* In the master, before anything is forked, in lazy modes too. */
static void post_init(void) {
    struct am_error error = {0};
    unsigned cores = (unsigned)uwsgi.cores;
    if (am_uwsgi_loop_is_chosen())
        am_loop_check();
    if (!am_uwsgi_settings.inventory) {
        am_publish_log(&am_uwsgi_log, "loaded, but idle: admatch-inventory = FILE makes it serve");
        return;
    }
    am_uwsgi_settings_finish();
    am_uwsgi_sockets_find_public();
    server = make_server(&error);
    if (!server || am_uwsgi_requests_start(server, cores, &error) != AM_OK)
        am_uwsgi_log_and_exit("cannot start: %s", error.message);
    if (!am_uwsgi_bodies_start(cores, am_uwsgi_settings.limit_body))
        am_uwsgi_log_and_exit("cannot start: out of memory for %u cores", cores);
    if (am_uwsgi_settings.rpc && am_uwsgi_rpc_start(server, cores, (unsigned)am_uwsgi_settings.rpc,
                                                    am_uwsgi_settings.limit_body, &error) != AM_OK)
        am_uwsgi_log_and_exit("cannot start: %s", error.message);
    if (am_uwsgi_loop_is_chosen())
        am_loop_count_in(server->metrics);
    am_uwsgi_metrics_register(server->metrics);
    am_uwsgi_watcher_add();
}

static void preinit_apps(void) {
    if (server && am_uwsgi_settings.rpc && !am_uwsgi_rpc_register(&admatch_plugin))
        am_uwsgi_log_and_exit("cannot start: uWSGI has no room for admatch's functions: raise "
                              "rpc-max");
}

static bool add_app(char *mountpoint) {
    if (!am_uwsgi_settings.inventory || uwsgi_apps_cnt >= uwsgi.max_apps)
        return false;
    return uwsgi_add_app(uwsgi_apps_cnt, admatch_plugin.modifier1, mountpoint,
                         (int)strlen(mountpoint), NULL, NULL);
}

/* So that need-app knows that there is something to serve. */
static void init_apps(void) {
    static char mountpoint[] = "";
    add_app(mountpoint);
}

/* `mount = /ads=admatch`: with manage-script-name, requests below /ads come without it. */
static int mount_app(char *mountpoint, char *app) {
    return strcmp(app, "admatch") == 0 && add_app(mountpoint) ? 0 : -1;
}

/* In the master, which has dropped its privileges by now, whatever drop-after-init or
 * drop-after-apps say, unless master-as-root keeps them. */
static void postinit_apps(void) {
    struct am_error error;
    if (!server)
        return;
    am_uwsgi_start(&server->publisher);
    if (uwsgi.master_as_root) /* the ledger is for its workers to open, with their rights */
        return;
    if (am_server_open_account(server, &error) != AM_OK)
        am_uwsgi_log_and_exit("cannot start: %s", error.message);
}

/* Runs in mules and spoolers too, which serve nothing. */
static void post_fork(void) {
    if (!server || uwsgi.mywid == 0 || uwsgi.muleid)
        return;
    if (uwsgi.no_orphans)
        am_uwsgi_end_with_master();
    am_uwsgi_requests_forked();
    if (!am_uwsgi_loop_is_chosen())
        am_uwsgi_accept_start();
    am_server_work(server, (unsigned)uwsgi.mywid);
}

/* uWSGI runs it in workers, on every end but a kill, before they free anything; not in the master.
 */
static void end_of_worker(void) {
    if (server && uwsgi.mywid && server->account)
        am_account_flush(server->account);
}

static int mule(char *patch) {
    return server && am_uwsgi_watcher_run(patch, server, am_uwsgi_settings.refresh);
}
