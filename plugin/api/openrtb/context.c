/* SPDX-License-Identifier: Apache-2.0 */
/* Where an impression will be shown, and to which person: site, app, screen, device, regulations,
 * user. */
#include "../../model/countries.h"
#include "../../model/hosts.h"
#include "lenient.h"

/* ---- attributes ----------------------------------------------------------------------------- */

void am_openrtb_add_attribute(struct am_openrtb_reading *in, struct am_view value, int attribute) {
    struct am_api_request_reader *reader = in->reader;
    if (value.size == 0 || value.size > AM_ID_MAX_BYTES ||
        reader->request.attribute_count == AM_MAX_ATTRIBUTE_VALUES)
        return;
    am_api_request_add_attribute(reader, (enum am_model_attribute)attribute, AM_VIEW(""), value,
                                 NULL);
}

void am_openrtb_add_free_value(struct am_openrtb_reading *in,
                               struct am_view key,
                               struct am_view value) {
    struct am_api_request_reader *reader = in->reader;
    if (value.size <= AM_ID_MAX_BYTES && key.size <= AM_ID_MAX_BYTES &&
        reader->request.attribute_count < AM_MAX_ATTRIBUTE_VALUES)
        am_api_request_add_attribute(reader, AM_ATTRIBUTE_KV, key, value, NULL);
}

static void
read_attribute(struct am_openrtb_reading *in, const struct am_json_node *value, int attribute) {
    struct am_view text;
    if (am_openrtb_text(in, value, &text))
        am_openrtb_add_attribute(in, text, attribute);
}

static void
read_categories(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    (void)argument;
    am_openrtb_list(in, value, am_openrtb_add_attribute, AM_ATTRIBUTE_CATEGORY);
}

/* "en-US" is also "en". */
static void
read_language(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    struct am_view language;
    (void)argument;
    if (!am_openrtb_text(in, value, &language))
        return;
    am_openrtb_add_attribute(in, language, AM_ATTRIBUTE_LANGUAGE);
    const char *hyphen = memchr(language.data, '-', language.size);
    if (hyphen)
        am_openrtb_add_attribute(in,
                                 (struct am_view){language.data, (size_t)(hyphen - language.data)},
                                 AM_ATTRIBUTE_LANGUAGE);
}

/* ---- keywords ------------------------------------------------------------------------------- */

/* What does not fit in is passed over. */
static void add_keyword(struct am_openrtb_reading *in, struct am_view keyword, int argument) {
    (void)argument;
    if (in->reader->keyword_count < AM_REQUEST_MAX_KEYWORDS)
        am_api_request_add_keyword(in->reader, keyword, NULL);
}

static void
read_keyword_list(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    am_openrtb_list(in, value, add_keyword, argument);
}

/* "running, shoes"; up to OpenRTB 2.2 it might be a list, too. */
static void
read_keywords(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    struct am_view text;
    if (value->type != AM_JSON_STRING) {
        am_openrtb_odd(in);
        am_openrtb_list(in, value, add_keyword, argument);
    } else if (am_openrtb_text(in, value, &text)) {
        am_openrtb_split(in, text, add_keyword, argument);
    }
}

/* ---- texts ---------------------------------------------------------------------------------- */

void am_openrtb_keep(struct am_openrtb_reading *in, const struct am_json_node *value, int place) {
    struct am_view text;
    if (am_openrtb_text(in, value, &text))
        *(struct am_view *)((char *)in->openrtb + place) = text;
}

/* The same of struct am_api_request_reader. */
static void
keep_in_reader(struct am_openrtb_reading *in, const struct am_json_node *value, int place) {
    struct am_view text;
    if (am_openrtb_text(in, value, &text))
        *(struct am_view *)((char *)in->reader + place) = text;
}

#define MEMBER AM_OPENRTB_MEMBER
#define IN_READER(field) keep_in_reader, offsetof(struct am_api_request_reader, field)
#define IN_OPENRTB(field) am_openrtb_keep, offsetof(struct am_openrtb, field)

/* ---- sites ---------------------------------------------------------------------------------- */

/* A value of an attribute that stands folded in the reader's memory. */
static void add_folded_site(struct am_openrtb_reading *in, struct am_view site) {
    struct am_match_request *request = &in->reader->request;
    if (site.size > AM_ID_MAX_BYTES || request->attribute_count == AM_MAX_ATTRIBUTE_VALUES)
        return;
    AM_UNPOISON_ITEMS(in->reader->attributes, request->attribute_count, 1);
    in->reader->attributes[request->attribute_count++] =
        (struct am_match_attribute){AM_ATTRIBUTE_SITE, AM_VIEW(""), site};
}

/* A host is also the domains that it is in, down to those of two parts; and itself with "www.", as
 * some inventories have it. */
static void add_host(struct am_openrtb_reading *in, struct am_view host) {
    static const struct am_view www = {"www.", 4};
    if (host.size == 0 || host.size > AM_ID_MAX_BYTES)
        return;
    const size_t size = www.size + host.size;
    char *memory = am_api_request_room(in->reader, size);
    am_api_request_keep(in->reader, size, size);
    memcpy(memory, www.data, www.size);
    am_model_attribute_fold(AM_ATTRIBUTE_SITE, host, memory + www.size);
    struct am_view site = {memory + www.size, host.size};
    add_folded_site(in, site);
    add_folded_site(in, (struct am_view){memory, size});
    for (int parts = 1; parts < AM_NAME_MAX_PARTS; parts++) {
        const char *dot = memchr(site.data, '.', site.size);
        if (!dot)
            break;
        site = (struct am_view){dot + 1, site.size - (size_t)(dot + 1 - site.data)};
        if (!memchr(site.data, '.', site.size))
            break;
        add_folded_site(in, site);
    }
}

static void
read_host(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    struct am_view text;
    (void)argument;
    if (am_openrtb_text(in, value, &text))
        add_host(in, am_model_host(am_openrtb_trimmed(text)));
}

/* The page is what the ad will be seen on; what the sender says of its domain may differ. */
static void add_site(struct am_openrtb_reading *in) {
    struct am_view page = am_openrtb_trimmed(in->reader->url);
    struct am_view host = {"", 0};
    if (am_model_url_has_host(page))
        host = am_model_host(page);
    if (host.size == 0)
        host = am_model_host(am_openrtb_trimmed(in->openrtb->site_domain));
    add_host(in, host);
}

enum seller { SITE_ID, APP_ID, PUBLISHER_ID };

static void
read_seller(struct am_openrtb_reading *in, const struct am_json_node *value, int seller) {
    static const struct am_view keys[] = {[SITE_ID] = {"site.id", 7},
                                          [APP_ID] = {"app.id", 6},
                                          [PUBLISHER_ID] = {"publisher.id", 12}};
    struct am_view id;
    if (am_openrtb_text(in, value, &id))
        am_openrtb_add_free_value(in, keys[seller], id);
}

static void
read_publisher(struct am_openrtb_reading *in, const struct am_json_node *object, int argument) {
    static const struct am_openrtb_member members[] = {
        MEMBER(PUBLISHER_ID, "id", LAST, read_seller, PUBLISHER_ID),
    };
    (void)argument;
    am_openrtb_object(in, object, members, AM_COUNT_OF(members));
}

/* ---- content and page ----------------------------------------------------------------------- */

static void
read_content(struct am_openrtb_reading *in, const struct am_json_node *object, int argument) {
    static const struct am_openrtb_member members[] = {
        MEMBER(CONTENT_TITLE, "title", LAST, IN_READER(title.given)),
        MEMBER(CONTENT_URL, "url", LAST, IN_OPENRTB(content_url)),
        MEMBER(CONTENT_KEYWORDS, "keywords", LAST, read_keywords, 0),
        MEMBER(CONTENT_KWARRAY, "kwarray", LAST, read_keyword_list, 0),
        MEMBER(CONTENT_CAT, "cat", LAST, read_categories, 0),
        MEMBER(CONTENT_LANGUAGE, "language", LAST, read_language, 0),
        MEMBER(CONTENT_LANGB, "langb", LAST, read_language, 0),
    };
    (void)argument;
    am_openrtb_object(in, object, members, AM_COUNT_OF(members));
}

void am_openrtb_read_site(struct am_openrtb_reading *in,
                          const struct am_json_node *object,
                          int argument) {
    static const struct am_openrtb_member members[] = {
        MEMBER(SITE_ID, "id", LAST, read_seller, SITE_ID),
        MEMBER(SITE_PUBLISHER, "publisher", EACH, read_publisher, 0),
        MEMBER(SITE_DOMAIN, "domain", LAST, IN_OPENRTB(site_domain)),
        MEMBER(SITE_PAGE, "page", LAST, IN_READER(url)),
        MEMBER(SITE_SEARCH, "search", LAST, IN_READER(query)),
        MEMBER(SITE_KEYWORDS, "keywords", LAST, read_keywords, 0),
        MEMBER(SITE_KWARRAY, "kwarray", LAST, read_keyword_list, 0),
        MEMBER(SITE_CAT, "cat", LAST, read_categories, 0),
        MEMBER(SITE_SECTIONCAT, "sectioncat", LAST, read_categories, 0),
        MEMBER(SITE_PAGECAT, "pagecat", LAST, read_categories, 0),
        MEMBER(SITE_CONTENT, "content", EACH, read_content, 0),
    };
    (void)argument;
    am_openrtb_object(in, object, members, AM_COUNT_OF(members));
}

void am_openrtb_read_app(struct am_openrtb_reading *in,
                         const struct am_json_node *object,
                         int argument) {
    static const struct am_openrtb_member members[] = {
        MEMBER(APP_ID, "id", LAST, read_seller, APP_ID),
        MEMBER(APP_PUBLISHER, "publisher", EACH, read_publisher, 0),
        MEMBER(APP_BUNDLE, "bundle", LAST, read_attribute, AM_ATTRIBUTE_SITE),
        MEMBER(APP_DOMAIN, "domain", LAST, read_host, 0),
        MEMBER(APP_NAME, "name", LAST, IN_OPENRTB(app_name)),
        MEMBER(APP_KEYWORDS, "keywords", LAST, read_keywords, 0),
        MEMBER(APP_KWARRAY, "kwarray", LAST, read_keyword_list, 0),
        MEMBER(APP_CAT, "cat", LAST, read_categories, 0),
        MEMBER(APP_SECTIONCAT, "sectioncat", LAST, read_categories, 0),
        MEMBER(APP_PAGECAT, "pagecat", LAST, read_categories, 0),
        MEMBER(APP_CONTENT, "content", EACH, read_content, 0),
    };
    (void)argument;
    am_openrtb_object(in, object, members, AM_COUNT_OF(members));
}

void am_openrtb_read_screen(struct am_openrtb_reading *in,
                            const struct am_json_node *object,
                            int argument) {
    static const struct am_openrtb_member members[] = {
        MEMBER(DOOH_DOMAIN, "domain", LAST, read_host, 0),
        MEMBER(DOOH_KEYWORDS, "keywords", LAST, read_keywords, 0),
        MEMBER(DOOH_CONTENT, "content", EACH, read_content, 0),
    };
    (void)argument;
    am_openrtb_object(in, object, members, AM_COUNT_OF(members));
}

/* ---- device --------------------------------------------------------------------------------- */

static void
read_location(struct am_openrtb_reading *in, const struct am_json_node *object, int argument) {
    static const struct am_openrtb_member members[] = {
        MEMBER(GEO_COUNTRY, "country", LAST, IN_OPENRTB(location.country)),
        MEMBER(GEO_REGION, "region", LAST, IN_OPENRTB(location.region)),
        MEMBER(GEO_METRO, "metro", LAST, IN_OPENRTB(location.metro)),
        MEMBER(GEO_CITY, "city", LAST, IN_OPENRTB(location.city)),
    };
    (void)argument;
    am_openrtb_object(in, object, members, AM_COUNT_OF(members));
}

/* AdCOM 1.0, list of device types: 1 is a phone or a tablet, 6 a connected device, 7 a set-top box.
 */
static void
read_device_type(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    static const char *const names[] = {NULL,     "mobile", "desktop", "tv", "mobile",
                                        "tablet", "tv",     "tv",      "ooh"};
    int64_t type;
    (void)argument;
    if (am_openrtb_whole(in, value, &type) && type >= 1 && type < (int64_t)AM_COUNT_OF(names))
        in->openrtb->device = names[type];
}

static void
read_privacy_flag(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    bool flag;
    (void)argument;
    if (am_openrtb_flag(in, value, &flag))
        in->openrtb->user_is_private |= flag;
}

/* The first of both counts; one that is none is as good as missing. */
static void
read_address(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    struct am_view text;
    (void)argument;
    if (!in->reader->has_ip && am_openrtb_text(in, value, &text))
        (void)am_api_request_set_ip(in->reader, text, NULL);
}

void am_openrtb_read_device(struct am_openrtb_reading *in,
                            const struct am_json_node *object,
                            int argument) {
    static const struct am_openrtb_member members[] = {
        MEMBER(DEVICE_GEO, "geo", EACH, read_location, 0),
        MEMBER(DEVICE_DEVICETYPE, "devicetype", LAST, read_device_type, 0),
        MEMBER(DEVICE_OS, "os", LAST, IN_OPENRTB(os)),
        MEMBER(DEVICE_LANGUAGE, "language", LAST, read_language, 0),
        MEMBER(DEVICE_LANGB, "langb", LAST, read_language, 0),
        MEMBER(DEVICE_IP, "ip", LAST, read_address, 0),
        MEMBER(DEVICE_IPV6, "ipv6", LAST, read_address, 0),
        MEMBER(DEVICE_UA, "ua", LAST, IN_READER(agent)),
        MEMBER(DEVICE_DNT, "dnt", PROTECTS, read_privacy_flag, 0),
        MEMBER(DEVICE_LMT, "lmt", PROTECTS, read_privacy_flag, 0),
    };
    (void)argument;
    am_openrtb_object(in, object, members, AM_COUNT_OF(members));
}

/* ---- regulations and user ------------------------------------------------------------------- */

/* Consent strings are not interpreted: where there is one, nothing of the user is used. */
static void
read_consent_string(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    struct am_view text;
    (void)argument;
    if (am_openrtb_text(in, value, &text))
        in->openrtb->user_is_private = true;
}

/* IAB Tech Lab, "DSA Transparency": from 2 on, bids without the information are not accepted. */
static void
read_required(struct am_openrtb_reading *in, const struct am_json_node *value, int argument) {
    enum { REQUIRED = 2 };
    int64_t required;
    (void)argument;
    if (am_openrtb_whole(in, value, &required))
        in->openrtb->transparent |= required >= REQUIRED;
}

static void
read_transparency(struct am_openrtb_reading *in, const struct am_json_node *object, int argument) {
    static const struct am_openrtb_member members[] = {
        MEMBER(DSA_REQUIRED, "dsarequired", BINDS, read_required, 0),
    };
    (void)argument;
    am_openrtb_object(in, object, members, AM_COUNT_OF(members));
}

/* OpenRTB 2.5 has in `ext` what 2.6 has beside it. */
void am_openrtb_read_regulations(struct am_openrtb_reading *in,
                                 const struct am_json_node *object,
                                 int argument) {
    static const struct am_openrtb_member members[] = {
        MEMBER(REGS_COPPA, "coppa", PROTECTS, read_privacy_flag, 0),
        MEMBER(REGS_GDPR, "gdpr", PROTECTS, read_privacy_flag, 0),
        MEMBER(REGS_US_PRIVACY, "us_privacy", PROTECTS, read_consent_string, 0),
        MEMBER(REGS_GPP, "gpp", PROTECTS, read_consent_string, 0),
        MEMBER(REGS_GPC, "gpc", PROTECTS, read_privacy_flag, 0),
        MEMBER(REGS_DSA, "dsa", BINDS, read_transparency, 0),
        MEMBER(REGS_EXT, "ext", PROTECTS, am_openrtb_read_regulations, 0),
    };
    (void)argument;
    am_openrtb_object(in, object, members, AM_COUNT_OF(members));
}

/* Where the user lives stands in for where the device is. */
static void
read_home(struct am_openrtb_reading *in, const struct am_json_node *object, int argument) {
    const struct am_openrtb_location *location = &in->openrtb->location;
    if (!location->country.data && !location->region.data && !location->metro.data &&
        !location->city.data)
        read_location(in, object, argument);
}

void am_openrtb_read_user(struct am_openrtb_reading *in) {
    static const struct am_openrtb_member self = MEMBER(USER, "user", LAST, NULL, 0);
    static const struct am_openrtb_member members[] = {
        MEMBER(USER_GEO, "geo", EACH, read_home, 0),
        MEMBER(USER_KEYWORDS, "keywords", LAST, read_keywords, 0),
        MEMBER(USER_KWARRAY, "kwarray", LAST, read_keyword_list, 0),
    };
    if (!in->openrtb->user || in->openrtb->user_is_private)
        return;
    const struct am_openrtb_member *around = in->member;
    in->member = &self;
    am_openrtb_object(in, in->openrtb->user, members, AM_COUNT_OF(members));
    in->member = around;
}

/* A country that is none is no country: the rest of the request still says enough. */
void am_openrtb_finish_context(struct am_openrtb_reading *in) {
    const struct am_openrtb *openrtb = in->openrtb;
    const struct am_openrtb_location *location = &openrtb->location;
    struct am_view country = am_model_country_short(am_model_country_read_as(location->country));
    am_openrtb_add_attribute(in, country, AM_ATTRIBUTE_COUNTRY);
    am_openrtb_add_attribute(in, location->region, AM_ATTRIBUTE_REGION);
    am_openrtb_add_attribute(in, location->metro, AM_ATTRIBUTE_METRO);
    am_openrtb_add_attribute(in, location->city, AM_ATTRIBUTE_CITY);
    if (openrtb->device)
        am_openrtb_add_attribute(in, am_view_of(openrtb->device), AM_ATTRIBUTE_DEVICE);
    am_openrtb_add_attribute(in, openrtb->os, AM_ATTRIBUTE_OS);
    add_site(in);
    if (!in->reader->url.data)
        in->reader->url = openrtb->content_url;
    if (!in->reader->title.given.data)
        in->reader->title.given = openrtb->app_name;
}
