/* SPDX-License-Identifier: Apache-2.0 */
#include "decide.h"
#include "people.h"

#include <time.h>

bool am_cli_decide_one(struct am_api *api,
                       const struct am_cli_decide_options *options,
                       struct am_view body,
                       struct am_cli_output *output,
                       bool *served) {
    struct am_api_request request = {
        .content = options->openrtb ? AM_CONTENT_OPENRTB : AM_CONTENT_JSON,
        .body = body,
        .now = options->has_now ? options->now : time(NULL),
        .test = options->test,
        .explain = options->openrtb && options->explain,
        .state = options->state,
    };
    struct am_api_response response;
    am_api_decide(api, &request, &response);
    *served = response.status == 200 || response.status == 204;
    return options->for_people ? am_cli_people_write(output, am_api_image(api), &response)
                               : am_cli_output_line(output, response.body);
}

enum am_code am_cli_decide_batch(struct am_api *api,
                                 const struct am_cli_decide_options *options,
                                 struct am_cli_input *input,
                                 struct am_cli_output *output,
                                 struct am_cli_batch_totals *totals,
                                 struct am_error *error) {
    struct am_view line;
    enum am_code code;
    *totals = (struct am_cli_batch_totals){0, 0, 0};
    while ((code = am_cli_input_line(input, &line, error)) == AM_OK && line.data) {
        bool served;
        bool written = am_cli_decide_one(api, options, line, output, &served);
        totals->requests++;
        if (!served && totals->refused++ == 0)
            totals->first_refused = totals->requests;
        if (!written)
            return AM_OK;
    }
    return code;
}
