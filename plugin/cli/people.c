/* SPDX-License-Identifier: Apache-2.0 */
#include "people.h"

#include <stdio.h>

#include "../base/decimal.h"

struct people {
    FILE *out;
    const struct am_image *image;
    const struct am_api_response *response;
};

static struct am_view text_of(const struct people *to, am_image_string_ref ref) {
    return am_image_string(to->image, ref);
}

static void put(const struct people *to, struct am_view text) {
    fwrite(text.data, 1, text.size, to->out);
}

static void put_money(const struct people *to, uint64_t micros) {
    char digits[AM_DECIMAL_TEXT_SIZE];
    put(to, (struct am_view){digits, am_decimal_write((int64_t)micros, 6, digits)});
}

static void put_keyword(const struct people *to, uint32_t index) {
    const struct am_image_keyword *keyword = &to->image->keywords[index];
    fprintf(to->out, "%s keyword \"",
            am_model_match_type_name((enum am_model_match_type)keyword->match));
    put(to, text_of(to, keyword->text));
    fputs("\"", to->out);
}

static void put_owner(const struct people *to, uint32_t index) {
    const struct am_image_ad *ad = &to->image->ads[index];
    if (ad->campaign != AM_NONE) {
        fputs("campaign ", to->out);
        put(to, text_of(to, to->image->campaigns[ad->campaign].id));
        fputs(" of ", to->out);
    }
    put(to, text_of(to, to->image->terms[ad->advertiser].text));
}

static void put_ad(const struct people *to, const struct am_match_winner *placed, uint32_t number) {
    static const char *const fields[] = {
        [AM_FIELD_QUERY] = "query", [AM_FIELD_KEYWORD] = "keywords", [AM_FIELD_TITLE] = "title",
        [AM_FIELD_TEXT] = "text",   [AM_FIELD_URL] = "url",
    };
    const struct am_image_keyword *keyword = &to->image->keywords[placed->keyword];
    struct am_view url = text_of(to, to->image->details[placed->ad].url);
    fprintf(to->out, "%u. ", number);
    put(to, text_of(to, to->image->details[placed->ad].id));
    fputs(": ", to->out);
    put_money(to, keyword->bid);
    fputs(" ", to->out);
    put(to, text_of(to, to->image->settings->currency));
    fputs(to->image->ads[placed->ad].flags & AM_AD_CPC ? " a click, eCPM " : " cpm, eCPM ",
          to->out);
    put_money(to, keyword->ecpm);
    fputs("\n   ", to->out);
    put_keyword(to, placed->keyword);
    if (placed->field != AM_NONE)
        fprintf(to->out, " in %s", fields[to->response->request->fields[placed->field].kind]);
    fputs("; ", to->out);
    put_owner(to, placed->ad);
    fputs("\n", to->out);
    if (url.size) {
        fputs("   ", to->out);
        put(to, url);
        fputs("\n", to->out);
    }
}

static void put_slots(const struct people *to) {
    const struct am_match_decision *decision = to->response->decision;
    const struct am_match_request *request = to->response->request;
    const struct am_match_winner *placed = decision->ads;
    for (uint32_t slot = 0; slot < request->slot_count; slot++) {
        if (request->slot_count > 1) {
            fputs("slot ", to->out);
            put(to, request->slots[slot].id);
            fputs("\n", to->out);
        }
        for (uint32_t i = 0; i < decision->slot_filled[slot]; i++)
            put_ad(to, placed++, i + 1);
        if (decision->slot_filled[slot] == 0)
            fputs("no ad\n", to->out);
    }
}

static void put_rejected(const struct people *to) {
    const struct am_match_decision *decision = to->response->decision;
    if (decision->rejected_count)
        fprintf(to->out, "not shown, best first (%llu):\n",
                (unsigned long long)decision->rejected_total);
    for (uint32_t i = 0; i < decision->rejected_count; i++) {
        const struct am_match_rejected *rejected = &decision->rejected[i];
        fputs("   ", to->out);
        put(to, text_of(to, to->image->details[rejected->ad].id));
        fprintf(to->out, ": %s: ", am_gate_meaning(rejected->gate));
        put(to, rejected->detail);
        fputs("\n", to->out);
    }
}

static void put_nearest(const struct people *to, const struct am_match_why *why) {
    fputs("   no keyword reaches it; nearest is its ", to->out);
    put_keyword(to, why->keyword);
    fputs(why->missing_count ? ": the request lacks" : ": its words are there, but not as it asks",
          to->out);
    for (uint32_t i = 0; i < why->missing_count; i++) {
        fputs(i ? ", " : " ", to->out);
        put(to, why->missing[i]);
    }
    fputs("\n", to->out);
}

static void put_why(const struct people *to) {
    const struct am_match_why *why = to->response->decision->why;
    if (!why)
        return;
    fputs("why not ", to->out);
    put(to, to->response->request->why);
    fputs(":\n", to->out);
    if (why->ad == AM_NONE) {
        fputs("   no ad has this id\n", to->out);
        return;
    }
    if (why->placed)
        fputs("   it is shown\n", to->out);
    if (!why->reached && why->keyword != AM_NONE)
        put_nearest(to, why);
    for (int gate = 0; gate < AM_GATES; gate++) {
        fprintf(to->out, "   %-5s %s", why->gates[gate].stops ? "STOPS" : "ok",
                am_gate_name((enum am_gate)gate));
        fputs(why->gates[gate].detail.size ? ": " : "", to->out);
        put(to, why->gates[gate].detail);
        fputs("\n", to->out);
    }
}

bool am_cli_people_write(struct am_cli_output *output,
                         const struct am_image *image,
                         const struct am_api_response *response) {
    const struct people to = {output->stream, image, response};
    if (!response->decision)
        return am_cli_output_line(output, response->body);
    for (uint32_t i = 0; i < response->decision->correction_count; i++) {
        fputs("read as: ", to.out);
        put(&to, response->decision->corrections[i].from);
        fputs(" -> ", to.out);
        put(&to, response->decision->corrections[i].to);
        fputs("\n", to.out);
    }
    put_slots(&to);
    put_rejected(&to);
    put_why(&to);
    return !ferror(output->stream);
}
