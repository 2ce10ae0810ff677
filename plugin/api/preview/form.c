/* SPDX-License-Identifier: Apache-2.0 */
/* The form of the preview: its fields, and what was put into them. */
#include "../page/page.h"
#include "parts.h"

enum group { ALONE, PAGE, SHORT, MORE };

struct field {
    enum group group;
    const char *name, *label, *attributes;
};

#define PLAIN " autocapitalize=\"off\" spellcheck=\"false\""

enum { TEXT, UNIQUE, NOW };

static const struct field fields[] = {
    [TEXT] = {ALONE, "text", NULL, NULL},
    [UNIQUE] = {ALONE, "unique", NULL, NULL},
    [NOW] = {ALONE, "now", NULL, NULL},

    {PAGE, "query", "Search query", " dir=\"auto\" placeholder=\"trail running shoes\""},
    {PAGE, "title", "Page title", " dir=\"auto\""},
    {PAGE, "url", "Page address",
     " inputmode=\"url\" placeholder=\"https://news.example/running\"" PLAIN},

    {SHORT, "count", "Ads", " inputmode=\"numeric\" maxlength=\"3\" placeholder=\"1\""},
    {SHORT, "size", "Size", " placeholder=\"300x250\"" PLAIN},
    {SHORT, "floor", "Floor (eCPM)", " inputmode=\"decimal\" placeholder=\"0.10\""},
    {SHORT, "country", "Country",
     " maxlength=\"2\" placeholder=\"US\" autocapitalize=\"characters\" spellcheck=\"false\""},
    {SHORT, "language", "Language", " placeholder=\"en\"" PLAIN},
    {SHORT, "device", "Device", " list=\"devices\" placeholder=\"mobile\"" PLAIN},
    {SHORT, "site", "Site", " placeholder=\"news.example\"" PLAIN},
    {SHORT, "why", "Why not ad", " placeholder=\"its id\"" PLAIN},
    {SHORT, "timezone", "Time zone", " placeholder=\"America/New_York\"" PLAIN},

    {MORE, "keywords", "Keywords of the page", " dir=\"auto\""},
    {MORE, "placement", "Placement", PLAIN},
    {MORE, "category", "Category", " placeholder=\"IAB17\"" PLAIN},
    {MORE, "region", "Region", PLAIN},
    {MORE, "metro", "Metro", PLAIN},
    {MORE, "city", "City", " dir=\"auto\""},
    {MORE, "os", "System", " placeholder=\"android\"" PLAIN},
    {MORE, "browser", "Browser", PLAIN},
    {MORE, "block.advertisers", "Block advertiser", " dir=\"auto\""},
    {MORE, "block.categories", "Block category", " placeholder=\"IAB7\"" PLAIN},
    {MORE, "block.domains", "Block domain", " placeholder=\"shoes.example\"" PLAIN},
    {MORE, "id", "Request id", PLAIN},
};

enum { FIELDS = AM_COUNT_OF(fields) };

struct form {
    struct am_buffer *out;
    const struct am_preview *preview;
    struct am_view values[FIELDS]; /* those given first, percent-encoded; a field shows no more */
};

/* FIELDS: none. */
static size_t field_of(struct am_view name) {
    size_t i = 0;
    while (i < FIELDS && !am_view_equal(name, am_view_of(fields[i].name)))
        i++;
    return i;
}

static void read_values(struct form *to) {
    struct am_view rest = to->preview->question;
    struct am_preview_pair pair;
    while (am_preview_next_pair(&rest, &pair)) {
        size_t field = field_of(pair.name);
        if (field < FIELDS && !to->values[field].size)
            to->values[field] = pair.value;
    }
}

/* Decoded to memory of text.size bytes. What cannot be decoded is shown as it came. */
static struct am_view decode(struct am_view text, char *memory) {
    struct am_view decoded;
    return am_api_percent_decode(text, memory, &decoded) ? decoded : text;
}

/* Decoded; lives until the next call. */
static struct am_view value_of(const struct form *to, size_t field) {
    return decode(to->values[field], to->preview->memory);
}

/* ---- fields --------------------------------------------------------------------------------- */

static void put_field(const struct form *to, size_t index) {
    const struct field *field = &fields[index];
    bool fresh = to->preview->question.size == 0 && strcmp(field->name, "count") == 0;
    AM_PAGE_PUT(to->out, "<label>{}<input name=\"{}\" value=\"{}\"", AM_PAGE_NAME(field->label),
                AM_PAGE_NAME(field->name),
                AM_PAGE_TEXT(fresh ? AM_VIEW("5") : value_of(to, index)));
    am_buffer_view_append(to->out, am_view_of(field->attributes));
    AM_PAGE_PUT(to->out, "></label>\n");
}

static void put_group(const struct form *to, enum group group) {
    for (size_t i = 0; i < FIELDS; i++)
        if (fields[i].group == group)
            put_field(to, i);
}

/* The first line end in a text area is not a part of its text. */
static void put_text_area(const struct form *to) {
    AM_PAGE_PUT(to->out,
                "<label>Page text<textarea name=\"text\" rows=\"7\" dir=\"auto\">\n{}</textarea>"
                "</label>\n",
                AM_PAGE_TEXT(value_of(to, TEXT)));
}

static void put_unique(const struct form *to) {
    static const struct {
        const char *value, *label;
    } choices[] = {{"", "Advertiser"}, {"campaign", "Campaign"}, {"ad", "Ad"}, {"none", "None"}};
    struct am_view chosen = value_of(to, UNIQUE);
    AM_PAGE_PUT(to->out, "<label>Unique by<select name=\"unique\">");
    for (size_t i = 0; i < AM_COUNT_OF(choices); i++) {
        AM_PAGE_PUT(to->out, "<option value=\"{}\"", AM_PAGE_NAME(choices[i].value));
        if (chosen.size && am_view_equal(chosen, am_view_of(choices[i].value)))
            AM_PAGE_PUT(to->out, " selected");
        AM_PAGE_PUT(to->out, ">{}", AM_PAGE_NAME(choices[i].label));
    }
    AM_PAGE_PUT(to->out, "</select></label>\n");
}

/* The field of a browser takes "2026-12-24T18:00:00" and nothing else. */
static void put_time(const struct form *to) {
    char time[AM_TIME_TEXT_SIZE];
    struct am_view value = value_of(to, NOW);
    if (value.size && to->preview->decision) {
        am_time_write(to->preview->request->now, time);
        value = am_view_of(time);
    }
    if (value.size && value.data[value.size - 1] == 'Z')
        value.size--;
    AM_PAGE_PUT(to->out,
                "<label>Time (UTC)<input name=\"now\" type=\"datetime-local\" step=\"any\" "
                "value=\"{}\"></label>\n",
                AM_PAGE_TEXT(value));
}

/* ---- key-values -----------------------------------------------------------------------------
 */

static bool has_byte(struct am_view text, char byte) {
    return text.size && memchr(text.data, byte, text.size);
}

static bool is_trimmed(struct am_view text) {
    return text.size && !memchr(" \t\r", text.data[0], 3) &&
           !memchr(" \t\r", text.data[text.size - 1], 3) && !has_byte(text, '\n');
}

/* Whether a parameter is kv.KEY=VALUE that a line of the text area can say. *key and *value are
 * decoded, and live until the next call. */
static bool is_line(const struct form *to,
                    const struct am_preview_pair *pair,
                    struct am_view *key,
                    struct am_view *value) {
    struct am_view name = decode(pair->name, to->preview->memory);
    if (name.size <= 3 || memcmp(name.data, "kv.", 3) != 0)
        return false;
    *key = (struct am_view){name.data + 3, name.size - 3};
    *value = decode(pair->value, to->preview->memory + name.size);
    return is_trimmed(*key) && is_trimmed(*value) && !has_byte(*key, '=');
}

static void put_key_values(const struct form *to) {
    struct am_view rest = to->preview->question, key, value;
    struct am_preview_pair pair;
    AM_PAGE_PUT(to->out,
                "<label>Key-values, one a line<textarea name=\"kv\" rows=\"2\" dir=\"auto\" "
                "placeholder=\"sport=running\"" PLAIN ">\n");
    while (am_preview_next_pair(&rest, &pair))
        if (am_view_equal(pair.name, AM_VIEW("kv")))
            AM_PAGE_PUT(to->out, "{}\n", AM_PAGE_TEXT(decode(pair.value, to->preview->memory)));
        else if (is_line(to, &pair, &key, &value))
            AM_PAGE_PUT(to->out, "{}={}\n", AM_PAGE_TEXT(key), AM_PAGE_TEXT(value));
    AM_PAGE_PUT(to->out, "</textarea></label>\n");
}

/* ---- what the form has no field for --------------------------------------------------------- */

/* As many as a request within its limits can have. */
enum { MAX_OTHERS = AM_MAX_ATTRIBUTE_VALUES + AM_MAX_BLOCKED + AM_REQUEST_MAX_KEYWORDS };

static bool has_field(const struct form *to, const struct am_preview_pair *pair) {
    size_t field = field_of(pair->name);
    struct am_view key, value;
    if (field < FIELDS)
        return to->values[field].data == pair->value.data;
    return am_view_equal(pair->name, AM_VIEW("kv")) || is_line(to, pair, &key, &value);
}

static void put_other(const struct form *to, const struct am_preview_pair *pair) {
    struct am_view name = decode(pair->name, to->preview->memory);
    struct am_view value = decode(pair->value, to->preview->memory + pair->name.size);
    AM_PAGE_PUT(to->out,
                "<label class=\"other\"><input type=\"checkbox\" name=\"{}\" value=\"{}\" "
                "checked> <span><code>{}</code> <bdi>{}</bdi></span></label>\n",
                AM_PAGE_TEXT(name), AM_PAGE_TEXT(value), AM_PAGE_TEXT(name), AM_PAGE_TEXT(value));
}

/* Parameters of a link stay in force, such as a second country, until their mark is taken off. */
static void put_others(const struct form *to) {
    struct am_view rest = to->preview->question;
    struct am_preview_pair pair;
    size_t count = 0;
    while (count < MAX_OTHERS && am_preview_next_pair(&rest, &pair)) {
        if (has_field(to, &pair))
            continue;
        if (count++ == 0)
            AM_PAGE_PUT(to->out, "<fieldset><legend>Also asked for</legend>\n");
        put_other(to, &pair);
    }
    if (count)
        AM_PAGE_PUT(to->out, "</fieldset>\n");
}

/* Open where one of its fields was filled in. */
static void put_more(const struct form *to) {
    bool open = false;
    for (size_t i = 0; i < FIELDS; i++)
        open |= fields[i].group == MORE && to->values[i].size > 0;
    if (open)
        AM_PAGE_PUT(to->out, "<details open>");
    else
        AM_PAGE_PUT(to->out, "<details>");
    AM_PAGE_PUT(to->out, "<summary>More about the request</summary>\n<div class=\"short\">\n");
    put_group(to, MORE);
    AM_PAGE_PUT(to->out, "</div></details>\n");
}

void am_preview_form(struct am_buffer *out, const struct am_preview *preview) {
    struct form to = {.out = out, .preview = preview};
    read_values(&to);
    AM_PAGE_PUT(out, "<form id=\"request\" method=\"post\" action=\"preview#answer\">\n");
    put_text_area(&to);
    put_group(&to, PAGE);
    AM_PAGE_PUT(out, "<div class=\"short\">\n");
    put_group(&to, SHORT);
    put_unique(&to);
    AM_PAGE_PUT(out, "</div>\n");
    put_time(&to);
    put_key_values(&to);
    put_more(&to);
    put_others(&to);
    AM_PAGE_PUT(out, "<datalist id=\"devices\"><option value=\"mobile\"><option "
                     "value=\"desktop\"><option value=\"tablet\"><option "
                     "value=\"tv\"></datalist>\n"
                     "<button>Show ads</button>\n</form>\n");
}
