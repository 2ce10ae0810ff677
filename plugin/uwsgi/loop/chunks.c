/* SPDX-License-Identifier: Apache-2.0 */
#include "chunks.h"

enum state {
    SIZE,         /* hexadecimal digits, then CR */
    SIZE_END,     /* LF */
    DATA,         /* the chunk, with its CR LF */
    TRAILER,      /* the beginning of a line: CR for the last one */
    TRAILER_LINE, /* up to LF */
    LAST_END,     /* LF */
};

/* False: no size. */
static bool scan_size(struct am_loop_chunks *chunks, char byte) {
    int digit = am_bytes_hex_value(byte);
    if (digit < 0) {
        chunks->state = SIZE_END;
        return byte == '\r' && chunks->digits;
    }
    chunks->digits = true;
    return am_checked_multiply(chunks->chunk, 16, &chunks->chunk) &&
           am_checked_add(chunks->chunk, (size_t)digit, &chunks->chunk);
}

/* False: no LF, or a chunk that no memory holds. */
static bool end_size(struct am_loop_chunks *chunks, char byte) {
    chunks->state = chunks->chunk ? DATA : TRAILER;
    return byte == '\n' && (chunks->chunk == 0 || am_checked_add(chunks->chunk, 2, &chunks->chunk));
}

/* One byte, but for data, of which all that is there is skipped. False: invalid. */
static bool step(struct am_loop_chunks *chunks, const char *data, size_t size) {
    size_t rest = size - chunks->at;
    char byte = data[chunks->at++];
    switch ((enum state)chunks->state) {
    case SIZE:
        return scan_size(chunks, byte);
    case SIZE_END:
        return end_size(chunks, byte);
    case DATA:
        rest = rest < chunks->chunk ? rest : chunks->chunk;
        chunks->at += rest - 1;
        chunks->chunk -= rest;
        if (chunks->chunk == 0) {
            chunks->state = SIZE;
            chunks->digits = false;
        }
        return true;
    case TRAILER:
        chunks->state = byte == '\r' ? LAST_END : TRAILER_LINE;
        return true;
    case TRAILER_LINE:
        chunks->state = byte == '\n' ? TRAILER : TRAILER_LINE;
        return true;
    case LAST_END:
        return byte == '\n';
    }
    return false;
}

enum am_loop_chunks_end
am_loop_chunks_scan(struct am_loop_chunks *chunks, const char *data, size_t size) {
    while (chunks->at < size) {
        bool last = chunks->state == LAST_END;
        if (!step(chunks, data, size))
            return AM_LOOP_CHUNKS_INVALID;
        if (last)
            return AM_LOOP_CHUNKS_WHOLE;
    }
    return AM_LOOP_CHUNKS_MORE;
}
