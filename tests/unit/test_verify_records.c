/* SPDX-License-Identifier: Apache-2.0 */
/* The deep check of records (terms, strings and lists, trees, ads, campaigns): images made by hand,
 * each with one fault, are refused with the reason; what is unusual but sound is not. */
#include "faults.h"

/* ---- terms ------------------------------------------------------------------------------------
 */

static void same_term_twice(struct image_writer *writer) {
    image_writer_term(writer, AM_TERM_LABEL, AM_NONE, AM_VIEW("label"));
}

static void same_domain_twice(struct image_writer *writer) {
    image_writer_term(writer, AM_TERM_DOMAIN, AM_NONE, AM_VIEW("example"));
}

static void same_text_of_another_kind(struct image_writer *writer) {
    image_writer_term(writer, AM_TERM_CATEGORY, AM_NONE, AM_VIEW("label"));
}

static void unknown_term_kind(struct image_writer *writer) {
    image_writer_term(writer, AM_TERM_ATTRIBUTE + AM_ATTRIBUTE_HOUR, AM_NONE, AM_VIEW("1"));
}

static void domain_under_itself(struct image_writer *writer) {
    AT(writer, TERMS, term, SAMPLE_EXAMPLE)->key = SAMPLE_EXAMPLE;
}

static void domain_without_the_one_above(struct image_writer *writer) {
    AT(writer, TERMS, term, SAMPLE_DOMAIN)->key = AM_NONE;
}

static void domain_under_another(struct image_writer *writer) {
    image_writer_term(writer, AM_TERM_DOMAIN, AM_NONE, AM_VIEW("exampel"));
    AT(writer, TERMS, term, SAMPLE_DOMAIN)->key = SAMPLE_TERMS;
}

static void value_of_no_key(struct image_writer *writer) {
    AT(writer, TERMS, term, SAMPLE_VALUE)->key = SAMPLE_LABEL;
}

static void label_with_a_key(struct image_writer *writer) {
    AT(writer, TERMS, term, SAMPLE_LABEL)->key = SAMPLE_KEY;
}

static void too_long_term(struct image_writer *writer) {
    AT(writer, TERMS, term, SAMPLE_LABEL)->text = string_of_size(writer, AM_ID_MAX_BYTES + 1);
}

static void control_character_in_a_term(struct image_writer *writer) {
    AT(writer, TERMS, term, SAMPLE_LABEL)->text =
        image_writer_string(writer, AM_VIEW("a label with \x1B[31m"));
}

static void ill_formed_term(struct image_writer *writer) {
    AT(writer, TERMS, term, SAMPLE_LABEL)->text =
        image_writer_string(writer, AM_VIEW("\xC3\xA9 and \xED\xA0\x80"));
}

static uint32_t *slot_of(const struct am_image_bytes *bytes, uint32_t term) {
    size_t count;
    uint32_t *slots = image_writer_section(bytes, AM_SECTION_TERM_TABLE, &count);
    for (size_t i = 0; i < count; i++)
        if (slots[i] == term)
            return &slots[i];
    fail_msg("term %u is not in the table", term);
    return NULL;
}

static void term_lost(const struct am_image_bytes *bytes) {
    *slot_of(bytes, SAMPLE_COUNTRY) = AM_NONE;
}

static void term_in_two_slots(const struct am_image_bytes *bytes) {
    *slot_of(bytes, AM_NONE) = SAMPLE_COUNTRY;
}

static void terms_in_the_wrong_slots(const struct am_image_bytes *bytes) {
    *slot_of(bytes, SAMPLE_COUNTRY) = SAMPLE_TERMS;
    *slot_of(bytes, SAMPLE_CATEGORY) = SAMPLE_COUNTRY;
    *slot_of(bytes, SAMPLE_TERMS) = SAMPLE_CATEGORY;
}

static void no_such_term_in_the_table(const struct am_image_bytes *bytes) {
    *slot_of(bytes, SAMPLE_COUNTRY) = SAMPLE_TERMS;
}

/* Labels in `run` slots, one behind the other, each in its home. */
static void add_term_run(struct image_writer *writer, uint32_t run) {
    enum { SLOTS = 1024, FIRST = 300 };
    char text[16];
    writer->term_slots = SLOTS;
    for (uint32_t slot = FIRST, n = 0; slot < FIRST + run; n++) {
        snprintf(text, sizeof text, "label %u", n);
        uint64_t hash = am_image_term_hash(AM_TERM_LABEL, AM_NONE, am_view_of(text));
        if (am_image_bucket(hash, SLOTS) != slot)
            continue;
        image_writer_term(writer, AM_TERM_LABEL, AM_NONE, am_view_of(text));
        slot++;
    }
}

static void longest_term_search(struct image_writer *writer) {
    add_term_run(writer, AM_MAX_PROBES - 1);
}

static void too_long_term_search(struct image_writer *writer) {
    add_term_run(writer, AM_MAX_PROBES);
}

static void full_term_table(const struct am_image_bytes *bytes) {
    size_t count;
    uint32_t *slots = image_writer_section(bytes, AM_SECTION_TERM_TABLE, &count);
    for (size_t i = 0; i < count; i++)
        slots[i] = slots[i] == AM_NONE ? SAMPLE_LABEL : slots[i];
}

/* ---- pools ------------------------------------------------------------------------------------
 */

static void reference_into_a_string(struct image_writer *writer) {
    AT(writer, AD_DETAILS, ad_details, 0)->url = image_writer_string(writer, AM_VIEW("abcdefgh"));
    AT(writer, AD_DETAILS, ad_details, 0)->url++;
}

static void reference_past_the_strings(struct image_writer *writer) {
    AT(writer, AD_DETAILS, ad_details, 0)->url = AM_NONE;
}

static void ad_without_id(struct image_writer *writer) {
    AT(writer, AD_DETAILS, ad_details, 0)->id = 0;
}

static void too_long_id(struct image_writer *writer) {
    AT(writer, AD_DETAILS, ad_details, 0)->id = string_of_size(writer, AM_ID_MAX_BYTES + 1);
}

static void longest_id(struct image_writer *writer) {
    AT(writer, AD_DETAILS, ad_details, 0)->id = string_of_size(writer, AM_ID_MAX_BYTES);
}

static void too_long_url(struct image_writer *writer) {
    AT(writer, AD_DETAILS, ad_details, 0)->url = string_of_size(writer, AM_URL_MAX_BYTES + 1);
}

static void creative_that_is_no_json(struct image_writer *writer) {
    AT(writer, AD_DETAILS, ad_details, 0)->creative =
        image_writer_string(writer, AM_VIEW("{\"a\":1}}"));
}

static void creative_that_is_no_object(struct image_writer *writer) {
    AT(writer, AD_DETAILS, ad_details, 0)->creative = image_writer_string(writer, AM_VIEW("[1]"));
}

static void creative_with_white_space(struct image_writer *writer) {
    AT(writer, AD_DETAILS, ad_details, 0)->creative =
        image_writer_string(writer, AM_VIEW("{\n\t\"a\": [1, {}]\n}"));
}

static void set_creative_of_size(struct image_writer *writer, size_t size) {
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, ' ', size);
    text[0] = '{';
    text[size - 1] = '}';
    AT(writer, AD_DETAILS, ad_details, 0)->creative =
        image_writer_string(writer, (struct am_view){text, size});
    free(text);
}

static void largest_creative(struct image_writer *writer) {
    set_creative_of_size(writer, AM_CREATIVE_MAX_BYTES);
}

static void too_large_creative(struct image_writer *writer) {
    set_creative_of_size(writer, AM_CREATIVE_MAX_BYTES + 1);
}

static void reference_into_a_list(struct image_writer *writer) {
    AT(writer, ADS, ad, 0)->sizes =
        image_writer_list(writer, (const uint32_t[]){3, 1, 7, 8}, 4) + 2;
}

static void list_that_descends(struct image_writer *writer) {
    AT(writer, ADS, ad, 0)->labels =
        image_writer_list(writer, (const uint32_t[]){SAMPLE_LABEL, SAMPLE_CATEGORY}, 2);
}

static void list_with_an_item_twice(struct image_writer *writer) {
    AT(writer, ADS, ad, 0)->sizes = image_writer_list(writer, (const uint32_t[]){5, 5}, 2);
}

static void list_of_no_terms(struct image_writer *writer) {
    AT(writer, ADS, ad, 0)->categories = sample_list_of(writer, SAMPLE_TERMS);
}

static void list_past_the_end(struct image_writer *writer) {
    am_image_list_ref ref = sample_list_of(writer, 1);
    *image_writer_at(writer, AM_SECTION_SETS, uint32_t, ref) = 2;
}

/* Ascending numbers, of which `count` are sizes of ad 0. */
static void add_sizes(struct image_writer *writer, uint32_t count) {
    uint32_t *sizes = malloc(count * sizeof *sizes);
    assert_non_null(sizes);
    for (uint32_t i = 0; i < count; i++)
        sizes[i] = i;
    AT(writer, ADS, ad, 0)->sizes = image_writer_list(writer, sizes, count);
    free(sizes);
}

static void longest_list(struct image_writer *writer) {
    add_sizes(writer, AM_LIST_MAX_ITEMS);
}

static void too_long_list(struct image_writer *writer) {
    add_sizes(writer, AM_LIST_MAX_ITEMS + 1);
}

/* ---- trees ------------------------------------------------------------------------------------
 */

static void add_tree(struct image_writer *writer) {
    image_writer_add(writer, AM_SECTION_TREES,
                     &(uint32_t){(uint32_t)image_writer_count(writer, AM_SECTION_TREE_NODES)});
}

static void add_node(struct image_writer *writer, enum am_model_targeting_kind kind, uint32_t end) {
    image_writer_add(writer, AM_SECTION_TREE_NODES,
                     &(struct am_image_tree_node){.kind = (uint8_t)kind, .end = end});
}

static void tree_named_twice(struct image_writer *writer) {
    image_writer_add(writer, AM_SECTION_TREES, &(uint32_t){3});
}

static void tree_inside_a_tree(struct image_writer *writer) {
    image_writer_add(writer, AM_SECTION_TREES, &(uint32_t){4});
}

static void tree_of_no_nodes(struct image_writer *writer) {
    image_writer_add(writer, AM_SECTION_TREES, &(uint32_t){6});
}

static void node_of_no_tree(struct image_writer *writer) {
    add_node(writer, AM_TARGETING_ALL, 1);
}

static void empty_tree(struct image_writer *writer) {
    add_tree(writer);
    add_node(writer, AM_TARGETING_ALL, 1);
}

/* A tree of `nodes` nodes, one below the other. */
static void add_deep_tree(struct image_writer *writer, uint32_t nodes) {
    add_tree(writer);
    add_node(writer, AM_TARGETING_ALL, nodes);
    for (uint32_t i = 1; i < nodes; i++)
        add_node(writer, AM_TARGETING_NOT, nodes);
    AT(writer, TREE_NODES, tree_node, 5 + nodes)->kind = AM_TARGETING_ANY;
}

static void deepest_tree(struct image_writer *writer) {
    add_deep_tree(writer, 2 * AM_TARGETING_MAX_DEPTH + 3);
}

static void too_deep_tree(struct image_writer *writer) {
    add_deep_tree(writer, 2 * AM_TARGETING_MAX_DEPTH + 4);
}

static void add_wide_tree(struct image_writer *writer, uint32_t nodes) {
    add_tree(writer);
    add_node(writer, AM_TARGETING_ALL, nodes);
    for (uint32_t i = 1; i < nodes; i++)
        add_node(writer, AM_TARGETING_ANY, i + 1);
}

static void largest_tree(struct image_writer *writer) {
    add_wide_tree(writer, AM_TREE_MAX_NODES);
}

static void too_large_tree(struct image_writer *writer) {
    add_wide_tree(writer, AM_TREE_MAX_NODES + 1);
}

static void not_of_two(struct image_writer *writer) {
    add_tree(writer);
    add_node(writer, AM_TARGETING_ALL, 4);
    add_node(writer, AM_TARGETING_NOT, 4);
    add_node(writer, AM_TARGETING_ANY, 3);
    add_node(writer, AM_TARGETING_ANY, 4);
}

static void subtree_past_its_end(struct image_writer *writer) {
    add_tree(writer);
    add_node(writer, AM_TARGETING_ALL, 3);
    add_node(writer, AM_TARGETING_ANY, 4);
    add_node(writer, AM_TARGETING_ANY, 3);
    add_node(writer, AM_TARGETING_ANY, 4);
}

static void tree_that_ends_before_it_begins(struct image_writer *writer) {
    AT(writer, TREE_NODES, tree_node, 1)->end = 1;
}

static void leaf_with_a_child(struct image_writer *writer) {
    AT(writer, TREE_NODES, tree_node, 1)->end = 3;
}

static void root_of_another_kind(struct image_writer *writer) {
    AT(writer, TREE_NODES, tree_node, 0)->kind = AM_TARGETING_ANY;
}

static void unknown_kind(struct image_writer *writer) {
    AT(writer, TREE_NODES, tree_node, 1)->kind = AM_TARGETING_TIMES + 1;
}

static void unknown_attribute(struct image_writer *writer) {
    AT(writer, TREE_NODES, tree_node, 1)->attribute = AM_ATTRIBUTES;
}

static void hours_of_five_numbers(struct image_writer *writer) {
    AT(writer, TREE_NODES, tree_node, 2)->set =
        image_writer_list(writer, (const uint32_t[]){1, 2, 3, 4, 5}, 5);
}

static void hours_of_no_zone(struct image_writer *writer) {
    AT(writer, TREE_NODES, tree_node, 2)->key = 1;
}

/* Node 2 with times: how they are written, the zone's name, and runs. */
static void
set_times(struct image_writer *writer, uint32_t written, const uint32_t *runs, uint32_t count) {
    uint32_t items[8] = {written, 0};
    for (uint32_t i = 0; i < count; i++)
        items[2 + i] = runs[i];
    struct am_image_tree_node *node = AT(writer, TREE_NODES, tree_node, 2);
    node->kind = AM_TARGETING_TIMES;
    node->attribute = AM_ATTRIBUTE_HOURS;
    node->key = AM_NONE;
    node->set = image_writer_list(writer, items, 2 + count);
}

static uint32_t some_text(struct image_writer *writer) {
    return image_writer_string(writer, AM_VIEW("mon 09:00-10:00"));
}

static void times_of_another_attribute(struct image_writer *writer) {
    set_times(writer, some_text(writer), (const uint32_t[]){1}, 1);
    AT(writer, TREE_NODES, tree_node, 2)->attribute = AM_ATTRIBUTE_HOUR;
}

static void times_without_a_run(struct image_writer *writer) {
    set_times(writer, some_text(writer), NULL, 0);
}

static void times_without_a_text(struct image_writer *writer) {
    set_times(writer, 0, (const uint32_t[]){1}, 1);
}

static void times_beyond_the_week(struct image_writer *writer) {
    set_times(writer, some_text(writer), (const uint32_t[]){10000 << 16 | 10081}, 1);
}

static void times_that_end_before_they_begin(struct image_writer *writer) {
    set_times(writer, some_text(writer), (const uint32_t[]){60 << 16 | 60}, 1);
}

static void times_that_touch(struct image_writer *writer) {
    set_times(writer, some_text(writer), (const uint32_t[]){60, 60 << 16 | 120}, 2);
}

static void times_of_no_zone(struct image_writer *writer) {
    set_times(writer, some_text(writer), (const uint32_t[]){60}, 1);
    AT(writer, TREE_NODES, tree_node, 2)->key = 1;
}

static void values_of_no_key(struct image_writer *writer) {
    AT(writer, TREE_NODES, tree_node, 5)->key = SAMPLE_LABEL;
}

/* ---- ads and campaigns ------------------------------------------------------------------------
 */

/* The matcher has room for one list by ad and one by campaign. */
static void campaign_rules_without_campaign(struct image_writer *writer) {
    AT(writer, ADS, ad, 1)->campaign_negatives = sample_list_of(writer, 0);
}

static void campaign_tree_without_campaign(struct image_writer *writer) {
    AT(writer, ADS, ad, 1)->campaign_tree = 0;
}

static void campaign_with_two_lists(struct image_writer *writer) {
    AT(writer, ADS, ad, 1)->campaign = 0;
    AT(writer, ADS, ad, 1)->campaign_tree = 0;
    AT(writer, ADS, ad, 1)->campaign_negatives = sample_list_of(writer, 0);
}

static void campaign_of_two_ads(struct image_writer *writer) {
    campaign_with_two_lists(writer);
    AT(writer, ADS, ad, 1)->campaign_negatives = AT(writer, ADS, ad, 0)->campaign_negatives;
}

static void no_such_campaign(struct image_writer *writer) {
    AT(writer, ADS, ad, 0)->campaign = 1;
}

static void no_such_tree(struct image_writer *writer) {
    AT(writer, ADS, ad, 1)->tree = 2;
}

static void no_such_negative_of_an_ad(struct image_writer *writer) {
    AT(writer, ADS, ad, 1)->negatives = sample_list_of(writer, 1);
}

static void advertiser_of_another_kind(struct image_writer *writer) {
    AT(writer, ADS, ad, 1)->advertiser = SAMPLE_LABEL;
}

static void domain_of_another_kind(struct image_writer *writer) {
    AT(writer, ADS, ad, 1)->domain = SAMPLE_LABEL;
}

static void end_after_all_years(struct image_writer *writer) {
    AT(writer, ADS, ad, 1)->end = INT64_MAX - 1;
}

static void quality_above_the_limit(struct image_writer *writer) {
    AT(writer, AD_DETAILS, ad_details, 1)->quality = (uint32_t)AM_PER_MILLE_MAX + 1;
}

static void creative_of_another_length(struct image_writer *writer) {
    *image_writer_at(writer, AM_SECTION_CREATIVES, am_image_list_ref, 1) =
        image_writer_list(writer, (uint32_t[]){1, 2, 3, 4, 5}, 5);
}

static void creative_with_a_term_that_is_no_app(struct image_writer *writer) {
    *image_writer_at(writer, AM_SECTION_CREATIVES, am_image_list_ref, 1) =
        image_writer_list(writer, (uint32_t[]){0, 0, 0, 0, 0, 0, 0, 0}, AM_CREATIVE_ITEMS);
}

static void creative_without_an_app(struct image_writer *writer) {
    *image_writer_at(writer, AM_SECTION_CREATIVES, am_image_list_ref, 1) =
        image_writer_list(writer, (uint32_t[]){9, 8, 7, 6, 5, 4, 3, AM_NONE}, AM_CREATIVE_ITEMS);
}

static void creative_past_the_end(struct image_writer *writer) {
    *image_writer_at(writer, AM_SECTION_CREATIVES, am_image_list_ref, 1) = AM_NONE;
}

/* An ad with "{id}" in its url and "${VIEW_URL}" in its creative, and these items of macros. */
static void put_macros(struct image_writer *writer, const uint32_t *items, uint32_t count) {
    struct am_image_ad_details *details = AT(writer, AD_DETAILS, ad_details, 1);
    details->url = image_writer_string(writer, AM_VIEW("https://a.example/{id}{id}"));
    details->creative = image_writer_string(writer, AM_VIEW("{\"v\":\"${VIEW_URL}\"}"));
    details->macros = image_writer_list(writer, items, count);
}

#define IN_URL(at) am_image_macro_item(false, (at), AM_MACRO_ID)
#define IN_CREATIVE(at) am_image_macro_item(true, (at), AM_MACRO_VIEW_URL)

static void macros_in_their_places(struct image_writer *writer) {
    put_macros(writer, (const uint32_t[]){IN_URL(18), IN_URL(22), IN_CREATIVE(6)}, 3);
}

static void macro_beside_its_place(struct image_writer *writer) {
    put_macros(writer, (const uint32_t[]){IN_URL(17)}, 1);
}

static void macro_of_another_name(struct image_writer *writer) {
    put_macros(writer, (const uint32_t[]){am_image_macro_item(false, 18, AM_MACRO_AD)}, 1);
}

static void macro_of_no_name(struct image_writer *writer) {
    put_macros(writer, (const uint32_t[]){am_image_macro_item(false, 18, AM_MACROS)}, 1);
}

static void macro_of_a_url_in_a_creative(struct image_writer *writer) {
    put_macros(writer, (const uint32_t[]){am_image_macro_item(true, 6, AM_MACRO_ID)}, 1);
}

static void macro_past_the_end(struct image_writer *writer) {
    put_macros(writer, (const uint32_t[]){IN_URL((1 << 27) - 1)}, 1);
}

static void macros_that_descend(struct image_writer *writer) {
    put_macros(writer, (const uint32_t[]){IN_URL(22), IN_URL(18)}, 2);
}

static void too_many_macros(struct image_writer *writer) {
    uint32_t items[AM_AD_MAX_MACROS + 1];
    for (uint32_t i = 0; i < AM_COUNT_OF(items); i++)
        items[i] = IN_URL(18 + i);
    put_macros(writer, items, AM_COUNT_OF(items));
}

static void campaign_without_id(struct image_writer *writer) {
    AT(writer, CAMPAIGNS, campaign, 0)->id = 0;
}

/* ---- all of them ------------------------------------------------------------------------------
 */

static const struct fault faults[] = {
    WRITER(same_term_twice, "two terms have the same hash"),
    WRITER(same_domain_twice, "two terms have the same hash"),
    WRITER(same_text_of_another_kind, SOUND),
    WRITER(unknown_term_kind, "unknown kind"),
    WRITER(domain_under_itself, "its key does not fit its kind"),
    WRITER(domain_without_the_one_above, "its key does not fit its kind"),
    WRITER(domain_under_another, "its key does not fit its kind"),
    WRITER(value_of_no_key, "its key does not fit its kind"),
    WRITER(label_with_a_key, "its key does not fit its kind"),
    WRITER(too_long_term, "its text is no name"),
    WRITER(control_character_in_a_term, "its text is no name"),
    WRITER(ill_formed_term, "its text is no name"),
    BYTES(term_lost, "it lacks a term"),
    BYTES(term_in_two_slots, "term table"),
    BYTES(terms_in_the_wrong_slots, "no search finds its term"),
    BYTES(no_such_term_in_the_table, "no such term"),
    WRITER(longest_term_search, SOUND),
    WRITER(too_long_term_search, "section term table, record 0: a search in it is too long"),
    BYTES(full_term_table, "section term table, record 0: a search in it is too long"),

    WRITER(reference_into_a_string, "its url is no text"),
    WRITER(reference_past_the_strings, "its url is no text"),
    WRITER(ad_without_id, "its id is no name"),
    WRITER(too_long_id, "its id is no name"),
    WRITER(longest_id, SOUND),
    WRITER(too_long_url, "its url is no text, or too long"),
    WRITER(creative_that_is_no_json, "its creative is no JSON object"),
    WRITER(creative_that_is_no_object, "its creative is no JSON object"),
    WRITER(creative_with_white_space, SOUND),
    WRITER(largest_creative, SOUND),
    WRITER(too_large_creative, "its creative is no JSON object, or too large"),
    WRITER(reference_into_a_list, "its sizes are no ascending list"),
    WRITER(list_that_descends, "no ascending lists of terms"),
    WRITER(list_with_an_item_twice, "its sizes are no ascending list"),
    WRITER(list_of_no_terms, "no ascending lists of terms"),
    WRITER(list_past_the_end, "reaches past the end"),
    WRITER(longest_list, SOUND),
    WRITER(too_long_list, "has too many items"),

    WRITER(tree_named_twice, "it does not begin where the last one ends"),
    WRITER(tree_inside_a_tree, "it does not begin where the last one ends"),
    WRITER(tree_of_no_nodes, "no such node"),
    WRITER(node_of_no_tree, "a node of no tree"),
    WRITER(empty_tree, SOUND),
    WRITER(deepest_tree, SOUND),
    WRITER(too_deep_tree, "nested too deep"),
    WRITER(largest_tree, SOUND),
    WRITER(too_large_tree, "its end is out of place"),
    WRITER(not_of_two, "not needs one child"),
    WRITER(subtree_past_its_end, "its end is out of place"),
    WRITER(tree_that_ends_before_it_begins, "its end is out of place"),
    WRITER(leaf_with_a_child, "a leaf with children"),
    WRITER(root_of_another_kind, "its root must be of kind all"),
    WRITER(unknown_kind, "unknown kind"),
    WRITER(unknown_attribute, "unknown attribute"),
    WRITER(hours_of_five_numbers, "hours need a list of six"),
    WRITER(hours_of_no_zone, "no such time zone"),
    WRITER(times_of_another_attribute, "times of another attribute"),
    WRITER(times_without_a_run, "times need their texts and a run"),
    WRITER(times_without_a_text, "times need their texts and a run"),
    WRITER(times_beyond_the_week, "its times are no ascending runs of a week"),
    WRITER(times_that_end_before_they_begin, "its times are no ascending runs of a week"),
    WRITER(times_that_touch, "its times are no ascending runs of a week"),
    WRITER(times_of_no_zone, "no such time zone"),
    WRITER(values_of_no_key, "its key is no key term"),

    WRITER(campaign_rules_without_campaign, "it has a campaign's rules and no campaign"),
    WRITER(campaign_tree_without_campaign, "it has a campaign's rules and no campaign"),
    WRITER(campaign_with_two_lists, "its campaign has other rules in another ad"),
    WRITER(campaign_of_two_ads, SOUND),
    WRITER(no_such_campaign, "no such campaign"),
    WRITER(no_such_tree, "no such targeting tree"),
    WRITER(no_such_negative_of_an_ad, "its negatives are no ascending list of negative ids"),
    WRITER(advertiser_of_another_kind, "its advertiser is no advertiser term"),
    WRITER(domain_of_another_kind, "its domain is no domain term"),
    WRITER(end_after_all_years, "its start or end is in no year from 0 to 9999"),
    WRITER(quality_above_the_limit, "its quality is above the limit"),
    WRITER(creative_of_another_length, "its creative has a list of another length"),
    WRITER(creative_with_a_term_that_is_no_app, "its app is no app term"),
    WRITER(creative_without_an_app, SOUND),
    WRITER(creative_past_the_end, "its creative has no list"),
    WRITER(macros_in_their_places, SOUND),
    WRITER(macro_beside_its_place, "its macros are not where its list has them"),
    WRITER(macro_of_another_name, "its macros are not where its list has them"),
    WRITER(macro_of_no_name, "its macros are not where its list has them"),
    WRITER(macro_of_a_url_in_a_creative, "its macros are not where its list has them"),
    WRITER(macro_past_the_end, "its macros are not where its list has them"),
    WRITER(macros_that_descend, "its macros are not where its list has them"),
    WRITER(too_many_macros, "its macros are not where its list has them"),
    WRITER(campaign_without_id, "its id, advertiser, time zone or flags are wrong"),
};

int main(void) {
    struct CMUnitTest tests[AM_COUNT_OF(faults)];
    list_tests(faults, AM_COUNT_OF(faults), tests);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
