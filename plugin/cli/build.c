/* SPDX-License-Identifier: Apache-2.0 */
/* `admatch build`: an inventory becomes an image file. */
#include <fcntl.h>

#include "command.h"
#include "source.h"

enum { OPTION_SKIP = 256 };

static const struct option options[] = {
    {"output", required_argument, NULL, 'o'},
    {"skip", no_argument, NULL, OPTION_SKIP},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void print_result(const struct am_cli_progress *progress,
                         const struct am_image *image,
                         const char *path) {
    char ads[AM_CLI_NUMBER_SIZE], size[AM_CLI_NUMBER_SIZE];
    if (progress->shown)
        fprintf(stderr, "%s: %s ads, %s bytes, generation %s, in %.2f s\n", path,
                am_cli_number(image->settings->ad_count, ads), am_cli_number(image->size, size),
                image->generation, am_cli_clock() - progress->started);
}

static enum am_code publish(const struct am_cli_loaded *loaded,
                            bool lenient,
                            const char *path,
                            struct am_cli_progress *progress,
                            struct am_error *error) {
    struct am_image_bytes bytes = {0};
    struct am_image *image = NULL;
    am_cli_progress_stage(progress, "building the index ...");
    enum am_code code = am_cli_build(loaded, lenient, &bytes, &image, error);
    if (code != AM_OK)
        return code;
    am_cli_progress_stage(progress, "writing ...");
    code = am_image_write(&bytes, AT_FDCWD, path, error);
    am_cli_progress_stage(progress, "");
    if (code == AM_OK)
        print_result(progress, image, path);
    am_image_close(image);
    am_image_bytes_free(&bytes);
    return code;
}

static int build(const char *inventory, const char *output, bool skip) {
    struct am_error error;
    struct am_cli_loaded loaded;
    struct am_cli_progress progress;
    am_cli_progress_start(&progress);
    enum am_code code = am_cli_loaded_open(inventory, skip, &progress, &loaded, &error);
    am_cli_progress_stage(&progress, "");
    am_cli_loaded_print_problems(&loaded, inventory, stderr);
    if (code == AM_OK)
        code = publish(&loaded, skip, output, &progress, &error);
    am_cli_loaded_free(&loaded);
    return code == AM_OK ? AM_EXIT_OK : am_cli_fail(&error);
}

static int run(int argc, char **argv) {
    struct am_cli_arguments arguments = {&am_cli_command_build, argc, argv, AM_EXIT_UNDECIDED};
    const char *output = NULL;
    bool skip = false;
    for (int option; (option = am_cli_option(&arguments)) != -1;) {
        if (option == 'o')
            output = optarg;
        else
            skip = true;
    }
    const char *inventory = am_cli_operand(&arguments, "INVENTORY");
    if (!inventory)
        return arguments.status;
    if (!output || !*output || strcmp(output, "-") == 0)
        return am_cli_usage(&arguments, "the image needs a file: -o IMAGE");
    if (am_cli_is_same_file(inventory, output))
        return am_cli_usage(&arguments, "'%s' is the inventory itself", output);
    if (am_cli_is_no_file(output))
        return am_cli_usage(&arguments, "'%s' is there, and is no regular file to replace", output);
    return build(inventory, output, skip);
}

const struct am_cli_command am_cli_command_build = {
    .name = "build",
    .synopsis = "INVENTORY -o IMAGE [--skip]",
    .summary = "Builds an image from an inventory and verifies it",
    .details =
        "  -o, --output IMAGE  the file to write; it is replaced at once, or not at all\n"
        "      --skip          drop bad records instead of refusing the whole inventory\n"
        "  -h, --help          show this help\n\n"
        "INVENTORY is a file of JSON Lines, plain or gzip; - is standard input. On a terminal\n"
        "a bar shows how far it is; in a pipe only problems are printed, on standard error.\n",
    .letters = ":ho:",
    .options = options,
    .paths = (const char *const[]){"output", NULL},
    .run = run,
};
