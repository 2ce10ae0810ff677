/* SPDX-License-Identifier: Apache-2.0 */
/* write FILE KIND: a file of the networks on standard input, a line each: ADDRESS/BITS COUNTRY
 * REGION CITY METRO, with - for what there is none of. */
#include <arpa/inet.h>

#include "mmdb.h"

static const char *given(const char *text) {
    return strcmp(text, "-") == 0 ? "" : text;
}

int main(int argc, char **argv) {
    struct mmdb_writer writer;
    char address[64], country[64], region[64], city[64];
    unsigned bits, metro;
    if (argc != 3)
        return 2;
    mmdb_start(&writer);
    while (scanf("%63[^/]/%u %63s %63s %63s %u ", address, &bits, country, region, city, &metro) ==
           6) {
        uint8_t bytes[16];
        uint32_t four;
        uint32_t place = mmdb_place(&writer, country, given(region), given(city), metro);
        if (inet_pton(AF_INET, address, &four) == 1)
            mmdb_add4(&writer, ntohl(four), bits, place);
        else if (inet_pton(AF_INET6, address, bytes) == 1)
            mmdb_add(&writer, bytes, bits, place);
        else
            return 1;
    }
    int written = mmdb_write(&writer, argv[1], argv[2]);
    mmdb_stop(&writer);
    return written ? 0 : 1;
}
