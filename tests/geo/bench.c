/* SPDX-License-Identifier: Apache-2.0 */
/* bench [NETWORKS]: how long a lookup takes, warm, in a file of the kind City with so many networks
 * (1,000,000) and 50,000 places, over 4,096 addresses again and again; and how long its check. */
#include <unistd.h>

#include "../../plugin/base/clock.h"
#include "../../plugin/client/geo.h"
#include "mmdb.h"

enum { PLACES = 50000, ASKED = 4096, ROUNDS = 200 };

static uint32_t mix(uint32_t value) {
    value = (value ^ value >> 16) * 0x7feb352d;
    value = (value ^ value >> 15) * 0x846ca68b;
    return value ^ value >> 16;
}

/* /24 networks: each prefix of 24 bits once, in an order of no order. */
static uint32_t network_of(uint32_t i) {
    return (i * 2654435761u & 0xffffff) << 8;
}

static void write_networks(const char *path, uint32_t networks) {
    static uint32_t places[PLACES];
    struct mmdb_writer writer;
    char city[32];
    mmdb_start(&writer);
    for (uint32_t i = 0; i < PLACES; i++) {
        snprintf(city, sizeof city, "City of %u", i);
        places[i] = mmdb_place(&writer, i % 3 ? "US" : "DE", i % 2 ? "CA" : "", city, i % 900);
    }
    for (uint32_t i = 0; i < networks; i++)
        mmdb_add4(&writer, network_of(i), 24, places[mix(i) % PLACES]);
    if (!mmdb_write(&writer, path, "Bench-City"))
        exit(1);
    printf("%u networks, %u nodes\n", networks, writer.node_count);
    mmdb_stop(&writer);
}

static struct am_address address_of(uint32_t four) {
    struct am_address address = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};
    for (unsigned i = 0; i < 4; i++)
        address.bytes[12 + i] = (uint8_t)(four >> (24 - 8 * i));
    return address;
}

int main(int argc, char **argv) {
    const uint32_t networks = argc > 1 ? (uint32_t)atoi(argv[1]) : 1000000;
    char path[] = "/dev/shm/admatch-bench-XXXXXX";
    struct am_client_geo_handle handle = {NULL, 0};
    struct am_client_place place;
    struct am_error error;
    uint64_t found = 0, best = UINT64_MAX;
    close(mkstemp(path));
    write_networks(path, networks);
    uint64_t began = am_clock(CLOCK_MONOTONIC);
    struct am_client_geo *geo = am_client_geo_new(path, &error);
    if (!geo) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    printf("checked in %.3f s\n", (double)(am_clock(CLOCK_MONOTONIC) - began) / 1e9);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        began = am_clock(CLOCK_MONOTONIC);
        for (uint32_t i = 0; i < ASKED; i++) {
            struct am_address address = address_of(network_of(mix(i) % networks) | 7);
            found += am_client_geo_find(&handle, geo, &address, &place);
        }
        uint64_t took = am_clock(CLOCK_MONOTONIC) - began;
        best = took < best ? took : best;
    }
    printf("a lookup: %.0f ns, in the best of %d rounds; %llu of %u found\n", (double)best / ASKED,
           ROUNDS, (unsigned long long)found, ASKED * ROUNDS);
    am_client_geo_close(&handle);
    unlink(path);
    return found == (uint64_t)ASKED * ROUNDS ? 0 : 1;
}
