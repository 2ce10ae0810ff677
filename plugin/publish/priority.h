/* SPDX-License-Identifier: Apache-2.0 */
/* Priority of requests over background work (builds, and the threads that follow new generations).
 */
/* Runs in: the threads that yield to requests, each for itself: the child of the master that
 * publishes at start, the mule's main thread and the one that rolls up the log, workers' movers. */
#ifndef AM_PUBLISH_PRIORITY_H
#define AM_PUBLISH_PRIORITY_H

/* Permanently lowers the priority of the calling thread: ten steps nicer, with the longest slices.
 * Since Linux 6.6 a thread keeps its processor for its slice even when a thread with an earlier
 * deadline wakes up; since 6.12, a thread with shorter slices preempts it, so a request that wakes
 * up on the processor of a build runs at once. More niceness would make a build on a busy machine
 * take minutes; short slices would give it earlier deadlines; with SCHED_IDLE the kernel would take
 * the processor for idle, and a request placed there would wait for the next tick. */
void am_publish_priority_background(void);

/* From begin to end, the calling thread yields its processor ten times a millisecond: most kernels
 * reschedule only at their tick, every 1 to 10 milliseconds. Uses a timer and SIGURG, whose handler
 * begin replaces permanently; system calls that a signal interrupts (posix_fallocate) must not be
 * in between. One thread of a process at a time. If the system refuses a timer, the thread does not
 * yield. */
void am_publish_priority_begin_yielding(void);
void am_publish_priority_end_yielding(void);

#endif
