#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run_afl.sh TARGET FOLDER SECONDS: the target FOLDER/fuzz_TARGET under AFL++, so long, from the corpus in the tree.
# What it finds goes to FOLDER/found/TARGET, its log to FOLDER/TARGET.log. Status 1: a finding, or no run.
target=$1 folder=$2 seconds=$3
here=$(dirname "$0")
out=$folder/found/$target
mkdir -p "$out"
# No question to the machine's owner: core_pattern and CPU frequency may stay as they are, and a run goes on where it ended.
AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1 AFL_AUTORESUME=1 AFL_TESTCACHE_SIZE=50 \
    afl-fuzz -V "$seconds" -m none -t 5000 -x "$here/$target.dict" -i "$here/corpus/$target" -o "$out" "$folder/fuzz_$target" \
    > "$folder/$target.log" 2>&1 || { tail -n 20 "$folder/$target.log"; exit 1; }
grep -E '^(execs_done|execs_per_sec|corpus_count|edges_found|total_edges|bitmap_cvg|time_wo_finds|stability|saved_crashes|saved_hangs) ' "$out/default/fuzzer_stats"
test -z "$(find "$out/default/crashes" "$out/default/hangs" -name 'id*')"
