/* SPDX-License-Identifier: Apache-2.0 */
/* Requests in, answers out, as the server gives them. */
#ifndef AM_CLI_DECIDE_H
#define AM_CLI_DECIDE_H

#include "../api/api.h"
#include "input.h"
#include "output.h"

struct am_cli_decide_options {
    bool openrtb; /* bodies are bid requests; one without a bid is answered with an empty line */
    bool explain; /* answers to bid requests say why ads did not bid */
    bool test;    /* each request's own `now` counts */
    bool has_now; /* decide at `now` instead of at the time of the clock */
    int64_t now;
    struct am_view state; /* of requests that bring none, api.h; `.data` NULL: budgets and frequency
                             caps are ignored */
    bool for_people;      /* words in place of JSON */
};

/* Answers one JSON body with one line. *served tells whether it was understood. False when the
 * output takes no more. */
bool am_cli_decide_one(struct am_api *api,
                       const struct am_cli_decide_options *options,
                       struct am_view body,
                       struct am_cli_output *output,
                       bool *served);

struct am_cli_batch_totals {
    uint64_t requests;
    uint64_t refused;
    uint64_t first_refused; /* its line, from 1 */
};

/* Answers each line with a line, in order, until the input ends or the output takes no more. Errors
 * as am_cli_input_line. */
enum am_code am_cli_decide_batch(struct am_api *api,
                                 const struct am_cli_decide_options *options,
                                 struct am_cli_input *input,
                                 struct am_cli_output *output,
                                 struct am_cli_batch_totals *totals,
                                 struct am_error *error);

#endif
