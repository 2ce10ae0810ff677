/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a time zone file (TZif) in a zoneinfo folder; a zone that loads is asked at times
 * far and near. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../plugin/base/timezone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/admatch-fuzz-zones-XXXXXX";
static char path[sizeof folder + 8];

static void require(bool holds) {
    if (!holds)
        abort();
}

static void remove_folder(void) {
    unlink(path);
    rmdir(folder);
}

static void make_folder(void) {
    if (path[0])
        return;
    require(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/Zone", folder);
    atexit(remove_folder);
}

static void write_zone(const uint8_t *data, size_t size) {
    FILE *file = fopen(path, "wb");
    require(file && fwrite(data, 1, size, file) == size);
    require(fclose(file) == 0);
}

static void ask(const struct am_timezone *zone) {
    static const int64_t times[] = {
        -62167219200, -1,         0,          946684799,  946684800,    1000000000,
        1792497600,   1800000000, 2147483647, 4102444800, 253402300799,
    };
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        am_timezone_offset(zone, times[i]);
        require(am_timezone_week_minute(zone, times[i]) / 60 < 168);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct am_error error = {0};
    make_folder();
    write_zone(data, size);
    struct am_timezones *zones = am_timezones_load(folder, &error);
    require(zones != NULL);
    require(am_timezone_find(zones, am_view_of("UTC")) != NULL);
    const struct am_timezone *zone = am_timezone_find(zones, am_view_of("Zone"));
    if (zone)
        ask(zone);
    am_timezones_free(zones);
    return 0;
}
