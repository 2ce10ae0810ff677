/* SPDX-License-Identifier: Apache-2.0 */
/* Values that several objects of a bid request share: flags, attributes, keywords. */
#include "openrtb.h"

enum am_code
am_openrtb_flag(struct am_api_members *in, const struct am_json_node *value, bool *flag) {
    int64_t number;
    if (value->type != AM_JSON_NUMBER)
        return am_api_member_expected(in, value, "a number");
    *flag = am_decimal_parse(am_json_raw(&in->json, value), 0, &number, NULL) != AM_OK || number;
    return AM_OK;
}

enum am_code am_openrtb_add_attribute(struct am_api_members *in,
                                      struct am_view value,
                                      int attribute,
                                      struct am_view context) {
    (void)context;
    if (value.size == 0 || value.size > AM_ID_MAX_BYTES)
        return AM_OK;
    return am_api_request_add_attribute(in->reader, (enum am_model_attribute)attribute, AM_VIEW(""),
                                        value, in->error);
}

enum am_code am_openrtb_read_attribute(struct am_api_members *in,
                                       const struct am_json_node *value,
                                       int attribute) {
    struct am_view text;
    enum am_code code = am_api_member_string(in, value, &text);
    if (code != AM_OK)
        return code;
    return am_api_member_at(in, value, am_openrtb_add_attribute(in, text, attribute, AM_VIEW("")));
}

/* ---- keywords ------------------------------------------------------------------------------- */

static struct am_view trimmed(struct am_view text) {
    while (text.size && text.data[0] == ' ') {
        text.data++;
        text.size--;
    }
    while (text.size && text.data[text.size - 1] == ' ')
        text.size--;
    return text;
}

static enum am_code add_keyword(struct am_api_members *in,
                                struct am_view keyword,
                                int argument,
                                struct am_view context) {
    (void)argument;
    (void)context;
    keyword = trimmed(keyword);
    if (keyword.size == 0 || in->reader->keyword_count == AM_REQUEST_MAX_KEYWORDS)
        return AM_OK;
    return am_api_request_add_keyword(in->reader, keyword, in->error);
}

enum am_code am_openrtb_read_keywords(struct am_api_members *in,
                                      const struct am_json_node *value,
                                      int argument) {
    struct am_view text;
    enum am_code code = am_api_member_string(in, value, &text);
    while (code == AM_OK && text.size) {
        const char *comma = memchr(text.data, ',', text.size);
        size_t size = comma ? (size_t)(comma - text.data) : text.size;
        code = add_keyword(in, (struct am_view){text.data, size}, argument, AM_VIEW(""));
        size_t step = comma ? size + 1 : size;
        text = (struct am_view){text.data + step, text.size - step};
    }
    return code;
}

enum am_code am_openrtb_read_keyword_list(struct am_api_members *in,
                                          const struct am_json_node *value,
                                          int argument) {
    return am_api_member_list(in, value, add_keyword, argument, AM_VIEW(""));
}
