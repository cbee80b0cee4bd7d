#!/usr/bin/env bash
# Instructions a message, a fresh run of ten messages, and a judged schedule of an exploration, on both brokers:
# two sizes under callgrind, the difference of the counts divided by the difference of the sizes, so that what is
# done once cancels out.
# Needs valgrind; says so and ends well where there is none. `benches/NOTES.md` keeps what was measured.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v valgrind >/dev/null; then
  echo "SKIPPED: valgrind is not installed, and it does the counting"
  exit 0
fi

binary=$(cargo bench --locked --bench instructions --no-run --message-format json 2>/dev/null \
  | sed -n 's/.*"executable":"\([^"]*instructions-[^"]*\)".*/\1/p' | tail -n 1)
[ -n "$binary" ] || { echo "the benchmark does not build: cargo bench --bench instructions --no-run"; exit 1; }

count() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$binary" "$@" 2>&1 >/dev/null \
    | sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

for model in log queue; do
  few=$(count --model "$model" --messages 10000)
  many=$(count --model "$model" --messages 20000)
  echo "$model: $(((many - few) / 10000)) instructions a message"
  few=$(count --model "$model" --messages 10 --runs 100)
  many=$(count --model "$model" --messages 10 --runs 300)
  echo "$model: $(((many - few) / 200)) instructions a fresh run of 10 messages"
  few=$(count --model "$model" --schedules 100)
  many=$(count --model "$model" --schedules 300)
  echo "$model: $(((many - few) / 200)) instructions a judged schedule"
done
