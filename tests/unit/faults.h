/* SPDX-License-Identifier: Apache-2.0 */
/* Test support: the sample image, spoilt in one way, and what the deep check has to say of it. */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include "engine.h"

#include "../images/sample.h"

/* Before its hash tables are filled, or after. */
typedef void spoil_writer(struct image_writer *writer);
typedef void spoil_bytes(const struct am_image_bytes *bytes);

struct fault {
    const char *name;
    spoil_writer *writer; /* may be NULL */
    spoil_bytes *bytes;   /* likewise */
    const char *reason;   /* "": there is no fault */
};

/* The message of opening or of the deep check, or "". */
static inline const char *verdict(const struct am_image_bytes *bytes) {
    static struct am_error error;
    struct am_image *image = NULL;
    error = (struct am_error){0};
    if (am_image_open_memory(bytes->data, bytes->size, "test", &image, &error) == AM_OK &&
        am_image_verify(image, &error) == AM_OK)
        assert_string_equal(error.message, "");
    am_image_close(image);
    return error.message;
}

static inline void is_judged(void **state) {
    const struct fault *fault = *state;
    struct image_writer writer;
    sample_start(&writer);
    if (fault->writer)
        fault->writer(&writer);
    struct am_image_bytes bytes = image_writer_finish(&writer);
    if (fault->bytes) {
        fault->bytes(&bytes);
        image_writer_seal(&bytes);
    }
    const char *message = verdict(&bytes);
    am_image_bytes_free(&bytes);
    if (fault->reason[0] ? !strstr(message, fault->reason) : message[0] != '\0')
        fail_msg("\"%s\", expected \"%s\"", message, fault->reason);
}

/* A record of the writer. */
#define AT(writer, section, type, index)                                                           \
    image_writer_at(writer, AM_SECTION_##section, struct am_image_##type, index)

/* ---- what many faults need --------------------------------------------------------------------
 */

static inline am_image_string_ref string_of_size(struct image_writer *writer, size_t size) {
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, 'x', size);
    am_image_string_ref ref = image_writer_string(writer, (struct am_view){text, size});
    free(text);
    return ref;
}

static inline uint8_t *flags_of(struct image_writer *writer, uint32_t word) {
    return AM_VECTOR_AT(&writer->word_flags, uint8_t, word);
}

/* ---- tables of faults -------------------------------------------------------------------------
 */

#define SOUND ""
#define WRITER(spoil, reason)                                                                      \
    { #spoil, spoil, NULL, reason }
#define BYTES(spoil, reason)                                                                       \
    { #spoil, NULL, spoil, reason }
#define BOTH(prepare, spoil, reason)                                                               \
    { #spoil, prepare, spoil, reason }

/* A test for each fault. */
static inline void list_tests(const struct fault *faults, size_t count, struct CMUnitTest *tests) {
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){.name = faults[i].name,
                                       .test_func = is_judged,
                                       .initial_state = (void *)(uintptr_t)&faults[i]};
}

#endif
