/* Inventory files, plain or gzip: load, build, open, verify, decide. The first byte of the input
 * chooses whether bad records are skipped. */
#include "image_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_report(const struct am_report *report, enum am_code code) {
    for (uint32_t i = 0; i < report->problem_count; i++) {
        fuzz_require(report->problems[i].text[0] != '\0');
        fuzz_require(report->problems[i].line <= report->lines + 1 || code != AM_OK);
    }
}

/* What the builder makes must pass its own check. */
static void use_inventory(const struct am_inventory *inventory) {
    struct am_image_bytes bytes = {0};
    struct am_image *image = NULL;
    struct am_error error = {0};
    if (am_image_build(inventory, false, &bytes, &error) != AM_OK) {
        fprintf(stderr, "%s\n", error.message);
        abort();
    }
    if (am_image_open_memory(bytes.data, bytes.size, "test", &image, &error) != AM_OK ||
        am_image_verify(image, &error) != AM_OK) {
        fprintf(stderr, "%s\n", error.message);
        abort();
    }
    fuzz_use_image(image);
    am_image_close(image);
    am_image_bytes_free(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    const struct am_load_options options = {.skip_bad_records = data[0] & 1,
                                            .zones = data[0] & 2 ? fuzz_zones() : NULL};
    struct am_view text = {(const char *)data + 1, size - 1};
    struct am_inventory *inventory = NULL;
    struct am_report report = {0};
    struct am_error error = {0};
    enum am_code code =
        am_inventory_load_memory(text, "fuzz", &options, &inventory, &report, &error);
    check_report(&report, code);
    if (code == AM_OK)
        use_inventory(inventory);
    else
        fuzz_require(error.message[0] != '\0' && inventory == NULL);
    am_inventory_free(inventory);
    am_report_free(&report);
    return 0;
}
