/* SPDX-License-Identifier: Apache-2.0 */
#include "values.h"

enum { LETTERS_APART = 2 };

static const char *const devices[] = {
    "mobile", "desktop", "tablet", "tv", "console", "car", "ooh", "watch", "wearable", NULL,
};

static const char *const systems[] = {
    "android",   "ios",        "ipados", "windows", "macos",   "linux", "chromeos",
    "tvos",      "watchos",    "tizen",  "webos",   "fire os", "roku",  "kaios",
    "harmonyos", "blackberry", "ubuntu", "freebsd", NULL,
};

static const char *const browsers[] = {
    "chrome",
    "firefox",
    "safari",
    "edge",
    "opera",
    "samsung internet",
    "internet explorer",
    "brave",
    "vivaldi",
    "chromium",
    "yandex",
    "uc browser",
    "duckduckgo",
    "webview",
    "opera mini",
    NULL,
};

/* Other words for a usual value. */
static const struct {
    enum am_model_attribute attribute;
    const char *value, *meant;
} synonyms[] = {
    {AM_ATTRIBUTE_DEVICE, "phone", "mobile"},
    {AM_ATTRIBUTE_DEVICE, "smartphone", "mobile"},
    {AM_ATTRIBUTE_DEVICE, "mobile phone", "mobile"},
    {AM_ATTRIBUTE_DEVICE, "cellphone", "mobile"},
    {AM_ATTRIBUTE_DEVICE, "cell phone", "mobile"},
    {AM_ATTRIBUTE_DEVICE, "cell", "mobile"},
    {AM_ATTRIBUTE_DEVICE, "handset", "mobile"},
    {AM_ATTRIBUTE_DEVICE, "iphone", "mobile"},
    {AM_ATTRIBUTE_DEVICE, "ipad", "tablet"},
    {AM_ATTRIBUTE_DEVICE, "pc", "desktop"},
    {AM_ATTRIBUTE_DEVICE, "computer", "desktop"},
    {AM_ATTRIBUTE_DEVICE, "laptop", "desktop"},
    {AM_ATTRIBUTE_DEVICE, "notebook", "desktop"},
    {AM_ATTRIBUTE_DEVICE, "ctv", "tv"},
    {AM_ATTRIBUTE_DEVICE, "smart tv", "tv"},
    {AM_ATTRIBUTE_DEVICE, "smarttv", "tv"},
    {AM_ATTRIBUTE_DEVICE, "connected tv", "tv"},
    {AM_ATTRIBUTE_DEVICE, "set-top box", "tv"},
    {AM_ATTRIBUTE_OS, "iphone", "ios"},
    {AM_ATTRIBUTE_OS, "iphone os", "ios"},
    {AM_ATTRIBUTE_OS, "ipad", "ios"},
    {AM_ATTRIBUTE_OS, "mac", "macos"},
    {AM_ATTRIBUTE_OS, "win", "windows"},
    {AM_ATTRIBUTE_OS, "win10", "windows"},
    {AM_ATTRIBUTE_OS, "windows 10", "windows"},
    {AM_ATTRIBUTE_OS, "windows 11", "windows"},
    {AM_ATTRIBUTE_OS, "android os", "android"},
    {AM_ATTRIBUTE_BROWSER, "ie", "internet explorer"},
    {AM_ATTRIBUTE_BROWSER, "google chrome", "chrome"},
    {AM_ATTRIBUTE_BROWSER, "mobile safari", "safari"},
    {AM_ATTRIBUTE_BROWSER, "samsung", "samsung internet"},
    {AM_ATTRIBUTE_BROWSER, "mozilla", "firefox"},
    {AM_ATTRIBUTE_BROWSER, "mozilla firefox", "firefox"},
    {AM_ATTRIBUTE_BROWSER, "microsoft edge", "edge"},
};

static const char *const *values_of(enum am_model_attribute attribute) {
    switch (attribute) {
    case AM_ATTRIBUTE_DEVICE:
        return devices;
    case AM_ATTRIBUTE_OS:
        return systems;
    case AM_ATTRIBUTE_BROWSER:
        return browsers;
    default:
        return NULL;
    }
}

const char *am_model_value_meant(enum am_model_attribute attribute, struct am_view value) {
    const char *const *known = values_of(attribute);
    const char *nearest = NULL;
    unsigned best = LETTERS_APART + 1;
    for (size_t i = 0; i < AM_COUNT_OF(synonyms); i++)
        if (synonyms[i].attribute == attribute &&
            am_model_letters_apart(value, am_view_of(synonyms[i].value)) == 0)
            return synonyms[i].meant;
    for (; known && *known; known++) {
        unsigned apart = am_model_letters_apart(value, am_view_of(*known));
        if (apart == 0)
            return NULL;
        if (apart < best && 2 * apart < value.size) {
            best = apart;
            nearest = *known;
        }
    }
    return nearest;
}
