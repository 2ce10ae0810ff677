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

static void log_lack(const struct am_account *account, const struct am_delivery_lack *lack) {
    if (lack->records)
        am_publish_log(account->sink,
                       "ledger %s: no room for %u records of the inventory; those with a budget do "
                       "not run, the others are not counted: %s",
                       account->options->folder, lack->records, lack->error.message);
}

/* Puts the image's terms into the place that the publication has in the order of publications. */
static enum am_code put_terms(struct am_account *account,
                              const struct am_ledger_publication *publication,
                              const struct am_image *image,
                              struct am_error *error) {
    struct am_delivery_lack lack = {0};
    struct am_delivery_publishing publishing = {
        .ledger = account->ledger, .now = time(NULL), .lack = &lack};
    enum am_code code =
        am_ledger_publish_begin(account->ledger, publication, publishing.now, error);
    publishing.missing_only = code == AM_E_CHANGED; /* another instance is ahead: its terms stay */
    if (code != AM_OK && code != AM_E_CHANGED)
        return code;
    account->unsettled = !publishing.missing_only;
    code = am_delivery_put_image(&publishing, image, error);
    log_lack(account, &lack);
    if (publishing.missing_only)
        return code;
    if (code == AM_OK)
        am_ledger_publish_end(account->ledger);
    else
        am_ledger_publish_abandon(account->ledger);
    return code;
}

static void publication_of(const struct am_image *image,
                           int64_t noticed,
                           char currency[4],
                           struct am_ledger_publication *publication) {
    am_delivery_currency(image, currency);
    *publication = (struct am_ledger_publication){.time = noticed, .currency = currency};
    memcpy(publication->digest, image->header->source_digest, sizeof publication->digest);
}

/* What can fail without a trace comes first: terms that were put limit what is served already. The
 * map comes last: it has the pauses from its first decision on. */
enum am_code am_account_publish(struct am_account *account,
                                const struct am_image *image,
                                int64_t noticed,
                                struct am_error *error) {
    char currency[4];
    struct am_ledger_publication publication;
    publication_of(image, noticed, currency, &publication);
    enum am_code code = worker_of(account, error);
    if (code == AM_OK)
        code = am_account_control_check(account, error);
    if (code == AM_OK)
        code = put_terms(account, &publication, image, error);
    if (code == AM_OK)
        code = am_account_control_apply(account, error);
    if (code == AM_OK)
        code = map_image(account, image, error);
    if (code == AM_OK)
        account->unsettled = false;
    return code;
}

bool am_account_is_unsettled(const struct am_account *account) {
    return account->unsettled;
}

/* In the place of the refused publication, which nothing may have come before meanwhile. */
enum am_code am_account_settle(struct am_account *account,
                               const struct am_image *served,
                               const struct am_image *refused,
                               int64_t noticed,
                               struct am_error *error) {
    char currency[4];
    struct am_ledger_publication publication;
    publication_of(refused, noticed, currency, &publication);
    enum am_code code = put_terms(account, &publication, served, error);
    if (code == AM_OK)
        code = am_account_keep_map(account, served, error);
    account->unsettled = code != AM_OK;
    return code;
}
