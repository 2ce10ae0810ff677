#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run_libfuzzer.sh TARGET FOLDER SECONDS: the target FOLDER/fuzz_TARGET under libFuzzer, so long.
# What it finds goes to FOLDER/found/TARGET and FOLDER/crashes, its log to FOLDER/TARGET.log. Status 1: a finding.
target=$1 folder=$2 seconds=$3
here=$(dirname "$0")
mkdir -p "$folder/found/$target" "$folder/crashes"
"$folder/fuzz_$target" -max_total_time="$seconds" -print_final_stats=1 -dict="$here/$target.dict" \
    -artifact_prefix="$folder/crashes/$target-" "$folder/found/$target" "$here/corpus/$target" > "$folder/$target.log" 2>&1
status=$?
tail -n 8 "$folder/$target.log"
exit $status
