/* SPDX-License-Identifier: Apache-2.0 */
/* Writes files in MaxMind's DB format 2.0, of the kind City, with places of our own making. The
 * format: https://maxmind.github.io/MaxMind-DB/.
 *
 *   tree       node_count times two records of 32 bits: left (bit 0), right (bit 1)
 *   separator  16 bytes of 0
 *   data       maps
 *   marker, and a map about it all
 *
 * A record below node_count is a node, one equal to it is nothing, one above it is data, at its
 * value - node_count - 16. IPv4 is below ::/96. */
#ifndef TESTS_MMDB_H
#define TESTS_MMDB_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MMDB_NOTHING = 0, MMDB_DATA_BIT = 1u << 31 };

struct mmdb_writer {
    uint32_t (
        *nodes)[2]; /* 0: nothing (the root is nobody's child); MMDB_DATA_BIT: offset of data */
    uint32_t node_count, node_room;
    uint8_t *data;
    size_t data_size, data_room;
};

static inline void mmdb_start(struct mmdb_writer *writer) {
    *writer = (struct mmdb_writer){.node_count = 1, .node_room = 1024, .data_room = 1024};
    writer->nodes = calloc(writer->node_room, sizeof *writer->nodes);
    writer->data = malloc(writer->data_room);
}

static inline void mmdb_stop(struct mmdb_writer *writer) {
    free(writer->nodes);
    free(writer->data);
}

static inline void mmdb_byte(struct mmdb_writer *writer, unsigned byte) {
    if (writer->data_size == writer->data_room)
        writer->data = realloc(writer->data, writer->data_room *= 2);
    writer->data[writer->data_size++] = (uint8_t)byte;
}

/* Types of more than 3 bits follow in a byte of their own; sizes of more than 28 likewise. */
static inline void mmdb_control(struct mmdb_writer *writer, unsigned type, size_t size) {
    unsigned low = size < 29 ? (unsigned)size : 29;
    mmdb_byte(writer, (type < 8 ? type << 5 : 0) | low);
    if (type >= 8)
        mmdb_byte(writer, type - 7);
    if (size >= 29)
        mmdb_byte(writer, (unsigned)size - 29);
}

static inline void mmdb_text(struct mmdb_writer *writer, const char *text) {
    mmdb_control(writer, 2, strlen(text));
    for (; *text; text++)
        mmdb_byte(writer, (unsigned char)*text);
}

static inline void mmdb_map(struct mmdb_writer *writer, size_t pairs) {
    mmdb_control(writer, 7, pairs);
}

static inline void
mmdb_number(struct mmdb_writer *writer, unsigned type, uint64_t value, unsigned bytes) {
    mmdb_control(writer, type, bytes);
    while (bytes-- > 0)
        mmdb_byte(writer, (unsigned)(value >> 8 * bytes & 0xff));
}

/* A place as City files have it; its offset. `region` "" and `metro` 0: none, as in most. */
static inline uint32_t mmdb_place(struct mmdb_writer *writer,
                                  const char *country,
                                  const char *region,
                                  const char *city,
                                  unsigned metro) {
    uint32_t offset = (uint32_t)writer->data_size;
    mmdb_map(writer, 1u + (*city != 0) + (*region != 0) + (metro != 0));
    if (*city) {
        mmdb_text(writer, "city");
        mmdb_map(writer, 1);
        mmdb_text(writer, "names");
        mmdb_map(writer, 2);
        mmdb_text(writer, "de");
        mmdb_text(writer, city);
        mmdb_text(writer, "en");
        mmdb_text(writer, city);
    }
    mmdb_text(writer, "country");
    mmdb_map(writer, 1);
    mmdb_text(writer, "iso_code");
    mmdb_text(writer, country);
    if (metro) {
        mmdb_text(writer, "location");
        mmdb_map(writer, 1);
        mmdb_text(writer, "metro_code");
        mmdb_number(writer, 5, metro, 2);
    }
    if (*region) {
        mmdb_text(writer, "subdivisions");
        mmdb_control(writer, 11, 1);
        mmdb_map(writer, 1);
        mmdb_text(writer, "iso_code");
        mmdb_text(writer, region);
    }
    return offset;
}

static inline uint32_t mmdb_node(struct mmdb_writer *writer) {
    if (writer->node_count == writer->node_room) {
        writer->node_room *= 2;
        writer->nodes = realloc(writer->nodes, writer->node_room * sizeof *writer->nodes);
    }
    memset(writer->nodes[writer->node_count], 0, sizeof *writer->nodes);
    return writer->node_count++;
}

/* Networks must not contain one another. */
static inline void
mmdb_add(struct mmdb_writer *writer, const uint8_t address[16], unsigned bits, uint32_t offset) {
    uint32_t node = 0;
    for (unsigned i = 0; i + 1 < bits; i++) {
        unsigned side = address[i / 8] >> (7 - i % 8) & 1;
        if (writer->nodes[node][side] == MMDB_NOTHING) {
            uint32_t made = mmdb_node(writer);
            writer->nodes[node][side] = made;
        }
        node = writer->nodes[node][side];
    }
    writer->nodes[node][address[(bits - 1) / 8] >> (7 - (bits - 1) % 8) & 1] =
        MMDB_DATA_BIT | offset;
}

/* An IPv4 network of `bits` bits. */
static inline void
mmdb_add4(struct mmdb_writer *writer, uint32_t network, unsigned bits, uint32_t offset) {
    uint8_t address[16] = {0};
    for (unsigned i = 0; i < 4; i++)
        address[12 + i] = (uint8_t)(network >> (24 - 8 * i));
    mmdb_add(writer, address, 96 + bits, offset);
}

static inline void mmdb_metadata(struct mmdb_writer *writer, const char *kind) {
    mmdb_map(writer, 9);
    mmdb_text(writer, "node_count");
    mmdb_number(writer, 6, writer->node_count, 4);
    mmdb_text(writer, "record_size");
    mmdb_number(writer, 5, 32, 2);
    mmdb_text(writer, "ip_version");
    mmdb_number(writer, 5, 6, 2);
    mmdb_text(writer, "database_type");
    mmdb_text(writer, kind);
    mmdb_text(writer, "languages");
    mmdb_control(writer, 11, 1);
    mmdb_text(writer, "en");
    mmdb_text(writer, "binary_format_major_version");
    mmdb_number(writer, 5, 2, 2);
    mmdb_text(writer, "binary_format_minor_version");
    mmdb_number(writer, 5, 0, 2);
    mmdb_text(writer, "build_epoch");
    mmdb_number(writer, 9, 1800000000, 8);
    mmdb_text(writer, "description");
    mmdb_map(writer, 1);
    mmdb_text(writer, "en");
    mmdb_text(writer, "places that tests made up");
}

/* Writes beside the path, then renames. False: it could not be written. */
static inline int mmdb_write(struct mmdb_writer *writer, const char *path, const char *kind) {
    static const char marker[] = "\xab\xcd\xefMaxMind.com", separator[16] = "";
    char beside[4096];
    snprintf(beside, sizeof beside, "%s.new", path);
    FILE *file = fopen(beside, "wb");
    if (!file)
        return 0;
    for (uint32_t i = 0; i < writer->node_count; i++)
        for (int side = 0; side < 2; side++) {
            uint32_t value = writer->nodes[i][side];
            uint32_t record = value & MMDB_DATA_BIT
                                  ? (value & ~(uint32_t)MMDB_DATA_BIT) + 16 + writer->node_count
                                  : value + (value == MMDB_NOTHING) * writer->node_count;
            uint8_t bytes[4] = {(uint8_t)(record >> 24), (uint8_t)(record >> 16),
                                (uint8_t)(record >> 8), (uint8_t)record};
            fwrite(bytes, 1, sizeof bytes, file);
        }
    fwrite(separator, 1, sizeof separator, file);
    fwrite(writer->data, 1, writer->data_size, file);
    fwrite(marker, 1, sizeof marker - 1, file);
    writer->data_size = 0;
    mmdb_metadata(writer, kind);
    fwrite(writer->data, 1, writer->data_size, file);
    return fclose(file) == 0 && rename(beside, path) == 0;
}

#endif
