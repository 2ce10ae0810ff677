/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the subcommand and runs it. */
#include "completion.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct am_cli_command completion;

static const struct am_cli_command *const commands[] = {
    &am_cli_command_check,   &am_cli_command_build,    &am_cli_command_info,
    &am_cli_command_verify,  &am_cli_command_match,    &am_cli_command_words,
    &am_cli_command_import,  &am_cli_command_diff,     &completion,
    &am_cli_command_log,     &am_cli_command_recount,  &am_cli_command_report,
    &am_cli_command_control, &am_cli_command_simulate,
};

/* ---- completion -------------------------------------------------------------------------------
 */

static int run_completion(int argc, char **argv) {
    struct am_cli_arguments arguments = {&completion, argc, argv, AM_EXIT_UNDECIDED};
    while (am_cli_option(&arguments) != -1)
        continue;
    const char *shell = am_cli_operand(&arguments, "bash or zsh");
    if (!shell)
        return arguments.status;
    if (!am_cli_completion_print(shell, commands, AM_COUNT_OF(commands)))
        return am_cli_usage(&arguments, "expected bash or zsh, found '%s'", shell);
    return am_cli_finish(AM_EXIT_OK);
}

static const struct option completion_options[] = {
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Here, since it lists all commands, itself included. */
static const struct am_cli_command completion = {
    .name = "completion",
    .synopsis = "bash|zsh",
    .summary = "Prints what a shell needs to complete command lines",
    .details = "  -h, --help  show this help\n\n"
               "In ~/.bashrc: eval \"$(admatch completion bash)\"; for zsh, write it to a file "
               "_admatch in\n"
               "a folder of $fpath.\n",
    .letters = ":h",
    .options = completion_options,
    .run = run_completion,
};

/* ---- all commands -----------------------------------------------------------------------------
 */

static int print_overview(void) {
    printf("usage: admatch COMMAND [OPTIONS] ...\n\n"
           "Works on inventories (JSON Lines), on images built from them, and on ledgers.\n\n"
           "commands:\n");
    for (size_t i = 0; i < AM_COUNT_OF(commands); i++)
        printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    printf("\n`admatch COMMAND --help` tells more about one of them; `admatch --version` the "
           "version.\n"
           "Exit codes: 0 fine, 1 a problem in the input, 2 a wrong command line.\n");
    return am_cli_finish(AM_EXIT_OK);
}

static const struct am_cli_command *find_command(const char *name) {
    for (size_t i = 0; i < AM_COUNT_OF(commands); i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int complain(const char *what, const char *name) {
    fputs("admatch: ", stderr);
    fprintf(stderr, "%s%s", what, name);
    fputs("; `admatch --help` lists the commands\n", stderr);
    return AM_EXIT_USAGE;
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN); /* writes then fail with EPIPE, which am_cli_finish understands */
    if (argc < 2)
        return complain("no command given", "");
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0)
        return print_overview();
    if (strcmp(name, "--version") == 0) {
        puts("admatch " ADMATCH_VERSION);
        return am_cli_finish(AM_EXIT_OK);
    }
    const struct am_cli_command *command = find_command(name);
    if (!command)
        return complain("there is no command ", name);
    return command->run(argc - 1, argv + 1);
}
