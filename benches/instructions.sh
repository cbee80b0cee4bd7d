#!/usr/bin/env bash
# Instructions a message, a fresh run of ten messages, and a judged schedule of an exploration, on both brokers; and
# of a message on a broker alone, beside few and many stored messages and leases: two sizes under callgrind, the
# difference of the counts divided by the difference of the sizes, so that what is done once cancels out.
# Needs valgrind; says so and ends well where there is none. `benches/NOTES.md` keeps what was measured.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v valgrind >/dev/null; then
  echo "SKIPPED: valgrind is not installed, and it does the counting"
  exit 0
fi

built() {
  local binary
  binary=$(cargo bench --locked --bench "$1" --no-run --message-format json 2>/dev/null \
    | sed -n "s/.*\"executable\":\"\([^\"]*$1-[^\"]*\)\".*/\1/p" | tail -n 1)
  [ -n "$binary" ] || { echo "the benchmark does not build: cargo bench --bench $1 --no-run" >&2; exit 1; }
  echo "$binary"
}

count() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>&1 >/dev/null \
    | sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

simulator=$(built instructions)
broker=$(built backlog)

for model in log queue; do
  few=$(count "$simulator" --model "$model" --messages 10000)
  many=$(count "$simulator" --model "$model" --messages 20000)
  echo "$model: $(((many - few) / 10000)) instructions a message"
  few=$(count "$simulator" --model "$model" --messages 10 --runs 100)
  many=$(count "$simulator" --model "$model" --messages 10 --runs 300)
  echo "$model: $(((many - few) / 200)) instructions a fresh run of 10 messages"
  few=$(count "$simulator" --model "$model" --schedules 100)
  many=$(count "$simulator" --model "$model" --schedules 300)
  echo "$model: $(((many - few) / 200)) instructions a judged schedule"
done

# Beside so many stored messages and leases.
beside() {
  few=$(count "$broker" --model "$1" --backlog "$2" --leases "$3" --operations 1000)
  many=$(count "$broker" --model "$1" --backlog "$2" --leases "$3" --operations 2000)
  echo "$1: $(((many - few) / 1000)) instructions an operation beside $2 stored and $3 in flight"
}

for stored in 1000 1000000; do
  beside log "$stored" 0
  beside queue "$stored" 0
done
beside queue 1000 1000
beside queue 1000 100000
