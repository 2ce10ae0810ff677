/* Work that goes on beside requests, and must not keep them waiting. */
#ifndef AM_UWSGI_SLICE_H
#define AM_UWSGI_SLICE_H

/* The calling thread gives its processor up to a request that wakes there, after a tenth of a
 * millisecond at the latest. Since Linux 6.6 a thread keeps its processor for a slice of some
 * milliseconds even when one that is due earlier wakes up; since 6.12 it may ask for shorter
 * slices. Older kernels, and those that refuse, leave everything as it was. */
void am_slice_short(void);

/* From begin to end, the calling thread offers its processor to whoever waits for it, ten times a
 * millisecond: the kernel looks at the end of a slice only with its clock's tick, every 1 to 10
 * milliseconds. By the signal SIGURG, which begin takes over for good; system calls that a signal
 * ends early (posix_fallocate) do not belong in between. One thread of a process at a time. Without
 * a timer, which the system may refuse, nothing is offered.
 *
 * SCHED_IDLE, which says the same to the kernel, does worse: a request that wakes is put on the
 * processor of an idle-class thread as if nobody ran there, and waits for the tick. Niceness makes
 * a build take many times as long on a busy machine, and spares requests no more than this does. */
void am_slice_begin_offers(void);
void am_slice_end_offers(void);

#endif
