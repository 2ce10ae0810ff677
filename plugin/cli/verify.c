/* SPDX-License-Identifier: Apache-2.0 */
/* `admatch verify`: walks an image to the last record. */
#include "../index/image.h"
#include "command.h"

#include <stdio.h>

static const struct option options[] = {
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Another kind of file is refused by its name rather than by what its header lacks. */
static enum am_code open_image(const char *path, struct am_image **image, struct am_error *error) {
    bool is_image;
    enum am_code code = am_image_is(path, &is_image, error);
    if (code != AM_OK)
        return code;
    if (!is_image)
        return am_error_set(error, AM_E_INVALID,
                            "%s is no image: `admatch check` checks inventories, `admatch build` "
                            "makes images of them",
                            path);
    return am_image_open(path, image, error);
}

static int verify(const char *path) {
    struct am_error error;
    struct am_image *image = NULL;
    enum am_code code = open_image(path, &image, &error);
    if (code == AM_OK)
        code = am_image_verify(image, &error);
    if (code == AM_OK)
        printf("%s: a sound image, generation %s\n", path, image->generation);
    am_image_close(image);
    return am_cli_finish(code == AM_OK ? AM_EXIT_OK : am_cli_fail(&error));
}

static int run(int argc, char **argv) {
    struct am_cli_arguments arguments = {&am_cli_command_verify, argc, argv, AM_EXIT_UNDECIDED};
    while (am_cli_option(&arguments) != -1)
        continue;
    const char *path = am_cli_operand(&arguments, "IMAGE");
    return path ? verify(path) : arguments.status;
}

const struct am_cli_command am_cli_command_verify = {
    .name = "verify",
    .synopsis = "IMAGE",
    .summary = "Checks an image: header, checksum, and every record and reference in it",
    .details = "  -h, --help  show this help\n\n"
               "Exit code 0 when a server could serve it, 1 with the reason when not.\n",
    .letters = ":h",
    .options = options,
    .run = run,
};
