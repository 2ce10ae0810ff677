/* SPDX-License-Identifier: Apache-2.0 */
/* Accept-Language (RFC 9110, section 12.5.4). No state, no allocation; any thread. */
#ifndef AM_CLIENT_LANGUAGES_H
#define AM_CLIENT_LANGUAGES_H

#include "../base/bytes.h"

/* The first language of greatest weight, "en-US" of "en-US,en;q=0.9"; empty when there is none:
 * "*", weights of 0, what is no language. A view of the header. */
struct am_view am_client_languages_first(struct am_view header);

/* "en" of "en-US". */
struct am_view am_client_language_alone(struct am_view language);

#endif
