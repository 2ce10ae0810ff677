/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing and generations without uWSGI: threads and forks over one server object. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../plugin/base/clock.h"
#include "../../plugin/publish/server.h"

enum { WORKERS = 4, CORES = 6, SWAPS = 25, MANY_SWAPS = 100, SLOW_READERS = 3 };

/* ---- an instance in a folder of its own -------------------------------------------------------
 */

struct instance {
    char folder[64], inventory[96], store[96];
    struct am_server *server;
    char log[64 << 10];
    pthread_mutex_t lock;
};

static void keep_line(void *context, const char *line) {
    struct instance *instance = context;
    pthread_mutex_lock(&instance->lock);
    size_t size = strlen(instance->log);
    snprintf(instance->log + size, sizeof instance->log - size, "%s\n", line);
    pthread_mutex_unlock(&instance->lock);
}

/* Replaces the inventory by one whose only ad is named by its version, and is paused for the quiet
 * time that publishing asks for. */
static void write_version(const struct instance *instance, unsigned version) {
    char beside[128];
    snprintf(beside, sizeof beside, "%s.new", instance->inventory);
    FILE *file = fopen(beside, "w");
    assert_non_null(file);
    fprintf(file, "{\"id\":\"v%u\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"shoes\"]}\n",
            version);
    fclose(file);
    const struct timespec past[2] = {{.tv_sec = 1000000000 + version},
                                     {.tv_sec = 1000000000 + version}};
    assert_int_equal(utimensat(0, beside, past, 0), 0);
    assert_int_equal(rename(beside, instance->inventory), 0);
}

static void start(struct instance *instance) {
    struct am_error error = {0};
    *instance = (struct instance){.lock = PTHREAD_MUTEX_INITIALIZER};
    snprintf(instance->folder, sizeof instance->folder, "/tmp/test_publish.XXXXXX");
    assert_non_null(mkdtemp(instance->folder));
    snprintf(instance->inventory, sizeof instance->inventory, "%s/ads.jsonl", instance->folder);
    snprintf(instance->store, sizeof instance->store, "%s/store", instance->folder);
    write_version(instance, 0);
    const struct am_server_options options = {
        .inventory = instance->inventory,
        .store_folder = instance->store,
        .limits = {1 << 16, 1000, 0, 0},
        .workers = WORKERS,
        .cores = CORES,
        .sink = {keep_line, instance},
    };
    instance->server = am_server_new(&options, &error);
    if (!instance->server)
        fail_msg("%s", error.message);
    if (!am_publisher_start(&instance->server->publisher))
        fail_msg("%s", instance->log);
}

static void stop(struct instance *instance) {
    char command[128];
    am_server_free(instance->server);
    snprintf(command, sizeof command, "rm -rf %s", instance->folder);
    assert_int_equal(system(command), 0);
}

static void swap_to(struct instance *instance, unsigned version) {
    write_version(instance, version);
    uint32_t before = am_publish_channel_number(instance->server->channel);
    for (int tries = 0; am_publish_channel_number(instance->server->channel) == before; tries++) {
        if (tries == 100)
            fail_msg("not published: %s", instance->log);
        am_publisher_check(&instance->server->publisher, false);
    }
}

static struct am_view no_header(const void *context, const char *name) {
    (void)context, (void)name;
    return AM_VIEW("");
}

static struct am_api_http_request get(const char *path, const char *query) {
    return (struct am_api_http_request){.method = AM_VIEW("GET"),
                                        .path = am_view_of(path),
                                        .query = am_view_of(query),
                                        .now = 1,
                                        .header = no_header};
}

/* The version of the ad that a decision places. */
static unsigned decide(struct am_server *server, unsigned worker, unsigned core) {
    struct am_server_exchange exchange;
    const struct am_api_http_request request = get("/v1/decide", "query=shoes");
    unsigned version = UINT_MAX;
    am_server_answer(server, worker, core, &request, &exchange);
    const char *ad = memmem(exchange.response.body.data, exchange.response.body.size, "\"ad\":\"v",
                            strlen("\"ad\":\"v"));
    if (exchange.response.status == 200 && ad)
        version = (unsigned)strtoul(ad + strlen("\"ad\":\"v"), NULL, 10);
    am_server_release(&exchange);
    am_server_count(&exchange, 200, 1000);
    return version;
}

enum { PATIENCE = 60000 }; /* milliseconds at least, on a busy machine */

static void wait_for_images(const struct am_server *server, unsigned most) {
    const struct timespec pause = {0, 1000000};
    for (int tries = 0; am_generations_open_images(server->generations) > most; tries++) {
        if (tries == PATIENCE)
            fail_msg("%u images open, expected at most %u",
                     am_generations_open_images(server->generations), most);
        nanosleep(&pause, NULL);
    }
}

static void wait_for_publication(const struct am_server *server) {
    const struct timespec pause = {0, 1000000};
    uint32_t wanted = am_publish_channel_number(server->channel);
    for (int tries = 0; am_generations_publication(server->generations) != wanted; tries++) {
        assert_true(tries < PATIENCE);
        nanosleep(&pause, NULL);
    }
}

/* ---- the channel ------------------------------------------------------------------------------
 */

struct reading {
    struct am_publish_channel *channel;
    atomic_bool done;
    atomic_uint read, torn;
};

static void *read_publications(void *context) {
    struct reading *reading = context;
    while (!atomic_load(&reading->done)) {
        struct am_publish_publication seen;
        char expected[AM_STORE_NAME_SIZE];
        am_publish_channel_read(reading->channel, &seen);
        snprintf(expected, sizeof expected, "image-%u", seen.number);
        if (seen.number && (strcmp(seen.image, expected) != 0 || seen.published_at != seen.number))
            atomic_fetch_add(&reading->torn, 1);
        atomic_fetch_add(&reading->read, seen.number > 0);
    }
    return NULL;
}

static void a_publication_is_read_whole(void **state) {
    (void)state;
    struct am_error error = {0};
    struct reading reading = {.channel = am_publish_channel_new(&error)};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_publications, &reading), 0);
    for (unsigned number = 1; number <= 20000 || atomic_load(&reading.read) < 20000; number++) {
        char name[AM_STORE_NAME_SIZE];
        snprintf(name, sizeof name, "image-%u", number);
        am_publish_channel_publish(reading.channel, name, number);
    }
    atomic_store(&reading.done, true);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&reading.torn), 0);
    am_publish_channel_free(reading.channel);
}

/* ---- generations ------------------------------------------------------------------------------
 */

static void a_request_after_a_swap_sees_the_new_inventory(void **state) {
    (void)state;
    struct instance instance;
    start(&instance);
    am_generations_start(instance.server->generations, 1);
    assert_int_equal(decide(instance.server, 1, 0), 0);
    for (unsigned version = 1; version <= 5; version++) {
        swap_to(&instance, version);
        wait_for_publication(instance.server);
        assert_int_equal(decide(instance.server, 1, 0), version);
    }
    wait_for_images(instance.server, 1);
    am_generations_stop(instance.server->generations);
    stop(&instance);
}

/* Each slow reader holds the generation that it began with; all others are closed. */
static void slow_readers_hold_one_image_each(void **state) {
    (void)state;
    struct instance instance;
    struct am_generation_context *held[SLOW_READERS];
    start(&instance);
    struct am_generations *generations = instance.server->generations;
    am_generations_start(generations, 1);
    for (unsigned i = 0; i < SLOW_READERS; i++)
        held[i] = am_generations_enter(generations);
    for (unsigned version = 1; version <= MANY_SWAPS; version++) {
        swap_to(&instance, version);
        wait_for_publication(instance.server);
        /* They overlap: each ends and begins again at another time. */
        unsigned turn = version % SLOW_READERS;
        am_generations_leave(held[turn]);
        held[turn] = am_generations_enter(generations);
        assert_int_equal(decide(instance.server, 1, 0), version);
        wait_for_images(instance.server, 1 + SLOW_READERS);
    }
    for (unsigned i = 0; i < SLOW_READERS; i++)
        am_generations_leave(held[i]);
    wait_for_images(instance.server, 1);
    am_generations_stop(generations);
    stop(&instance);
}

struct asking {
    struct am_server *server;
    unsigned core;
    atomic_bool *done;
    unsigned long answers, wrong;
};

/* Versions never go back. */
static void *ask(void *context) {
    struct asking *asking = context;
    unsigned last = 0;
    while (!atomic_load(asking->done)) {
        unsigned version = decide(asking->server, 1, asking->core);
        asking->answers++;
        asking->wrong += version == UINT_MAX || version < last;
        last = version;
    }
    return NULL;
}

static void no_answer_is_wrong_while_generations_change(void **state) {
    (void)state;
    struct instance instance;
    struct asking askings[CORES];
    pthread_t threads[CORES];
    atomic_bool done = false;
    start(&instance);
    am_generations_start(instance.server->generations, 1);
    for (unsigned i = 0; i < CORES; i++) {
        askings[i] = (struct asking){instance.server, i, &done, 0, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &askings[i]), 0);
    }
    for (unsigned version = 1; version <= SWAPS; version++)
        swap_to(&instance, version);
    wait_for_publication(instance.server);
    atomic_store(&done, true);
    for (unsigned i = 0; i < CORES; i++) {
        pthread_join(threads[i], NULL);
        assert_true(askings[i].answers > 0);
        assert_int_equal(askings[i].wrong, 0);
    }
    wait_for_images(instance.server, 1);
    am_generations_stop(instance.server->generations);
    stop(&instance);
}

static void forked_workers_follow_the_publisher(void **state) {
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* it cannot follow a child that starts threads of its own */
#endif
    struct instance instance;
    pid_t workers[WORKERS];
    start(&instance);
    for (unsigned worker = 1; worker <= WORKERS; worker++) {
        workers[worker - 1] = fork();
        assert_true(workers[worker - 1] >= 0);
        if (workers[worker - 1])
            continue;
        alarm(PATIENCE / 1000);
        am_generations_start(instance.server->generations, worker);
        while (decide(instance.server, worker, 0) != SWAPS)
            ;
        _exit(0);
    }
    for (unsigned version = 1; version <= SWAPS; version++)
        swap_to(&instance, version);
    for (unsigned i = 0; i < WORKERS; i++) {
        int status;
        assert_int_equal(waitpid(workers[i], &status, 0), workers[i]);
        assert_int_equal(status, 0);
        assert_true(am_metrics_row(instance.server->metrics, i + 1, 0)->decisions > 0);
    }
    stop(&instance);
}

/* ---- the store --------------------------------------------------------------------------------
 */

/* Images and notes of other inventories than the instance's own. */
struct shop {
    struct instance instance;
    struct am_store store;
};

static void open_shop(struct shop *shop) {
    start(&shop->instance);
    assert_int_equal(am_store_open(&shop->store, shop->instance.store, NULL), AM_OK);
}

static void close_shop(struct shop *shop) {
    am_store_close(&shop->store);
    stop(&shop->instance);
}

enum { OTHERS = 4 };
static const char *const other_names[OTHERS] = {
    "00000000000000000000000000000000-1.1.admx", "11111111111111111111111111111111-1.1.admx",
    "22222222222222222222222222222222-1.1.admx", "33333333333333333333333333333333-1.1.admx"};

static void put_file(const struct shop *shop, const char *name, const char *text) {
    int fd = openat(shop->store.folder, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static bool has_file(const struct shop *shop, const char *name) {
    return faccessat(shop->store.folder, name, F_OK, 0) == 0;
}

static bool recalls(const struct shop *shop, const char *path, char image[AM_STORE_NAME_SIZE]) {
    return am_store_recall(&shop->store, path, false, image, NULL) == AM_OK;
}

/* Whether nothing is left to be removed later. */
static bool cleans(const struct shop *shop) {
    struct am_error error;
    bool complete;
    if (am_store_clean(&shop->store, &complete, &error) != AM_OK)
        fail_msg("%s", error.message);
    return complete;
}

/* A note older than AM_STORE_GRACE, of an inventory at that path. */
static void note_long_ago(const struct shop *shop, const char *path, const char *image) {
    char command[256];
    assert_int_equal(am_store_note(&shop->store, path, false, image, NULL), AM_OK);
    snprintf(command, sizeof command, "touch -d @1 %s/*.last", shop->instance.store);
    assert_int_equal(system(command), 0);
}

static void cleaning_removes_what_nobody_is_served_from(void **state) {
    (void)state;
    struct shop shop;
    char image[AM_STORE_NAME_SIZE], own[AM_STORE_NAME_SIZE];
    open_shop(&shop);
    assert_true(recalls(&shop, shop.instance.inventory, own));
    for (int i = 0; i < OTHERS; i++)
        put_file(&shop, other_names[i], "x");
    note_long_ago(&shop, "/nowhere/1", other_names[1]);
    note_long_ago(&shop, "/nowhere/2", other_names[2]);
    assert_int_equal(am_store_note(&shop.store, "/nowhere/3", false, other_names[3], NULL), AM_OK);
    int held = openat(shop.store.folder, other_names[2], O_RDONLY);
    assert_int_equal(flock(held, LOCK_SH), 0);
    assert_true(cleans(&shop));
    assert_false(has_file(&shop, other_names[0])); /* has no note */
    assert_false(has_file(&shop, other_names[1])); /* its inventory is gone */
    assert_true(has_file(&shop, other_names[2]));  /* somebody is served from it */
    assert_true(recalls(&shop, "/nowhere/2", image));
    assert_true(has_file(&shop, other_names[3])); /* its inventory may come back */
    assert_true(has_file(&shop, own));
    close(held);
    assert_true(cleans(&shop));
    assert_false(has_file(&shop, other_names[2]));
    close_shop(&shop);
}

static void an_image_that_is_replaced_goes_with_its_last_reader(void **state) {
    (void)state;
    struct shop shop;
    open_shop(&shop);
    put_file(&shop, other_names[0], "x");
    int held = openat(shop.store.folder, other_names[0], O_RDONLY);
    assert_int_equal(flock(held, LOCK_SH), 0);
    assert_false(cleans(&shop));
    assert_true(has_file(&shop, other_names[0]));
    close(held);
    assert_true(cleans(&shop));
    assert_false(has_file(&shop, other_names[0]));
    close_shop(&shop);
}

static void a_path_with_a_line_feed_is_noted(void **state) {
    (void)state;
    struct shop shop;
    char path[128], image[AM_STORE_NAME_SIZE];
    open_shop(&shop);
    snprintf(path, sizeof path, "%s/two\nlines\n", shop.instance.folder);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
    put_file(&shop, other_names[0], "x");
    note_long_ago(&shop, path, other_names[0]);
    assert_true(cleans(&shop));
    assert_true(recalls(&shop, path, image));
    assert_string_equal(image, other_names[0]);
    assert_true(has_file(&shop, other_names[0]));
    close_shop(&shop);
}

/* The name of the only note there is. */
static const char *note_of(const struct shop *shop) {
    static char name[NAME_MAX + 1];
    DIR *listing = opendir(shop->instance.store);
    struct dirent *entry;
    while ((entry = readdir(listing)))
        if (strstr(entry->d_name, ".last"))
            snprintf(name, sizeof name, "%s", entry->d_name);
    closedir(listing);
    return name;
}

static void limit_files(rlim_t size) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A limit on the size of files takes the place of a full disk. */
static void a_note_that_cannot_be_written_loses_no_image(void **state) {
    (void)state;
    struct shop shop;
    struct am_error error;
    char image[AM_STORE_NAME_SIZE], own[AM_STORE_NAME_SIZE];
    open_shop(&shop);
    struct am_publisher *publisher = &shop.instance.server->publisher;
    am_publisher_resume(publisher);
    assert_true(recalls(&shop, shop.instance.inventory, own));
    signal(SIGXFSZ, SIG_IGN);
    limit_files(0);
    assert_int_equal(
        am_store_note(&shop.store, shop.instance.inventory, false, other_names[0], &error),
        AM_E_IO);
    assert_true(recalls(&shop, shop.instance.inventory, image));
    assert_string_equal(image, own);
    assert_int_equal(unlinkat(shop.store.folder, note_of(&shop), 0), 0);
    assert_false(am_publisher_tend(publisher));
    assert_non_null(strstr(shop.instance.log, "a restart would not find the last good generation"));
    assert_false(cleans(&shop)); /* as another instance would */
    assert_true(has_file(&shop, own));
    limit_files(RLIM_INFINITY);
    am_publisher_tend(publisher);
    assert_true(recalls(&shop, shop.instance.inventory, image));
    close_shop(&shop);
}

/* ---- the publisher ----------------------------------------------------------------------------
 */

static void a_mule_that_starts_shows_what_is_published(void **state) {
    (void)state;
    struct instance instance;
    char generation[AM_GENERATION_TEXT_SIZE];
    start(&instance);
    swap_to(&instance, 1);
    struct am_metrics_gauges *gauges = am_metrics_gauges(instance.server->metrics);
    memcpy(generation, gauges->generation, sizeof generation);
    memset(gauges, 0, sizeof *gauges);
    am_publisher_resume(&instance.server->publisher);
    assert_string_equal(gauges->generation, generation);
    assert_int_equal(gauges->ads, 1);
    assert_int_equal(gauges->publication, 2);
    stop(&instance);
}

struct writing {
    const char *path;
    atomic_bool done;
};

static void *write_on(void *context) {
    struct writing *writing = context;
    FILE *file = fopen(writing->path, "a");
    while (!atomic_load(&writing->done)) {
        fputs("\n", file);
        fflush(file);
        usleep(20000);
    }
    fclose(file);
    return NULL;
}

static void a_file_that_is_written_to_without_pause_is_reported(void **state) {
    (void)state;
    struct instance instance;
    pthread_t thread;
    start(&instance);
    struct am_publisher *publisher = &instance.server->publisher;
    struct writing writing = {.path = instance.inventory};
    assert_int_equal(pthread_create(&thread, NULL, write_on, &writing), 0);
    usleep(50000);
    assert_int_equal(am_publisher_check(publisher, true), AM_PUBLISHER_SOON);
    assert_null(strstr(instance.log, "not published"));
    publisher->unquiet_since -= PATIENCE;
    assert_int_equal(am_publisher_check(publisher, true), AM_PUBLISHER_SOON);
    assert_int_equal(am_publisher_check(publisher, true), AM_PUBLISHER_SOON);
    atomic_store(&writing.done, true);
    pthread_join(thread, NULL);
    const char *line = strstr(instance.log, "inventory not published for 30 seconds: ");
    assert_non_null(line);
    assert_null(strstr(line + strlen("inventory not"), "not published for"));
    assert_int_equal(am_metrics_gauges(instance.server->metrics)->refusals, 1);
    stop(&instance);
}

/* ---- the server -------------------------------------------------------------------------------
 */

static void a_refused_inventory_leaves_the_last_one_serving(void **state) {
    (void)state;
    struct instance instance;
    start(&instance);
    am_generations_start(instance.server->generations, 1);
    FILE *file = fopen(instance.inventory, "w");
    fputs("{\"id\":\"broken\"}\n", file);
    fclose(file);
    while (am_publisher_check(&instance.server->publisher, true) == AM_PUBLISHER_SOON)
        usleep(10000);
    assert_non_null(strstr(instance.log, "inventory refused"));
    assert_int_equal(decide(instance.server, 1, 0), 0);
    assert_int_equal(am_metrics_gauges(instance.server->metrics)->refusals, 1);
    am_generations_stop(instance.server->generations);
    stop(&instance);
}

static void a_state_folder_that_fails_is_no_refusal_of_the_inventory(void **state) {
    (void)state;
    struct instance instance;
    char away[128];
    start(&instance);
    snprintf(away, sizeof away, "%s.away", instance.store);
    assert_int_equal(rename(instance.store, away), 0);
    fclose(fopen(instance.store, "w"));
    am_publisher_check(&instance.server->publisher, true);
    assert_non_null(strstr(instance.log, "state folder unusable, the generation before it goes on "
                                         "serving: "));
    assert_null(strstr(instance.log, "inventory refused"));
    assert_int_equal(am_metrics_gauges(instance.server->metrics)->refusals, 0);
    assert_int_equal(unlink(instance.store), 0);
    assert_int_equal(rename(away, instance.store), 0);
    stop(&instance);
}

static void each_reason_why_there_is_no_inventory_is_logged_once(void **state) {
    (void)state;
    struct instance instance;
    start(&instance);
    struct am_publisher *publisher = &instance.server->publisher;
    assert_int_equal(unlink(instance.inventory), 0);
    am_publisher_check(publisher, false);
    am_publisher_check(publisher, false);
    assert_non_null(strstr(instance.log, "No such file or directory"));
    assert_int_equal(am_metrics_gauges(instance.server->metrics)->refusals, 1);
    assert_int_equal(mkdir(instance.inventory, 0700), 0);
    am_publisher_check(publisher, false);
    am_publisher_check(publisher, false);
    assert_non_null(strstr(instance.log, "is not a regular file"));
    assert_int_equal(am_metrics_gauges(instance.server->metrics)->refusals, 2);
    stop(&instance);
}

/* A file that begins like the image that is served, has a hole behind it, and says that it is an
 * image of `size` bytes; where `fits`, its last section has all of them. */
static void write_sparse_image(const struct instance *instance, off_t size, bool fits) {
    char served[192], start[8192];
    struct am_image_header *header = (void *)start;
    struct am_publish_publication now;
    am_publish_channel_read(instance->server->channel, &now);
    snprintf(served, sizeof served, "%s/%s", instance->store, now.image);
    int from = open(served, O_RDONLY), to = open(instance->inventory, O_WRONLY | O_TRUNC);
    assert_true(from >= 0 && to >= 0);
    assert_int_equal(pread(from, start, sizeof start, 0), sizeof start);
    struct am_image_section_entry *last =
        (struct am_image_section_entry *)(header + 1) + header->section_count - 1;
    header->total_size = (uint64_t)size;
    if (fits)
        last->count = ((uint64_t)size - last->offset) / last->record_size;
    else
        last->offset = 1;
    assert_int_equal(pwrite(to, start, sizeof start, 0), sizeof start);
    assert_int_equal(ftruncate(to, size), 0);
    close(from);
    close(to);
}

static void assert_refused(struct instance *instance, const char *reason) {
    while (am_publisher_check(&instance->server->publisher, true) == AM_PUBLISHER_SOON)
        usleep(10000);
    if (!strstr(instance->log, reason))
        fail_msg("expected %s: %s", reason, instance->log);
}

/* Each of them would take more memory, or more time, than there is. */
static void files_of_any_length_are_refused_unread(void **state) {
    (void)state;
    struct instance instance;
    start(&instance);
    am_generations_start(instance.server->generations, 1);
    write_sparse_image(&instance, INT64_C(60) << 30, false);
    assert_refused(&instance, "section table: offset out of place");
    write_sparse_image(&instance, INT64_C(60) << 30, true);
    assert_refused(&instance, "expected one without holes");
    write_sparse_image(&instance, INT64_C(90) << 30, true);
    assert_refused(&instance, "a file of 96636764160 bytes, expected at most 68719476736");
    assert_int_equal(decide(instance.server, 1, 0), 0);
    am_generations_stop(instance.server->generations);
    stop(&instance);
}

static void a_lock_is_not_waited_for_for_ever(void **state) {
    (void)state;
    enum { PATIENT = 100 };
    struct instance instance;
    struct am_store store;
    start(&instance);
    assert_int_equal(am_store_open(&store, instance.store, NULL), AM_OK);
    int held = am_store_lock(&store, "x", 0);
    assert_true(held >= 0);
    int64_t began = am_clock_milliseconds(CLOCK_MONOTONIC);
    assert_int_equal(am_store_lock(&store, "x", PATIENT), -1);
    assert_int_equal(errno, EWOULDBLOCK);
    assert_true(am_clock_milliseconds(CLOCK_MONOTONIC) - began >= PATIENT);
    am_store_unlock(&store, "x", held);
    held = am_store_lock(&store, "x", PATIENT);
    assert_true(held >= 0);
    am_store_unlock(&store, "x", held);
    am_store_close(&store);
    stop(&instance);
}

/* Whatever a child of other rights sends, no pointer of the master's changes. */
static void a_start_hands_over_numbers_alone(void **state) {
    (void)state;
    struct instance instance;
    struct am_publisher_verdict verdict;
    start(&instance);
    struct am_publisher *publisher = &instance.server->publisher;
    struct am_publisher fresh = {.source = publisher->source, .sink = publisher->sink};
    am_publisher_give(publisher, &verdict);
    am_publisher_take(&fresh, &verdict);
    assert_true(fresh.seen && !fresh.refused);
    assert_true(am_source_version_equal(&fresh.last, &publisher->last));
    memset(&verdict, 0xFF, sizeof verdict);
    am_publisher_take(&fresh, &verdict);
    assert_true(fresh.seen && fresh.refused);
    assert_ptr_equal(fresh.source.path, publisher->source.path);
    assert_ptr_equal(fresh.sink, publisher->sink);
    assert_null(fresh.channel);
    assert_null(fresh.metrics);
    stop(&instance);
}

static void metrics_are_of_the_server_that_is_asked(void **state) {
    (void)state;
    struct instance first, second;
    struct am_server_exchange exchange;
    const struct am_api_http_request request = get("/metrics", "");
    start(&first);
    start(&second);
    am_generations_start(first.server->generations, 1);
    am_generations_start(second.server->generations, 1);
    decide(first.server, 1, 0);
    decide(first.server, 1, 1);
    am_server_answer(second.server, 1, 0, &request, &exchange);
    assert_int_equal(exchange.response.status, 200);
    assert_non_null(memmem(exchange.response.body.data, exchange.response.body.size,
                           "admatch_decisions_total 0\n", 26));
    am_server_release(&exchange);
    am_server_answer(first.server, 1, 0, &request, &exchange);
    assert_non_null(memmem(exchange.response.body.data, exchange.response.body.size,
                           "admatch_decisions_total 2\n", 26));
    am_server_release(&exchange);
    am_generations_stop(first.server->generations);
    am_generations_stop(second.server->generations);
    stop(&first);
    stop(&second);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_publication_is_read_whole),
        cmocka_unit_test(a_request_after_a_swap_sees_the_new_inventory),
        cmocka_unit_test(slow_readers_hold_one_image_each),
        cmocka_unit_test(no_answer_is_wrong_while_generations_change),
        cmocka_unit_test(forked_workers_follow_the_publisher),
        cmocka_unit_test(cleaning_removes_what_nobody_is_served_from),
        cmocka_unit_test(an_image_that_is_replaced_goes_with_its_last_reader),
        cmocka_unit_test(a_path_with_a_line_feed_is_noted),
        cmocka_unit_test(a_note_that_cannot_be_written_loses_no_image),
        cmocka_unit_test(a_mule_that_starts_shows_what_is_published),
        cmocka_unit_test(a_file_that_is_written_to_without_pause_is_reported),
        cmocka_unit_test(a_refused_inventory_leaves_the_last_one_serving),
        cmocka_unit_test(a_state_folder_that_fails_is_no_refusal_of_the_inventory),
        cmocka_unit_test(each_reason_why_there_is_no_inventory_is_logged_once),
        cmocka_unit_test(files_of_any_length_are_refused_unread),
        cmocka_unit_test(a_lock_is_not_waited_for_for_ever),
        cmocka_unit_test(a_start_hands_over_numbers_alone),
        cmocka_unit_test(metrics_are_of_the_server_that_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
