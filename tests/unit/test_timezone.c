/* SPDX-License-Identifier: Apache-2.0 */
/* Time zones, against Python's zoneinfo reading the same files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../plugin/base/timezone.h"

/* Around each change of the clock and at odd times, 2000 to 2090: zone, time, offset, hour. */
static const char oracle[] =
    "exec python3 -c '\n"
    "from datetime import datetime, timezone\n"
    "from zoneinfo import ZoneInfo\n"
    "def row(name, zone, time):\n"
    "    local = datetime.fromtimestamp(time, zone)\n"
    "    offset = int(local.utcoffset().total_seconds())\n"
    "    print(name, time, offset, local.weekday() * 24 + local.hour)\n"
    "    return offset\n"
    "for name in (\"Europe/Berlin\", \"America/New_York\", \"Australia/Lord_Howe\", \"UTC\",\n"
    "             \"America/Santiago\", \"Asia/Kolkata\", \"Asia/Kathmandu\", \"Asia/Tokyo\",\n"
    "             \"Africa/Casablanca\", \"Pacific/Apia\", \"Europe/Dublin\"):\n"
    "    zone = ZoneInfo(name)\n"
    "    offset_at = lambda t: datetime.fromtimestamp(t, zone).utcoffset()\n"
    "    for start in range(946684800, 3786912000, 864000 * 3):\n"
    "        row(name, zone, start + 12345)\n"
    "        low, high = start, start + 864000 * 3\n"
    "        if offset_at(low) == offset_at(high): continue\n"
    "        while high - low > 1:\n"
    "            middle = (low + high) // 2\n"
    "            if offset_at(middle) == offset_at(low): low = middle\n"
    "            else: high = middle\n"
    "        for time in (low - 3600, low, high, high + 3599, high + 3600): row(name, zone, time)\n"
    "'";

static void offsets_and_hours_are_those_of_the_oracle(void **state) {
    (void)state;
    struct am_timezones *zones = am_timezones_load(NULL, NULL);
    FILE *rows = popen(oracle, "r");
    char name[64];
    long long time;
    int offset, hour, count = 0;
    assert_true(zones && rows);
    while (fscanf(rows, "%63s %lld %d %d", name, &time, &offset, &hour) == 4) {
        const struct am_timezone *zone = am_timezone_find(zones, am_view_of(name));
        assert_non_null(zone);
        if (am_timezone_offset(zone, time) != offset ||
            am_timezone_week_minute(zone, time) / 60 != (unsigned)hour)
            fail_msg("%s at %lld: offset %d, hour %u; expected %d, %d", name, time,
                     am_timezone_offset(zone, time), am_timezone_week_minute(zone, time) / 60,
                     offset, hour);
        count++;
    }
    assert_int_equal(pclose(rows), 0);
    assert_true(count > 10000);
    am_timezones_free(zones);
}

static void changes_are_found_where_offsets_change(void **state) {
    (void)state;
    static const char *const names[] = {
        "Europe/Berlin",       "America/New_York", "UTC",
        "America/Santiago",    "Asia/Kolkata",     "Africa/Casablanca",
        "Australia/Lord_Howe", "Pacific/Apia",     "Europe/Dublin"};
    struct am_timezones *zones = am_timezones_load(NULL, NULL);
    assert_non_null(zones);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct am_timezone *zone = am_timezone_find(zones, am_view_of(names[i]));
        int64_t next = am_timezone_next_change(zone, INT64_C(946684800));
        for (int64_t time = 946684800; time < INT64_C(2840140800); time += 1800) {
            bool changed = am_timezone_offset(zone, time) != am_timezone_offset(zone, time + 1800);
            assert_true(changed == (next <= time + 1800));
            if (!changed)
                continue;
            assert_int_not_equal(am_timezone_offset(zone, next - 1),
                                 am_timezone_offset(zone, next));
            next = am_timezone_next_change(zone, next);
        }
    }
    assert_true(am_timezone_next_change(NULL, 0) == INT64_MAX);
    am_timezones_free(zones);
}

static void names_are_never_paths(void **state) {
    (void)state;
    static const char *const names[] = {"../zoneinfo/Europe/Berlin",
                                        "/usr/share/zoneinfo/UTC",
                                        "Europe/../UTC",
                                        "europe/berlin",
                                        "Europe",
                                        ""};
    struct am_timezones *zones = am_timezones_load(NULL, NULL);
    assert_non_null(zones);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_null(am_timezone_find(zones, am_view_of(names[i])));
    am_timezones_free(zones);
}

static void write_zone(const char *folder, const char *name, const char *bytes, size_t size) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Each part of a good file, and each file with one byte changed, in a folder of its own. */
static void damaged_files_harm_nobody(void **state) {
    (void)state;
    char folder[] = "/tmp/admatch-zones-XXXXXX", path[64], bytes[8192];
    assert_non_null(mkdtemp(folder));
    FILE *file = fopen("/usr/share/zoneinfo/Europe/Berlin", "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    for (size_t i = 0; i < size; i += i < 64 ? 1 : 37) {
        char kept = bytes[i];
        write_zone(folder, "cut", bytes, i);
        bytes[i] ^= (char)0xFF;
        write_zone(folder, "changed", bytes, size);
        bytes[i] = kept;
        struct am_timezones *zones = am_timezones_load(folder, NULL);
        assert_non_null(zones);
        assert_non_null(am_timezone_find(zones, AM_VIEW("UTC")));
        for (int64_t time = -4000000000; time < 8000000000; time += 40000003)
            assert_true(am_timezone_week_minute(am_timezone_find(zones, AM_VIEW("changed")), time) /
                            60 <
                        168);
        am_timezones_free(zones);
    }
    snprintf(path, sizeof path, "%s/cut", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/changed", folder);
    unlink(path);
    rmdir(folder);
}

/* A table never misses a zone because of the moment in which it was read. */
static void without_a_descriptor_there_is_no_table(void **state) {
    (void)state;
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    for (rlim_t allowed = 3; allowed < 6; allowed++) {
        struct rlimit few = {allowed, before.rlim_max};
        struct am_error error = {0};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        struct am_timezones *zones = am_timezones_load(NULL, &error);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_true(zones ? am_timezones_count(zones) > 100 : error.code == AM_E_IO);
        if (allowed == 3)
            assert_null(zones);
        am_timezones_free(zones);
    }
}

static void without_a_folder_there_is_utc_and_an_error(void **state) {
    (void)state;
    struct am_error error = {0};
    struct am_timezones *zones = am_timezones_load("/nowhere", &error);
    assert_int_equal(error.code, AM_E_IO);
    assert_non_null(am_timezone_find(zones, AM_VIEW("UTC")));
    am_timezones_free(zones);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offsets_and_hours_are_those_of_the_oracle),
        cmocka_unit_test(changes_are_found_where_offsets_change),
        cmocka_unit_test(names_are_never_paths),
        cmocka_unit_test(damaged_files_harm_nobody),
        cmocka_unit_test(without_a_folder_there_is_utc_and_an_error),
        cmocka_unit_test(without_a_descriptor_there_is_no_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
