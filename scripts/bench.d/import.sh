# shellcheck shell=bash
# Measures `heliostat import mirrorbrain` of a large dump. Sourced by scripts/bench, whose variables
# and functions it uses.
# shellcheck disable=SC2154

# large_dump FILES MIRRORS: a dump of pg_dump's form, each file on each mirror.
large_dump() {
    awk -v files="$1" -v mirrors="$2" 'BEGIN {
        print "--\n-- PostgreSQL database dump\n--\n"
        print "COPY public.server (id, identifier, baseurl, enabled) FROM stdin;"
        for (i = 1; i <= mirrors; i++) {
            printf "%d\tm%d.example\thttp://m%d.example/\tt\n", i, i, i
            all = all (i > 1 ? "," : "") i
        }
        print "\\.\n\nCOPY public.filearr (id, path, mirrors) FROM stdin;"
        for (i = 1; i <= files; i++)
            printf "%d\tpool/%d/%d/package-%d.deb\t{%s}\n", i, i % 7, i / 100, i, all
        print "\\.\n\n--\n-- PostgreSQL database dump complete\n--"
    }'
}

# import_once: seconds and largest memory in MiB of one import into a new database.
import_once() {
    python3 - "$release/heliostat" --config "$work/import.toml" import mirrorbrain --json "$1" \
        <<'PYTHON'
import resource, subprocess, sys, time
began = time.monotonic()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
seconds = time.monotonic() - began
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print("%.1f s, %d MiB (limits 30 s, 300 MiB)" % (seconds, peak))
PYTHON
}

import_dump() {
    say '' && say "== heliostat import mirrorbrain, 1,000,000 files on 60 mirrors"
    local dump=$work/import.sql round
    large_dump "${IMPORT_FILES:-1000000}" 60 >"$dump"
    for round in $(seq "$ROUNDS"); do
        rm -rf "$work/import"
        mkdir -p "$work/import/tree"
        printf '[site.main]\ntree = "%s/tree"\ndatabase = "%s/main.sqlite"\n' \
            "$work/import" "$work/import" >"$work/import.toml"
        say "round $round: $(import_once "$dump")"
    done
    rm -rf "$dump" "$work/import" "$work/import.toml"
}
