/* SPDX-License-Identifier: Apache-2.0 */
/* `admatch completion`: what a shell needs to complete command lines, made of the tables that read
 * them. */
#include "command.h"

#include <stdio.h>

static const struct option options[] = {
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Options whose value is no file. */
static bool takes_file(const struct option *option) {
    static const char *const files[] = {"text",    "html",          "request", "batch",
                                        "openrtb", "openrtb-batch", "output",  "requests"};
    for (size_t i = 0; i < AM_COUNT_OF(files); i++)
        if (strcmp(option->name, files[i]) == 0)
            return true;
    return false;
}

/* ---- bash -------------------------------------------------------------------------------------
 */

static void print_bash_command(const struct am_cli_command *command) {
    printf("    %s) options='", command->name);
    for (const struct option *option = command->options; option->name; option++)
        printf("%s--%s", option == command->options ? "" : " ", option->name);
    fputs("'; values='", stdout);
    for (const struct option *option = command->options; option->name; option++)
        if (option->has_arg == required_argument && !takes_file(option))
            printf(" --%s ", option->name);
    fputs("' ;;\n", stdout);
}

static void print_bash(void) {
    fputs("# bash completion for admatch: source it, or put it into bash-completion's folder.\n"
          "_admatch() {\n"
          "    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} options= "
          "values=\n"
          "    COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
          "        COMPREPLY=($(compgen -W '",
          stdout);
    for (size_t i = 0; i < am_cli_command_count; i++)
        printf("%s ", am_cli_commands[i]->name);
    fputs("--help --version' -- \"$current\"))\n        return\n    fi\n"
          "    case ${COMP_WORDS[1]} in\n",
          stdout);
    for (size_t i = 0; i < am_cli_command_count; i++)
        print_bash_command(am_cli_commands[i]);
    fputs("    esac\n"
          "    case $values in *\" $before \"*) return ;; esac\n"
          "    case $current in\n"
          "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$current\")) ;;\n"
          "    *) COMPREPLY=($(compgen -f -- \"$current\")) ;;\n"
          "    esac\n"
          "}\n"
          "complete -o filenames -F _admatch admatch\n",
          stdout);
}

/* ---- zsh --------------------------------------------------------------------------------------
 */

static void print_zsh_command(const struct am_cli_command *command) {
    printf("    %s) _arguments", command->name);
    for (const struct option *option = command->options; option->name; option++) {
        const char *value = option->has_arg == no_argument ? ""
                            : takes_file(option)           ? ":file:_files"
                                                           : ":value: ";
        printf(" '*--%s%s%s'", option->name, *value ? "=" : "", value);
    }
    fputs(" '*:file:_files' ;;\n", stdout);
}

static void print_zsh(void) {
    fputs("#compdef admatch\n"
          "# zsh completion for admatch: put it as _admatch into a folder of $fpath.\n"
          "if (( CURRENT == 2 )); then\n"
          "    local -a commands=(",
          stdout);
    for (size_t i = 0; i < am_cli_command_count; i++)
        printf("\n        '%s:%s'", am_cli_commands[i]->name, am_cli_commands[i]->summary);
    fputs("\n    )\n    _describe command commands\n    return\nfi\n"
          "local command=$words[2]\n"
          "shift words\n(( CURRENT-- ))\n"
          "case $command in\n",
          stdout);
    for (size_t i = 0; i < am_cli_command_count; i++)
        print_zsh_command(am_cli_commands[i]);
    fputs("esac\n", stdout);
}

static int run(int argc, char **argv) {
    struct am_cli_arguments arguments = {&am_cli_command_completion, argc, argv, AM_EXIT_UNDECIDED};
    while (am_cli_option(&arguments) != -1)
        continue;
    const char *shell = am_cli_operand(&arguments, "bash or zsh");
    if (!shell)
        return arguments.status;
    if (strcmp(shell, "bash") == 0)
        print_bash();
    else if (strcmp(shell, "zsh") == 0)
        print_zsh();
    else
        return am_cli_usage(&arguments, "expected bash or zsh, found '%s'", shell);
    return am_cli_finish(AM_EXIT_OK);
}

const struct am_cli_command am_cli_command_completion = {
    .name = "completion",
    .synopsis = "bash|zsh",
    .summary = "Prints what a shell needs to complete command lines",
    .details = "  -h, --help  show this help\n\n"
               "In ~/.bashrc: eval \"$(admatch completion bash)\"; for zsh, write it to a file "
               "_admatch in\n"
               "a folder of $fpath.\n",
    .letters = ":h",
    .options = options,
    .run = run,
};
