/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the publisher: what its files share. publisher_show.c, publisher_tend.c and
 * publisher.c build on one another in this order. */
/* Runs in: as publisher.h. */
#ifndef AM_PUBLISH_PUBLISHER_PARTS_H
#define AM_PUBLISH_PUBLISHER_PARTS_H

#include "publisher.h"

/* ---- publisher_show.c -------------------------------------------------------------------------
 */

/* Sets the metrics of an image that is, or is about to be, published. */
void am_publisher_show(const struct am_publisher *publisher, const struct am_image *image);

/* The same of one that was built or found, with its pages collapsed and what that cost. */
void am_publisher_show_built(struct am_publisher *publisher, const struct am_source_built *built);

/* Publishes an image that is shown. */
void am_publisher_publish(const struct am_publisher *publisher, const char *name);

/* Collapses its pages, shows and publishes it. */
void am_publisher_publish_image(struct am_publisher *publisher,
                                const struct am_image *image,
                                const char *name);

/* ---- publisher_tend.c -------------------------------------------------------------------------
 */

/* Milliseconds from a publication to the first tending, while others leave the image before it;
 * they double. */
enum { AM_PUBLISHER_TEND_SOON = 100 };

/* Logs once why the folder cannot be cleaned, until it can. */
void am_publisher_clean_store(struct am_publisher *publisher, const struct am_store *store);

/* Holds what is published by this hold from now on. */
void am_publisher_replace_hold(struct am_publisher *publisher, struct am_store_hold taken);

/* Whether a check is due although the inventory has not changed. */
bool am_publisher_is_due(const struct am_publisher *publisher);

#endif
