/* SPDX-License-Identifier: Apache-2.0 */
/* A bid request as a whole: what binds the bidder, and what goes to the other files. */
#include "../../model/hosts.h"
#include "lenient.h"

#define MEMBER AM_OPENRTB_MEMBER

/* ---- what is allowed and what is blocked ---------------------------------------------------- */

static void find_name(struct am_openrtb_reading *in, struct am_view name, int argument) {
    struct am_openrtb_allowed *allowed = &in->openrtb->allowed;
    (void)argument;
    allowed->found |= am_openrtb_same(name, allowed->wanted);
    allowed->restricts = true;
}

static void require(struct am_openrtb_reading *in,
                    const struct am_json_node *list,
                    struct am_view wanted,
                    am_openrtb_item_function *find,
                    enum am_openrtb_no_bid reason) {
    struct am_openrtb_allowed *allowed = &in->openrtb->allowed;
    *allowed = (struct am_openrtb_allowed){.wanted = wanted};
    am_openrtb_list(in, list, find, 0);
    if (allowed->restricts && !allowed->found)
        am_openrtb_forbid(in->openrtb, reason);
}

static void require_name(struct am_openrtb_reading *in,
                         const struct am_json_node *list,
                         struct am_view wanted,
                         enum am_openrtb_no_bid reason) {
    require(in, list, wanted, find_name, reason);
}

static void
read_currencies(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    const struct am_image *image = in->openrtb->image;
    (void)argument;
    require_name(in, value, am_image_string(image, image->settings->currency), AM_NO_BID_CURRENCY);
}

/* "pt" of "pt-BR". */
static struct am_view primary_language(struct am_view tag) {
    size_t size = 0;
    while (size < tag.size && tag.data[size] != '-' && tag.data[size] != '_')
        size++;
    return (struct am_view){tag.data, size};
}

/* Inventories may also name their language in English, or not at all: there is then nothing to
 * compare. */
static struct am_view inventory_language(const struct am_openrtb *openrtb) {
    struct am_view tag = am_image_string(openrtb->image, openrtb->image->settings->language);
    return primary_language(tag).size == 2 ? tag : AM_VIEW("");
}

static void
read_languages(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    struct am_view language = primary_language(inventory_language(in->openrtb));
    (void)argument;
    if (language.size)
        require_name(in, value, language, AM_NO_BID_LANGUAGE);
}

/* Of tags with a region, both must have the same; one without is in all. */
static void find_tag(struct am_openrtb_reading *in, struct am_view tag, int argument) {
    struct am_openrtb_allowed *allowed = &in->openrtb->allowed;
    struct am_view ours = allowed->wanted, primary = primary_language(tag);
    (void)argument;
    bool whole = tag.size == primary.size || ours.size == primary_language(ours).size;
    allowed->found |=
        whole ? am_openrtb_same(primary, primary_language(ours)) : am_openrtb_same(tag, ours);
    allowed->restricts = true;
}

static void
read_language_tags(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    struct am_view language = inventory_language(in->openrtb);
    if (language.size)
        require(in, value, language, find_tag, AM_NO_BID_LANGUAGE);
    (void)argument;
}

/* ---- names that are allowed ----------------------------------------------------------------- */

static void add_name(struct am_openrtb_reading *in, struct am_view name, int is_category) {
    struct am_openrtb_names *names = is_category ? &in->openrtb->categories : &in->openrtb->seats;
    name = am_openrtb_trimmed(name);
    if (is_category && name.size <= AM_ID_MAX_BYTES)
        name = am_api_request_fold_category(in->reader, name);
    if (names->count < names->capacity) {
        AM_UNPOISON_ITEMS(names->items, names->count, 1);
        names->items[names->count++] = name;
    }
    names->restricts = true;
}

/* Leaves those of the first `count` names that also stand behind them. */
static void keep_common(struct am_openrtb_names *names, uint32_t count) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t k = count;
        while (k < names->count && !am_view_equal(names->items[k], names->items[i]))
            k++;
        if (k < names->count)
            names->items[kept++] = names->items[i];
    }
    names->count = kept;
}

/* A list that is given twice allows what is in both. */
static void
read_names(struct am_openrtb_reading *in, const struct am_json_node *value, int is_category) {
    struct am_openrtb_names *names = is_category ? &in->openrtb->categories : &in->openrtb->seats;
    const uint32_t before = names->count;
    const bool restricted = names->restricts;
    names->restricts = false;
    am_openrtb_list(in, value, add_name, is_category);
    if (restricted && names->restricts)
        keep_common(names, before);
    names->restricts |= restricted;
}

/* IAB's taxonomies of content: 1.0, 2.0, 2.1 and 3.0. What is in another one cannot be compared. */
static void
read_taxonomy(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    int64_t taxonomy;
    (void)argument;
    if (!am_openrtb_whole(in, value, &taxonomy))
        return;
    bool known = taxonomy == 1 || taxonomy == 2 || taxonomy == 3 || taxonomy == 7;
    if (!known || (in->openrtb->taxonomy && in->openrtb->taxonomy != taxonomy))
        am_openrtb_forbid(in->openrtb, AM_NO_BID_TAXONOMY);
    in->openrtb->taxonomy = taxonomy;
}

/* ---- names that are blocked ----------------------------------------------------------------- */

/* Advertisers are blocked by domain: "https://www.shop.example/" is "shop.example". Apps are
 * blocked by their ids, which some inventories have as domains. */

/* Names longer than any in an inventory block nothing. */
static void add_blocked(struct am_openrtb_reading *in, struct am_view name, int kind) {
    name = am_openrtb_trimmed(name);
    if (kind == AM_BLOCKED_DOMAINS)
        name = am_model_host(name);
    if (name.size == 0 || name.size > AM_ID_MAX_BYTES)
        return;
    enum am_code code =
        am_api_request_add_blocked(in->reader, (enum am_api_blocked)kind, name, NULL);
    if (code == AM_OK && kind == AM_BLOCKED_APPS)
        code = am_api_request_add_blocked(in->reader, AM_BLOCKED_DOMAINS, name, NULL);
    if (code != AM_OK)
        am_openrtb_forbid(in->openrtb, AM_NO_BID_LIMIT);
}

static void
read_blocked(struct am_openrtb_reading *in, const struct am_json_node *value, int kind) {
    am_openrtb_list(in, value, add_blocked, kind);
}

/* ---- extensions ----------------------------------------------------------------------------- */

static void
read_text(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    (void)argument;
    am_openrtb_text(in, value, &in->reader->content.given);
}

static void add_free_value(struct am_openrtb_reading *in, struct am_view value, int argument) {
    (void)argument;
    am_openrtb_add_free_value(in, in->openrtb->key, value);
}

/* Keys are the sender's own: one string stays one value, commas or not. */
static void
read_free_keys(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    (void)argument;
    if (value->type != AM_JSON_OBJECT) {
        if (value->type == AM_JSON_ARRAY && value->children == 0)
            am_openrtb_odd(in);
        else
            am_openrtb_unreadable(in);
        return;
    }
    const struct am_json_node *key = am_json_first(value);
    for (uint32_t i = 0; i < value->children; i++) {
        const struct am_json_node *item = am_json_after(&in->json, key);
        struct am_view text;
        in->openrtb->key = am_openrtb_decoded(in, key);
        if (item->type == AM_JSON_ARRAY)
            am_openrtb_list(in, item, add_free_value, 0);
        else if (am_openrtb_text(in, item, &text))
            add_free_value(in, text, 0);
        key = am_json_after(&in->json, item);
    }
}

static void
read_unique(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    struct am_view name;
    (void)argument;
    if (am_openrtb_text(in, value, &name) &&
        am_api_request_set_unique(in->reader, name, NULL) != AM_OK)
        am_openrtb_unreadable(in);
}

static void
read_explain(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    (void)argument;
    if (value->type == AM_JSON_TRUE || value->type == AM_JSON_FALSE)
        in->openrtb->explains = value->type == AM_JSON_TRUE;
    else
        am_openrtb_flag(in, value, &in->openrtb->explains);
}

static void
read_own_extension(struct am_openrtb_reading *in, const struct am_json_node *object, int argument) {
    static const struct am_openrtb_member members[] = {
        MEMBER(EXT_TEXT, "text", LAST, read_text, 0),
        MEMBER(EXT_KV, "kv", LAST, read_free_keys, 0),
        MEMBER(EXT_UNIQUE, "unique", LAST, read_unique, 0),
        MEMBER(EXT_EXPLAIN, "explain", LAST, read_explain, 0),
    };
    (void)argument;
    am_openrtb_object(in, object, members, AM_COUNT_OF(members));
}

static void
read_extensions(struct am_openrtb_reading *in, const struct am_json_node *object, int argument) {
    static const struct am_openrtb_member members[] = {
        MEMBER(EXT_ADMATCH, "admatch", EACH, read_own_extension, 0),
    };
    (void)argument;
    am_openrtb_object(in, object, members, AM_COUNT_OF(members));
}

/* ---- the request ---------------------------------------------------------------------------- */

/* One that is too long to be kept cannot be answered. */
static void read_id(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    (void)argument;
    if (am_openrtb_text(in, value, &in->reader->request.id) &&
        in->reader->request.id.size > AM_ID_MAX_BYTES)
        am_openrtb_forbid(in->openrtb, AM_NO_BID_LIMIT);
}

static void
read_test(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    bool test;
    (void)argument;
    if (am_openrtb_flag(in, value, &test))
        in->openrtb->test |= test;
}

static void
keep_user(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    (void)argument;
    in->openrtb->user = value;
}

static enum am_code read_root(struct am_openrtb_reading *in, struct am_error *error) {
    /* The most frequent first. */
    static const struct am_openrtb_member members[] = {
        MEMBER(ID, "id", LAST, read_id, 0),
        MEMBER(IMP, "imp", LAST, am_openrtb_read_impressions, 0),
        MEMBER(SITE, "site", EACH, am_openrtb_read_site, 0),
        MEMBER(DEVICE, "device", PROTECTS, am_openrtb_read_device, 0),
        MEMBER(USER, "user", LAST, keep_user, 0),
        MEMBER(BADV, "badv", BINDS, read_blocked, AM_BLOCKED_DOMAINS),
        MEMBER(BCAT, "bcat", BINDS, read_blocked, AM_BLOCKED_CATEGORIES),
        MEMBER(EXT, "ext", EACH, read_extensions, 0),
        MEMBER(TEST, "test", BINDS, read_test, 0),
        MEMBER(CUR, "cur", BINDS, read_currencies, 0),
        MEMBER(APP, "app", EACH, am_openrtb_read_app, 0),
        MEMBER(REGS, "regs", PROTECTS, am_openrtb_read_regulations, 0),
        MEMBER(DOOH, "dooh", EACH, am_openrtb_read_screen, 0),
        MEMBER(WLANG, "wlang", BINDS, read_languages, 0),
        MEMBER(WLANGB, "wlangb", BINDS, read_language_tags, 0),
        MEMBER(CATTAX, "cattax", BINDS, read_taxonomy, 0),
        MEMBER(ACAT, "acat", BINDS, read_names, true),
        MEMBER(BAPP, "bapp", BINDS, read_blocked, AM_BLOCKED_APPS),
        MEMBER(BSEAT, "bseat", BINDS, read_blocked, AM_BLOCKED_ADVERTISERS),
        MEMBER(WSEAT, "wseat", BINDS, read_names, false),
    };
    const struct am_json_node *root = in->json.nodes;
    if (root->type != AM_JSON_OBJECT) {
        am_error_set(error, AM_E_INVALID, "expected an object, found %s",
                     am_json_type_name((enum am_json_type)root->type));
        am_error_at(error, "$");
        return AM_E_INVALID;
    }
    am_openrtb_object(in, root, members, AM_COUNT_OF(members));
    const char *missing = !in->reader->request.id.data    ? "id"
                          : in->openrtb->impressions == 0 ? "imp"
                                                          : NULL;
    if (missing) {
        am_error_set(error, AM_E_INVALID, "expected the member \"%s\"", missing);
        am_error_at(error, "$");
        return AM_E_INVALID;
    }
    am_openrtb_read_user(in);
    am_openrtb_finish_context(in);
    return AM_OK;
}

/* A bid of nothing is none. Categories of another taxonomy cannot be compared. */
static void finish_slot(const struct am_openrtb_reading *in, struct am_match_slot *slot) {
    const struct am_openrtb *openrtb = in->openrtb;
    bool compares =
        in->reader->blocked_count[AM_BLOCKED_CATEGORIES] || openrtb->categories.restricts;
    if (slot->floor == 0)
        slot->floor = 1;
    slot->creatives.transparent = openrtb->transparent;
    if (compares)
        slot->creatives.taxonomy = openrtb->taxonomy ? (uint8_t)openrtb->taxonomy : 1;
}

/* The usual request has one impression: its placement is the request's. */
static void finish_slots(struct am_openrtb_reading *in) {
    struct am_api_request_reader *reader = in->reader;
    bool placed = false;
    for (uint32_t i = 0; i < reader->request.slot_count; i++) {
        finish_slot(in, &reader->slots[i]);
        placed |= reader->slots[i].placement.size != 0;
    }
    if (reader->request.slot_count == 1)
        am_openrtb_add_attribute(in, reader->slots[0].placement, AM_ATTRIBUTE_PLACEMENT);
    else
        reader->request.places_slots = placed;
}

static enum am_code put_together(struct am_openrtb_reading *in, struct am_error *error) {
    struct am_api_request_reader *reader = in->reader;
    const struct am_openrtb_names *seats = &in->openrtb->seats;
    const struct am_openrtb_names *categories = &in->openrtb->categories;
    reader->request.restricts_seats = seats->restricts;
    reader->request.seats = (struct am_match_views){seats->items, seats->count};
    reader->request.restricts_categories = categories->restricts;
    reader->request.allowed_categories =
        (struct am_match_views){categories->items, categories->count};
    if (reader->request.slot_count == 0) {
        am_openrtb_forbid(in->openrtb, AM_NO_BID_IMPRESSIONS);
        return AM_OK;
    }
    finish_slots(in);
    return am_api_request_finish(reader, error);
}

static void start(struct am_openrtb *openrtb, const struct am_image *image) {
    struct am_api_creatives *creatives = openrtb->creatives;
    am_poison_clear(openrtb, sizeof *openrtb);
    memset(openrtb, 0, offsetof(struct am_openrtb, seat_names));
    openrtb->image = image;
    openrtb->creatives = creatives;
    openrtb->seats = (struct am_openrtb_names){openrtb->seat_names, 0, AM_MAX_SEATS, false};
    openrtb->categories =
        (struct am_openrtb_names){openrtb->category_names, 0, AM_MAX_ALLOWED_CATEGORIES, false};
    AM_POISON_ITEMS(openrtb->seat_names, 0, AM_MAX_SEATS);
    AM_POISON_ITEMS(openrtb->category_names, 0, AM_MAX_ALLOWED_CATEGORIES);
}

enum am_code am_openrtb_read(struct am_openrtb *openrtb,
                             struct am_api_request_reader *reader,
                             const struct am_image *image,
                             struct am_view body,
                             struct am_error *error) {
    static const struct am_openrtb_member whole = MEMBER(REQUEST, "", LAST, NULL, 0);
    struct am_openrtb_reading in = {.reader = reader, .openrtb = openrtb, .member = &whole};
    start(openrtb, image);
    reader->request.unique = AM_UNIQUE_AD;
    enum am_code code = am_api_request_check_size(reader, body, error);
    if (code != AM_OK)
        return code;
    code = am_json_parse_lenient(body, reader->nodes, AM_REQUEST_MAX_NODES, &in.json, error);
    if (code == AM_E_LIMIT) { /* too deep, or too many values for what a request may hold */
        am_openrtb_forbid(openrtb, AM_NO_BID_LIMIT);
        return AM_OK;
    }
    if (code != AM_OK)
        return code;
    in.node_count = in.json.count;
    if (in.json.ill_formed)
        am_openrtb_odd(&in);
    code = read_root(&in, error);
    return code == AM_OK ? put_together(&in, error) : code;
}
