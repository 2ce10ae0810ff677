/* SPDX-License-Identifier: Apache-2.0 */
#include "meant.h"

#include <stdio.h>
#include <strings.h>

#include "../model/names.h"
#include "cursor.h"
#include "hours.h"

static bool is(struct am_view text, const char *word) {
    return strlen(word) == text.size && strncasecmp(text.data, word, text.size) == 0;
}

/* Whether the list, with bars between its words, has the word. */
static bool lists(const char *words, struct am_view word) {
    while (*words) {
        size_t size = strcspn(words, "|");
        if (size == word.size && strncasecmp(words, word.data, size) == 0)
            return true;
        words += size + (words[size] == '|');
    }
    return false;
}

struct meaning {
    const char *names; /* with bars between them */
    const char *meant;
};

static const char *meaning_of(const struct meaning *meanings, size_t count, struct am_view name) {
    for (size_t i = 0; i < count; i++)
        if (lists(meanings[i].names, name))
            return meanings[i].meant;
    return NULL;
}

/* ---- members ----------------------------------------------------------------------------------
 */

static const struct meaning in_ads[] = {
    {"country|countries|region|metro|city|device|devices|os|browser|site|sites|placement|category|"
     "hour|hours|kv|geo",
     ", it belongs into \"targeting\""},
    {"language", ", that of keywords belongs into the line of type \"inventory\", that of readers "
                 "into \"targeting\""},
    {"currency|stem|spelling|fold_accents|broad_window|match_weight",
     ", it belongs into the line of type \"inventory\""},
    {"match|match_type|matchtype|match-type",
     ", it belongs to a keyword: [shoes] is exact, \"shoes\" with its quotes is a phrase"},
    {"negative|negatives|negative_keyword|exclude_keywords|excluded_keywords",
     ", did you mean \"negative_keywords\"?"},
    {"landing_page|landing_url|landingpage|final_url|finalurl|click_url|clickurl|destination_url|"
     "target_url|link|href",
     ", did you mean \"url\"?"},
    {"max_cpc|maxcpc|cpc|cpm|price|max_bid|bid_price|amount", ", did you mean \"bid\"?"},
    {"pricing_model|price_type|rate_type|bid_type|model", ", did you mean \"pricing\"?"},
    {"title|headline|headlines|description|descriptions|adm|html|image|text|body",
     ", it belongs into \"creative\""},
    {"start_date|startdate|starts|begin|from|valid_from", ", did you mean \"start\"?"},
    {"end_date|enddate|ends|until|valid_to|expires", ", did you mean \"end\"?"},
    {"enabled|active|paused|state", ", did you mean \"status\":\"active\" or \"paused\"?"},
    {"width|height|w|h|format", ", did you mean \"sizes\":[\"300x250\"]?"},
    {"adomain|advertiser_domain", ", did you mean \"domain\"?"},
    {"advertiser_id|account|client|brand", ", did you mean \"advertiser\"?"},
    {"cat|iab|iab_categories", ", did you mean \"categories\"?"},
};

static const char *const of_ads = "bid|pricing|ctr|quality|sizes|keywords|url|creative|campaign";

static const struct meaning in_keywords[] = {
    {"match_type|matchtype|type|match-type", ", did you mean \"match\"?"},
    {"keyword|phrase|term|word|words", ", did you mean \"text\"?"},
    {"max_cpc|maxcpc|cpc|price", ", did you mean \"bid\"?"},
    {"is_negative|exclude|negate", ", did you mean \"negative\"?"},
    {"url|final_url|landing_page", ", which is the ad's alone"},
};

static const struct meaning in_targeting[] = {
    {"size|sizes|keywords|bid|url|start|end|status|timezone|labels", ", it is a member of the ad"},
    {"geo|geo_country|country_code|location|locations", ", did you mean \"country\"?"},
    {"state|province", ", did you mean \"region\"?"},
    {"dma", ", did you mean \"metro\"?"},
    {"domain|domains|page_domain|publisher", ", did you mean \"site\"?"},
    {"platform|device_type|devicetype", ", did you mean \"device\"?"},
    {"operating_system|osname", ", did you mean \"os\"?"},
    {"time|times|schedule|daypart|dayparting", ", did you mean \"hours\"?"},
    {"exclude|none|nor", ", did you mean \"not\"?"},
    {"and", ", did you mean \"all\"?"},
    {"or", ", did you mean \"any\"?"},
};

const char *am_inventory_meant_member(enum am_inventory_object object, struct am_view name) {
    switch (object) {
    case AM_OBJECT_KEYWORD:
        return meaning_of(in_keywords, AM_COUNT_OF(in_keywords), name);
    case AM_OBJECT_TARGETING:
        if (name.size > 3 && memcmp(name.data, "kv.", 3) == 0)
            return ", did you mean \"kv\":{\"name\":[\"value\"]}?";
        return meaning_of(in_targeting, AM_COUNT_OF(in_targeting), name);
    case AM_OBJECT_INVENTORY:
        if (is(name, "lang"))
            return ", did you mean \"language\"?";
        return lists(of_ads, name) ? ", it belongs to ads" : NULL;
    default:
        if (object == AM_OBJECT_CAMPAIGN && lists(of_ads, name))
            return ", it belongs to the campaign's ads";
        return meaning_of(in_ads, AM_COUNT_OF(in_ads), name);
    }
}

/* ---- languages and currencies -----------------------------------------------------------------
 */

static const struct meaning languages[] = {
    {"ar|العربية", "ar"},
    {"català|catala", "ca"},
    {"čeština|cestina|česky|cesky|cz", "cs"},
    {"dansk|dk", "da"},
    {"deutsch|at", "de"},
    {"ελληνικά|gr", "el"},
    {"us|gb", "en"},
    {"español|espanol|castellano", "es"},
    {"suomi", "fi"},
    {"français|francais", "fr"},
    {"עברית", "he"},
    {"हिन्दी", "hi"},
    {"magyar", "hu"},
    {"bahasa|bahasa indonesia", "id"},
    {"italiano", "it"},
    {"日本語|japanese|jp|jpn", "ja"},
    {"한국어|korean|kr|kor", "ko"},
    {"nederlands|vlaams", "nl"},
    {"norsk|bokmål|bokmal", "no"},
    {"polski|polish", "pl"},
    {"português|portugues", "pt"},
    {"română|romana", "ro"},
    {"русский", "ru"},
    {"svenska", "sv"},
    {"ไทย|thai", "th"},
    {"türkçe|turkce", "tr"},
    {"українська|ua|ukrainian", "uk"},
    {"tiếng việt|vietnamese|vn", "vi"},
    {"中文|汉语|漢語|chinese|cn|zho", "zh"},
};

const char *am_inventory_meant_language(struct am_view name) {
    return meaning_of(languages, AM_COUNT_OF(languages), name);
}

struct am_view am_inventory_meant_currency(struct am_view name, char memory[AM_MEANT_CURRENCY]) {
    static const struct meaning currencies[] = {
        {"euro|euros|€", "EUR"},   {"dollar|dollars|$|us$", "USD"},
        {"pound|pounds|£", "GBP"}, {"yen|¥", "JPY"},
        {"franc|francs", "CHF"},   {"rupee|rupees|₹", "INR"},
        {"złoty|zloty|zł", "PLN"}, {"lira|₺", "TRY"},
        {"real|r$", "BRL"},
    };
    const char *meant = meaning_of(currencies, AM_COUNT_OF(currencies), name);
    if (meant)
        return am_view_of(meant);
    if (name.size != AM_MEANT_CURRENCY)
        return (struct am_view){"", 0};
    for (size_t i = 0; i < AM_MEANT_CURRENCY; i++) {
        char letter = (char)(name.data[i] & ~0x20);
        if (letter < 'A' || letter > 'Z')
            return (struct am_view){"", 0};
        memory[i] = letter;
    }
    return (struct am_view){memory, AM_MEANT_CURRENCY};
}

/* ---- spreadsheets -----------------------------------------------------------------------------
 */

bool am_inventory_is_spreadsheet_error(struct am_view text) {
    static const char *const errors =
        "#N/A|#NAME?|#REF!|#VALUE!|#DIV/0!|#NULL!|#NUM!|#ERROR!|#SPILL!|#CALC!|#FIELD!|#BLOCKED!|"
        "#CONNECT!|#UNKNOWN!|#GETTING_DATA|#NV|#BEZUG!|#WERT!|#ZAHL!|#NOM?|#VALEUR!|#NOMBRE!|"
        "#VALOR!|#¡REF!|#¡VALOR!|#¿NOMBRE?|#¡DIV/0!|#RIF!|#NOME?|#VALORE!";
    return text.size && text.data[0] == '#' && lists(errors, text);
}

/* ---- hours ------------------------------------------------------------------------------------
 */

static void skip_spaces(struct am_inventory_cursor *rest) {
    while (am_inventory_skip(rest, " ") || am_inventory_skip(rest, "\u00a0"))
        continue;
}

/* What stands for a hyphen between two ends. */
static bool skip_dash(struct am_inventory_cursor *rest) {
    static const char *const dashes[] = {"-", "–", "—", "−", "‑", "to ", "bis ", "until "};
    struct am_inventory_cursor ahead = *rest;
    skip_spaces(&ahead);
    for (size_t i = 0; i < AM_COUNT_OF(dashes); i++)
        if (am_inventory_skip(&ahead, dashes[i])) {
            skip_spaces(&ahead);
            *rest = ahead;
            return true;
        }
    return false;
}

/* Three letters of a day that is written in full, by three or by two letters; NULL: none. */
static const char *take_day(struct am_inventory_cursor *rest) {
    static const char *const days[] = {"monday", "tuesday",  "wednesday", "thursday",
                                       "friday", "saturday", "sunday"};
    size_t size = 0;
    while (rest->at + size < rest->end && (rest->at[size] | 0x20) >= 'a' &&
           (rest->at[size] | 0x20) <= 'z')
        size++;
    for (size_t i = 0; size >= 2 && i < AM_COUNT_OF(days); i++)
        if (size <= strlen(days[i]) && strncasecmp(days[i], rest->at, size) == 0) {
            rest->at += size;
            return days[i];
        }
    return NULL;
}

/* A number of at most two digits; -1: none. */
static int take_number(struct am_inventory_cursor *rest) {
    int number = -1;
    for (int i = 0; i < 2 && rest->at < rest->end && *rest->at >= '0' && *rest->at <= '9'; i++)
        number = (number < 0 ? 0 : number * 10) + *rest->at++ - '0';
    return number;
}

/* "9", "9:30", "09.30", "9h", "9h30", "9am", "6 pm", as minutes of a day; -1: none. */
static int take_time(struct am_inventory_cursor *rest) {
    int hour = take_number(rest), minute = 0;
    if (hour < 0)
        return -1;
    if (am_inventory_skip(rest, ":") || am_inventory_skip(rest, "."))
        minute = take_number(rest);
    else if (am_inventory_skip(rest, "h") && (minute = take_number(rest)) < 0)
        minute = 0;
    struct am_inventory_cursor ahead = *rest;
    skip_spaces(&ahead);
    if (am_inventory_skip(&ahead, "am") || am_inventory_skip(&ahead, "pm")) {
        bool afternoon = (ahead.at[-2] | 0x20) == 'p';
        *rest = ahead;
        hour = hour % 12 + (afternoon ? 12 : 0);
    } else if (am_inventory_skip(&ahead, "uhr") || am_inventory_skip(&ahead, "h")) {
        *rest = ahead;
    }
    return minute < 0 || minute > 59 ? -1 : hour * 60 + minute;
}

/* The days, as "mon-fri"; without any all of them. */
static void take_days(struct am_inventory_cursor *rest, char days[8]) {
    const char *first = NULL, *last = NULL;
    if (am_inventory_skip(rest, "weekdays") || am_inventory_skip(rest, "weekday"))
        first = "mon", last = "fri";
    else if (am_inventory_skip(rest, "weekends") || am_inventory_skip(rest, "weekend"))
        first = "sat", last = "sun";
    else if (am_inventory_skip(rest, "daily") || am_inventory_skip(rest, "every day"))
        first = NULL;
    else if ((first = take_day(rest)) && skip_dash(rest))
        last = take_day(rest);
    strcpy(days, "mon-sun");
    if (first)
        memcpy(days, first, 3);
    if (last)
        memcpy(days + 4, last, 3);
    else if (first)
        days[3] = '\0';
    while (am_inventory_skip(rest, ",") || am_inventory_skip(rest, ":"))
        continue;
    skip_spaces(rest);
}

struct am_view am_inventory_meant_hours(struct am_view text, char memory[AM_MEANT_SIZE]) {
    struct am_inventory_cursor rest = am_inventory_cursor_of(text);
    struct am_inventory_week week = {0};
    char days[8];
    skip_spaces(&rest);
    take_days(&rest, days);
    int begin = take_time(&rest);
    int end = begin >= 0 && skip_dash(&rest) ? take_time(&rest) : -1;
    skip_spaces(&rest);
    if (end < 0 || rest.at != rest.end)
        return (struct am_view){"", 0};
    snprintf(memory, AM_MEANT_SIZE, "%s %02d:%02d-%02d:%02d", days, begin / 60 % 100, begin % 60,
             end / 60 % 100, end % 60);
    struct am_view meant = am_view_of(memory);
    return am_inventory_week_add(&week, meant) ? meant : (struct am_view){"", 0};
}

/* ---- sizes ------------------------------------------------------------------------------------
 */

static unsigned take_pixels(struct am_inventory_cursor *rest) {
    unsigned pixels = 0;
    for (; rest->at < rest->end && *rest->at >= '0' && *rest->at <= '9' && pixels < 100000;
         rest->at++)
        pixels = pixels * 10 + (unsigned)(*rest->at - '0');
    skip_spaces(rest);
    am_inventory_skip(rest, "px");
    return pixels;
}

struct am_view am_inventory_meant_size(struct am_view text, char memory[AM_MEANT_SIZE]) {
    struct am_inventory_cursor rest = am_inventory_cursor_of(text);
    skip_spaces(&rest);
    unsigned width = take_pixels(&rest);
    skip_spaces(&rest);
    bool times = am_inventory_skip(&rest, "x") || am_inventory_skip(&rest, "×") ||
                 am_inventory_skip(&rest, "*") || am_inventory_skip(&rest, "/") ||
                 am_inventory_skip(&rest, "by ");
    skip_spaces(&rest);
    unsigned height = take_pixels(&rest);
    skip_spaces(&rest);
    snprintf(memory, AM_MEANT_SIZE, "%ux%u", width, height);
    struct am_view meant = am_view_of(memory);
    return times && rest.at == rest.end && am_model_size_parse(meant) ? meant
                                                                      : (struct am_view){"", 0};
}

/* ---- time zones -------------------------------------------------------------------------------
 */

/* Without case, with spaces for underscores. */
static bool is_same_zone(struct am_view zone, struct am_view name) {
    for (size_t i = 0; i < zone.size && zone.size == name.size; i++) {
        char given = name.data[i] == ' ' ? '_' : name.data[i];
        if (strncasecmp(&zone.data[i], &given, 1) != 0)
            return false;
    }
    return zone.size == name.size;
}

static struct am_view city_of(struct am_view zone) {
    const char *slash = memrchr(zone.data, '/', zone.size);
    size_t before = slash ? (size_t)(slash - zone.data) + 1 : 0;
    return (struct am_view){zone.data + before, zone.size - before};
}

static struct am_view area_of(struct am_view zone) {
    const char *slash = memchr(zone.data, '/', zone.size);
    return (struct am_view){zone.data, slash ? (size_t)(slash - zone.data) : 0};
}

struct am_view am_inventory_meant_timezone(const struct am_timezones *zones, struct am_view name) {
    static const struct meaning abbreviations[] = {
        {"PST|PDT|PT|Pacific", "America/Los_Angeles"},
        {"EDT|ET|Eastern", "America/New_York"},
        {"CST|CDT|Central", "America/Chicago"},
        {"MDT|Mountain", "America/Denver"},
        {"CEST|MEZ|MESZ", "Europe/Berlin"},
        {"BST", "Europe/London"},
        {"IST", "Asia/Kolkata"},
        {"JST", "Asia/Tokyo"},
        {"MSK", "Europe/Moscow"},
        {"AEST|AEDT", "Australia/Sydney"},
        {"Z|GMT+0|+00:00|UTC+0", "UTC"},
    };
    uint32_t count = am_timezones_count(zones);
    struct am_view meant = {"", 0};
    for (uint32_t i = 0; i < count; i++)
        if (is_same_zone(am_timezones_name(zones, i), name))
            return am_timezones_name(zones, i);
    const char *known = meaning_of(abbreviations, AM_COUNT_OF(abbreviations), name);
    if (known)
        return am_view_of(known);
    for (uint32_t i = 0; i < count && !meant.size; i++) {
        struct am_view zone = am_timezones_name(zones, i);
        if (!is_same_zone(area_of(zone), AM_VIEW("Etc")) && /* its signs are the other way round */
            is_same_zone(city_of(zone), name))
            meant = zone;
    }
    return meant;
}
