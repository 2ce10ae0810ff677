/* From the file that `admatch-inventory` names to a verified image in the state folder: found
 * there, or built. */
#ifndef AM_UWSGI_SUPPLY_H
#define AM_UWSGI_SUPPLY_H

#include "state.h"

struct am_source {
    const char *path;                 /* absolute */
    bool lenient;                     /* leave bad records out */
    const struct am_timezones *zones; /* may be NULL */
};

/* Tells one version of a file from another without reading it. */
struct am_source_version {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

/* AM_E_IO when there is no such file. */
enum am_code
am_source_signature(const char *path, struct am_source_version *signature, struct am_error *error);
bool am_source_version_equal(const struct am_source_version *a, const struct am_source_version *b);

struct am_source_built {
    char path[PATH_MAX];    /* of the image, in the state folder, noted as the inventory's */
    struct am_image *image; /* open; the caller's */
    struct am_source_version signature; /* of the source that was read */
    bool found;                         /* it was there already: no build */
    uint64_t nanoseconds;               /* what it all took */
};

/* Finds or builds. On failure nothing is changed in the state folder, and `error` says why.
 * `report` (zeroed by the caller, to be freed with am_inventory_report_free) lists what is wrong
 * with the inventory, line by line. AM_E_STATE: the file changed while it was being read; worth
 * trying again. */
enum am_code am_source_image(const struct am_source *supply,
                             const struct am_store *state,
                             struct am_source_built *made,
                             struct am_inventory_report *report,
                             struct am_error *error);

#endif
