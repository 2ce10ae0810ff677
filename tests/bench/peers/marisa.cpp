/* SPDX-License-Identifier: Apache-2.0 */
// marisa-trie: at each word of a text, every phrase that begins there. marisa PHRASES TEXTS
#include <marisa.h>

#include <vector>

#include "../passes.h"

int main(int, char **arguments) {
    lines phrases = read_lines(arguments[1]), texts = read_lines(arguments[2]);
    long before = resident_kb();
    double began = seconds_now();
    marisa::Trie trie;
    {
        marisa::Keyset keys;
        for (size_t i = 0; i < phrases.count; i++) {
            phrases.text[i][phrases.size[i]] = ' '; // the end of a word ends the phrase
            keys.push_back(phrases.text[i], phrases.size[i] + 1);
        }
        trie.build(keys);
    }
    (void)before;
    for (size_t i = 0; i < texts.count; i++)
        texts.text[i][texts.size[i]] = ' ';
    size_t words = count_words(&texts);
    say_ready(seconds_now() - began, long(trie.io_size() >> 10));
    marisa::Agent agent;
    while (next_pass()) {
        size_t matches = 0;
        began = seconds_now();
        for (size_t i = 0; i < texts.count; i++)
            for (size_t at = 0; at < texts.size[i]; at++) {
                if (at && texts.text[i][at - 1] != ' ')
                    continue;
                agent.set_query(texts.text[i] + at, texts.size[i] + 1 - at);
                while (trie.common_prefix_search(agent))
                    matches++;
            }
        say_pass(seconds_now() - began, words, matches);
    }
}
