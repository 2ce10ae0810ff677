/* SPDX-License-Identifier: Apache-2.0 */
/* Where an impression will be shown, and to which person: site, app, screen, device, regulations,
 * user. */
#include "../../model/countries.h"
#include "openrtb.h"

/* ---- content and page ----------------------------------------------------------------------- */

static enum am_code
read_categories(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    return am_api_member_list(in, value, am_openrtb_add_attribute, AM_ATTRIBUTE_CATEGORY,
                              AM_VIEW(""));
}

/* "en-US" is also "en". */
static enum am_code
read_language(struct am_api_members *in, const struct am_json_node *value, int argument) {
    struct am_match_request *request = &in->reader->request;
    const uint32_t before = request->attribute_count;
    enum am_code code = am_openrtb_read_attribute(in, value, AM_ATTRIBUTE_LANGUAGE);
    (void)argument;
    if (code != AM_OK || request->attribute_count == before ||
        request->attribute_count == AM_MAX_ATTRIBUTE_VALUES)
        return code;
    struct am_match_attribute *whole = &in->reader->attributes[before];
    const char *hyphen = memchr(whole->value.data, '-', whole->value.size);
    if (hyphen) {
        AM_UNPOISON_ITEMS(whole, 1, 1);
        whole[1] = *whole;
        whole[1].value.size = (size_t)(hyphen - whole->value.data);
        request->attribute_count++;
    }
    return code;
}

static enum am_code
read_title(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    return am_api_member_string(in, value, &in->reader->title.given);
}

/* The URL of the content stands in for that of the page. */
static enum am_code
read_content_url(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    if (in->reader->url.data)
        return AM_OK;
    return am_api_member_string(in, value, &in->reader->url);
}

static enum am_code
read_content(struct am_api_members *in, const struct am_json_node *object, int argument) {
    static const struct am_api_member members[] = {
        AM_MEMBER("title", read_title, 0),
        AM_MEMBER("url", read_content_url, 0),
        AM_MEMBER("keywords", am_openrtb_read_keywords, 0),
        AM_MEMBER("kwarray", am_openrtb_read_keyword_list, 0),
        AM_MEMBER("cat", read_categories, 0),
        AM_MEMBER("language", read_language, 0),
        AM_MEMBER("langb", read_language, 0),
    };
    (void)argument;
    return am_api_members_read(in, object, members, AM_COUNT_OF(members), AM_UNKNOWN_IGNORED);
}

static enum am_code
read_page_url(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    return am_api_member_string(in, value, &in->reader->url);
}

static enum am_code
read_search(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    return am_api_member_string(in, value, &in->reader->query);
}

static enum am_code
read_app_name(struct am_api_members *in, const struct am_json_node *value, int argument) {
    (void)argument;
    return am_api_member_string(in, value, &in->openrtb->app_name);
}

static enum am_code read_site(struct am_api_members *in, const struct am_json_node *object) {
    static const struct am_api_member members[] = {
        AM_MEMBER("domain", am_openrtb_read_attribute, AM_ATTRIBUTE_SITE),
        AM_MEMBER("page", read_page_url, 0),
        AM_MEMBER("search", read_search, 0),
        AM_MEMBER("keywords", am_openrtb_read_keywords, 0),
        AM_MEMBER("kwarray", am_openrtb_read_keyword_list, 0),
        AM_MEMBER("cat", read_categories, 0),
        AM_MEMBER("sectioncat", read_categories, 0),
        AM_MEMBER("pagecat", read_categories, 0),
        AM_MEMBER("content", read_content, 0),
    };
    return am_api_members_read(in, object, members, AM_COUNT_OF(members), AM_UNKNOWN_IGNORED);
}

static enum am_code read_app(struct am_api_members *in, const struct am_json_node *object) {
    static const struct am_api_member members[] = {
        AM_MEMBER("bundle", am_openrtb_read_attribute, AM_ATTRIBUTE_SITE),
        AM_MEMBER("domain", am_openrtb_read_attribute, AM_ATTRIBUTE_SITE),
        AM_MEMBER("name", read_app_name, 0),
        AM_MEMBER("keywords", am_openrtb_read_keywords, 0),
        AM_MEMBER("kwarray", am_openrtb_read_keyword_list, 0),
        AM_MEMBER("cat", read_categories, 0),
        AM_MEMBER("sectioncat", read_categories, 0),
        AM_MEMBER("pagecat", read_categories, 0),
        AM_MEMBER("content", read_content, 0),
    };
    return am_api_members_read(in, object, members, AM_COUNT_OF(members), AM_UNKNOWN_IGNORED);
}

static enum am_code read_screen(struct am_api_members *in, const struct am_json_node *object) {
    static const struct am_api_member members[] = {
        AM_MEMBER("domain", am_openrtb_read_attribute, AM_ATTRIBUTE_SITE),
        AM_MEMBER("keywords", am_openrtb_read_keywords, 0),
        AM_MEMBER("content", read_content, 0),
    };
    return am_api_members_read(in, object, members, AM_COUNT_OF(members), AM_UNKNOWN_IGNORED);
}

enum am_code
am_openrtb_read_page(struct am_api_members *in, const struct am_json_node *object, int kind) {
    switch (kind) {
    case AM_OPENRTB_SITE:
        return read_site(in, object);
    case AM_OPENRTB_APP:
        return read_app(in, object);
    default:
        return read_screen(in, object);
    }
}

/* ---- device --------------------------------------------------------------------------------- */

/* A country that is none is no country: the rest of the request still says enough. */
static enum am_code
read_country(struct am_api_members *in, const struct am_json_node *value, int argument) {
    struct am_view code_given;
    enum am_code code = am_api_member_string(in, value, &code_given);
    (void)argument;
    if (code != AM_OK)
        return code;
    struct am_view country = am_model_country_short(am_model_country_read_as(code_given));
    return am_api_member_at(
        in, value, am_openrtb_add_attribute(in, country, AM_ATTRIBUTE_COUNTRY, AM_VIEW("")));
}

static enum am_code
read_location(struct am_api_members *in, const struct am_json_node *object, int argument) {
    static const struct am_api_member members[] = {
        AM_MEMBER("country", read_country, 0),
        AM_MEMBER("region", am_openrtb_read_attribute, AM_ATTRIBUTE_REGION),
        AM_MEMBER("metro", am_openrtb_read_attribute, AM_ATTRIBUTE_METRO),
        AM_MEMBER("city", am_openrtb_read_attribute, AM_ATTRIBUTE_CITY),
    };
    (void)argument;
    return am_api_members_read(in, object, members, AM_COUNT_OF(members), AM_UNKNOWN_IGNORED);
}

/* AdCOM 1.0, list of device types: 1 is a phone or a tablet, 6 a connected device, 7 a set-top box.
 */
static enum am_code
read_device_type(struct am_api_members *in, const struct am_json_node *value, int argument) {
    static const char *const names[] = {NULL,     "mobile", "desktop", "tv", "mobile",
                                        "tablet", "tv",     "tv",      "ooh"};
    int64_t type;
    (void)argument;
    if (value->type != AM_JSON_NUMBER)
        return am_api_member_expected(in, value, "a number");
    if (am_decimal_parse(am_json_raw(&in->json, value), 0, &type, NULL) != AM_OK || type < 1 ||
        type >= (int64_t)AM_COUNT_OF(names))
        return AM_OK;
    return am_api_member_at(
        in, value,
        am_openrtb_add_attribute(in, am_view_of(names[type]), AM_ATTRIBUTE_DEVICE, AM_VIEW("")));
}

static enum am_code
read_privacy_flag(struct am_api_members *in, const struct am_json_node *value, int argument) {
    bool flag = false;
    enum am_code code = am_openrtb_flag(in, value, &flag);
    (void)argument;
    in->openrtb->user_is_private |= flag;
    return code;
}

enum am_code
am_openrtb_read_device(struct am_api_members *in, const struct am_json_node *object, int argument) {
    static const struct am_api_member members[] = {
        AM_MEMBER("geo", read_location, 0),
        AM_MEMBER("devicetype", read_device_type, 0),
        AM_MEMBER("os", am_openrtb_read_attribute, AM_ATTRIBUTE_OS),
        AM_MEMBER("language", read_language, 0),
        AM_MEMBER("langb", read_language, 0),
        AM_MEMBER("dnt", read_privacy_flag, 0),
        AM_MEMBER("lmt", read_privacy_flag, 0),
    };
    (void)argument;
    return am_api_members_read(in, object, members, AM_COUNT_OF(members), AM_UNKNOWN_IGNORED);
}

/* ---- regulations and user ------------------------------------------------------------------- */

/* Consent strings are not interpreted: where there is one, nothing of the user is used. */
static enum am_code
read_consent_string(struct am_api_members *in, const struct am_json_node *value, int argument) {
    struct am_view text;
    enum am_code code = am_api_member_string(in, value, &text);
    (void)argument;
    if (code == AM_OK && text.size)
        in->openrtb->user_is_private = true;
    return code;
}

/* OpenRTB 2.5 has in `ext` what 2.6 has beside it. */
enum am_code am_openrtb_read_regulations(struct am_api_members *in,
                                         const struct am_json_node *object,
                                         int argument) {
    static const struct am_api_member members[] = {
        AM_MEMBER("coppa", read_privacy_flag, 0),         AM_MEMBER("gdpr", read_privacy_flag, 0),
        AM_MEMBER("us_privacy", read_consent_string, 0),  AM_MEMBER("gpp", read_consent_string, 0),
        AM_MEMBER("ext", am_openrtb_read_regulations, 0),
    };
    (void)argument;
    return am_api_members_read(in, object, members, AM_COUNT_OF(members), AM_UNKNOWN_IGNORED);
}

enum am_code am_openrtb_read_user(struct am_api_members *in) {
    static const struct am_api_member members[] = {
        AM_MEMBER("keywords", am_openrtb_read_keywords, 0),
        AM_MEMBER("kwarray", am_openrtb_read_keyword_list, 0),
    };
    const struct am_json_node *user = in->openrtb->user;
    if (!user || in->openrtb->user_is_private)
        return AM_OK;
    return am_api_members_read(in, user, members, AM_COUNT_OF(members), AM_UNKNOWN_IGNORED);
}
