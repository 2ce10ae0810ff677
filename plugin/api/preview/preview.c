/* SPDX-License-Identifier: Apache-2.0 */
/* The page of the preview. */
#include "preview.h"

#include "../page/page.h"
#include "parts.h"

enum {
    LINK_BYTES = 2000,
    CREATIVE_BYTES_MOST = 1 << 20, /* of all ads: beyond, a page is slow to make and to read */
};

struct page {
    struct am_buffer *out;
    const struct am_preview *preview;
    const struct am_image *image;
};

/* ---- ads ------------------------------------------------------------------------------------ */

/* Local weekday and time of an instant, written "Thu 2026-12-24 18:00" or "Thu 18:00". */
static void put_local_time(const struct page *to,
                           const struct am_timezone *zone,
                           int64_t time,
                           bool with_date) {
    static const char days[7][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    char written[AM_TIME_TEXT_SIZE];
    am_time_write(time + am_timezone_offset(zone, time), written);
    AM_PAGE_PUT(to->out, "{} ",
                AM_PAGE_NAME(days[am_timezone_week_minute(zone, time) / (24 * 60)]));
    if (with_date)
        AM_PAGE_PUT(to->out, "{} ", AM_PAGE_TEXT(((struct am_view){written, 10})));
    AM_PAGE_PUT(to->out, "{}", AM_PAGE_TEXT(((struct am_view){written + 11, 5})));
}

static void put_time(const struct page *to) {
    const struct am_match_request *request = to->preview->request;
    AM_PAGE_PUT(to->out, " As of ");
    put_local_time(to, NULL, request->now, true);
    AM_PAGE_PUT(to->out, " UTC");
    if (request->timezone) {
        struct am_view name = am_preview_value(to->preview->question, AM_VIEW("timezone")), zone;
        AM_PAGE_PUT(to->out, ", ");
        put_local_time(to, request->timezone, request->now, false);
        if (am_api_percent_decode(name, to->preview->memory, &zone))
            AM_PAGE_PUT(to->out, " in {}", AM_PAGE_TEXT(zone));
    }
    AM_PAGE_PUT(to->out, ".");
}

static void put_ads(const struct page *to) {
    const struct am_match_decision *decision = to->preview->decision;
    size_t creatives = 0;
    AM_PAGE_PUT(to->out,
                "<section>\n<h2>Ads</h2>\n<p class=\"counts\">{} shown, of {} that a keyword "
                "reached; {} read, with {}.",
                AM_PAGE_COUNT(decision->ad_count, "ad", "ads"),
                AM_PAGE_NUMBER(decision->candidates),
                AM_PAGE_COUNT(decision->words, "word", "words"),
                AM_PAGE_COUNT(decision->hits, "keyword hit", "keyword hits"));
    put_time(to);
    AM_PAGE_PUT(to->out, "</p>\n");
    if (decision->truncated)
        AM_PAGE_PUT(to->out, "<p class=\"error\">The work limit ended this decision: there may be "
                             "more.</p>\n");
    if (decision->ad_count == 0)
        AM_PAGE_PUT(to->out, "<p class=\"empty\">No ad fits this request.</p>\n");
    else
        AM_PAGE_PUT(to->out, "<ol class=\"ads\">\n");
    for (uint32_t i = 0; i < decision->ad_count; i++) {
        const struct am_image_ad_details *details = &to->image->details[decision->ads[i].ad];
        size_t size = am_image_string(to->image, details->creative).size;
        creatives += size;
        am_preview_ad(to->out, to->preview, &decision->ads[i],
                      size == 0 || creatives <= CREATIVE_BYTES_MOST);
    }
    if (decision->ad_count)
        AM_PAGE_PUT(to->out, "</ol>\n");
    AM_PAGE_PUT(to->out, "</section>\n");
}

/* ---- what was not shown --------------------------------------------------------------------- */

/* In words first; the gate's code is for those who look it up. A paused ad's detail says no more
 * than the words. */
static void put_rejected_ad(const struct page *to, const struct am_match_rejected *rejected) {
    const struct am_image *image = to->image;
    AM_PAGE_PUT(to->out,
                "<li><p class=\"loser\"><code><bdi>{}</bdi></code> by keyword <b><bdi>{}</bdi></b>"
                "</p><p class=\"gate\"><span>{}",
                AM_PAGE_TEXT(am_image_string(image, image->details[rejected->ad].id)),
                AM_PAGE_TEXT(am_image_string(image, image->keywords[rejected->keyword].text)),
                AM_PAGE_NAME(am_gate_meaning(rejected->gate)));
    if (rejected->gate != AM_GATE_PAUSED)
        AM_PAGE_PUT(to->out, ": <b><bdi>{}</bdi></b>", AM_PAGE_TEXT(rejected->detail));
    AM_PAGE_PUT(to->out, "</span> <code>{}</code></p></li>\n",
                AM_PAGE_NAME(am_gate_name(rejected->gate)));
}

static void put_rejected(const struct page *to) {
    const struct am_match_decision *decision = to->preview->decision;
    if (decision->rejected_count == 0)
        return;
    AM_PAGE_PUT(to->out, "<section>\n<h2>Not shown</h2>\n<p class=\"counts\">");
    if (decision->rejected_total > decision->rejected_count)
        AM_PAGE_PUT(to->out, "The best {} of ", AM_PAGE_NUMBER(decision->rejected_count));
    AM_PAGE_PUT(to->out, "{}, best-ranked first.</p>\n<ol class=\"losers\">\n",
                AM_PAGE_COUNT(decision->rejected_total, "ad", "ads"));
    for (uint32_t i = 0; i < decision->rejected_count; i++)
        put_rejected_ad(to, &decision->rejected[i]);
    AM_PAGE_PUT(to->out, "</ol>\n</section>\n");
}

/* ---- one ad that was asked for -------------------------------------------------------------- */

static void put_missing(const struct page *to, const struct am_match_why *why) {
    if (why->missing_count == 0) {
        AM_PAGE_PUT(to->out, ": all its words are there, but not as its match type asks");
        return;
    }
    AM_PAGE_PUT(to->out, ": the request lacks");
    for (uint32_t i = 0; i < why->missing_count; i++)
        AM_PAGE_PUT(to->out, " <b><bdi>{}</bdi></b>", AM_PAGE_TEXT(why->missing[i]));
}

static void put_keyword_asked(const struct page *to, const struct am_match_why *why) {
    const struct am_image_keyword *keyword = &to->image->keywords[why->keyword];
    enum am_model_match_type type = (enum am_model_match_type)keyword->match;
    AM_PAGE_PUT(to->out, "<p class=\"counts\">");
    if (!why->reached)
        AM_PAGE_PUT(to->out, "No keyword reaches it. ");
    AM_PAGE_PUT(to->out, "{} <span class=\"type\">{}</span> keyword <b><bdi>{}</bdi></b>",
                AM_PAGE_NAME(why->reached ? "Its" : "Nearest is its"),
                AM_PAGE_NAME(am_model_match_type_name(type)),
                AM_PAGE_TEXT(am_image_string(to->image, keyword->text)));
    if (why->reached)
        AM_PAGE_PUT(to->out, " reaches it");
    else
        put_missing(to, why);
    AM_PAGE_PUT(to->out, ".</p>\n");
}

/* The gates that stop it, or that none does. */
static void put_gates(const struct page *to, const struct am_match_why *why) {
    uint32_t count = 0;
    AM_PAGE_PUT(to->out, "<ol class=\"losers\">\n");
    for (int gate = 0; gate < AM_GATES; gate++) {
        if (!why->gates[gate].stops)
            continue;
        AM_PAGE_PUT(to->out, "<li><p class=\"gate\"><span>{}",
                    AM_PAGE_NAME(am_gate_meaning((enum am_gate)gate)));
        if (why->gates[gate].detail.size)
            AM_PAGE_PUT(to->out, ": <b><bdi>{}</bdi></b>", AM_PAGE_TEXT(why->gates[gate].detail));
        AM_PAGE_PUT(to->out, "</span> <code>{}</code></p></li>\n",
                    AM_PAGE_NAME(am_gate_name((enum am_gate)gate)));
        count++;
    }
    AM_PAGE_PUT(to->out, "</ol>\n");
    if (count == 0)
        AM_PAGE_PUT(to->out, "<p class=\"counts\">No gate stops it.</p>\n");
}

static void put_why(const struct page *to) {
    const struct am_match_why *why = to->preview->decision->why;
    if (!why)
        return;
    AM_PAGE_PUT(to->out, "<section>\n<h2>Why not <code><bdi>{}</bdi></code></h2>\n",
                AM_PAGE_TEXT(to->preview->request->why));
    if (why->ad == AM_NONE) {
        AM_PAGE_PUT(to->out, "<p class=\"empty\">No ad has this id.</p>\n");
    } else {
        if (why->placed)
            AM_PAGE_PUT(to->out, "<p class=\"counts\">It is shown.</p>\n");
        if (why->keyword != AM_NONE)
            put_keyword_asked(to, why);
        put_gates(to, why);
    }
    AM_PAGE_PUT(to->out, "</section>\n");
}

/* ---- the page ------------------------------------------------------------------------------- */

/* On a narrow screen the form is far above. */
static void put_up_link(const struct page *to) {
    AM_PAGE_PUT(to->out, "<a class=\"up\" href=\"#request\">Change the request</a> ");
}

/* The answer as JSON is the same only where /v1/decide obeys the time that was asked for. Long
 * requests are left out: servers cut such addresses off. */
static void put_links(const struct page *to) {
    struct am_view question = to->preview->question;
    AM_PAGE_PUT(to->out, "<p class=\"links\">");
    put_up_link(to);
    if (question.size <= LINK_BYTES) {
        AM_PAGE_PUT(to->out, "<a href=\"preview?{}#answer\">Link to this page</a> ",
                    AM_PAGE_TEXT(question));
        if (to->preview->time_is_allowed || !am_preview_value(question, AM_VIEW("now")).size)
            AM_PAGE_PUT(to->out, "<a href=\"v1/decide?{}&amp;explain=1\">The same as JSON</a>",
                        AM_PAGE_TEXT(question));
    }
    AM_PAGE_PUT(to->out, "</p>\n");
}

static void put_refusal(const struct page *to) {
    AM_PAGE_PUT(to->out, "<section class=\"refusal\" role=\"alert\"><h2>Not understood</h2>\n<p>");
    if (to->preview->where.size)
        AM_PAGE_PUT(to->out, "<code>{}</code>: ", AM_PAGE_TEXT(to->preview->where));
    AM_PAGE_PUT(to->out, "{}</p>\n<p>", AM_PAGE_TEXT(to->preview->reason));
    put_up_link(to);
    AM_PAGE_PUT(to->out, "</p></section>\n");
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
        AM_PAGE_PUT(
            to->out,
            "<p class=\"empty hint\">Paste a page or type a query to see which ads it gets, and "
            "why others do not show.</p>\n");
    }
}

void am_preview_render(struct am_buffer *out, const struct am_preview *preview) {
    const struct page to = {out, preview, preview->image};
    am_api_page_begin(out, "preview", preview->image);
    AM_PAGE_PUT(out, "<main>\n");
    am_preview_form(out, preview);
    AM_PAGE_PUT(out, "<div class=\"answer\" id=\"answer\">\n");
    put_answer(&to);
    AM_PAGE_PUT(out, "</div>\n</main>\n");
    am_api_page_end(out);
}
