/* SPDX-License-Identifier: Apache-2.0 */
/* Robots that declare themselves in their user agent: a short list that is built in, and a file.
 *
 * A list has lines of lower-case text. An agent is a robot's when it contains one of them,
 * compared without ASCII case; a line that begins with '!' is an exception: where its text stands,
 * nothing is found ("!cubot": a telephone, though "bot" is a robot). Lines that are blank or begin
 * with '#' say nothing.
 *
 * Thread rule: a list does not change after it was made; any number of threads may ask it. */
#ifndef AM_EVENTS_ROBOTS_H
#define AM_EVENTS_ROBOTS_H

#include "../base/bytes.h"
#include "../base/error.h"

struct am_event_robots;

enum {
    AM_EVENT_ROBOTS_MAX_LINES = 10000,
    AM_EVENT_ROBOTS_MIN_BYTES = 3, /* of a line's text; shorter ones are in everything */
    AM_EVENT_ROBOTS_MAX_BYTES = 100,
    AM_EVENT_ROBOTS_AGENT_MAX = 1024, /* of an agent; what follows is not looked at */
};

/* The built-in list, and with it the lines of a file (`path` NULL: none). The file is at most 1 MB.
 * AM_E_IO, AM_E_MEMORY; AM_E_INVALID and AM_E_LIMIT name the line and what was expected. */
enum am_code
am_event_robots_load(const char *path, struct am_event_robots **robots, struct am_error *error);
void am_event_robots_free(struct am_event_robots *robots); /* NULL is fine */

/* Whether an agent is a robot's. An empty one is: browsers say who they are. */
bool am_event_robots_match(const struct am_event_robots *robots, struct am_view agent);

#endif
