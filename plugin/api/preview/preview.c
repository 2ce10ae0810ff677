/* SPDX-License-Identifier: Apache-2.0 */
/* The page of the preview. Everything that comes from a request or an inventory goes through
 * am_api_html_text; nothing is loaded from anywhere. */
#include "preview.h"

#include "html.h"
#include "style.h"

enum {
    WORD_BYTES = 20,
    TITLE_BYTES = 256,
    CONTEXT_BYTES = 90,
    GAP_BYTES = 2 * CONTEXT_BYTES,
    LINK_BYTES = 2000
};

struct page {
    struct am_buffer *out;
    const struct am_preview *preview;
    const struct am_image *image;
};

#define PUT(page, literal) am_buffer_literal((page)->out, literal)

static void put_text(const struct page *to, struct am_view text) {
    am_api_html_text(to->out, text);
}

static void put_string(const struct page *to, am_image_string_ref ref) {
    put_text(to, am_image_string(to->image, ref));
}

static void put_number(const struct page *to, uint64_t number) {
    am_buffer_unsigned(to->out, number);
}

/* ---- the text around a hit ------------------------------------------------------------------ */

static bool continues_character(char byte) {
    return ((unsigned char)byte & 0xC0) == 0x80;
}

static void put_part(const struct page *to, struct am_view text, size_t begin, size_t end) {
    put_text(to, (struct am_view){text.data + begin, end - begin});
}

/* Where to begin or end an excerpt, near a place in text[begin..end): at a space if there is one
 * close by, and in no case inside a character. */
static size_t cut_after(struct am_view text, size_t place, size_t end) {
    const char *space = memchr(text.data + place, ' ', end - place);
    if (space && space < text.data + place + WORD_BYTES)
        return (size_t)(space - text.data) + 1;
    while (place < end && continues_character(text.data[place]))
        place++;
    return place;
}

static size_t cut_before(struct am_view text, size_t begin, size_t place) {
    const char *space = memrchr(text.data + begin, ' ', place - begin);
    if (space && space > text.data + place - WORD_BYTES)
        return (size_t)(space - text.data);
    while (place > begin && continues_character(text.data[place]))
        place--;
    return place;
}

static void put_before(const struct page *to, struct am_view text, size_t end) {
    size_t begin = end > CONTEXT_BYTES ? cut_after(text, end - CONTEXT_BYTES, end) : 0;
    if (begin > 0)
        PUT(to, "… ");
    put_part(to, text, begin, end);
}

static void put_between(const struct page *to, struct am_view text, size_t begin, size_t end) {
    if (end - begin <= GAP_BYTES) {
        put_part(to, text, begin, end);
        return;
    }
    put_part(to, text, begin, cut_before(text, begin, begin + CONTEXT_BYTES));
    PUT(to, " … ");
    put_part(to, text, cut_after(text, end - CONTEXT_BYTES, end), end);
}

static void put_after(const struct page *to, struct am_view text, size_t begin) {
    size_t left = text.size - begin;
    size_t end = left > CONTEXT_BYTES ? cut_before(text, begin, begin + CONTEXT_BYTES) : text.size;
    put_part(to, text, begin, end);
    if (end < text.size)
        PUT(to, " …");
}

static size_t clamp(size_t place, size_t least, size_t most) {
    return place < least ? least : place > most ? most : place;
}

/* Spans are ascending, disjoint and inside the text. Should they ever not be, the page shows
 * something odd, but nothing that is not in the text. */
static void
put_excerpt(const struct page *to, struct am_view text, const struct am_match_winner *placed) {
    size_t at = 0;
    PUT(to, "<p class=\"excerpt\">");
    for (uint32_t i = 0; i < placed->span_count; i++) {
        size_t begin = clamp(placed->spans[i].begin, at, text.size);
        size_t end = clamp(placed->spans[i].end, begin, text.size);
        if (i == 0)
            put_before(to, text, begin);
        else
            put_between(to, text, at, begin);
        PUT(to, "<mark>");
        put_part(to, text, begin, end);
        PUT(to, "</mark>");
        at = end;
    }
    put_after(to, text, at);
    PUT(to, "</p>\n");
}

/* ---- ads ------------------------------------------------------------------------------------ */

static void put_field_name(const struct page *to, const struct am_match_field *field) {
    static const char *const names[] = {
        [AM_FIELD_QUERY] = "the query",      [AM_FIELD_KEYWORD] = "keywords",
        [AM_FIELD_TITLE] = "the title",      [AM_FIELD_TEXT] = "the text",
        [AM_FIELD_URL] = "the page address",
    };
    am_buffer_view_append(to->out, am_view_of(names[field->kind]));
}

static void put_reason_why(const struct page *to, const struct am_match_winner *placed) {
    const struct am_image_keyword *keyword = &to->image->keywords[placed->keyword];
    if (placed->field == AM_NONE) {
        PUT(to, "<p class=\"why\">Keyword <b>*</b>: reaches every request.</p>\n");
        return;
    }
    const struct am_match_field *field = &to->preview->request->fields[placed->field];
    PUT(to, "<p class=\"why\"><span class=\"type\">");
    am_buffer_view_append(
        to->out, am_view_of(am_model_match_type_name((enum am_model_match_type)keyword->match)));
    PUT(to, "</span> keyword <b>");
    put_string(to, keyword->text);
    PUT(to, "</b> in ");
    put_field_name(to, field);
    PUT(to, "</p>\n");
    put_excerpt(to, am_api_texts_given(to->preview->reader, field), placed);
}

static void put_money(const struct page *to, uint64_t micros) {
    am_buffer_decimal(to->out, (int64_t)micros, 6);
    PUT(to, " ");
    put_string(to, to->image->settings->currency);
}

static void put_price(const struct page *to, const struct am_match_winner *placed) {
    const struct am_image_keyword *keyword = &to->image->keywords[placed->keyword];
    PUT(to, "<p class=\"price\"><b>");
    put_money(to, keyword->bid);
    if (to->image->ads[placed->ad].flags & AM_AD_CPC) {
        PUT(to, "</b> a click, eCPM ");
        put_money(to, keyword->ecpm);
    } else {
        PUT(to, "</b> a thousand views");
    }
    PUT(to, "</p>\n");
}

/* A link only where a browser would follow it to a web page: never javascript: and the like. */
static void put_address(const struct page *to, struct am_view url) {
    bool is_web = (url.size > 8 && memcmp(url.data, "https://", 8) == 0) ||
                  (url.size > 7 && memcmp(url.data, "http://", 7) == 0);
    if (url.size == 0)
        return;
    PUT(to, "<p class=\"address\">");
    if (is_web) {
        PUT(to, "<a rel=\"noopener noreferrer nofollow\" href=\"");
        put_text(to, url);
        PUT(to, "\">");
    }
    put_text(to, url);
    if (is_web)
        PUT(to, "</a>");
    PUT(to, "</p>\n");
}

static void put_names(const struct page *to, const struct am_match_winner *placed) {
    const struct am_image_ad *ad = &to->image->ads[placed->ad];
    PUT(to, "<p class=\"names\">ad <code>");
    put_string(to, to->image->details[placed->ad].id);
    PUT(to, "</code> · ");
    put_string(to, to->image->terms[ad->advertiser].text);
    if (ad->campaign != AM_NONE) {
        PUT(to, " · campaign <code>");
        put_string(to, to->image->campaigns[ad->campaign].id);
        PUT(to, "</code>");
    }
    PUT(to, "</p>\n");
}

/* The creative's title, or else the ad's id. */
static void put_title(const struct page *to, const struct am_image_ad_details *details) {
    struct am_view creative = am_image_string(to->image, details->creative);
    struct am_json_node *nodes = to->preview->creative_nodes;
    struct am_json json;
    char memory[TITLE_BYTES];
    const struct am_json_node *title = NULL;
    if (am_json_parse_guarded(creative, nodes, AM_CREATIVE_NODES, &json, NULL) == AM_OK)
        title = am_json_member(&json, nodes, "title");
    if (title && title->type == AM_JSON_STRING && title->size <= sizeof memory)
        put_text(to, am_json_string(&json, title, memory, NULL));
    else
        put_string(to, details->id);
}

static void put_ad(const struct page *to, const struct am_match_winner *placed) {
    const struct am_image_ad_details *details = &to->image->details[placed->ad];
    struct am_view creative = am_image_string(to->image, details->creative);
    PUT(to, "<li><div class=\"head\"><h3>");
    put_title(to, details);
    PUT(to, "</h3>\n");
    put_price(to, placed);
    PUT(to, "</div>\n");
    put_names(to, placed);
    put_reason_why(to, placed);
    put_address(to, am_image_string(to->image, details->url));
    if (creative.size) {
        PUT(to, "<pre class=\"creative\">");
        put_text(to, creative);
        PUT(to, "</pre>\n");
    }
    PUT(to, "</li>\n");
}

static void put_ads(const struct page *to) {
    const struct am_match_decision *decision = to->preview->decision;
    PUT(to, "<section>\n<h2>Ads</h2>\n<p class=\"counts\">");
    put_number(to, decision->ad_count);
    PUT(to, " shown of ");
    put_number(to, decision->candidates);
    PUT(to, " that a keyword reached; ");
    put_number(to, decision->words);
    PUT(to, " words read, ");
    put_number(to, decision->hits);
    PUT(to, " hits of keywords.</p>\n");
    if (decision->truncated)
        PUT(to, "<p class=\"error\">The work limit ended this decision: there may be more.</p>\n");
    PUT(to, "<ol class=\"ads\">\n");
    for (uint32_t i = 0; i < decision->ad_count; i++)
        put_ad(to, &decision->ads[i]);
    PUT(to, "</ol>\n");
    if (decision->ad_count == 0)
        PUT(to, "<p class=\"empty\">No ad fits this request.</p>\n");
    PUT(to, "</section>\n");
}

/* ---- what was not shown --------------------------------------------------------------------- */

static void put_rejected_ad(const struct page *to, const struct am_match_rejected *rejected) {
    PUT(to, "<tr><th scope=\"row\">");
    put_string(to, to->image->details[rejected->ad].id);
    PUT(to, "</th><td>");
    put_string(to, to->image->keywords[rejected->keyword].text);
    PUT(to, "</td><td><code>");
    am_buffer_view_append(to->out, am_view_of(am_gate_name(rejected->gate)));
    PUT(to, "</code> ");
    am_buffer_view_append(to->out, am_view_of(am_gate_meaning(rejected->gate)));
    PUT(to, "</td><td>");
    put_text(to, rejected->detail);
    PUT(to, "</td></tr>\n");
}

static void put_rejected(const struct page *to) {
    const struct am_match_decision *decision = to->preview->decision;
    if (decision->rejected_count == 0)
        return;
    PUT(to, "<section>\n<h2>Not shown</h2>\n<p class=\"counts\">");
    if (decision->rejected_total > decision->rejected_count) {
        PUT(to, "The best ");
        put_number(to, decision->rejected_count);
        PUT(to, " of ");
    }
    put_number(to, decision->rejected_total);
    PUT(to, ", best-ranked first.</p>\n<div class=\"wide\"><table>\n<thead><tr><th "
            "scope=\"col\">Ad</th><th scope=\"col\">Keyword</th><th scope=\"col\">Why not</th><th "
            "scope=\"col\">Detail</th></tr></thead>\n<tbody>\n");
    for (uint32_t i = 0; i < decision->rejected_count; i++)
        put_rejected_ad(to, &decision->rejected[i]);
    PUT(to, "</tbody>\n</table></div>\n</section>\n");
}

/* ---- one ad that was asked for -------------------------------------------------------------- */

static void put_keyword_asked(const struct page *to, const struct am_match_why *why) {
    const struct am_image_keyword *keyword = &to->image->keywords[why->keyword];
    PUT(to, "<p class=\"counts\">");
    if (why->reached) {
        PUT(to, "Its keyword <b>");
    } else {
        PUT(to, "No keyword reaches it. Nearest is <span class=\"type\">");
        am_buffer_view_append(to->out, am_view_of(am_model_match_type_name(
                                           (enum am_model_match_type)keyword->match)));
        PUT(to, "</span> <b>");
    }
    put_string(to, keyword->text);
    if (why->reached) {
        PUT(to, "</b> reaches it");
    } else if (why->missing_count == 0) {
        PUT(to, "</b>: all its words are there, but not as its match type asks");
    } else {
        PUT(to, "</b>: the request lacks");
        for (uint32_t i = 0; i < why->missing_count; i++) {
            PUT(to, " <b>");
            put_text(to, why->missing[i]);
            PUT(to, "</b>");
        }
    }
    PUT(to, ".</p>\n");
}

static void put_gates(const struct page *to, const struct am_match_why *why) {
    PUT(to, "<div class=\"wide\"><table>\n<thead><tr><th scope=\"col\">Gate</th><th "
            "scope=\"col\">Stops it</th><th scope=\"col\">Detail</th></tr></thead>\n<tbody>\n");
    for (int gate = 0; gate < AM_GATES; gate++) {
        PUT(to, "<tr><th scope=\"row\"><code>");
        am_buffer_view_append(to->out, am_view_of(am_gate_name((enum am_gate)gate)));
        PUT(to, "</code></th><td>");
        if (why->gates[gate].stops) {
            PUT(to, "<b>");
            am_buffer_view_append(to->out, am_view_of(am_gate_meaning((enum am_gate)gate)));
            PUT(to, "</b>");
        } else {
            PUT(to, "no");
        }
        PUT(to, "</td><td>");
        put_text(to, why->gates[gate].detail);
        PUT(to, "</td></tr>\n");
    }
    PUT(to, "</tbody>\n</table></div>\n");
}

static void put_why(const struct page *to) {
    const struct am_match_why *why = to->preview->decision->why;
    if (!why)
        return;
    PUT(to, "<section>\n<h2>Why not <code>");
    put_text(to, to->preview->request->why);
    PUT(to, "</code></h2>\n");
    if (why->ad == AM_NONE) {
        PUT(to, "<p class=\"empty\">No ad has this id.</p>\n");
    } else {
        if (why->placed)
            PUT(to, "<p class=\"counts\">It is shown.</p>\n");
        if (why->keyword != AM_NONE)
            put_keyword_asked(to, why);
        put_gates(to, why);
    }
    PUT(to, "</section>\n");
}

/* ---- the page ------------------------------------------------------------------------------- */

/* Long requests are left out: servers cut such addresses off. */
static void put_links(const struct page *to) {
    struct am_view question = to->preview->question;
    if (question.size > LINK_BYTES)
        return;
    PUT(to, "<p class=\"links\"><a href=\"preview?");
    put_text(to, question);
    PUT(to, "\">Link to this page</a> <a href=\"v1/decide?");
    put_text(to, question);
    PUT(to, "&amp;explain=1\">The same as JSON</a></p>\n");
}

static void put_refusal(const struct page *to) {
    PUT(to, "<section class=\"refusal\" role=\"alert\"><h2>Not understood</h2>\n<p>");
    if (to->preview->where.size) {
        PUT(to, "<code>");
        put_text(to, to->preview->where);
        PUT(to, "</code>: ");
    }
    put_text(to, to->preview->reason);
    PUT(to, "</p></section>\n");
}

static void put_heading(const struct page *to) {
    PUT(to, "<header><h1>admatch preview</h1>");
    if (to->image) {
        PUT(to, "<p>");
        put_number(to, to->image->settings->ad_count);
        PUT(to, " ads of ");
        put_number(to, to->image->settings->campaign_count);
        PUT(to, " campaigns · generation <code>");
        am_buffer_view_append(to->out, am_view_of(to->image->generation));
        PUT(to, "</code></p>");
    }
    PUT(to, "</header>\n");
}

static void put_answer(const struct page *to) {
    if (to->preview->status != 200) {
        put_refusal(to);
    } else if (to->preview->decision) {
        put_links(to);
        put_why(to);
        put_ads(to);
        put_rejected(to);
    } else {
        PUT(to, "<p class=\"empty\">Paste a page or type a query to see which ads it gets, and why "
                "others do not show.</p>\n");
    }
}

void am_preview_render(struct am_buffer *out, const struct am_preview *preview) {
    const struct page to = {out, preview, preview->image};
    PUT(&to, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
             "<title>admatch preview</title>\n<style>");
    am_buffer_view_append(out, am_view_of(am_preview_style));
    PUT(&to, "</style>\n</head>\n<body>\n");
    put_heading(&to);
    PUT(&to, "<main>\n");
    am_preview_form(out, preview);
    PUT(&to, "<div class=\"answer\">\n");
    put_answer(&to);
    PUT(&to, "</div>\n</main>\n</body>\n</html>\n");
}
