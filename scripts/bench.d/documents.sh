# shellcheck shell=bash
# Measures the cost of one document of a file with hashes on all mirrors. Sourced by scripts/bench,
# whose variables and functions it uses.
# shellcheck disable=SC2154

# document SUFFIX STATUS: processor time per document in microseconds.
document() {
    sed "s/\$/.$1/" "$work/documents/paths.txt" >"$work/documents/$1.txt"
    "$release/examples/fcgi-load" --socket "$work/documents/fcgi.sock" --pid "$responder" \
        --paths "$work/documents/$1.txt" --pieces --params-file "$site/http.params" \
        --addresses "$site/addresses.txt" --status 200 --requests "${DOCUMENTS:-20000}" \
        --connections 16 | tee -a "$raw" | awk '$1 == "cpu_us_per_request" {print $2}'
}

documents() {
    say '' && say "== documents of files with hashes on $MIRRORS mirrors, over the socket"
    local folder=$work/documents round kind
    rm -rf "$folder"
    say "small site $("$release/examples/big-site" "$folder" 1000 "$MIRRORS" hashed)"
    cp "$site/clients.mmdb" "$folder"
    sed -i 's|^database.*|&\ngeoip = ["clients.mmdb"]|' "$folder/heliostat.toml"
    start documents "$release/heliostat-fcgi" --config "$folder/heliostat.toml"
    responder=$started
    await_file "$folder/fcgi.sock"
    local meta4=() metalink=() md5=()
    for round in $(seq "$ROUNDS"); do
        for kind in meta4 metalink md5; do
            echo "round $round: $kind" >>"$raw"
            local -n times=$kind
            times+=("$(document $kind)")
        done
    done
    say "cpu us a .meta4      $(printf '%s\n' "${meta4[@]}" | median)   (limit 60)"
    say "cpu us a .metalink   $(printf '%s\n' "${metalink[@]}" | median)"
    say "cpu us a .md5        $(printf '%s\n' "${md5[@]}" | median)"
    kill "$responder"
    rm -rf "$folder"
}
