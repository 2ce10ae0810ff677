/* The plugin: its options, its hooks, and the order in which its parts start. */
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "body.h"
#include "generation.h"
#include "host.h"
#include "log.h"
#include "metrics.h"
#include "parent.h"
#include "publisher.h"
#include "request.h"
#include "settings.h"
#include "watcher.h"

/* Not used by any plugin of uWSGI's own tree. */
enum { MODIFIER = 65 };

static struct am_publisher publisher;

static int init(void);
static void post_init(void);
static void init_apps(void);
static void post_fork(void);
static int mule(char *patch);

__attribute__((visibility("default"))) struct uwsgi_plugin admatch_plugin = {
    .name = "admatch",
    .modifier1 = MODIFIER,
    .options = am_uwsgi_options,
    .init = init,
    .post_init = post_init,
    .init_apps = init_apps,
    .post_fork = post_fork,
    .mule = mule,
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

/* All request plugins have been loaded by now. */
static int init(void) {
    unsigned own = admatch_plugin.modifier1;
    if (!am_uwsgi_settings.inventory || own == 0)
        return 0;
    if (strcmp(uwsgi.p[0]->name, "unconfigured") == 0)
        uwsgi.p[0] = &default_plugin;
    else
        am_uwsgi_log("modifier 0 belongs to %s: send requests with modifier1 %u", uwsgi.p[0]->name,
                     own);
    return 0;
}

static void must(enum am_code code, const struct am_error *error) {
    if (code != AM_OK)
        am_uwsgi_log_and_exit("cannot start: %s", error->message);
}

/* uWSGI looks names up only when it drops its privileges. */
static uid_t configured_user(void) {
    const struct passwd *user = uwsgi.uidname ? getpwnam(uwsgi.uidname) : NULL;
    return user ? user->pw_uid : uwsgi.uid;
}

static gid_t configured_group(void) {
    const struct group *group = uwsgi.gidname ? getgrnam(uwsgi.gidname) : NULL;
    return group ? group->gr_gid : uwsgi.gid;
}

/* The folder belongs to whom the workers will run as, also where uWSGI has not dropped its
 * privileges yet, or keeps the master's. */
static void open_state(void) {
    struct am_error error = {0};
    uid_t owner = geteuid();
    gid_t group = getegid();
    if (owner == 0 && configured_user()) {
        owner = configured_user();
        group = configured_group();
    }
    must(am_store_open(&publisher.state, am_uwsgi_settings.state_dir, owner, group, &error),
         &error);
}

static const struct am_timezones *load_zones(void) {
    struct am_error error = {.code = AM_OK};
    const struct am_timezones *zones = am_timezones_load(NULL, &error);
    if (!zones || error.code != AM_OK)
        am_uwsgi_log("time zones are not known, but for UTC: %s", error.message);
    return zones;
}

static void start_cores(const struct am_timezones *zones) {
    struct am_error error = {0};
    unsigned cores = (unsigned)uwsgi.cores;
    struct am_api_limits limits = {am_uwsgi_settings.limit_body,
                                   (uint32_t)am_uwsgi_settings.limit_words};
    must(am_metrics_start((unsigned)uwsgi.numproc, cores, &error), &error);
    must(am_uwsgi_requests_start(cores, &error), &error);
    must(am_generation_start(publisher.control, &publisher.state, zones, &limits, cores, &error),
         &error);
    if (!am_uwsgi_bodies_start(cores, am_uwsgi_settings.limit_body))
        am_uwsgi_log_and_exit("cannot start: out of memory for %u cores", cores);
}

/* In the master, before anything is forked, in lazy modes too. */
static void post_init(void) {
    struct am_error error = {0};
    if (!am_uwsgi_settings.inventory) {
        am_uwsgi_log("loaded, but idle: admatch-inventory = FILE makes it serve");
        return;
    }
    am_uwsgi_settings_finish();
    open_state();
    publisher.control = am_publish_channel_new(&error);
    if (!publisher.control)
        am_uwsgi_log_and_exit("cannot start: %s", error.message);
    publisher.supply = (struct am_source){.path = am_uwsgi_settings.inventory,
                                          .lenient = am_uwsgi_settings.skip_bad_records,
                                          .zones = load_zones()};
    start_cores(publisher.supply.zones);
    am_publisher_start(&publisher);
    am_metrics_register();
    am_uwsgi_watcher_add();
}

/* So that need-app knows that there is something to serve. */
static void init_apps(void) {
    static char mountpoint[] = "";
    if (am_uwsgi_settings.inventory && uwsgi_apps_cnt < uwsgi.max_apps)
        uwsgi_add_app(uwsgi_apps_cnt, admatch_plugin.modifier1, mountpoint, 0, NULL, NULL);
}

/* Runs in mules and spoolers too, which serve nothing. */
static void post_fork(void) {
    if (!am_uwsgi_settings.inventory || uwsgi.mywid == 0 || uwsgi.muleid)
        return;
    if (uwsgi.no_orphans)
        am_uwsgi_end_with_master();
    am_uwsgi_requests_forked();
    am_generation_move();
    am_generation_follow();
}

static int mule(char *patch) {
    return am_uwsgi_settings.inventory &&
           am_uwsgi_watcher_run(patch, &publisher, am_uwsgi_settings.refresh);
}
