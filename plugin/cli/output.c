/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <errno.h>

enum { BUFFER_SIZE = 1 << 20 };
/* Static, since standard output may still be flushed after main has returned. */
static char buffer[BUFFER_SIZE];

enum am_code
am_cli_output_open(const char *path, struct am_cli_output *output, struct am_error *error) {
    bool to_file = path && strcmp(path, "-") != 0;
    FILE *stream = to_file ? fopen(path, "we") : stdout;
    if (!stream)
        return am_error_set_errno(error, AM_E_IO, "cannot write %s", path);
    setvbuf(stream, buffer, _IOFBF, sizeof buffer);
    *output = (struct am_cli_output){stream, to_file ? path : "standard output", 0};
    return AM_OK;
}

bool am_cli_output_line(struct am_cli_output *output, struct am_view line) {
    if (fwrite_unlocked(line.data, 1, line.size, output->stream) == line.size &&
        fputc_unlocked('\n', output->stream) != EOF)
        return true;
    output->error = errno;
    return false;
}

bool am_cli_output_text(struct am_cli_output *output, struct am_view text) {
    if (fwrite_unlocked(text.data, 1, text.size, output->stream) == text.size)
        return true;
    output->error = errno;
    return false;
}

enum am_code am_cli_output_close(struct am_cli_output *output, struct am_error *error) {
    int failed = output->error;
    bool is_stdout = output->stream == stdout;
    if ((is_stdout ? fflush(output->stream) : fclose(output->stream)) != 0 && !failed)
        failed = errno;
    if (failed == 0 || failed == EPIPE)
        return AM_OK;
    errno = failed;
    return am_error_set_errno(error, AM_E_IO, "cannot write %s", output->name);
}
