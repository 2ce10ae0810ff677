/* SPDX-License-Identifier: Apache-2.0 */
/* The `admatch` command: what its subcommands share.
 *
 * Output for people and programs goes to standard output, complaints go to standard error as
 * "admatch: ...". */
#ifndef AM_CLI_COMMAND_H
#define AM_CLI_COMMAND_H

#include "../base/bytes.h"
#include "../base/error.h"

#include <getopt.h>
#include <stdio.h>

enum am_cli_exit {
    AM_EXIT_OK = 0,
    AM_EXIT_PROBLEM = 1, /* the input is wrong, or the machine refused (no memory, no such file) */
    AM_EXIT_USAGE = 2,   /* the command line is wrong */
};

struct am_cli_command {
    const char *name;
    const char *synopsis;         /* what follows the name: "[--skip] INVENTORY" */
    const char *summary;          /* one line */
    const char *details;          /* the options, line by line, for --help */
    const char *letters;          /* of short options, for getopt */
    const struct option *options; /* long ones; --help is among them, as 'h' */
    const char *const *paths;     /* those whose value is a file or folder, NULL last; NULL: none */
    int (*run)(int argc, char **argv);
};

extern const struct am_cli_command am_cli_command_check, am_cli_command_build, am_cli_command_info,
    am_cli_command_verify, am_cli_command_match, am_cli_command_words, am_cli_command_log,
    am_cli_command_recount, am_cli_command_report, am_cli_command_control, am_cli_command_import,
    am_cli_command_diff, am_cli_command_simulate;

/* One run over a command line. `status` is AM_EXIT_UNDECIDED until something ends the command. */
enum { AM_EXIT_UNDECIDED = -1 };
struct am_cli_arguments {
    const struct am_cli_command *command;
    int argc;
    char **argv;
    int status;
};

/* The next option's `val`; its value is `optarg`. -1 when there is no more, or when the command is
 * to end: --help has been answered or a complaint has been printed, and `status` is the exit code.
 */
int am_cli_option(struct am_cli_arguments *arguments);

/* The one operand that must stand after the options. NULL with `status` set when it is missing,
 * when there are more, or when am_cli_option has ended the command already. */
const char *am_cli_operand(struct am_cli_arguments *arguments, const char *what);

/* Prints a complaint about the command line and where to find help; sets and returns AM_EXIT_USAGE.
 */
int am_cli_usage(struct am_cli_arguments *arguments, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints the error as "admatch: MESSAGE"; returns AM_EXIT_PROBLEM. */
int am_cli_fail(const struct am_error *error);

/* Flushes standard output and returns `status`; AM_EXIT_PROBLEM with a complaint when something
 * could not be written. A reader that has gone away (EPIPE) has had all that it wanted: no
 * complaint, `status`. */
int am_cli_finish(int status);

/* printf for lines that quote an inventory or an image: writes '?' for what would control a
 * terminal, and appends a line feed. */
void am_cli_print_line(FILE *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "-" is shown as "standard input". */
const char *am_cli_name_of(const char *path);

/* Whether the path names something other than a regular file, such as a device, a pipe or a link,
 * which an image would replace. */
bool am_cli_is_no_file(const char *path);

/* Whether both paths lead to one file that exists, so that writing one would destroy the other. */
bool am_cli_is_same_file(const char *a, const char *b);

enum { AM_CLI_NUMBER_SIZE = 28 };
/* Digits in groups of three: "1,234,567". Returns `text`. */
const char *am_cli_number(uint64_t value, char text[AM_CLI_NUMBER_SIZE]);

/* Seconds since some fixed moment, for rates and durations. */
double am_cli_clock(void);

#endif
