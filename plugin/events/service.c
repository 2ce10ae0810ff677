/* SPDX-License-Identifier: Apache-2.0 */
#include "service.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "parts.h"

enum { RESERVE_SECONDS = 60, RESERVE_BIDS_SECONDS = 120 };

uint64_t am_event_service_bytes(const struct am_event_options *options) {
    return am_event_shared_bytes(options);
}

uint64_t am_event_service_placements(const struct am_event_options *options) {
    return 2 * (options->ring_bytes ? options->ring_bytes : AM_EVENT_RING_DEFAULT_BYTES);
}

int64_t am_event_service_ring_seconds(const struct am_event_service *service) {
    return am_event_ring_seconds(service->ring, service->journal.clock() / AM_JOURNAL_SECOND);
}

uint64_t am_event_service_names_lost(const struct am_event_service *service) {
    return am_event_names_lost(service->names);
}

struct am_journal *am_event_service_journal(struct am_event_service *service) {
    return &service->journal;
}

/* ---- keys ---- */

static enum am_code
read_keys(struct am_event_service *service, const char *folder, struct am_error *error) {
    struct am_token_keys keys;
    enum am_code code = service->keys_path
                            ? am_token_keys_read(service->keys_path, &keys, error)
                            : am_token_keys_make(service->folder, folder, &keys, error);
    if (code == AM_OK)
        am_token_keyring_publish(service->keyring, &keys);
    explicit_bzero(&keys, sizeof keys);
    return code;
}

/* DIR/key, whatever file names the keys of tokens: a user's caps go on when those change. */
static enum am_code
read_own_key(struct am_event_service *service, const char *folder, struct am_error *error) {
    struct am_token_keys keys;
    enum am_code code = am_token_keys_make(service->folder, folder, &keys, error);
    if (code == AM_OK)
        memcpy(service->own_secret, keys.items[0].secret, sizeof service->own_secret);
    explicit_bzero(&keys, sizeof keys);
    return code;
}

static enum am_code open_keys(struct am_event_service *service,
                              const struct am_event_options *options,
                              struct am_error *error) {
    void *memory = mmap(NULL, sizeof *service->keyring, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return am_error_set_errno(error, AM_E_MEMORY, "no memory for the keys");
    service->keyring = memory;
    service->keys_path = options->keys;
    if (options->keys)
        (void)am_token_keys_changed(options->keys, &service->keys_stamp);
    enum am_code code = read_own_key(service, options->folder, error);
    return code == AM_OK ? read_keys(service, options->folder, error) : code;
}

enum am_code am_event_service_second(struct am_event_service *service, struct am_error *error) {
    if (!service->keys_path || !am_token_keys_changed(service->keys_path, &service->keys_stamp))
        return AM_OK;
    return read_keys(service, "", error);
}

/* ---- opening ---- */

static enum am_code open_shared(const struct am_event_options *options,
                                struct am_event_service *service,
                                struct am_event_recovered *recovered,
                                struct am_error *error) {
    for (;;) {
        bool made;
        enum am_code code = am_event_shared_open(options, service, &made, error);
        if (code == AM_OK)
            code = am_event_recover(service, made, recovered, error);
        if (code != AM_OK || !made)
            return code;
        code = am_event_shared_name(options, error);
        if (code != AM_E_CHANGED)
            return code;
        am_event_shared_close(service); /* another process was faster: use what it made */
    }
}

static enum am_code open_parts(const struct am_event_options *options,
                               struct am_event_service *service,
                               struct am_event_recovered *recovered,
                               struct am_error *error) {
    const char *rates = options->click_rates ? options->click_rates : AM_EVENT_RATES_DEFAULT;
    enum am_code code = am_journal_open(service->log_path, NULL, &service->journal, error);
    if (code == AM_OK && options->clock)
        service->journal.clock = options->clock;
    if (code == AM_OK)
        code = am_event_rates_parse(am_view_of(rates), &service->rate_limits, error);
    if (code == AM_OK)
        code = am_event_robots_load(options->robots, &service->robots, error);
    if (code == AM_OK)
        code = open_keys(service, options, error);
    if (code == AM_OK)
        code = am_event_names_open(options->folder, options->tmpfs, options->ads, &service->names,
                                   error);
    if (code == AM_OK)
        code = open_shared(options, service, recovered, error);
    if (code == AM_OK && recovered->recovered)
        code = am_event_names_restore(service->names, service->journal.clock() / AM_JOURNAL_SECOND,
                                      error);
    return code;
}

enum am_code am_event_service_open(const struct am_event_options *options,
                                   struct am_event_service **service,
                                   struct am_event_recovered *recovered,
                                   struct am_error *error) {
    struct am_event_service *made = calloc(1, sizeof *made);
    *service = NULL;
    *recovered = (struct am_event_recovered){.recovered = false};
    if (!made)
        return am_error_set(error, AM_E_MEMORY, "no memory for the events");
    made->ledger = options->ledger;
    made->click_first = options->click_first;
    made->reserve = options->reserve ? options->reserve : RESERVE_SECONDS;
    made->reserve_bids = options->reserve_bids ? options->reserve_bids : RESERVE_BIDS_SECONDS;
    made->journal.folder = -1;
    snprintf(made->log_path, sizeof made->log_path, "%s/log", options->folder);
    made->folder = open(options->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum am_code code =
        made->folder < 0
            ? am_error_set_errno(error, AM_E_IO, "cannot open the folder %s", options->folder)
            : open_parts(options, made, recovered, error);
    if (code == AM_OK)
        *service = made;
    else
        am_event_service_close(made);
    return code;
}

void am_event_service_close(struct am_event_service *service) {
    if (!service)
        return;
    am_event_names_close(service->names);
    am_event_robots_free(service->robots);
    am_event_shared_close(service);
    if (service->keyring)
        munmap(service->keyring, sizeof *service->keyring);
    am_journal_close(&service->journal);
    if (service->folder >= 0)
        close(service->folder);
    explicit_bzero(service->own_secret, sizeof service->own_secret);
    free(service);
}

/* ---- workers ---- */

enum am_code am_event_worker_new(struct am_event_service *service,
                                 struct am_ledger_worker *ledger_worker,
                                 struct am_event_worker **worker,
                                 struct am_error *error) {
    struct am_event_worker *made = calloc(1, sizeof *made);
    *worker = NULL;
    if (!made)
        return am_error_set(error, AM_E_MEMORY, "no memory for a worker's events");
    made->service = service;
    made->ledger_worker = ledger_worker;
    enum am_code code = am_journal_writer_open(
        &service->journal, am_ledger_worker_slot(ledger_worker), &made->writer, error);
    if (code == AM_OK)
        *worker = made;
    else
        am_event_worker_free(made);
    return code;
}

void am_event_worker_free(struct am_event_worker *worker) {
    if (!worker)
        return;
    am_event_names_flush(worker->service->names);
    am_journal_writer_close(worker->writer);
    explicit_bzero(&worker->keys, sizeof worker->keys);
    free(worker);
}

void am_event_worker_flush(struct am_event_worker *worker) {
    am_journal_flush(worker->writer);
    am_event_names_flush(worker->service->names);
}

struct am_ledger *am_event_worker_ledger(const struct am_event_worker *worker) {
    return worker->service->ledger;
}

struct am_ledger_worker *am_event_worker_of_ledger(const struct am_event_worker *worker) {
    return worker->ledger_worker;
}

uint32_t am_event_worker_reserve(const struct am_event_worker *worker, bool bids) {
    return bids ? worker->service->reserve_bids : worker->service->reserve;
}

void am_event_worker_flush_at_end(struct am_event_worker *worker) {
    am_journal_flush_at_end(worker->writer);
}

struct am_journal_writer *am_event_worker_writer(struct am_event_worker *worker) {
    return worker->writer;
}
