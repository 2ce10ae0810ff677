/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

static int print_help(const struct am_cli_command *command) {
    printf("usage: admatch %s %s\n\n%s.\n\n%s", command->name, command->synopsis, command->summary,
           command->details);
    return am_cli_finish(AM_EXIT_OK);
}

int am_cli_usage(struct am_cli_arguments *arguments, const char *format, ...) {
    va_list values;
    va_start(values, format);
    fputs("admatch: ", stderr);
    vfprintf(stderr, format, values);
    va_end(values);
    fprintf(stderr, "; `admatch %s --help` shows the options\n", arguments->command->name);
    return arguments->status = AM_EXIT_USAGE;
}

/* getopt leaves in `optopt`: 0 for an unknown long option, else the letter or the `val` of what it
 * could not use. */
static void complain_about_option(struct am_cli_arguments *arguments, int problem) {
    const struct option *known = arguments->command->options;
    while (known->name && known->val != optopt)
        known++;
    if (problem == ':')
        am_cli_usage(arguments, "the option %s needs a value", arguments->argv[optind - 1]);
    else if (optopt == 0)
        am_cli_usage(arguments, "unknown option %s", arguments->argv[optind - 1]);
    else if (known->name)
        am_cli_usage(arguments, "the option --%s takes no value", known->name);
    else
        am_cli_usage(arguments, "unknown option -%c", optopt);
}

int am_cli_option(struct am_cli_arguments *arguments) {
    opterr = 0;
    int option = getopt_long(arguments->argc, arguments->argv, arguments->command->letters,
                             arguments->command->options, NULL);
    if (option == 'h')
        arguments->status = print_help(arguments->command);
    else if (option == '?' || option == ':')
        complain_about_option(arguments, option);
    else
        return option;
    return -1;
}

const char *am_cli_operand(struct am_cli_arguments *arguments, const char *what) {
    if (arguments->status != AM_EXIT_UNDECIDED)
        return NULL;
    int count = arguments->argc - optind;
    if (count == 1)
        return arguments->argv[optind];
    if (count == 0)
        am_cli_usage(arguments, "%s is missing", what);
    else
        am_cli_usage(arguments, "one %s is expected, and '%s' is too much", what,
                     arguments->argv[optind + 1]);
    return NULL;
}

int am_cli_fail(const struct am_error *error) {
    fprintf(stderr, error->where[0] ? "admatch: %s (at %s)\n" : "admatch: %s\n", error->message,
            error->where);
    return AM_EXIT_PROBLEM;
}

int am_cli_finish(int status) {
    errno = 0;
    bool failed = fflush(stdout) != 0 || ferror(stdout);
    if (!failed || errno == EPIPE)
        return status;
    struct am_error error;
    am_error_set_errno(&error, AM_E_IO, "cannot write to standard output");
    return am_cli_fail(&error);
}

void am_cli_print_line(FILE *stream, const char *format, ...) {
    char line[8192]; /* a path, an id and two keywords at their longest have room in it */
    va_list values;
    va_start(values, format);
    am_error_format(line, sizeof line, format, values);
    va_end(values);
    fprintf(stream, "%s\n", line);
}

const char *am_cli_name_of(const char *path) {
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

bool am_cli_is_no_file(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

bool am_cli_is_same_file(const char *a, const char *b) {
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

const char *am_cli_number(uint64_t value, char text[AM_CLI_NUMBER_SIZE]) {
    char digits[AM_CLI_NUMBER_SIZE];
    int count = snprintf(digits, sizeof digits, "%llu", (unsigned long long)value);
    size_t at = 0;
    for (int i = 0; i < count; i++) {
        if (i && (count - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

double am_cli_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
