/* SPDX-License-Identifier: Apache-2.0 */
// Java: one tree in the heap for all threads, behind the JDK's own HTTP server. Ladder PORT THREADS
import com.sun.net.httpserver.HttpServer;
import java.io.*;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.Executors;

public class Ladder {
    record Bid(String ad, long bid) {}

    static final class Node {
        HashMap<String, Node> next;
        ArrayList<Bid> ads;
    }

    static final Node root = new Node();

    static void load(Path path) throws IOException {
        for (String line : Files.readAllLines(path)) {
            String[] parts = line.split("\t");
            Node node = root;
            for (String word : parts[0].split(" ")) {
                if (node.next == null)
                    node.next = new HashMap<>(2);
                node = node.next.computeIfAbsent(word.intern(), w -> new Node());
            }
            if (node.ads == null)
                node.ads = new ArrayList<>(1);
            node.ads.add(new Bid(parts[1], Long.parseLong(parts[2])));
        }
    }

    static String search(List<String> words) {
        HashMap<String, Long> found = new HashMap<>();
        for (int first = 0; first < words.size(); first++) {
            Node node = root;
            for (int at = first; at < words.size(); at++) {
                node = node.next == null ? null : node.next.get(words.get(at));
                if (node == null)
                    break;
                if (node.ads != null)
                    for (Bid bid : node.ads)
                        found.merge(bid.ad, bid.bid, Math::max);
            }
        }
        List<String> ads = new ArrayList<>(found.keySet());
        ads.sort(Comparator.comparingLong((String ad) -> -found.get(ad)).thenComparing(ad -> ad));
        StringJoiner joined = new StringJoiner("\", \"", "{\"ads\": [\"", "\"]}").setEmptyValue("{\"ads\": []}");
        for (String ad : ads.subList(0, Math.min(3, ads.size())))
            joined.add(ad);
        return joined.toString();
    }

    static String textOf(String query) {
        for (String part : (query == null ? "" : query).split("&"))
            if (part.startsWith("text="))
                return URLDecoder.decode(part.substring(5), StandardCharsets.UTF_8);
        return "";
    }

    public static void main(String[] arguments) throws IOException {
        load(Path.of(System.getenv("LADDER"), "ads.tsv"));
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[0])), 128);
        server.createContext("/", exchange -> {
            List<String> words = new ArrayList<>();
            for (String word : textOf(exchange.getRequestURI().getRawQuery()).toLowerCase(Locale.ROOT).split("[^a-z0-9]+"))
                if (!word.isEmpty())
                    words.add(word);
            byte[] body = search(words).getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.setExecutor(Executors.newFixedThreadPool(Integer.parseInt(arguments[1])));
        server.start();
    }
}
