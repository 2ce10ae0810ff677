/* SPDX-License-Identifier: Apache-2.0 */
/* The members of bid requests that are read: the one table of them, for the readers and for the
 * counters of odd ones.
 *
 *   MEMBER(ID, label)
 *
 * ID     enum am_openrtb_member_id has AM_OPENRTB_ID
 * label  as metrics and documents name it: the object, a dot, the member's name. Objects that stand
 *        in several places (content, geo, regs.ext) have one label.
 */
#ifndef AM_API_OPENRTB_MEMBERS_H
#define AM_API_OPENRTB_MEMBERS_H

#include <stdint.h>

#define AM_OPENRTB_MEMBER_TABLE(MEMBER)                                                            \
    MEMBER(REQUEST, "request")                                                                     \
    MEMBER(ID, "id")                                                                               \
    MEMBER(IMP, "imp")                                                                             \
    MEMBER(SITE, "site")                                                                           \
    MEMBER(APP, "app")                                                                             \
    MEMBER(DOOH, "dooh")                                                                           \
    MEMBER(DEVICE, "device")                                                                       \
    MEMBER(USER, "user")                                                                           \
    MEMBER(REGS, "regs")                                                                           \
    MEMBER(CUR, "cur")                                                                             \
    MEMBER(CATTAX, "cattax")                                                                       \
    MEMBER(WLANGB, "wlangb")                                                                       \
    MEMBER(WLANG, "wlang")                                                                         \
    MEMBER(ACAT, "acat")                                                                           \
    MEMBER(BCAT, "bcat")                                                                           \
    MEMBER(BADV, "badv")                                                                           \
    MEMBER(BAPP, "bapp")                                                                           \
    MEMBER(BSEAT, "bseat")                                                                         \
    MEMBER(WSEAT, "wseat")                                                                         \
    MEMBER(TEST, "test")                                                                           \
    MEMBER(EXT, "ext")                                                                             \
    MEMBER(EXT_ADMATCH, "ext.admatch")                                                             \
    MEMBER(EXT_TEXT, "ext.admatch.text")                                                           \
    MEMBER(EXT_KV, "ext.admatch.kv")                                                               \
    MEMBER(EXT_EXPLAIN, "ext.admatch.explain")                                                     \
    MEMBER(EXT_UNIQUE, "ext.admatch.unique")                                                       \
    MEMBER(IMP_ID, "imp.id")                                                                       \
    MEMBER(IMP_BANNER, "imp.banner")                                                               \
    MEMBER(IMP_BIDFLOOR, "imp.bidfloor")                                                           \
    MEMBER(IMP_BIDFLOORCUR, "imp.bidfloorcur")                                                     \
    MEMBER(IMP_PMP, "imp.pmp")                                                                     \
    MEMBER(IMP_SECURE, "imp.secure")                                                               \
    MEMBER(IMP_INSTL, "imp.instl")                                                                 \
    MEMBER(IMP_TAGID, "imp.tagid")                                                                 \
    MEMBER(BANNER_W, "banner.w")                                                                   \
    MEMBER(BANNER_H, "banner.h")                                                                   \
    MEMBER(BANNER_FORMAT, "banner.format")                                                         \
    MEMBER(BANNER_BATTR, "banner.battr")                                                           \
    MEMBER(BANNER_BTYPE, "banner.btype")                                                           \
    MEMBER(BANNER_MIMES, "banner.mimes")                                                           \
    MEMBER(BANNER_API, "banner.api")                                                               \
    MEMBER(BANNER_POS, "banner.pos")                                                               \
    MEMBER(IMP_VIDEO, "imp.video")                                                                 \
    MEMBER(IMP_NATIVE, "imp.native")                                                               \
    MEMBER(NATIVE_REQUEST, "native.request")                                                       \
    MEMBER(NATIVE_BATTR, "native.battr")                                                           \
    MEMBER(VIDEO_MIMES, "video.mimes")                                                             \
    MEMBER(VIDEO_MINDURATION, "video.minduration")                                                 \
    MEMBER(VIDEO_MAXDURATION, "video.maxduration")                                                 \
    MEMBER(VIDEO_PROTOCOLS, "video.protocols")                                                     \
    MEMBER(VIDEO_LINEARITY, "video.linearity")                                                     \
    MEMBER(VIDEO_BATTR, "video.battr")                                                             \
    MEMBER(VIDEO_API, "video.api")                                                                 \
    MEMBER(VIDEO_POS, "video.pos")                                                                 \
    MEMBER(FORMAT_W, "format.w")                                                                   \
    MEMBER(FORMAT_H, "format.h")                                                                   \
    MEMBER(PMP_PRIVATE, "pmp.private_auction")                                                     \
    MEMBER(SITE_ID, "site.id")                                                                     \
    MEMBER(SITE_PUBLISHER, "site.publisher")                                                       \
    MEMBER(SITE_DOMAIN, "site.domain")                                                             \
    MEMBER(SITE_PAGE, "site.page")                                                                 \
    MEMBER(SITE_SEARCH, "site.search")                                                             \
    MEMBER(SITE_KEYWORDS, "site.keywords")                                                         \
    MEMBER(SITE_KWARRAY, "site.kwarray")                                                           \
    MEMBER(SITE_CAT, "site.cat")                                                                   \
    MEMBER(SITE_SECTIONCAT, "site.sectioncat")                                                     \
    MEMBER(SITE_PAGECAT, "site.pagecat")                                                           \
    MEMBER(SITE_CONTENT, "site.content")                                                           \
    MEMBER(APP_ID, "app.id")                                                                       \
    MEMBER(APP_PUBLISHER, "app.publisher")                                                         \
    MEMBER(APP_BUNDLE, "app.bundle")                                                               \
    MEMBER(APP_DOMAIN, "app.domain")                                                               \
    MEMBER(APP_NAME, "app.name")                                                                   \
    MEMBER(APP_KEYWORDS, "app.keywords")                                                           \
    MEMBER(APP_KWARRAY, "app.kwarray")                                                             \
    MEMBER(APP_CAT, "app.cat")                                                                     \
    MEMBER(APP_SECTIONCAT, "app.sectioncat")                                                       \
    MEMBER(APP_PAGECAT, "app.pagecat")                                                             \
    MEMBER(APP_CONTENT, "app.content")                                                             \
    MEMBER(DOOH_DOMAIN, "dooh.domain")                                                             \
    MEMBER(DOOH_KEYWORDS, "dooh.keywords")                                                         \
    MEMBER(DOOH_CONTENT, "dooh.content")                                                           \
    MEMBER(PUBLISHER_ID, "publisher.id")                                                           \
    MEMBER(CONTENT_TITLE, "content.title")                                                         \
    MEMBER(CONTENT_URL, "content.url")                                                             \
    MEMBER(CONTENT_KEYWORDS, "content.keywords")                                                   \
    MEMBER(CONTENT_KWARRAY, "content.kwarray")                                                     \
    MEMBER(CONTENT_CAT, "content.cat")                                                             \
    MEMBER(CONTENT_LANGUAGE, "content.language")                                                   \
    MEMBER(CONTENT_LANGB, "content.langb")                                                         \
    MEMBER(DEVICE_GEO, "device.geo")                                                               \
    MEMBER(DEVICE_DEVICETYPE, "device.devicetype")                                                 \
    MEMBER(DEVICE_OS, "device.os")                                                                 \
    MEMBER(DEVICE_LANGUAGE, "device.language")                                                     \
    MEMBER(DEVICE_IP, "device.ip")                                                                 \
    MEMBER(DEVICE_IPV6, "device.ipv6")                                                             \
    MEMBER(DEVICE_UA, "device.ua")                                                                 \
    MEMBER(DEVICE_LANGB, "device.langb")                                                           \
    MEMBER(DEVICE_DNT, "device.dnt")                                                               \
    MEMBER(DEVICE_LMT, "device.lmt")                                                               \
    MEMBER(GEO_COUNTRY, "geo.country")                                                             \
    MEMBER(GEO_REGION, "geo.region")                                                               \
    MEMBER(GEO_METRO, "geo.metro")                                                                 \
    MEMBER(GEO_CITY, "geo.city")                                                                   \
    MEMBER(REGS_COPPA, "regs.coppa")                                                               \
    MEMBER(REGS_GDPR, "regs.gdpr")                                                                 \
    MEMBER(REGS_US_PRIVACY, "regs.us_privacy")                                                     \
    MEMBER(REGS_GPP, "regs.gpp")                                                                   \
    MEMBER(REGS_GPC, "regs.gpc")                                                                   \
    MEMBER(REGS_DSA, "regs.dsa")                                                                   \
    MEMBER(DSA_REQUIRED, "dsa.dsarequired")                                                        \
    MEMBER(REGS_EXT, "regs.ext")                                                                   \
    MEMBER(USER_GEO, "user.geo")                                                                   \
    MEMBER(USER_KEYWORDS, "user.keywords")                                                         \
    MEMBER(USER_KWARRAY, "user.kwarray")

#define AM_OPENRTB_MEMBER_ID(ID, label) AM_OPENRTB_##ID,
enum am_openrtb_member_id { AM_OPENRTB_MEMBER_TABLE(AM_OPENRTB_MEMBER_ID) AM_OPENRTB_MEMBERS };
#undef AM_OPENRTB_MEMBER_ID

/* "imp.bidfloor". */
const char *am_openrtb_member_label(enum am_openrtb_member_id id);

/* A set of members: those of one request that were odd. */
struct am_openrtb_member_set {
    uint64_t words[(AM_OPENRTB_MEMBERS + 63) / 64];
};

#endif
