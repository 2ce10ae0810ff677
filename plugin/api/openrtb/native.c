/* SPDX-License-Identifier: Apache-2.0 */
#include "native.h"

#include "../../base/decimal.h"

/* Numbers of the Native Ads API, sections 7.3 and 7.4. */
enum { IMAGE_ICON = 1, IMAGE_LOGO = 2 };
enum { DATA_SPONSORED = 1, DATA_DESCRIPTION = 2, DATA_CALL = 12 };

static int64_t
whole_of(const struct am_json *native, const struct am_json_node *object, const char *name) {
    const struct am_json_node *value = am_json_member(native, object, name);
    int64_t whole;
    return value && value->type == AM_JSON_NUMBER &&
                   am_decimal_parse(am_json_raw(native, value), 0, &whole, NULL) == AM_OK
               ? whole
               : 0;
}

const struct am_json_node *am_openrtb_assets(const struct am_json *native) {
    const struct am_json_node *root = native->nodes;
    const struct am_json_node *inside = am_json_member(native, root, "native");
    const struct am_json_node *list = am_json_member(native, inside ? inside : root, "assets");
    return list && list->type == AM_JSON_ARRAY ? list : NULL;
}

static uint8_t kind_of_image(int64_t type) {
    return type == IMAGE_ICON || type == IMAGE_LOGO ? AM_ASSET_ICON : AM_ASSET_IMAGE;
}

static uint8_t kind_of_data(int64_t type) {
    switch (type) {
    case DATA_SPONSORED:
        return AM_ASSET_SPONSORED;
    case DATA_DESCRIPTION:
        return AM_ASSET_TEXT;
    case DATA_CALL:
        return AM_ASSET_CALL;
    default:
        return 0;
    }
}

bool am_openrtb_asset_read(const struct am_json *native,
                           const struct am_json_node *object,
                           struct am_openrtb_asset *asset) {
    const struct am_json_node *title = am_json_member(native, object, "title");
    const struct am_json_node *image = am_json_member(native, object, "img");
    const struct am_json_node *data = am_json_member(native, object, "data");
    const struct am_json_node *sized = title ? title : data;
    *asset = (struct am_openrtb_asset){.id = am_json_member(native, object, "id")};
    if (object->type != AM_JSON_OBJECT || !asset->id || asset->id->type != AM_JSON_NUMBER)
        return false;
    int64_t most = sized ? whole_of(native, sized, "len") : 0;
    asset->most = most > 0 && most < UINT32_MAX ? (uint32_t)most : 0;
    asset->required = whole_of(native, object, "required") != 0;
    if (title)
        asset->kind = AM_ASSET_TITLE;
    else if (image)
        asset->kind = kind_of_image(whole_of(native, image, "type"));
    else if (data)
        asset->kind = kind_of_data(whole_of(native, data, "type"));
    return true;
}
