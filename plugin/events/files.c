/* SPDX-License-Identifier: Apache-2.0 */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void am_journal_path(const struct am_journal_file *file,
                     const char *ending,
                     char path[AM_JOURNAL_PATH_SIZE]) {
    size_t size = am_journal_name_write(file->lane, file->number, path);
    memcpy(path + size, ending, strlen(ending) + 1);
}

static bool cut_ending(struct am_view *name, const char *ending) {
    size_t size = strlen(ending);
    if (name->size <= size || memcmp(name->data + name->size - size, ending, size) != 0)
        return false;
    name->size -= size;
    return true;
}

static bool read_name(const char *entry, struct am_journal_file *file) {
    struct am_view name = am_view_of(entry);
    *file = (struct am_journal_file){.number = 0};
    file->packed = cut_ending(&name, AM_JOURNAL_PACKED);
    file->plain = !file->packed && cut_ending(&name, AM_JOURNAL_PLAIN);
    return (file->packed || file->plain) && am_journal_name_read(name, &file->lane, &file->number);
}

static int by_lane_and_number(const void *a, const void *b) {
    const struct am_journal_file *first = a, *second = b;
    if (first->lane != second->lane)
        return first->lane < second->lane ? -1 : 1;
    return (first->number > second->number) - (first->number < second->number);
}

/* A file that is there in both forms becomes one entry. */
static void join_forms(struct am_vector *files) {
    size_t kept = 0;
    for (size_t i = 0; i < files->count; i++) {
        struct am_journal_file *file = AM_VECTOR_AT(files, struct am_journal_file, i);
        struct am_journal_file *last =
            kept ? AM_VECTOR_AT(files, struct am_journal_file, kept - 1) : NULL;
        if (last && by_lane_and_number(last, file) == 0) {
            last->plain |= file->plain;
            last->packed |= file->packed;
        } else {
            *AM_VECTOR_AT(files, struct am_journal_file, kept++) = *file;
        }
    }
    files->count = kept;
}

static enum am_code
list(DIR *stream, const char *name, struct am_vector *files, struct am_error *error) {
    struct am_journal_file file;
    struct dirent *entry;
    while ((errno = 0, entry = readdir(stream)))
        if (read_name(entry->d_name, &file) && !am_vector_push(files, &file))
            return am_error_set(error, AM_E_MEMORY, "no memory for the names of the files of %s",
                                name);
    if (errno)
        return am_error_set_errno(error, AM_E_IO, "cannot list %s", name);
    if (files->count)
        qsort(files->data, files->count, sizeof file, by_lane_and_number);
    join_forms(files);
    return AM_OK;
}

enum am_code
am_journal_files(int folder, const char *name, struct am_vector *files, struct am_error *error) {
    am_vector_free(files);
    *files = AM_VECTOR_OF(struct am_journal_file);
    int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = again < 0 ? NULL : fdopendir(again);
    if (!stream) {
        am_error_set_errno(error, AM_E_IO, "cannot list %s", name);
        if (again >= 0)
            close(again);
        return AM_E_IO;
    }
    enum am_code code = list(stream, name, files, error);
    closedir(stream);
    return code;
}
