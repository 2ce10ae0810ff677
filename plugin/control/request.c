/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../base/timezone.h"

#define FOLDER "control"
#define REQUEST ".request"
#define TAKEN ".taken"
#define ANSWER ".answer"
#define TEMPORARY ".tmp"

enum { PATH_SIZE = 4096, NAME_SIZE = 256, POLL_NANOSECONDS = 2000000 };
enum { KEEP_SECONDS = 60 }; /* what nobody waits for any more */

static enum am_code no_memory(struct am_error *error) {
    return am_error_set(error, AM_E_MEMORY, "no memory for a request of control");
}

/* ---- files ---- */

static bool write_all(int file, struct am_view text) {
    while (text.size) {
        ssize_t written = write(file, text.data, text.size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        text = (struct am_view){text.data + written, text.size - (size_t)written};
    }
    return fsync(file) == 0;
}

enum am_code am_control_file_write(const char *folder,
                                   const char *name,
                                   struct am_view text,
                                   struct am_error *error) {
    char temporary[NAME_SIZE + 16];
    snprintf(temporary, sizeof temporary, ".%s" TEMPORARY, name);
    int home = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int file = home < 0 ? -1
                        : openat(home, temporary,
                                 O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    bool written = file >= 0 && write_all(file, text) &&
                   renameat(home, temporary, home, name) == 0 && fsync(home) == 0;
    enum am_code code =
        written ? AM_OK : am_error_set_errno(error, AM_E_IO, "cannot write %s/%s", folder, name);
    if (file >= 0)
        close(file);
    if (home >= 0)
        close(home);
    return code;
}

enum am_code am_control_folder_make(const char *folder, struct am_error *error) {
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/" FOLDER, folder);
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return AM_OK;
    return am_error_set_errno(error, AM_E_IO, "cannot make %s", path);
}

/* ---- JSON ---- */

static json_t *time_of(int64_t time) {
    char text[AM_TIME_TEXT_SIZE];
    if (time == AM_CONTROL_FOREVER)
        return json_null();
    am_time_write(time, text);
    return json_string(text);
}

json_t *am_control_override_write(const struct am_control_override *override) {
    return json_pack("{s:s,s:s,s:s,s:o,s:o,s:s,s:s}", "kind", am_ledger_kind_name(override->kind),
                     "id", override->id, "status", "paused", "since", time_of(override->since),
                     "until", time_of(override->until), "reason", override->reason, "who",
                     override->who);
}

/* A text of at most size - 1 bytes; a missing one is empty. */
static bool copy_text(const json_t *item, const char *name, char *text, size_t size) {
    const char *value = json_string_value(json_object_get(item, name));
    text[0] = '\0';
    if (!value)
        return !json_object_get(item, name);
    return snprintf(text, size, "%s", value) < (int)size;
}

static bool copy_time(const json_t *item, const char *name, int64_t none, int64_t *time) {
    const json_t *value = json_object_get(item, name);
    *time = none;
    if (!value || json_is_null(value))
        return true;
    return json_is_string(value) &&
           am_time_parse(am_view_of(json_string_value(value)), time, NULL) == AM_OK;
}

static bool copy_kind(const json_t *item, enum am_ledger_kind *kind) {
    const char *name = json_string_value(json_object_get(item, "kind"));
    *kind = AM_LEDGER_ADVERTISER;
    if (name && strcmp(name, am_ledger_kind_name(AM_LEDGER_CAMPAIGN)) == 0)
        *kind = AM_LEDGER_CAMPAIGN;
    return name && strcmp(name, am_ledger_kind_name(*kind)) == 0;
}

bool am_control_override_read(const json_t *item, struct am_control_override *override) {
    return json_is_object(item) && copy_kind(item, &override->kind) &&
           copy_text(item, "id", override->id, sizeof override->id) && override->id[0] &&
           copy_text(item, "reason", override->reason, sizeof override->reason) &&
           copy_text(item, "who", override->who, sizeof override->who) &&
           copy_time(item, "since", 0, &override->since) &&
           copy_time(item, "until", AM_CONTROL_FOREVER, &override->until);
}

/* ---- the command ---- */

static enum am_code read_answer(const char *path, struct am_error *error) {
    json_t *answer = json_load_file(path, 0, NULL);
    const char *problem = json_string_value(json_object_get(answer, "error"));
    enum am_code code = AM_OK;
    if (problem)
        code = am_error_set(error, AM_E_INVALID, "%s", problem);
    else if (!answer)
        code = am_error_set(error, AM_E_IO, "cannot read the answer %s", path);
    json_decref(answer);
    unlink(path);
    return code;
}

static bool is_answered(const char *answer, unsigned seconds) {
    const struct timespec pause = {0, POLL_NANOSECONDS};
    int64_t end = am_clock_milliseconds(CLOCK_MONOTONIC) + (int64_t)seconds * 1000;
    while (access(answer, F_OK) != 0 && am_clock_milliseconds(CLOCK_MONOTONIC) < end)
        nanosleep(&pause, NULL);
    return access(answer, F_OK) == 0;
}

/* The request is withdrawn by removing it, which the holder's renaming forestalls. */
static enum am_code
wait_for_answer(const char *folder, const char *name, unsigned seconds, struct am_error *error) {
    char request[PATH_SIZE], answer[PATH_SIZE];
    snprintf(request, sizeof request, "%s/%s" REQUEST, folder, name);
    snprintf(answer, sizeof answer, "%s/%s" ANSWER, folder, name);
    if (is_answered(answer, seconds))
        return read_answer(answer, error);
    if (unlink(request) == 0)
        return am_error_set(error, AM_E_NOT_FOUND,
                            "no server took the request within %u seconds: does one that has this "
                            "ledger run? Nothing was changed",
                            seconds);
    if (errno != ENOENT)
        return am_error_set_errno(error, AM_E_IO, "cannot withdraw %s, which may still be obeyed",
                                  request);
    if (is_answered(answer, seconds))
        return read_answer(answer, error);
    return am_error_set(error, AM_E_IO,
                        "a server has taken the request, and has not answered within %u seconds: "
                        "it is under way, and may still be done. See `show`",
                        2 * seconds);
}

enum am_code am_control_send(const char *folder,
                             const struct am_control_request *request,
                             unsigned seconds,
                             struct am_error *error) {
    char path[PATH_SIZE - NAME_SIZE], name[64], file[NAME_SIZE];
    struct timespec now;
    if (snprintf(path, sizeof path, "%s/" FOLDER, folder) >= (int)sizeof path)
        return am_error_set(error, AM_E_LIMIT, "the path of the ledger is too long");
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(name, sizeof name, "%lld.%09ld-%ld", (long long)now.tv_sec, now.tv_nsec,
             (long)getpid());
    snprintf(file, sizeof file, "%s" REQUEST, name);
    json_t *item = am_control_override_write(&request->override);
    if (item)
        json_object_set_new(item, "action",
                            json_string(request->action == AM_CONTROL_PAUSE ? "pause" : "resume"));
    char *text = item ? json_dumps(item, JSON_PRESERVE_ORDER) : NULL;
    json_decref(item);
    if (!text)
        return no_memory(error);
    enum am_code code = am_control_file_write(path, file, am_view_of(text), error);
    free(text);
    return code == AM_OK ? wait_for_answer(path, name, seconds, error) : code;
}

/* ---- the holder ---- */

static enum am_code
read_request(const char *path, struct am_control_request *request, struct am_error *error) {
    struct stat status;
    json_t *item = json_load_file(path, 0, NULL);
    const char *action = json_string_value(json_object_get(item, "action"));
    bool pause = action && strcmp(action, "pause") == 0;
    bool fine = item && (pause || (action && strcmp(action, "resume") == 0)) &&
                am_control_override_read(item, &request->override) && stat(path, &status) == 0;
    json_decref(item);
    if (!fine)
        return am_error_set(error, AM_E_INVALID, "the request is none that this server knows");
    request->action = pause ? AM_CONTROL_PAUSE : AM_CONTROL_RESUME;
    snprintf(request->override.who, sizeof request->override.who, "uid %u", status.st_uid);
    return AM_OK;
}

static enum am_code answer(const char *folder,
                           const char *name,
                           const struct am_error *refusal,
                           struct am_error *error) {
    json_t *item = refusal ? json_pack("{s:s}", "error", refusal->message) : json_object();
    char *text = item ? json_dumps(item, 0) : NULL;
    json_decref(item);
    if (!text)
        return no_memory(error);
    enum am_code code = am_control_file_write(folder, name, am_view_of(text), error);
    free(text);
    return code;
}

static bool has_ending(const char *file, const char *ending) {
    size_t size = strlen(file), ends = strlen(ending);
    return size > ends && strcmp(file + size - ends, ending) == 0;
}

static int is_file_of_control(const struct dirent *entry) {
    const char *file = entry->d_name;
    return strlen(file) < NAME_SIZE - 8 &&
           (file[0] == '.'
                ? has_ending(file, TEMPORARY)
                : has_ending(file, REQUEST) || has_ending(file, TAKEN) || has_ending(file, ANSWER));
}

/* The time of the folder's file system, which may be another host's; 0 where it has none. */
static int64_t folder_time(const char *folder) {
    struct stat status;
    return utimensat(AT_FDCWD, folder, NULL, 0) == 0 && stat(folder, &status) == 0
               ? (int64_t)status.st_mtim.tv_sec
               : 0;
}

static bool is_old(const char *path, int64_t now) {
    struct stat status;
    return stat(path, &status) == 0 && now - (int64_t)status.st_mtim.tv_sec > KEEP_SECONDS;
}

static enum am_code obey_one(
    const char *path, int64_t now, am_control_obey *obey, void *context, struct am_error *refusal) {
    struct am_control_request request;
    if (is_old(path, now))
        return am_error_set(refusal, AM_E_INVALID,
                            "the request is older than %d seconds: nothing was changed",
                            KEEP_SECONDS);
    enum am_code code = read_request(path, &request, refusal);
    return code == AM_OK ? obey(context, &request, refusal) : code;
}

/* A request that is taken already was a holder's that died over it: obeying it again does no more
 * than obeying it. */
static enum am_code take_one(const char *folder,
                             const char *file,
                             int64_t now,
                             am_control_obey *obey,
                             void *context,
                             struct am_error *error) {
    char path[PATH_SIZE + NAME_SIZE], taken[PATH_SIZE + NAME_SIZE], name[NAME_SIZE];
    struct am_error refusal;
    int size = (int)(strrchr(file, '.') - file);
    snprintf(path, sizeof path, "%s/%s", folder, file);
    snprintf(taken, sizeof taken, "%s/%.*s" TAKEN, folder, size, file);
    snprintf(name, sizeof name, "%.*s" ANSWER, size, file);
    if (rename(path, taken) != 0)
        return errno == ENOENT ? AM_OK /* withdrawn */
                               : am_error_set_errno(error, AM_E_IO, "cannot take %s", path);
    enum am_code code = obey_one(taken, now, obey, context, &refusal);
    code = answer(folder, name, code == AM_OK ? NULL : &refusal, error);
    unlink(taken);
    return code;
}

/* Answers and unfinished files stay while somebody may wait for them. */
static void remove_old(const char *folder, const char *file, int64_t now) {
    char path[PATH_SIZE + NAME_SIZE];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    if (is_old(path, now))
        unlink(path);
}

enum am_code
am_control_take(const char *folder, am_control_obey *obey, void *context, struct am_error *error) {
    char path[PATH_SIZE];
    struct dirent **entries;
    enum am_code code = AM_OK;
    snprintf(path, sizeof path, "%s/" FOLDER, folder);
    int count = scandir(path, &entries, is_file_of_control, alphasort);
    if (count < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot list %s", path);
    int64_t now = count ? folder_time(path) : 0;
    for (int i = 0; i < count; i++) {
        const char *file = entries[i]->d_name;
        if (has_ending(file, TEMPORARY) || has_ending(file, ANSWER))
            remove_old(path, file, now);
        else if (code == AM_OK)
            code = take_one(path, file, now, obey, context, error);
        free(entries[i]);
    }
    free(entries);
    return code;
}
