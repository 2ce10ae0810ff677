/* SPDX-License-Identifier: Apache-2.0 */
#include "creative.h"

#include <strings.h>

#include "../base/decimal.h"
#include "limits.h"

/* ---- media types ---------------------------------------------------------------------------- */

uint32_t am_model_mime_bit(struct am_view type) {
    static const char *const known[] = {
        "text/html",
        "text/javascript",
        "application/javascript",
        "text/css",
        "image/jpeg",
        "image/jpg",
        "image/png",
        "image/gif",
        "image/webp",
        "image/svg+xml",
        "image/avif",
        "video/mp4",
        "video/webm",
        "video/ogg",
        "video/3gpp",
        "video/quicktime",
        "application/x-mpegurl",
        "application/dash+xml",
        "audio/mpeg",
        "audio/mp4",
        "audio/aac",
        "audio/ogg",
        "audio/wav",
        "application/x-shockwave-flash",
    };
    _Static_assert(AM_COUNT_OF(known) < 32, "a bit each");
    for (size_t i = 0; i < AM_COUNT_OF(known); i++)
        if (type.size == strlen(known[i]) && strncasecmp(type.data, known[i], type.size) == 0)
            return UINT32_C(1) << (i + 1);
    return 1;
}

/* ---- what is loaded ------------------------------------------------------------------------- */

enum { LOOKED_BACK = 4096 }; /* bytes before a URL, for the tag that it stands in */

static bool begins_with(struct am_view text, const char *begin) {
    size_t size = strlen(begin);
    return text.size >= size && strncasecmp(text.data, begin, size) == 0;
}

static bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == ':' || c == '-' || c == '_';
}

/* The attribute whose value begins here: "src" of `src="`. Empty: it is no attribute's value. */
static struct am_view attribute_before(struct am_view markup, size_t at) {
    while (at && memchr("\\\"' ", markup.data[at - 1], 4))
        at--;
    if (at == 0 || markup.data[at - 1] != '=')
        return (struct am_view){"", 0};
    size_t end = at - 1, begin = end;
    while (begin && is_name(markup.data[begin - 1]))
        begin--;
    return (struct am_view){markup.data + begin, end - begin};
}

/* The tag that a place stands in, without its '<'. */
static struct am_view tag_around(struct am_view markup, size_t at) {
    size_t begin = at, first = at > LOOKED_BACK ? at - LOOKED_BACK : 0;
    while (begin > first && markup.data[begin - 1] != '<')
        begin--;
    return begin > first ? (struct am_view){markup.data + begin, at - begin}
                         : (struct am_view){"", 0};
}

static bool is_link(struct am_view tag) {
    return begins_with(tag, "a ") || begins_with(tag, "area ");
}

/* Of a URL that begins at a place. */
static bool loads(struct am_view markup, size_t at, struct am_view host) {
    struct am_view attribute = attribute_before(markup, at);
    if (begins_with(attribute, "xmlns") || begins_with(host, "www.w3.org/"))
        return false;
    struct am_view tag = tag_around(markup, at);
    if (begins_with(tag, "!doctype"))
        return false;
    bool is_href = attribute.size == 4 && begins_with(attribute, "href");
    return !(is_href && is_link(tag));
}

/* Behind "//" or "\/\/"; NULL: there is neither. */
static const char *behind_slashes(const char *at, const char *end) {
    for (int i = 0; i < 2; i++) {
        if (at < end && *at == '\\')
            at++;
        if (at == end || *at != '/')
            return NULL;
        at++;
    }
    return at;
}

bool am_model_markup_is_insecure(struct am_view markup) {
    static const char scheme[] = "http:";
    const char *at = markup.data, *end = markup.data + markup.size;
    while (markup.size && at < end) {
        at = memchr(at, ':', (size_t)(end - at));
        if (!at)
            break;
        const char *host = behind_slashes(at + 1, end);
        const char *begin = at - (sizeof scheme - 2);
        if (host && begin >= markup.data && strncasecmp(begin, scheme, sizeof scheme - 1) == 0 &&
            loads(markup, (size_t)(begin - markup.data),
                  (struct am_view){host, (size_t)(end - host)}))
            return true;
        at++;
    }
    return false;
}

/* Members of creatives without markup that are followed, or asked by servers. */
static bool is_loaded_member(const struct am_json *json, const struct am_json_node *key) {
    static const char *const others[] = {"url", "link", "click", "nurl", "burl", "lurl", "iurl"};
    for (size_t i = 0; i < AM_COUNT_OF(others); i++)
        if (am_json_string_is(json, key, others[i]))
            return false;
    return true;
}

static bool is_insecure(const struct am_json *json) {
    const struct am_json_node *markup = am_json_member(json, json->nodes, "adm");
    if (markup && markup->type == AM_JSON_STRING)
        return am_model_markup_is_insecure(am_json_raw(json, markup));
    const struct am_json_node *key = am_json_first(json->nodes);
    for (uint32_t i = 0; i < json->nodes->children; i++) {
        const struct am_json_node *value = am_json_after(json, key);
        if (is_loaded_member(json, key) && am_model_markup_is_insecure(am_json_raw(json, value)))
            return true;
        key = am_json_after(json, value);
    }
    return false;
}

/* ---- members -------------------------------------------------------------------------------- */

static bool
read_whole(const struct am_json *json, const struct am_json_node *node, int64_t *whole) {
    return node && node->type == AM_JSON_NUMBER &&
           am_decimal_parse(am_json_raw(json, node), 0, whole, NULL) == AM_OK;
}

static uint64_t bit_of(const struct am_json *json, const struct am_json_node *node, int64_t most) {
    int64_t number;
    if (!read_whole(json, node, &number))
        return 0;
    return number > 0 && number <= most ? UINT64_C(1) << number : 1;
}

/* A number, or a list of numbers. */
static uint64_t read_set(const struct am_json *json, const char *name, int64_t most) {
    const struct am_json_node *value = am_json_member(json, json->nodes, name);
    if (!value || value->type != AM_JSON_ARRAY)
        return value ? bit_of(json, value, most) : 0;
    uint64_t set = 0;
    const struct am_json_node *item = am_json_first(value);
    for (uint32_t i = 0; i < value->children; i++, item = am_json_after(json, item))
        set |= bit_of(json, item, most);
    return set;
}

static struct am_view read_text(const struct am_json *json, const char *name, char *memory) {
    const struct am_json_node *value = am_json_member(json, json->nodes, name);
    if (!value || value->type != AM_JSON_STRING)
        return (struct am_view){"", 0};
    return am_json_string(json, value, memory, NULL);
}

static uint8_t read_flags(const struct am_json *json) {
    const struct am_json_node *extension = am_json_member(json, json->nodes, "ext");
    int64_t interstitial;
    uint8_t flags = is_insecure(json) ? AM_CREATIVE_INSECURE : 0;
    if (extension && am_json_member(json, extension, "dsa"))
        flags |= AM_CREATIVE_TRANSPARENT;
    if (read_whole(json, am_json_member(json, json->nodes, "instl"), &interstitial))
        flags |= interstitial ? AM_CREATIVE_ONLY_INTERSTITIAL : AM_CREATIVE_NEVER_INTERSTITIAL;
    return flags;
}

/* Of all files of `media`. */
static uint32_t media_types(const struct am_json *json, char *memory) {
    const struct am_json_node *media = am_json_member(json, json->nodes, "media");
    uint32_t mimes = 0;
    if (!media || media->type != AM_JSON_ARRAY)
        return 0;
    const struct am_json_node *file = am_json_first(media);
    for (uint32_t i = 0; i < media->children; i++, file = am_json_after(json, file)) {
        const struct am_json_node *type = am_json_member(json, file, "mime");
        if (type && type->type == AM_JSON_STRING)
            mimes |= am_model_mime_bit(am_json_string(json, type, memory, NULL));
    }
    return mimes;
}

static bool has(const struct am_json *json, const char *name, enum am_json_type type) {
    const struct am_json_node *value = am_json_member(json, json->nodes, name);
    return value && value->type == type;
}

const char *am_model_asset_name(enum am_model_asset asset) {
    switch (asset) {
    case AM_ASSET_TITLE:
        return "title";
    case AM_ASSET_IMAGE:
        return "image";
    case AM_ASSET_ICON:
        return "icon";
    case AM_ASSET_TEXT:
        return "text";
    case AM_ASSET_CALL:
        return "cta";
    case AM_ASSET_SPONSORED:
        break;
    }
    return "sponsored";
}

/* Images may be objects with a url. */
static bool has_asset(const struct am_json *json, enum am_model_asset asset) {
    const struct am_json_node *value =
        am_json_member(json, json->nodes, am_model_asset_name(asset));
    if (value && asset & (AM_ASSET_IMAGE | AM_ASSET_ICON) && value->type == AM_JSON_OBJECT)
        value = am_json_member(json, value, "url");
    return value && value->type == AM_JSON_STRING;
}

static uint16_t length_of(const struct am_json *json, const char *name, char *memory) {
    struct am_view text = read_text(json, name, memory);
    uint16_t length = 0;
    for (size_t i = 0; i < text.size && length < AM_CREATIVE_LENGTH_MOST; i++)
        length += (text.data[i] & 0xC0) != 0x80;
    return length;
}

static void
read_assets(const struct am_json *json, char *memory, struct am_model_creative *creative) {
    for (int asset = AM_ASSET_TITLE; asset <= AM_ASSET_SPONSORED; asset *= 2)
        if (has_asset(json, (enum am_model_asset)asset))
            creative->assets |= (uint8_t)asset;
    creative->title_size = length_of(json, "title", memory);
    creative->text_size = length_of(json, "text", memory);
    if (creative->assets & (AM_ASSET_TITLE | AM_ASSET_IMAGE))
        creative->kinds |= 1 << AM_CREATIVE_NATIVE;
}

static uint8_t read_kinds(const struct am_json *json) {
    bool video = has(json, "vast", AM_JSON_STRING) || has(json, "media", AM_JSON_ARRAY);
    bool banner = !video || has(json, "adm", AM_JSON_STRING);
    return (uint8_t)(banner << AM_CREATIVE_BANNER | video << AM_CREATIVE_VIDEO);
}

void am_model_creative_read(struct am_view text,
                            struct am_json_node *nodes,
                            char *memory,
                            struct am_model_creative *creative) {
    struct am_json json;
    *creative = (struct am_model_creative){.bundle = {"", 0}};
    if (am_json_parse(text, nodes, AM_CREATIVE_NODES, &json, NULL) != AM_OK)
        return;
    enum { DURATION_MOST = 86400 };
    int64_t taxonomy = 0, duration = 0;
    struct am_view mime = read_text(&json, "mime", memory);
    read_whole(&json, am_json_member(&json, json.nodes, "cattax"), &taxonomy);
    read_whole(&json, am_json_member(&json, json.nodes, "duration"), &duration);
    creative->attributes = read_set(&json, "attr", 63);
    creative->apis = (uint32_t)read_set(&json, "apis", 31);
    creative->types = (uint8_t)read_set(&json, "type", 7);
    creative->positions = (uint8_t)read_set(&json, "pos", 7);
    creative->mimes = (mime.size ? am_model_mime_bit(mime) : 0) | media_types(&json, memory);
    creative->kinds = read_kinds(&json);
    read_assets(&json, memory, creative);
    creative->duration = duration > 0 && duration <= DURATION_MOST ? (uint32_t)duration : 0;
    creative->taxonomy = taxonomy > 0 && taxonomy <= UINT8_MAX ? (uint8_t)taxonomy : 0;
    creative->flags = read_flags(&json);
    creative->bundle = read_text(&json, "bundle", memory);
}
