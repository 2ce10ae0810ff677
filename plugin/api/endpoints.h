/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints, as metrics and logs name them. The table of their paths, methods and handlers is
 * in endpoints.c. */
#ifndef AM_API_ENDPOINTS_H
#define AM_API_ENDPOINTS_H

enum am_api_endpoint {
    AM_ENDPOINT_DECIDE,
    AM_ENDPOINT_OPENRTB,
    AM_ENDPOINT_PREVIEW,
    AM_ENDPOINT_HEALTHZ,
    AM_ENDPOINT_READYZ,
    AM_ENDPOINT_METRICS,
    AM_ENDPOINT_TAG,
    AM_ENDPOINT_DEMO,
    AM_ENDPOINT_IMPRESSION, /* from here on: with a ledger */
    AM_ENDPOINT_CLICK,
    AM_ENDPOINT_VIEW,
    AM_ENDPOINT_EVENT,
    AM_ENDPOINT_CONVERSION,
    AM_ENDPOINT_OTHER, /* no such path */
    AM_ENDPOINTS,
};

/* "decide", "openrtb", ... */
const char *am_api_endpoint_name(enum am_api_endpoint endpoint);

#endif
