# SPDX-License-Identifier: Apache-2.0
"""The inventory as a nested word tree, in the form that each way loads: make_tree.py INVENTORY FOLDER

tree.json for PHP (which makes its own serialised file of it), ads.tsv for Java and Python:
keyword, ad, bid in micros, best first.
"""

import json
import pathlib
import sys


def main():
    ads = []
    for line in open(sys.argv[1], encoding="utf-8"):
        record = json.loads(line)
        if "bid" in record:
            for keyword in record["keywords"]:
                ads.append((keyword.strip('"'), record["id"], round(record["bid"] * 1_000_000)))
    folder = pathlib.Path(sys.argv[2])
    with open(folder / "ads.tsv", "w", encoding="utf-8") as file:
        file.writelines(f"{keyword}\t{ad}\t{bid}\n" for keyword, ad, bid in ads)
    tree = {}
    for keyword, ad, bid in ads:
        node = tree
        for word in keyword.split(" "):
            node = node.setdefault(word, {})
        node.setdefault("", []).append([ad, bid])
    (folder / "tree.json").write_text(json.dumps(tree))


main()
