/* SPDX-License-Identifier: Apache-2.0 */
/* From an image to what is counted, and what limits it. */
#include "../delivery/image_terms.h"
#include "account_control.h"
#include "account_parts.h"

static enum am_code worker_of(struct am_account *account, struct am_error *error) {
    enum am_code code = am_account_join(account, error);
    if (code == AM_OK && !account->publisher.events)
        code = am_account_worker_new(account, &account->publisher, error);
    am_account_thread_worker = account->publisher.events;
    return code;
}

/* The map stays open in this process until the next one: while it is, nobody removes it. */
static enum am_code
map_image(struct am_account *account, const struct am_image *image, struct am_error *error) {
    struct am_delivery_map *map = NULL;
    enum am_code code = am_delivery_map_image(account->ledger, image, &map, error);
    if (code != AM_OK)
        return code;
    am_delivery_map_close(account->map);
    account->map = map;
    return AM_OK;
}

enum am_code am_account_open_map(struct am_account *account,
                                 const struct am_image *image,
                                 struct am_delivery_map **map,
                                 struct am_error *error) {
    *map = NULL;
    return account->ledger ? am_delivery_map_open(account->ledger, am_delivery_generation(image),
                                                  image->settings->ad_count, map, error)
                           : AM_OK;
}

enum am_code am_account_keep_map(struct am_account *account,
                                 const struct am_image *image,
                                 struct am_error *error) {
    struct am_delivery_map *map = NULL;
    enum am_code code = am_account_open_map(account, image, &map, error);
    if (code == AM_E_NOT_FOUND)
        return map_image(account, image, error);
    if (code == AM_OK && map) {
        am_delivery_map_close(account->map);
        account->map = map;
    }
    return code;
}

enum am_code am_account_publish(struct am_account *account,
                                const struct am_image *image,
                                int64_t noticed,
                                struct am_error *error) {
    struct am_view currency = am_image_string(image, image->settings->currency);
    char code_of_currency[4] = "";
    memcpy(code_of_currency, currency.data, currency.size < 3 ? currency.size : 3);
    struct am_ledger_publication publication = {.time = noticed, .currency = code_of_currency};
    memcpy(publication.digest, image->header->source_digest, sizeof publication.digest);
    enum am_code code = worker_of(account, error);
    if (code != AM_OK)
        return code;
    struct am_delivery_publishing publishing = {.ledger = account->ledger, .now = time(NULL)};
    code = am_ledger_publish_begin(account->ledger, &publication, publishing.now, error);
    publishing.missing_only = code == AM_E_CHANGED; /* another instance is ahead: its terms stay */
    if (code != AM_OK && code != AM_E_CHANGED)
        return code;
    code = am_delivery_put_image(&publishing, image, error);
    if (!publishing.missing_only)
        am_ledger_publish_end(account->ledger);
    if (code == AM_OK)
        code = am_account_control_apply(account, error);
    return code == AM_OK ? map_image(account, image, error) : code;
}
