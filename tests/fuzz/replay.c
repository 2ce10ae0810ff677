/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over files instead of a fuzzer's inputs: each file of the folders given, and
 * the empty input. */
#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIMIT = 60 }; /* seconds for a file: its code hangs */

static char current[PATH_MAX] = "the empty input";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void give_up(int number) {
    static const char what[] = ": does not end\n";
    (void)number;
    (void)!write(STDERR_FILENO, current, strlen(current));
    (void)!write(STDERR_FILENO, what, sizeof what - 1);
    _exit(1);
}

/* A buffer of exactly the file's size, so that sanitizers see a read past its end. */
static int run_file(const char *path) {
    FILE *file = fopen(path, "rb");
    struct stat status;
    if (!file || fstat(fileno(file), &status) != 0) {
        perror(path);
        return 1;
    }
    size_t size = (size_t)status.st_size;
    uint8_t *data = malloc(size ? size : 1);
    int failed = !data || fread(data, 1, size, file) != size;
    fclose(file);
    if (failed)
        fprintf(stderr, "cannot read %s\n", path);
    else
        LLVMFuzzerTestOneInput(data, size);
    free(data);
    return failed;
}

static int run_folder(const char *path, unsigned *count) {
    DIR *folder = opendir(path);
    struct dirent *entry;
    int failed = 0;
    if (!folder) {
        perror(path);
        return 1;
    }
    while ((entry = readdir(folder))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(current, sizeof current, "%s/%s", path, entry->d_name);
        alarm(LIMIT);
        failed |= run_file(current);
        ++*count;
    }
    closedir(folder);
    return failed;
}

int main(int argument_count, char **arguments) {
    unsigned count = 0;
    int failed = 0;
    signal(SIGALRM, give_up);
    alarm(LIMIT);
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argument_count; i++)
        failed |= run_folder(arguments[i], &count);
    if (count == 0)
        fprintf(stderr, "there was no file to run\n");
    printf("%s: %u files\n", arguments[0], count);
    return failed || count == 0;
}
