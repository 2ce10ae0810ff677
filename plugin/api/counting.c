/* SPDX-License-Identifier: Apache-2.0 */
#include "counting.h"

#include <ctype.h>

#include "memory.h"

void am_api_count(struct am_api *api,
                  const struct am_api_counting *counting,
                  struct am_event_worker *worker) {
    api->placements.counting = counting;
    api->placements.worker = worker;
}

static bool begins_with(struct am_view text, struct am_view begin) {
    return text.size > begin.size && memcmp(text.data, begin.data, begin.size) == 0;
}

bool am_api_public_url_fine(struct am_view url) {
    if (!begins_with(url, AM_VIEW("https://")) && !begins_with(url, AM_VIEW("http://")))
        return false;
    for (size_t i = 0; i < url.size; i++)
        if (!isalnum((unsigned char)url.data[i]) && !memchr("-._~:/[]@!$()*+,;=%", url.data[i], 19))
            return false;
    return url.data[url.size - 1] != '/';
}
