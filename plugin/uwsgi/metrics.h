/* SPDX-License-Identifier: Apache-2.0 */
/* admatch's metrics in uWSGI's own subsystem: stats server, StatsD, carbon. */
/* Runs in: the master, in uWSGI's hooks init and post_init. */
#ifndef AM_UWSGI_METRICS_H
#define AM_UWSGI_METRICS_H

#include "../publish/metrics.h"

/* Registers the counters and gauges of the table. In the master, in init or post_init. */
void am_uwsgi_metrics_register(struct am_metrics *metrics);

#endif
