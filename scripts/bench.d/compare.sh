# shellcheck shell=bash
# Compares this tree with the commit BEFORE, each with its own responder, database and vhost, on the
# same files, in turns: processor time of the responder and of Apache, instructions and allocations
# a redirect. Sourced by scripts/bench, whose variables and functions it uses.
#
#   BEFORE=COMMIT [COMPARE_ROUNDS=20] [COMPARE_PARTS='alone counts apache'] scripts/bench compare
#
# In a round each side is measured twice, forth and back, so that what else the machine does hits
# all of them; a side is compared with the first one of its own round. The cost of a rule of
# this tree's vhost is measured by vhosts that lack it.
# shellcheck disable=SC2154

COMPARE_PARTS=${COMPARE_PARTS:-alone counts apache}
COMPARE_ROUNDS=${COMPARE_ROUNDS:-20} COMPARE_REQUESTS=${COMPARE_REQUESTS:-20000}

compares() { case " $COMPARE_PARTS " in *" $1 "*) true ;; *) false ;; esac; }

# turns UNIT MEASURE SIDE...: calls `MEASURE SIDE` in turns; says medians, and the median and
# quartiles of the differences to the first side in each round.
turns() {
    local unit=$1 measure=$2 round side value table=$work/turns.txt
    shift 2
    : >"$table"
    for round in $(seq "$COMPARE_ROUNDS"); do
        for side in "$@" $(printf '%s\n' "$@" | tac); do
            # An answer that is no redirect costs less and is no measurement.
            value=$("$measure" "$side") || return 1
            printf '%s %s %s\n' "$round" "$side" "$value" >>"$table"
        done
    done
    sed "s/^/$measure /" "$table" >>"$raw"
    for side in "$@"; do
        awk -v first="$1" -v side="$side" '
            {sum[$1 " " $2] += $3 / 2}
            END {
                for (key in sum) {
                    split(key, part, " ")
                    if (part[2] == side) print sum[key], sum[key] - sum[part[1] " " first],
                        sum[key] / sum[part[1] " " first]
                }
            }' "$table" >"$work/pairs.txt"
        say "$(printf '%-22s %9s %s   against %s: %+.2f (quartiles %+.2f … %+.2f), ratio %s' \
            "$side" "$(column 1 0.5)" "$unit" "$1" \
            "$(column 2 0.5)" "$(column 2 0.25)" "$(column 2 0.75)" "$(column 3 0.5)")"
    done
}

# column N SHARE: the quantile of a column of the pairs.
column() {
    cut -d' ' -f"$1" "$work/pairs.txt" | sort -g \
        | awk -v share="$2" '{v[NR] = $1} END {printf "%.3f", v[int(1 + share * (NR - 1) + 0.5)]}'
}

# spent PID...: nanoseconds on a processor of these processes and their children, all threads.
spent() {
    local pid child
    for pid in "$@"; do
        cat "/proc/$pid/task"/*/schedstat
        for child in $(cat "/proc/$pid/task"/*/children); do
            cat "/proc/$child/task"/*/schedstat
        done
    done | awk '{n += $1} END {printf "%.0f", n}'
}

# The tree and release of a side.
tree_of() { if [ "$1" = before ]; then echo "$other"; else echo "$PWD"; fi; }
release_of() { if [ "$1" = before ]; then echo "$other/target/release"; else echo "$release"; fi; }

build_before() {
    : "${BEFORE:?scripts/bench compare needs BEFORE=COMMIT}"
    other=$work/before-$(git rev-parse --short "$BEFORE")
    [ -e "$other" ] || git worktree add --detach "$other" "$BEFORE"
    (cd "$other" && CARGO_TARGET_DIR=$(pwd -P)/target \
        cargo build --release --locked --quiet --bins --examples)
    say "compared   $(git -C "$other" rev-parse --short HEAD) (before) with" \
        "$(git rev-parse --short HEAD) (after), $COMPARE_ROUNDS rounds"
}

# make_side SIDE KIND FILES [hashed]: a database of that commit about the files of `after`.
make_side() {
    local folder=$work/compare/$2-$1
    if [ -e "$folder/paths.txt" ]; then
        # An earlier run of another commit made it: the schema may have changed since.
        "$(release_of "$1")/heliostat" --config "$folder/heliostat.toml" list >/dev/null
        return 0
    fi
    say "$2 site of $1   $("$(release_of "$1")/examples/big-site" "$folder" "$3" "$MIRRORS" ${4:-})"
    local places=$work/compare/clients.mmdb
    [ -e "$places" ] || clients | scripts/make-mmdb - "$places"
    if [ "$1" = before ]; then rm -rf "$folder/tree"; fi
    sed -i -e "s|^tree = .*|tree = \"$work/compare/$2-after/tree\"|" \
        -e 's|^database.*|&\ngeoip = ["../clients.mmdb"]|' "$folder/heliostat.toml"
}

# lists KIND: what is asked for and by whom.
lists() {
    local folder=$work/compare/$1-after
    shuf -n 50000 --random-source=<(yes) "$folder/paths.txt" >"$folder/random.txt"
    sed -n "$(($(wc -l <"$folder/paths.txt") / 2))p" "$folder/paths.txt" >"$folder/hot.txt"
    awk 'BEGIN {srand(7); for (i = 0; i < 20000; i++)
        printf "%d.%d.%d.%d\n", 1 + rand() * 222, rand() * 256, rand() * 256, rand() * 256}' \
        >"$folder/addresses.txt"
    grep -vE '^(HTTPS|REQUEST_SCHEME)=' tests/load/apache.params \
        | sed "s#=/srv/download#=$folder/tree#" >"$folder/http.params"
}

declare -A responder_of constant_of apache_of port_of

start_side() {
    local side=$1 kind=$2 folder=$work/compare/$2-$1
    rm -f "$folder"/*.sock
    start "compare-$kind-$side" "$(release_of "$side")/heliostat-fcgi" \
        --config "$folder/heliostat.toml"
    responder_of[$kind-$side]=$started
    start "constant-$side" "$(release_of "$side")/examples/fcgi-constant" \
        --socket "$folder/constant.sock"
    constant_of[$side]=$started
    await_file "$folder/fcgi.sock"
    await_file "$folder/constant.sock"
    chmod o+rw "$folder"/*.sock
}

# drive SOCKET PID PATHS: microseconds per request.
drive() {
    local folder=$work/compare/large-after
    "$release/examples/fcgi-load" --socket "$1" --pid "$2" --paths "$folder/$3.txt" --pieces \
        --params-file "$folder/http.params" --addresses "$folder/addresses.txt" \
        --requests "$COMPARE_REQUESTS" --connections 16 \
        | awk '$1 == "cpu_us_per_request" {print $2}'
}

random_file() { drive "$work/compare/large-$1/fcgi.sock" "${responder_of[large-$1]}" paths; }
hot_file() { drive "$work/compare/large-$1/fcgi.sock" "${responder_of[large-$1]}" hot; }
constant() { drive "$work/compare/large-$1/constant.sock" "${constant_of[$1]}" hot; }

# await_redirect SOCKET: until a responder has its catalogue and redirects, for 5 minutes at most.
await_redirect() {
    for _ in $(seq 100); do
        ! "$release/examples/fcgi-load" --socket "$1" --connections 1 --warm-up 0 --requests 1 \
            --paths "$work/compare/large-after/hot.txt" \
            --params-file "$work/compare/large-after/http.params" 2>/dev/null \
            | grep -q '^failed *0\.0' || return 0
        sleep 3
    done
    echo "$0: no redirect over $1 under valgrind" >&2
    return 1
}

# counted TOOL SIDE REQUESTS: what valgrind counts of a responder from start to end.
counted() {
    local folder=$work/compare/large-$2 log=$work/compare/valgrind.log pid
    sed 's|fcgi.sock|valgrind.sock|' "$folder/heliostat.toml" >"$folder/valgrind.toml"
    rm -f "$folder/valgrind.sock"
    valgrind --tool="$1" "${tool_options[@]}" "$(release_of "$2")/heliostat-fcgi" \
        --config "$folder/valgrind.toml" 2>"$log" &
    pid=$!
    await_file "$folder/valgrind.sock"
    # The keeper's first load is counted in both runs, whole.
    await_redirect "$folder/valgrind.sock"
    "$release/examples/fcgi-load" --socket "$folder/valgrind.sock" --pieces --connections 4 \
        --paths "$work/compare/large-after/paths.txt" --warm-up 100 --requests "$3" \
        --params-file "$work/compare/large-after/http.params" \
        --addresses "$work/compare/large-after/addresses.txt" >>"$raw"
    kill "$pid"
    wait "$pid" || true
    tr -d , <"$log" | tee -a "$raw" | awk '/Collected :/ {n = $4} /total heap usage:/ {n = $5}
        END {print n}'
}

# each TOOL SIDE: that of one redirect: the difference of a long run and a short one.
each() {
    local short long
    short=$(counted "$1" "$2" 1000)
    long=$(counted "$1" "$2" 11000)
    awk -v a="$long" -v b="$short" 'BEGIN {printf "%.1f", (a - b) / 10000}'
}

counts() {
    local side tool_options=()
    tool_options=(--callgrind-out-file=/dev/null)
    for side in before after; do
        say "instructions a redirect, $side   $(each callgrind "$side")"
    done
    tool_options=(--leak-check=no --undef-value-errors=no)
    for side in before after; do
        say "allocations a redirect, $side    $(each memcheck "$side")"
    done
}

# vhost NAME KIND PORT [SED...]: Apache with the vhost of a commit, changed by expressions of sed.
vhost() {
    local name=$1 kind=$2 port=$3 side=after share=$work/compare/conf-$1
    shift 3
    if [ "$name" = before ]; then side=before; fi
    rm -rf "$share"
    cp -r "$(tree_of "$side")/apache-conf" "$share"
    local expression
    for expression in "$@"; do sed -i -E "$expression" "$share"/heliostat-*.conf; done
    apache "$kind-$name" "$port" "$work/compare/$kind-$side/fcgi.sock" "$share" \
        "$work/compare/$kind-after/tree"
    apache_of[$name]=$started port_of[$name]=$port
}

# served SIDE [SUFFIX]: microseconds of Apache's processes a request.
served() {
    local folder=$work/compare/$kind-after began ended
    began=$(spent "${apache_of[$1]}")
    wrk -t 1 -c 16 -d "${SECONDS_EACH}s" -s scripts/bench.d/random.lua \
        "http://127.0.0.1:${port_of[$1]}" -- \
        "$folder/random.txt" "$folder/addresses.txt" '' "${2:-}" >"$work/compare/wrk.txt"
    ended=$(spent "${apache_of[$1]}")
    awk -v n="$((ended - began))" '/requests in/ {r = $1} /Non-2xx/ {bad = $0}
        END {if (bad) print bad >"/dev/stderr"; printf "%.3f", n / r / 1000}' \
        "$work/compare/wrk.txt"
}

redirects() { served "$1"; }
md5_documents() { served "$1" .md5; }
meta4_documents() { served "$1" .meta4; }

# Edits of sed, each of which takes one rule out of the vhost.
LINES='/^(Header always (add|unset) (.-)?(Link|Digest)|    SetEnv HELIOSTAT_LINES)/d'
ENCODING='/^    <If .*HELIOSTAT_ENCODED/,/^    <\/If>/d'
ACCESS_U="s/-U escape\('\\\$1'\)/-n '\$1'/"
ACCESS_F="s/-F '\\\$1'/-n '\$1'/"

compare_apache() {
    local kind=large
    chmod o+x "$work" "$work/compare" "$work/compare"/*-* 2>/dev/null || true
    vhost before large 18101
    vhost after large 18102
    vhost without-lines large 18103 "$LINES"
    vhost without-encoding large 18104 "$ENCODING"
    DEFINES='Define HELIOSTAT_NO_LOG' vhost without-log large 18105
    say '' && say '== Apache, a redirect (mod_proxy_fcgi, each its own vhost)'
    turns 'us' redirects before after without-lines without-encoding without-log
    kind=small
    vhost before small 18111
    vhost after small 18112
    vhost without-U small 18113 "$ACCESS_U"
    vhost without-U-and-F small 18114 "$ACCESS_U" "$ACCESS_F"
    say '' && say '== Apache, a document (.md5, then .meta4)'
    turns 'us' md5_documents before after without-U without-U-and-F
    turns 'us' meta4_documents before after without-U without-U-and-F
}

compare() {
    local side
    build_before
    mkdir -p "$work/compare"
    for side in after before; do
        make_side "$side" large "$FILES"
        make_side "$side" small 1000 hashed
    done
    lists large
    lists small
    for side in before after; do
        start_side "$side" small
        start_side "$side" large
    done
    if compares alone; then
        say '' && say '== responder alone, a redirect'
        say "random files:" && turns us random_file before after
        say "one hot file:" && turns us hot_file before after
        say "a constant:" && turns us constant before after
    fi
    if compares counts && type valgrind >/dev/null 2>&1; then counts; fi
    if compares apache; then compare_apache; fi
    [ -n "${KEEP:-}" ] || rm -rf "$work/compare"
}
