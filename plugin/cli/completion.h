/* SPDX-License-Identifier: Apache-2.0 */
/* What a shell needs to complete command lines, made of the tables that read them. */
#ifndef AM_CLI_COMPLETION_H
#define AM_CLI_COMPLETION_H

#include "command.h"

/* Prints the script for "bash" or "zsh"; false for other shells. */
bool am_cli_completion_print(const char *shell,
                             const struct am_cli_command *const *commands,
                             size_t count);

#endif
