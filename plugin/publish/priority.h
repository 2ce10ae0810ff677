/* SPDX-License-Identifier: Apache-2.0 */
/* Who runs first: requests, or work that goes on beside them (builds, and the threads that follow
 * new generations). */
/* Runs in: the threads that yield to requests, each for itself: the child of the master that
 * publishes at start, the mule's main thread, workers' movers. */
#ifndef AM_PUBLISH_PRIORITY_H
#define AM_PUBLISH_PRIORITY_H

/* Permanently lowers the priority of the calling thread: ten steps nicer, with the longest slices.
 * Since Linux 6.6 a thread keeps its processor for a slice even when one that is due earlier wakes
 * up; since 6.12 not against one with shorter slices, so a request that wakes up on the processor
 * of a build has it at once. More niceness would make a build on a busy machine take minutes; short
 * slices would make it due earlier; SCHED_IDLE would let the kernel put a request on the thread's
 * processor as if nobody ran there, to wait for the clock's tick. */
void am_publish_priority_background(void);

/* From begin to end, the calling thread offers its processor to whoever waits for it, ten times a
 * millisecond: most kernels look only with their clock's tick, every 1 to 10 milliseconds, whether
 * somebody else is due. By the signal SIGURG, which begin takes over for good; system calls that a
 * signal ends early (posix_fallocate) do not belong in between. One thread of a process at a time.
 * Without a timer, which the system may refuse, nothing is offered. */
void am_publish_priority_begin_yielding(void);
void am_publish_priority_end_yielding(void);

#endif
