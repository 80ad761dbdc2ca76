# shellcheck shell=bash
# Measures what statistics cost: the responder with them and the same responder without, in turns.
# Sourced by scripts/bench, whose variables and functions it uses.
#
# Two figures: processor time per redirect, of all threads, which varies with the load of the
# machine, and instructions per redirect, by callgrind, which hardly do. Both hold what the thread
# that adds up does. Paths are random, so that with many files nearly each request has a line of its
# own in the spool: the dearest case. FILES=1000 shows a site whose requests share files.
# shellcheck disable=SC2154

# Redirects of callgrind's short run, and of its long one; the difference leaves the start out.
STATS_SHORT=${STATS_SHORT:-20000} STATS_LONG=${STATS_LONG:-60000}

# stats_site: configurations stats-off and stats-on beside heliostat.toml, each with its socket.
stats_site() {
    local name kind
    rm -rf "$site/spool"
    mkdir "$site/spool"
    for kind in off on; do
        sed "s|fcgi\.sock|stats-$kind.sock|" "$site/heliostat.toml" >"$site/stats-$kind.toml"
        rm -f "$site/stats-$kind.sock"
    done
    name=$(sed -n 's/^\[site\.\([^].]*\)\]$/\1/p' "$site/heliostat.toml" | head -n 1)
    printf '\n[site.%s.stats]\nspool = "spool"\n' "$name" >>"$site/stats-on.toml"
}

# stats_count on|off REQUESTS: instructions of the responder from start to end.
stats_count() {
    local calls=$work/stats.calls socket=$site/stats-$1.sock pid
    rm -f "$calls" "$socket"
    valgrind --tool=callgrind --callgrind-out-file="$calls" \
        "$release/heliostat-fcgi" --config "$site/stats-$1.toml" >"$work/stats-valgrind.log" 2>&1 &
    pid=$!
    await_file "$socket"
    "$release/examples/fcgi-load" --socket "$socket" --paths "$site/paths.txt" --pieces \
        --params-file "$site/http.params" --addresses "$site/addresses.txt" \
        --requests "$2" --warm-up 1 --connections 4 >>"$raw"
    kill "$pid"
    wait "$pid" || true
    awk '/^(totals|summary):/ {print $2; exit}' "$calls"
}

# stats_instructions on|off: instructions per redirect.
stats_instructions() {
    local short long
    short=$(stats_count "$1" "$STATS_SHORT")
    long=$(stats_count "$1" "$STATS_LONG")
    echo $(((long - short) / (STATS_LONG - STATS_SHORT)))
}

stats() {
    say '' && say '== statistics: the responder with them and without, in turns'
    need_files valgrind=valgrind
    stats_site
    local round on off with=() without=() plain counted
    start stats-off "$release/heliostat-fcgi" --config "$site/stats-off.toml"
    plain=$started
    start stats-on "$release/heliostat-fcgi" --config "$site/stats-on.toml"
    counted=$started
    await_file "$site/stats-off.sock"
    await_file "$site/stats-on.sock"
    for round in $(seq "$ROUNDS"); do
        echo "round $round: without, with" >>"$raw"
        without+=("$(load "$site/stats-off.sock" "$plain" "$site/paths.txt")")
        with+=("$(load "$site/stats-on.sock" "$counted" "$site/paths.txt")")
    done
    kill "$plain" "$counted"
    wait "$plain" "$counted" || true
    off=$(printf '%s\n' "${without[@]}" | median)
    on=$(printf '%s\n' "${with[@]}" | median)
    say "without statistics $off µs of processor per redirect (rounds: ${without[*]})"
    say "with               $on µs (rounds: ${with[*]})"
    say "more               $(awk -v a="$on" -v b="$off" 'BEGIN {printf "%.2f", a - b}') µs" \
        "(bound: 0.3)"
    say "files of counts    $(find "$site/spool" -name '*.hsp' | wc -l)"
    off=$(stats_instructions off)
    on=$(stats_instructions on)
    say "instructions       $off without, $on with: $((on - off)) more per redirect"
}
