/* Work that goes on beside requests, and must not keep them waiting. */
#ifndef AM_UWSGI_SLICE_H
#define AM_UWSGI_SLICE_H

#include <stdbool.h>

/* The calling thread gives its processor up to a request that wakes there, after a tenth of a
 * millisecond at the latest, and runs `less` steps of niceness below what it had. Since Linux 6.6 a
 * thread keeps its processor for a slice of some milliseconds even when one that is due earlier
 * wakes up; since 6.12 it may ask for shorter slices. False: the system has refused the niceness.
 */
bool am_slice_short(int less);

/* The calling thread runs only while processors have nothing else to do, for good: the system does
 * not let it back. False: it has refused. */
bool am_slice_idle(void);

#endif
