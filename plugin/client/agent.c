/* SPDX-License-Identifier: Apache-2.0 */
/* Agents pretend to be older ones ("Mozilla", "like Gecko", "Safari"), so order decides: of each
 * table the first row counts whose mark is in the agent. A new browser is a row above the one that
 * it pretends to be. */
#include "agent.h"

enum { AGENT_MAX_BYTES = 2048 };

struct row {
    const char *mark; /* bytes of the agent, case as agents have it */
    const char *also; /* a second mark that must be there, too; NULL: none */
    const char *name; /* NULL: not known */
};

static const struct row systems[] = {
    {"Windows Phone", NULL, "windows phone"},
    {"wds ", "UCWEB", "windows phone"},
    {"Xbox", NULL, "xbox"},
    {"XBOX", NULL, "xbox"},
    {"PlayStation", NULL, "playstation"},
    {"PLAYSTATION", NULL, "playstation"},
    {"Nintendo", NULL, "nintendo"},
    {"Windows", NULL, "windows"},
    {"CrOS", NULL, "chromeos"},
    {"Web0S", NULL, "webos"},
    {"webOS", NULL, "webos"},
    {"hpwOS", NULL, "webos"},
    {"Tizen", NULL, "tizen"},
    {"KAIOS", NULL, "kaios"},
    {"KaiOS", NULL, "kaios"},
    {"OpenHarmony", NULL, "harmonyos"},
    {"HarmonyOS", NULL, "harmonyos"},
    {"Roku", NULL, "roku"},
    {"AppleTV", NULL, "tvos"},
    {"Apple TV", NULL, "tvos"},
    {"tvOS", NULL, "tvos"},
    {"BlackBerry", NULL, "blackberry"},
    {"BB10", NULL, "blackberry"},
    {"PlayBook", NULL, "blackberry"},
    {"Symbian", NULL, "symbian"},
    {"SymbOS", NULL, "symbian"},
    {"Series60", NULL, "symbian"},
    {"iPhone", NULL, "ios"},
    {"iPad", NULL, "ios"},
    {"iPod", NULL, "ios"},
    {"iPh OS", NULL, "ios"},
    {"iOS", NULL, "ios"},
    {"CFNetwork", "x86_64", "macos"},
    {"CFNetwork", "i386", "macos"},
    {"CFNetwork", "Macintosh", "macos"},
    {"CFNetwork", NULL, "ios"},
    {"Android", NULL, "android"},
    {"Adr ", NULL, "android"},
    {"Andr0id", NULL, "android"}, /* of boxes under a TV */
    {"Silk/", NULL, "android"},
    {"OculusBrowser", NULL, "android"},
    {"Macintosh", NULL, "macos"},
    {"Mac OS X", NULL, "macos"},
    {"Mac_PowerPC", NULL, "macos"},
    {"Darwin", NULL, "macos"},
    {"FreeBSD", NULL, "freebsd"},
    {"OpenBSD", NULL, "openbsd"},
    {"NetBSD", NULL, "netbsd"},
    {"Linux", NULL, "linux"},
    {"Ubuntu", NULL, "linux"},
    {"X11", NULL, "linux"},
    {NULL, NULL, NULL},
};

static const struct row browsers[] = {
    {"Edg", NULL, "edge"}, /* Edge/, Edg/, EdgA/, EdgiOS/ */
    {"OPR/", NULL, "opera"},
    {"OPT/", NULL, "opera"},
    {"OPX/", NULL, "opera"},
    {"OPiOS/", NULL, "opera"},
    {"Opera", NULL, "opera"},
    {"SamsungBrowser/", NULL, "samsung"},
    {"YaBrowser/", NULL, "yandex"},
    {"YaApp", NULL, "yandex"},
    {"Vivaldi/", NULL, "vivaldi"},
    {"DuckDuckGo/", NULL, "duckduckgo"},
    {"Ddg/", NULL, "duckduckgo"},
    {"UCBrowser", NULL, "uc"},
    {"UCMobile/", NULL, "uc"},
    {"UC Browser", NULL, "uc"},
    {"UCWEB", NULL, "uc"},
    {"UBrowser/", NULL, "uc"},
    {"MiuiBrowser/", NULL, "miui"},
    {"HuaweiBrowser/", NULL, "huawei"},
    {"HeyTapBrowser/", NULL, "heytap"},
    {"VivoBrowser/", NULL, "vivo"},
    {"MQQBrowser/", NULL, "qq"},
    {"QQBrowser/", NULL, "qq"},
    {"MicroMessenger/", NULL, "wechat"},
    {"baidubrowser", NULL, "baidu"},
    {"BIDUBrowser", NULL, "baidu"},
    {"baiduboxapp", NULL, "baidu"},
    {"Instagram", NULL, "instagram"},
    {"FBAN/", NULL, "facebook"},
    {"FBAV/", NULL, "facebook"},
    {"Snapchat/", NULL, "snapchat"},
    {"Whale/", NULL, "whale"},
    {"Maxthon", NULL, "maxthon"},
    {"Silk/", NULL, "silk"},
    {"Puffin/", NULL, "puffin"},
    {"Seamonkey/", NULL, "seamonkey"},
    {"SeaMonkey/", NULL, "seamonkey"},
    {"PaleMoon/", NULL, "pale moon"},
    {"Epiphany/", NULL, "epiphany"},
    {"Konqueror/", NULL, "konqueror"},
    {"coc_coc_browser/", NULL, "coc coc"},
    {"Sleipnir/", NULL, "sleipnir"},
    {"GSA/", NULL, "google app"},
    {"FxiOS/", NULL, "firefox"},
    {"Focus/", NULL, "firefox"},
    {"Klar/", NULL, "firefox"},
    {"Firefox/", NULL, "firefox"},
    {"IEMobile", NULL, "internet explorer"},
    {"MSIE", NULL, "internet explorer"},
    {"Trident/", NULL, "internet explorer"},
    {"BlackBerry", NULL, "blackberry"},
    {"BB10", NULL, "blackberry"},
    {"PlayBook", NULL, "blackberry"},
    {"CriOS/", NULL, "chrome"},
    {"CrMo/", NULL, "chrome"},
    {"Version/", "Chrome/", "android webview"},
    {"; wv)", NULL, "android webview"},
    {"Chrome/", NULL, "chrome"},
    {"Chromium/", NULL, "chrome"},
    {"Safari/", "Android", "android"},
    {"AppleWebKit/", "Android", "android"},
    {"Safari/", NULL, "safari"},
    {"Mobile/", "AppleWebKit/", "safari"}, /* an app's view of a page */
    {NULL, NULL, NULL},
};

static const struct row devices[] = {
    {"SmartTV", NULL, "tv"},
    {"SMART-TV", NULL, "tv"},
    {"Smart-TV", NULL, "tv"},
    {"Smart TV", NULL, "tv"},
    {"GoogleTV", NULL, "tv"},
    {"Google TV", NULL, "tv"},
    {"Android TV", NULL, "tv"},
    {"AndroidTV", NULL, "tv"},
    {"AppleTV", NULL, "tv"},
    {"Apple TV", NULL, "tv"},
    {"HbbTV", NULL, "tv"},
    {"HBBTV", NULL, "tv"},
    {"WebTV", NULL, "tv"},
    {"Andr0id", NULL, "tv"},
    {"MIBOX", NULL, "tv"},
    {"OUYA", NULL, "tv"},
    {"SHIELD", NULL, "tv"},
    {"BRAVIA", NULL, "tv"},
    {"NetCast", NULL, "tv"},
    {"Web0S", NULL, "tv"},
    {"VIERA", NULL, "tv"},
    {"Viera", NULL, "tv"},
    {"DTV", NULL, "tv"},
    {"Roku", NULL, "tv"},
    {"CrKey", NULL, "tv"},
    {"AFT", "Android", "tv"}, /* sticks and boxes of Fire TV */
    {"MiTV", NULL, "tv"},
    {"TV Box", NULL, "tv"},
    {"TV;", NULL, "tv"},
    {" TV ", NULL, "tv"},
    {"TV Build", NULL, "tv"},
    {"PlayStation Portable", NULL, "mobile"},
    {"PlayStation Vita", NULL, "mobile"},
    {"Nintendo 3DS", NULL, "mobile"},
    {"PlayStation", NULL, "tv"},
    {"PLAYSTATION", NULL, "tv"},
    {"Playstation", NULL, "tv"},
    {"Xbox", NULL, "tv"},
    {"XBOX", NULL, "tv"},
    {"Nintendo", NULL, "tv"},
    {"iPad", NULL, "tablet"},
    {"PlayBook", NULL, "tablet"},
    {"Tablet PC", "Windows NT", "desktop"}, /* Windows with a pen */
    {"Tablet", NULL, "tablet"},
    {"tablet", NULL, "tablet"},
    {"TouchPad", NULL, "tablet"},
    {"Kindle", NULL, "tablet"},
    {"Silk/", NULL, "tablet"},
    {"SM-T", NULL, "tablet"},
    {"SM-X", NULL, "tablet"},
    {"GT-P", NULL, "tablet"},
    {"Nexus 7", NULL, "tablet"},
    {"Nexus 9", NULL, "tablet"},
    {"Nexus 10", NULL, "tablet"},
    {"Lenovo TB", NULL, "tablet"},
    {"Lenovo YT", NULL, "tablet"},
    {"MediaPad", NULL, "tablet"},
    {"MatePad", NULL, "tablet"},
    {"Pad ", "Android", "tablet"},
    {"TAB", "Android", "tablet"},
    {"Tab ", "Android", "tablet"},
    {"iPhone", NULL, "mobile"},
    {"iPod", NULL, "mobile"},
    {"Mobi", NULL, "mobile"},
    {"Opera Mini", NULL, "mobile"},
    {"Windows Phone", NULL, "mobile"},
    {"BlackBerry", NULL, "mobile"},
    {"Symb", NULL, "mobile"},
    {"Series60", NULL, "mobile"},
    {"Nokia", NULL, "mobile"},
    {"MIDP", NULL, "mobile"},
    {"Profile/", NULL, "mobile"},
    {"UP.Browser", NULL, "mobile"},
    {"WAP", NULL, "mobile"},
    {"Maemo", NULL, "mobile"},
    {"Lumia", NULL, "mobile"},
    {"UCWEB", NULL, "mobile"},
    {"webOS/", NULL, "mobile"},
    {"Phone", NULL, "mobile"},
    {"CrOS", NULL, "desktop"},
    {"Windows", NULL, "desktop"},
    {"Macintosh", NULL, "desktop"},
    {"Android", NULL, "tablet"}, /* phones say Mobile */
    {"X11", NULL, "desktop"},
    {"Linux", NULL, "desktop"},
    {"Darwin", NULL, "desktop"},
    {NULL, NULL, NULL},
};

/* Sec-CH-UA-Platform, without its quotes. */
static const struct row platforms[] = {
    {"Android", NULL, "android"},      {"Chrome OS", NULL, "chromeos"},
    {"Chromium OS", NULL, "chromeos"}, {"iOS", NULL, "ios"},
    {"macOS", NULL, "macos"},          {"Windows", NULL, "windows"},
    {"Linux", NULL, "linux"},          {NULL, NULL, NULL},
};

static bool has(struct am_view text, const char *mark) {
    return memmem(text.data, text.size, mark, strlen(mark)) != NULL;
}

static const char *find(const struct row *rows, struct am_view agent) {
    while (rows->mark && !(has(agent, rows->mark) && (!rows->also || has(agent, rows->also))))
        rows++;
    return rows->name;
}

/* Chromium's hint says of a tablet that it is not mobile, as the agent of one does. */
struct am_client_agent
am_client_agent_read(struct am_view agent, struct am_view mobile, struct am_view platform) {
    struct am_client_agent found = {NULL, NULL, NULL};
    if (agent.size > AGENT_MAX_BYTES)
        agent.size = AGENT_MAX_BYTES;
    if (agent.size)
        found = (struct am_client_agent){find(devices, agent), find(systems, agent),
                                         find(browsers, agent)};
    const char *hinted = platform.size ? find(platforms, platform) : NULL;
    if (hinted)
        found.os = hinted;
    if (am_view_equal(mobile, AM_VIEW("?1")))
        found.device = "mobile";
    else if (!found.device && am_view_equal(mobile, AM_VIEW("?0")))
        found.device = "desktop";
    return found;
}
