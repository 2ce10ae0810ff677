/* SPDX-License-Identifier: Apache-2.0 */
/* Images: the same inventory gives the same bytes, and bytes that are not what the builder wrote
 * are refused, or harm nobody. */
#include "engine.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

static const char lines[] =
    "{\"type\":\"inventory\",\"language\":\"en\"}\n"
    "{\"type\":\"campaign\",\"id\":\"c\",\"advertiser\":\"x\",\"negative_keywords\":[\"free\"],"
    "\"targeting\":{\"country\":[\"US\"],\"not\":{\"site\":[\"bad.example\"]}}}\n"
    "{\"id\":\"a\",\"campaign\":\"c\",\"bid\":2,\"keywords\":[\"red wine\",\"\\\"white wine\\\"\","
    "\"[port wine]\",\"wine\",\"*\"],\"labels\":[\"l\"],\"exclude_labels\":[\"m\"],"
    "\"domain\":\"a.b.example\",\"sizes\":[\"300x250\"]}\n"
    "{\"id\":\"b\",\"advertiser\":\"y\",\"bid\":1,\"keywords\":[\"wines\",\"white wine glass\"],"
    "\"targeting\":{\"any\":[{\"hour\":[1,2]},{\"kv\":{\"k\":[\"v\"]}}]},"
    "\"categories\":[\"IAB1-2\"],\"creative\":{\"t\":1}}";

struct fixture {
    struct am_image_bytes bytes;
    char *copy; /* of the exact size, so that a sanitizer sees a step beyond it */
    struct am_matcher *matcher;
};

static int set_up(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    const struct am_matcher_limits limits = {4096, 400, 0};
    assert_non_null(fixture);
    fixture->bytes = engine_build(lines);
    assert_int_equal(posix_memalign((void **)&fixture->copy, 64, fixture->bytes.size), 0);
    memcpy(fixture->copy, fixture->bytes.data, fixture->bytes.size);
    fixture->matcher = am_matcher_new(&limits, NULL);
    assert_non_null(fixture->matcher);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    am_matcher_free(fixture->matcher);
    free(fixture->copy);
    am_image_bytes_free(&fixture->bytes);
    free(fixture);
    return 0;
}

/* Makes the checksum that of the bytes, so that all the other checks have to judge. */
static void seal(char *bytes, size_t size) {
    struct am_image_header *header = (void *)bytes;
    const size_t checked = offsetof(struct am_image_header, total_size);
    header->checksum = XXH3_64bits(bytes + checked, size - checked);
}

/* Text that reaches each kind of keyword, every attribute, and all that explain has to tell. */
static void decide(struct am_matcher *matcher, struct am_match_decision *decision) {
    static const struct am_match_field fields[] = {
        {AM_FIELD_QUERY, 0, AM_VIEW("port wine")},
        {AM_FIELD_TEXT, 0, AM_VIEW("white wine glass, red wines: free")}};
    static const struct am_match_attribute attributes[] = {
        {AM_ATTRIBUTE_COUNTRY, {"", 0}, AM_VIEW("us")},
        {AM_ATTRIBUTE_KV, AM_VIEW("k"), AM_VIEW("v")}};
    static const struct am_view blocked = AM_VIEW("example"), category = AM_VIEW("IAB1");
    const struct am_match_slot slot = {.count = 2};
    struct am_match_request request = {.id = AM_VIEW("r"),
                                       .fields = fields,
                                       .field_count = 2,
                                       .attributes = attributes,
                                       .attribute_count = 2,
                                       .slots = &slot,
                                       .slot_count = 1,
                                       .explain = true};
    for (uint32_t field_count = 1; field_count <= 2; field_count++) {
        request.field_count = field_count;
        request.blocked_domains = (struct am_match_views){&blocked, field_count - 1};
        request.blocked_categories = (struct am_match_views){&category, field_count - 1};
        assert_int_equal(am_match_decide(matcher, &request, decision, NULL), AM_OK);
        request.explain = false;
        assert_int_equal(am_match_decide(matcher, &request, decision, NULL), AM_OK);
        request.explain = true;
    }
}

/* Whether it is refused; if not, it is decided with. */
static bool refused_or_used(struct fixture *fixture) {
    struct am_image *image = NULL;
    struct am_error error = {0};
    struct am_match_decision decision;
    bool refused =
        am_image_open_memory(fixture->copy, fixture->bytes.size, "test", &image, &error) != AM_OK ||
        am_image_verify(image, &error) != AM_OK;
    if (refused)
        assert_true(error.message[0] != '\0');
    else if (am_matcher_attach(fixture->matcher, image, &error) == AM_OK)
        decide(fixture->matcher, &decision);
    am_image_close(image);
    return refused;
}

static void the_same_inventory_gives_the_same_bytes(void **state) {
    struct fixture *fixture = *state;
    struct am_image_bytes again = engine_build(lines);
    assert_int_equal(again.size, fixture->bytes.size);
    assert_memory_equal(again.data, fixture->bytes.data, again.size);
    am_image_bytes_free(&again);
}

static void what_was_built_verifies(void **state) {
    assert_false(refused_or_used(*state));
}

static void any_changed_byte_is_refused_or_harmless(void **state) {
    static const unsigned char changes[] = {0x01, 0x80, 0xFF};
    struct fixture *fixture = *state;
    size_t refused = 0;
    for (size_t i = 0; i < fixture->bytes.size; i++)
        for (size_t change = 0; change < sizeof changes; change++) {
            fixture->copy[i] ^= (char)changes[change];
            seal(fixture->copy, fixture->bytes.size);
            refused += refused_or_used(fixture);
            memcpy(fixture->copy, fixture->bytes.data, fixture->bytes.size);
        }
    assert_true(refused > 0);
}

/* The message of opening or of the deep check, or "". */
static const char *verification(struct fixture *fixture) {
    static struct am_error error;
    struct am_image *image = NULL;
    error = (struct am_error){0};
    seal(fixture->copy, fixture->bytes.size);
    if (am_image_open_memory(fixture->copy, fixture->bytes.size, "test", &image, &error) == AM_OK &&
        am_image_verify(image, &error) == AM_OK)
        assert_string_equal(error.message, "");
    am_image_close(image);
    memcpy(fixture->copy, fixture->bytes.data, fixture->bytes.size);
    return error.message;
}

/* The matcher trusts the order of lists: it neither reads a list before its turn, nor looks for
 * negative keywords where none are said to be. */
static void lists_out_of_order_are_refused(void **state) {
    struct fixture *fixture = *state;
    const struct am_image_section_entry *table =
        (const void *)(fixture->copy + sizeof(struct am_image_header));
    struct am_image_settings *settings =
        (void *)(fixture->copy + table[AM_SECTION_SETTINGS - 1].offset);
    struct am_image_posting *postings =
        (void *)(fixture->copy + table[AM_SECTION_POSTINGS - 1].offset);
    assert_true(settings->negatives_end[0] >= 1); /* -free */
    assert_true(settings->first_node > settings->negatives_end[0] + 1);
    postings[settings->first_node - 1].rank = 1;
    postings[settings->negatives_end[0]].rank = 2;
    assert_non_null(strstr(verification(fixture), "a better rank than the one before it"));
    settings->negatives_end[0] -= 1;
    assert_non_null(strstr(verification(fixture), "against the settings"));
    settings->negatives_end[0] += 1;
    assert_non_null(strstr(verification(fixture), "against the settings"));
    settings->negatives_end[1] += 1;
    assert_non_null(strstr(verification(fixture), "against the settings"));
    settings->negatives_end[1] = 0; /* a list would wait in two classes */
    assert_non_null(strstr(verification(fixture), "its counts contradict one another"));
}

/* It sizes the memory of every matcher. */
static void more_negative_keywords_than_postings_are_refused(void **state) {
    struct fixture *fixture = *state;
    const struct am_image_section_entry *table =
        (const void *)(fixture->copy + sizeof(struct am_image_header));
    struct am_image_settings *settings =
        (void *)(fixture->copy + table[AM_SECTION_SETTINGS - 1].offset);
    settings->negative_count = settings->terminal_end + 1;
    assert_non_null(strstr(verification(fixture), "its counts contradict one another"));
}

static void each_field_of_the_header_is_checked(void **state) {
    struct fixture *fixture = *state;
    const struct {
        size_t at;
        enum am_code code;
    } fields[] = {{offsetof(struct am_image_header, magic), AM_E_CORRUPT},
                  {offsetof(struct am_image_header, format_version), AM_E_VERSION},
                  {offsetof(struct am_image_header, word_rules_version), AM_E_VERSION},
                  {offsetof(struct am_image_header, checksum), AM_E_CORRUPT},
                  {offsetof(struct am_image_header, total_size), AM_E_CORRUPT},
                  {offsetof(struct am_image_header, section_count), AM_E_CORRUPT}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct am_image *image = NULL;
        struct am_error error = {0};
        fixture->copy[fields[i].at] ^= 1;
        if (fields[i].at != offsetof(struct am_image_header, checksum))
            seal(fixture->copy, fixture->bytes.size);
        assert_int_equal(
            am_image_open_memory(fixture->copy, fixture->bytes.size, "test", &image, &error),
            fields[i].code);
        assert_null(image);
        memcpy(fixture->copy, fixture->bytes.data, fixture->bytes.size);
    }
}

static void any_shorter_image_is_refused(void **state) {
    struct fixture *fixture = *state;
    for (size_t size = 0; size < fixture->bytes.size; size += 64) {
        struct am_image *image = NULL;
        struct am_error error = {0};
        char *part = NULL;
        assert_int_equal(posix_memalign((void **)&part, 64, size ? size : 1), 0);
        memcpy(part, fixture->bytes.data, size);
        assert_int_equal(am_image_open_memory(part, size, "test", &image, &error), AM_E_CORRUPT);
        if (size >= sizeof(struct am_image_header)) {
            ((struct am_image_header *)(void *)part)->total_size = size;
            seal(part, size);
            assert_int_equal(am_image_open_memory(part, size, "test", &image, &error),
                             AM_E_CORRUPT);
        }
        free(part);
    }
}

static void what_is_no_file_is_told(void **state) {
    (void)state;
    struct am_image *image = NULL;
    struct am_error error = {0};
    assert_int_equal(am_image_open("/nowhere/image.admx", &image, &error), AM_E_IO);
    assert_non_null(strstr(error.message, "/nowhere/image.admx"));
    assert_int_not_equal(am_image_open("/", &image, &error), AM_OK);
    assert_int_not_equal(am_image_open("/dev/null", &image, &error), AM_OK);
    assert_null(image);
}

/* Writes a file, and opens it by `flags`. */
static int open_file(const char *content, int flags) {
    char path[] = "/tmp/admatch-test-image-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    close(fd);
    fd = open(path, flags | O_CLOEXEC);
    unlink(path);
    return fd;
}

static bool is_image(int fd) {
    struct am_error error;
    bool found = true;
    assert_int_equal(am_image_is_fd(fd, "test", &found, &error), AM_OK);
    close(fd);
    return found;
}

static void an_image_is_told_by_its_first_bytes(void **state) {
    (void)state;
    int pipes[2];
    assert_true(is_image(open_file(AM_IMAGE_MAGIC "and more", O_RDONLY)));
    assert_false(is_image(open_file("{\"id\":\"a\"}", O_RDONLY)));
    assert_false(is_image(open_file("adm", O_RDONLY)));
    assert_false(is_image(open_file("", O_RDONLY)));
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    assert_false(is_image(pipes[0]));
    close(pipes[1]);
}

static void what_cannot_be_read_is_neither_image_nor_inventory(void **state) {
    (void)state;
    struct am_error error = {.code = AM_OK};
    bool found;
    int fd = open_file(AM_IMAGE_MAGIC "and more", O_WRONLY);
    assert_int_equal(am_image_is_fd(fd, "test", &found, &error), AM_E_IO);
    assert_string_equal(error.message, "cannot read test: Bad file descriptor");
    close(fd);
    assert_int_equal(am_image_is("/", &found, &error), AM_E_IO);
    assert_int_equal(am_image_is("/nowhere/image.admx", &found, &error), AM_E_IO);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_inventory_gives_the_same_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_built_verifies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_changed_byte_is_refused_or_harmless, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists_out_of_order_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_negative_keywords_than_postings_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(each_field_of_the_header_is_checked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_shorter_image_is_refused, set_up, tear_down),
        cmocka_unit_test(what_is_no_file_is_told),
        cmocka_unit_test(an_image_is_told_by_its_first_bytes),
        cmocka_unit_test(what_cannot_be_read_is_neither_image_nor_inventory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
