/* SPDX-License-Identifier: Apache-2.0 */
/* Text inside markup: what it says, where that stands, and what charsets make of bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../plugin/text/charset.h"
#include "../../plugin/text/entities.h"
#include "../../plugin/text/markup.h"

enum { TEXT_SIZE = 4096 };

struct said {
    char text[TEXT_SIZE];
    struct am_view title;
    char *source; /* without a byte after it that could be read unseen; freed by forget() */
};

static struct said read_markup(const char *source, enum am_text_markup markup) {
    struct said said = {.source = malloc(strlen(source) + 1)};
    size_t size = strlen(source);
    memcpy(said.source, source, size);
    said.source = realloc(said.source, size ? size : 1);
    char *memory = malloc(am_text_markup_size(size, markup) + 1);
    struct am_view text =
        am_text_markup_text((struct am_view){said.source, size}, markup, memory, &said.title);
    assert_true(text.size < TEXT_SIZE);
    snprintf(said.text, sizeof said.text, "%.*s", AM_VIEW_ARGUMENTS(text));
    free(memory);
    return said;
}

struct markup_case {
    const char *source, *text;
};

static void expect(const struct markup_case *cases, size_t count, enum am_text_markup markup) {
    for (size_t i = 0; i < count; i++) {
        struct said said = read_markup(cases[i].source, markup);
        assert_string_equal(said.text, cases[i].text);
        free(said.source);
    }
}

static void entities_end_in_a_semicolon(void **state) {
    (void)state;
    static const struct markup_case cases[] = {
        {"", ""},
        {"no entity & none&", "no entity & none&"},
        {"shoes&nbsp;and", "shoes\u00a0and"},
        {"salt &amp; pepper", "salt & pepper"},
        {"&amp;amp;", "&amp;"},
        {"&eacute &eacute;", "&eacute \u00e9"},
        {"&#233;&#xE9;&#XE9;&#233", "\u00e9\u00e9\u00e9&#233"},
        {"&apos;&thetasym;&frac12;", "'\u03d1\u00bd"},
        {"&period;&Amp;&;&#;&#x;&thetasymx;", "&period;&Amp;&;&#;&#x;&thetasymx;"},
        {"&#0;&#xD800;&#x110000;&#99999999999999999999;", "\ufffd\ufffd\ufffd\ufffd"},
        {"&#146;&#x80;&#129;", "\u2019\u20ac\xc2\x81"},
        {"a<b>", "a<b>"},
    };
    expect(cases, AM_COUNT_OF(cases), AM_MARKUP_ENTITIES);
}

static void browsers_need_no_semicolon(void **state) {
    (void)state;
    static const struct markup_case cases[] = {
        {"&eacute&amp&ampamp;&notit;&notin;&ampx", "\u00e9&&amp;\u00acit;\u2209&x"},
        {"&#233a&#xE9g&#x", "\u00e9a\u00e9g&#x"},
        {"&Omega&Omega;&apos&alpha", "&Omega\u03a9&apos&alpha"},
        {"a<b>", "a<b>"},
    };
    expect(cases, AM_COUNT_OF(cases), AM_MARKUP_TITLE);
}

static void tags_join_or_separate(void **state) {
    (void)state;
    static const struct markup_case cases[] = {
        {"<b>run</b>ning", "running"},
        {"<P CLASS='>'>one<br/>two</P>three", " one two three"},
        {"<a href=x>one</a><a>two</a> <A>three</A>", "one two three"},
        {"<span>a</span><span>b</span><b>c</b><i>d</i>", "a bcd"},
        {"</a><span>a</a></span><a>b", "ab"},
        {"<my-word>a</my-word>b", " a b"},
        {"a<wbr>b<img src=\"a>b\">c", "ab c"},
        {"a<!-- b -->c<!-->d<!--->e<!----!>f<!--g", "acdef"},
        {"a<!b>c<?d>e</ f>g</>h", "acegh"},
        {"a < b <3 c</", "a   b  3 c /"},
        {"a<b class='x", "a "},
    };
    expect(cases, AM_COUNT_OF(cases), AM_MARKUP_HTML);
}

static void what_is_not_shown_is_no_text(void **state) {
    (void)state;
    static const struct markup_case cases[] = {
        {"a<script>if (a<b) '</p>'</script>b<style><b></style>c", "abc"},
        {"a<script><!-- <script> </script> --></script>b", "ab"},
        {"a<script><!--></script>b", "ab"},
        {"a<noscript><p></noscript>b<iframe><p></iframe>c", "ab  c"},
        {"a<template>b<template>c</template>d<b></template>e", "ae"},
        {"a<svg>b<svg/>c<title>d</title><svg>e</svg>f<![CDATA[</svg>]]></svg>g", "a  g"},
        {"a<svg width=1/>b", "a "},
        {"a<svg>b", "a "},
        {"<textarea>a<b>&amp;</textarea><xmp><b>&amp;</xmp><plaintext></p>&amp;",
         " a<b>&  <b>&amp;  </p>&amp;"},
    };
    expect(cases, AM_COUNT_OF(cases), AM_MARKUP_HTML);
}

static void names_of_elements_are_compared_whole(void **state) {
    (void)state;
    static const struct markup_case cases[] = {
        {"<NoScript>a</nOsCRIPT>b<STRONG>c</strong>d", "bcd"},
        {"<strongs>a</stron>b<bd>c<bdis>d<bdI>e", " a b c de"},
        {"<noscripts>a<plaintex>b<plaintexts>c<Plaintext><b>", " a b c <b>"},
        {"<\x42\x12>a<b[>b<b\x80>c<B>d", " a b cd"},
    };
    expect(cases, AM_COUNT_OF(cases), AM_MARKUP_HTML);
}

static void superscripts_are_signs(void **state) {
    (void)state;
    static const struct markup_case cases[] = {
        {"rate<sup>12</sup>", "rate\u00b9\u00b2"},
        {"m<sup>2</sup>, 5<sup>th</sup>", "m\u00b2, 5th"},
        {"Acme<sup> TM</sup>, Acme<sup><small>sm</small></sup>", "Acme , Acme "},
        {"a<sup>1<p>2", "a\u00b9 2"},
        {"a<sup>&#49;0&amp;</sup>1", "a1\u2070&1"},
    };
    expect(cases, AM_COUNT_OF(cases), AM_MARKUP_HTML);
}

static void expect_title(const char *source, const char *title) {
    struct said said = read_markup(source, AM_MARKUP_HTML);
    if (!title) {
        assert_null(said.title.data);
    } else {
        assert_non_null(said.title.data);
        assert_true(said.title.data >= said.source &&
                    said.title.data + said.title.size <= said.source + strlen(source));
        assert_true(am_view_equal(said.title, am_view_of(title)));
    }
    free(said.source);
}

static void the_first_title_is_the_title(void **state) {
    (void)state;
    expect_title("<title>a &amp; <b></title><title>c</title>", "a &amp; <b>");
    expect_title("<svg><title>a</title></svg><TITLE lang=en>b</TITLE >", "b");
    expect_title("<template><title>a</title></template><title></title>", "");
    expect_title("<title>a", "a");
    expect_title("<p>a", NULL);
}

/* The word at a place in the text, as the source has it. */
static void expect_place(const char *source,
                         enum am_text_markup markup,
                         const char *word,
                         const char *written) {
    size_t size = strlen(source);
    char memory[TEXT_SIZE];
    struct am_view text = am_text_markup_text((struct am_view){source, size}, markup, memory, NULL);
    const char *at = memmem(text.data, text.size, word, strlen(word));
    assert_non_null(at);
    uint32_t begin = (uint32_t)(at - text.data), end = begin + (uint32_t)strlen(word);
    struct am_text_markup_places places;
    am_text_markup_places_start(&places, (struct am_view){source, size}, markup);
    for (int round = 0; round < 2; round++) { /* the second goes back */
        uint32_t first, last;
        am_text_markup_place(&places, begin, end, &first, &last);
        assert_true(
            am_view_equal((struct am_view){source + first, last - first}, am_view_of(written)));
        am_text_markup_place(&places, (uint32_t)text.size - 1, (uint32_t)text.size, &first, &last);
    }
}

static void places_are_those_of_the_source(void **state) {
    (void)state;
    expect_place("<p>a <b>run</b>ning", AM_MARKUP_HTML, "running", "run</b>ning");
    expect_place("caf&eacute; bar", AM_MARKUP_ENTITIES, "caf\u00e9", "caf&eacute;");
    expect_place("caf&eacute; bar", AM_MARKUP_ENTITIES, "bar", "bar");
    expect_place("caf\u00e9 bar", AM_MARKUP_NONE, "caf\u00e9", "caf\u00e9");
    expect_place("x<sup>3</sup>y z", AM_MARKUP_HTML, "x\u00b3y", "x<sup>3</sup>y");
}

static void bytes_beside_a_tag_are_no_character(void **state) {
    (void)state;
    static const struct markup_case cases[] = {{"a\xc3<b>\xa9", "a\xc3 "}};
    expect(cases, AM_COUNT_OF(cases), AM_MARKUP_HTML);
}

static void charsets_are_two(void **state) {
    (void)state;
    char memory[64];
    assert_int_equal(am_text_charset_of(AM_VIEW("UTF-8")), AM_CHARSET_UTF8);
    assert_int_equal(am_text_charset_of(AM_VIEW("ISO-8859-1")), AM_CHARSET_WINDOWS_1252);
    assert_int_equal(am_text_charset_of(AM_VIEW("us-ascii")), AM_CHARSET_WINDOWS_1252);
    assert_int_equal(am_text_charset_of(AM_VIEW("windows-1252")), AM_CHARSET_WINDOWS_1252);
    assert_int_equal(am_text_charset_of(AM_VIEW("utf-16")), AM_CHARSET_UNKNOWN);
    assert_int_equal(am_text_charset_of(AM_VIEW("")), AM_CHARSET_UNKNOWN);
    assert_true(am_view_equal(am_text_charset_decode(AM_VIEW("a\x80\x92\xe9\x81"), memory),
                              AM_VIEW("a\u20ac\u2019\u00e9\xc2\x81")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entities_end_in_a_semicolon),
        cmocka_unit_test(browsers_need_no_semicolon),
        cmocka_unit_test(tags_join_or_separate),
        cmocka_unit_test(what_is_not_shown_is_no_text),
        cmocka_unit_test(names_of_elements_are_compared_whole),
        cmocka_unit_test(superscripts_are_signs),
        cmocka_unit_test(the_first_title_is_the_title),
        cmocka_unit_test(places_are_those_of_the_source),
        cmocka_unit_test(bytes_beside_a_tag_are_no_character),
        cmocka_unit_test(charsets_are_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
