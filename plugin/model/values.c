/* SPDX-License-Identifier: Apache-2.0 */
#include "values.h"

enum { LETTERS_APART = 2 };

static const char *const devices[] = {
    "mobile", "desktop", "tablet", "tv",       "ctv",    "phone",       "smartphone", "console",
    "car",    "ooh",     "watch",  "wearable", "laptop", "set-top box", NULL,
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
