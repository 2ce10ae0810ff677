/* uWSGI itself. The only place that includes its header, which does not declare these.
 */
#ifndef AM_UWSGI_HOST_H
#define AM_UWSGI_HOST_H

#include <uwsgi.h>

extern struct uwsgi_server uwsgi;
void uwsgi_heartbeat(void);
/* What the master does on a byte read from its FIFO. */
extern void (*uwsgi_fifo_table[256])(int);

#endif
