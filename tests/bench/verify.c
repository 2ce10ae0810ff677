/* SPDX-License-Identifier: Apache-2.0 */
/* The deep check, measured: verify BYTES [IMAGE]... One line of JSON for each kind of hostile
 * image, of about so many bytes, and for each file: its size, the processor seconds of opening and
 * of the deep check, the memory that the check took, and why the image was refused, if it was. */
#include <malloc.h>
#include <time.h>

#include "../images/hostile.h"

static double processor_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A line of /proc/self/status, in bytes. */
static long status_bytes(const char *name) {
    char line[256];
    long kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "r");
    image_writer_require(status != NULL);
    while (fgets(line, sizeof line, status))
        if (strncmp(line, name, strlen(name)) == 0)
            kilobytes = strtol(line + strlen(name), NULL, 10);
    fclose(status);
    return kilobytes * 1024;
}

/* Makes the peak of resident memory the present one. */
static void forget_peak(void) {
    FILE *references = fopen("/proc/self/clear_refs", "w");
    image_writer_require(references != NULL);
    fputs("5", references);
    fclose(references);
}

/* The image's pages are all resident after it has been opened; of what was freed before, none is.
 */
static void verify(const char *name, struct am_image *image, double opened) {
    struct am_error error = {0};
    malloc_trim(0);
    forget_peak();
    long resident = status_bytes("VmRSS:");
    double began = processor_seconds();
    am_image_verify(image, &error);
    double seconds = processor_seconds() - began;
    printf("{\"image\":\"%s\",\"bytes\":%zu,\"open\":%.6f,\"seconds\":%.6f,\"memory\":%ld,"
           "\"refused\":\"%s\"}\n",
           name, image->size, opened, seconds, status_bytes("VmHWM:") - resident, error.message);
    fflush(stdout);
}

static void measure(const struct hostile *hostile, size_t size) {
    struct am_image_bytes bytes = hostile->make(size);
    struct am_image *image = NULL;
    double began = processor_seconds();
    image_writer_require(
        am_image_open_memory(bytes.data, bytes.size, hostile->name, &image, NULL) == AM_OK);
    verify(hostile->name, image, processor_seconds() - began);
    am_image_close(image);
    am_image_bytes_free(&bytes);
}

static bool measure_file(const char *path) {
    struct am_image *image = NULL;
    struct am_error error;
    double began = processor_seconds();
    if (am_image_open(path, &image, &error) != AM_OK) {
        fprintf(stderr, "%s\n", error.message);
        return false;
    }
    verify(path, image, processor_seconds() - began);
    am_image_close(image);
    return true;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: verify BYTES [IMAGE]...\n");
        return 2;
    }
    for (size_t i = 0; i < AM_COUNT_OF(hostile_images); i++)
        measure(&hostile_images[i], strtoul(argv[1], NULL, 10));
    for (int i = 2; i < argc; i++)
        if (!measure_file(argv[i]))
            return 1;
    return 0;
}
