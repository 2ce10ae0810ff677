/* SPDX-License-Identifier: Apache-2.0 */
/* Steps out of working memory that AddressSanitizer must see: the base, text and inventory rooms.
 */
#include "overread.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../plugin/base/arena.h"
#include "../../plugin/base/buffer.h"
#include "../../plugin/base/reserve.h"
#include "../../plugin/base/vector.h"
#include "../../plugin/inventory/lines.h"
#include "../../plugin/inventory/reader.h"
#include "../../plugin/match/idmap.h"
#include "../../plugin/text/words.h"

static void reserved_memory_stands_alone(void **state) {
    (void)state;
    enum { SIZE = 10001, PAGE = 4096, ALL = 5 * PAGE };
    char *memory = am_memory_reserve(SIZE);
    assert_non_null(memory);
    assert_begins_at(memory);
    assert_ends_at(memory + SIZE);
    assert_closed(memory + (ALL - 2 * PAGE));
    am_poison_region(memory, SIZE);
    am_memory_release(memory, SIZE);
    char *again = mmap(memory - PAGE, ALL, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_equal(again, memory - PAGE);
    for (size_t i = 0; i < ALL; i++)
        overread_byte(again + i);
    munmap(again, ALL);
}

static void a_guarded_buffer_ends_where_it_was_written_to(void **state) {
    (void)state;
    char *memory = malloc(64);
    assert_non_null(memory);
    struct am_buffer buffer = am_buffer_guard(memory, 64);
    assert_closed(memory);
    am_buffer_literal(&buffer, "some");
    am_buffer_unsigned(&buffer, 1234567);
    assert_ends_at(memory + 11);
    am_buffer_json_string(&buffer, AM_VIEW("a string"));
    assert_ends_at(memory + 21);
    am_buffer_json_string(&buffer, AM_VIEW("line\nend"));
    assert_ends_at(memory + 32);
    am_buffer_json_string(&buffer, AM_VIEW("far more than what there is room for, by any count"));
    assert_true(buffer.overflowed);
    assert_ends_at(memory + buffer.size);
    am_buffer_cut(&buffer, 3);
    assert_false(buffer.overflowed);
    assert_ends_at(memory + 3);
    free(memory);
}

static void a_plain_buffer_leaves_its_memory_alone(void **state) {
    (void)state;
    char memory[64] = "";
    struct am_buffer buffer = am_buffer_over(memory, sizeof memory);
    am_buffer_literal(&buffer, "some");
    am_buffer_cut(&buffer, 1);
    assert_string_equal(overread_report(overread_byte, memory + 40), "");
}

static void pieces_of_an_arena_stand_apart(void **state) {
    (void)state;
    struct am_arena arena = AM_ARENA_EMPTY;
    struct am_view first = am_arena_copy(&arena, AM_VIEW("eleven char"));
    struct am_view second = am_arena_copy(&arena, AM_VIEW("x"));
    uint32_t *third = am_arena_take(&arena, 3 * sizeof *third);
    memset(third, 0, 3 * sizeof *third);
    assert_begins_at(first.data);
    assert_ends_at(first.data + first.size);
    assert_begins_at(second.data);
    assert_ends_at(second.data + second.size);
    assert_begins_at(third);
    assert_ends_at(third + 3);
    assert_closed(third + 1000);
    am_arena_free(&arena);
}

static void a_vector_ends_at_its_count(void **state) {
    (void)state;
    struct am_vector vector = AM_VECTOR_OF(uint32_t);
    for (uint32_t i = 0; i < 100; i++) {
        assert_true(am_vector_push(&vector, &i));
        if (i % 33 == 0)
            assert_ends_at(AM_VECTOR_AT(&vector, uint32_t, i + 1));
    }
    assert_true(am_vector_reserve(&vector, 1000));
    assert_ends_at(AM_VECTOR_AT(&vector, uint32_t, 100));
    am_vector_free(&vector);
}

static void guarded_nodes_end_with_their_document(void **state) {
    (void)state;
    enum { NODES = 100 };
    struct am_json_node *nodes = calloc(NODES, sizeof *nodes);
    struct am_json json;
    assert_non_null(nodes);
    assert_int_equal(am_json_parse_guarded(AM_VIEW("[1,2,3,4]"), nodes, NODES, &json, NULL), AM_OK);
    assert_ends_at(nodes + 5);
    assert_int_equal(am_json_parse_guarded(AM_VIEW("[1]"), nodes, NODES, &json, NULL), AM_OK);
    assert_ends_at(nodes + 2);
    assert_int_equal(am_json_parse_guarded(AM_VIEW("[1,"), nodes, NODES, &json, NULL), AM_E_SYNTAX);
    assert_closed(nodes);
    free(nodes);
}

static void of_a_map_only_the_current_table_is_open(void **state) {
    (void)state;
    enum { KEYS = 1000, FIRST = 1 << AM_IDMAP_SMALLEST, SECOND_END = 3 * FIRST };
    size_t entries = am_match_idmap_entries(KEYS);
    struct am_match_idmap map;
    struct am_match_idmap_entry *memory = am_memory_reserve(entries * sizeof *memory);
    assert_non_null(memory);
    am_poison_region(memory, entries * sizeof *memory);
    am_match_idmap_start(&map, memory, entries);
    assert_ends_at(memory + FIRST);
    for (uint32_t key = 0; key < FIRST; key++)
        am_match_idmap_add(&map, key, 0);
    assert_ptr_equal(map.table, memory + FIRST);
    assert_begins_at(memory + FIRST);
    assert_ends_at(memory + SECOND_END);
    map.epoch = UINT32_MAX;
    am_match_idmap_clear(&map);
    assert_begins_at(memory);
    assert_ends_at(memory + FIRST);
    am_memory_release(memory, entries * sizeof *memory);
}

/* The texts of a call's words, and no more, with the padding that readers of words may count on. */
static void words_end_with_their_padding(void **state) {
    (void)state;
    struct am_text_splitter_memory memory = {.size = am_text_splitter_memory_size(1000)};
    struct am_text_splitter splitter;
    struct am_text_word words[2 * AM_WORDS_LEAST];
    memory.memory = malloc(memory.size);
    assert_non_null(memory.memory);
    const struct am_text_word_rules rules = {.fold_accents = true};
    am_text_splitter_start(&splitter, AM_VIEW("one tw\xc3\xb6 thre\xc3\xa9"), &rules, memory);
    assert_int_equal(am_text_splitter_next(&splitter, words, AM_COUNT_OF(words)), 3);
    const char *last = am_text_word_text(&splitter, &words[2]);
    for (size_t i = 0; i < words[2].size + AM_WORD_PADDING; i++)
        overread_byte((char *)(uintptr_t)last + i);
    assert_closed(last + words[2].size + AM_WORD_PADDING + AM_WORD_PADDING);
    assert_int_equal(am_text_splitter_next(&splitter, words, AM_COUNT_OF(words)), 0);
    assert_closed(splitter.texts + AM_WORD_PADDING);
    free(memory.memory);
}

/* Whether its bytes are lent or put together of several chunks. */
static void a_line_of_an_inventory_stands_alone(void **state) {
    (void)state;
    enum { LONG = 700000 };
    char *text = malloc(LONG + 10);
    struct am_inventory_lines *lines = NULL;
    struct am_view line;
    bool more;
    assert_non_null(text);
    memset(text, 'x', LONG);
    memcpy(text, "a\nline\n", 7);
    memcpy(text + LONG, "\nabcde\n\n\n", 9);
    assert_int_equal(
        am_inventory_lines_over((struct am_view){text, LONG + 9}, "test", &lines, NULL), AM_OK);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(am_inventory_lines_next(lines, &line, &more, NULL), AM_OK);
        assert_true(more);
        assert_ends_at(line.data + line.size);
    }
    assert_true(am_view_equal(line, AM_VIEW("abcde")));
    am_inventory_lines_close(lines);
    free(text);
}

static void a_decoded_string_of_an_inventory_stands_alone(void **state) {
    (void)state;
    struct am_json_node nodes[4];
    struct am_inventory_reader reader = {.decoded = calloc(1, 100)};
    am_poison_region(reader.decoded, 100);
    assert_int_equal(
        am_json_parse(AM_VIEW("[\"longer\\n\",\"a\\n\",\"b\"]"), nodes, 4, &reader.json, NULL),
        AM_OK);
    assert_ends_at(am_inventory_reader_string(&reader, &nodes[1]).data + 7);
    assert_ends_at(am_inventory_reader_string(&reader, &nodes[2]).data + 2);
    am_inventory_reader_string(&reader, &nodes[3]);
    assert_closed(reader.decoded);
    free(reader.decoded);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reserved_memory_stands_alone),
        cmocka_unit_test(a_guarded_buffer_ends_where_it_was_written_to),
        cmocka_unit_test(a_plain_buffer_leaves_its_memory_alone),
        cmocka_unit_test(pieces_of_an_arena_stand_apart),
        cmocka_unit_test(a_vector_ends_at_its_count),
        cmocka_unit_test(guarded_nodes_end_with_their_document),
        cmocka_unit_test(of_a_map_only_the_current_table_is_open),
        cmocka_unit_test(words_end_with_their_padding),
        cmocka_unit_test(a_line_of_an_inventory_stands_alone),
        cmocka_unit_test(a_decoded_string_of_an_inventory_stands_alone),
    };
    return overread_run("poison", tests);
}
