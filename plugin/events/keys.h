/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that tokens are signed with: read from a file, or made in the ledger; and shared by the
 * processes of an instance, so that a changed file reaches all of them at once. */
#ifndef AM_EVENTS_KEYS_H
#define AM_EVENTS_KEYS_H

#include <stdatomic.h>
#include <sys/types.h>
#include <time.h>

#include "token.h"

/* Reads a keys file: one key a line, 32 hexadecimal digits, one or two of them; blank lines and
 * lines that begin with '#' are skipped. The first key signs, both verify. AM_E_IO; AM_E_INVALID
 * for a file that others than its owner and group may read or that group or others may write, that
 * belongs to someone other than root and the process's user, or that is not of that form. Messages
 * name file, line and what was expected, and never quote the file's contents. */
enum am_code
am_token_keys_read(const char *path, struct am_token_keys *keys, struct am_error *error);

/* The key of a ledger whose owner names no file: DIR/key, made of the kernel's random bytes by
 * whoever comes first. `folder` is a descriptor of DIR, `name` is how messages call it. Same file
 * format and errors. */
enum am_code am_token_keys_make(int folder,
                                const char *name,
                                struct am_token_keys *keys,
                                struct am_error *error);

/* Keys in memory that processes share (zeroed is valid, and holds no key). One process writes, any
 * number of threads of any process read without waiting for it. */
struct am_token_keyring {
    _Atomic uint64_t version; /* odd while being written */
    _Atomic uint64_t words[2 * AM_TOKEN_MAX_KEYS];
    _Atomic uint64_t tags; /* a byte a key, and the count in the last */
};

void am_token_keyring_publish(struct am_token_keyring *keyring, const struct am_token_keys *keys);

/* A thread's copy. */
struct am_token_keys_copy {
    struct am_token_keys keys;
    uint64_t version;
};

/* The keys as they are now; takes one load while they have not changed. */
const struct am_token_keys *am_token_keyring_read(const struct am_token_keyring *keyring,
                                                  struct am_token_keys_copy *copy);

/* What a file was when it was read last. Zeroed: never. */
struct am_token_keys_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed, modified;
};

/* Whether the file at `path` is another one than `stamp` says, or has changed; updates the stamp.
 * One stat call: for a check each second. A file that cannot be looked at has not changed. */
bool am_token_keys_changed(const char *path, struct am_token_keys_stamp *stamp);

#endif
