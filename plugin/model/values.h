/* SPDX-License-Identifier: Apache-2.0 */
/* Values of attributes that are free text, but for which everybody has the same words. */
#ifndef AM_MODEL_VALUES_H
#define AM_MODEL_VALUES_H

#include "names.h"

/* The usual value of `device`, `os` or `browser` that another one, which is none, was probably
 * meant for: "moblie" for "mobile". At most two letters are missing, too many or wrong, and fewer
 * than half of all; or it is another word for it: "phone", which bid requests have as "mobile".
 * NULL: none is near, the value is itself a usual one, or the attribute is
 * another. */
const char *am_model_value_meant(enum am_model_attribute attribute, struct am_view value);

#endif
