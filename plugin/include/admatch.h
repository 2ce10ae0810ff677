/* SPDX-License-Identifier: Apache-2.0 */
/* libadmatch: decisions in your own process, with the code and the answers of the server.
 *
 *     admatch_inventory *inventory;
 *     admatch_session *session;
 *     admatch_response response;
 *     if (admatch_open("inventory.jsonl", 0, &inventory, &error) == ADMATCH_OK &&
 *         admatch_session_new(inventory, 0, 0, 0, &session, &error) == ADMATCH_OK)
 *         admatch_decide(session, ADMATCH_QUERY, "query=trail+shoes", 17, -1, &response);
 *
 * Compile with `pkg-config --cflags --libs admatch`. docs/LIBRARY.md explains, docs/examples/ has
 * whole programs.
 *
 * Caveats:
 * - Never write to or truncate a file that is open here (SIGBUS): replace it by renaming a finished
 *   file over it, then open it again.
 * - One thread at a time uses a session. An inventory may be read by any number of sessions in any
 *   number of threads; its file is mapped once and shared by all processes that open the same
 * image.
 * - Open before or after a fork, but do not fork while another thread is inside a session.
 * - The library decides only: it has no ledger, so it counts nothing, caps nothing and paces
 * nothing, and its answers have no `urls`.
 * - Little-endian machines only.
 *
 * Nothing here prints, exits, raises a signal, or keeps state outside of what it returns. Functions
 * that can fail return an admatch_code, and fill *error (which may be NULL) when they do; what they
 * would have made is then untouched. The interface grows without breaking: what could break a
 * program changes ADMATCH_ABI and the soname. */
#ifndef ADMATCH_H
#define ADMATCH_H

#include <stddef.h>
#include <stdint.h>

#define ADMATCH_ABI 1

#ifdef __cplusplus
extern "C" {
#endif

/* ---- from here on for cffi, too: no preprocessor ---- */

typedef struct admatch_inventory admatch_inventory; /* immutable, counted by its users */
typedef struct admatch_session admatch_session;     /* working memory of one thread */

enum admatch_code {
    ADMATCH_OK = 0,
    ADMATCH_E_MEMORY = 1,     /* an allocation failed */
    ADMATCH_E_IO = 2,         /* the operating system refused: open, read, map */
    ADMATCH_E_SYNTAX = 3,     /* not well-formed: damaged gzip */
    ADMATCH_E_INVALID = 4,    /* a value is not allowed; an inventory that has errors */
    ADMATCH_E_LIMIT = 5,      /* larger or more than the documented limit */
    ADMATCH_E_VERSION = 6,    /* an image of another format version or of other word rules */
    ADMATCH_E_CORRUPT = 7,    /* a damaged image */
    ADMATCH_E_NOT_FOUND = 8,  /* there is no such file */
    ADMATCH_E_CHANGED = 9,    /* a file changed while it was read; worth trying again */
    ADMATCH_E_IMPOSSIBLE = 10 /* allowed, but not possible here */
};

/* Both texts end with NUL. `message` is written for people: what is wrong, where, what was
 * expected. `where` is a part of the input, such as "$.slots[0].count", or "". */
typedef struct {
    int32_t code;
    char message[512];
    char where[128];
} admatch_error;

/* How a request is written; docs/HTTP.md and docs/OPENRTB.md define each. */
enum admatch_format {
    ADMATCH_JSON = 0,   /* as POST /v1/decide takes it */
    ADMATCH_TEXT = 1,   /* a page's text, UTF-8 */
    ADMATCH_HTML = 2,   /* a page in HTML, UTF-8 */
    ADMATCH_QUERY = 3,  /* a query string, percent-encoded, without the '?' */
    ADMATCH_OPENRTB = 4 /* a bid request */
};

enum admatch_flags {
    ADMATCH_SKIP_BAD_RECORDS = 1 /* leave bad records of an inventory out instead of refusing it */
};

/* An answer as the server gives it: an HTTP status (200; 204: no bid; 400, 413, 422: the request is
 * refused; 500: the answer is too large) and a body of `size` bytes of JSON, not NUL-terminated.
 * The body belongs to the session and is valid until the session's next call. */
typedef struct {
    uint32_t status;
    const char *body;
    size_t size;
} admatch_response;

/* The version of the library, "1.0.0", and its ADMATCH_ABI. */
const char *admatch_version(void);
uint32_t admatch_abi(void);

/* Opens an inventory (JSON Lines, plain or gzip) or a compiled image; the content tells which. An
 * image is checked whole and mapped; an inventory is compiled in memory, which takes many times as
 * long and as much memory: `admatch build` does it ahead of time. `flags` is 0 or a sum of
 * admatch_flags. To be closed with admatch_close. Any thread. */
int32_t
admatch_open(const char *path, uint32_t flags, admatch_inventory **inventory, admatch_error *error);
/* The caller's hold ends. Sessions that are attached keep the inventory until they move or end.
 * NULL is fine. Any thread. */
void admatch_close(admatch_inventory *inventory);

/* 16 hex digits that name the contents: equal digits, equal decisions. Valid until admatch_close.
 */
const char *admatch_generation(const admatch_inventory *inventory);
/* What is odd with the inventory's lines, and which were left out, a line each: "line 3: warning:
 * ...". Empty for an image. Valid until admatch_close. */
const char *admatch_problems(const admatch_inventory *inventory);

/* Makes working memory that is attached to an inventory. Limits of a request, where 0 is the
 * default: bytes (1 MiB), words (100,000), and steps of one decision (2,000,000), after which it
 * has what was found until then and says "truncated":true. Address space is reserved; memory comes
 * with use. To be freed with admatch_session_free. Any thread. */
int32_t admatch_session_new(admatch_inventory *inventory,
                            size_t body_bytes,
                            uint32_t words,
                            uint64_t work,
                            admatch_session **session,
                            admatch_error *error);
/* Hot swap: the session's next request is answered from `inventory`. On failure (memory) it stays
 * on the one it has. */
int32_t
admatch_session_move(admatch_session *session, admatch_inventory *inventory, admatch_error *error);
/* Never fails: errors are answers. `now` is in seconds since the epoch; below 0: the system's
 * clock. Same session or another, same inventory, request and `now`: same answer. `body` is read
 * during the call only; it may be NULL when `size` is 0. */
void admatch_decide(admatch_session *session,
                    int32_t format,
                    const void *body,
                    size_t size,
                    int64_t now,
                    admatch_response *response);
/* NULL is fine. */
void admatch_session_free(admatch_session *session);

/* ---- until here ---- */

#ifdef __cplusplus
}
#endif

#endif
