/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the api room: scripts of other sites (Fetch Standard, section 3.2, "CORS protocol").
 */
#ifndef AM_API_CORS_H
#define AM_API_CORS_H

#include "http.h"

/* Lets the page that asks read the answer, when its origin is one of those allowed. */
void am_api_cors_allow(const struct am_api_http_settings *settings,
                       const struct am_api_http_request *request,
                       struct am_api_http_response *response);

/* Answers a preflight (OPTIONS). `methods`: those of the endpoint, as in Allow. */
void am_api_cors_preflight(const struct am_api_http_settings *settings,
                           const struct am_api_http_request *request,
                           const char *methods,
                           struct am_api_http_response *response);

#endif
