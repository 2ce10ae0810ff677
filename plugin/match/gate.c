/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"

#include "../model/creative.h"

/* A candidate's records are three reads beside the checks. */
enum { STEPS_A_CANDIDATE = 4, CATEGORIES_A_STEP = 8, CATEGORY_BYTES_A_STEP = 64 };

#define NAME(ID, name, KIND, meaning) #name,
#define MEANING(ID, name, KIND, meaning) meaning,

const char *am_gate_name(enum am_gate gate) {
    static const char *const names[AM_GATES] = {AM_GATE_TABLE(NAME)};
    return names[gate];
}

const char *am_gate_meaning(enum am_gate gate) {
    static const char *const meanings[AM_GATES] = {AM_GATE_TABLE(MEANING)};
    return meanings[gate];
}

/* ---- starting ---------------------------------------------------------------------------------
 */

static void list_terms(const struct am_gates *gates,
                       struct am_match_idmap *listed,
                       const struct am_match_views *texts,
                       uint32_t kind) {
    for (uint32_t i = 0; i < texts->count; i++) {
        uint32_t term = am_image_find_term(gates->image, kind, AM_NONE, texts->items[i]);
        if (term != AM_NONE)
            am_match_idmap_add(listed, term, 0);
    }
}

void am_gate_size(struct am_gates *gates, struct am_match_memory *memory) {
    struct am_gate_placed *placed = &gates->placed;
    gates->targeting.terms =
        am_match_memory_take(memory, AM_MAX_ATTRIBUTE_VALUES + 1, sizeof *gates->targeting.terms);
    placed->winners = am_match_memory_take(memory, AM_MAX_ADS_PER_REQUEST, sizeof *placed->winners);
    placed->candidates =
        am_match_memory_take(memory, AM_MAX_ADS_PER_REQUEST, sizeof *placed->candidates);
    gates->notes = am_match_memory_take(memory, AM_GATE_NOTES + 1, sizeof *gates->notes);
    am_poison_clear(gates->notes, (AM_GATE_NOTES + 1) * sizeof *gates->notes);
    am_match_memory_take_map(memory, &gates->seats, AM_MAX_SEATS);
    am_match_memory_take_map(memory, &gates->allowed, AM_MAX_ALLOWED_CATEGORIES);
}

void am_gate_size_for_image(struct am_gates *gates,
                            const struct am_image *image,
                            struct am_match_memory *memory) {
    const struct am_image_settings *settings = image->settings;
    size_t owners = (size_t)settings->ad_count + settings->campaign_count + 1;
    gates->image = gates->targeting.image = image;
    am_match_memory_take_map(memory, &gates->targeting.trees, image->tree_count);
    am_match_memory_take_map(memory, &gates->vetoes, owners);
    am_match_memory_take_map(memory, &gates->blocked, AM_MAX_BLOCKED);
    am_gate_placed_size(&gates->placed, image, memory);
}

void am_gate_start(struct am_gates *gates,
                   const struct am_rank_negatives *negatives,
                   const struct am_match_request *request) {
    gates->negatives = negatives;
    gates->unique = request->unique == AM_MATCH_UNIQUE_INVENTORY
                        ? (enum am_model_unique)gates->image->settings->unique
                        : request->unique;
    gates->delivery = request->delivery;
    gates->explains = request->explain || request->why.data;
    gates->lead = false;
    if (gates->delivery && gates->delivery->caps)
        gates->carried = *gates->delivery->caps;
    am_gate_targeting_start(&gates->targeting, request);
    am_match_idmap_clear(&gates->vetoes);
    am_match_idmap_clear(&gates->blocked);
    am_match_idmap_clear(&gates->seats);
    am_match_idmap_clear(&gates->allowed);
    am_gate_placed_start(&gates->placed);
    list_terms(gates, &gates->blocked, &request->blocked_advertisers, AM_TERM_ADVERTISER);
    list_terms(gates, &gates->blocked, &request->blocked_categories, AM_TERM_CATEGORY);
    list_terms(gates, &gates->blocked, &request->blocked_domains, AM_TERM_DOMAIN);
    list_terms(gates, &gates->blocked, &request->blocked_apps, AM_TERM_APP);
    list_terms(gates, &gates->seats, &request->seats, AM_TERM_ADVERTISER);
    list_terms(gates, &gates->allowed, &request->allowed_categories, AM_TERM_CATEGORY);
}

/* What a gate is asked about. */
struct question {
    const struct am_match_request *request;
    const struct am_match_slot *slot; /* of SLOT gates only */
    const struct am_match_candidate *candidate;
    const struct am_image_ad *ad;
};

static bool takes(const struct am_gates *gates, uint64_t steps) {
    return am_match_work_take(gates->work, AM_STAGE_GATES, steps);
}

/* Each check, stops_NAME, returns whether its gate stops the ad, and with it what explain.c needs
 * for the detail. */

/* ---- FIXED gates ------------------------------------------------------------------------------
 */

/* By the inventory, or by an override in the ledger. */
static bool stops_paused(struct am_gates *gates, const struct question *asked, uint32_t *detail) {
    (void)detail;
    const struct am_match_delivery *delivery = gates->delivery;
    return (asked->ad->flags & AM_AD_PAUSED) ||
           (delivery && am_delivery_map_paused(delivery->map, asked->candidate->ad));
}

static bool
stops_not_started(struct am_gates *gates, const struct question *asked, uint32_t *detail) {
    (void)gates, (void)detail;
    return asked->request->now < asked->ad->start;
}

static bool stops_ended(struct am_gates *gates, const struct question *asked, uint32_t *detail) {
    (void)gates, (void)detail;
    return asked->request->now >= asked->ad->end;
}

/* Returns the posting of a negative keyword with the smaller text; either may be AM_NONE. */
static uint32_t smaller_text(const struct am_image *image, uint32_t a, uint32_t b) {
    if (a == AM_NONE || b == AM_NONE)
        return a == AM_NONE ? b : a;
    int order = am_view_compare(am_image_string(image, image->keywords[a].text),
                                am_image_string(image, image->keywords[b].text));
    return order <= 0 ? a : b;
}

/* The negative keyword of the list that matched, as a posting, or AM_NONE. Lists are shared, and
 * are asked once a request. */
static uint32_t veto_of(struct am_gates *gates, am_image_list_ref ref) {
    if (ref == 0)
        return AM_NONE;
    const uint32_t *asked = am_match_idmap_find(&gates->vetoes, ref);
    if (asked)
        return *asked;
    struct am_image_list set = am_image_list_at(gates->image, ref);
    uint32_t veto = AM_NONE;
    if (!takes(gates, set.count < gates->negatives->count ? set.count : gates->negatives->count))
        return AM_NONE;
    bool by_hits = gates->negatives->count <= set.count;
    const uint32_t *ids = by_hits ? gates->negatives->ids : set.items;
    uint32_t count = by_hits ? gates->negatives->count : set.count;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t *posting = am_match_idmap_find(&gates->negatives->postings, ids[i]);
        if (posting && (!by_hits || am_image_list_has(set, ids[i])))
            veto = smaller_text(gates->image, veto, *posting);
    }
    am_match_idmap_add(&gates->vetoes, ref, veto);
    return veto;
}

static bool
stops_negative_keyword(struct am_gates *gates, const struct question *asked, uint32_t *detail) {
    if (gates->negatives->count == 0)
        return false;
    *detail = smaller_text(gates->image, veto_of(gates, asked->ad->negatives),
                           veto_of(gates, asked->ad->campaign_negatives));
    return *detail != AM_NONE;
}

/* After a cut, nobody knows which negative keywords the text has. */
static bool
stops_negatives_unknown(struct am_gates *gates, const struct question *asked, uint32_t *detail) {
    (void)detail;
    return !gates->negatives->complete && (asked->ad->negatives || asked->ad->campaign_negatives);
}

/* The detail is the index, among all tree nodes, of the member that does not hold. */
static bool
targeting_fails(struct am_gates *gates, const struct question *asked, uint32_t *detail) {
    const uint32_t trees[] = {asked->ad->tree, asked->ad->campaign_tree};
    for (size_t i = 0; i < AM_COUNT_OF(trees); i++) {
        if (trees[i] == AM_NONE)
            continue;
        uint32_t failing = am_gate_targeting_failing(&gates->targeting, asked->request, trees[i]);
        if (failing) {
            *detail = gates->image->trees[trees[i]] + failing - 1;
            return true;
        }
    }
    return false;
}

static bool
stops_targeting(struct am_gates *gates, const struct question *asked, uint32_t *detail) {
    return !asked->request->places_slots && targeting_fails(gates, asked, detail);
}

/* ---- SLOT gates -------------------------------------------------------------------------------
 */

/* Where each slot is a placement of its own, targeting is asked in each. */
static bool
stops_placement(struct am_gates *gates, const struct question *asked, uint32_t *detail) {
    return asked->request->places_slots && targeting_fails(gates, asked, detail);
}

/* The detail of these two is the index of the slot. */
static bool stops_size(struct am_gates *gates, const struct question *asked, uint32_t *detail) {
    *detail = (uint32_t)(asked->slot - asked->request->slots);
    struct am_image_list sizes = am_image_list_at(gates->image, asked->ad->sizes);
    if (asked->slot->size_count == 0 || sizes.count == 0)
        return false;
    for (uint32_t i = 0; i < asked->slot->size_count; i++)
        if (am_image_list_has(sizes, asked->slot->sizes[i]))
            return false;
    return true;
}

static bool stops_floor(struct am_gates *gates, const struct question *asked, uint32_t *detail) {
    *detail = (uint32_t)(asked->slot - asked->request->slots);
    int64_t floor = asked->slot->floor;
    return floor > 0 && gates->image->keywords[asked->candidate->posting].ecpm < (uint64_t)floor;
}

/* Whether the domain, or one above it, is blocked. */
static bool domain_blocked(const struct am_gates *gates, uint32_t domain) {
    for (; domain != AM_NONE; domain = gates->image->terms[domain].key)
        if (am_match_idmap_find(&gates->blocked, domain))
            return true;
    return false;
}

static bool
stops_blocked_advertiser(struct am_gates *gates, const struct question *asked, uint32_t *detail) {
    if (gates->blocked.count == 0)
        return false;
    bool advertiser = am_match_idmap_find(&gates->blocked, asked->ad->advertiser) != NULL;
    *detail = advertiser ? asked->ad->advertiser : asked->ad->domain;
    return advertiser || domain_blocked(gates, asked->ad->domain);
}

static bool
stops_blocked_category(struct am_gates *gates, const struct question *asked, uint32_t *detail) {
    if (gates->blocked.count == 0)
        return false;
    struct am_image_list categories = am_image_list_at(gates->image, asked->ad->categories);
    uint32_t i = 0;
    while (i < categories.count && !am_match_idmap_find(&gates->blocked, categories.items[i]))
        i++;
    takes(gates, i / CATEGORIES_A_STEP);
    if (i == categories.count)
        return false;
    *detail = categories.items[i];
    return true;
}

bool am_gate_category_in(const struct am_gates *gates,
                         const struct am_match_idmap *listed,
                         uint32_t category) {
    char memory[AM_ID_MAX_BYTES];
    struct am_view text = am_image_string(gates->image, gates->image->terms[category].text);
    struct am_view folded = am_model_category_fold(text, memory);
    for (size_t size = 1; size <= folded.size; size++) {
        if (size < folded.size && folded.data[size] != '-')
            continue;
        if (!takes(gates, 1 + size / CATEGORY_BYTES_A_STEP))
            return false;
        uint32_t term = am_image_find_term(gates->image, AM_TERM_CATEGORY, AM_NONE,
                                           (struct am_view){folded.data, size});
        if (term != AM_NONE && am_match_idmap_find(listed, term))
            return true;
    }
    return false;
}

/* The detail is the first category, as written, that is not allowed; an ad without any is not,
 * either. */
static bool
stops_allowed_category(struct am_gates *gates, const struct question *asked, uint32_t *detail) {
    if (!asked->request->restricts_categories)
        return false;
    struct am_image_list categories =
        am_image_list_at(gates->image, gates->image->details[asked->candidate->ad].categories);
    uint32_t i = 0;
    while (i < categories.count && am_gate_category_in(gates, &gates->allowed, categories.items[i]))
        i++;
    *detail = i < categories.count ? categories.items[i] : AM_NONE;
    return i < categories.count || categories.count == 0;
}

static bool stops_seat(struct am_gates *gates, const struct question *asked, uint32_t *detail) {
    *detail = asked->ad->advertiser;
    return asked->request->restricts_seats &&
           !am_match_idmap_find(&gates->seats, asked->ad->advertiser);
}

static bool misses_assets(const struct am_match_media *asked, uint32_t item) {
    const uint32_t title_size = item >> 8 & AM_CREATIVE_LENGTH_MOST, text_size = item >> 20;
    return asked->assets & ~item || (asked->title_most && title_size > asked->title_most) ||
           (asked->text_most && text_size > asked->text_most);
}

/* Which of the demands of one kind a creative misses, the first of enum am_gate_creative. */
static enum am_gate_creative missed_as(const struct am_match_media *asked,
                                       const uint32_t *items,
                                       enum am_model_creative_kind kind) {
    const uint32_t others = items[AM_CREATIVE_OTHERS], mimes = items[AM_CREATIVE_MIMES];
    const uint64_t attributes =
        (uint64_t)items[AM_CREATIVE_ATTRIBUTES_HIGH] << 32 | items[AM_CREATIVE_ATTRIBUTES_LOW];
    const uint8_t types = (uint8_t)others, positions = (uint8_t)(others >> 8);
    const uint32_t duration = items[AM_CREATIVE_SHOWN] >> 8;
    if (!(items[AM_CREATIVE_SHOWN] >> kind & 1))
        return AM_GATE_CREATIVE_KIND;
    if (asked->blocked_attributes & attributes)
        return AM_GATE_CREATIVE_ATTRIBUTE;
    if (asked->blocked_types & types)
        return AM_GATE_CREATIVE_TYPE;
    if (asked->mimes && mimes && !(mimes & asked->mimes))
        return AM_GATE_CREATIVE_MIME;
    if (items[AM_CREATIVE_APIS] & ~asked->apis)
        return AM_GATE_CREATIVE_API;
    if (asked->position && positions && !(asked->position & positions))
        return AM_GATE_CREATIVE_POSITION;
    if (duration ? duration < asked->shortest || (asked->longest && duration > asked->longest)
                 : asked->shortest || asked->longest)
        return AM_GATE_CREATIVE_DURATION;
    return misses_assets(asked, items[AM_CREATIVE_ASSETS]) ? AM_GATE_CREATIVE_MISSING_ASSETS
                                                           : AM_GATE_CREATIVE_SUITS;
}

/* Of all kinds that the slot takes, what the last one misses, unless one suits. */
static enum am_gate_creative missed_by(const struct am_match_creatives *asked,
                                       const uint32_t *items) {
    const uint32_t others = items[AM_CREATIVE_OTHERS];
    const uint8_t taxonomy = (uint8_t)(others >> 16), flags = (uint8_t)(others >> 24);
    enum am_gate_creative missed = AM_GATE_CREATIVE_KIND;
    if (asked->secure && flags & AM_CREATIVE_INSECURE)
        return AM_GATE_CREATIVE_INSECURE;
    if (flags &
        (asked->interstitial ? AM_CREATIVE_NEVER_INTERSTITIAL : AM_CREATIVE_ONLY_INTERSTITIAL))
        return AM_GATE_CREATIVE_INTERSTITIAL;
    if (asked->taxonomy && taxonomy && asked->taxonomy != taxonomy)
        return AM_GATE_CREATIVE_TAXONOMY;
    if (asked->transparent && !(flags & AM_CREATIVE_TRANSPARENT))
        return AM_GATE_CREATIVE_TRANSPARENCY;
    for (int kind = 0; kind < AM_CREATIVE_KINDS && missed != AM_GATE_CREATIVE_SUITS; kind++)
        if (asked->media[kind].asked)
            missed = missed_as(&asked->media[kind], items, (enum am_model_creative_kind)kind);
    return missed;
}

enum am_model_creative_kind am_match_creative_kind(const struct am_image *image,
                                                   const struct am_match_slot *slot,
                                                   uint32_t ad) {
    const uint32_t *items = am_image_list_at(image, image->creatives[ad]).items;
    int kind = AM_CREATIVE_KINDS - 1;
    while (kind > 0 && !(slot->creatives.media[kind].asked &&
                         missed_as(&slot->creatives.media[kind], items,
                                   (enum am_model_creative_kind)kind) == AM_GATE_CREATIVE_SUITS))
        kind--;
    return (enum am_model_creative_kind)kind;
}

/* The detail is what it misses: enum am_gate_creative. */
static bool stops_creative(struct am_gates *gates, const struct question *asked, uint32_t *detail) {
    if (!asked->slot->creatives.needed)
        return false;
    struct am_image_list items =
        am_image_list_at(gates->image, gates->image->creatives[asked->candidate->ad]);
    if (items.count == 0)
        *detail = AM_GATE_CREATIVE_MARKUP;
    else if (am_match_idmap_find(&gates->blocked, items.items[AM_CREATIVE_APP]))
        *detail = AM_GATE_CREATIVE_BUNDLE;
    else
        *detail = missed_by(&asked->slot->creatives, items.items);
    return *detail != AM_GATE_CREATIVE_SUITS;
}

/* The detail of these three is that of am_gate_keep_note. */
static bool
stops_frequency_cap(struct am_gates *gates, const struct question *asked, uint32_t *detail) {
    *detail = AM_GATE_LAST_NOTE;
    return (asked->ad->flags & AM_AD_CAPPED) && am_gate_is_capped(gates, asked->candidate->ad);
}

/* Its answer serves `pacing`, too, which is asked next. */
static bool stops_budget(struct am_gates *gates, const struct question *asked, uint32_t *detail) {
    gates->verdict = AM_DELIVERY_LINE;
    if (!gates->delivery)
        return false;
    *detail = AM_GATE_LAST_NOTE;
    gates->verdict = am_gate_budgets(gates, asked->candidate);
    return gates->verdict == AM_DELIVERY_BUDGET;
}

static bool stops_pacing(struct am_gates *gates, const struct question *asked, uint32_t *detail) {
    (void)asked;
    *detail = AM_GATE_LAST_NOTE;
    return gates->verdict == AM_DELIVERY_PACING ||
           (gates->verdict == AM_DELIVERY_LEAD && !gates->lead);
}

static bool
stops_duplicate_advertiser(struct am_gates *gates, const struct question *asked, uint32_t *detail) {
    *detail =
        am_gate_placed_same(&gates->placed, gates->image, gates->unique, asked->candidate->ad);
    return *detail != AM_NONE;
}

/* The detail is the smallest label of the first winner that excludes, or is excluded. */
static bool
stops_excluded_label(struct am_gates *gates, const struct question *asked, uint32_t *detail) {
    uint32_t position = am_gate_placed_excluding(&gates->placed, gates->image, asked->ad);
    if (position == AM_NONE)
        return false;
    const struct am_image_ad *other = &gates->image->ads[gates->placed.winners[position].ad];
    if (takes(gates, am_gate_label_steps(gates->image, asked->ad, other)))
        *detail = am_gate_label(gates->image, asked->ad, other);
    return true;
}

/* ---- all of a kind, in order ------------------------------------------------------------------
 */

#define STOP(ID, name)                                                                             \
    if (stops_##name(gates, &asked, &detail_of_gate)) {                                            \
        *detail = detail_of_gate;                                                                  \
        return AM_GATE_##ID;                                                                       \
    }
#define SKIP(ID, name)

static inline enum am_gate
check_fixed(struct am_gates *gates, struct question asked, uint32_t *detail) {
    uint32_t detail_of_gate = AM_NONE;
#define CHECK_FIXED STOP
#define CHECK_SLOT SKIP
#define CHECK_RANK SKIP
#define CHECK(ID, name, KIND, meaning) CHECK_##KIND(ID, name)
    AM_GATE_TABLE(CHECK)
#undef CHECK_FIXED
#undef CHECK_SLOT
    return AM_GATES;
}

static inline enum am_gate
check_slot(struct am_gates *gates, struct question asked, uint32_t *detail) {
    uint32_t detail_of_gate = AM_NONE;
#define CHECK_FIXED SKIP
#define CHECK_SLOT STOP
    AM_GATE_TABLE(CHECK)
    return AM_GATES;
}

/* From `frequency_cap` on: nothing before it changes within a slot. */
static enum am_gate check_again(struct am_gates *gates, struct question asked, uint32_t *detail) {
    uint32_t detail_of_gate = AM_NONE;
    STOP(FREQUENCY_CAP, frequency_cap)
    STOP(BUDGET, budget)
    STOP(PACING, pacing)
    STOP(DUPLICATE_ADVERTISER, duplicate_advertiser)
    STOP(EXCLUDED_LABEL, excluded_label)
    return AM_GATES;
}

void am_gate_check_fixed(struct am_gates *gates,
                         const struct am_match_request *request,
                         struct am_match_candidate *candidate) {
    const struct question asked = {
        .request = request, .candidate = candidate, .ad = &gates->image->ads[candidate->ad]};
    if (!takes(gates, STEPS_A_CANDIDATE))
        return;
    uint32_t detail = AM_NONE;
    enum am_gate gate = check_fixed(gates, asked, &detail);
    if (gates->work->cut[AM_STAGE_GATES])
        return;
    candidate->fixed_gate = candidate->gate = (uint8_t)gate;
    candidate->detail = detail;
}

/* What the lists of an ad and of the slot cost to compare. */
static uint64_t slot_steps(const struct am_gates *gates, const struct question *asked) {
    uint32_t sizes = am_image_list_at(gates->image, asked->ad->sizes).count;
    uint64_t steps = 1 + am_match_work_of_seeking(asked->slot->size_count, sizes);
    if (gates->placed.labels.count || gates->placed.excluded.count)
        steps += am_image_list_at(gates->image, asked->ad->labels).count +
                 am_image_list_at(gates->image, asked->ad->exclude_labels).count;
    return steps;
}

enum am_gate am_gate_check_slot(struct am_gates *gates,
                                const struct am_match_request *request,
                                const struct am_match_slot *slot,
                                const struct am_match_candidate *candidate,
                                uint32_t *detail) {
    const struct question asked = {request, slot, candidate, &gates->image->ads[candidate->ad]};
    if (!takes(gates, slot_steps(gates, &asked)))
        return AM_GATES;
    return gates->lead ? check_again(gates, asked, detail) : check_slot(gates, asked, detail);
}

/* ---- one gate ---------------------------------------------------------------------------------
 */

typedef bool stops_function(struct am_gates *gates, const struct question *asked, uint32_t *detail);

bool am_gate_stops(struct am_gates *gates,
                   const struct am_match_request *request,
                   const struct am_match_slot *slot,
                   const struct am_match_candidate *candidate,
                   enum am_gate gate,
                   uint32_t *detail) {
#define CHECK_OF_FIXED(ID, name) [AM_GATE_##ID] = stops_##name,
#define CHECK_OF_SLOT(ID, name) [AM_GATE_##ID] = stops_##name,
#define CHECK_OF_RANK(ID, name)
#define CHECK_OF(ID, name, KIND, meaning) CHECK_OF_##KIND(ID, name)
    static stops_function *const checks[AM_GATES] = {AM_GATE_TABLE(CHECK_OF)};
    const struct question asked = {request, slot, candidate, &gates->image->ads[candidate->ad]};
    *detail = AM_NONE;
    return checks[gate] && checks[gate](gates, &asked, detail);
}
