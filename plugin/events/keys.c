/* SPDX-License-Identifier: Apache-2.0 */
#include "keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_SIZE = sizeof((struct am_token_key *)0)->secret, SECRET_DIGITS = 2 * SECRET_SIZE };
enum { FILE_MAX = 4096, FORBIDDEN_MODE = 0037 };

#define KEY_FILE "key"

static enum am_code
check_file(const char *path, const struct stat *status, struct am_error *error) {
    if (!S_ISREG(status->st_mode))
        return am_error_set(error, AM_E_INVALID, "%s: expected a regular file", path);
    if (status->st_mode & FORBIDDEN_MODE)
        return am_error_set(error, AM_E_INVALID,
                            "%s has mode %04o, so others may read or write the keys: expected "
                            "0600, or 0640 where a group must read it",
                            path, (unsigned)status->st_mode & 07777);
    if (status->st_uid != 0 && status->st_uid != geteuid())
        return am_error_set(error, AM_E_INVALID,
                            "%s belongs to user %u: expected root or user %u, who reads it", path,
                            (unsigned)status->st_uid, (unsigned)geteuid());
    if (status->st_size > FILE_MAX)
        return am_error_set(error, AM_E_LIMIT,
                            "%s is larger than %d bytes: expected one or two keys of %d "
                            "hexadecimal digits, a line each",
                            path, FILE_MAX, SECRET_DIGITS);
    return AM_OK;
}

static bool parse_secret(struct am_view text, uint8_t secret[SECRET_SIZE]) {
    unsigned distinct = 0;
    if (text.size != SECRET_DIGITS)
        return false;
    for (size_t i = 0; i < SECRET_SIZE; i++) {
        int high = am_bytes_hex_value(text.data[2 * i]);
        int low = am_bytes_hex_value(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        secret[i] = (uint8_t)(high << 4 | low);
        distinct |= secret[i] ^ secret[0];
    }
    return distinct != 0; /* 00...00 is an example that somebody forgot to replace */
}

static struct am_view next_line(struct am_view *text) {
    const char *end = memchr(text->data, '\n', text->size);
    struct am_view line = {text->data, end ? (size_t)(end - text->data) : text->size};
    size_t taken = line.size + (end != NULL);
    *text = (struct am_view){text->data + taken, text->size - taken};
    while (line.size && strchr(" \t\r", line.data[line.size - 1]))
        line.size--;
    return line;
}

static enum am_code parse_keys(const char *path,
                               struct am_view text,
                               struct am_token_keys *keys,
                               struct am_error *error) {
    *keys = (struct am_token_keys){.count = 0};
    for (unsigned number = 1; text.size; number++) {
        struct am_view line = next_line(&text);
        if (line.size == 0 || line.data[0] == '#')
            continue;
        if (keys->count == AM_TOKEN_MAX_KEYS)
            return am_error_set(error, AM_E_LIMIT,
                                "%s:%u: a third key: expected two at most, of which the first "
                                "signs",
                                path, number);
        struct am_token_key *key = &keys->items[keys->count++];
        if (!parse_secret(line, key->secret))
            return am_error_set(error, AM_E_INVALID,
                                "%s:%u: expected a key of %d hexadecimal digits, not all alike "
                                "(openssl rand -hex %d makes one), found %zu characters",
                                path, number, SECRET_DIGITS, SECRET_SIZE, line.size);
        am_token_key_tag(key);
    }
    if (keys->count)
        return AM_OK;
    return am_error_set(error, AM_E_INVALID,
                        "%s has no key: expected one or two, %d hexadecimal digits each (openssl "
                        "rand -hex %d makes one)",
                        path, SECRET_DIGITS, SECRET_SIZE);
}

static enum am_code
read_file(int file, const char *path, struct am_token_keys *keys, struct am_error *error) {
    char text[FILE_MAX];
    struct stat status;
    ssize_t size;
    if (fstat(file, &status) != 0)
        return am_error_set_errno(error, AM_E_IO, "cannot look at %s", path);
    enum am_code code = check_file(path, &status, error);
    if (code != AM_OK)
        return code;
    if ((size = pread(file, text, sizeof text, 0)) < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot read %s", path);
    code = parse_keys(path, (struct am_view){text, (size_t)size}, keys, error);
    explicit_bzero(text, sizeof text);
    return code;
}

enum am_code
am_token_keys_read(const char *path, struct am_token_keys *keys, struct am_error *error) {
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot open the keys file %s", path);
    enum am_code code = read_file(file, path, keys, error);
    close(file);
    return code;
}

/* A line of a keys file with a new secret. */
static bool make_line(char line[SECRET_DIGITS + 1]) {
    uint8_t secret[SECRET_SIZE];
    if (getrandom(secret, sizeof secret, 0) != (ssize_t)sizeof secret)
        return false;
    for (size_t i = 0; i < SECRET_SIZE; i++) {
        line[2 * i] = "0123456789abcdef"[secret[i] >> 4];
        line[2 * i + 1] = "0123456789abcdef"[secret[i] & 15];
    }
    line[SECRET_DIGITS] = '\n';
    explicit_bzero(secret, sizeof secret);
    return true;
}

/* Writes the file under a name of its own, and links it to its name unless somebody was faster. */
static bool make_key_file(int folder) {
    char line[SECRET_DIGITS + 1], name[32];
    snprintf(name, sizeof name, KEY_FILE ".%ld", (long)getpid());
    unlinkat(folder, name, 0);
    int file = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return false;
    bool made = make_line(line) && write(file, line, sizeof line) == (ssize_t)sizeof line &&
                fsync(file) == 0 &&
                (linkat(folder, name, folder, KEY_FILE, 0) == 0 || errno == EEXIST);
    int saved = errno;
    explicit_bzero(line, sizeof line);
    close(file);
    unlinkat(folder, name, 0);
    errno = saved;
    return made && fsync(folder) == 0;
}

enum am_code am_token_keys_make(int folder,
                                const char *name,
                                struct am_token_keys *keys,
                                struct am_error *error) {
    char path[FILE_MAX];
    snprintf(path, sizeof path, "%s/" KEY_FILE, name);
    int file = openat(folder, KEY_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0 && errno == ENOENT) {
        if (!make_key_file(folder))
            return am_error_set_errno(error, AM_E_IO, "cannot make %s", path);
        file = openat(folder, KEY_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    }
    if (file < 0)
        return am_error_set_errno(error, AM_E_IO, "cannot open %s", path);
    enum am_code code = read_file(file, path, keys, error);
    close(file);
    return code;
}

/* ---- shared keys ----
 *
 * A sequence lock (Boehm 2012, "Can seqlocks get along with programming language memory models?"):
 * each data word is stored with release and loaded with acquire, so that a reader that saw a word
 * of a newer version also sees that the version has moved. */

void am_token_keyring_publish(struct am_token_keyring *keyring, const struct am_token_keys *keys) {
    uint64_t version = atomic_load_explicit(&keyring->version, memory_order_relaxed);
    uint64_t tags = (uint64_t)keys->count << 56;
    /* A writer that was killed left it odd; this writer takes over. */
    version |= 1;
    atomic_store_explicit(&keyring->version, version, memory_order_relaxed);
    for (size_t i = 0; i < AM_TOKEN_MAX_KEYS; i++) {
        uint64_t halves[2];
        memcpy(halves, keys->items[i].secret, sizeof halves);
        atomic_store_explicit(&keyring->words[2 * i], halves[0], memory_order_release);
        atomic_store_explicit(&keyring->words[2 * i + 1], halves[1], memory_order_release);
        tags |= (uint64_t)keys->items[i].tag << 8 * i;
    }
    atomic_store_explicit(&keyring->tags, tags, memory_order_release);
    atomic_store_explicit(&keyring->version, version + 1, memory_order_release);
}

static void copy_keys(const struct am_token_keyring *keyring, struct am_token_keys *keys) {
    uint64_t tags = atomic_load_explicit(&keyring->tags, memory_order_acquire);
    keys->count = (uint32_t)(tags >> 56);
    for (size_t i = 0; i < AM_TOKEN_MAX_KEYS; i++) {
        uint64_t halves[2] = {
            atomic_load_explicit(&keyring->words[2 * i], memory_order_acquire),
            atomic_load_explicit(&keyring->words[2 * i + 1], memory_order_acquire)};
        memcpy(keys->items[i].secret, halves, sizeof halves);
        keys->items[i].tag = (uint8_t)(tags >> 8 * i);
    }
}

const struct am_token_keys *am_token_keyring_read(const struct am_token_keyring *keyring,
                                                  struct am_token_keys_copy *copy) {
    uint64_t version = atomic_load_explicit(&keyring->version, memory_order_acquire);
    while (version != copy->version && !(version & 1)) {
        struct am_token_keys keys;
        copy_keys(keyring, &keys);
        uint64_t after = atomic_load_explicit(&keyring->version, memory_order_acquire);
        if (after == version)
            *copy = (struct am_token_keys_copy){keys, version};
        version = after;
    }
    return &copy->keys;
}

bool am_token_keys_changed(const char *path, struct am_token_keys_stamp *stamp) {
    struct stat status;
    if (stat(path, &status) != 0)
        return false;
    struct am_token_keys_stamp now;
    memset(&now, 0, sizeof now);
    now.device = status.st_dev;
    now.inode = status.st_ino;
    now.size = status.st_size;
    now.changed = status.st_ctim;
    now.modified = status.st_mtim;
    bool changed = memcmp(&now, stamp, sizeof now) != 0;
    memcpy(stamp, &now, sizeof now);
    return changed;
}
