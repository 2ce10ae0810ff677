/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over files instead of a fuzzer's inputs: each file of the folders given, and
 * the empty input. */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
        char name[PATH_MAX];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        failed |= run_file(name);
        ++*count;
    }
    closedir(folder);
    return failed;
}

int main(int argument_count, char **arguments) {
    unsigned count = 0;
    int failed = 0;
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argument_count; i++)
        failed |= run_folder(arguments[i], &count);
    if (count == 0)
        fprintf(stderr, "there was no file to run\n");
    printf("%s: %u files\n", arguments[0], count);
    return failed || count == 0;
}
