/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes through the JSON reader; what it accepts is then read in every way there is. */
#include <stdlib.h>

#include "../../plugin/base/buffer.h"
#include "../../plugin/base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NODES = 1 << 16 };

static void require(bool holds) {
    if (!holds)
        abort();
}

/* Written again as JSON, a decoded string must decode to the same bytes. */
static void check_string(const struct am_json *json, const struct am_json_node *node) {
    char *memory = malloc(node->size);
    size_t capacity = (size_t)node->size * 6 + 2;
    char *again = malloc(capacity);
    char *twice = malloc(capacity);
    struct am_json_node copy_node;
    struct am_json copy;
    size_t used;
    require(memory && again && twice);
    struct am_view text = am_json_string(json, node, memory, &used);
    require(used <= node->size);
    struct am_buffer buffer = am_buffer_over(again, capacity);
    am_buffer_json_string(&buffer, text);
    require(!buffer.overflowed);
    require(am_json_parse(am_buffer_view(&buffer), &copy_node, 1, &copy, NULL) == AM_OK);
    require(am_view_equal(am_json_string(&copy, &copy_node, twice, NULL), text));
    free(memory);
    free(again);
    free(twice);
}

static void check_node(const struct am_json *json, uint32_t index) {
    const struct am_json_node *node = &json->nodes[index];
    char path[64];
    require(node->next > index && node->next <= json->count);
    require((size_t)node->begin + node->size <= json->text.size);
    if (node->type == AM_JSON_STRING)
        check_string(json, node);
    am_json_member(json, node, "a");
    if (index < 1000) {
        am_json_path(json, node, path, sizeof path);
        require(path[0] == '$' && strlen(path) < sizeof path);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct am_json_node nodes[NODES];
    struct am_error error = {0};
    struct am_json json;
    if (am_json_parse((struct am_view){(const char *)data, size}, nodes, NODES, &json, &error) !=
        AM_OK) {
        require(error.message[0] != '\0');
        return 0;
    }
    for (uint32_t i = 0; i < json.count; i++)
        check_node(&json, i);
    am_json_duplicate_key(&json);
    return 0;
}
