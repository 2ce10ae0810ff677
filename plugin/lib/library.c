/* SPDX-License-Identifier: Apache-2.0 */
/* The public interface over the rooms: what include/admatch.h promises. */

/* The library is compiled with all names hidden, but for those that its header declares. */
#pragma GCC visibility push(default)
#include "../include/admatch.h"
#pragma GCC visibility pop

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "../api/api.h"
#include "open.h"

/* The codes are those of base/error.h, whose numbers programs outside rely on from here on. */
#define SAME(name)                                                                                 \
    _Static_assert((int)ADMATCH_##name == (int)AM_##name, "a public number changes with the ABI")
SAME(OK);
SAME(E_MEMORY);
SAME(E_IO);
SAME(E_SYNTAX);
SAME(E_INVALID);
SAME(E_LIMIT);
SAME(E_VERSION);
SAME(E_CORRUPT);
SAME(E_NOT_FOUND);
SAME(E_CHANGED);
SAME(E_IMPOSSIBLE);

/* Layouts that programs outside have compiled in. */
_Static_assert(sizeof(admatch_error) == 4 + 512 + 128, "a layout changes with the ABI");
_Static_assert(sizeof(admatch_response) == 2 * sizeof(size_t) + 8, "a layout changes with the ABI");

struct admatch_inventory {
    struct am_lib_opened opened;
    _Atomic unsigned users; /* the caller, until it closes it, and sessions */
};

/* Invariant: `inventory` is what `api` is attached to, and is used by this session. */
struct admatch_session {
    struct am_api *api;
    admatch_inventory *inventory;
};

const char *admatch_version(void) {
    return ADMATCH_VERSION;
}

uint32_t admatch_abi(void) {
    return ADMATCH_ABI;
}

static int32_t failed(const struct am_error *from, admatch_error *error) {
    if (error) {
        error->code = (int32_t)from->code;
        memcpy(error->message, from->message, sizeof error->message);
        memcpy(error->where, from->where, sizeof error->where);
    }
    return (int32_t)from->code;
}

static int32_t out_of_memory(admatch_error *error) {
    struct am_error memory = {0};
    am_error_set(&memory, AM_E_MEMORY, "out of memory");
    return failed(&memory, error);
}

/* ---- inventories ------------------------------------------------------------------------------
 */

int32_t admatch_open(const char *path,
                     uint32_t flags,
                     admatch_inventory **inventory,
                     admatch_error *error) {
    struct am_error why = {0};
    if (flags & ~(uint32_t)ADMATCH_SKIP_BAD_RECORDS) {
        am_error_set(&why, AM_E_INVALID, "flags: expected a sum of ADMATCH_..., found %u", flags);
        return failed(&why, error);
    }
    admatch_inventory *opened = calloc(1, sizeof *opened);
    if (!opened)
        return out_of_memory(error);
    if (am_lib_open(path, flags & ADMATCH_SKIP_BAD_RECORDS, &opened->opened, &why) != AM_OK) {
        free(opened);
        return failed(&why, error);
    }
    opened->users = 1;
    *inventory = opened;
    return ADMATCH_OK;
}

void admatch_close(admatch_inventory *inventory) {
    if (!inventory || atomic_fetch_sub(&inventory->users, 1) != 1)
        return;
    am_lib_close(&inventory->opened);
    free(inventory);
}

const char *admatch_generation(const admatch_inventory *inventory) {
    return inventory->opened.image->generation;
}

const char *admatch_problems(const admatch_inventory *inventory) {
    return inventory->opened.problems ? inventory->opened.problems : "";
}

/* ---- sessions ---------------------------------------------------------------------------------
 */

int32_t admatch_session_new(admatch_inventory *inventory,
                            size_t body_bytes,
                            uint32_t words,
                            uint64_t work,
                            admatch_session **session,
                            admatch_error *error) {
    struct am_api_limits limits = AM_API_LIMITS_DEFAULT;
    struct am_error why = {0};
    admatch_session *made = calloc(1, sizeof *made);
    int32_t code = ADMATCH_OK;
    if (!made)
        return out_of_memory(error);
    limits.body_bytes = body_bytes ? body_bytes : limits.body_bytes;
    limits.words = words ? words : limits.words;
    limits.work = work ? work : limits.work;
    made->api = am_api_new(&limits, &why);
    if (!made->api)
        code = failed(&why, error);
    else
        code = admatch_session_move(made, inventory, error);
    if (code == ADMATCH_OK)
        *session = made;
    else
        admatch_session_free(made);
    return code;
}

int32_t
admatch_session_move(admatch_session *session, admatch_inventory *inventory, admatch_error *error) {
    struct am_error why = {0};
    if (am_api_attach(session->api, inventory->opened.image, &why) != AM_OK)
        return failed(&why, error);
    atomic_fetch_add(&inventory->users, 1);
    admatch_close(session->inventory);
    session->inventory = inventory;
    return ADMATCH_OK;
}

void admatch_session_free(admatch_session *session) {
    if (!session)
        return;
    am_api_free(session->api);
    admatch_close(session->inventory);
    free(session);
}

/* ---- decisions --------------------------------------------------------------------------------
 */

static bool find_content(int32_t format, enum am_api_content *content) {
    static const enum am_api_content contents[] = {
        [ADMATCH_JSON] = AM_CONTENT_JSON,       [ADMATCH_TEXT] = AM_CONTENT_TEXT,
        [ADMATCH_HTML] = AM_CONTENT_HTML,       [ADMATCH_QUERY] = AM_CONTENT_QUERY_STRING,
        [ADMATCH_OPENRTB] = AM_CONTENT_OPENRTB,
    };
    if (format < 0 || (size_t)format >= sizeof contents / sizeof *contents)
        return false;
    *content = contents[format];
    return true;
}

void admatch_decide(admatch_session *session,
                    int32_t format,
                    const void *body,
                    size_t size,
                    int64_t now,
                    admatch_response *response) {
    struct am_api_request request = {
        .charset = AM_CHARSET_UTF8,
        .body = {body, size},
        .now = now < 0 ? (int64_t)time(NULL) : now,
    };
    struct am_api_response made;
    am_api_settle(session->api);
    if (find_content(format, &request.content))
        am_api_decide(session->api, &request, &made);
    else
        am_api_error(session->api, 400,
                     AM_VIEW("format: expected one of ADMATCH_JSON to "
                             "ADMATCH_OPENRTB"),
                     AM_VIEW(""), &made);
    *response = (admatch_response){made.status, made.body.data, made.body.size};
}
