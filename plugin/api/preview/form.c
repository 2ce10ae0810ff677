/* SPDX-License-Identifier: Apache-2.0 */
/* The form of the preview: its fields, and what was put into them. */
#include "../request.h"
#include "html.h"
#include "preview.h"

struct pair {
    struct am_view name, value; /* percent-encoded */
};

/* Takes the next parameter off the front. False at the end. */
static bool next_pair(struct am_view *rest, struct pair *pair) {
    while (rest->size && rest->data[0] == '&')
        *rest = (struct am_view){rest->data + 1, rest->size - 1};
    if (rest->size == 0)
        return false;
    const char *end = memchr(rest->data, '&', rest->size);
    size_t size = end ? (size_t)(end - rest->data) : rest->size;
    const char *equals = memchr(rest->data, '=', size);
    size_t name_size = equals ? (size_t)(equals - rest->data) : size;
    size_t skipped = equals ? name_size + 1 : size;
    pair->name = (struct am_view){rest->data, name_size};
    pair->value = (struct am_view){rest->data + skipped, size - skipped};
    *rest = (struct am_view){rest->data + size, rest->size - size};
    return true;
}

struct am_view am_preview_question(struct am_view given, char *memory) {
    struct am_buffer question = am_buffer_over(memory, given.size);
    struct pair pair;
    while (next_pair(&given, &pair)) {
        if (pair.value.size == 0 || am_view_equal(pair.name, AM_VIEW("explain")))
            continue;
        if (question.size)
            am_buffer_literal(&question, "&");
        am_buffer_view_append(&question, pair.name);
        am_buffer_literal(&question, "=");
        am_buffer_view_append(&question, pair.value);
    }
    return am_buffer_view(&question);
}

/* ---- fields --------------------------------------------------------------------------------- */

struct field {
    const char *name, *label, *attributes;
};

static const struct field text_fields[] = {
    {"query", "Search query", "placeholder=\"trail running shoes\""},
    {"title", "Page title", ""},
    {"url", "Page address", "inputmode=\"url\" placeholder=\"https://news.example/running\""},
};

static const struct field short_fields[] = {
    {"count", "Ads", "inputmode=\"numeric\" maxlength=\"3\" placeholder=\"1\""},
    {"country", "Country", "maxlength=\"2\" placeholder=\"US\" autocapitalize=\"characters\""},
    {"device", "Device", "list=\"devices\" placeholder=\"mobile\""},
    {"language", "Language", "placeholder=\"en\""},
    {"site", "Site", "placeholder=\"news.example\""},
    {"size", "Size", "placeholder=\"300x250\""},
    {"floor", "Floor (eCPM)", "inputmode=\"decimal\" placeholder=\"0.10\""},
    {"why", "Why not ad", "placeholder=\"its id\" autocapitalize=\"none\""},
};

static bool is_field(struct am_view name) {
    for (size_t i = 0; i < AM_COUNT_OF(text_fields); i++)
        if (am_view_equal(name, am_view_of(text_fields[i].name)))
            return true;
    for (size_t i = 0; i < AM_COUNT_OF(short_fields); i++)
        if (am_view_equal(name, am_view_of(short_fields[i].name)))
            return true;
    return am_view_equal(name, AM_VIEW("text"));
}

/* What cannot be decoded is shown as it came. */
static void
put_value(struct am_buffer *out, const struct am_preview *preview, struct am_view text) {
    struct am_view decoded;
    am_api_html_text(out, am_api_percent_decode(text, preview->memory, &decoded) ? decoded : text);
}

/* The value given first; a field shows no more than that. */
static struct am_view value_of(const struct am_preview *preview, struct am_view name) {
    struct am_view rest = preview->question;
    struct pair pair;
    while (next_pair(&rest, &pair))
        if (am_view_equal(pair.name, name))
            return pair.value;
    return AM_VIEW("");
}

static void
put_field(struct am_buffer *out, const struct am_preview *preview, const struct field *field) {
    am_buffer_literal(out, "<label>");
    am_buffer_view_append(out, am_view_of(field->label));
    am_buffer_literal(out, "<input name=\"");
    am_buffer_view_append(out, am_view_of(field->name));
    am_buffer_literal(out, "\" value=\"");
    if (preview->question.size)
        put_value(out, preview, value_of(preview, am_view_of(field->name)));
    else if (strcmp(field->name, "count") == 0)
        am_buffer_literal(out, "5");
    am_buffer_literal(out, "\" ");
    am_buffer_view_append(out, am_view_of(field->attributes));
    am_buffer_literal(out, "></label>\n");
}

/* The first line end in a text area is not a part of its text. */
static void put_text_area(struct am_buffer *out, const struct am_preview *preview) {
    am_buffer_literal(out, "<label>Page text<textarea name=\"text\" rows=\"7\">\n");
    put_value(out, preview, value_of(preview, AM_VIEW("text")));
    am_buffer_literal(out, "</textarea></label>\n");
}

/* ---- what the form has no field for --------------------------------------------------------- */

static void
put_hidden(struct am_buffer *out, const struct am_preview *preview, const struct pair *pair) {
    am_buffer_literal(out, "<li><input type=\"hidden\" name=\"");
    put_value(out, preview, pair->name);
    am_buffer_literal(out, "\" value=\"");
    put_value(out, preview, pair->value);
    am_buffer_literal(out, "\"><code>");
    put_value(out, preview, pair->name);
    am_buffer_literal(out, "</code> ");
    put_value(out, preview, pair->value);
    am_buffer_literal(out, "</li>\n");
}

/* Parameters of a link that stay in force: kv.sport=running, or a second country. */
static void put_others(struct am_buffer *out, const struct am_preview *preview) {
    struct am_view rest = preview->question;
    struct pair pair;
    bool any = false;
    while (next_pair(&rest, &pair)) {
        if (is_field(pair.name) && value_of(preview, pair.name).data == pair.value.data)
            continue;
        if (!any)
            am_buffer_literal(out, "<ul class=\"others\">\n");
        any = true;
        put_hidden(out, preview, &pair);
    }
    if (any)
        am_buffer_literal(out, "</ul>\n");
}

void am_preview_form(struct am_buffer *out, const struct am_preview *preview) {
    am_buffer_literal(out, "<form method=\"post\" action=\"preview\">\n");
    put_text_area(out, preview);
    for (size_t i = 0; i < AM_COUNT_OF(text_fields); i++)
        put_field(out, preview, &text_fields[i]);
    am_buffer_literal(out, "<div class=\"short\">\n");
    for (size_t i = 0; i < AM_COUNT_OF(short_fields); i++)
        put_field(out, preview, &short_fields[i]);
    am_buffer_literal(out, "</div>\n");
    put_others(out, preview);
    am_buffer_literal(out, "<datalist id=\"devices\"><option value=\"mobile\"><option "
                           "value=\"desktop\"><option value=\"tablet\"><option "
                           "value=\"tv\"></datalist>\n"
                           "<button>Show ads</button>\n</form>\n");
}
