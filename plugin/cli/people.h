/* SPDX-License-Identifier: Apache-2.0 */
/* An answer in words, for a terminal. */
#ifndef AM_CLI_PEOPLE_H
#define AM_CLI_PEOPLE_H

#include "../api/api.h"
#include "output.h"

/* Writes what was decided; an error as its JSON. False when writing failed. */
bool am_cli_people_write(struct am_cli_output *output,
                         const struct am_image *image,
                         const struct am_api_response *response);

#endif
