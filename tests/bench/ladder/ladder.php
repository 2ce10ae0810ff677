<?php
// SPDX-License-Identifier: Apache-2.0
// The way it began: the tree is unserialised for every request.
function search(array $tree, array $words): array {
    $found = [];
    for ($first = 0; $first < count($words); $first++) {
        $node = $tree;
        for ($at = $first; $at < count($words) && isset($node[$words[$at]]); $at++) {
            $node = $node[$words[$at]];
            foreach ($node[''] ?? [] as [$ad, $bid]) {
                $found[$ad] = max($found[$ad] ?? 0, $bid);
            }
        }
    }
    uksort($found, fn($a, $b) => [$found[$b], $a] <=> [$found[$a], $b]);
    return array_slice(array_keys($found), 0, 3);
}

$folder = getenv('LADDER');
if (PHP_SAPI === 'cli') { // once, to make the file
    file_put_contents("$folder/tree.php.ser", serialize(json_decode(file_get_contents("$folder/tree.json"), true)));
    exit;
}
$tree = unserialize(file_get_contents("$folder/tree.php.ser"));
preg_match_all('/[a-z0-9]+/', strtolower($_GET['text'] ?? ''), $words);
header('Content-Type: application/json');
echo json_encode(['ads' => search($tree, $words[0])]);
