/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that runs out inside libstemmer, which the linker lets this test stand in for: a request
 * goes on without the stem, and only that request. */
#include "engine.h"

#include <libstemmer.h>

static unsigned failures;

const sb_symbol *
__real_sb_stemmer_stem(struct sb_stemmer *stemmer, const sb_symbol *word, int size);
const sb_symbol *
__wrap_sb_stemmer_stem(struct sb_stemmer *stemmer, const sb_symbol *word, int size);

const sb_symbol *
__wrap_sb_stemmer_stem(struct sb_stemmer *stemmer, const sb_symbol *word, int size) {
    if (failures == 0)
        return __real_sb_stemmer_stem(stemmer, word, size);
    failures--;
    return NULL;
}

static void a_stem_that_memory_ran_out_for_is_found_by_the_next_request(void **state) {
    (void)state;
    struct engine engine;
    engine_start(&engine,
                 "{\"type\":\"inventory\",\"language\":\"en\"}\n"
                 "{\"id\":\"a\",\"advertiser\":\"x\",\"bid\":1,\"keywords\":[\"connect\"]}");
    failures = 2;
    assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, "connections", 1), "");
    assert_int_equal(failures, 1);
    failures = 0;
    assert_string_equal(engine_ask(&engine, AM_FIELD_TEXT, "connections", 1), "a ");
    engine_stop(&engine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stem_that_memory_ran_out_for_is_found_by_the_next_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
