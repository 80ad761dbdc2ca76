# shellcheck shell=bash
# Measures a very large site: HUGE_FILES files (10,000,000) on HUGE_MIRRORS mirrors (300), of which
# HUGE_DISK files (20,000) are on the disk. The start with the file beside the database and without
# it, memory, redirects, 1 % of the catalogue changed, all mirrors changed, and a start after that.
# Needs 8 GB of room. Sourced by scripts/bench, whose variables and functions it uses.
# shellcheck disable=SC2154

HUGE_FILES=${HUGE_FILES:-10000000} HUGE_MIRRORS=${HUGE_MIRRORS:-300} HUGE_DISK=${HUGE_DISK:-20000}

huge() {
    local folder=$work/huge round spent=() began ended
    rm -rf "$folder"
    say '' && say "== $HUGE_FILES files on $HUGE_MIRRORS mirrors"
    began=$(date +%s.%N)
    say "$("$release/examples/big-site" "$folder" "$HUGE_FILES" "$HUGE_MIRRORS" "$HUGE_DISK")"
    ended=$(date +%s.%N)
    say "made in $(awk -v a="$began" -v b="$ended" 'BEGIN {printf "%.0f", b - a}') s;" \
        "database $(stat -c %s "$folder/bench.sqlite") bytes," \
        "table $(stat -c %s "$folder/bench.sqlite.files") bytes"
    clients | scripts/make-mmdb - "$folder/clients.mmdb"
    sed -i 's|^database.*|&\ngeoip = ["clients.mmdb"]|' "$folder/heliostat.toml"
    awk 'BEGIN {srand(7); for (i = 0; i < 20000; i++)
        printf "%d.%d.%d.%d\n", 1 + rand() * 222, rand() * 256, rand() * 256, rand() * 256}' \
        >"$folder/addresses.txt"
    grep -vE '^(HTTPS|REQUEST_SCHEME)=' tests/load/apache.params \
        | sed "s#=/srv/download#=$folder/tree#" >"$folder/http.params"
    mv "$folder/bench.sqlite.files" "$folder/aside"
    say 'without the file beside the database:'
    "$release/examples/start-speed" "$folder" "$release/heliostat-fcgi" 3 2>&1 | tee -a "$raw"
    mv "$folder/aside" "$folder/bench.sqlite.files"
    say 'with it:'
    "$release/examples/start-speed" "$folder" "$release/heliostat-fcgi" 7 2>&1 | tee -a "$raw"
    start huge "$release/heliostat-fcgi" --config "$folder/heliostat.toml"
    await_file "$folder/fcgi.sock"
    sleep 5
    for round in $(seq "$ROUNDS"); do
        spent+=("$("$release/examples/fcgi-load" --socket "$folder/fcgi.sock" --pid "$started" \
            --paths "$folder/paths.txt" --pieces --params-file "$folder/http.params" \
            --addresses "$folder/addresses.txt" --requests 100000 --connections 16 \
            | tee -a "$raw" | awk '$1 == "cpu_us_per_request" {print $2}')")
    done
    kill "$started"
    say "cpu us a redirect, random files   $(printf '%s\n' "${spent[@]}" | median)"
    say 'changes:'
    "$release/examples/start-speed" "$folder" "$release/heliostat-fcgi" 1 change 2>&1 \
        | tee -a "$raw"
    say 'a start that has to catch up, and finds its file too old:'
    "$release/examples/start-speed" "$folder" "$release/heliostat-fcgi" 1 2>&1 | tee -a "$raw"
    [ -n "${KEEP:-}" ] || rm -rf "$folder"
}
