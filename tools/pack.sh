#!/usr/bin/env bash
# Makes a folder that holds all a GPU machine without Rust needs to test and time rectify: test binaries, the command line, the
# bench binary with its comparison, and `run-all`, which runs them there.
#
#     tools/pack.sh [FOLDER]        # by default target/pack
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-target/pack}

# Tests of what every device must do, and of CUDA's own parts; the rest is about the simulated driver or needs no device.
tests=(tensor autograd golden training_memory profile cuda_rows cuda_formulas cuda_epilogues)

rm -rf "$folder"
mkdir -p "$folder/tests"
built=$(cargo build --release --bin rectify --bench serve "${tests[@]/#/--test=}" --message-format=json)
executables=$(python3 -c '
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("executable"):
        print(message["target"]["kind"][0], message["target"]["name"], message["executable"])
' <<< "$built")
while read -r kind name path; do
    case $kind in
    test) to=$folder/tests/$name ;;
    *) to=$folder/$name ;;
    esac
    strip -s -o "$to" "$path"
done <<< "$executables"
cp tools/run-all "$folder"
mkdir "$folder/compare" "$folder/peers"
cp -r benches/compare/*.py benches/compare/pytorch "$folder/compare"
# candle and burn, where they were built.
for peer in candle burn; do
    if [ -x "benches/compare/peers/target/release/$peer" ]; then cp "benches/compare/peers/target/release/$peer" "$folder/peers"; fi
done
git describe --always --dirty > "$folder/commit"
du -sh "$folder"
