/* SPDX-License-Identifier: Apache-2.0 */
/* `admatch completion`: what a shell needs to complete command lines, made of the tables that read
 * them. */
#include "completion.h"

#include <stdio.h>

static bool takes_file(const struct am_cli_command *command, const struct option *option) {
    const char *const *name = command->paths;
    while (name && *name && strcmp(*name, option->name) != 0)
        name++;
    return name && *name;
}

/* ---- bash -------------------------------------------------------------------------------------
 */

static void print_bash_command(const struct am_cli_command *command) {
    printf("    %s) options='", command->name);
    for (const struct option *option = command->options; option->name; option++)
        printf("%s--%s", option == command->options ? "" : " ", option->name);
    fputs("'; values='", stdout);
    for (const struct option *option = command->options; option->name; option++)
        if (option->has_arg == required_argument && !takes_file(command, option))
            printf(" --%s ", option->name);
    fputs("' ;;\n", stdout);
}

static void print_bash(const struct am_cli_command *const *commands, size_t count) {
    fputs("# bash completion for admatch: source it, or put it into bash-completion's folder.\n"
          "_admatch() {\n"
          "    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} options= "
          "values=\n"
          "    COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
          "        COMPREPLY=($(compgen -W '",
          stdout);
    for (size_t i = 0; i < count; i++)
        printf("%s ", commands[i]->name);
    fputs("--help --version' -- \"$current\"))\n        return\n    fi\n"
          "    case ${COMP_WORDS[1]} in\n",
          stdout);
    for (size_t i = 0; i < count; i++)
        print_bash_command(commands[i]);
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
                            : takes_file(command, option)  ? ":file:_files"
                                                           : ":value: ";
        printf(" '*--%s%s%s'", option->name, *value ? "=" : "", value);
    }
    fputs(" '*:file:_files' ;;\n", stdout);
}

static void print_zsh(const struct am_cli_command *const *commands, size_t count) {
    fputs("#compdef admatch\n"
          "# zsh completion for admatch: put it as _admatch into a folder of $fpath.\n"
          "if (( CURRENT == 2 )); then\n"
          "    local -a commands=(",
          stdout);
    for (size_t i = 0; i < count; i++)
        printf("\n        '%s:%s'", commands[i]->name, commands[i]->summary);
    fputs("\n    )\n    _describe command commands\n    return\nfi\n"
          "local command=$words[2]\n"
          "shift words\n(( CURRENT-- ))\n"
          "case $command in\n",
          stdout);
    for (size_t i = 0; i < count; i++)
        print_zsh_command(commands[i]);
    fputs("esac\n", stdout);
}

bool am_cli_completion_print(const char *shell,
                             const struct am_cli_command *const *commands,
                             size_t count) {
    bool bash = strcmp(shell, "bash") == 0;
    if (bash)
        print_bash(commands, count);
    else if (strcmp(shell, "zsh") == 0)
        print_zsh(commands, count);
    else
        return false;
    return true;
}
