/* SPDX-License-Identifier: Apache-2.0 */
/* What is derived of visitors: agents, languages, addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../plugin/client/agent.h"
#include "../../plugin/client/geo.h"
#include "../../plugin/client/languages.h"
#include "../geo/mmdb.h"

/* ---- agents ----------------------------------------------------------------------------------
 */

static void
check_agent(const char *agent, const char *device, const char *os, const char *browser) {
    struct am_client_agent read = am_client_agent_read(am_view_of(agent), AM_VIEW(""), AM_VIEW(""));
    assert_string_equal(read.device ? read.device : "", device);
    assert_string_equal(read.os ? read.os : "", os);
    assert_string_equal(read.browser ? read.browser : "", browser);
}

#define WEBKIT "AppleWebKit/537.36 (KHTML, like Gecko) "
#define APPLE "AppleWebKit/605.1.15 (KHTML, like Gecko) "

static void agents_are_told_apart(void **state) {
    (void)state;
    check_agent("Mozilla/5.0 (Windows NT 10.0; Win64; x64) " WEBKIT
                "Chrome/131.0.0.0 Safari/537.36",
                "desktop", "windows", "chrome");
    check_agent("Mozilla/5.0 (Windows NT 10.0; Win64; x64) " WEBKIT
                "Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
                "desktop", "windows", "edge");
    check_agent("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " APPLE
                "Version/17.6 Safari/605.1.15",
                "desktop", "macos", "safari");
    check_agent("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", "desktop",
                "linux", "firefox");
    check_agent("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) " APPLE
                "Version/17.0 Mobile/15E148 Safari/604.1",
                "mobile", "ios", "safari");
    check_agent("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 "
                "Mobile/15E148",
                "mobile", "ios", "safari");
    check_agent("Mozilla/5.0 (iPad; CPU OS 16_0 like Mac OS X) " APPLE
                "CriOS/120.0 Mobile/15E148 Safari/604.1",
                "tablet", "ios", "chrome");
    check_agent("Mozilla/5.0 (Linux; Android 14; Pixel 8) " WEBKIT
                "Chrome/131.0.0.0 Mobile Safari/537.36",
                "mobile", "android", "chrome");
    check_agent("Mozilla/5.0 (Linux; Android 13; SM-X700) " WEBKIT "Chrome/131.0.0.0 Safari/537.36",
                "tablet", "android", "chrome");
    check_agent("Mozilla/5.0 (Linux; Android 13; SM-S911B) " WEBKIT
                "SamsungBrowser/23.0 Chrome/115.0.0.0 Mobile Safari/537.36",
                "mobile", "android", "samsung");
    check_agent("Mozilla/5.0 (Linux; Android 12; BRAVIA 4K VH2) " WEBKIT
                "Chrome/96.0 Safari/537.36",
                "tv", "android", "chrome");
    check_agent("Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) " WEBKIT "76.0.3809.146/6.0 TV", "tv",
                "tizen", "");
    check_agent("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " WEBKIT "Chrome/131.0.0.0 Safari/537.36",
                "desktop", "chromeos", "chrome");
    check_agent("python-requests/2.28", "", "", "");
    check_agent("", "", "", "");
}

static void only_the_beginning_of_an_agent_counts(void **state) {
    (void)state;
    char agent[4096];
    memset(agent, 'x', sizeof agent);
    memcpy(agent + 2048, "Firefox/133.0 Windows", 21);
    struct am_client_agent read =
        am_client_agent_read((struct am_view){agent, sizeof agent}, AM_VIEW(""), AM_VIEW(""));
    assert_null(read.browser);
    assert_null(read.os);
}

static void hints_go_first(void **state) {
    (void)state;
    struct am_client_agent read = am_client_agent_read(
        AM_VIEW("Mozilla/5.0 (X11; Linux x86_64) " WEBKIT "Chrome/131.0.0.0 Safari/537.36"),
        AM_VIEW("?1"), AM_VIEW("\"Android\""));
    assert_string_equal(read.device, "mobile");
    assert_string_equal(read.os, "android");
    assert_string_equal(read.browser, "chrome");
    read = am_client_agent_read(AM_VIEW(""), AM_VIEW("?0"), AM_VIEW("\"Unknown\""));
    assert_string_equal(read.device, "desktop");
    assert_null(read.os);
}

/* ---- languages --------------------------------------------------------------------------------
 */

static void check_language(const char *header, const char *language) {
    struct am_view first = am_client_languages_first(am_view_of(header));
    assert_int_equal(first.size, strlen(language));
    assert_true(am_view_equal(first, am_view_of(language)));
}

static void the_first_language_of_greatest_weight_counts(void **state) {
    (void)state;
    check_language("en-US,en;q=0.9,de;q=0.8", "en-US");
    check_language("de;q=0.5, fr ; q=0.7 ,*;q=0.9", "fr");
    check_language("zh-Hant-TW", "zh-Hant-TW");
    check_language("en;q=0", "");
    check_language("*", "");
    check_language("", "");
    check_language(",;, ;q=1", "");
    check_language("e, \"en\", en_US, d\303\244", "");
    check_language("de;q=1.000;x, en", "de");
    check_language("de;level=1, en;q=0.1", "en");
    assert_true(am_view_equal(am_client_language_alone(AM_VIEW("zh-Hant-TW")), AM_VIEW("zh")));
    assert_true(am_view_equal(am_client_language_alone(AM_VIEW("de")), AM_VIEW("de")));
}

/* ---- addresses --------------------------------------------------------------------------------
 */

static char path[] = "/tmp/admatch-geo-XXXXXX";

static void write_file(const char *country, const char *kind) {
    static const uint8_t six[16] = {0x20, 0x01, 0x0d, 0xb8};
    struct mmdb_writer writer;
    mmdb_start(&writer);
    mmdb_add4(&writer, 0xc0000200, 24, mmdb_place(&writer, country, "CA", "Springfield", 807));
    mmdb_add4(&writer, 0xc6336400, 25, mmdb_place(&writer, "DE", "", "", 0));
    mmdb_add(&writer, six, 32, mmdb_place(&writer, "FR", "IDF", "Paris", 0));
    assert_true(mmdb_write(&writer, path, kind));
    mmdb_stop(&writer);
}

static int make_path(void **state) {
    (void)state;
    close(mkstemp(path));
    return 0;
}

static int remove_path(void **state) {
    (void)state;
    return unlink(path);
}

/* "US CA Springfield 807"; "": not found. */
static const char *
find(struct am_client_geo_handle *handle, const struct am_client_geo *geo, const char *text) {
    static char found[256];
    struct am_address address;
    struct am_client_place place;
    assert_true(am_address_parse(am_view_of(text), &address));
    if (!am_client_geo_find(handle, geo, &address, &place))
        return "";
    snprintf(found, sizeof found, "%.*s %.*s %.*s %s", AM_VIEW_ARGUMENTS(place.country),
             AM_VIEW_ARGUMENTS(place.region), AM_VIEW_ARGUMENTS(place.city), place.metro);
    return found;
}

static void addresses_are_found(void **state) {
    (void)state;
    struct am_client_geo_handle handle = {NULL, 0};
    struct am_error error;
    write_file("US", "Test-City");
    struct am_client_geo *geo = am_client_geo_new(path, &error);
    assert_non_null(geo);
    assert_string_equal(find(&handle, geo, "192.0.2.255"), "US CA Springfield 807");
    assert_string_equal(find(&handle, geo, "::ffff:192.0.2.1"), "US CA Springfield 807");
    assert_string_equal(find(&handle, geo, "198.51.100.127"), "DE   ");
    assert_string_equal(find(&handle, geo, "198.51.100.128"), "");
    assert_string_equal(find(&handle, geo, "2001:db8:1::"), "FR IDF Paris ");
    assert_string_equal(find(&handle, geo, "::1"), "");
    am_client_geo_close(&handle);
    am_client_geo_free(geo);
}

static void a_newer_file_is_used_once_it_is_published(void **state) {
    (void)state;
    struct am_client_geo_handle handle = {NULL, 0};
    struct am_error error;
    bool changed;
    write_file("US", "Test-City");
    struct am_client_geo *geo = am_client_geo_new(path, &error);
    assert_non_null(geo);
    assert_string_equal(find(&handle, geo, "192.0.2.1"), "US CA Springfield 807");
    write_file("CA", "Test-City");
    assert_string_equal(find(&handle, geo, "192.0.2.1"), "US CA Springfield 807");
    assert_int_equal(am_client_geo_check(geo, &changed, &error), AM_OK);
    assert_true(changed);
    assert_string_equal(find(&handle, geo, "192.0.2.1"), "CA CA Springfield 807");
    assert_int_equal(am_client_geo_check(geo, &changed, &error), AM_OK);
    assert_false(changed);
    am_client_geo_close(&handle);
    am_client_geo_free(geo);
}

/* A file that was replaced after its publication was never verified: who has none open waits. */
static void what_was_not_verified_is_not_used(void **state) {
    (void)state;
    struct am_client_geo_handle fresh = {NULL, 0};
    struct am_error error;
    bool changed;
    write_file("US", "Test-City");
    struct am_client_geo *geo = am_client_geo_new(path, &error);
    assert_non_null(geo);
    write_file("CA", "Test-City");
    assert_string_equal(find(&fresh, geo, "192.0.2.1"), "");
    assert_int_equal(am_client_geo_check(geo, &changed, &error), AM_OK);
    assert_string_equal(find(&fresh, geo, "192.0.2.1"), "CA CA Springfield 807");
    am_client_geo_close(&fresh);
    am_client_geo_free(geo);
}

static void overwrite(long at, const void *bytes, size_t size) {
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void what_is_no_sound_file_is_refused(void **state) {
    (void)state;
    struct am_error error;
    assert_null(am_client_geo_new("/nonexistent/x.mmdb", &error));
    assert_int_equal(error.code, AM_E_IO);
    write_file("US", "Test-ASN");
    assert_null(am_client_geo_new(path, &error));
    assert_int_equal(error.code, AM_E_INVALID);
    assert_non_null(strstr(error.message, "Test-ASN"));
    write_file("US", "Test-City");
    overwrite(0, "\x7f\xff\xff\xff", 4); /* a record far behind the data */
    assert_null(am_client_geo_new(path, &error));
    assert_int_equal(error.code, AM_E_CORRUPT);
    assert_int_equal(truncate(path, 100), 0);
    assert_null(am_client_geo_new(path, &error));
    assert_int_equal(error.code, AM_E_CORRUPT);
}

/* Whatever byte is wrong, a file is refused, or can be used without harm. */
static void damage_does_no_harm(void **state) {
    (void)state;
    static const char *const asked[] = {"192.0.2.1", "198.51.100.1", "2001:db8::1", "::1"};
    struct stat status;
    write_file("US", "Test-City");
    assert_int_equal(stat(path, &status), 0);
    for (long at = 0; at < (long)status.st_size; at++) {
        struct am_client_geo_handle handle = {NULL, 0};
        struct am_error error;
        write_file("US", "Test-City");
        overwrite(at, &(uint8_t){(uint8_t)(at * 37 + 0x5b)}, 1);
        struct am_client_geo *geo = am_client_geo_new(path, &error);
        for (size_t i = 0; geo && i < sizeof asked / sizeof *asked; i++)
            find(&handle, geo, asked[i]);
        am_client_geo_close(&handle);
        am_client_geo_free(geo);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agents_are_told_apart),
        cmocka_unit_test(only_the_beginning_of_an_agent_counts),
        cmocka_unit_test(hints_go_first),
        cmocka_unit_test(the_first_language_of_greatest_weight_counts),
        cmocka_unit_test(addresses_are_found),
        cmocka_unit_test(a_newer_file_is_used_once_it_is_published),
        cmocka_unit_test(what_was_not_verified_is_not_used),
        cmocka_unit_test(what_is_no_sound_file_is_refused),
        cmocka_unit_test(damage_does_no_harm),
    };
    return cmocka_run_group_tests_name("client", tests, make_path, remove_path);
}
