# shellcheck shell=bash
# Measures scans of a fleet: FLEET mirrors of one tree of some 60,000 files, by rsync and over HTTP
# in separate runs, each twice. Sourced by scripts/bench, whose variables and functions it uses.
#
# FLEET_LIST is a list of the tree's files (path, size, separated by tabs, packed by gzip). Without
# it, the script invents a tree of 60,000 names. FLEET_HTTP mirrors are scanned over HTTP.
# shellcheck disable=SC2154

FLEET=${FLEET:-300}
FLEET_HTTP=${FLEET_HTTP:-$FLEET}
FLEET_LIST=${FLEET_LIST:-../shared/data/debian-pool.tsv.gz}

# Sparse files of the listed sizes.
fleet_tree() {
    if [ -e "$FLEET_LIST" ]; then
        zcat "$FLEET_LIST"
    else
        awk 'BEGIN {for (i = 0; i < 60000; i++) {
            d = int(i / 20)
            printf "pool/%02d/source-%04d/package-%05d.deb\t%d\n", d % 100, d, i, i * 977 % 9e6 + 1
        }}'
    fi | python3 -c '
import os, sys
made = set()
for line in sys.stdin:
    path, size = line.split("\t")[:2]
    if not size.strip().isdigit():
        continue
    path = os.path.join(sys.argv[1], path)
    folder = os.path.dirname(path)
    if folder not in made:
        os.makedirs(folder, exist_ok=True)
        made.add(folder)
    with open(path, "wb") as file:
        file.truncate(int(size))
    os.utime(path, (1700000000, 1700000000 + int(size) % 1000000))
' "$1"
}

# Mirrors are loopback addresses of their own; rsync answers for all of them on one.
fleet_servers() {
    local folder=$1 i
    {
        [ "$(id -u)" -ne 0 ] || echo 'user root;'
        cat <<EOF
daemon off; worker_processes 1; pid $folder/nginx.pid; error_log $folder/nginx.err;
events { worker_connections 4096; }
http {
    access_log $folder/access.log combined buffer=256k flush=1s;
    client_body_temp_path $folder; proxy_temp_path $folder; fastcgi_temp_path $folder;
    uwsgi_temp_path $folder; scgi_temp_path $folder; keepalive_requests 1000000;
    server {
EOF
        for i in $(seq "$FLEET"); do
            echo "        listen 127.77.$((i / 200)).$((i % 200 + 1)):18095;"
        done
        echo "        location / { root $folder/tree; autoindex on; autoindex_exact_size on; } } }"
    } >"$folder/nginx.conf"
    printf 'use chroot = no\nmax connections = 0\nlog file = /dev/null\n[tree]\npath = %s\n' \
        "$folder/tree" >"$folder/rsyncd.conf"
    # They stand for machines elsewhere: they get what time of one processor nobody else wants.
    start fleet-nginx taskset -c 0 chrt --idle 0 nginx -p "$folder" -c "$folder/nginx.conf"
    start fleet-rsyncd taskset -c 0 chrt --idle 0 rsync --daemon --no-detach \
        --address=127.0.0.1 --port=18096 --config="$folder/rsyncd.conf"
    await_file "$folder/nginx.pid"
}

# Runs a command as the shipped unit runs scans; prints seconds, processor seconds, peak KiB of all
# its processes together (looked at twice a second; a page that several share counts once), and KiB
# written.
fleet_run() {
    taskset -c 0 chrt --idle 0 python3 -c '
import os, resource, subprocess, sys, time
def resident(pid):
    try:
        shares = [line.split()[1] for line in open(f"/proc/{pid}/smaps_rollup") if "Pss:" in line]
        threads = os.listdir(f"/proc/{pid}/task")
        children = [open(f"/proc/{pid}/task/{each}/children").read() for each in threads]
    except OSError:
        return 0
    return sum(map(int, shares[:1])) + sum(resident(child) for child in " ".join(children).split())
began, peak = time.time(), 0
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
while process.poll() is None:
    peak = max(peak, resident(process.pid))
    time.sleep(0.5)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print("%.1f %.1f %d %d %d" % (time.time() - began, used.ru_utime + used.ru_stime,
                              max(peak, used.ru_maxrss), used.ru_oublock // 2, process.returncode))
' "$@"
}

# fleet_scan WHAT SITE MIRROR...: says what a scan of the mirrors took; sets $written, in KiB.
fleet_scan() {
    local what=$1 site=$2 took seconds cpu peak status before
    shift 2
    before=$(wc -l <"$folder/access.log" 2>/dev/null || echo 0)
    took=$(fleet_run "$release/heliostat-scan" --config "$folder/$site.toml" -e -qq "$@")
    read -r seconds cpu peak written status <<<"$took"
    sleep 1.5 # nginx writes its log each second.
    say "$what   $seconds s, processor $cpu s, peak $peak KiB (limit 204800)," \
        "written $written KiB, requests $(($(wc -l <"$folder/access.log") - before)), exit $status"
}

# fleet_site SITE NUMBER: a catalogue of the tree and that many mirrors of it; sets $names.
fleet_site() {
    local site=$1 i urls
    printf '[fcgi]\nlisten = "%s.sock"\n[site.fleet]\ntree = "tree"\ndatabase = "%s.sqlite"\n%s' \
        "$site" "$site" $'[site.fleet.rules]\nmin_size = 0\n' >"$folder/$site.toml"
    "$release/heliostat-index" --config "$folder/$site.toml" --no-hashes >>"$raw" 2>&1
    names=()
    for i in $(seq "$2"); do
        urls=(-H "http://127.77.$((i / 200)).$((i % 200 + 1)):18095/")
        [ "$site" = http ] || urls+=(-R rsync://127.0.0.1:18096/tree/)
        "$release/heliostat" --config "$folder/$site.toml" new "m$i.example.org" -c de \
            "${urls[@]}" >/dev/null
        names+=("m$i.example.org")
    done
}

# Latency of paced requests, p99 in microseconds.
fleet_latency() {
    "$release/examples/fcgi-load" --socket "$folder/rsync.sock" --paths "$folder/paths.txt" \
        --pieces --params-file "$folder/http.params" --status 302 --warm-up 200 --requests "$1" \
        --connections 1 --rest-us 2000 2>&1 \
        | tee -a "$raw" | awk '$1 == "latency_p99_us" {print $2}'
}

fleet() {
    say '' && say "== a fleet of $FLEET mirrors ($FLEET_HTTP of them over HTTP)"
    local folder=$work/fleet names=() written first idle busy scan site
    need_files nginx=nginx wget=wget
    rm -rf "$folder" && mkdir -p "$folder/tree"
    chmod o+x "$folder"
    fleet_tree "$folder/tree"
    (cd "$folder/tree" && find . -type f -printf '/%P\n') >"$folder/paths.txt"
    grep -vE '^(HTTPS|REQUEST_SCHEME)=' tests/load/apache.params \
        | sed "s#=/srv/download#=$folder/tree#" >"$folder/http.params"
    say "files $(wc -l <"$folder/paths.txt"), directories $(find "$folder/tree" -type d | wc -l)"
    fleet_servers "$folder"
    say "wget --spider -r of one mirror   $(fleet_run wget -q --spider -r -np -nd -e robots=off \
        -P "$folder/wget" "http://127.77.0.2:18095/") (s, processor s, KiB, KiB, exit)"
    say "rsync --list-only of one mirror  $(fleet_run rsync -r --list-only \
        rsync://127.0.0.1:18096/tree/) (s, processor s, KiB, KiB, exit)"
    for site in rsync http; do
        fleet_site "$site" "$([ "$site" = rsync ] && echo "$FLEET" || echo "$FLEET_HTTP")"
        # While a responder has the database open, its -shm file is not made anew by each run.
        start "fleet-$site" "$release/heliostat-fcgi" --config "$folder/$site.toml"
        await_file "$folder/$site.sock"
        fleet_scan "$site, first run" "$site" "${names[@]}"
        first=$written
        fleet_scan "$site, unchanged" "$site" "${names[@]}"
        say "written by the unchanged run   $(awk -v a="$written" -v b="$first" \
            'BEGIN {printf "%.2f", 100 * a / b}') % of the first (limit 1)"
        [ "$site" = rsync ] || continue
        idle=$(fleet_latency 5000)
        fleet_scan 'rsync, beside requests' rsync "${names[@]}" &
        scan=$!
        sleep 2
        busy=$(fleet_latency 5000)
        wait "$scan" || true
        say "responder p99   idle $idle us, while all mirrors are scanned $busy us," \
            "ratio $(ratio "$busy" "$idle") (limit 1.5)"
    done
    rm -rf "$folder"
}
