/* SPDX-License-Identifier: Apache-2.0 */
#include "input.h"
#include "command.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

/* [begin, end) of `buffer` has been read and not yet given out. */
struct am_cli_input {
    gzFile file;
    const char *name;
    size_t longest, capacity;
    size_t begin, end;
    bool at_end;   /* of the file */
    bool skipping; /* the rest of a line that was too long */
    char buffer[];
};

enum { READ_AHEAD = 1 << 20, GZIP_BUFFER = 256 << 10 };

static gzFile open_file(const char *path) {
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    gzFile file = gzdopen(fd, "rb");
    if (!file)
        close(fd);
    return file;
}

enum am_code am_cli_input_open(const char *path,
                               size_t longest,
                               struct am_cli_input **input,
                               struct am_error *error) {
    size_t capacity = longest + 2 + READ_AHEAD;
    struct am_cli_input *made = malloc(sizeof *made + capacity);
    if (!made)
        return am_error_set(error, AM_E_MEMORY, "not enough memory to read %s",
                            am_cli_name_of(path));
    *made = (struct am_cli_input){
        .name = am_cli_name_of(path), .longest = longest, .capacity = capacity};
    made->file = open_file(path);
    if (!made->file) {
        free(made);
        return am_error_set_errno(error, AM_E_IO, "cannot open %s", am_cli_name_of(path));
    }
    gzbuffer(made->file, GZIP_BUFFER);
    *input = made;
    return AM_OK;
}

void am_cli_input_close(struct am_cli_input *input) {
    if (!input)
        return;
    gzclose(input->file);
    free(input);
}

/* zlib reports a truncated gzip file only as a pending error after the last bytes. */
static enum am_code fail_of(struct am_cli_input *input, struct am_error *error) {
    int problem;
    const char *text = gzerror(input->file, &problem);
    if (problem == Z_ERRNO)
        return am_error_set_errno(error, AM_E_IO, "cannot read %s", input->name);
    if (problem == Z_MEM_ERROR)
        return am_error_set(error, AM_E_MEMORY, "not enough memory to unpack %s", input->name);
    if (problem == Z_BUF_ERROR)
        return am_error_set(error, AM_E_SYNTAX, "%s: the gzip data end too early", input->name);
    return am_error_set(error, AM_E_SYNTAX, "cannot unpack %s: %s", input->name, text);
}

/* Reads what fits; a call that adds nothing has found the end. */
static enum am_code fill(struct am_cli_input *input, struct am_error *error) {
    if (input->begin > 0) {
        memmove(input->buffer, input->buffer + input->begin, input->end - input->begin);
        input->end -= input->begin;
        input->begin = 0;
    }
    int got =
        gzread(input->file, input->buffer + input->end, (unsigned)(input->capacity - input->end));
    int problem = Z_OK;
    if (got <= 0)
        gzerror(input->file, &problem);
    if (got < 0 || (problem != Z_OK && problem != Z_STREAM_END))
        return fail_of(input, error);
    input->end += (size_t)got;
    input->at_end = got == 0;
    return AM_OK;
}

/* Drops what remains of a line that was cut. */
static enum am_code skip_line(struct am_cli_input *input, struct am_error *error) {
    for (;;) {
        char *newline = memchr(input->buffer + input->begin, '\n', input->end - input->begin);
        if (newline) {
            input->begin = (size_t)(newline - input->buffer) + 1;
            return AM_OK;
        }
        input->begin = input->end;
        enum am_code code = fill(input, error);
        if (code != AM_OK || input->at_end)
            return code;
    }
}

enum am_code
am_cli_input_line(struct am_cli_input *input, struct am_view *line, struct am_error *error) {
    enum am_code code = input->skipping ? skip_line(input, error) : AM_OK;
    input->skipping = false;
    while (code == AM_OK) {
        const char *start = input->buffer + input->begin;
        size_t held = input->end - input->begin;
        size_t looked_at = held < input->longest + 1 ? held : input->longest + 1;
        const char *newline = memchr(start, '\n', looked_at);
        if (newline) {
            *line = (struct am_view){start, (size_t)(newline - start)};
            input->begin += line->size + 1;
            return AM_OK;
        }
        if (looked_at > input->longest || (input->at_end && held > 0)) {
            *line = (struct am_view){start, looked_at};
            input->begin += looked_at;
            input->skipping = looked_at > input->longest;
            return AM_OK;
        }
        if (input->at_end) {
            *line = (struct am_view){NULL, 0};
            return AM_OK;
        }
        code = fill(input, error);
    }
    return code;
}

enum am_code
am_cli_input_whole(struct am_cli_input *input, struct am_view *text, struct am_error *error) {
    enum am_code code = AM_OK;
    while (code == AM_OK && !input->at_end && input->end <= input->longest)
        code = fill(input, error);
    size_t size = input->end < input->longest + 1 ? input->end : input->longest + 1;
    *text = (struct am_view){input->buffer, size};
    return code;
}
