/* SPDX-License-Identifier: Apache-2.0 */
// darts: at each word of a text, every phrase that begins there. darts PHRASES TEXTS
#include <darts.h>

#include <algorithm>
#include <string>
#include <vector>

#include "../passes.h"

int main(int, char **arguments) {
    lines phrases = read_lines(arguments[1]), texts = read_lines(arguments[2]);
    double began = seconds_now();
    std::vector<std::string> keys;
    for (size_t i = 0; i < phrases.count; i++)
        keys.push_back(std::string(phrases.text[i], phrases.size[i]) + " ");
    std::sort(keys.begin(), keys.end());
    std::vector<const char *> pointers;
    std::vector<size_t> sizes;
    for (const std::string &key : keys) {
        pointers.push_back(key.data());
        sizes.push_back(key.size());
    }
    Darts::DoubleArray trie;
    if (trie.build(keys.size(), pointers.data(), sizes.data()) != 0)
        return 1;
    for (size_t i = 0; i < texts.count; i++)
        texts.text[i][texts.size[i]] = ' ';
    size_t words = count_words(&texts);
    say_ready(seconds_now() - began, long(trie.total_size() >> 10));
    Darts::DoubleArray::result_pair_type found[64];
    while (next_pass()) {
        size_t matches = 0;
        began = seconds_now();
        for (size_t i = 0; i < texts.count; i++)
            for (size_t at = 0; at < texts.size[i]; at++)
                if (at == 0 || texts.text[i][at - 1] == ' ')
                    matches += trie.commonPrefixSearch(texts.text[i] + at, found, 64, texts.size[i] + 1 - at);
        say_pass(seconds_now() - began, words, matches);
    }
}
