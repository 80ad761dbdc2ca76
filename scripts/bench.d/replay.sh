# shellcheck shell=bash
# Measures how many lines per second `heliostat replay` decides. Sourced by scripts/bench, whose
# variables and functions it uses.
# shellcheck disable=SC2154

# access_log LINES: random files of the site, random clients, in the format combined.
access_log() {
    shuf -r -n "$1" --random-source=<(yes) "$site/paths.txt" \
        | awk -v addresses="$site/addresses.txt" '
            BEGIN { while ((getline line < addresses) > 0) ip[n++] = line }
            { printf "%s - - [27/Nov/2026:%02d:%02d:%02d +0000] \"GET %s HTTP/1.1\" 200 8192 " \
                     "\"-\" \"Debian APT-HTTP/1.3 (2.6.1)\"\n", ip[NR % n],
                     NR / 3600000 % 24, NR / 60000 % 60, NR / 1000 % 60, $0 }'
}

# replay_once ARGUMENTS...: seconds and largest memory in MiB of one replay.
replay_once() {
    python3 - "$release/heliostat" --config "$site/heliostat.toml" replay --json "$@" <<'PYTHON'
import json, resource, subprocess, sys, time
began = time.monotonic()
output = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, check=True).stdout
seconds = time.monotonic() - began
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
told = json.loads(output)
print("%.2f %d %d %d" % (seconds, peak, told["decided"], told["answers"]["now"]["redirected"]))
PYTHON
}

replay() {
    say '' && say "== heliostat replay, $(nproc) processors, with what loading the site takes"
    local log=$work/access.log lines=${LOG_LINES:-3000000} round took
    access_log "$lines" >"$log"
    access_log 1 >"$work/one.log"
    for round in $(seq "$ROUNDS"); do
        took=$(replay_once "$work/one.log")
        say "round $round: loading the site     s, MiB, decided, redirected: $took"
        local loading=${took%% *}
        took=$(replay_once "$log")
        say "round $round: tree looked at       s, MiB, decided, redirected: $took"
        say "lines/s $(awk -v n="$lines" -v s="${took%% *}" -v l="$loading" \
            'BEGIN {printf "%.0f with loading, %.0f without", n / s, n / (s - l)}')" \
            "(limit 100000)"
        took=$(replay_once --catalogue "$log")
        say "round $round: catalogue believed   s, MiB, decided, redirected: $took"
    done
    rm -f "$log" "$work/one.log"
}
