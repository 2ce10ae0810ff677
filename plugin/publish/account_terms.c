/* SPDX-License-Identifier: Apache-2.0 */
/* From an image to the records that are counted: every advertiser and every campaign. */
#include "account_parts.h"

static struct am_ledger_terms
terms_of(enum am_ledger_kind kind, struct am_view id, uint64_t above) {
    struct am_ledger_terms terms = {.kind = kind,
                                    .id = id,
                                    .above = above,
                                    .start = INT64_MIN,
                                    .end = INT64_MAX,
                                    .curve = {.kind = AM_PACE_FLAT}};
    for (int unit = 0; unit < AM_LEDGER_UNITS; unit++)
        terms.budgets[unit] =
            (struct am_ledger_budget){AM_LEDGER_UNLIMITED, AM_LEDGER_UNLIMITED, AM_PACE_ASAP};
    return terms;
}

static struct am_ledger_terms advertiser_terms(const struct am_image *image, uint32_t index) {
    return terms_of(AM_LEDGER_ADVERTISER,
                    am_image_string(image, image->terms[image->advertisers[index]].text), 0);
}

static struct am_ledger_terms campaign_terms(const struct am_image *image, uint32_t index) {
    const struct am_image_campaign *campaign = &image->campaigns[index];
    struct am_view advertiser = am_image_string(image, image->terms[campaign->advertiser].text);
    return terms_of(AM_LEDGER_CAMPAIGN, am_image_string(image, campaign->id),
                    am_model_key(AM_RECORD_ADVERTISER, advertiser));
}

/* All records of an image, in a publication, or only those that the ledger lacks. */
struct putting {
    struct am_ledger *ledger;
    int64_t now;
    bool missing_only;
    struct am_error *error;
};

static enum am_code put(const struct putting *putting, const struct am_ledger_terms *terms) {
    uint32_t cell;
    if (!putting->missing_only)
        return am_ledger_put(putting->ledger, terms, &cell, putting->error);
    uint64_t key = am_model_key((enum am_model_record)terms->kind, terms->id);
    if (am_ledger_find(putting->ledger, key) != AM_LEDGER_NO_CELL)
        return AM_OK;
    return am_ledger_set(putting->ledger, terms, putting->now, &cell, putting->error);
}

static enum am_code put_all(const struct putting *putting, const struct am_image *image) {
    enum am_code code = AM_OK;
    for (uint32_t i = 0; i < image->advertiser_count && code == AM_OK; i++) {
        struct am_ledger_terms terms = advertiser_terms(image, i);
        code = put(putting, &terms);
    }
    for (uint32_t i = 0; i < image->settings->campaign_count && code == AM_OK; i++) {
        struct am_ledger_terms terms = campaign_terms(image, i);
        code = put(putting, &terms);
    }
    return code;
}

static enum am_code worker_of(struct am_account *account, struct am_error *error) {
    enum am_code code = am_account_join(account, error);
    if (code == AM_OK && !account->publisher.events)
        code = am_account_worker_new(account, &account->publisher, error);
    am_account_thread_worker = account->publisher.events;
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
    struct putting putting = {account->ledger, time(NULL), false, error};
    code = am_ledger_publish_begin(account->ledger, &publication, putting.now, error);
    putting.missing_only = code == AM_E_CHANGED; /* another instance is ahead: its terms stay */
    if (code != AM_OK && code != AM_E_CHANGED)
        return code;
    code = put_all(&putting, image);
    if (!putting.missing_only)
        am_ledger_publish_end(account->ledger);
    return code;
}
