/* Every allocation of the way from an inventory to an answer made to fail in turn: each failure is
 * told, nothing leaks, and the next try succeeds. Linked with --wrap, see the Makefile; what
 * libraries allocate for themselves is not counted. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api_inventory.h"

static long countdown; /* the allocation that fails, from 1; 0: none */
static long live;      /* allocated and not freed */
static bool failed;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **memory, size_t alignment, size_t size);
void __real_free(void *memory);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t size);
void __wrap_free(void *memory);

static bool fails_now(void) {
    if (countdown == 0 || --countdown > 0)
        return false;
    return failed = true;
}

static void *counted(void *memory) {
    live += memory != NULL;
    return memory;
}

void *__wrap_malloc(size_t size) {
    return fails_now() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size) {
    return fails_now() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *memory, size_t size) {
    if (fails_now())
        return NULL;
    return memory ? __real_realloc(memory, size) : counted(__real_realloc(NULL, size));
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    return fails_now() ? NULL : counted(__real_aligned_alloc(alignment, size));
}

int __wrap_posix_memalign(void **memory, size_t alignment, size_t size) {
    if (fails_now())
        return ENOMEM;
    int result = __real_posix_memalign(memory, alignment, size);
    live += result == 0;
    return result;
}

char *__wrap_strdup(const char *text) {
    return fails_now() ? NULL : counted(__real_strdup(text));
}

void __wrap_free(void *memory) {
    live -= memory != NULL;
    __real_free(memory);
}

static const char inventory_text[] =
    "{\"type\":\"inventory\",\"language\":\"en\"}\n"
    "{\"type\":\"campaign\",\"id\":\"c\",\"advertiser\":\"x\",\"negative_keywords\":[\"free\"],"
    "\"targeting\":{\"not\":{\"site\":[\"bad.example\"]},\"kv\":{\"k\":[\"v\"]}},"
    "\"labels\":[\"l\"],\"categories\":[\"IAB1-2\"],\"domain\":\"x.example\"}\n"
    "{\"id\":\"a\",\"campaign\":\"c\",\"bid\":2,\"nam\":1,\"sizes\":[\"300x250\"],"
    "\"keywords\":[\"red wine\",\"\\\"white wine\\\"\",\"[port wine]\",\"*\",\"-cheap\"]}\n"
    "{\"id\":\"b\",\"advertiser\":\"y\",\"bid\":1,\"keywords\":[\"wines\"],"
    "\"targeting\":{\"any\":[{\"hour\":[1,2]},{\"country\":[\"US\"]}]},"
    "\"creative\":{\"title\":\"t\"},\"url\":\"https://y.example/\"}";

typedef enum am_code attempt(struct am_error *error);

/* Gives the n-th allocation of the attempt to fail, for every n that it reaches. */
static void fail_each_allocation(attempt *try) {
    struct am_error error;
    long before = live, n = 0;
    do {
        error = (struct am_error){0};
        failed = false;
        countdown = ++n;
        enum am_code code = try(&error);
        countdown = 0;
        if (failed && code != AM_E_MEMORY)
            fail_msg("allocation %ld: code %d: %s", n, code, error.message);
        if (failed && error.message[0] == '\0')
            fail_msg("allocation %ld: no message", n);
        if (live != before)
            fail_msg("allocation %ld: %ld leaked", n, live - before);
    } while (failed);
    assert_true(n > 1);
    assert_int_equal(try(&error), AM_OK);
    assert_int_equal(live, before);
}

/* The inventory, kept in *inventory for the caller to free. */
static enum am_code load(struct am_inventory **inventory, struct am_error *error) {
    const struct am_load_options options = {0};
    struct am_report report = {0};
    enum am_code code = am_inventory_load_memory(am_view_of(inventory_text), "test", &options,
                                                 inventory, &report, error);
    am_report_free(&report);
    return code;
}

static enum am_code try_load(struct am_error *error) {
    struct am_inventory *inventory = NULL;
    enum am_code code = load(&inventory, error);
    am_inventory_free(inventory);
    return code;
}

static struct am_inventory *loaded;
static struct am_image_bytes built;
static struct am_image *opened;

static enum am_code try_build(struct am_error *error) {
    struct am_image_bytes bytes = {0};
    enum am_code code = am_image_build(loaded, false, &bytes, error);
    if (code == AM_OK)
        am_image_bytes_free(&bytes);
    return code;
}

static enum am_code try_open_and_verify(struct am_error *error) {
    struct am_image *image = NULL;
    enum am_code code = am_image_open_memory(built.data, built.size, &image, error);
    if (code == AM_OK)
        code = am_image_verify(image, error);
    am_image_close(image);
    return code;
}

static enum am_code try_zones(struct am_error *error) {
    struct am_timezones *zones = am_timezones_load("/usr/share/zoneinfo/Europe", error);
    am_timezones_free(zones);
    return zones ? AM_OK : error->code;
}

static void ask(struct am_api *api, enum am_content content, const char *body) {
    struct am_api_request request = {.content = content, .body = am_view_of(body)};
    struct am_api_response response;
    am_api_decide(api, &request, &response);
    assert_int_equal(response.status, 200);
}

static enum am_code try_serve(struct am_error *error) {
    struct am_api *api = am_api_new(&AM_API_LIMITS_DEFAULT, error);
    if (!api)
        return error->code;
    enum am_code code = am_api_attach(api, opened, NULL, error);
    if (code == AM_OK) {
        ask(api, AM_CONTENT_JSON, "{\"query\":\"red wine\",\"explain\":true}");
        ask(api, AM_CONTENT_QUERY_STRING, "query=red+wines&count=2");
        ask(api, AM_CONTENT_TEXT, "white wine");
    }
    am_api_free(api);
    return code;
}

static void loading_tells_of_every_allocation_that_fails(void **state) {
    (void)state;
    fail_each_allocation(try_load);
}

static void building_tells_of_every_allocation_that_fails(void **state) {
    (void)state;
    fail_each_allocation(try_build);
}

static void opening_tells_of_every_allocation_that_fails(void **state) {
    (void)state;
    fail_each_allocation(try_open_and_verify);
}

static void time_zones_tell_of_every_allocation_that_fails(void **state) {
    (void)state;
    fail_each_allocation(try_zones);
}

static void serving_tells_of_every_allocation_that_fails(void **state) {
    (void)state;
    fail_each_allocation(try_serve);
}

static int set_up(void **state) {
    (void)state;
    struct am_error error;
    return load(&loaded, &error) || am_image_build(loaded, false, &built, &error) ||
           am_image_open_memory(built.data, built.size, &opened, &error);
}

static int tear_down(void **state) {
    (void)state;
    am_image_close(opened);
    am_image_bytes_free(&built);
    am_inventory_free(loaded);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loading_tells_of_every_allocation_that_fails),
        cmocka_unit_test(building_tells_of_every_allocation_that_fails),
        cmocka_unit_test(opening_tells_of_every_allocation_that_fails),
        cmocka_unit_test(time_zones_tell_of_every_allocation_that_fails),
        cmocka_unit_test(serving_tells_of_every_allocation_that_fails),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
