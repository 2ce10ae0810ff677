/* SPDX-License-Identifier: Apache-2.0 */
/* A creative is any JSON object. The members that publishers commonly use are shown as an ad would
 * look; whatever it has is shown as JSON. Markup is shown in a frame that runs nothing, takes no
 * click and, by the policy that it inherits from the page, loads nothing. */
#include <stdio.h>
#include <strings.h>

#include "../page/page.h"
#include "parts.h"

enum { FRAME_WIDTH = 300, FRAME_HEIGHT = 250 };

/* docs/HTTP.md lists these. The first that is there as a string, and not empty, counts. */
static const char *const title_names[] = {"title", "headline", NULL};
static const char *const text_names[] = {"text", "description", "body", NULL};
static const char *const image_names[] = {"image", "img", NULL};
static const char *const button_names[] = {"cta", "button", NULL};
static const char *const markup_names[] = {"adm", "html", "markup", NULL};

struct creative {
    struct am_buffer *out;
    const struct am_preview *preview;
    struct am_json json;
};

static struct am_view decode(const struct creative *creative, const struct am_json_node *node) {
    char *memory = creative->preview->creatives->text;
    struct am_view text;
    am_poison_clear(memory, node->size);
    text = am_json_string(&creative->json, node, memory, NULL);
    if (text.data == memory)
        am_poison_region(memory + text.size, AM_CREATIVE_MAX_BYTES - text.size);
    return text;
}

/* Empty when there is none. Lives until the next call. */
static struct am_view member(const struct creative *creative, const char *const *names) {
    for (; *names; names++) {
        const struct am_json_node *node =
            am_json_member(&creative->json, creative->json.nodes, *names);
        if (node && node->type == AM_JSON_STRING && node->size > 2)
            return decode(creative, node);
    }
    return AM_VIEW("");
}

static bool has_prefix(struct am_view text, const char *prefix) {
    return text.size >= strlen(prefix) && memcmp(text.data, prefix, strlen(prefix)) == 0;
}

void am_preview_address(struct am_buffer *out, struct am_view url) {
    if (has_prefix(url, "https://") || has_prefix(url, "http://"))
        AM_PAGE_PUT(out, "<a rel=\"noopener noreferrer nofollow\" href=\"{}\"><bdi>{}</bdi></a>",
                    AM_PAGE_TEXT(url), AM_PAGE_TEXT(url));
    else
        AM_PAGE_PUT(out, "<bdi>{}</bdi>", AM_PAGE_TEXT(url));
}

/* ---- as an ad would look ----------------------------------------------------------------------
 */

/* HTML; not the XML of a video, nor the JSON of a native ad. */
static bool is_markup(struct am_view text) {
    while (text.size && strchr(" \t\r\n", text.data[0]))
        text = (struct am_view){text.data + 1, text.size - 1};
    return has_prefix(text, "<") && !has_prefix(text, "<?xml") && !has_prefix(text, "<VAST");
}

/* The size that the request asked for, or else the ad's first one. */
static uint32_t size_of(const struct creative *creative, uint32_t ad) {
    const struct am_image *image = creative->preview->image;
    const struct am_match_slot *slot = creative->preview->request->slots;
    struct am_image_list sizes = am_image_list_at(image, image->ads[ad].sizes);
    for (uint32_t i = 0; slot && i < slot->size_count; i++)
        if (am_image_list_has(sizes, slot->sizes[i]))
            return slot->sizes[i];
    return sizes.count ? sizes.items[0] : FRAME_WIDTH << 16 | FRAME_HEIGHT;
}

/* A browser connects to the address in some tags before it asks the policy, and for preconnect it
 * never asks. These become tags that mean nothing. */
static bool connects(struct am_view tag) {
    static const char *const names[] = {"<link",   "<iframe", "<frame", "<fencedframe",
                                        "<object", "<embed",  "<portal"};
    for (size_t i = 0; i < AM_COUNT_OF(names); i++)
        if (tag.size >= strlen(names[i]) && strncasecmp(tag.data, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static void put_markup(const struct creative *creative, struct am_view markup) {
    const char *end = am_view_end(markup), *from = markup.data, *at = from;
    while ((at = memchr(at, '<', (size_t)(end - at)))) {
        if (connects((struct am_view){at, (size_t)(end - at)})) {
            AM_PAGE_PUT(creative->out, "{}&lt;x-",
                        AM_PAGE_TEXT(((struct am_view){from, (size_t)(at - from)})));
            from = at + 1;
        }
        at++;
    }
    AM_PAGE_PUT(creative->out, "{}", AM_PAGE_TEXT(((struct am_view){from, (size_t)(end - from)})));
}

static void put_frame(const struct creative *creative, struct am_view markup, uint32_t ad) {
    uint32_t size = size_of(creative, ad);
    char width[8], height[8], written[AM_SIZE_TEXT_SIZE];
    snprintf(width, sizeof width, "%u", size >> 16);
    snprintf(height, sizeof height, "%u", size & 0xFFFF);
    am_model_size_write(size, written);
    AM_PAGE_PUT(
        creative->out,
        "<iframe sandbox inert title=\"the ad's markup\" width=\"{}\" height=\"{}\" srcdoc=\"",
        AM_PAGE_NAME(width), AM_PAGE_NAME(height));
    put_markup(creative, markup);
    AM_PAGE_PUT(creative->out, "\"></iframe>\n<p class=\"size\">{}</p>\n", AM_PAGE_NAME(written));
}

static void put_box(const struct creative *creative) {
    struct am_view text = member(creative, image_names);
    if (text.size) {
        AM_PAGE_PUT(creative->out, "<p class=\"image\"><span>image</span>");
        am_preview_address(creative->out, text);
        AM_PAGE_PUT(creative->out, "</p>\n");
    }
    if ((text = member(creative, title_names)).size)
        AM_PAGE_PUT(creative->out, "<p class=\"title\" dir=\"auto\">{}</p>\n", AM_PAGE_TEXT(text));
    if ((text = member(creative, text_names)).size)
        AM_PAGE_PUT(creative->out, "<p class=\"text\" dir=\"auto\">{}</p>\n", AM_PAGE_TEXT(text));
    if ((text = member(creative, button_names)).size)
        AM_PAGE_PUT(creative->out, "<p class=\"action\"><bdi>{}</bdi></p>\n", AM_PAGE_TEXT(text));
}

static bool has_box(const struct creative *creative) {
    return member(creative, image_names).size || member(creative, title_names).size ||
           member(creative, text_names).size || member(creative, button_names).size;
}

static void put_look(const struct creative *creative, uint32_t ad) {
    struct am_view markup = member(creative, markup_names);
    if (is_markup(markup)) {
        AM_PAGE_PUT(creative->out, "<div class=\"frame\">");
        put_frame(creative, markup, ad);
        AM_PAGE_PUT(creative->out, "</div>\n");
    } else if (has_box(creative)) {
        AM_PAGE_PUT(creative->out, "<div class=\"box\">\n");
        put_box(creative);
        AM_PAGE_PUT(creative->out, "</div>\n");
    }
}

void am_preview_creative(struct am_buffer *out, const struct am_preview *preview, uint32_t ad) {
    struct am_view text = am_image_string(preview->image, preview->image->details[ad].creative);
    struct creative creative = {.out = out, .preview = preview};
    if (text.size == 0)
        return;
    AM_PAGE_PUT(out, "<div class=\"creative\">\n");
    if (am_api_creative_read(preview->creatives, text, &creative.json))
        put_look(&creative, ad);
    AM_PAGE_PUT(out, "<pre dir=\"ltr\">{}</pre>\n</div>\n", AM_PAGE_TEXT(text));
}
