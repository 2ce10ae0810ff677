/* SPDX-License-Identifier: Apache-2.0 */
/* The store with each system call and allocation made to fail, one after the other: no other
 * instance's note or image is lost, nothing that is sound is taken for lost, and an error is
 * reported. The linker puts the functions below in the place of the C library's (see the Makefile).
 */
#include "engine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../plugin/publish/publisher.h"

/* ---- failing on demand ------------------------------------------------------------------------
 */

static struct {
    const char *only; /* the function whose calls count; NULL: all */
    long left;        /* calls that still succeed; below 0: nothing fails */
    bool always;      /* all later ones fail, too */
    int error;
    const char *failed; /* the function that was made to fail; NULL: none */
} order = {.left = -1};

static bool fails(const char *function) {
    if (order.left < 0 || (order.only && strcmp(order.only, function) != 0))
        return false;
    if (order.left > 0) {
        order.left--;
        return false;
    }
    if (!order.always)
        order.left = -1;
    order.failed = function;
    errno = order.error;
    return true;
}

static void fail_call(const char *function, long after, int error) {
    order.only = function;
    order.left = after;
    order.always = false;
    order.error = error;
    order.failed = NULL;
}

static void fail_nothing(void) {
    order.left = -1;
}

/* A function of the C library that fails on demand. */
#define FAILING(type, failure, name, parameters, arguments)                                        \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters {                                                                \
        return fails(#name) ? (failure) : __real_##name arguments;                                 \
    }

FAILING(int, -1, open, (const char *path, int flags, mode_t mode), (path, flags, mode))
FAILING(int,
        -1,
        openat,
        (int folder, const char *path, int flags, mode_t mode),
        (folder, path, flags, mode))
FAILING(int, -1, mkdir, (const char *path, mode_t mode), (path, mode))
FAILING(int, -1, stat, (const char *path, struct stat *status), (path, status))
FAILING(int, -1, fstat, (int fd, struct stat *status), (fd, status))
FAILING(int,
        -1,
        fstatat,
        (int folder, const char *path, struct stat *status, int flags),
        (folder, path, status, flags))
FAILING(int, -1, access, (const char *path, int mode), (path, mode))
FAILING(int, -1, flock, (int fd, int operation), (fd, operation))
FAILING(int,
        -1,
        utimensat,
        (int folder, const char *path, const struct timespec *times, int flags),
        (folder, path, times, flags))
FAILING(int,
        -1,
        renameat,
        (int old, const char *path, int folder, const char *renamed),
        (old, path, folder, renamed))
FAILING(ssize_t, -1, read, (int fd, void *data, size_t size), (fd, data, size))
FAILING(
    ssize_t, -1, pread, (int fd, void *data, size_t size, off_t offset), (fd, data, size, offset))
FAILING(ssize_t, -1, write, (int fd, const void *data, size_t size), (fd, data, size))
FAILING(void *,
        MAP_FAILED,
        mmap,
        (void *address, size_t size, int protection, int flags, int fd, off_t offset),
        (address, size, protection, flags, fd, offset))
FAILING(DIR *, NULL, opendir, (const char *path), (path))
FAILING(DIR *, NULL, fdopendir, (int fd), (fd))
FAILING(struct dirent *, NULL, readdir, (DIR * folder), (folder))
FAILING(void *, NULL, malloc, (size_t size), (size))
FAILING(void *, NULL, calloc, (size_t count, size_t size), (count, size))
FAILING(void *, NULL, realloc, (void *memory, size_t size), (memory, size))
FAILING(void *, NULL, aligned_alloc, (size_t alignment, size_t size), (alignment, size))
FAILING(char *, NULL, strdup, (const char *text), (text))

/* Waits for no disk. */
int __wrap_fsync(int fd);

int __wrap_fsync(int fd) {
    (void)fd;
    return fails("fsync") ? -1 : 0;
}

int __real_posix_memalign(void **memory, size_t alignment, size_t size);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size);

int __wrap_posix_memalign(void **memory, size_t alignment, size_t size) {
    return fails("posix_memalign") ? ENOMEM : __real_posix_memalign(memory, alignment, size);
}

/* Another process makes a file of the name that was removed last; NULL: none does. */
static const char *appears;

int __real_unlinkat(int folder, const char *path, int flags);
int __wrap_unlinkat(int folder, const char *path, int flags);

int __wrap_unlinkat(int folder, const char *path, int flags) {
    if (fails("unlinkat"))
        return -1;
    int status = __real_unlinkat(folder, path, flags);
    if (appears && strcmp(path, appears) == 0) {
        close(__real_openat(folder, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        appears = NULL;
    }
    return status;
}

/* The time zones are updated as soon as they have been read. */
static const char *zones_to_touch;

struct am_timezones *__real_am_timezones_load(const char *folder, struct am_error *error);
struct am_timezones *__wrap_am_timezones_load(const char *folder, struct am_error *error);

struct am_timezones *__wrap_am_timezones_load(const char *folder, struct am_error *error) {
    struct am_timezones *zones = __real_am_timezones_load(folder, error);
    const struct timespec later[2] = {{.tv_sec = 2000}, {.tv_sec = 2000}};
    if (zones_to_touch)
        assert_int_equal(__real_utimensat(AT_FDCWD, zones_to_touch, later, 0), 0);
    return zones;
}

/* ---- a store of several inventories -----------------------------------------------------------
 */

#define NAME(digit, end)                                                                           \
    digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit      \
        digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit  \
            digit digit "-1.1.admx" end

static const char own_image[] = NAME("0", ""), others_image[] = NAME("1", ""),
                  away_image[] = NAME("2", ""), /* its inventory went away long ago; it is held */
    recent_image[] = NAME("3", ""),             /* and just now; it is not */
    replaced_image[] = NAME("4", ""),           /* no inventory is served from it; it is held */
    orphan[] = NAME("5", "");

struct shop {
    char folder[64], path[96], own[96], other[96], away[96], recent[96];
    struct am_image_bytes bytes;
    struct am_store store;
    struct am_store_hold hold; /* of the own image */
    int held[2];               /* images locked by those who serve from them */
};

static void put_file(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    static const char line[] =
        "{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"a\"]}\n";
    assert_true(fd >= 0);
    assert_int_equal(write(fd, line, sizeof line - 1), sizeof line - 1);
    close(fd);
}

static void put_image(const struct shop *shop, const char *name, const char *inventory) {
    struct am_error error;
    if (am_store_write(&shop->store, &shop->bytes, name, &error) != AM_OK ||
        (inventory && am_store_note(&shop->store, inventory, false, name, &error) != AM_OK))
        fail_msg("%s", error.message);
}

static int lock_image(const struct shop *shop, const char *image) {
    int fd = openat(shop->store.folder, image, O_RDONLY | O_CLOEXEC, 0);
    assert_int_equal(flock(fd, LOCK_SH), 0);
    return fd;
}

static void put_away(struct shop *shop) {
    static const struct timespec past[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    put_image(shop, away_image, shop->away);
    DIR *listing = opendir(shop->path);
    for (struct dirent *entry; (entry = readdir(listing));)
        if (strstr(entry->d_name, ".last"))
            assert_int_equal(utimensat(shop->store.folder, entry->d_name, past, 0), 0);
    closedir(listing);
    shop->held[0] = lock_image(shop, away_image);
}

static int open_shop(void **state) {
    static struct shop shop;
    struct am_image *image = NULL;
    shop = (struct shop){.folder = "/tmp/test_store.XXXXXX"};
    assert_non_null(mkdtemp(shop.folder));
    snprintf(shop.path, sizeof shop.path, "%s/store", shop.folder);
    snprintf(shop.own, sizeof shop.own, "%s/own.jsonl", shop.folder);
    snprintf(shop.other, sizeof shop.other, "%s/other.jsonl", shop.folder);
    snprintf(shop.away, sizeof shop.away, "%s/away.jsonl", shop.folder);
    snprintf(shop.recent, sizeof shop.recent, "%s/recent.jsonl", shop.folder);
    put_file(shop.own);
    put_file(shop.other);
    shop.bytes = engine_build("{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"a\"]}");
    assert_int_equal(am_store_make(&shop.store, shop.path, NULL), AM_OK);
    put_away(&shop);
    put_image(&shop, own_image, shop.own);
    put_image(&shop, others_image, shop.other);
    put_image(&shop, recent_image, shop.recent);
    put_image(&shop, replaced_image, NULL);
    put_image(&shop, orphan, NULL);
    shop.held[1] = lock_image(&shop, replaced_image);
    assert_int_equal(am_store_open_image(&shop.store, own_image, false, &image, &shop.hold, NULL),
                     AM_OK);
    am_image_close(image);
    *state = &shop;
    return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place) {
    (void)status, (void)type, (void)place;
    return remove(path);
}

static int close_shop(void **state) {
    struct shop *shop = *state;
    am_store_release(&shop->hold);
    close(shop->held[0]);
    close(shop->held[1]);
    am_store_close(&shop->store);
    am_image_bytes_free(&shop->bytes);
    return nftw(shop->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static bool has_file(const struct shop *shop, const char *name) {
    return faccessat(shop->store.folder, name, F_OK, 0) == 0;
}

static void assert_noted(const struct shop *shop, const char *inventory, const char *image) {
    char name[AM_STORE_NAME_SIZE];
    struct am_error error;
    if (am_store_recall(&shop->store, inventory, false, name, &error) != AM_OK)
        fail_msg("%s failing: %s", order.failed, error.message);
    assert_string_equal(name, image);
}

static void assert_usable(const struct shop *shop, const char *name) {
    struct am_image *image = NULL;
    struct am_store_hold hold;
    struct am_error error;
    if (am_store_open_image(&shop->store, name, false, &image, &hold, &error) != AM_OK)
        fail_msg("%s failing: %s", order.failed, error.message);
    am_image_close(image);
    am_store_release(&hold);
}

/* What no failure may have touched. */
static void assert_kept(const struct shop *shop) {
    assert_noted(shop, shop->other, others_image);
    assert_noted(shop, shop->away, away_image);
    assert_noted(shop, shop->recent, recent_image);
    assert_usable(shop, own_image);
    assert_usable(shop, others_image);
    assert_usable(shop, away_image);
    assert_usable(shop, recent_image);
    assert_usable(shop, replaced_image);
}

static unsigned count_descriptors(void) {
    unsigned count = 0;
    DIR *listing = opendir("/proc/self/fd");
    while (readdir(listing))
        count++;
    closedir(listing);
    return count;
}

/* Does it with the first call failing, then with the second, until all succeed; each time in a new
 * shop, and with each of the errors that say nothing about a file. */
typedef void work_function(struct shop *shop);

static void try_with_every_failure(work_function *work) {
    static const int errors[] = {EIO, ENOMEM, EMFILE};
    for (size_t i = 0; i < AM_COUNT_OF(errors); i++) {
        long calls = 0;
        for (bool failed = true; failed; calls++) {
            void *state;
            open_shop(&state);
            unsigned descriptors = count_descriptors();
            fail_call(NULL, calls, errors[i]);
            work(state);
            failed = order.failed;
            fail_nothing();
            assert_int_equal(count_descriptors(), descriptors);
            assert_kept(state);
            close_shop(&state);
        }
        assert_true(calls > 2);
    }
}

/* Also when the file is there all the same: reports a failure of the system, not of the file. */
static void assert_unknown(enum am_code code, const struct am_error *error) {
    if (code != AM_E_IO && code != AM_E_MEMORY)
        fail_msg("%s failing: code %d, %s", order.failed, code, error->message);
}

/* ---- the work ---------------------------------------------------------------------------------
 */

static void clean(struct shop *shop) {
    bool complete;
    struct am_error error;
    enum am_code code = am_store_clean(&shop->store, &complete, &error);
    bool failed = order.failed;
    fail_nothing();
    assert_false(complete); /* the replaced image is held */
    assert_noted(shop, shop->own, own_image);
    if (code != AM_OK) {
        assert_unknown(code, &error);
        assert_true(has_file(shop, orphan));
    } else if (!failed)
        assert_false(has_file(shop, orphan));
}

static void cleaning(void **state) {
    (void)state;
    try_with_every_failure(clean);
}

static void note(struct shop *shop) {
    struct am_error error;
    enum am_code code = am_store_note(&shop->store, shop->own, false, orphan, &error);
    fail_nothing();
    assert_noted(shop, shop->own, code == AM_OK ? orphan : own_image);
    if (code != AM_OK)
        assert_unknown(code, &error);
}

static void noting(void **state) {
    (void)state;
    try_with_every_failure(note);
}

static void recall(struct shop *shop) {
    char name[AM_STORE_NAME_SIZE];
    struct am_error error;
    enum am_code code = am_store_recall(&shop->store, shop->own, false, name, &error);
    if (code == AM_OK)
        assert_string_equal(name, own_image);
    else
        assert_unknown(code, &error);
}

static void recalling(void **state) {
    (void)state;
    try_with_every_failure(recall);
}

static void open_image(struct shop *shop) {
    struct am_image *image = NULL;
    struct am_store_hold hold = AM_STORE_NO_HOLD;
    struct am_error error;
    enum am_code code = am_store_open_image(&shop->store, own_image, false, &image, &hold, &error);
    if (code != AM_OK)
        assert_unknown(code, &error);
    assert_false(am_store_is_lost(code));
    am_image_close(image);
    am_store_release(&hold);
}

static void opening_an_image(void **state) {
    (void)state;
    try_with_every_failure(open_image);
}

static void examine(struct shop *shop) {
    enum am_store_condition condition = am_store_examine(&shop->store, own_image, &shop->hold);
    assert_int_equal(condition, order.failed ? AM_STORE_UNKNOWN : AM_STORE_SOUND);
}

static void examining_an_image(void **state) {
    (void)state;
    try_with_every_failure(examine);
}

static void replace(struct shop *shop) {
    struct am_error error;
    enum am_code code = am_store_put_back(&shop->store, others_image, &shop->hold, &error);
    if (code != AM_OK)
        assert_unknown(code, &error);
    else if (order.failed)
        fail_msg("%s failing goes unnoticed", order.failed);
}

static void replacing_an_image(void **state) {
    (void)state;
    try_with_every_failure(replace);
}

/* Finds the image of the own inventory, which was made before anything fails. */
static void find(struct shop *shop) {
    const struct am_source source = {.path = shop->own};
    struct am_source_built built;
    struct am_inventory_report report = {0};
    struct am_error error;
    enum am_code code = am_source_image(&source, shop->path, 0, &built, &report, &error);
    am_inventory_report_free(&report);
    if (code == AM_OK)
        assert_true(built.found);
    else
        assert_unknown(code, &error);
    am_image_close(built.image);
    am_store_release(&built.hold);
}

static void find_what_was_made(struct shop *shop) {
    const struct am_source source = {.path = shop->own};
    long calls = order.left;
    struct am_source_built built;
    struct am_inventory_report report = {0};
    struct am_error error;
    fail_nothing();
    if (am_source_image(&source, shop->path, 0, &built, &report, &error) != AM_OK)
        fail_msg("%s", error.message);
    am_image_close(built.image);
    am_store_release(&built.hold);
    order.left = calls;
    find(shop);
}

/* A whole folder of zones would make it thousands of calls. */
static void finding_an_image(void **state) {
    (void)state;
    setenv("TZDIR", "/nowhere", 1);
    try_with_every_failure(find_what_was_made);
    unsetenv("TZDIR");
}

static void log_nothing(void *unused, const char *line) {
    (void)unused, (void)line;
}

static void tend(struct shop *shop) {
    static const struct am_publish_sink sink = {.log = log_nothing};
    struct am_publisher publisher = {
        .source = {.path = shop->own}, .store_folder = shop->path, .sink = &sink};
    long calls = order.left;
    fail_nothing();
    publisher.metrics = am_metrics_new(1, 1, NULL);
    publisher.channel = am_publish_channel_new(NULL);
    am_publish_channel_publish(publisher.channel, own_image, 1);
    am_publisher_resume(&publisher);
    order.left = calls;
    bool due = am_publisher_tend(&publisher);
    fail_nothing();
    /* Without its folder, a check says why. */
    if (due && strcmp(order.failed, "open") != 0 && strcmp(order.failed, "mkdir") != 0 &&
        strcmp(order.failed, "fstat") != 0)
        fail_msg("%s failing: the image is built again", order.failed);
    am_publisher_tend(&publisher);
    assert_noted(shop, shop->own, own_image);
    am_store_release(&publisher.held);
    am_publish_channel_free(publisher.channel);
    am_metrics_free(publisher.metrics);
}

static void tending_a_published_image(void **state) {
    (void)state;
    try_with_every_failure(tend);
}

/* ---- named faults -----------------------------------------------------------------------------
 */

/* Whoever unlocks removes the lock's file; who cleans must not remove the next one, too. */
static void cleaning_leaves_a_lock_that_another_process_has_made(void **state) {
    static const char lock[] = NAME("6", ".lock");
    struct shop *shop = *state;
    bool complete;
    close(openat(shop->store.folder, lock, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    appears = lock;
    assert_int_equal(am_store_clean(&shop->store, &complete, NULL), AM_OK);
    assert_null(appears);
    assert_true(has_file(shop, lock));
}

static void a_lock_whose_name_cannot_be_examined_is_not_tried_for_ever(void **state) {
    struct shop *shop = *state;
    fail_call("fstatat", 0, EIO);
    order.always = true;
    assert_int_equal(am_store_lock(&shop->store, own_image, 1000), -1);
    assert_int_equal(errno, EIO);
    fail_nothing();
}

/* The second one is the folder's. */
static void a_folder_that_cannot_be_synced_is_an_error(void **state) {
    struct shop *shop = *state;
    struct am_error error = {0};
    fail_call("fsync", 1, EIO);
    assert_int_equal(am_store_write(&shop->store, &shop->bytes, orphan, &error), AM_E_IO);
    assert_non_null(strstr(error.message, "cannot sync the folder of"));
    assert_usable(shop, orphan);
}

static void a_folder_that_is_never_synced_is_none(void **state) {
    struct shop *shop = *state;
    static const int errors[] = {EINVAL, ENOTSUP};
    for (size_t i = 0; i < AM_COUNT_OF(errors); i++) {
        fail_call("fsync", 1, errors[i]);
        assert_int_equal(am_store_write(&shop->store, &shop->bytes, orphan, NULL), AM_OK);
        assert_non_null(order.failed);
    }
}

static void time_zones_that_change_while_they_are_read_are_read_again(void **state) {
    struct shop *shop = *state;
    const struct am_source source = {.path = shop->own};
    const struct timespec before[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    struct am_source_built built;
    struct am_source_version now;
    struct am_inventory_report report = {0};
    setenv("TZDIR", shop->folder, 1);
    assert_int_equal(utimensat(AT_FDCWD, shop->folder, before, 0), 0);
    zones_to_touch = shop->folder;
    assert_int_equal(am_source_image(&source, shop->path, 0, &built, &report, NULL), AM_OK);
    assert_int_equal(am_source_signature(shop->own, &now, NULL), AM_OK);
    assert_int_equal(built.signature.zones_changed.tv_sec, 1000);
    assert_false(am_source_version_equal(&now, &built.signature));
    zones_to_touch = NULL;
    unsetenv("TZDIR");
    am_image_close(built.image);
    am_store_release(&built.hold);
}

static void why_there_are_no_time_zones_is_reported(void **state) {
    struct shop *shop = *state;
    const struct am_source source = {.path = shop->own};
    struct am_source_built built;
    struct am_inventory_report report = {0};
    setenv("TZDIR", "/nowhere/zones", 1);
    assert_int_equal(am_source_image(&source, shop->path, 0, &built, &report, NULL), AM_OK);
    assert_int_equal(built.zones_missing.code, AM_E_IO);
    assert_non_null(strstr(built.zones_missing.message, "/nowhere/zones"));
    unsetenv("TZDIR");
    am_image_close(built.image);
    am_store_release(&built.hold);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_shop, close_shop)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cleaning),
        cmocka_unit_test(noting),
        cmocka_unit_test(recalling),
        cmocka_unit_test(opening_an_image),
        cmocka_unit_test(examining_an_image),
        cmocka_unit_test(replacing_an_image),
        cmocka_unit_test(finding_an_image),
        cmocka_unit_test(tending_a_published_image),
        TEST(cleaning_leaves_a_lock_that_another_process_has_made),
        TEST(a_lock_whose_name_cannot_be_examined_is_not_tried_for_ever),
        TEST(a_folder_that_cannot_be_synced_is_an_error),
        TEST(a_folder_that_is_never_synced_is_none),
        TEST(time_zones_that_change_while_they_are_read_are_read_again),
        TEST(why_there_are_no_time_zones_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
