/* SPDX-License-Identifier: Apache-2.0 */
/* The engine, measured: engine WHAT IMAGE TEXTS [cold]. One timed pass for each line of standard
 * input, see passes.h.
 *
 *   words    splitting only
 *   phrase   splitting, and every occurrence of every phrase keyword, with its place
 *   broad    splitting, and every broad keyword of each text, as a query
 *   decide   the whole decision: three ads for each text
 *   explain  the same with explain
 *   answer   TEXTS are request bodies: from bytes of JSON to bytes of JSON
 *   text     TEXTS are bodies of text/plain: from bytes of text to bytes of JSON
 *   html     the same of text/html
 *   open     opens the image, checks included; TEXTS are not read
 *   build    IMAGE is an inventory: one build of it, to the file TEXTS, with the seconds of each
 *            stage as one line of JSON
 *
 * cold: before each text, 96 MiB of other memory go through the caches; a pass is then 100 texts.
 */
#include <fcntl.h>

#include "../../plugin/api/api.h"
#include "../../plugin/index/builder.h"
#include "../../plugin/index/verify.h"
#include "../../plugin/match/matcher.h"
#include "passes.h"

enum { FLUSH_BYTES = 96 << 20, COLD_TEXTS = 100 };

struct bench {
    struct am_image *image;
    struct am_matcher *matcher;
    struct am_api *api;
    struct lines texts;
    char *flush; /* NULL: warm */
    size_t words, matches;
};

typedef void work_function(struct bench *bench, size_t text);

static void require(enum am_code code, const struct am_error *error) {
    if (code == AM_OK)
        return;
    fprintf(stderr, "%s\n", error->message);
    exit(1);
}

/* A request of one text that wants three ads. */
struct ask {
    struct am_match_field field;
    struct am_match_slot slot;
    struct am_match_request request;
};

static void
ask_for(const struct bench *bench, size_t text, enum am_match_field_kind kind, struct ask *ask) {
    *ask = (struct ask){.field = {kind, 0, {bench->texts.text[text], bench->texts.size[text]}},
                        .slot.count = 3};
    ask->request = (struct am_match_request){.id = AM_VIEW("r"),
                                             .fields = &ask->field,
                                             .field_count = 1,
                                             .slots = &ask->slot,
                                             .slot_count = 1};
}

static void search(struct bench *bench, struct ask *ask) {
    struct am_error error;
    am_match_work_start(&bench->matcher->work);
    require(am_match_words_read(&bench->matcher->words, &ask->request, &error), &error);
    am_search_start(&bench->matcher->search, AM_TIER_ALL);
}

static void do_words(struct bench *bench, size_t text) {
    struct am_text_word words[128];
    struct am_text_splitter splitter;
    size_t count;
    am_text_splitter_start(&splitter,
                           (struct am_view){bench->texts.text[text], bench->texts.size[text]},
                           &bench->matcher->words.rules, bench->matcher->words.splitter_memory);
    while ((count = am_text_splitter_next(&splitter, words, AM_COUNT_OF(words))) > 0) {
        bench->words += count;
        bench->matches += words[0].size;
    }
}

static void do_phrase(struct bench *bench, size_t text) {
    struct ask ask;
    ask_for(bench, text, AM_FIELD_TEXT, &ask);
    search(bench, &ask);
    am_search_phrases(&bench->matcher->search);
    bench->words += bench->matcher->words.real_count;
    bench->matches += bench->matcher->search.hits.count;
}

static void do_broad(struct bench *bench, size_t text) {
    struct ask ask;
    ask_for(bench, text, AM_FIELD_QUERY, &ask);
    search(bench, &ask);
    am_search_broad(&bench->matcher->search);
    bench->words += bench->matcher->words.real_count;
    bench->matches += bench->matcher->search.hits.count;
}

static void decide(struct bench *bench, size_t text, bool explain) {
    struct ask ask;
    struct am_match_decision decision;
    struct am_error error;
    ask_for(bench, text, AM_FIELD_TEXT, &ask);
    ask.request.explain = explain;
    require(am_match_decide(bench->matcher, &ask.request, &decision, &error), &error);
    bench->words += decision.words;
    bench->matches += decision.ad_count;
}

static void do_decide(struct bench *bench, size_t text) {
    decide(bench, text, false);
}

static void do_explain(struct bench *bench, size_t text) {
    decide(bench, text, true);
}

static void answer(struct bench *bench, size_t text, enum am_api_content content) {
    const struct am_api_request request = {
        .content = content,
        .body = {bench->texts.text[text], bench->texts.size[text]},
        .now = 1795000000};
    struct am_api_response response;
    am_api_decide(bench->api, &request, &response);
    if (response.status != 200) {
        fprintf(stderr, "%.*s\n", AM_VIEW_ARGUMENTS(response.body));
        exit(1);
    }
    bench->words += response.decision->words;
    bench->matches += response.decision->ad_count;
}

static void do_answer(struct bench *bench, size_t text) {
    answer(bench, text, AM_CONTENT_JSON);
}

static void do_text(struct bench *bench, size_t text) {
    answer(bench, text, AM_CONTENT_TEXT);
}

static void do_html(struct bench *bench, size_t text) {
    answer(bench, text, AM_CONTENT_HTML);
}

static const struct {
    const char *name;
    work_function *work;
} works[] = {{"words", do_words},   {"phrase", do_phrase},   {"broad", do_broad},
             {"decide", do_decide}, {"explain", do_explain}, {"answer", do_answer},
             {"text", do_text},     {"html", do_html}};

static work_function *work_of(const char *name) {
    for (size_t i = 0; i < AM_COUNT_OF(works); i++)
        if (strcmp(works[i].name, name) == 0)
            return works[i].work;
    fprintf(stderr, "%s: no such measurement\n", name);
    exit(2);
}

static double pass(struct bench *bench, work_function *work) {
    double spent = 0;
    size_t texts = bench->texts.count;
    bench->words = bench->matches = 0;
    if (bench->flush && texts > COLD_TEXTS)
        texts = COLD_TEXTS;
    double began = seconds_now();
    for (size_t i = 0; i < texts; i++) {
        if (bench->flush) {
            memset(bench->flush, (int)i, FLUSH_BYTES);
            began = seconds_now();
        }
        work(bench, i);
        if (bench->flush)
            spent += seconds_now() - began;
    }
    return bench->flush ? spent : seconds_now() - began;
}

static void open_passes(const char *path) {
    say_ready(0, resident_kb());
    while (next_pass()) {
        struct am_image *image;
        struct am_error error;
        double began = seconds_now();
        require(am_image_open(path, &image, &error), &error);
        say_pass(seconds_now() - began, 1, image->settings->ad_count);
        am_image_close(image);
    }
}

static void build_stages(const char *inventory_path, const char *image_path) {
    struct am_timezones *zones = am_timezones_load(NULL, NULL);
    const struct am_inventory_load_options options = {.zones = zones};
    struct am_inventory_report report = {0};
    struct am_inventory *inventory;
    struct am_image_bytes bytes;
    struct am_image *image;
    struct am_error error;
    double began = seconds_now();
    require(am_inventory_load(inventory_path, &options, &inventory, &report, &error), &error);
    double loaded = seconds_now();
    require(am_build_image(inventory, zones, false, &bytes, &error), &error);
    double built = seconds_now();
    require(am_image_open_memory(bytes.data, bytes.size, "the image", &image, &error), &error);
    require(am_image_verify(image, &error), &error);
    double verified = seconds_now();
    require(am_image_write(&bytes, AT_FDCWD, image_path, &error), &error);
    printf("{\"load\":%.3f,\"build\":%.3f,\"verify\":%.3f,\"write\":%.3f}\n", loaded - began,
           built - loaded, verified - built, seconds_now() - verified);
    am_image_close(image);
    am_image_bytes_free(&bytes);
    am_inventory_free(inventory);
    am_inventory_report_free(&report);
    am_timezones_free(zones);
}

static void start(struct bench *bench, const char *image, const char *texts) {
    const struct am_matcher_limits limits = {.text_bytes = 1 << 20, .words = 200000};
    const struct am_api_limits api_limits = AM_API_LIMITS_DEFAULT;
    struct am_error error;
    bench->texts = read_lines(texts);
    require(am_image_open(image, &bench->image, &error), &error);
    bench->matcher = am_matcher_new(&limits, &error);
    bench->api = am_api_new(&api_limits, &error);
    if (!bench->matcher || !bench->api)
        require(error.code, &error);
    require(am_matcher_attach(bench->matcher, bench->image, &error), &error);
    require(am_api_attach(bench->api, bench->image, &error), &error);
}

int main(int argument_count, char **arguments) {
    struct bench bench = {0};
    if (argument_count < 4) {
        fprintf(stderr, "usage: engine WHAT IMAGE TEXTS [cold]\n");
        return 2;
    }
    if (strcmp(arguments[1], "open") == 0) {
        open_passes(arguments[2]);
        return 0;
    }
    if (strcmp(arguments[1], "build") == 0) {
        build_stages(arguments[2], arguments[3]);
        return 0;
    }
    work_function *work = work_of(arguments[1]);
    double began = seconds_now();
    start(&bench, arguments[2], arguments[3]);
    if (argument_count > 4)
        bench.flush = checked(malloc(FLUSH_BYTES));
    say_ready(seconds_now() - began, resident_kb());
    while (next_pass()) {
        double spent = pass(&bench, work);
        say_pass(spent, bench.words, bench.matches);
    }
    return 0;
}
