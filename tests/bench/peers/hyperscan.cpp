/* SPDX-License-Identifier: Apache-2.0 */
// Hyperscan: every phrase is a literal " phrase ". hyperscan PHRASES TEXTS DATABASE, where DATABASE
// keeps what was compiled, since compiling a million takes a minute.
#include <hs/hs.h>

#include <string>
#include <vector>

#include "../passes.h"

static int count_match(unsigned, unsigned long long, unsigned long long, unsigned, void *context) {
    ++*static_cast<size_t *>(context);
    return 0;
}

static hs_database_t *compile(const lines &phrases) {
    std::vector<std::string> patterns;
    std::vector<const char *> texts;
    std::vector<size_t> sizes;
    std::vector<unsigned> flags(phrases.count, 0), ids;
    for (size_t i = 0; i < phrases.count; i++)
        patterns.push_back(" " + std::string(phrases.text[i], phrases.size[i]) + " ");
    for (size_t i = 0; i < phrases.count; i++) {
        texts.push_back(patterns[i].data());
        sizes.push_back(patterns[i].size());
        ids.push_back(unsigned(i));
    }
    hs_database_t *database = nullptr;
    hs_compile_error_t *error = nullptr;
    if (hs_compile_lit_multi(texts.data(), flags.data(), ids.data(), sizes.data(), unsigned(phrases.count),
                             HS_MODE_BLOCK, nullptr, &database, &error) != HS_SUCCESS) {
        fprintf(stderr, "%s\n", error->message);
        exit(1);
    }
    return database;
}

static hs_database_t *load(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file)
        return nullptr;
    std::string bytes;
    char buffer[1 << 16];
    for (size_t size; (size = fread(buffer, 1, sizeof buffer, file)) > 0;)
        bytes.append(buffer, size);
    fclose(file);
    hs_database_t *database = nullptr;
    return hs_deserialize_database(bytes.data(), bytes.size(), &database) == HS_SUCCESS ? database : nullptr;
}

static void save(hs_database_t *database, const char *path) {
    char *bytes = nullptr;
    size_t size = 0;
    FILE *file = fopen(path, "wb");
    if (file && hs_serialize_database(database, &bytes, &size) == HS_SUCCESS)
        fwrite(bytes, 1, size, file);
    if (file)
        fclose(file);
    free(bytes);
}

int main(int, char **arguments) {
    lines phrases = read_lines(arguments[1]), texts = read_lines(arguments[2]);
    long before = resident_kb();
    double began = seconds_now();
    hs_database_t *database = load(arguments[3]);
    if (!database) {
        database = compile(phrases);
        save(database, arguments[3]);
    }
    size_t database_size = 0;
    hs_scratch_t *scratch = nullptr;
    hs_database_size(database, &database_size);
    if (hs_alloc_scratch(database, &scratch) != HS_SUCCESS)
        return 1;
    (void)before;
    std::vector<std::string> padded;
    for (size_t i = 0; i < texts.count; i++)
        padded.push_back(" " + std::string(texts.text[i], texts.size[i]) + " ");
    size_t words = count_words(&texts);
    say_ready(seconds_now() - began, long(database_size >> 10));
    while (next_pass()) {
        size_t matches = 0;
        began = seconds_now();
        for (const std::string &text : padded)
            hs_scan(database, text.data(), unsigned(text.size()), 0, scratch, count_match, &matches);
        say_pass(seconds_now() - began, words, matches);
    }
}
