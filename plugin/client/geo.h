/* SPDX-License-Identifier: Apache-2.0 */
/* Where an address is: a file in MaxMind's DB format 2.0, of the kinds City and Country, read by
 * libmaxminddb.
 *
 * One process, the publisher, verifies the file and publishes its identity in shared memory; every
 * context of every worker has a handle of its own, and opens the file anew when it finds that
 * another one was published. So no lookup waits for another, none sees a handle that goes away, and
 * all handles map the same pages. */
#ifndef AM_CLIENT_GEO_H
#define AM_CLIENT_GEO_H

#include <stdatomic.h>
#include <sys/types.h>
#include <time.h>

#include "../base/address.h"

/* Identifies a version of the file. */
struct am_client_geo_version {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

/* In memory that all processes share. Invariant: while `number` is odd, `version` is being written;
 * it changes by one before and after. 0: nothing is published. */
struct am_client_geo {
    const char *path;
    _Atomic uint32_t number;
    struct am_client_geo_version version;
};

/* Shares memory, verifies the file and publishes it. In the process that forks the others; `path`
 * lives as long. NULL, and why: AM_E_IO, AM_E_CORRUPT, AM_E_INVALID (neither City nor Country),
 * AM_E_MEMORY. */
struct am_client_geo *am_client_geo_new(const char *path, struct am_error *error);
void am_client_geo_free(struct am_client_geo *geo);

/* Publishes the file when it is another than the one published and can be verified; *changed says
 * whether it did. Otherwise the old one stays in use, and the error says why. One process at a
 * time. Takes time linear in the file. */
enum am_code am_client_geo_check(struct am_client_geo *geo, bool *changed, struct am_error *error);

/* A context's handle; zeroed to begin with. One thread at a time. */
struct am_client_geo_handle {
    struct MMDB_s *file; /* NULL: none is open */
    uint32_t number;     /* of the publication that it is of */
};
/* Opens what is published now. A handle that is open when its process is forked serves the child
 * too, so that one that is forked later has at least the file of the start. */
void am_client_geo_open(struct am_client_geo_handle *handle, const struct am_client_geo *geo);
void am_client_geo_close(struct am_client_geo_handle *handle);

enum { AM_CLIENT_GEO_METRO_SIZE = 8 };

/* What is not known is empty. Views into the file: valid until the handle's next use. */
struct am_client_place {
    struct am_view country;               /* ISO 3166-1, two letters */
    struct am_view region;                /* ISO 3166-2 without the country: "CA" */
    struct am_view city;                  /* its English name */
    char metro[AM_CLIENT_GEO_METRO_SIZE]; /* a code, in digits; "": none */
};

/* False: nothing is published, or the file does not know the address. */
bool am_client_geo_find(struct am_client_geo_handle *handle,
                        const struct am_client_geo *geo,
                        const struct am_address *address,
                        struct am_client_place *place);

#endif
