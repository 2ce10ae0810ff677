/* SPDX-License-Identifier: Apache-2.0 */
/* What a chunked body is, read whole by the grammar of RFC 9112, section 7.1, rule by rule: to hold
 * the decoder against, which sees pieces. Knows no bound of lines. */
#ifndef AM_TESTS_FUZZ_CHUNKED_MODEL_H
#define AM_TESTS_FUZZ_CHUNKED_MODEL_H

#include <stdlib.h>

#include "../../plugin/api/chunked.h"

struct chunked_model {
    struct am_view text;
    size_t at;
    bool short_of_bytes; /* a rule ran into the end of the text */
    char *data;          /* at least as long as the text */
    size_t size;
};

static int chunked_model_peek(struct chunked_model *model) {
    if (model->at < model->text.size)
        return (unsigned char)model->text.data[model->at];
    model->short_of_bytes = true;
    return -1;
}

static bool chunked_model_take(struct chunked_model *model, char byte) {
    if (chunked_model_peek(model) != (unsigned char)byte)
        return false;
    model->at++;
    return true;
}

static bool chunked_model_line_end(struct chunked_model *model) {
    return chunked_model_take(model, '\r') && chunked_model_take(model, '\n');
}

static void chunked_model_spaces(struct chunked_model *model) {
    while (chunked_model_take(model, ' ') || chunked_model_take(model, '\t'))
        ;
}

static bool chunked_model_token(struct chunked_model *model) {
    static const char marks[] = "!#$%&'*+-.^_`|~";
    size_t begin = model->at;
    for (int byte; (byte = chunked_model_peek(model)) > 0; model->at++) {
        int letter = byte | 0x20;
        if (!strchr(marks, byte) && (byte < '0' || byte > '9') && (letter < 'a' || letter > 'z'))
            break;
    }
    return model->at > begin;
}

/* Tab, space, visible ASCII and what is not ASCII. */
static bool chunked_model_text_byte(int byte) {
    return byte == '\t' || (byte >= ' ' && byte != 0x7F);
}

static bool chunked_model_quoted(struct chunked_model *model) {
    for (model->at++; chunked_model_peek(model) != '"'; model->at++) {
        if (chunked_model_peek(model) == '\\')
            model->at++;
        if (!chunked_model_text_byte(chunked_model_peek(model)))
            return false;
    }
    model->at++;
    return true;
}

/* Spaces, then that byte, else nothing. */
static bool chunked_model_after_spaces(struct chunked_model *model, char byte) {
    size_t begin = model->at;
    chunked_model_spaces(model);
    if (chunked_model_take(model, byte))
        return true;
    model->at = begin;
    return false;
}

static bool chunked_model_extensions(struct chunked_model *model) {
    while (chunked_model_after_spaces(model, ';')) {
        chunked_model_spaces(model);
        if (!chunked_model_token(model))
            return false;
        if (!chunked_model_after_spaces(model, '='))
            continue;
        chunked_model_spaces(model);
        if (chunked_model_peek(model) == '"' ? !chunked_model_quoted(model)
                                             : !chunked_model_token(model))
            return false;
    }
    return true;
}

static bool chunked_model_size(struct chunked_model *model, size_t *size) {
    size_t begin = model->at;
    *size = 0;
    for (int digit; (digit = am_bytes_hex_value((char)chunked_model_peek(model))) >= 0 &&
                    model->at < model->text.size;
         model->at++) {
        if (*size >> 60)
            return false;
        *size = *size * 16 + (size_t)digit;
    }
    return model->at > begin && chunked_model_extensions(model) && chunked_model_line_end(model);
}

static bool chunked_model_trailers(struct chunked_model *model) {
    while (!chunked_model_take(model, '\r')) {
        if (!chunked_model_token(model) || !chunked_model_take(model, ':'))
            return false;
        while (chunked_model_text_byte(chunked_model_peek(model)))
            model->at++;
        if (!chunked_model_line_end(model))
            return false;
    }
    return chunked_model_take(model, '\n');
}

/* False: malformed, or the text ends within it. */
static bool chunked_model_chunk(struct chunked_model *model, size_t size) {
    size_t there = model->text.size - model->at;
    size_t part = size < there ? size : there;
    memcpy(model->data + model->size, model->text.data + model->at, part);
    model->at += part;
    model->size += part;
    model->short_of_bytes |= part < size;
    return part == size && chunked_model_line_end(model);
}

static enum am_api_chunked_end chunked_model_read(struct chunked_model *model, size_t limit) {
    size_t size = 1;
    bool sound = true;
    while (sound && size) {
        sound = chunked_model_size(model, &size);
        if (sound && size > limit - model->size)
            return AM_API_CHUNKED_LARGE;
        if (sound && size)
            sound = chunked_model_chunk(model, size);
    }
    if (sound && chunked_model_trailers(model))
        return AM_API_CHUNKED_WHOLE;
    return model->short_of_bytes ? AM_API_CHUNKED_MORE : AM_API_CHUNKED_INVALID;
}

/* Decodes in pieces of `piece` bytes, and aborts where the model sees it otherwise. */
static enum am_api_chunked_end
chunked_model_check(struct am_view text, size_t limit, size_t piece) {
    struct chunked_model model = {.text = text, .data = malloc(text.size + 1)};
    enum am_api_chunked_end expected = chunked_model_read(&model, limit);
    struct am_api_chunked body = {0};
    enum am_api_chunked_end found = AM_API_CHUNKED_MORE;
    char *data = malloc(limit + 1);
    size_t shown = 0;
    while (found == AM_API_CHUNKED_MORE && shown < text.size) {
        size_t there = text.size - shown;
        struct am_view bytes = {text.data + shown, piece < there ? piece : there};
        const char *end = bytes.data + bytes.size;
        found = am_api_chunked_decode(&body, limit, &bytes, data);
        shown = (size_t)(end - text.data) - bytes.size;
    }
    if (!model.data || !data || found != expected || body.size != model.size ||
        body.size + body.framing != shown || memcmp(data, model.data, body.size) != 0)
        abort();
    if (found == AM_API_CHUNKED_WHOLE && shown != model.at)
        abort();
    free(model.data);
    free(data);
    return found;
}

#endif
