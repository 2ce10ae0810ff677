/* SPDX-License-Identifier: Apache-2.0 */
// Rust's aho-corasick: every phrase is a pattern " phrase "; all overlapping matches.
// aho_corasick PHRASES TEXTS
use std::io::{BufRead, Write};
use std::time::Instant;

fn read_lines(path: &str) -> Vec<String> {
    std::fs::read_to_string(path).expect(path).lines().map(String::from).collect()
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let phrases: Vec<String> = read_lines(&arguments[1]).iter().map(|p| format!(" {} ", p)).collect();
    let texts: Vec<String> = read_lines(&arguments[2]).iter().map(|t| format!(" {} ", t)).collect();
    let words: usize = texts.iter().map(|t| t.split_whitespace().count()).sum();
    let began = Instant::now();
    let searcher = aho_corasick::AhoCorasickBuilder::new().build(&phrases);
    println!("{{\"build_seconds\":{:.3},\"resident_kb\":{}}}", began.elapsed().as_secs_f64(), searcher.heap_bytes() / 1024);
    std::io::stdout().flush().unwrap();
    for _ in std::io::stdin().lock().lines() {
        let began = Instant::now();
        let matches: usize = texts.iter().map(|t| searcher.find_overlapping_iter(t.as_str()).count()).sum();
        println!("{{\"seconds\":{:.6},\"words\":{},\"matches\":{}}}", began.elapsed().as_secs_f64(), words, matches);
        std::io::stdout().flush().unwrap();
    }
}
