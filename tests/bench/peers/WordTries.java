/* SPDX-License-Identifier: Apache-2.0 */
// Java: a trie of HashMaps by word (phrases), or a set trie of HashMaps, words in order of rarity
// (broad). WordTries phrase|broad PHRASES TEXTS
import java.io.*;
import java.nio.file.*;
import java.util.*;

public class WordTries {
    static final class Node {
        HashMap<String, Node> next;
        boolean ends;

        Node follow(String word) {
            return next == null ? null : next.get(word);
        }

        Node make(String word) {
            if (next == null)
                next = new HashMap<>(2);
            return next.computeIfAbsent(word, w -> new Node());
        }
    }

    static final Node root = new Node();
    static final HashMap<String, Integer> frequency = new HashMap<>();

    static String[] ordered(String text) {
        String[] words = new TreeSet<>(Arrays.asList(text.split(" "))).toArray(new String[0]);
        Arrays.sort(words, Comparator.comparingInt((String w) -> frequency.getOrDefault(w, 0)).thenComparing(w -> w));
        return words;
    }

    static long phrases(String[] words) {
        long found = 0;
        for (int from = 0; from < words.length; from++) {
            Node node = root;
            for (int at = from; at < words.length && (node = node.follow(words[at])) != null; at++)
                if (node.ends)
                    found++;
        }
        return found;
    }

    static long subsets(Node node, String[] words, int from) {
        long found = 0;
        for (int at = from; at < words.length; at++) {
            Node child = node.follow(words[at]);
            if (child != null)
                found += (child.ends ? 1 : 0) + (child.next == null ? 0 : subsets(child, words, at + 1));
        }
        return found;
    }

    static long query(String text) {
        String[] words = Arrays.stream(text.split(" ")).filter(frequency::containsKey).distinct().toArray(String[]::new);
        Arrays.sort(words, Comparator.comparingInt((String w) -> frequency.get(w)).thenComparing(w -> w));
        return subsets(root, words, 0);
    }

    public static void main(String[] arguments) throws IOException {
        boolean broad = arguments[0].equals("broad");
        List<String> lines = Files.readAllLines(Path.of(arguments[1]));
        List<String> texts = Files.readAllLines(Path.of(arguments[2]));
        long began = System.nanoTime();
        if (broad)
            for (String line : lines)
                for (String word : new HashSet<>(Arrays.asList(line.split(" "))))
                    frequency.merge(word.intern(), 1, Integer::sum);
        for (String line : lines) {
            Node node = root;
            for (String word : broad ? ordered(line) : line.split(" "))
                node = node.make(word.intern());
            node.ends = true;
        }
        int count = lines.size();
        lines = null;
        double seconds = (System.nanoTime() - began) / 1e9;
        long words = texts.stream().mapToLong(t -> t.split(" ").length).sum();
        for (int i = 0; i < 3; i++)
            System.gc();
        long used = (Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory()) / 1024;
        System.out.printf(Locale.ROOT, "{\"build_seconds\":%.3f,\"resident_kb\":%d}%n", seconds, used);
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (int warm = 0; warm < 2; warm++)
            for (String text : texts)
                sink += broad ? query(text) : phrases(text.split(" "));
        while (input.readLine() != null) {
            long matches = 0;
            began = System.nanoTime();
            for (String text : texts)
                matches += broad ? query(text) : phrases(text.split(" "));
            System.out.printf(Locale.ROOT, "{\"seconds\":%.6f,\"words\":%d,\"matches\":%d}%n", (System.nanoTime() - began) / 1e9,
                    words, matches);
        }
    }

    static long sink;
}
