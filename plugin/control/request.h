/* SPDX-License-Identifier: Apache-2.0 */
/* How `admatch control` reaches the ledger's holder: by files in DIR/control, each written under
 * another name, synced, and renamed, so that a reader sees all of it or nothing.
 *
 *     NAME.request   by the command: what is wanted; who owns the file is who asks. The command
 *                    withdraws it by removing it
 *     NAME.taken     the same, renamed by the holder: it is obeyed, and cannot be withdrawn
 *     NAME.answer    by the holder, which then removes the request
 *
 * A minute after it was written, a request is refused and any other file is removed: nobody waits
 * for it.
 *
 * The folder is the ledger's, so whoever may write there may control. */
#ifndef AM_CONTROL_REQUEST_H
#define AM_CONTROL_REQUEST_H

#include <jansson.h>

#include "overrides.h"

enum am_control_action { AM_CONTROL_PAUSE, AM_CONTROL_RESUME };

struct am_control_request {
    enum am_control_action action;
    struct am_control_override override; /* of `resume`, kind, id, reason and who */
};

/* Writes FOLDER/NAME durably, by a file beside it. AM_E_IO. */
enum am_code am_control_file_write(const char *folder,
                                   const char *name,
                                   struct am_view text,
                                   struct am_error *error);

/* An override as JSON: NULL when memory runs out. And back: false when it is none. */
json_t *am_control_override_write(const struct am_control_override *override);
bool am_control_override_read(const json_t *item, struct am_control_override *override);

/* Sends a request, and waits for up to `seconds` until it is answered; for as long again when a
 * holder has taken it. AM_E_INVALID: the holder refuses, with its reason; AM_E_NOT_FOUND: nobody
 * took it, and it is withdrawn; AM_E_IO: also when it is still under way; AM_E_MEMORY. */
enum am_code am_control_send(const char *folder,
                             const struct am_control_request *request,
                             unsigned seconds,
                             struct am_error *error);

/* ---- the holder ---- */

/* Makes DIR/control where it is missing. AM_E_IO. */
enum am_code am_control_folder_make(const char *folder, struct am_error *error);

/* Takes each request that waits, oldest name first, and those that a dead holder had taken; what
 * `obey` returns is answered. Removes what nobody waits for any more. One thread of the holder.
 * AM_E_IO, AM_E_MEMORY. */
typedef enum am_code
am_control_obey(void *context, const struct am_control_request *request, struct am_error *error);
enum am_code
am_control_take(const char *folder, am_control_obey *obey, void *context, struct am_error *error);

#endif
