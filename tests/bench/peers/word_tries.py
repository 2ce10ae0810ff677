# SPDX-License-Identifier: Apache-2.0
"""Python: nested dicts by word (phrases), or a set trie of them, words in order of rarity (broad).

word_tries.py phrase|broad PHRASES TEXTS
"""

import collections
import sys
import time

END = ""


def resident_kb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4


def phrases(trie, words):
    found = 0
    for first in range(len(words)):
        node = trie
        for at in range(first, len(words)):
            node = node.get(words[at])
            if node is None:
                break
            if END in node:
                found += 1
    return found


def subsets(node, words, first):
    found = 0
    for at in range(first, len(words)):
        child = node.get(words[at])
        if child is not None:
            found += END in child
            found += subsets(child, words, at + 1)
    return found


def main():
    broad = sys.argv[1] == "broad"
    lines = open(sys.argv[2], encoding="utf-8").read().splitlines()
    texts = open(sys.argv[3], encoding="utf-8").read().splitlines()
    before, began = resident_kb(), time.monotonic()
    frequency = collections.Counter()
    if broad:
        for line in lines:
            frequency.update(set(line.split(" ")))

    def order(words):
        return sorted(set(words), key=lambda word: (frequency[word], word))

    trie = {}
    for line in lines:
        node = trie
        for word in order(line.split(" ")) if broad else line.split(" "):
            node = node.setdefault(sys.intern(word), {})
        node[END] = True
    words = sum(text.count(" ") + 1 for text in texts)
    print('{"build_seconds":%.3f,"resident_kb":%d}' % (time.monotonic() - began, resident_kb() - before), flush=True)
    for _ in sys.stdin:
        matches, began = 0, time.monotonic()
        for text in texts:
            split = text.split(" ")
            if broad:
                matches += subsets(trie, order([word for word in split if word in frequency]), 0)
            else:
                matches += phrases(trie, split)
        print('{"seconds":%.6f,"words":%d,"matches":%d}' % (time.monotonic() - began, words, matches), flush=True)


main()
